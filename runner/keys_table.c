// SPDX-License-Identifier: GPL-2.0-only
/* The table of a scenario's keys, but for the workload's. See keys.h. */
#include "runner/keyrow.h"
#include "runner/parse.h"
#include "runner/expr.h"
#include "runner/watchpoints.h"

static const char *const accel_words[] = { "any", "kvm", NULL };
static const char *const boot_words[] = { "auto", "direct", "bzimage", NULL };
static const char *const net_words[] = { "loopback", NULL };
static const char *const console_words[] = { "serial", "hvc", NULL };
static const char *const watch_words[] = { "write", "change", NULL };
static const char *const watch_by_words[] = {
	"auto", "hardware", "write_protect", NULL,
};

#define VERSION_PATTERN							\
	"^ *(>=|<=|==|!=|>|<)? *[0-9]+(\\.[0-9]+)*"			\
	"( *, *(>=|<=|==|!=|>|<)? *[0-9]+(\\.[0-9]+)*)* *$"

static const struct key requires_keys[] = {
	{ "kernel_config", KEY_STR_LIST, AT(scen_requires, kernel_config),
	  .pattern = "^CONFIG_[A-Z0-9_a-z]+(=[^ ]+)?$",
	  .form = "CONFIG_NAME (built in or module) or CONFIG_NAME=value",
	  .doc = "Options that the kernel's configuration must have. CONFIG_X is met by y and m.",
	  .example = "[CONFIG_VIRTIO_BLK, CONFIG_SCHED_CLASS_EXT=y]" },
	{ "kernel", KEY_STR, AT(scen_requires, kernel),
	  .pattern = VERSION_PATTERN,
	  .form = "versions such as \">= 6.12, < 7\"",
	  .doc = "Releases that the scenario is for: comparisons joined by commas; a "
		 "bare version means that series.",
	  .example = "\">= 6.12\"" },
	{ "accel", KEY_ENUM, AT(scen_requires, accel), .words = accel_words,
	  .dflt = "any",
	  .doc = "kvm: only on the host's own KVM, never in a nested host." },
};

static const struct keyset requires_set = {
	KEYSET("requires", requires_keys, scen_requires),
};

static const char *const kernel_one_of[] = { "image", "release", NULL };

static const struct key kernel_keys[] = {
	{ "image", KEY_PATH, AT(scen_kernel, image), .label = "kernel",
	  .doc = "A bzImage or an ELF vmlinux. Without image and release the run's "
		 "kernel is taken: --kernel, in a kernel tree its own image.",
	  .example = "../linux/arch/x86/boot/bzImage" },
	{ "release", KEY_STR, AT(scen_kernel, release), .label = "kernel",
	  .pattern = "^[0-9A-Za-z._+~-]+$",
	  .form = "a release or its beginning, such as \"6.12\"",
	  .doc = "Beginning of the release of a kernel that `vmtap kernel list` "
		 "shows; the newest that fits is taken. Quote it: elsewhere 6.10 "
		 "reads as 6.1.",
	  .example = "\"6.12\"" },
	{ "cmdline", KEY_STR, AT(scen_kernel, cmdline), .dflt = "",
	  .pattern = "^[ -~]*$", .form = "printable ASCII",
	  .doc = "Appended to the command line that the machine needs, which the "
		 "result tells. In a nested host that has cryptomgr.notests; "
		 "cryptomgr.notests=0 brings the self-tests back.",
	  .example = "\"loglevel=7\"" },
	{ "kaslr", KEY_CUSTOM, AT(scen_kernel, kaslr), .custom = &custom_kaslr,
	  .dflt = "true",
	  .doc = "true leaves it to the kernel, false adds nokaslr, a number is the "
		 "seed of the layout.",
	  .example = "false" },
	{ "modules", KEY_STR_LIST, AT(scen_kernel, modules),
	  .pattern = "^[A-Za-z0-9_-]+$", .form = "the name of a module",
	  .doc = "Modules to load beside those that the devices need; dependencies come along.",
	  .example = "[dm_mod]" },
	{ "withhold", KEY_STR_LIST, AT(scen_kernel, withhold),
	  .pattern = "^[A-Za-z0-9_-]+$", .form = "the name of a module",
	  .doc = "Modules to leave out although a device needs them.",
	  .example = "[virtio_console]" },
	{ "boot", KEY_ENUM, AT(scen_kernel, boot), .words = boot_words,
	  .dflt = "auto",
	  .doc = "direct enters the decompressed vmlinux, bzimage the image's own decompressor." },
};

