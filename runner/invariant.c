// SPDX-License-Identifier: GPL-2.0-only
/* What holds in every result; see invariant.h. One function per rule. */
#include "runner/invariant.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/value.h"
#include "vmm/base/cleanup.h"

struct breaches {
	struct value *list;
	int err;
};

static void breach(struct breaches *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void breach(struct breaches *b, const char *fmt, ...)
{
	char *text __free(cleanup_free) = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	if (!b->err)
		b->err = text ? value_append(b->list, value_str(text)) :
			 -ENOMEM;
}

static s64 get(const struct value *group, const char *name)
{
	return value_as_int(value_get(group, name), 0);
}

/* Counters never run backwards below nothing. */
static void check_not_negative(const char *group_name,
			       const struct value *group, struct breaches *b)
{
	size_t i;

	if (!group || group->type != VALUE_MAP)
		return;
	for (i = 0; i < group->map.len; i++) {
		const struct value *v = group->map.items[i];

		if (v->type == VALUE_INT && v->i < 0)
			breach(b, "%s.%s is negative: %lld", group_name,
			       group->map.keys[i], (long long)v->i);
	}
}

static void check_blk_pair(const struct value *blk, const char *count_name,
			   const char *bytes_name, struct breaches *b)
{
	s64 count = get(blk, count_name), bytes = get(blk, bytes_name);

	if (bytes % 512)
		breach(b, "virtio_blk.%s is no multiple of 512: %lld",
		       bytes_name, (long long)bytes);
	if (!count && bytes)
		breach(b, "virtio_blk.%s is %lld with no completed request",
		       bytes_name, (long long)bytes);
}

/* The VM ended by itself: nothing may be left in flight. */
static bool ended_cleanly(const struct value *result)
{
	const struct value *crash = value_get(result, "crash_message");

	return !value_as_bool(value_get(result, "timed_out"), false) &&
	       value_as_bool(value_get(result, "success"), false) &&
	       (!crash || crash->type == VALUE_NULL);
}

static void check_blk(const struct value *result, struct breaches *b)
{
	const struct value *blk = value_get(result, "virtio_blk");
	s64 gauge = get(blk, "currently_throttled_gauge");

	if (!blk)
		return;
	check_not_negative("virtio_blk", blk, b);
	check_blk_pair(blk, "reads_completed", "bytes_read", b);
	check_blk_pair(blk, "writes_completed", "bytes_written", b);
	if (gauge > 1)
		breach(b, "virtio_blk.currently_throttled_gauge is %lld on one queue",
		       (long long)gauge);
	if (gauge && !get(blk, "throttled_count"))
		breach(b, "virtio_blk.currently_throttled_gauge is %lld and nothing was ever throttled",
		       (long long)gauge);
	if (gauge && ended_cleanly(result))
		breach(b, "virtio_blk.currently_throttled_gauge is %lld after a clean end",
		       (long long)gauge);
}

/*
 * Each transmitted frame was received, dropped for want of a buffer, or lost
 * to one of the counted receive errors.
 */
static void check_net(const struct value *result, struct breaches *b)
{
	const struct value *net = value_get(result, "virtio_net");
	s64 tx = get(net, "tx_packets"), rx = get(net, "rx_packets");
	s64 dropped = get(net, "tx_dropped_no_rx_buffer");
	s64 errors = get(net, "rx_chain_invalid") +
		     get(net, "rx_write_failed") +
		     get(net, "rx_add_used_failures") +
		     get(net, "tx_add_used_failures") +
		     get(net, "invalid_avail_idx_count");

	if (!net)
		return;
	check_not_negative("virtio_net", net, b);
	if (!errors && rx != tx - dropped)
		breach(b, "virtio_net: rx_packets %lld is not tx_packets %lld - tx_dropped_no_rx_buffer %lld",
		       (long long)rx, (long long)tx, (long long)dropped);
	if (errors && rx > tx + get(net, "tx_add_used_failures"))
		breach(b, "virtio_net: rx_packets %lld is more than the %lld that were sent",
		       (long long)rx, (long long)tx);
	if (!rx != !get(net, "rx_bytes"))
		breach(b, "virtio_net: rx_packets is %lld and rx_bytes is %lld",
		       (long long)rx, (long long)get(net, "rx_bytes"));
	if (!tx && get(net, "tx_bytes"))
		breach(b, "virtio_net: tx_bytes is %lld without a packet",
		       (long long)get(net, "tx_bytes"));
	if (!errors && !dropped &&
	    get(net, "rx_bytes") != get(net, "tx_bytes"))
		breach(b, "virtio_net: rx_bytes %lld is not tx_bytes %lld and nothing was dropped",
		       (long long)get(net, "rx_bytes"),
		       (long long)get(net, "tx_bytes"));
}

static void check_kvm_sum(const struct value *kvm, const char *name, s64 sum,
			  struct breaches *b)
{
	const struct value *vcpus = value_get(kvm, "vcpu");
	const struct value *avg = value_get(value_get(kvm, "avg"), name);
	s64 parts = 0, n = (s64)vcpus->list.len;
	size_t i;

	for (i = 0; i < vcpus->list.len; i++)
		parts += get(vcpus->list.items[i], name);
	if (parts != sum)
		breach(b, "kvm.%s is %lld, and its vCPUs make %lld", name,
		       (long long)sum, (long long)parts);
	if (avg && value_as_int(avg, -1) != (n ? sum / n : 0))
		breach(b, "kvm.avg.%s is %lld, and the sum %lld over %lld vCPUs makes %lld",
		       name, (long long)value_as_int(avg, -1), (long long)sum,
		       (long long)n, (long long)(n ? sum / n : 0));
}

static void check_kvm(const struct value *result, struct breaches *b)
{
	const struct value *kvm = value_get(result, "kvm");
	const struct value *vcpus = value_get(kvm, "vcpu");
	size_t i;

	if (!vcpus || vcpus->type != VALUE_LIST)
		return;
	for (i = 0; i < kvm->map.len; i++) {
		const struct value *v = kvm->map.items[i];

		if (v->type == VALUE_INT)
			check_kvm_sum(kvm, kvm->map.keys[i], v->i, b);
	}
}

static void check_periodic(const struct value *result, struct breaches *b)
{
	const struct value *p = value_get(result, "periodic");
	const struct value *captures = value_get(p, "captures");
	s64 fired = get(p, "fired"), target = get(p, "target");
	s64 placeholders = get(p, "placeholders");

	if (!p)
		return;
	check_not_negative("periodic", p, b);
	if (fired > target)
		breach(b, "periodic.fired %lld is more than periodic.target %lld",
		       (long long)fired, (long long)target);
	if (placeholders > fired)
		breach(b, "periodic.placeholders %lld is more than periodic.fired %lld",
		       (long long)placeholders, (long long)fired);
	if (captures && captures->type == VALUE_LIST &&
	    (s64)captures->list.len != fired)
		breach(b, "periodic.fired is %lld, and there are %zu captures",
		       (long long)fired, captures->list.len);
}

static void check_messages(const struct value *result, struct breaches *b)
{
	const struct value *m = value_get(result, "messages");
	const struct value *types = value_get(m, "by_type");
	s64 sum = 0;
	size_t i;

	if (!m)
		return;
	check_not_negative("messages", m, b);
	if (!types || types->type != VALUE_MAP)
		return;
	for (i = 0; i < types->map.len; i++)
		sum += value_as_int(types->map.items[i], 0);
	if (value_get(m, "total") && sum != get(m, "total"))
		breach(b, "messages.total is %lld, and its types make %lld",
		       (long long)get(m, "total"), (long long)sum);
}

static void check_kaslr(const struct value *result, struct breaches *b)
{
	const struct value *k = value_get(result, "kaslr");
	const struct value *offset = value_get(k, "offset");
	const struct value *enabled = value_get(k, "enabled");

	if (offset && enabled && enabled->type == VALUE_BOOL &&
	    enabled->b != (value_as_int(offset, 1) != 0))
		breach(b, "kaslr.enabled is %s, and kaslr.offset is 0x%llx",
		       enabled->b ? "true" : "false",
		       (unsigned long long)value_as_int(offset, -1));
}

static void check_times(const struct value *result, struct breaches *b)
{
	const struct value *run = value_get(result, "duration_ms");
	const struct value *cleanup = value_get(result, "cleanup_duration_ms");

	if (run && cleanup &&
	    value_as_int(cleanup, 0) > value_as_int(run, 0))
		breach(b, "cleanup_duration_ms %lld is more than duration_ms %lld",
		       (long long)value_as_int(cleanup, 0),
		       (long long)value_as_int(run, 0));
}

int invariants_check(const struct value *result, struct value **breaches)
{
	static void (*const rules[])(const struct value *, struct breaches *) = {
		check_blk, check_net, check_kvm, check_periodic,
		check_messages, check_kaslr, check_times,
	};
	struct breaches b = { .list = value_list() };
	size_t i;

	if (!b.list)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](result, &b);
	if (b.err) {
		value_free(b.list);
		return b.err;
	}
	*breaches = b.list;
	return 0;
}
