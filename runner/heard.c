// SPDX-License-Identifier: GPL-2.0-only
/* What the guest said; see heard.h. */
#include "runner/heard.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runner/logfile.h"
#include "runner/metrics.h"
#include "runner/value.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"

void heard_lock(struct heard *h)
{
	pthread_mutex_lock(&h->lock);
}

void heard_unlock(struct heard *h)
{
	pthread_mutex_unlock(&h->lock);
}

static u64 since_start(const struct heard *h)
{
	return max(now_ns() - h->start_ns, (u64)1);
}

static void reach_at(struct heard *h, enum stage stage, u64 at_ns)
{
	if (!h->stage_ns[stage])
		h->stage_ns[stage] = at_ns;
	if (stage <= h->stage)
		return;
	h->stage = stage;
	eventfd_write(h->news_fd, 1);
}

static void heard_reach(struct heard *h, enum stage stage)
{
	if (!h->too_late)
		reach_at(h, stage, since_start(h));
}

/*
 * Found in the guest's memory after its end: it was then that the guest's clock
 * says, which begins with the kernel. A verdict is what EXIT frames say.
 */
static void recall(struct heard *h, enum stage stage, u64 guest_ns)
{
	u64 end = since_start(h), at = min(guest_ns, end);
	s64 then = (s64)at + h->clock_ns;

	if (stage < STAGE_VERDICT)
		reach_at(h, stage, then < 1 ? 1 : min((u64)then, end));
}

/* The frame that was the soonest to be heard tells best how the clocks differ. */
static void note_clock(struct heard *h, u64 guest_ns)
{
	u64 now = since_start(h);

	if (guest_ns <= now && (!h->clock_ns || now - guest_ns < (u64)h->clock_ns))
		h->clock_ns = (s64)(now - guest_ns);
}

static enum verdict_via to_verdict_via(enum wire_via via)
{
	switch (via) {
	case WIRE_VIA_PORT1:
		return VIA_PORT1;
	case WIRE_VIA_COM2:
		return VIA_COM2;
	case WIRE_VIA_RING:
		return VIA_RING;
	default:
		return VIA_NONE;
	}
}

static void on_hello(struct heard *h, const struct wire_frame *f)
{
	struct wire_text agent, release;

	if (wire_parse_hello(f, &h->hello, &agent, &release))
		return;
	h->has_hello = true;
	snprintf(h->release, sizeof(h->release), "%.*s", (int)release.len,
		 release.p);
	heard_reach(h, STAGE_AGENT);
}

static void on_lifecycle(struct heard *h, const struct wire_frame *f)
{
	static const enum stage stages[] = {
		[WIRE_STAGE_ENTRY] = STAGE_ENTRY,
		[WIRE_STAGE_KERNEL] = STAGE_KERNEL,
		[WIRE_STAGE_INIT] = STAGE_INIT,
		[WIRE_STAGE_AGENT] = STAGE_AGENT,
		[WIRE_STAGE_PAYLOAD] = STAGE_PAYLOAD,
		[WIRE_STAGE_VERDICT] = STAGE_VERDICT,
	};
	struct wire_lifecycle l;
	struct wire_text text;

	if (wire_parse_lifecycle(f, &l, &text) || l.stage >= ARRAY_SIZE(stages))
		return;
	if (f->via == WIRE_VIA_RING) {
		recall(h, stages[l.stage], l.time_ns);
		return;
	}
	note_clock(h, l.time_ns);
	heard_reach(h, stages[l.stage]);
}

static void on_exit_frame(struct heard *h, const struct wire_frame *f)
{
	struct heard_exit *e = &h->exits[to_verdict_via(f->via)];
	s32 code;
	u32 signal;

	if (wire_parse_exit(f, &code, &signal) || h->too_late)
		return;
	*e = (struct heard_exit){ true, code, signal };
	heard_reach(h, STAGE_VERDICT);
}

/* A value that has no memory is simply not there: counts tell. */
static void keep(struct value **list, struct value *item)
{
	if (!*list)
		*list = value_list();
	if (!*list || (*list)->list.len >= HEARD_ITEMS_MAX) {
		value_free(item);
		return;
	}
	value_append(*list, item);
}