static const struct keyset kernel_set = {
	KEYSET("kernel", kernel_keys, scen_kernel),
	.one_of = kernel_one_of, .shorthand = &custom_kernel,
};

static const struct key cpus_keys[] = {
	{ "nodes", INT_AT(scen_topology, nodes), .min = 1, .max = SCEN_MAX_NODES,
	  .dflt = "1", .doc = "NUMA nodes with CPUs." },
	{ "llcs", INT_AT(scen_topology, llcs), .min = 1, .max = SCEN_MAX_CPUS,
	  .dflt = "1", .doc = "Last-level caches in all; a multiple of nodes." },
	{ "cores", INT_AT(scen_topology, cores), .min = 1, .max = SCEN_MAX_CPUS,
	  .dflt = "1", .doc = "Cores per last-level cache." },
	{ "threads", INT_AT(scen_topology, threads), .min = 1, .max = 2,
	  .dflt = "1", .doc = "Threads per core." },
	{ "memory_nodes", INT_AT(scen_topology, memory_nodes), .min = 0,
	  .max = SCEN_MAX_NODES - 1,
	  .doc = "Further nodes that have memory and no CPU." },
	{ "memory", KEY_SIZE_LIST, AT(scen_topology, memory), .min = MiB(4),
	  .max = NO_MAX,
	  .doc = "Memory of each node, in steps of 2M; together vm.memory. Default: "
		 "the same for each.",
	  .example = "[256M, 256M]" },
	{ "distances", KEY_CUSTOM, AT(scen_topology, distances),
	  .custom = &custom_num_table,
	  .doc = "Distance from each node (row) to each (column), 10 on the "
		 "diagonal. Default: 20 between nodes.",
	  .example = "[[10, 20], [20, 10]]" },
	{ "latency_ns", KEY_CUSTOM, AT(scen_topology, latency_ns),
	  .custom = &custom_num_table,
	  .doc = "Access latency from each node (row) to each in nanoseconds, "
		 "announced in the HMAT. Rows of nodes without CPUs are not.",
	  .example = "[[80, 140], [140, 80]]" },
	{ "bandwidth_mb", KEY_CUSTOM, AT(scen_topology, bandwidth_mb),
	  .custom = &custom_num_table,
	  .doc = "Bandwidth from each node (row) to each in MB/s, announced in the "
		 "HMAT. Rows of nodes without CPUs are not.",
	  .example = "[[20000, 9000], [9000, 20000]]" },
};

static const struct keyset cpus_set = {
	KEYSET("vm.cpus", cpus_keys, scen_topology),
	.whole = true, .shorthand = &custom_cpus,
};

static const char *const vendor_words[] = { "host", "amd", "intel", NULL };

static const struct key vm_keys[] = {
	{ "cpus", KEY_MAP, AT(scen_vm, cpus), .sub = &cpus_set, .dflt = "1",
	  .doc = "A number of CPUs, or nodes, LLCs in all, cores per LLC and threads "
		 "per core, as 1n2l4c2t or as a map, or the name of a preset: see "
		 "PRESETS. A node is a package.",
	  .example = "4" },
	{ "vendor", KEY_ENUM, AT(scen_vm, vendor), .words = vendor_words,
	  .dflt = "host",
	  .doc = "Whose CPU the guest believes it has, and so by which CPUID leaves the "
		 "kernel learns the topology. Other features stay the host's." },
	{ "memory", KEY_SIZE, AT(scen_vm, memory), .min = MiB(64),
	  .max = GiB(1024), .dflt = "512M", .doc = "Guest memory." },
	{ "timeout", KEY_DURATION, AT(scen_vm, timeout_ns),
	  .min = 100 * NSEC_PER_MSEC, .max = 24 * 3600 * NSEC_PER_SEC,
	  .dflt = "60s",
	  .doc = "The host ends a guest that runs longer. Scaled under a slow accelerator." },
};

