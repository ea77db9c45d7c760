// SPDX-License-Identifier: GPL-2.0-only
/* A scenario's machine with its devices; see live.h. */
#include "runner/live.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runner/crashring.h"
#include "runner/disk.h"
#include "runner/initramfs.h"
#include "runner/inside.h"
#include "runner/kernel.h"
#include "runner/reads.h"
#include "runner/scenario.h"
#include "runner/starve.h"
#include "runner/topo.h"
#include "runner/value.h"
#include "runner/wire.h"
#include "virtio/blk.h"
#include "virtio/blkback.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/machine.h"

/* After a panic the kernel has this long to reboot; then we end it. */
#define PANIC_GRACE_NS (5 * NSEC_PER_SEC)
/* After the verdict the guest has this long to go down. */
#define TEARDOWN_GRACE_NS (20 * NSEC_PER_SEC)
/* After the timeout a guest that listens has this long to end by itself. */
#define LAST_WORDS_NS (2 * NSEC_PER_SEC)
/* Output in KVM's buffer is fetched this often. */
#define DRAIN_PERIOD_NS NSEC_PER_SEC

static void enter(const struct live *x, const char *phase)
{
	if (x->cfg.phase)
		x->cfg.phase(x->cfg.ctx, phase);
}

/* --- the machine -------------------------------------------------------- */

static struct device *next_device(struct live *x)
{
	x->dev_ptrs[x->nr_devs] = &x->devs[x->nr_devs];
	return &x->devs[x->nr_devs++];
}

/* Context: the thread that writes a log. */
static void port1_room(void *ctx)
{
	struct live *x = ctx;

	virtio_console_resume(x->console, VIRTIO_CONSOLE_PORT_BULK);
}

static int add_console(struct live *x, const struct mem *mem, struct diag *d)
{
	struct virtio_console_cfg cfg = {
		.sinks = {
			[VIRTIO_CONSOLE_PORT_TTY] = { .take = heard_hvc0, .arg = &x->heard },
			[VIRTIO_CONSOLE_PORT_BULK] = { heard_port1, NULL, &x->heard,
						       heard_wait_room },
			[VIRTIO_CONSOLE_PORT_STATS] = { .take = schedstats_take, .arg = &x->stats },
		},
	};
	const struct live_tty *tty = x->cfg.tty;
	int err;

	if (tty) {
		cfg.sinks[VIRTIO_CONSOLE_PORT_TTY] =
			(struct virtio_console_sink){ .take = tty->take,
						      .arg = tty->arg };
		cfg.cols = tty->cols;
		cfg.rows = tty->rows;
	}
	err = virtio_console_create(&x->console, mem, &cfg, d);
	if (err)
		return err;
	x->heard.port1_room = port1_room;
	x->heard.room_ctx = x;
	live_wire_stats(x);
	virtio_console_attach(x->console, next_device(x));
	return 0;
}

static int add_blk(struct live *x, const struct mem *mem, struct diag *d)
{
	const struct scen_disk *disk = &x->s->disk;
	struct virtio_blk_cfg cfg = {
		.throttle = {
			.iops = disk->throttle.iops,
			.bandwidth = disk->throttle.bandwidth,
		},
		.serial = disk->serial,
	};
	struct blkback *back;
	int err;

	if (!disk->present)
		return 0;
	/* In memory: the folder may lie on a slow file system (9p). */
	err = disk_open(&back, disk, NULL, d);
	if (!err)
		err = virtio_blk_create(&x->blk, mem, back, &cfg, d);
	if (!err)
		virtio_blk_attach(x->blk, next_device(x));
	return err;
}

static int add_net(struct live *x, const struct mem *mem, struct diag *d)
{
	struct virtio_net_cfg cfg = { .mtu = (u16)x->s->net.mtu };
	u8 *m = cfg.mac;
	int err;

	if (!x->s->net.present)
		return 0;
	if (x->s->net.mac)
		sscanf(x->s->net.mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0],
		       &m[1], &m[2], &m[3], &m[4], &m[5]);
	err = virtio_net_create(&x->net, mem, &cfg, d);
	if (!err)
		virtio_net_attach(x->net, next_device(x));
	return err;
}

