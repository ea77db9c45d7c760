// SPDX-License-Identifier: GPL-2.0-only
/* expr: each operator and function, types, units, absence, and positions. */
#include "runner/expr.h"

#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

static const char *const sample =
	"{\"success\": true, \"exit_code\": -3, \"duration_ms\": 1500,"
	" \"stage\": \"payload\", \"verdict_via\": \"port1\","
	" \"output\": \"256+0 records in\\nsum: 42\\nlast\", \"stderr\": \"\","
	" \"virtio_blk\": {\"reads_completed\": 256, \"bytes_read\": 1048576,"
	"   \"io_errors\": 0}, \"virtio_net\": null,"
	" \"kvm\": {\"exits\": 30, \"halt_wait_ns\": 2000000, \"avg\": {\"exits\": 15},"
	"   \"vcpu\": [{\"exits\": 10, \"hypercalls\": 1}, {\"exits\": 20}]},"
	" \"kaslr\": {\"state\": \"on\", \"enabled\": true, \"offset\": \"0x1c000000\"},"
	" \"monitor\": {\"max_imbalance_ratio\": 2.5, \"samples\": 9223372036854775807},"
	" \"snapshots\": {\"end\": {\"maps\": {\".bss\": {\"hits\": 7}},"
	"   \"jiffies\": \"0xffffffff81000000\", \"list\": [1, 2, 3],"
	"   \"ns\": [{\"wait_ns\": 5}]}},"
	" \"periodic\": {\"target\": 3, \"fired\": 3, \"captures\":"
	"   [{\"x\": 1, \"phase\": \"a\", \"guest_ns\": 1000000000},"
	"    {\"x\": 1, \"phase\": \"b\", \"guest_ns\": 2000000000,"
	"     \"maps\": {\"p.bss\": {\"hits\": 3}, \"c\": [{\"n\": 8}]},"
	"     \"reads\": {\"rq[cpu=1].nr\": 6}},"
	"    {\"placeholder\": true, \"x\": 9},"
	"    {\"x\": 4, \"phase\": \"b\", \"guest_ns\": 3000000000,"
	"     \"maps\": {\"p.bss\": {\"hits\": 5}, \"c\": [{\"n\": 9}]},"
	"     \"reads\": {\"rq[cpu=1].nr\": 7}}]},"
	" \"stats\": {\"a\": {\"b\": [[1, 2], [3]]}},"
	" \"absent\": {\"virtio_net\": \"the scenario's net was refused\"}}";

FIXTURE(expr) {
	struct value *result;
};

FIXTURE_SETUP(expr)
{
	self->result = NULL;
	ASSERT_EQ(0, value_from_json(sample, strlen(sample), &self->result,
				     NULL));
}

FIXTURE_TEARDOWN(expr)
{
	value_free(self->result);
}

/* The JSON of the value, "ABSENT: why", "ERROR: why" or "BAD off: why". */
static char *eval(const struct value *result, const char *text)
{
	struct expr_error err;
	struct expr_result r;
	struct buf out = { 0 };
	struct expr *e;

	if (expr_parse(text, &e, &err)) {
		buf_printf(&out, "BAD %zu+%zu: %s", err.off, err.len, err.msg);
		return buf_steal(&out);
	}
	if (expr_eval(e, result, &r)) {
		buf_puts(&out, "NO MEMORY");
	} else {
		if (r.status == EXPR_VALUE)
			value_to_json(r.value, 0, &out);
		else
			buf_printf(&out, "%s: %s", r.status == EXPR_ABSENT ?
				   "ABSENT" : "ERROR", r.message);
		expr_result_reset(&r);
	}
	expr_destroy(e);
	return buf_steal(&out);
}

struct vector {
	const char *text;
	const char *wanted;	/* a "*" at the end: only the beginning counts */
};