static const struct keyset vm_set = { KEYSET("vm", vm_keys, scen_vm) };

static const struct key throttle_keys[] = {
	{ "iops", KEY_INT, AT(scen_throttle, iops), .width = 8, .min = 0,
	  .max = 1000000000,
	  .doc = "Requests per second; 0 is unlimited.", .example = "200" },
	{ "bandwidth", KEY_SIZE, AT(scen_throttle, bandwidth), .min = 0,
	  .max = NO_MAX,
	  .doc = "Bytes per second; 0 is unlimited.", .example = "1M" },
};

static const struct keyset throttle_set = {
	KEYSET("disk.throttle", throttle_keys, scen_throttle),
};

static const char *const disk_one_of[] = { "size", "image", NULL };

static const struct key disk_keys[] = {
	{ "size", KEY_SIZE, AT(scen_disk, size), .min = 512, .max = GiB(65536),
	  .doc = "Size of a sparse scratch disk that ends with the case; a multiple "
		 "of 512. 64M where there is no image either.",
	  .example = "64M" },
	{ "image", KEY_PATH, AT(scen_disk, image),
	  .doc = "A raw image instead.", .example = "root.img" },
	{ "rw", KEY_BOOL, AT(scen_disk, rw),
	  .doc = "true: writes reach the image itself. Otherwise they go to a copy "
		 "that ends with the case." },
	{ "read_only", KEY_BOOL, AT(scen_disk, read_only),
	  .doc = "The device is read-only; a write gets an I/O error." },
	{ "serial", KEY_STR, AT(scen_disk, serial),
	  .pattern = "^[!-~]{1,20}$", .form = "up to 20 printable characters",
	  .doc = "What the device answers to T_GET_ID.", .example = "disk0" },
	{ "throttle", KEY_MAP, AT(scen_disk, throttle), .sub = &throttle_set,
	  .doc = "Token buckets. A request beyond them waits; it is no error." },
};

static const struct keyset disk_set = {
	.what = "disk", .keys = disk_keys, .n = ARRAY_SIZE(disk_keys),
	.size = sizeof(struct scen_disk),
	.present_off = offsetof(struct scen_disk, present), .loc_off = -1,
	.one_of = disk_one_of,
};

static const struct key net_keys[] = {
	{ "mode", KEY_ENUM, AT(scen_net, mode), .words = net_words,
	  .dflt = "loopback",
	  .doc = "loopback: each frame that the guest sends is offered back to it." },
	{ "mac", KEY_STR, AT(scen_net, mac),
	  .pattern = "^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$",
	  .form = "a unicast address such as 02:00:00:00:00:01",
	  .doc = "The device's address.", .example = "\"02:00:00:00:00:01\"" },
	{ "mtu", INT_AT(scen_net, mtu), .min = 68, .max = 65535,
	  .doc = "Offered to the driver. Default: not offered.",
	  .example = "1500" },
};

static const struct keyset net_set = {
	.what = "net", .keys = net_keys, .n = ARRAY_SIZE(net_keys),
	.size = sizeof(struct scen_net),
	.present_off = offsetof(struct scen_net, present), .loc_off = -1,
};

static const struct key file_keys[] = {
	{ "src", KEY_PATH, AT(guest_file, src), .required = true,
	  .doc = "File or folder on the host.", .example = "build/prog" },
	{ "dst", KEY_STR, AT(guest_file, dst), .required = true,
	  .pattern = "^/", .form = "an absolute path in the guest",
	  .doc = "Where it stands in the guest.", .example = "/bin/prog" },
	{ "mode", KEY_OCTAL, AT(guest_file, mode), .dflt = NULL,
	  .doc = "Permission bits. Default: as on the host.", .example = "0755" },
};

static int default_mode(struct parse_ctx *ctx, const struct ynode *n,
			const void *item)
{
	struct guest_file *file = (struct guest_file *)item;

	(void)ctx;
	if (!ynode_get(n, "mode"))
		file->mode = -1;
	return 0;
}

