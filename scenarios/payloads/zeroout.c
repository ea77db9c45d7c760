// SPDX-License-Identifier: GPL-2.0-only
/*
 * zeroout FILE OFFSET LENGTH: on a disk one T_WRITE_ZEROES. Linux asks for it
 * on behalf of a punched hole, and there it does not fall back to writing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: zeroout FILE OFFSET LENGTH\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				strtoll(argv[2], NULL, 0),
				strtoll(argv[3], NULL, 0))) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
