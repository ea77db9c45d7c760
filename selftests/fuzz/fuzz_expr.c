// SPDX-License-Identifier: GPL-2.0-only
/* Any text as a check, evaluated on a result that holds every kind of value. */
#include <stdlib.h>
#include <string.h>

#include "runner/expr.h"
#include "runner/value.h"
#include "vmm/base/util.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const char sample[] =
	"{\"success\":true,\"exit_code\":-1,\"duration_ms\":1500,\"output\":\"a\\nb\\u0000c\","
	"\"virtio_blk\":{\"io_errors\":0,\"bytes_read\":9223372036854775807},"
	"\"kvm\":{\"exits\":3,\"avg\":{\"exits\":1},\"vcpu\":[{\"exits\":1},{\"exits\":2},null]},"
	"\"kaslr\":{\"state\":\"on\",\"offset\":\"0xffffffff81000000\"},"
	"\"monitor\":{\"max_imbalance_ratio\":1.5},"
	"\"periodic\":{\"captures\":[{\"x\":1},{\"x\":null},{\"y\":[]}]},"
	"\"snapshots\":{\"a\":{\"l\":[1,\"x\",[2,[3]],{\"k\":1.5}],\"maps\":{\".bss\":{\"v\":1}}}},"
	"\"stats\":{\"s\":{\"n\":[1,2,3],\"t_ns\":5}},\"verifier\":[]}";

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct value *result;
	struct expr_error err;
	struct expr_result r;
	struct expr *e;
	char *text;

	if (!result)
		value_from_json(sample, sizeof(sample) - 1, &result, NULL);
	text = strndup((const char *)data, size);
	if (!text)
		return 0;
	if (expr_parse(text, &e, &err)) {
		/* The place lies within the text, and there is a sentence. */
		BUG_ON(!*err.msg);
		BUG_ON(err.off + err.len > strlen(text));
	} else {
		if (!expr_eval(e, result, &r)) {
			BUG_ON((r.status == EXPR_VALUE) != !!r.value);
			BUG_ON((r.status != EXPR_VALUE) != !!r.message);
			BUG_ON(r.off + r.len > strlen(text));
			expr_result_reset(&r);
		}
		expr_destroy(e);
	}
	free(text);
	return 0;
}