static int write_initrd(void *arg, void *dst, u64 size, struct diag *d)
{
	struct live *x = arg;

	return initramfs_write(x->cfg.initramfs, dst, size, d);
}

static void *ring_area(struct live *x)
{
	return mem_ptr(&x->mem, machine_layout(x->m)->ring_start,
		       CRASHRING_SIZE);
}

static void set_kaslr(const struct live *x, struct machine_cfg *cfg)
{
	const struct kaslr_want *want = &x->s->kernel.kaslr;

	cfg->kaslr = want->mode == KASLR_OFF ? MACHINE_KASLR_OFF :
		     MACHINE_KASLR_SEED;
	cfg->kaslr_seed = want->mode == KASLR_SEED ? want->seed : x->cfg.seed;
}

/*
 * loglevel=5: each byte on the serial console is a VM exit, so only warnings
 * and worse take that road; the whole log is read from memory at the end.
 */
static int make_cmdline(struct live *x, const struct machine_cfg *cfg,
			struct diag *d)
{
	int err = machine_default_cmdline(cfg, &x->cmdline);

	buf_printf(&x->cmdline, " loglevel=5 " WIRE_ARG_RING "=0x%llx,0x%llx",
		   (unsigned long long)machine_ring_gpa(cfg),
		   (unsigned long long)cfg->ring_size);
	if (x->s->guest.console == GUEST_CONSOLE_HVC)
		buf_puts(&x->cmdline, " console=hvc0");
	if (*x->s->kernel.cmdline)
		buf_printf(&x->cmdline, " %s", x->s->kernel.cmdline);
	if (err || x->cmdline.failed)
		return diag_fail(d, -ENOMEM, NULL, "no memory");
	return 0;
}

static int build_machine(struct live *x, struct diag *d)
{
	struct buf bzimage = { 0 };
	struct machine_cfg cfg = {
		.memory = x->s->vm.memory,
		.vendor = (enum machine_vendor)x->s->vm.vendor,
		.kernel.kimage = x->cfg.image,
		.initrd = {
			.size = initramfs_size(x->cfg.initramfs),
			.fill = write_initrd, .arg = x,
		},
		.devices = x->dev_ptrs,
		.nr_devices = x->nr_devs,
		.serial = { { heard_com1, &x->heard }, { heard_com2, &x->heard } },
		.ring_size = CRASHRING_SIZE,
	};
	int err = 0;

	topo_to_machine(&cfg.topology, &x->s->vm.cpus);
	set_kaslr(x, &cfg);
	if (!x->cfg.image || x->s->kernel.boot == BOOT_BZIMAGE) {
		cfg.kernel.kimage = NULL;
		err = io_read_file(x->cfg.kernel->image, MiB(256), &bzimage, d);
		cfg.kernel.bzimage = bzimage.data;
		cfg.kernel.bzimage_len = bzimage.len;
	}
	if (!err)
		err = make_cmdline(x, &cfg, d);
	cfg.cmdline = buf_str(&x->cmdline);
	if (!err)
		err = machine_create(&x->m, &cfg, d);
	buf_reset(&bzimage);
	if (err)
		return err;
	x->mem = *machine_mem(x->m);
	return crashring_init(ring_area(x), CRASHRING_SIZE);
}

int live_create(struct live *x, const struct live_cfg *cfg, struct diag *d)
{
	int err;

	*x = (struct live){
		.cfg = *cfg, .s = cfg->scenario, .begin_ns = now_ns(),
		.watchdog.fd = -1, .drain.fd = -1,
		.loop = { .epfd = -1, .stop_fd = -1 },
		.dump = { .policy = cfg->dump, .dir = cfg->dir },
	};
	schedstats_init(&x->stats, &x->s->scheduler);
	enter(x, "build");
	err = cfg->dir ? io_mkdirs(cfg->dir, d) : 0;
	if (!err)
		err = heard_init(&x->heard, x->cfg.dir, d);
	x->heard_ready = !err;
	if (!err)
		err = add_console(x, &x->mem, d);
	if (!err)
		err = add_blk(x, &x->mem, d);
	if (!err)
		err = add_net(x, &x->mem, d);
	if (!err)
		err = build_machine(x, d);
	return err;
}