#define CHECK_VECTORS(v)						\
	for (size_t vi = 0; vi < sizeof(v) / sizeof((v)[0]); vi++) {	\
		char *seen = eval(self->result, (v)[vi].text);		\
		size_t len = strlen((v)[vi].wanted);			\
		bool part = len && (v)[vi].wanted[len - 1] == '*';	\
									\
		if (part ? strncmp(seen, (v)[vi].wanted, len - 1) :	\
			   strcmp(seen, (v)[vi].wanted))		\
			TH_LOG("%s", (v)[vi].text);			\
		if (part)						\
			seen[min(strlen(seen), len - 1)] = '\0';	\
		EXPECT_EQ(0, strncmp((v)[vi].wanted, seen,		\
				     part ? len - 1 : len + 1)) {	\
			TH_LOG("wanted %s, seen %s", (v)[vi].wanted, seen); \
		}							\
		free(seen);						\
	}

TEST_F(expr, literals)
{
	static const struct vector v[] = {
		{ "42", "42" }, { "0", "0" }, { "0x1f", "31" },
		{ "0XFF", "255" }, { "4K", "4096" }, { "2M", "2097152" },
		{ "1G", "1073741824" }, { "1.5", "1.5" }, { "true", "true" },
		{ "false", "false" }, { "\"a\\\"b\\\\\\n\"", "\"a\\\"b\\\\\\n\"" },
		{ "'a\"b\\n'", "\"a\\\"b\\\\n\"" }, { "\"a\\.b\"", "\"a\\\\.b\"" },
		{ "18446744073709551615", "\"0xffffffffffffffff\"" },
		{ "9223372036854775807", "9223372036854775807" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, operators)
{
	static const struct vector v[] = {
		{ "7 + 3", "10" }, { "7 - 10", "-3" }, { "7 * 3", "21" },
		{ "7 / 2", "3" }, { "-7 / 2", "-3" }, { "7 % 4", "3" },
		{ "-7 % 4", "-3" }, { "1 == 1", "true" }, { "1 != 1", "false" },
		{ "1 < 2", "true" }, { "2 < 2", "false" }, { "2 <= 2", "true" },
		{ "3 <= 2", "false" }, { "3 > 2", "true" }, { "2 > 2", "false" },
		{ "2 >= 2", "true" }, { "1 >= 2", "false" },
		{ "1.5 + 1", "2.5" }, { "1 / 2.0", "0.5" }, { "1.5 > 1", "true" },
		{ "1.5 == 1.5", "true" }, { "2.5 * 2", "5.0" },
		{ "2.5 - 3", "-0.5" },
		{ "true && true", "true" }, { "true && false", "false" },
		{ "false || true", "true" }, { "false || false", "false" },
		{ "!true", "false" }, { "!!true", "true" }, { "-5", "-5" },
		{ "--5", "5" }, { "true == false", "false" },
		{ "true != false", "true" },
		{ "\"a\" == \"a\"", "true" }, { "\"a\" != \"b\"", "true" },
		{ "\"a\" == \"ab\"", "false" },
		{ "output =~ \"records in\"", "true" },
		{ "output =~ '^sum: [0-9]+$'", "true" },
		{ "output =~ '^last$'", "true" },
		{ "output =~ 'in$'", "true" },
		{ "output =~ 'in.sum'", "false" },
		{ "output !~ \"panic\"", "true" },
		{ "output !~ \"sum\"", "false" },
		{ "stderr =~ \"^$\"", "true" }, { "stderr =~ \"x\"", "false" },
		{ "output =~ \"SUM\"", "false" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, precedence)
{
	static const struct vector v[] = {
		{ "1 + 2 * 3", "7" }, { "(1 + 2) * 3", "9" },
		{ "10 - 4 - 3", "3" }, { "100 / 10 / 5", "2" },
		{ "2 * 3 % 4", "2" }, { "10 - 6 / 2", "7" },
		{ "-2 + 3", "1" }, { "- (2 + 3)", "-5" },
		{ "true || false && false", "true" },
		{ "(true || false) && false", "false" },
		{ "1 + 1 == 2 && 3 > 2", "true" },
		{ "!false && true", "true" }, { "!(false && true)", "true" },
		{ "(1 < 2) == (3 < 4)", "true" },
		{ "true == (1 < 2)", "true" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, arithmetic_is_checked)
{
	static const struct vector v[] = {
		{ "1 / 0", "ERROR: division by zero" },
		{ "1 % 0", "ERROR: division by zero" },
		{ "1.5 / 0", "ERROR: division by zero" },
		{ "1 / virtio_blk.io_errors", "ERROR: division by zero" },
		{ "18446744073709551615 + 1", "ERROR: the result does not fit*" },
		{ "18446744073709551615 * 18446744073709551615",
		  "ERROR: the result does not fit*" },
		{ "-9223372036854775807 - 2", "ERROR: the result does not fit*" },
		{ "-9223372036854775807 - 1", "-9223372036854775808" },
		{ "monitor.samples * 3", "ERROR: the result does not fit*" },
		{ "-18446744073709551615", "ERROR: the result does not fit*" },
		{ "18446744073709551616", "BAD 0+20: this number does not fit*" },
		{ "99999999999999999999999999999999999999999999",
		  "BAD 0+44: this number does not fit*" },
		{ "18446744073709551615G", "BAD 0+21: this number does not fit*" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, names)
{
	static const struct vector v[] = {
		{ "success", "true" }, { "exit_code", "-3" },
		{ "virtio_blk.reads_completed", "256" },
		{ "virtio_blk[\"reads_completed\"]", "256" },
		{ "kvm.vcpu[1].exits", "20" }, { "kvm.vcpu[-1].exits", "20" },
		{ "kvm.vcpu[0 + 1].exits", "20" }, { "kvm.avg.exits", "15" },
		{ "kvm.vcpu[].exits", "[10,20]" },
		{ "kaslr.offset", "\"0x1c000000\"" },
		{ "kaslr.offset % 2M == 0", "true" },
		{ "kaslr.offset == 0x1c000000", "true" },
		{ "kaslr.offset + 0", "469762048" },
		{ "snapshots.end.maps[\".bss\"].hits", "7" },
		{ "snapshots[\"end\"].list[1]", "2" },
		{ "snapshots.end.jiffies == 0xffffffff81000000", "true" },
		{ "snapshots.end.jiffies > 1", "true" },
		{ "stats.a.b[][]", "[1,2,3]" }, { "stats.a[]", "[[[1,2],[3]]]" },
		{ "stage == \"payload\"", "true" },
		{ "monitor.max_imbalance_ratio <= 2.5", "true" },
		{ "monitor.max_imbalance_ratio < 3", "true" },
		{ "kvm.exits == sum(kvm.vcpu[].exits)", "true" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, functions)
{
	static const struct vector v[] = {
		{ "len(\"abc\")", "3" }, { "len(kvm.vcpu)", "2" },
		{ "len(output)", "29" }, { "len(virtio_blk)", "3" },
		{ "sum(kvm.vcpu[].exits)", "30" }, { "sum(1, 2, 3)", "6" },
		{ "avg(kvm.vcpu[].exits)", "15" }, { "avg(1, 2)", "1" },
		{ "avg(1.0, 2)", "1.5" }, { "min(kvm.vcpu[].exits)", "10" },
		{ "max(kvm.vcpu[].exits)", "20" }, { "min(3, 1, 2)", "1" },
		{ "max(3, 1, 2)", "3" }, { "min(-1, 1)", "-1" },
		{ "max(-2, -1)", "-1" }, { "abs(exit_code)", "3" },
		{ "abs(-1.5)", "1.5" }, { "abs(5)", "5" },
		{ "any(kvm.vcpu[].exits > 15)", "true" },
		{ "any(kvm.vcpu[].exits > 25)", "false" },
		{ "all(kvm.vcpu[].exits > 5)", "true" },
		{ "all(kvm.vcpu[].exits > 15)", "false" },
		{ "kvm.vcpu[].exits * 2", "[20,40]" },
		{ "100 - kvm.vcpu[].exits", "[90,80]" },
		{ "kvm.vcpu[].exits == kvm.vcpu[].exits", "[true,true]" },
		{ "kvm.vcpu[].exits.max()", "20" },
		{ "snapshots[\"end\"].map(\".bss\").hits", "7" },
		{ "periodic.series(\"x\")", "[1,1,4]" },
		{ "periodic.series(\"x\").monotonic()", "true" },
		{ "monotonic(30 - kvm.vcpu[].exits)", "false" },
		{ "periodic.series(\"x\").rate()", "1.5" },
		{ "periodic.series(\"x\", \"b\")", "[1,4]" },
		{ "periodic.series(\"x\", \"b\").rate() == 3", "true" },
		{ "max(periodic.series(\"x\"))", "4" },
		{ "periodic.series(\"map(.bss).hits\", \"b\")", "[3,5]" },
		{ "periodic.series(\"map(\\\"c\\\")[0].n\", \"b\")", "[8,9]" },
		{ "periodic.series(\"reads.rq[cpu=1].nr\", \"b\")", "[6,7]" },
		{ "snapshots.end.list.last()", "3" },
		{ "snapshots.end.list.first() == 1", "true" },
		{ "exists(virtio_blk)", "true" }, { "exists(virtio_net)", "false" },
		{ "exists(kvm.vcpu[7])", "false" },
		{ "exists(snapshots.none.x)", "false" },
		{ "exists(virtio_net.rx_packets)", "false" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, absence_is_neither_zero_nor_false)
{
	static const struct vector v[] = {
		{ "virtio_net.rx_packets == 0",
		  "ABSENT: virtio_net: the scenario's net was refused" },
		{ "virtio_net.rx_packets != 0", "ABSENT: virtio_net: *" },
		{ "!(virtio_net.rx_packets == 0)", "ABSENT: *" },
		{ "virtio_net.rx_packets == 0 || true", "ABSENT: *" },
		{ "true || virtio_net.rx_packets == 0", "true" },
		{ "false && virtio_net.rx_packets == 0", "false" },
		{ "exists(virtio_net) && virtio_net.rx_packets == 0", "false" },
		{ "!exists(virtio_net) || virtio_net.rx_packets == 0", "true" },
		{ "crash_message =~ \"x\"", "ABSENT: crash_message: no crash was seen" },
		{ "-virtio_net.rx_packets", "ABSENT: *" },
		{ "abs(virtio_net.rx_packets)", "ABSENT: *" },
		{ "max(1, virtio_net.rx_packets)", "ABSENT: *" },
		{ "kvm.vcpu[2].exits", "ABSENT: kvm.vcpu[2]: the list has 2 items" },
		{ "kvm.vcpu[-3].exits", "ABSENT: kvm.vcpu[-3]: *" },
		{ "kvm.vcpu[1].hypercalls",
		  "ABSENT: kvm.vcpu[1].hypercalls: this KVM does not publish it" },
		{ "sum(kvm.vcpu[].hypercalls)", "ABSENT: *" },
		{ "snapshots.none.x", "ABSENT: snapshots.none: there is no capture*" },
		{ "snapshots.end.nothing == 1", "ABSENT: snapshots.end.nothing: *" },
		{ "snapshots.end.map(\"none\").x", "ABSENT: this capture has no BPF map `none`" },
		{ "all(stderr.x[])", "BAD*" },
		{ "avg(snapshots.end.list.series(\"a\"))", "ABSENT: *" },
		{ "periodic.series(\"x\", \"c\")", "ABSENT: no capture was made in phase `c`" },
		{ "periodic.series(\"x\", \"a\").rate()", "ABSENT: rate() needs two captures*" },
		{ "periodic.series(\"map(.bss).hits\").rate()", "ABSENT: capture 0 has no*" },
		{ "virtio_blk.bytes_written == 0", "ABSENT: virtio_blk.bytes_written: no disk*" },
		{ "kernel.build_id == \"x\"", "ABSENT: kernel: no kernel was found" },
		/* Sums and averages read 0 where KVM does not publish a name. */
		{ "kvm.hypercalls", "0" }, { "kvm.nosuch == 0", "true" },
		{ "kvm.avg.nosuch", "0" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, empty_lists)
{
	struct value *none;
	static const struct vector v[] = {
		{ "all(kvm.vcpu[].exits > 0)", "ABSENT: all() of an empty list" },
		{ "any(kvm.vcpu[].exits > 0)", "false" },
		{ "sum(kvm.vcpu[].exits)", "0" }, { "len(kvm.vcpu)", "0" },
		{ "avg(kvm.vcpu[].exits)", "ABSENT: avg() of an empty list" },
		{ "min(kvm.vcpu[].exits)", "ABSENT: min() of an empty list" },
		{ "max(kvm.vcpu[].exits)", "ABSENT: max() of an empty list" },
		{ "kvm.vcpu.first()", "ABSENT: first() of an empty list" },
	};

	ASSERT_EQ(0, value_from_json("{\"kvm\":{\"vcpu\":[]}}", 19, &none, NULL));
	value_free(self->result);
	self->result = none;
	CHECK_VECTORS(v);
}

TEST_F(expr, units_of_time)
{
	static const struct vector v[] = {
		{ "duration_ms == 1500ms", "true" }, { "duration_ms < 2s", "true" },
		{ "duration_ms < 1s", "false" }, { "duration_ms < 1m", "true" },
		{ "duration_ms == 1500", "true" },
		{ "kvm.halt_wait_ns == 2ms", "true" },
		{ "kvm.halt_wait_ns < duration_ms", "true" },
		{ "kvm.halt_wait_ns > duration_ms", "false" },
		{ "duration_ms - 500ms == 1s", "true" },
		{ "1s + 500ms == duration_ms", "true" },
		{ "duration_ms / 1ms", "1500" }, { "2 * 750ms == duration_ms", "true" },
		{ "all(snapshots.end.ns[].wait_ns < 1us)", "true" },
		{ "5s == 5000ms", "true" }, { "1500us > 1ms", "true" },
		{ "virtio_blk.io_errors < 5s", "BAD 23+2: `5s` is a time*" },
		{ "5s > 3", "BAD 0+2: `5s` is a time and `3` is not*" },
		{ "max(duration_ms, kvm.halt_wait_ns)", "BAD 17+16: max() of different units" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, names_are_checked_before_the_run)
{
	static const struct vector v[] = {
		{ "virtio_blk.reads_complete >= 1",
		  "BAD 11+14: there is no name `virtio_blk.reads_complete` (did you mean `virtio_blk.reads_completed`?)" },
		{ "virtio_blc.io_errors == 0",
		  "BAD 0+10: there is no name `virtio_blc` (did you mean `virtio_blk`?)" },
		{ "  outputs =~ \"x\"", "BAD 2+7: there is no name `outputs` (did you mean `output`?)" },
		{ "reads_completed == 1",
		  "BAD 0+15: there is no name `reads_completed` (did you mean `virtio_blk.reads_completed`?)" },
		{ "zzzzzzzz == 1", "BAD 0+8: there is no name `zzzzzzzz`" },
		{ "success.x", "BAD 8+1: success is a boolean and has nothing below it" },
		{ "kvm.vcpu.exits == 1", "BAD 9+5: kvm.vcpu is a list: write kvm.vcpu[0].exits*" },
		{ "virtio_blk[0]", "BAD 11+2: virtio_blk is a group, not a list*" },
		{ "kvm.vcpu[true]", "BAD 9+4: an index is a number*" },
		{ "kaslr.state == \"onn\"", "BAD 15+5: kaslr.state is never \"onn\"; it is one of off|on|unknown" },
		{ "\"of\" == kaslr.state", "BAD 0+4: kaslr.state is never*" },
		{ "kaslr.state == \"off\"", "false" },
		{ "lenn(output)", "BAD 0+4: there is no function `lenn` (did you mean `len`?)" },
		{ "kvm.vcpu[].exits.summ()", "BAD 17+4: there is no function `summ`*" },
		{ "exists(1 + 1)", "BAD 7+5: exists() needs a name" },
		{ "exists(virtio_blck)", "BAD 7+11: there is no name*" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, types_are_checked_before_the_run)
{
	static const struct vector v[] = {
		{ "success > 1", "BAD 0+7: > needs numbers, and `success` is a boolean" },
		{ "1 < output", "BAD 4+6: < needs numbers, and `output` is a string" },
		{ "success == 1", "BAD 0+12: a boolean is never equal to a number" },
		{ "output == 1", "BAD 0+11: a string is never equal to a number" },
		{ "virtio_blk == 1", "BAD 0+10: == needs two single values*" },
		{ "kvm.vcpu == 3", "BAD 0+8: == needs two single values*" },
		{ "1 && success", "BAD 0+1: && needs booleans, and `1` is a number" },
		{ "success || 1", "BAD 11+1: || needs booleans*" },
		{ "!exit_code", "BAD 1+9: ! needs booleans*" },
		{ "-output", "BAD 1+6: - needs a number*" },
		{ "output + 1", "BAD 0+6: + needs numbers*" },
		{ "1 - success", "BAD 4+7: - needs numbers*" },
		{ "1.5 % 2", "BAD 0+7: % needs whole numbers" },
		{ "exit_code =~ \"1\"", "BAD 0+9: =~ needs a string, and `exit_code` is a number" },
		{ "output =~ stderr", "BAD 10+6: the right side of =~ is a \"pattern\"*" },
		{ "output =~ \"(\"", "BAD 10+3: bad pattern: *" },
		{ "output =~ \"a\\nb\"", "BAD 10+6: patterns match within one line*" },
		{ "output =~ '(a)\\1'", "BAD 10+7: back references*" },
		{ "output =~ '((a{99}){99}){99}'", "BAD 10+19: the counts in this pattern*" },
		{ "len(1)", "BAD 4+1: len() needs a string, list or group*" },
		{ "sum(output)", "BAD 4+6: sum() needs a list*" },
		{ "sum(1, success)", "BAD 7+7: sum() needs numbers*" },
		{ "any(kvm.vcpu[].exits)", "BAD 4+16: any() needs a list of booleans*" },
		{ "all(success)", "BAD 4+7: all() needs a list of booleans*" },
		{ "abs(output)", "BAD 4+6: abs() needs a number*" },
		{ "len()", "BAD 0+5: len() takes 1 argument, not 0" },
		{ "len(output, output)", "BAD 0+19: len() takes 1 argument, not 2" },
		{ "snapshots.end.cpu[0].task.com == \"x\"",
		  "BAD 26+3: there is no name `snapshots.end.cpu[].task.com` (did you mean *" },
		{ "snapshots.end.maps + 1", "BAD 0+18: + needs numbers, *" },
		{ "periodic.series(1)", "BAD 16+1: series() needs a \"name\"" },
		{ "periodic.series(\"x\", 2)", "BAD 21+1: series() needs a \"name\"" },
		{ "kvm.vcpu[].exits.rate()", "BAD 0+16: rate() needs a series(), *" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, unknown_types_are_checked_at_the_run)
{
	static const struct vector v[] = {
		{ "snapshots.end.list == 1", "[true,false,false]" },
		{ "snapshots.end.list > 1", "[false,true,true]" },
		{ "stats.a + 1", "ERROR: + between a group and a number" },
		{ "snapshots.end.list.x", "ERROR: there is no `x` in a list: write [0]*" },
		{ "snapshots.end.jiffies.x", "ERROR: there is no `x` in a string" },
		{ "stats.a[0]", "ERROR: an index on a group" },
		{ "snapshots.end.list[\"a\"]", "ERROR: there is no `a` in a list*" },
		{ "snapshots.end.list[stats.a]", "ERROR: a group is no index" },
		{ "!snapshots.end.list", "ERROR: ! needs a boolean, and this is a list" },
		{ "snapshots.end.list && true", "ERROR: && needs booleans*" },
		{ "stats.a =~ \"x\"", "ERROR: =~ needs a string*" },
		{ "any(snapshots.end.list)", "ERROR: item 0 of any() is a number" },
		{ "sum(stats.a)", "ERROR: sum() of a group" },
		{ "sum(stats.a.b)", "ERROR: item 0 of sum() is a list" },
		{ "snapshots.end.map(\".bss\").hits.map(\"x\")", "ERROR: map() of a number" },
		{ "snapshots.end.jiffies[]", "ERROR: [] on a string" },
		{ "kvm.vcpu[].exits + snapshots.end.list", "ERROR: lists of 2 and 3 items" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, syntax_errors_tell_the_place)
{
	static const struct vector v[] = {
		{ "", "BAD 0+0: the check ends where a name or a value is expected" },
		{ "   ", "BAD 3+0: the check ends*" },
		{ "1 +", "BAD 3+0: the check ends*" },
		{ "(1", "BAD 2+0: the check ends where `)` is expected" },
		{ "1)", "BAD 1+1: unexpected `)` where an operator is expected" },
		{ "1 2", "BAD 2+1: unexpected `2`*" },
		{ "a = 1", "BAD 2+1: `=` is no operator (did you mean `==`?)" },
		{ "1 & 2", "BAD 2+1: `&` is no operator (did you mean `&&`?)" },
		{ "success and success", "BAD 8+3: unexpected `and` (did you mean `&&`?)" },
		{ "1 < 2 < 3", "BAD 6+1: comparisons do not chain*" },
		{ "\"abc", "BAD 0+4: this string has no closing \" (to YAML ` #` begins a comment: quote the check)" },
		{ "'abc", "BAD 0+4: this string has no closing ' (to YAML ` #` begins a comment: quote the check)" },
		{ "\"abc\\\"", "BAD 0+6: this string has no closing \" (to YAML ` #` begins a comment: quote the check)" },
		{ "010", "BAD 0+3: `010` is no number*" },
		{ "0x", "BAD 0+2: `0x` is no number*" },
		{ "5KB", "BAD 0+3: `5KB` is no number*" },
		{ "12abc", "BAD 0+5: `12abc` is no number*" },
		{ "1.5s", "BAD 0+4: `1.5s` is no number*" },
		{ "a.", "BAD 2+0: the check ends where a name is expected" },
		{ "a.1", "BAD 2+1: unexpected `1` where a name*" },
		{ "kvm.vcpu[0", "BAD 10+0: the check ends where `]` is expected" },
		{ "len(output", "BAD 10+0: the check ends where `,` or `)` is expected" },
		{ "len(,output)", "BAD 4+1: unexpected `,`*" },
		{ "len(output,)", "BAD 11+1: unexpected `)`*" },
		{ "1 @ 2", "BAD 2+1: unexpected `@`" },
		{ "\x01", "BAD 0+1: unexpected byte 0x01" },
		{ "\xc3\xa9", "BAD 0+1: unexpected byte 0xc3" },
		{ "(1).x", "BAD 4+1: a number has nothing below it" },
		{ "\"a\"[0]", "BAD 4+2: a string has nothing below it" },
	};

	CHECK_VECTORS(v);
}

TEST_F(expr, hostile_lengths_are_bounded)
{
	struct buf b = { 0 };
	char *seen;
	int i;

	for (i = 0; i < 10000; i++)
		buf_putc(&b, '(');
	seen = eval(self->result, buf_str(&b));
	EXPECT_EQ(0, strncmp(seen, "BAD 64+1: nested deeper", 23)) TH_LOG("%s", seen);
	free(seen);
	buf_reset(&b);
	for (i = 0; i < 8000; i++)
		buf_puts(&b, i ? "+1" : "1");
	seen = eval(self->result, buf_str(&b));
	EXPECT_NE(NULL, strstr(seen, "too long")) TH_LOG("%s", seen);
	free(seen);
	buf_reset(&b);
	for (i = 0; i < 20000; i++)
		buf_putc(&b, '-');
	seen = eval(self->result, buf_str(&b));
	EXPECT_NE(NULL, strstr(seen, "BAD 0+0: a check of more than")) TH_LOG("%s", seen);
	free(seen);
	buf_reset(&b);
	buf_puts(&b, "snapshots");
	for (i = 0; i < 100; i++)
		buf_puts(&b, ".x");
	seen = eval(self->result, buf_str(&b));
	EXPECT_NE(NULL, strstr(seen, "of more than 16 steps")) TH_LOG("%s", seen);
	free(seen);
	buf_reset(&b);
	buf_puts(&b, "max(");
	for (i = 0; i < 17; i++)
		buf_puts(&b, i ? ",1" : "1");
	buf_puts(&b, ")");
	seen = eval(self->result, buf_str(&b));
	EXPECT_NE(NULL, strstr(seen, "more than 16 arguments")) TH_LOG("%s", seen);
	free(seen);
	buf_reset(&b);
}

TEST_F(expr, a_check_is_a_boolean)
{
	struct expr_error err;
	struct expr *e;

	EXPECT_EQ(-EINVAL, expr_parse_check("1 + 1", &e, &err));
	EXPECT_NE(NULL, strstr(err.msg, "must be true or false"));
	EXPECT_EQ(-EINVAL, expr_parse_check("kvm.vcpu[].exits > 1", &e, &err));
	EXPECT_NE(NULL, strstr(err.msg, "use all() or any()"));
	ASSERT_EQ(0, expr_parse_check("stats.x.y", &e, &err));
	expr_destroy(e);
	ASSERT_EQ(0, expr_parse_check("success", &e, &err));
	expr_destroy(e);
	expr_destroy(NULL);
}

TEST_F(expr, tells_what_was_read)
{
	struct expr_error err;
	struct expr_result r;
	struct buf names = { 0 };
	struct expr *e;

	ASSERT_EQ(0, expr_parse_check("success && virtio_blk.io_errors == "
				      "kvm.vcpu[1].exits - kvm.nosuch", &e, &err));
	ASSERT_EQ(0, expr_eval(e, self->result, &r));
	EXPECT_EQ(EXPR_VALUE, r.status);
	EXPECT_EQ(11, r.off);
	ASSERT_NE(NULL, r.found);
	EXPECT_EQ(0, r.found->i);
	EXPECT_STREQ("== kvm.vcpu[1].exits - kvm.nosuch", r.wanted);
	value_to_json(r.names, 0, &names);
	EXPECT_STREQ("[{\"name\":\"success\",\"value\":true},"
		     "{\"name\":\"virtio_blk.io_errors\",\"value\":0},"
		     "{\"name\":\"kvm.vcpu[1].exits\",\"value\":20},"
		     "{\"name\":\"kvm.nosuch\",\"value\":0,"
		     "\"note\":\"this host's KVM does not publish it\"}]",
		     buf_str(&names));
	buf_reset(&names);
	expr_result_reset(&r);
	expr_destroy(e);
}

TEST_F(expr, matches_bytes_and_long_lines)
{
	size_t len = 10u << 20;
	char *big = malloc(len + 1);
	struct value *out;
	char *seen;

	ASSERT_NE(NULL, big);
	memset(big, 'a', len);
	memcpy(big + 100, "\0x\xff\n", 4);
	memcpy(big + len - 4, "\nend", 4);
	out = value_bytes(big, len);
	free(big);
	ASSERT_EQ(0, value_set(self->result, "output", out));
	seen = eval(self->result, "output =~ '^end$' && output =~ 'x'");
	EXPECT_STREQ("true", seen);
	free(seen);
}

TEST_HARNESS_MAIN
