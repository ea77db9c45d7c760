/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvmioctl: ioctl(2) in front of libc's, that gives what is meant for KVM to
 * the fake_ioctl() of the test that includes this.
 */
#ifndef VMTAP_SELFTESTS_KVMIOCTL_H
#define VMTAP_SELFTESTS_KVMIOCTL_H

#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fake_ioctl(unsigned long request, long arg);

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long arg;

	va_start(ap, request);
	arg = va_arg(ap, long);
	va_end(ap);
	if ((request >> 8 & 0xff) == KVMIO)
		return fake_ioctl(request, arg);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

#endif