/* --- while it runs ------------------------------------------------------ */

static void on_end(struct event_source *src, u32 events)
{
	struct live *x = container_of(src, struct live, end);

	(void)events;
	x->end_ns = now_ns();
	event_del(&x->loop, src);
	event_loop_stop(&x->loop);
}

static void on_drain(struct event_source *src, u32 events)
{
	struct live *x = container_of(src, struct live, drain);

	(void)events;
	event_drain(src->fd);
	machine_drain(x->m);
	peek_tick(&x->peek);
	watchpoints_tick(&x->watchpoints, x->told);
	live_take_looks(x);
}

static u64 scaled(const struct live *x, u64 ns)
{
	return (u64)((double)ns * x->cfg.time_factor);
}

/* Time that the guest stood is not its own. */
static bool was_frozen(struct live *x)
{
	u64 more = machine_stood_ns(x->m) - x->frozen_ns;

	if (!more)
		return false;
	x->frozen_ns += more;
	x->deadline_ns += more;
	event_timer_arm(x->watchdog.fd, more, 0);
	return true;
}

/* Did the vCPUs wait for a host CPU rather than run? While they are there. */
static void judge_starvation(struct live *x)
{
	struct starve s = starve_read(getpid(), "vmtap-vcpu");

	if (starve_judge(&s, x->timed_out_ns - x->heard.start_ns))
		snprintf(x->starved, sizeof(x->starved),
			 "the host was too busy: a vCPU that had work for %llu ms waited %llu of them for a CPU",
			 (unsigned long long)((s.ran_ns + s.waited_ns) / NSEC_PER_MSEC),
			 (unsigned long long)(s.waited_ns / NSEC_PER_MSEC));
}

/* The time is up: of the guest, of a panic to reboot, or of the last words. */
static void on_watchdog(struct event_source *src, u32 events)
{
	struct live *x = container_of(src, struct live, watchdog);
	bool panicking;

	(void)events;
	if (!event_drain(src->fd) || was_frozen(x))
		return;
	machine_drain(x->m);
	heard_lock(&x->heard);
	panicking = x->heard.panicking;
	if (!panicking && !x->timed_out)
		heard_time_is_up(&x->heard);
	heard_unlock(&x->heard);
	if (!panicking && !x->timed_out) {
		x->timed_out = true;
		x->timed_out_ns = now_ns();
		judge_starvation(x);
		live_look_at_hung(x);
		/* It then has a moment for its last words. */
		x->frozen_ns = machine_stood_ns(x->m);
		if (live_say(x, WIRE_SHUTDOWN, NULL, 0)) {
			event_timer_arm(src->fd, scaled(x, LAST_WORDS_NS), 0);
			return;
		}
	}
	machine_kill(x->m);
}

static void take_reads(struct live *x)
{
	const struct str_list *paths = &x->s->read;
	struct diag d = { 0 };
	struct kread k;

	if (!paths->n || x->reads)
		return;
	if (inside_kread(&x->inside, INSIDE_TYPES | INSIDE_PARK, &k, &d))
		x->reads = reads_unread(paths, diag_text(&d));
	else
		x->reads = reads_paths(&k, paths);
	diag_reset(&d);
}

/*
 * What looks into the guest follows it. At the verdict the guest holds for it,
 * and before the payload where something is watched.
 */