static void on_stimulus(struct heard *h, const struct wire_frame *f)
{
	struct wire_stimulus s;
	struct wire_text label;
	struct value *v;

	if (wire_parse_stimulus(f, &s, &label))
		return;
	v = value_map();
	value_set(v, "elapsed_ms", value_int((s64)(s.time_ns / NSEC_PER_MSEC)));
	value_set(v, "step_index", value_int(s.step));
	value_set(v, "op_count", value_int(s.ops));
	value_set(v, "cgroup_count", value_int(s.cgroups));
	value_set(v, "worker_count", value_int(s.workers));
	value_set(v, "total_iterations", value_int((s64)s.iterations));
	value_set(v, "label", value_bytes(label.p, label.len));
	if (h->stats && label.len) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)min(label.len, (size_t)63),
			 label.p);
		h->stats(h->stats_ctx, 0, name);
	}
	keep(&h->stimulus, v);
}

static void on_phase(struct heard *h, const struct wire_frame *f)
{
	if (f->len != 4)
		return;
	h->phase = wire_get32(f->data);
	h->has_phase = true;
	eventfd_write(h->news_fd, 1);
}

static void on_test(struct heard *h, const struct wire_frame *f)
{
	static const char *const words[] = {
		[WIRE_TEST_PASS] = "pass", [WIRE_TEST_FAIL] = "fail",
		[WIRE_TEST_SKIP] = "skip", [WIRE_TEST_XFAIL] = "xfail",
		[WIRE_TEST_XPASS] = "xpass", [WIRE_TEST_ERROR] = "error",
		[WIRE_TEST_TIMEOUT] = "timeout",
	};
	struct wire_text name, detail;
	struct wire_test t;
	struct value *v;

	if (wire_parse_test(f, &t, &name, &detail) ||
	    t.status >= ARRAY_SIZE(words))
		return;
	v = value_map();
	value_set(v, "name", value_bytes(name.p, name.len));
	value_set(v, "outcome", value_str(words[t.status]));
	value_set(v, "level", value_int(WIRE_TEST_LEVEL(f->flags)));
	if (detail.len)
		value_set(v, "reason", value_bytes(detail.p, detail.len));
	if (t.duration_ns)
		value_set(v, "duration_ms",
			  value_int((s64)(t.duration_ns / NSEC_PER_MSEC)));
	keep(&h->subtests, v);
}

static void on_snapshot(struct heard *h, const struct wire_frame *f)
{
	struct wire_snapshot s;
	struct wire_text name;
	char text[128];

	if (wire_parse_snapshot(f, &s, &name))
		return;
	snprintf(text, sizeof(text), "%.*s", (int)name.len, name.p);
	if (s.kind == WIRE_SNAPSHOT_STATS) {
		if (h->stats)
			h->stats(h->stats_ctx, s.id, text);
		return;
	}
	if (h->snapshot)
		h->snapshot(h->ctx, s.id, s.kind, text);
}

static void on_metrics(struct heard *h, const struct wire_frame *f)
{
	if (!h->metrics)
		h->metrics = value_map();
	if (h->metrics)
		metrics_add(h->metrics, &h->nr_metrics, (const char *)f->data,
			    f->len);
}

static void on_sched_exit(struct heard *h, const struct wire_frame *f)
{
	struct wire_sched_exit s;
	struct wire_text text;
	char how[64] = "failed";

	if (h->sched_exit || wire_parse_sched_exit(f, &s, &text))
		return;
	h->sched_end = s;
	if (s.signal)
		snprintf(how, sizeof(how), "was killed by signal %u", s.signal);
	else if (s.code >= 0)
		snprintf(how, sizeof(how), "ended early with exit status %d", s.code);
	if (asprintf(&h->sched_exit, "the scheduler %s%s%.*s", how,
		     text.len ? ": " : "", (int)min(text.len, (size_t)300),
		     text.p) < 0)
		h->sched_exit = NULL;
	h->sched_error = true;
	eventfd_write(h->news_fd, 1);
}

