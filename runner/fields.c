// SPDX-License-Identifier: GPL-2.0-only
/* The catalogue as a table, and what is derived from it; see fields.h. */
#include "runner/fields.h"

#include "vmm/base/util.h"

const struct field fields[] = {
#define FIELD(n, t, u, s, b, d, a) \
	{ n, FIELD_##t, u, SHOW_##s, BETTER_##b, d, a },
#include "runner/fields.def"
#undef FIELD
};

const size_t fields_count = ARRAY_SIZE(fields);