static const struct keyset file_set = {
	.what = "an item of guest.files", .keys = file_keys,
	.n = ARRAY_SIZE(file_keys), .size = sizeof(struct guest_file),
	.present_off = -1, .loc_off = offsetof(struct guest_file, loc),
	.judge = default_mode,
};

static const struct key kselftest_keys[] = {
	{ "dir", KEY_PATH, AT(scen_kselftest, dir), .required = true,
	  .doc = "An installed kselftest tree, or a folder of a kernel tree that was built "
		 "in place. Libraries and interpreters come along.",
	  .example = "kselftest_install" },
	{ "tests", KEY_STR_LIST, AT(scen_kselftest, tests),
	  .pattern = "^[^: ]+(:[^ ]+)?$",
	  .form = "collection or collection:test, where * stands for any",
	  .doc = "Tests to run, as run_kselftest.sh takes them. Default: all.",
	  .example = "[\"futex:*\"]" },
	{ "timeout", KEY_DURATION, AT(scen_kselftest, timeout_ns),
	  .doc = "Of each test. Default: what its folder's settings file says, else 45s. "
		 "Scaled as vm.timeout is.",
	  .example = "45s" },
};

static const struct keyset kselftest_set = {
	.what = "guest.kselftest", .keys = kselftest_keys,
	.n = ARRAY_SIZE(kselftest_keys), .size = sizeof(struct scen_kselftest),
	.present_off = offsetof(struct scen_kselftest, present), .loc_off = -1,
};

static const char *const guest_one_of[] = { "run", "exec", "kselftest", NULL };

static const struct key guest_keys[] = {
	{ "files", KEY_LIST, AT(scen_guest, files), .sub = &file_set,
	  .doc = "Files to take along; the libraries of a program come by themselves." },
	{ "run", KEY_TEXT, AT(scen_guest, run),
	  .doc = "A script for the guest's shell, which has no set -e of itself. Its exit status is the verdict. See GUEST.",
	  .example = "dd if=/dev/vda of=/dev/null bs=4k count=256" },
	{ "exec", KEY_STR_LIST, AT(scen_guest, exec),
	  .doc = "Program and arguments instead of a script.",
	  .example = "[/bin/prog, --flag]" },
	{ "kselftest", KEY_MAP, AT(scen_guest, kselftest), .sub = &kselftest_set,
	  .doc = "Kernel selftests instead of a script; each is a subtest, and so is each "
		 "result in its output. Where all are skipped so is the case." },
	{ "setup", KEY_TEXT, AT(scen_guest, setup),
	  .doc = "A script before the payload; if it fails so does the case.",
	  .example = "mkdir /tmp/work" },
	{ "teardown", KEY_TEXT, AT(scen_guest, teardown),
	  .doc = "A script after the payload, whatever that did.",
	  .example = "rm -r /tmp/work" },
	{ "env", KEY_STR_MAP, AT(scen_guest, env),
	  .pattern = "^[A-Za-z_][A-Za-z0-9_]*$", .form = "the name of a variable",
	  .doc = "Environment of the payload. A matrix may set one entry: guest.env.NAME.",
	  .example = "{BLOCK_SIZE: 4k}" },
	{ "bulk", KEY_BOOL, AT(scen_guest, bulk), .dflt = "true",
	  .doc = "false: the agent keeps to the second serial port, as if the "
		 "console device were missing." },
	{ "console", KEY_ENUM, AT(scen_guest, console), .words = console_words,
	  .dflt = "serial",
	  .doc = "Where the kernel's console is: the first serial port or the virtio console." },
};

static const struct keyset guest_set = {
	KEYSET("guest", guest_keys, scen_guest), .one_of = guest_one_of,
};

static const struct key stats_keys[] = {
	{ "every", KEY_DURATION, AT(scen_stats, every_ns),
	  .doc = "Ask in this interval: stats.every_1, stats.every_2, ...",
	  .example = "1s" },
	{ "at", KEY_CUSTOM, AT(scen_stats, at), .custom = &custom_times,
	  .doc = "Ask at these times since the payload's start: stats.at_500ms, ...",
	  .example = "[500ms, 2s]" },
	{ "phases", KEY_BOOL, AT(scen_stats, phases), .dflt = "true",
	  .doc = "Ask with each event of the workload, under its label." },
};

