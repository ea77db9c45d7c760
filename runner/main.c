// SPDX-License-Identifier: GPL-2.0-only
/* The program: verbs and exit statuses. */
#include <stdio.h>

int main(void)
{
	fputs("vmtap: nothing to run yet\n", stderr);
	return 70;
}