static void reached(struct live *x, enum stage stage)
{
	unsigned int tries = stage == STAGE_AGENT ? 2 : 0;

	enter(x, stage_name(stage));
	mapwrite_stage(&x->mapwrite, stage);
	peek_stage(&x->peek, stage);
	while (watchpoints_tick(&x->watchpoints, stage) && tries--)
		;
	snapshots_stage(&x->snapshots, stage);
	if (stage == STAGE_VERDICT)
		take_reads(x);
	if (stage == STAGE_VERDICT || (stage == STAGE_AGENT && x->s->watch.n))
		live_say(x, WIRE_GO_ON, NULL, 0);
}

/* The guest moved on: tell the parent, and shorten the watchdog at an end. */
static void on_news(struct event_source *src, u32 events)
{
	struct live *x = container_of(src, struct live, news);
	u64 now = now_ns(), deadline;
	bool panicking, sched_error, workload;
	enum stage stage;

	(void)events;
	event_drain(src->fd);
	heard_lock(&x->heard);
	stage = x->heard.stage;
	workload = x->heard.has_phase;
	panicking = x->heard.panicking;
	sched_error = x->heard.sched_error;
	heard_unlock(&x->heard);
	if (panicking || sched_error)
		snapshots_fail(&x->snapshots, panicking ? "panic" :
			       "the sched_ext scheduler ended by an error", false);
	if (workload && !x->workload_told)
		snapshots_workload(&x->snapshots);
	x->workload_told |= workload;
	if (stage != x->told)
		reached(x, stage);
	if (stage >= STAGE_PAYLOAD && x->told < STAGE_PAYLOAD)
		schedstats_begin(&x->stats);
	deadline = x->deadline_ns;
	if (panicking)
		deadline = min(deadline, now + scaled(x, PANIC_GRACE_NS));
	else if (stage == STAGE_VERDICT && x->told != STAGE_VERDICT)
		deadline = min(deadline, now + scaled(x, TEARDOWN_GRACE_NS));
	x->told = stage;
	live_take_looks(x);
	if (deadline == x->deadline_ns || x->timed_out)
		return;
	x->deadline_ns = deadline;
	event_timer_arm(x->watchdog.fd, max(deadline - now, (u64)1), 0);
}

static int start_workers(struct live *x, struct diag *d)
{
	int err = virtio_console_start(x->console, d);

	if (!err && x->blk)
		err = virtio_blk_start(x->blk, d);
	if (!err && x->net)
		err = virtio_net_start(x->net, d);
	return err;
}

static int watch_all(struct live *x, struct diag *d)
{
	int err;

	x->watchdog = (struct event_source){ event_timer_create(), on_watchdog };
	x->drain = (struct event_source){ event_timer_create(), on_drain };
	x->news = (struct event_source){ x->heard.news_fd, on_news };
	x->end = (struct event_source){ machine_end_fd(x->m), on_end };
	if (x->watchdog.fd < 0 || x->drain.fd < 0)
		return diag_fail(d, -EMFILE, NULL, "cannot create a timer");
	err = event_loop_init(&x->loop, d);
	if (!err)
		err = event_add(&x->loop, &x->watchdog, EPOLLIN, d);
	if (!err)
		err = event_add(&x->loop, &x->drain, EPOLLIN, d);
	if (!err)
		err = event_add(&x->loop, &x->news, EPOLLIN, d);
	if (!err)
		err = event_add(&x->loop, &x->end, EPOLLIN, d);
	if (!err)
		err = schedstats_watch(&x->stats, &x->loop, d);
	return err;
}

int live_run(struct live *x, struct diag *d)
{
	int err = watch_all(x, d);

	if (!err)
		err = start_workers(x, d);
	if (err)
		return err;
	x->timeout_ns = scaled(x, x->s->vm.timeout_ns);
	heard_start(&x->heard);
	x->deadline_ns = now_ns() + x->timeout_ns;
	event_timer_arm(x->watchdog.fd, x->timeout_ns, 0);
	event_timer_arm(x->drain.fd, DRAIN_PERIOD_NS, DRAIN_PERIOD_NS);
	err = live_look(x, d);
	if (!err && x->cfg.attach)
		err = x->cfg.attach(x->cfg.ctx, x->m, d);
	if (!err)
		err = machine_start(x->m, d);
	if (!err)
		err = event_loop_run(&x->loop);
	return err;
}

