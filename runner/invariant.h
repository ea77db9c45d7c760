/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * invariant: what must hold in every result whatever the guest did. A breach
 * is vmtap's own fault: outcome error, never the guest's failure.
 */
#ifndef VMTAP_RUNNER_INVARIANT_H
#define VMTAP_RUNNER_INVARIANT_H

#include <stddef.h>

struct value;

/**
 * invariants_check() - pure
 * @breaches: list of sentences, with the values; caller frees; set on 0
 * Return: 0 or -ENOMEM; the number of breaches is the list's length.
 */
int invariants_check(const struct value *result, struct value **breaches);

#endif
