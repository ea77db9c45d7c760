/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside: the guest's kernel as the host sees it in memory: symbols of the
 * image, the slide, page tables of a vCPU. After the machine has stopped, or
 * while it is parked.
 */
#ifndef VMTAP_RUNNER_INSIDE_H
#define VMTAP_RUNNER_INSIDE_H

#include "freeze/kread.h"

struct buf;
struct diag;
struct kimage;
struct machine;

struct inside {
	struct ksym *sym;
	struct kread k;
};

/**
 * inside_open() - find the kernel in guest memory
 * The slide is the machine's own, or LSTAR's where the kernel drew it.
 * Return: 0; -ENOENT no symbols; -ENXIO the kernel has not set itself up;
 * -errno. inside_close() in every case.
 */
int inside_open(struct inside *in, struct machine *m,
		const struct kimage *image, struct diag *d);
/**
 * inside_open_live() - the same while the vCPUs run
 * Of a kernel that was placed by us all is known; of any other the vCPUs are
 * parked once for their registers, where @may_park.
 * Return: as inside_open(); -EBUSY it takes parking; -ESHUTDOWN it has ended.
 */
int inside_open_live(struct inside *in, struct machine *m,
		     const struct kimage *image, bool may_park, struct diag *d);
void inside_close(struct inside *in);

/** inside_dmesg() - append the kernel's log buffer as text; 0 or -errno */
int inside_dmesg(const struct inside *in, struct buf *out, struct diag *d);

#endif
