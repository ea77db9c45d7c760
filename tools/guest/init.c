// SPDX-License-Identifier: GPL-2.0-only
/* The guest agent: PID 1 in the VM. */
int main(void)
{
	return 0;
}