static const struct keyset stats_set = {
	.what = "scheduler.stats", .keys = stats_keys,
	.n = ARRAY_SIZE(stats_keys), .size = sizeof(struct scen_stats),
	.present_off = offsetof(struct scen_stats, present), .loc_off = -1,
	.shorthand = &custom_stats,
};

static const char *const repro_words[] = { "on_failure", "always", "never", NULL };

static const struct key scheduler_keys[] = {
	{ "binary", KEY_PATH, AT(scen_scheduler, binary), .required = true,
	  .doc = "The sched_ext scheduler, started in the guest before the payload. Its "
		 "watchdog is what it asks for itself (timeout_ms of its struct "
		 "sched_ext_ops): no kernel lets others set it.",
	  .example = "build/scx_x" },
	{ "args", KEY_STR_LIST, AT(scen_scheduler, args),
	  .doc = "Its arguments.", .example = "[--slice, \"5000\"]" },
	{ "stats", KEY_MAP, AT(scen_scheduler, stats), .sub = &stats_set,
	  .doc = "It serves a stats socket (/run/scx/root/stats, lines of JSON), for "
		 "which the payload waits up to 2 s. The host asks at the end "
		 "(stats.end), when the guest runs vmtap-stats NAME, and as this "
		 "says; replies are under stats in the result.",
	  .example = "{every: 1s}" },
	{ "repro", KEY_ENUM, AT(scen_scheduler, repro), .words = repro_words,
	  .dflt = "on_failure",
	  .doc = "When sched_ext threw it out over an error, run the case once more "
		 "with probes on the functions of the crash: scheduler.probes." },
};

static const struct keyset scheduler_set = {
	.what = "scheduler", .keys = scheduler_keys,
	.n = ARRAY_SIZE(scheduler_keys), .size = sizeof(struct scen_scheduler),
	.present_off = offsetof(struct scen_scheduler, present), .loc_off = -1,
};

static const struct key snapshots_keys[] = {
	{ "periodic", INT_AT(scen_snapshots, periodic), .min = 0, .max = 1000,
	  .doc = "Captures spread evenly over `window`, from the payload's start on, or "
		 "from the workload's first step where there is one.",
	  .example = "4" },
	{ "stops", INT_AT(scen_snapshots, stops), .min = 0, .max = 1000000,
	  .doc = "So often the guest is stopped and goes on, spread over the same time, "
		 "with at least 1 ms between; nothing is read. For the times of it, and to "
		 "see what a guest makes of it.",
	  .example = "10000" },
	{ "window", KEY_DURATION, AT(scen_snapshots, window_ns),
	  .min = NSEC_PER_MSEC, .max = 24 * 3600 * NSEC_PER_SEC,
	  .doc = "Time of `periodic` and `stops`; without it the workload's duration, else vm.timeout.",
	  .example = "10s" },
	{ "read", KEY_STR_LIST, AT(scen_snapshots, read),
	  .doc = "Typed paths that each capture reads.",
	  .example = "[jiffies_64, \"runqueues[cpu=1].nr_running\"]" },
	{ "on_failure", KEY_BOOL, AT(scen_snapshots, on_failure), .dflt = "true",
	  .doc = "Capture on panic, timeout, stall and scheduler exit." },
	{ "deadline", KEY_DURATION, AT(scen_snapshots, deadline_ns),
	  .min = 0, .max = 60 * NSEC_PER_SEC, .dflt = "2s",
	  .doc = "How long the CPUs and devices have to stop for a capture; past it the guest "
		 "runs on, and the capture is a placeholder that says who did not stop." },
};

static const struct keyset snapshots_set = {
	.what = "snapshots", .keys = snapshots_keys,
	.n = ARRAY_SIZE(snapshots_keys), .size = sizeof(struct scen_snapshots),
	.present_off = offsetof(struct scen_snapshots, present), .loc_off = -1,
};

