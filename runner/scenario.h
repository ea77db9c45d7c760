/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scenario: one scenario file as plain data. Everything is inline or a pointer
 * into the owning scenario_doc, so a shallow copy is a scenario too: that is
 * how a matrix makes its cases. Const to everything on its right.
 *
 * The keys, their types, defaults and texts stand in one table (keys.c). A new
 * key is a member here and a line there, and an occurrence below
 * selftests/lang/good/.
 */
#ifndef VMTAP_RUNNER_SCENARIO_H
#define VMTAP_RUNNER_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/lists.h"
#include "runner/workload.h"
#include "vmm/base/diag.h"
#include "vmm/base/util.h"

struct problems;

enum accel_want { ACCEL_WANT_ANY, ACCEL_WANT_KVM };

struct scen_requires {
	struct str_list kernel_config;	/* CONFIG_X (y or m) or CONFIG_X=y|m|n|value */
	const char *kernel;		/* ">= 6.12, < 7"; see kernel_version_meets() */
	enum accel_want accel;
};

enum kaslr_mode { KASLR_DEFAULT, KASLR_OFF, KASLR_SEED };
enum boot_how { BOOT_AUTO, BOOT_DIRECT, BOOT_BZIMAGE };

struct kaslr_want {
	enum kaslr_mode mode;
	u64 seed;		/* with KASLR_SEED */
};

/* At most one of image and release is set; neither: the run's kernel. */
struct scen_kernel {
	const char *image;	/* path, resolved */
	const char *release;	/* prefix of an installed or fetched release */
	const char *cmdline;	/* appended to what the machine needs; never NULL */
	struct kaslr_want kaslr;
	struct str_list modules;
	struct str_list withhold;	/* modules left out of the initramfs */
	enum boot_how boot;
};

#define SCEN_MAX_CPUS 64
#define SCEN_MAX_NODES 16

/* A square table over the nodes, row by row; n is the number of cells. */
struct num_table {
	const u64 *cells;
	size_t n;
};

/*
 * llcs is the total over all nodes (nodes divides it); cores is per LLC,
 * threads per core. A plain number N of CPUs is one node, one LLC, N cores.
 */
struct scen_topology {
	u32 nodes;
	u32 llcs;
	u32 cores;
	u32 threads;
	u32 memory_nodes;		/* further nodes that have memory and no CPU */
	LIST_OF(u64) memory;		/* bytes per node; empty: spread evenly */
	struct num_table distances;	/* SLIT; empty: 10 and 20 */
	struct num_table latency_ns;	/* HMAT; empty: no HMAT */
	struct num_table bandwidth_mb;	/* HMAT, MB/s */
};

static inline u32 topology_cpus(const struct scen_topology *t)
{
	return t->llcs * t->cores * t->threads;
}

struct scen_vm {
	struct scen_topology cpus;
	u32 vendor;		/* enum machine_vendor */
	u64 memory;		/* bytes */
	u64 timeout_ns;		/* before scaling for a slow accelerator */
};

struct scen_throttle {
	u64 iops;		/* 0: unlimited */
	u64 bandwidth;		/* bytes per second, 0: unlimited */
};

struct scen_disk {
	bool present;
	u64 size;		/* bytes, of a scratch disk; 0 with an image */
	const char *image;	/* path, resolved; NULL: sparse scratch */
	bool rw;		/* writes reach the image itself, not a private copy */
	bool read_only;
	const char *serial;	/* up to 20 bytes, T_GET_ID; NULL: default */
	struct scen_throttle throttle;
};

enum net_mode { NET_LOOPBACK };

struct scen_net {
	bool present;
	enum net_mode mode;
	const char *mac;	/* "02:00:00:00:00:01"; NULL: default */
	u32 mtu;		/* 0: not offered */
};

struct guest_file {
	struct loc loc;
	const char *src;	/* path on the host, resolved */
	const char *dst;	/* absolute in the guest; never NULL */
	s32 mode;		/* permission bits; -1: as on the host */
};

struct scen_kselftest {
	bool present;
	const char *dir;	/* an installed tree, resolved */
	struct str_list tests;	/* collection:test globs; empty: all */
	u64 timeout_ns;		/* per test; 0: its own settings file */
};

enum guest_console { GUEST_CONSOLE_SERIAL, GUEST_CONSOLE_HVC };

/* At most one of run, exec and kselftest; none of them: boot and shut down. */
struct scen_guest {
	LIST_OF(struct guest_file) files;
	const char *run;	/* script for busybox sh; NULL: absent */
	struct str_list exec;
	struct scen_kselftest kselftest;
	const char *setup;	/* script before the payload */
	const char *teardown;	/* script after it, whatever it did */
	struct str_map env;
	bool bulk;		/* false: the agent keeps to COM2 */
	enum guest_console console;
};

/* When the scheduler is asked, besides vmtap-stats in the guest and the end. */
struct scen_stats {
	bool present;
	u64 every_ns;		/* 0: not by the clock */
	LIST_OF(u64) at;	/* ns since the payload's start, rising */
	bool phases;		/* with each stimulus event, by its label */
};

