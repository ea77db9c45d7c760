// SPDX-License-Identifier: GPL-2.0-only
/* PID 1 of the nested host. */
int main(void)
{
	return 0;
}