static const struct key watch_keys[] = {
	{ "symbol", KEY_STR, AT(scen_watch, symbol), .required = true,
	  .doc = "A symbol of the kernel, a typed path or a field of a BPF map as in "
		 "`read`. A path is watched where it leads when it can first be followed; "
		 "size and sign are its type's, as in `(int)panic_timeout`.",
	  .example = "jiffies_64" },
	{ "size", INT_AT(scen_watch, size), .min = 1, .max = 8, .dflt = "8",
	  .doc = "Bytes of a bare symbol, unsigned: 1, 2, 4 or 8. A path has a type of its own." },
	{ "trigger", KEY_ENUM, AT(scen_watch, trigger), .words = watch_words,
	  .dflt = "write", .doc = "Each write, or only one that changes the value." },
	{ "backend", KEY_ENUM, AT(scen_watch, by), .words = watch_by_words,
	  .dflt = "auto", .doc = "`hardware`: debug registers, by virtual address; "
		 "`write_protect`: the page, by whatever mapping it is written; `auto`: the "
		 "former where the host's debug registers fire." },
	{ "when", KEY_STR, AT(scen_watch, when),
	  .doc = "Condition over `value` and `old`, unsigned, in the language of checks.",
	  .example = "value > 100" },
	{ "limit", INT_AT(scen_watch, limit), .min = 1, .max = 10000,
	  .dflt = "1", .doc = "Hits that make a capture." },
	{ "tag", KEY_STR, AT(scen_watch, tag), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "Name of the captures. Default: the symbol.",
	  .example = "tick" },
};

static int judge_watch(struct parse_ctx *ctx, const struct ynode *n,
		       const void *item)
{
	const struct scen_watch *w = item;
	struct expr *when = NULL;
	char why[300];

	if (w->when && watch_condition_parse(w->when, &when, why, sizeof(why)))
		return parse_error(ctx, ynode_get(n, "when"), "when: %s", why);
	expr_destroy(when);
	if (w->size & (w->size - 1))
		return parse_error(ctx, ynode_get(n, "size"),
				   "%u bytes to watch, expected 1, 2, 4 or 8", w->size);
	return 0;
}

static const struct keyset watch_set = {
	.what = "an item of watch", .keys = watch_keys,
	.n = ARRAY_SIZE(watch_keys), .size = sizeof(struct scen_watch),
	.present_off = -1, .loc_off = offsetof(struct scen_watch, loc),
	.judge = judge_watch,
};

static const struct key monitor_keys[] = {
	{ "interval", KEY_DURATION, AT(scen_monitor, interval_ns),
	  .min = NSEC_PER_MSEC, .max = 60 * NSEC_PER_SEC, .dflt = "100ms",
	  .doc = "Time between two samples of the run queues." },
	{ "max_imbalance_ratio", KEY_FLOAT, AT(scen_monitor, max_imbalance_ratio),
	  .dflt = "4.0",
	  .doc = "Longest run queue against the shortest; 0 is no threshold." },
	{ "max_local_dsq_depth", KEY_INT, AT(scen_monitor, max_local_dsq_depth),
	  .width = 8, .min = 0, .max = 1000000, .dflt = "50",
	  .doc = "Tasks on a CPU's local dispatch queue; 0 is no threshold." },
	{ "max_fallback_rate", KEY_FLOAT, AT(scen_monitor, max_fallback_rate),
	  .dflt = "200",
	  .doc = "select_cpu fallbacks per second; 0 is no threshold." },
	{ "max_keep_last_rate", KEY_FLOAT, AT(scen_monitor, max_keep_last_rate),
	  .dflt = "100",
	  .doc = "Dispatches that kept the last task, per second; 0 is no threshold." },
	{ "sustained_samples", INT_AT(scen_monitor, sustained_samples),
	  .min = 1, .max = 10000, .dflt = "5",
	  .doc = "Samples in a row beyond a threshold that fail the case." },
	{ "fail_on_stall", KEY_BOOL, AT(scen_monitor, fail_on_stall),
	  .dflt = "true", .doc = "A run queue whose clock stands still fails the case." },
};