enum scen_repro { REPRO_ON_FAILURE, REPRO_ALWAYS, REPRO_NEVER };

struct scen_scheduler {
	bool present;
	const char *binary;	/* path, resolved */
	struct str_list args;
	struct scen_stats stats;
	enum scen_repro repro;	/* run a crash once more, with probes? */
};

struct scen_snapshots {
	bool present;
	u32 periodic;		/* captures spread over the window; 0: none */
	u32 stops;		/* freezes in which nothing is read; the same */
	u64 window_ns;		/* that they are spread over; 0: workload or timeout */
	struct str_list read;	/* typed paths to read at each capture */
	bool on_failure;
	u64 deadline_ns;	/* of a rendezvous; scaled as vm.timeout is */
};

enum watch_trigger { WATCH_WRITE, WATCH_CHANGE };
enum watch_by { WATCH_BY_AUTO, WATCH_BY_HARDWARE, WATCH_BY_PAGES };

struct scen_watch {
	struct loc loc;
	const char *symbol;	/* symbol, typed path or map(".bss").field */
	u32 size;		/* 1, 2, 4 or 8 */
	enum watch_trigger trigger;
	enum watch_by by;
	const char *when;	/* condition over `value` and `old`; NULL: always */
	u32 limit;		/* hits that capture */
	const char *tag;	/* capture name; NULL: the symbol */
};

struct scen_monitor {
	bool present;
	u64 interval_ns;
	double max_imbalance_ratio;	/* 0: no threshold; so each below */
	u64 max_local_dsq_depth;
	double max_fallback_rate;	/* per second */
	double max_keep_last_rate;	/* per second */
	u32 sustained_samples;
	bool fail_on_stall;
};

struct scen_map_write {
	struct loc loc;
	const char *map;	/* name or suffix (".bss") */
	const char *field;	/* NULL: offset counts */
	u64 offset;		/* bytes */
	u32 size;		/* of the write by offset: 1, 2, 4, 8 */
	s64 value;
};

enum expect_kind {
	EXPECT_PASS,		/* exit status 0 */
	EXPECT_FAIL,		/* a verdict, any status but 0 */
	EXPECT_EXIT,		/* exactly exit_code */
	EXPECT_PANIC,
	EXPECT_TIMEOUT,
	EXPECT_SCHED_EXIT,	/* the scheduler leaves before its time */
	EXPECT_MONITOR,		/* exit status 0, and a verdict of the monitor */
};

struct expect_want {
	enum expect_kind kind;
	s32 exit_code;		/* with EXPECT_EXIT */
};

struct scenario {
	const char *file;	/* as named by the user; "" without a file */
	const char *dir;	/* its folder; relative paths were resolved there */
	struct loc loc;		/* first key of the file */
	const char *name;	/* never NULL */
	const char *description;	/* NULL: absent */
	struct str_list tags;
	struct scen_requires requires;
	struct scen_kernel kernel;
	struct scen_vm vm;
	struct scen_disk disk;
	struct scen_net net;
	struct scen_guest guest;
	struct scen_workload workload;
	struct scen_scheduler scheduler;
	struct scen_snapshots snapshots;
	LIST_OF(struct scen_watch) watch;
	struct scen_monitor monitor;
	LIST_OF(struct scen_map_write) bpf_map_write;
	struct str_list read;	/* typed paths to read once the payload ended */
	struct expect_want expect;
	const char *xfail;	/* reason; NULL: not expected to fail */
	struct {
		struct str_list allow;	/* globs over splat headlines */
	} splats;
	LIST_OF(struct located_text) checks;
};

/*
 * A loaded file: the scenario before its matrix, and the matrix. Owns every
 * pointer in its scenarios and in copies of them.
 */
struct scenario_doc;

/**
 * scenario_load() - read, parse and validate one file
 * @path: also the file name in messages
 * @name: default for `name`; NULL: @path without .yaml
 * @p: errors and warnings are collected here; warnings alone do not fail
 *
 * Return: 0, -EINVAL (told in @p), -ENOMEM, or the errno of reading (in @p).
 */
int scenario_load(const char *path, const char *name, struct problems *p,
		  struct scenario_doc **ret);
/** scenario_load_text() - the same from memory; @file is for messages */
int scenario_load_text(const char *text, size_t len, const char *file,
		       const char *name, struct problems *p,
		       struct scenario_doc **ret);
/** scenario_doc_free() - NULL is fine */
void scenario_doc_free(struct scenario_doc *doc);
/** scenario_doc_base() - the scenario without its matrix; owned by @doc */
const struct scenario *scenario_doc_base(const struct scenario_doc *doc);

/**
 * kernel_version_meets() - does a kernel release satisfy `requires.kernel`?
 * @release: "6.12.95+deb13-cloud-amd64"; what follows the numbers is ignored
 * @want: comparisons joined by commas: ">= 6.12, < 7"; no operator means
 *   "this prefix": "6.12" is met by 6.12.95, not by 6.1.2
 *
 * Return: 1 met, 0 not met, -EINVAL for a malformed @want (then @d).
 */
int kernel_version_meets(const char *release, const char *want,
			 struct diag *d);

#endif
