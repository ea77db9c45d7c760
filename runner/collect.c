// SPDX-License-Identifier: GPL-2.0-only
/* The result tree of one run; see collect.h. */
#include "runner/collect.h"

#include <string.h>

#include "runner/heard.h"
#include "runner/kernel.h"
#include "runner/mapwrite.h"
#include "runner/peek.h"
#include "runner/snapshots.h"
#include "runner/splat.h"
#include "runner/topo.h"
#include "runner/value.h"
#include "runner/watchpoints.h"
#include "virtio/blk.h"
#include "virtio/net.h"
#include "vmm/base/cleanup.h"
#include "vmm/machine.h"

static void set_text(struct value *map, const char *key,
		     const struct textlog *log)
{
	size_t len;
	char *text;

	if (!log->bytes)
		return;
	text = textlog_text(log, &len);
	if (text)
		value_set(map, key, value_bytes(text, len));
	free(text);
}

static void collect_verdict(struct value *r, const struct collect_from *from)
{
	const struct heard_exit *e;
	enum verdict_via via;

	e = heard_exit(from->heard, &via);
	value_set(r, "success", value_bool(from->verdict->success));
	value_set(r, "verdict_via", value_str(verdict_via_name(via)));
	if (from->heard->stage != STAGE_NONE)
		value_set(r, "stage", value_str(stage_name(from->heard->stage)));
	if (e->has)
		value_set(r, "exit_code", value_int(e->code));
	value_set_int(r, "duration_ms", from->duration_ms);
	value_set_int(r, "cleanup_duration_ms", from->cleanup_ms);
	value_set(r, "timed_out", value_bool(from->timed_out));
	if (from->timeout_cause)
		value_set(r, "timeout_cause", value_str(from->timeout_cause));
	value_set(r, "accel", value_str(from->accel));
}

static void collect_kernel(struct value *r, const struct collect_from *from)
{
	struct value *k = value_map();
	const char *release = from->kernel->release;

	if (from->heard->release[0])
		release = from->heard->release;
	value_set(k, "release", value_str(release));
	value_set(k, "image", value_str(from->kernel->image));
	value_set(k, "cmdline", value_str(from->cmdline));
	value_set(r, "kernel", k);
}

static void collect_phases(struct value *r, const struct collect_from *from)
{
	static const struct { enum stage stage; const char *key; } marks[] = {
		{ STAGE_KERNEL, "kernel_ms" }, { STAGE_INIT, "init_ms" },
		{ STAGE_AGENT, "agent_ms" }, { STAGE_PAYLOAD, "payload_ms" },
		{ STAGE_VERDICT, "verdict_ms" },
	};
	const struct heard *h = from->heard;
	struct value *p = value_map();
	size_t i;

	if (h->stage_ns[STAGE_ENTRY])
		value_set_int(p, "entry_ms", from->entry_ms);
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (h->stage_ns[marks[i].stage])
			value_set_int(p, marks[i].key,
				      h->stage_ns[marks[i].stage] / NSEC_PER_MSEC);
	value_set(r, "phases", p);
}

/*
 * The longest account of the crash wins, and its source is told. But where the
 * kernel panics over init's death, init's own words come before it: they tell
 * the cause.
 */
static void collect_crash(struct value *r, const struct collect_from *from)
{
	const struct heard *h = from->heard;
	size_t len = 0;
	char *own __free(cleanup_free) = NULL;
	const char *text = NULL, *via = NULL;

	if (from->log && from->splats)
		own = splat_crash_text(from->log, from->log_len, from->splats,
				       60);
	if (h->com2.words.has_panic && h->com2.words.panic.len > len) {
		text = h->com2.words.panic.data;
		len = h->com2.words.panic.len;
		via = "com2";
	}
	if (h->crash.len > len) {
		text = h->crash.data;
		len = h->crash.len;
		via = h->crash_via == WIRE_VIA_RING ? "ring" : "frame";
	}
	if (own && (!text || (strlen(own) > len &&
			      !strstr(own, "Attempted to kill init!")))) {
		text = own;
		len = strlen(own);
		via = "console";
	}
	if (!text)
		return;
	value_set(r, "crash_message", value_bytes(text, len));
	value_set(r, "crash_via", value_str(via));
}

static void collect_splats(struct value *r, const struct splat_list *splats)
{
	struct value *list = value_list();
	size_t i;

	for (i = 0; i < splats->len; i++) {
		struct value *s = value_map();

		value_set(s, "kind", value_str(splat_kind_name(splats->items[i].kind)));
		value_set(s, "text", value_str(splats->items[i].text));
		value_set(s, "allowed", value_bool(splats->items[i].allowed));
		value_append(list, s);
	}
	value_set(r, "splats", list);
}

