/* SPDX-License-Identifier: GPL-2.0-only */
/* disk: a scenario's disk as a block backend. */
#ifndef VMTAP_RUNNER_DISK_H
#define VMTAP_RUNNER_DISK_H

struct blkback;
struct diag;
struct scen_disk;

/**
 * disk_open() - scratch, the image itself, or a private copy of it
 * @dir: for scratch files, which go away with the process; NULL: in memory
 * An image is written only where the scenario says `rw: true`.
 * Return: 0 and @ret (blkback_destroy(), or a device takes it), -errno.
 */
int disk_open(struct blkback **ret, const struct scen_disk *disk,
	      const char *dir, struct diag *d);

#endif