static void on_crash(struct heard *h, const struct wire_frame *f)
{
	if (h->crash.len >= f->len)
		return;
	buf_reset(&h->crash);
	buf_add(&h->crash, f->data, f->len);
	h->crash_via = f->via;
}

static void heard_frame(void *ctx, const struct wire_frame *f)
{
	struct heard *h = ctx;

	if (f->type < HEARD_TYPES)
		h->by_type[f->type]++;
	switch (f->type) {
	case WIRE_HELLO:
		on_hello(h, f);
		break;
	case WIRE_LIFECYCLE:
		on_lifecycle(h, f);
		break;
	case WIRE_STDOUT:
		textlog_add(&h->output, f->data, f->len);
		break;
	case WIRE_STDERR:
		textlog_add(&h->stderr_log, f->data, f->len);
		break;
	case WIRE_EXIT:
		on_exit_frame(h, f);
		break;
	case WIRE_TEST_RESULT:
		on_test(h, f);
		break;
	case WIRE_STIMULUS:
		on_stimulus(h, f);
		break;
	case WIRE_PHASE:
		on_phase(h, f);
		break;
	case WIRE_SNAPSHOT_REQUEST:
		on_snapshot(h, f);
		break;
	case WIRE_KERN_ADDRS:
		h->has_addrs = !wire_parse_kern_addrs(f, &h->addrs);
		break;
	case WIRE_METRICS:
		on_metrics(h, f);
		break;
	case WIRE_SCHED_EXIT:
		on_sched_exit(h, f);
		break;
	case WIRE_SCHED_OUT:
		textlog_add(&h->sched_log, f->data, f->len);
		break;
	case WIRE_SCHED_ON:
		h->sched_on = true;
		break;
	case WIRE_PROBES:
		h->probes.len = 0;
		buf_add(&h->probes, f->data, f->len);
		break;
	case WIRE_CRASH:
		on_crash(h, f);
		break;
	default:
		break;
	}
}

/* Plain text on COM2 is the guest's own output but for its marked lines. */
static void heard_text(void *ctx, const char *line, size_t len)
{
	struct heard *h = ctx;

	if (len >= strlen(WIRE_SENTINEL) &&
	    !memcmp(line, WIRE_SENTINEL, strlen(WIRE_SENTINEL)))
		return;
	textlog_add(&h->output, line, len);
}

static const struct assembler_ops heard_ops = {
	.frame = heard_frame, .text = heard_text,
};

int heard_init(struct heard *h, const char *dir, struct diag *d)
{
	static const char *const names[] = { "console.log", "stdout", "stderr",
					     "scheduler.log" };
	struct textlog *logs[] = { &h->console, &h->output, &h->stderr_log,
				   &h->sched_log };
	size_t i;
	int err = 0;

	*h = (struct heard){ .news_fd = -1 };
	pthread_mutex_init(&h->lock, NULL);
	for (i = 0; i < ARRAY_SIZE(logs); i++)
		textlog_open(logs[i], NULL, NULL);
	h->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->news_fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	for (i = 0; i < ARRAY_SIZE(logs) && dir && !err; i++) {
		char *path __free(cleanup_free) = NULL;

		if (asprintf(&path, "%s/%s", dir, names[i]) < 0)
			return diag_fail(d, -ENOMEM, NULL, "no memory");
		err = textlog_open(logs[i], path, d);
	}
	h->console.tty = true;
	assembler_init(&h->com2, WIRE_VIA_COM2, &heard_ops, h, &h->seen);
	assembler_init(&h->port1, WIRE_VIA_PORT1, &heard_ops, h, &h->seen);
	assembler_init(&h->ring, WIRE_VIA_RING, &heard_ops, h, &h->seen);
	return err;
}

void heard_deinit(struct heard *h)
{
	assembler_deinit(&h->com2);
	assembler_deinit(&h->port1);
	assembler_deinit(&h->ring);
	textlog_close(&h->console);
	textlog_close(&h->output);
	textlog_close(&h->stderr_log);
	textlog_close(&h->sched_log);
	buf_reset(&h->crash);
	buf_reset(&h->probes);
	free(h->sched_exit);
	value_free(h->stimulus);
	value_free(h->subtests);
	value_free(h->metrics);
	if (h->news_fd >= 0)
		close(h->news_fd);
	pthread_mutex_destroy(&h->lock);
}

