/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside: the guest's kernel as the host sees it in memory, one per machine,
 * shared by all who read: symbols of the image, the slide, the kernel's page
 * tables, its types. Each part is found when it is first asked for, and kept.
 *
 * Context: any thread; what inside_kread() hands out may be used by several
 * threads at once, until inside_deinit().
 */
#ifndef VMTAP_RUNNER_INSIDE_H
#define VMTAP_RUNNER_INSIDE_H

#include <pthread.h>

#include "freeze/kread.h"

struct buf;
struct diag;
struct kimage;
struct machine;

struct inside {
	struct machine *m;
	const struct kimage *image;	/* NULL: could not be unpacked here */

	/* private */
	pthread_mutex_t lock;
	struct ksym *sym;
	struct ktype *types;
	bool no_types;			/* the image has none */
	struct kread k;			/* without types; while open */
	bool open;
};

/* vCPUs come at once, but for a host that is busy, or stood still itself. */
#define INSIDE_PARK_NS (10 * NSEC_PER_SEC)

#define INSIDE_TYPES 1		/* BTF too; that of a new image is parsed first */
#define INSIDE_PARK 2		/* may stop the vCPUs for a moment, see below */

/** inside_init() - nothing is read yet; both pointers outlive it */
void inside_init(struct inside *in, struct machine *m,
		 const struct kimage *image);
/** inside_deinit() - fine where it was zeroed and never initialised */
void inside_deinit(struct inside *in);

/**
 * inside_kread() - a reader of the guest's kernel, to be copied as it likes
 * Of a kernel that we placed all is known. Of one that drew its own slide the
 * boot CPU's registers are needed once: they are to be had while the machine
 * is parked by the caller, after machine_join(), or with INSIDE_PARK.
 *
 * Return: 0; -EBUSY without the registers; -EAGAIN the vCPUs did not come, or
 * -ENXIO the kernel has not set itself up (ask again later); -ENOENT no image,
 * no symbols or no types; -errno.
 */
int inside_kread(struct inside *in, unsigned int want, struct kread *k,
		 struct diag *d);

/**
 * inside_dmesg() - append the kernel's log buffer as text
 * @k: without types a kernel's that has come to its VMCOREINFO. Return: 0; -errno.
 */
int inside_dmesg(const struct kread *k, struct buf *out, struct diag *d);

#endif