static const struct keyset monitor_set = {
	.what = "monitor", .keys = monitor_keys,
	.n = ARRAY_SIZE(monitor_keys), .size = sizeof(struct scen_monitor),
	.present_off = offsetof(struct scen_monitor, present), .loc_off = -1,
};

static const struct key map_write_keys[] = {
	{ "map", KEY_STR, AT(scen_map_write, map), .required = true,
	  .doc = "Name of the map, or the end of it.", .example = ".bss" },
	{ "field", KEY_STR, AT(scen_map_write, field),
	  .doc = "Variable or member by its BTF name.", .example = "crash" },
	{ "offset", KEY_INT, AT(scen_map_write, offset), .width = 8, .min = 0,
	  .max = 1 << 30, .doc = "Bytes into the value, instead of field.",
	  .example = "16" },
	{ "size", INT_AT(scen_map_write, size), .min = 1, .max = 8, .dflt = "4",
	  .doc = "Bytes to write at an offset: 1, 2, 4 or 8." },
	{ "value", KEY_INT, AT(scen_map_write, value), .width = 8,
	  .min = INT64_MIN, .max = NO_MAX, .required = true,
	  .doc = "What to write.", .example = "1" },
};

static const struct keyset map_write_set = {
	.what = "an item of bpf_map_write", .keys = map_write_keys,
	.n = ARRAY_SIZE(map_write_keys), .size = sizeof(struct scen_map_write),
	.present_off = -1, .loc_off = offsetof(struct scen_map_write, loc),
	.judge = judge_map_write,
};

static const struct key splats_keys[] = {
	{ "allow", KEY_STR_LIST, offsetof(struct scenario, splats.allow) -
				 offsetof(struct scenario, splats),
	  .doc = "Patterns (* for any) of kernel warnings that do not fail the case.",
	  .example = "[\"WARNING: * at kernel/sched/*\"]" },
};

static const struct keyset splats_set = {
	.what = "splats", .keys = splats_keys, .n = ARRAY_SIZE(splats_keys),
	.size = sizeof(((struct scenario *)0)->splats),
	.present_off = -1, .loc_off = -1,
};

