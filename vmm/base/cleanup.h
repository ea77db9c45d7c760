/* SPDX-License-Identifier: GPL-2.0-only */
/* Scope-bound cleanup for locals, in the manner of the kernel's cleanup.h. */
#ifndef VMTAP_BASE_CLEANUP_H
#define VMTAP_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define __free(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Hand the value on and disarm the cleanup of a pointer or of an fd. */
#define take_ptr(p) ({ typeof(p) __taken = (p); (p) = NULL; __taken; })
#define take_fd(fd) ({ int __taken = (fd); (fd) = -1; __taken; })

#endif