void heard_start(struct heard *h)
{
	h->start_ns = now_ns();
	heard_reach(h, STAGE_ENTRY);
}

static bool line_has(const struct heard *h, const char *text)
{
	return memmem(h->line, h->line_len, text, strlen(text));
}

/*
 * A panic ends the case at once. A scheduler that sched_ext ended by itself is
 * to be looked at while its maps are there: its process has yet to notice.
 */
static void judge_line(struct heard *h)
{
	bool panic = line_has(h, "Kernel panic - not syncing");
	bool sched = line_has(h, "sched_ext: BPF scheduler") &&
		     line_has(h, "disabled (") &&
		     !line_has(h, "unregistered from");

	if ((!panic || h->panicking) && (!sched || h->sched_error))
		return;
	h->panicking |= panic;
	h->sched_error |= sched;
	eventfd_write(h->news_fd, 1);
}

static void watch_console(struct heard *h, const char *p, size_t len)
{

	for (; len; p++, len--) {
		if (*p != '\n') {
			if (h->line_len < sizeof(h->line))
				h->line[h->line_len++] = *p;
			continue;
		}
		judge_line(h);
		h->line_len = 0;
	}
}

void heard_com1(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;

	heard_lock(h);
	textlog_add(&h->console, data, len);
	watch_console(h, data, len);
	heard_reach(h, STAGE_KERNEL);
	heard_unlock(h);
}

void heard_com2(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;

	heard_lock(h);
	assembler_feed(&h->com2, data, len);
	if (h->com2.words.has_exit && !h->too_late) {
		struct heard_exit *e = &h->exits[VIA_COM2];

		if (!e->has)
			*e = (struct heard_exit){ true, 0, 0 };
		if (!e->signal)
			e->code = h->com2.words.exit_code;
		heard_reach(h, STAGE_VERDICT);
	}
	heard_unlock(h);
}

/* Called by a file's thread. */
static void room_again(void *arg)
{
	struct heard *h = arg;

	if (h->port1_room)
		h->port1_room(h->room_ctx);
}

static bool has_room(struct heard *h, const struct textlog *log, size_t len)
{
	return !log->file || logfile_room(log->file, len, room_again, h);
}

size_t heard_port1(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;
	bool fits;

	heard_lock(h);
	/* The bytes may end a frame whose others came before. */
	fits = has_room(h, &h->output, len + WIRE_MAX_PAYLOAD) &&
	       has_room(h, &h->stderr_log, len + WIRE_MAX_PAYLOAD);
	if (fits)
		assembler_feed(&h->port1, data, len);
	heard_unlock(h);
	return fits ? len : 0;
}

bool heard_wait_room(void *ctx)
{
	struct heard *h = ctx;

	textlog_finish(&h->output);
	textlog_finish(&h->stderr_log);
	return true;
}

size_t heard_hvc0(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;

	heard_lock(h);
	textlog_add(&h->console, data, len);
	watch_console(h, data, len);
	heard_unlock(h);
	return len;
}

void heard_ring(struct heard *h, const void *data, size_t len)
{
	heard_lock(h);
	assembler_feed(&h->ring, data, len);
	heard_unlock(h);
}

void heard_finish(struct heard *h)
{
	heard_lock(h);
	assembler_finish(&h->com2);
	assembler_finish(&h->port1);
	assembler_finish(&h->ring);
	heard_unlock(h);
	textlog_finish(&h->console);
	textlog_finish(&h->output);
	textlog_finish(&h->stderr_log);
}

const struct heard_exit *heard_exit(const struct heard *h,
				    enum verdict_via *via)
{
	static const struct heard_exit none;
	enum verdict_via v;

	for (v = VIA_PORT1; v <= VIA_RING; v++) {
		if (!h->exits[v].has)
			continue;
		*via = v;
		return &h->exits[v];
	}
	*via = VIA_NONE;
	return &none;
}

void heard_time_is_up(struct heard *h)
{
	enum verdict_via via;

	h->too_late = !heard_exit(h, &via)->has;
}