/* --- after it ----------------------------------------------------------- */

/* What is not there (too early, no symbols) is no error: the serial log is. */
static void take_log(struct live *x)
{
	struct buf dmesg = { 0 };
	struct diag d = { 0 };
	struct kread k;
	int err;

	x->log = textlog_text(&x->heard.console, &x->log_len);
	err = inside_kread(&x->inside, 0, &k, &d);
	if (!err)
		err = inside_dmesg(&k, &dmesg, &d);
	if (err) {
		diag_reset(&d);
		err = inside_kread(&x->inside, INSIDE_TYPES, &k, &d);
		if (!err)
			err = inside_dmesg(&k, &dmesg, &d);
	}
	if (err)
		log_debug("live", "the kernel's log is not read from memory: %s",
			  diag_text(&d));
	diag_reset(&d);
	if (dmesg.len && x->heard.stage == STAGE_ENTRY)
		x->heard.stage = STAGE_KERNEL;
	if (dmesg.len > x->log_len && !dmesg.failed) {
		free(x->log);
		x->log_len = dmesg.len;
		x->log = buf_steal(&dmesg);
	}
	buf_reset(&dmesg);
}

static void save_log(const struct live *x)
{
	char *path __free(cleanup_free) = NULL;
	struct diag d = { 0 };

	if (!x->cfg.dir || !x->log ||
	    asprintf(&path, "%s/kernel.log", x->cfg.dir) < 0)
		return;
	if (io_write_file(path, x->log, x->log_len, &d))
		log_warn("live", "%s", diag_text(&d));
	diag_reset(&d);
}

/* Why a capture of the failure is due; NULL: there was none. */
static const char *failure(const struct live *x)
{
	if (x->heard.panicking)
		return "panic";
	if (x->timed_out)
		return "timeout";
	if (x->heard.sched_error)
		return "the sched_ext scheduler ended by an error";
	if (x->heard.stage < STAGE_VERDICT)
		return "the guest went down without a verdict";
	return peek_failure(&x->peek);
}

/* In the order that freeze/coordinator.h asks for. */
void live_stop(struct live *x)
{
	struct crashring_info info;
	struct buf words = { 0 };

	peek_stop(&x->peek);
	mapwrite_stop(&x->mapwrite);
	snapshots_kill(&x->snapshots);
	machine_join(x->m);
	watchpoints_stop(&x->watchpoints);
	virtio_console_stop(x->console);
	while (virtio_console_flush(x->console) == -EAGAIN)
		heard_wait_room(&x->heard);
	if (x->blk)
		virtio_blk_stop(x->blk);
	if (x->net)
		virtio_net_stop(x->net);
	if (!crashring_read(ring_area(x), CRASHRING_SIZE, &words, &info))
		heard_ring(&x->heard, words.data, words.len);
	buf_reset(&words);
	schedstats_stop(&x->stats);
	heard_finish(&x->heard);
	snapshots_finish(&x->snapshots, failure(x));
	peek_finish(&x->peek);
	take_reads(x);
	take_log(x);
	save_log(x);
}

void live_destroy(struct live *x)
{
	watchpoints_deinit(&x->watchpoints);
	mapwrite_deinit(&x->mapwrite);
	snapshots_deinit(&x->snapshots);
	peek_deinit(&x->peek);
	dump_deinit(&x->dump);
	inside_deinit(&x->inside);
	value_free(x->reads);
	machine_destroy(x->m);
	virtio_console_destroy(x->console);
	virtio_blk_destroy(x->blk);
	virtio_net_destroy(x->net);
	if (x->watchdog.fd >= 0)
		close(x->watchdog.fd);
	if (x->drain.fd >= 0)
		close(x->drain.fd);
	event_loop_deinit(&x->loop);
	if (x->heard_ready)
		heard_deinit(&x->heard);
	schedstats_deinit(&x->stats);
	buf_reset(&x->cmdline);
	free(x->log);
}
