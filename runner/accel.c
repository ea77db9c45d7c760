// SPDX-License-Identifier: GPL-2.0-only
/* Where guests run on this machine; see accel.h. */
#include "runner/accel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/nested.h"
#include "vmm/base/diag.h"
#include "vmm/probe.h"

static const char *const accel_names[] = {
	[ACCEL_AUTO] = "auto", [ACCEL_KVM] = "kvm", [ACCEL_NESTED] = "nested",
};

const char *accel_name(enum accel accel)
{
	return accel_names[accel];
}

int accel_parse(const char *text, enum accel *out, struct diag *d)
{
	enum accel a;

	for (a = ACCEL_AUTO; a <= ACCEL_NESTED; a++) {
		if (strcmp(text, accel_names[a]))
			continue;
		*out = a;
		return 0;
	}
	return diag_fail(d, -EINVAL, NULL,
			 "--accel: '%s' is none of auto, kvm, nested", text);
}

/* 0 where /dev/kvm runs kernels; else the reason in @d. */
static int try_kvm(struct diag *d)
{
	struct probe p;
	int err = probe_run(NULL, &p, d);

	if (err)
		return err;
	if (!p.usable)
		return diag_fail(d, -ENOTSUP, NULL,
				 "/dev/kvm opens but cannot run a kernel: %s",
				 p.reason);
	return 0;
}

static int choose(struct accel_choice *out, enum accel accel, const char *why,
		  struct diag *d)
{
	char *reason = strdup(why);

	if (!reason)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	*out = (struct accel_choice){ accel, reason };
	return 0;
}

int accel_choose(enum accel want, struct accel_choice *out, struct diag *d)
{
	struct diag kvm = { 0 };
	int err;

	if (want == ACCEL_NESTED) {
		err = nested_available(d);
		return err ? err : choose(out, want, "asked for", d);
	}
	err = try_kvm(&kvm);
	if (!err) {
		err = choose(out, ACCEL_KVM, "a probe guest ran", d);
	} else if (want == ACCEL_KVM) {
		diag_fail(d, err, NULL, "%s", diag_text(&kvm));
	} else if (nested_available(d)) {
		err = diag_wrap(d, -ENOTSUP, "%s; and no nested host",
				diag_text(&kvm));
	} else {
		err = choose(out, ACCEL_NESTED, diag_text(&kvm), d);
	}
	diag_reset(&kvm);
	return err;
}

void accel_choice_reset(struct accel_choice *c)
{
	free(c->reason);
	*c = (struct accel_choice){ 0 };
}