static void collect_blk(struct value *r, struct virtio_blk *blk)
{
	struct virtio_blk_counters c;
	struct value *v = value_map();

	virtio_blk_counters(blk, &c);
	value_set_int(v, "reads_completed", c.reads_completed);
	value_set_int(v, "writes_completed", c.writes_completed);
	value_set_int(v, "flushes_completed", c.flushes_completed);
	value_set_int(v, "bytes_read", c.bytes_read);
	value_set_int(v, "bytes_written", c.bytes_written);
	value_set_int(v, "throttled_count", c.throttled_count);
	value_set_int(v, "io_errors", c.io_errors);
	value_set_int(v, "currently_throttled_gauge", c.currently_throttled_gauge);
	value_set_int(v, "invalid_avail_idx_count", c.invalid_avail_idx_count);
	value_set(r, "virtio_blk", v);
}

static void collect_net(struct value *r, struct virtio_net *net)
{
	struct virtio_net_counters c;
	struct value *v = value_map();

	virtio_net_counters(net, &c);
	value_set_int(v, "tx_packets", c.tx_packets);
	value_set_int(v, "tx_bytes", c.tx_bytes);
	value_set_int(v, "rx_packets", c.rx_packets);
	value_set_int(v, "rx_bytes", c.rx_bytes);
	value_set_int(v, "tx_dropped_no_rx_buffer", c.tx_dropped_no_rx_buffer);
	value_set_int(v, "tx_chain_invalid", c.tx_chain_invalid);
	value_set_int(v, "rx_chain_invalid", c.rx_chain_invalid);
	value_set_int(v, "rx_write_failed", c.rx_write_failed);
	value_set_int(v, "tx_add_used_failures", c.tx_add_used_failures);
	value_set_int(v, "rx_add_used_failures", c.rx_add_used_failures);
	value_set_int(v, "invalid_avail_idx_count", c.invalid_avail_idx_count);
	value_set(r, "virtio_net", v);
}

/* Sums over the vCPUs that have a name; averages over all of them. */
static void collect_kvm(struct value *r, struct machine *m)
{
	u32 cpus = machine_nr_cpus(m), i;
	struct value *kvm, *avg, *list;
	const struct machine_stat *stats;
	bool any = false;
	unsigned int n, j;

	kvm = value_map();
	avg = value_map();
	list = value_list();
	for (i = 0; i < cpus; i++) {
		struct value *vcpu = value_map();

		n = machine_stats(m, i, &stats);
		any |= n > 0;
		for (j = 0; j < n; j++) {
			s64 sum = value_as_int(value_get(kvm, stats[j].name), 0);

			value_set_int(vcpu, stats[j].name, stats[j].value);
			value_set_int(kvm, stats[j].name, (u64)sum + stats[j].value);
		}
		value_append(list, vcpu);
	}
	if (!any) {
		value_free(kvm);
		value_free(avg);
		value_free(list);
		return;
	}
	for (j = 0; j < kvm->map.len; j++)
		value_set(avg, kvm->map.keys[j],
			  value_int(kvm->map.items[j]->i / cpus));
	value_set(kvm, "avg", avg);
	value_set(kvm, "vcpu", list);
	value_set(r, "kvm", kvm);
}

static void lower_case(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from[i] && i + 1 < size; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i];
	to[i] = '\0';
}

static void collect_messages(struct value *r, const struct heard *h)
{
	const struct wire_stats *p = &h->port1.stats, *c = &h->com2.stats;
	struct value *m = value_map(), *types = value_map();
	u64 total = 0;
	u16 t;

	for (t = 0; t < HEARD_TYPES; t++) {
		char name[32];

		if (!h->by_type[t])
			continue;
		lower_case(name, sizeof(name), wire_type_name(t));
		value_set_int(types, name, h->by_type[t]);
		total += h->by_type[t];
	}
	value_set_int(m, "total", total);
	value_set(m, "by_type", types);
	value_set_int(m, "crc_errors", p->crc_errors + c->crc_errors);
	value_set_int(m, "skipped_bytes", p->garbage_bytes + c->garbage_bytes);
	value_set_int(m, "truncated", p->truncated + c->truncated);
	value_set_int(m, "duplicates", h->seen.duplicates);
	value_set_int(m, "lost", wire_seen_missing(&h->seen));
	value_set(r, "messages", m);
}