static const struct key top_keys[] = {
	{ "name", KEY_STR, AT(scenario, name),
	  .pattern = "^[A-Za-z0-9_.+/:@%=~,-]([A-Za-z0-9_.+/:@%=~, -]{0,198}[A-Za-z0-9_.+/:@%=~,-])?$",
	  .form = "up to 200 letters, digits, spaces and _.+/:@%=~,- ",
	  .doc = "Default: the path below the scenario root, without .yaml.",
	  .example = "blk/readback" },
	{ "description", KEY_STR, AT(scenario, description),
	  .doc = "One line for the test point's block.",
	  .example = "what this guards" },
	{ "tags", KEY_STR_LIST, AT(scenario, tags), .pattern = NAME_PATTERN,
	  .form = NAME_FORM, .doc = "Words that --tag chooses by.",
	  .example = "[virtio, blk]" },
	{ "defaults", KEY_META, .custom = &custom_defaults,
	  .doc = "Files of the same form, relative to this one, that hold where this "
		 "one is silent. Maps are merged, lists and values replaced.",
	  .example = "../common.yaml" },
	{ "requires", KEY_MAP, AT(scenario, requires), .sub = &requires_set,
	  .doc = "What the kernel and the host must have. Where they do not, the "
		 "case is skipped with the reason." },
	{ "kernel", KEY_MAP, AT(scenario, kernel), .sub = &kernel_set,
	  .doc = "The kernel. A text is short for image (with a '/') or release.",
	  .example = "\"6.12\"" },
	{ "vm", KEY_MAP, AT(scenario, vm), .sub = &vm_set,
	  .doc = "The machine." },
	{ "disk", KEY_MAP, AT(scenario, disk), .sub = &disk_set,
	  .doc = "A virtio block device, /dev/vda.",
	  .example = "{size: 64M}" },
	{ "net", KEY_MAP, AT(scenario, net), .sub = &net_set,
	  .doc = "A virtio network device.", .example = "{mode: loopback}" },
	{ "guest", KEY_MAP, AT(scenario, guest), .sub = &guest_set,
	  .doc = "What runs in the guest: at most one of run, exec and kselftest." },
	{ "workload", KEY_MAP, AT(scenario, workload), .sub = &workload_keys,
	  .doc = "Cgroups, workers and the steps that change them, in the guest. guest.run "
		 "or guest.exec, where it is there, begins with the workers; its status "
		 "is the verdict, or 125 where the workload could not do as told." },
	{ "scheduler", KEY_MAP, AT(scenario, scheduler), .sub = &scheduler_set,
	  .doc = "A sched_ext scheduler for the time of the payload, which starts once "
		 "sched_ext says enabled. Where it leaves before, the case fails "
		 "with its reason. A kernel without sched_ext skips the case." },
	{ "snapshots", KEY_MAP, AT(scenario, snapshots), .sub = &snapshots_set,
	  .doc = "Captures of the frozen guest." },
	{ "watch", KEY_LIST, AT(scenario, watch), .sub = &watch_set,
	  .doc = "Data watchpoints, at most 4, from the start of the guest's agent; a "
		 "hit makes a capture. Each write to a write-protected page costs a VM exit; "
		 "one with contended locks or page tables should not be watched so." },
	{ "monitor", KEY_MAP, AT(scenario, monitor), .sub = &monitor_set,
	  .doc = "Samples of the guest's run queues, taken from the host.",
	  .example = "{interval: 100ms}" },
	{ "bpf_map_write", KEY_LIST, AT(scenario, bpf_map_write),
	  .sub = &map_write_set,
	  .doc = "Values written into BPF maps from the host: once all the maps are "
		 "there and, of maps of variables (.bss, .data), a program that uses "
		 "them is loaded; all of them or none. Then vmtap-map-written in the "
		 "guest, which waits for it, ends with 0. A map that does not appear "
		 "within 30 s, or before the payload ends, fails the case." },
	{ "read", KEY_STR_LIST, AT(scenario, read),
	  .doc = "Typed paths into the guest's kernel that are read once, when the "
		 "payload has ended and what it left running still runs, or after a "
		 "crash: a symbol with members (init_task.comm, a pointer on the way "
		 "is followed), runqueues[cpu=1].nr_running, an array's element [2], "
		 "(struct task_struct)init_task.pid with a type where BTF gives none, "
		 "map(\".bss\").counter by the end of a BPF map's name, "
		 "map(\"hits\")[3][cpu=1] an element or an integer key, of a map of "
		 "task storage the task's pid. Checks read them as "
		 "read[\"init_task.comm\"].value.",
	  .example = "[jiffies_64, \"runqueues[cpu=1].nr_running\"]" },
	{ "expect", KEY_CUSTOM, AT(scenario, expect), .custom = &custom_expect,
	  .dflt = "pass",
	  .doc = "What makes the case a success. fail is any exit status but 0; "
		 "panic, timeout and scheduler_exit are ends without a verdict; monitor "
		 "is exit status 0 of a guest in which the monitor found what it looks for." },
	{ "xfail", KEY_STR, AT(scenario, xfail),
	  .pattern = "^[^#]+$", .form = "a reason without '#'",
	  .doc = "Known to be broken, and why: a failure is told as XFAIL, a pass as XPASS.",
	  .example = "fixed in 6.14" },
	{ "splats", KEY_MAP, AT(scenario, splats), .sub = &splats_set,
	  .doc = "Warnings, lockdep and KASAN reports on the kernel's console fail a "
		 "case; these do not." },
	{ "checks", KEY_CHECKS, AT(scenario, checks),
	  .doc = "Expressions over the result, all of which must hold. See CHECKS.",
	  .example = "[\"virtio_blk.io_errors == 0\"]" },
	{ "matrix", KEY_META, .custom = &custom_matrix,
	  .doc = "One case per combination of values: dotted keys, each with a list. "
		 "exclude drops combinations, include adds some, constraints bounds "
		 "the topology.",
	  .example = "{kernel.release: [\"6.1\", \"6.12\"], vm.cpus: [1, 4]}" },
};

const struct keyset scenario_keys = {
	KEYSET("the scenario", top_keys, scenario),
};
