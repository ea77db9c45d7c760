/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * accel: where guests run on this machine. `kvm` is /dev/kvm, `nested` a host
 * VM under software emulation (runner/nested.h), `auto` takes kvm where a
 * probe guest shows that it works and nested where it does not.
 */
#ifndef VMTAP_RUNNER_ACCEL_H
#define VMTAP_RUNNER_ACCEL_H

struct diag;

enum accel { ACCEL_AUTO, ACCEL_KVM, ACCEL_NESTED };

struct accel_choice {
	enum accel accel;	/* ACCEL_KVM or ACCEL_NESTED */
	char *reason;		/* one clause: why this one; accel_choice_reset() */
};

/**
 * accel_choose() - decide, by a probe of a few milliseconds
 * @want: what the user asked for
 * @out: written on success. Return: 0; -ENODEV /dev/kvm is missing, -EACCES
 * it may not be opened, -ENOTSUP it does not work (ACCEL_KVM asked for, or
 * nested is not available either): the message has the reason of each.
 */
int accel_choose(enum accel want, struct accel_choice *out, struct diag *d);
void accel_choice_reset(struct accel_choice *c);

/** accel_parse() - "auto", "kvm", "nested"; 0 or -EINVAL */
int accel_parse(const char *text, enum accel *out, struct diag *d);
const char *accel_name(enum accel accel);

#endif
