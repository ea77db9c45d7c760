// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestroot: the initramfs that a scenario's guest boots from, as a file, so
 * that another VMM can boot the same one. Prints the kernel image's path.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner/guestfs.h"
#include "runner/initramfs.h"
#include "runner/kernel.h"
#include "runner/plan.h"
#include "runner/problem.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"

static int save(const struct scenario *s, const struct kernel *k,
		const char *path, struct diag *d)
{
	struct guestfs guest;
	void *data = NULL;
	u64 size;
	int err = guestfs_build(&guest, s, k, NULL, 1, d);

	if (!err) {
		size = initramfs_size(guest.fs);
		data = calloc(1, size);
		err = data ? initramfs_write(guest.fs, data, size, d) :
		      diag_fail(d, -ENOMEM, NULL, "no memory");
		if (!err)
			err = io_write_file(path, data, size, d);
	}
	free(data);
	guestfs_deinit(&guest);
	return err;
}

int main(int argc, char **argv)
{
	struct problems problems = { 0 };
	struct plan_opts opts = { 0 };
	struct plan plan = { 0 };
	struct kernel *kernel = NULL;
	struct diag d = { 0 };
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: guestroot SCENARIO KERNEL INITRAMFS\n");
		return 64;
	}
	err = plan_opts_add_path(&opts, argv[1]);
	if (!err)
		err = plan_make(&opts, &problems, &plan);
	problems_print(&problems, stderr);
	if (!err)
		err = kernel_find(argv[2], &kernel, &d);
	if (!err)
		err = save(plan.cases[0].scenario, kernel, argv[3], &d);
	if (!err)
		puts(kernel->image);
	else if (d.msg)
		fprintf(stderr, "guestroot: %s\n", diag_text(&d));
	diag_reset(&d);
	kernel_put(kernel);
	plan_destroy(&plan);
	plan_opts_reset(&opts);
	problems_reset(&problems);
	return err ? 1 : 0;
}
