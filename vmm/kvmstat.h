/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvmstat: KVM's binary statistics (KVM_GET_STATS_FD, Linux 5.14). Scalars
 * only; histograms are skipped. Spec: Documentation/virt/kvm/api.rst 4.133.
 */
#ifndef VMTAP_VMM_KVMSTAT_H
#define VMTAP_VMM_KVMSTAT_H

#include "vmm/machine.h"

struct kvmstat {
	int fd;				/* -1: the host has none */
	struct machine_stat *stats;	/* nr of them */
	u64 *offsets;			/* in the file */
	char *names;			/* backs stats[].name */
	unsigned int nr;
};

/**
 * kvmstat_open() - of a vCPU; before its thread runs
 * A host without them is no error: then @st is empty. 0 or -ENOMEM, -EIO.
 */
int kvmstat_open(struct kvmstat *st, int vcpu_fd, struct diag *d);
/** kvmstat_read() - take the values; 0 or -errno */
int kvmstat_read(struct kvmstat *st);
void kvmstat_close(struct kvmstat *st);

/**
 * kvmstat_parse() - index the descriptors of an open stats file
 * @fd: any file of that format; becomes @st's on success
 */
int kvmstat_parse(struct kvmstat *st, int fd, struct diag *d);

#endif