static void collect_machine(struct value *r, struct machine *m,
			    const struct heard *h)
{
	struct machine_stop stop = machine_stop(m);
	struct bus *pio = machine_pio(m), *mmio = machine_mmio(m);
	struct value *v = value_map();

	value_set(v, "stop_reason", value_str(machine_stop_name(stop.reason)));
	value_set_int(v, "unhandled_pio", pio->unhandled_reads + pio->unhandled_writes);
	value_set_int(v, "unhandled_mmio",
		      mmio->unhandled_reads + mmio->unhandled_writes);
	value_set_int(v, "unhandled_exits", stop.reason == MACHINE_UNKNOWN_EXIT);
	value_set(v, "direct_boot", value_bool(machine_layout(m)->direct));
	/* In full, where the texts may be cut. */
	value_set_int(v, "stdout_bytes", h->output.bytes);
	value_set_int(v, "stderr_bytes", h->stderr_log.bytes);
	/* What no file has: beyond the cap, or faster than the disk. */
	value_set_int(v, "log_dropped_bytes",
		      h->console.file_dropped + h->output.file_dropped +
		      h->stderr_log.file_dropped);
	value_set(r, "machine", v);
}

/* A check of what is not there tells why. */
static void why_absent(struct value *r, const char *name, const char *why)
{
	struct value *absent = value_get(r, "absent");

	if (!absent) {
		absent = value_map();
		if (value_set(r, "absent", absent))
			return;
	}
	value_set(absent, name, value_str(why));
}

static void collect_reads(struct value *r, const struct value *reads)
{
	size_t i;

	value_set(r, "read", value_copy(reads));
	for (i = 0; i < reads->map.len; i++) {
		const char *why = value_as_str(value_get(reads->map.items[i],
							 "error"), NULL);
		char *name __free(cleanup_free) = NULL;

		if (!why)
			continue;
		if (asprintf(&name, "read.%s.value", reads->map.keys[i]) < 0)
			name = NULL;
		else
			why_absent(r, name, why);
	}
}

static void collect_inside(struct value *r, const struct collect_from *from)
{
	struct value *monitor = from->peek ? peek_monitor(from->peek) : NULL;
	struct value *verifier = from->peek ? peek_verifier(from->peek) : NULL;
	struct value *writes = from->mapwrite ?
			       mapwrite_result(from->mapwrite) : NULL;
	const char *none = from->peek ? peek_no_monitor(from->peek) : NULL;

	if (monitor)
		value_set(r, "monitor", monitor);
	else if (none)
		why_absent(r, "monitor", none);
	if (verifier)
		value_set(r, "verifier", verifier);
	if (writes)
		value_set(r, "bpf_map_write", writes);
	if (from->reads)
		collect_reads(r, from->reads);
}

static void collect_watch(struct value *r, struct watchpoints *w)
{
	struct value *watch = watchpoints_result(w);

	if (watch)
		value_set(r, "watch", watch);
}

struct value *collect_result(const struct collect_from *from)
{
	const struct heard *h = from->heard;
	struct value *r = value_map(), *stops;

	if (!r)
		return NULL;
	collect_verdict(r, from);
	if (from->kernel)
		collect_kernel(r, from);
	collect_phases(r, from);
	collect_crash(r, from);
	if (from->splats)
		collect_splats(r, from->splats);
	if (from->blk)
		collect_blk(r, from->blk);
	if (from->net)
		collect_net(r, from->net);
	if (from->machine) {
		collect_kvm(r, from->machine);
		value_set(r, "topology", topo_result(from->vm));
		value_set(r, "kaslr", collect_kaslr(from));
		collect_machine(r, from->machine, h);
	}
	collect_inside(r, from);
	if (from->watchpoints)
		collect_watch(r, from->watchpoints);
	if (from->has_scheduler)
		value_set(r, "scheduler", collect_sched(from));
	if (from->stats)
		value_set(r, "stats", value_copy(from->stats));
	collect_messages(r, h);
	if (from->snapshots) {
		value_set(r, "snapshots", snapshots_named(from->snapshots));
		value_set(r, "periodic", snapshots_periodic(from->snapshots));
		stops = snapshots_stops(from->snapshots);
		if (stops)
			value_set(r, "stops", stops);
	}
	if (h->stimulus)
		value_set(r, "stimulus", value_copy(h->stimulus));
	if (h->subtests)
		value_set(r, "subtests", value_copy(h->subtests));
	if (h->metrics)
		value_set(r, "workload", value_copy(h->metrics));
	set_text(r, "stderr", &h->stderr_log);
	set_text(r, "output", &h->output);
	if (from->log_len)
		value_set(r, "console", value_bytes(from->log, from->log_len));
	return r;
}
