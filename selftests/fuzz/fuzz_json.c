// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as JSON: what reads is written and read again as the same; as a
 * report it goes through the TAP block; and as a string it comes back exactly.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/block.h"
#include "runner/invariant.h"
#include "runner/report.h"
#include "runner/tap.h"
#include "runner/tapread.h"
#include "runner/value.h"
#include "vmm/base/buf.h"
#include "vmm/base/util.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_block(const struct value *v)
{
	struct report *r = report_create("fuzz", 2);
	struct buf out = { 0 };
	size_t i, line = 0;

	value_free(r->block);
	r->block = v->type == VALUE_MAP ? value_copy(v) : value_map();
	r->result = value_map();
	value_set(r->result, "stats", value_copy(v));
	if (v->type == VALUE_STR)
		value_set(r->result, "output", value_copy(v));
	BUG_ON(block_print(r, 1, true, 2, &out));
	BUG_ON(out.len > TAP_MAX_BLOCK);
	for (i = 0; i < out.len; i++) {
		u8 c = (u8)out.data[i];

		BUG_ON(c < 0x20 && c != '\n');
		line = c == '\n' ? 0 : line + 1;
		BUG_ON(line > TAP_MAX_LINE);
	}
	buf_reset(&out);
	report_destroy(r);
}

static void check_value(const struct value *v)
{
	struct value *back = NULL, *list = NULL;
	struct buf text = { 0 };

	BUG_ON(value_to_json(v, 1, &text));
	BUG_ON(value_from_json(text.data, text.len, &back, NULL));
	BUG_ON(!value_equal(v, back));
	if (v->type == VALUE_MAP && !invariants_check(v, &list))
		value_free(list);
	check_block(v);
	value_free(back);
	buf_reset(&text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct value *v = NULL;
	struct report *r;
	struct tap_doc doc;
	char *text;

	if (!value_from_json((const char *)data, size, &v, NULL)) {
		check_value(v);
		if (!report_from_value(v, &r, NULL))
			report_destroy(r);
		value_free(v);
	}
	v = value_bytes(data, size);
	check_value(v);
	value_free(v);
	text = strndup((const char *)data, size);
	if (text && !tap_doc_parse(text, strlen(text), "fuzz", &doc, NULL))
		tap_doc_reset(&doc);
	free(text);
	return 0;
}
