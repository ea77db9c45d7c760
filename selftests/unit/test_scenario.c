// SPDX-License-Identifier: GPL-2.0-only
/* scenario: what the keys become in the structs; defaults, layers, versions. */
#include <string.h>

#include "runner/keys.h"
#include "runner/problem.h"
#include "runner/scenario.h"
#include "vmm/base/buf.h"

#include "kselftest_harness.h"

FIXTURE(scenario)
{
	struct scenario_doc *doc;
	struct problems p;
	const struct scenario *sc;
};

FIXTURE_SETUP(scenario)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(scenario)
{
	scenario_doc_free(self->doc);
	problems_reset(&self->p);
}

#define LOAD(text)							\
	do {								\
		ASSERT_EQ(0, scenario_load_text(text, strlen(text), "dir/t.yaml", \
						NULL, &self->p, &self->doc)) \
			problems_print(&self->p, stderr);		\
		self->sc = scenario_doc_base(self->doc);		\
	} while (0)

TEST_F(scenario, an_empty_map_is_all_defaults)
{
	LOAD("{}\n");
	EXPECT_STREQ("dir/t", self->sc->name);
	EXPECT_STREQ("dir", self->sc->dir);
	EXPECT_EQ(NULL, self->sc->description);
	EXPECT_EQ(ACCEL_WANT_ANY, self->sc->requires.accel);
	EXPECT_EQ(NULL, self->sc->kernel.image);
	EXPECT_EQ(NULL, self->sc->kernel.release);
	EXPECT_STREQ("", self->sc->kernel.cmdline);
	EXPECT_EQ(KASLR_DEFAULT, self->sc->kernel.kaslr.mode);
	EXPECT_EQ(BOOT_AUTO, self->sc->kernel.boot);
	EXPECT_EQ(1, topology_cpus(&self->sc->vm.cpus));
	EXPECT_EQ(MiB(512), self->sc->vm.memory);
	EXPECT_EQ(60 * NSEC_PER_SEC, self->sc->vm.timeout_ns);
	EXPECT_FALSE(self->sc->disk.present);
	EXPECT_FALSE(self->sc->net.present);
	EXPECT_EQ(NULL, self->sc->guest.run);
	EXPECT_TRUE(self->sc->guest.bulk);
	EXPECT_EQ(GUEST_CONSOLE_SERIAL, self->sc->guest.console);
	EXPECT_FALSE(self->sc->workload.present);
	EXPECT_FALSE(self->sc->scheduler.present);
	EXPECT_FALSE(self->sc->snapshots.present);
	EXPECT_FALSE(self->sc->monitor.present);
	EXPECT_EQ(EXPECT_PASS, self->sc->expect.kind);
	EXPECT_EQ(NULL, self->sc->xfail);
	EXPECT_EQ(0, self->sc->checks.n);
}

TEST_F(scenario, top_and_requires)
{
	LOAD("name: a/b c\ndescription: d\ntags: [x, y]\nxfail: known\n"
	     "requires: {kernel_config: [CONFIG_A, CONFIG_B=m], kernel: '>= 6.12', accel: kvm}\n"
	     "splats: {allow: ['a*', b]}\n");
	EXPECT_STREQ("a/b c", self->sc->name);
	EXPECT_STREQ("d", self->sc->description);
	EXPECT_EQ(2, self->sc->tags.n);
	EXPECT_STREQ("y", self->sc->tags.items[1]);
	EXPECT_STREQ("known", self->sc->xfail);
	EXPECT_STREQ("CONFIG_B=m", self->sc->requires.kernel_config.items[1]);
	EXPECT_STREQ(">= 6.12", self->sc->requires.kernel);
	EXPECT_EQ(ACCEL_WANT_KVM, self->sc->requires.accel);
	EXPECT_EQ(2, self->sc->splats.allow.n);
	EXPECT_STREQ("a*", self->sc->splats.allow.items[0]);
}

TEST_F(scenario, kernel_as_text_is_a_release)
{
	LOAD("kernel: 6.10\n");
	EXPECT_STREQ("6.10", self->sc->kernel.release);
	EXPECT_EQ(NULL, self->sc->kernel.image);
}

TEST_F(scenario, kernel_as_text_with_a_slash_is_an_image_beside_the_file)
{
	LOAD("kernel: ../bzImage\n");
	EXPECT_STREQ("dir/../bzImage", self->sc->kernel.image);
	EXPECT_EQ(NULL, self->sc->kernel.release);
}

TEST_F(scenario, kernel_as_map)
{
	LOAD("kernel: {image: /boot/vmlinuz, cmdline: a=b c, kaslr: 77, modules: [m, n], withhold: [w], boot: bzimage}\n");
	EXPECT_STREQ("/boot/vmlinuz", self->sc->kernel.image);
	EXPECT_STREQ("a=b c", self->sc->kernel.cmdline);
	EXPECT_EQ(KASLR_SEED, self->sc->kernel.kaslr.mode);
	EXPECT_EQ(77, self->sc->kernel.kaslr.seed);
	EXPECT_STREQ("n", self->sc->kernel.modules.items[1]);
	EXPECT_STREQ("w", self->sc->kernel.withhold.items[0]);
	EXPECT_EQ(BOOT_BZIMAGE, self->sc->kernel.boot);
}

TEST_F(scenario, kaslr_off)
{
	LOAD("kernel: {kaslr: no}\n");
	EXPECT_EQ(KASLR_OFF, self->sc->kernel.kaslr.mode);
}

TEST_F(scenario, topology_as_text)
{
	LOAD("vm: {cpus: 1n2l4c2t}\n");
	EXPECT_EQ(1, self->sc->vm.cpus.nodes);
	EXPECT_EQ(2, self->sc->vm.cpus.llcs);
	EXPECT_EQ(4, self->sc->vm.cpus.cores);
	EXPECT_EQ(2, self->sc->vm.cpus.threads);
	EXPECT_EQ(16, topology_cpus(&self->sc->vm.cpus));
}

TEST_F(scenario, topology_in_full)
{
	LOAD("vm: {memory: 768M, cpus: {nodes: 2, llcs: 2, cores: 3, memory_nodes: 1,\n"
	     " memory: [256M, 384M, 128M], distances: [[10,20,30],[20,10,30],[30,30,10]],\n"
	     " latency_ns: [[1,2,3],[4,5,6],[7,8,9]], bandwidth_mb: [[9,8,7],[6,5,4],[3,2,1]]}}\n");
	EXPECT_EQ(6, topology_cpus(&self->sc->vm.cpus));
	EXPECT_EQ(1, self->sc->vm.cpus.memory_nodes);
	EXPECT_EQ(3, self->sc->vm.cpus.memory.n);
	EXPECT_EQ(MiB(384), self->sc->vm.cpus.memory.items[1]);
	EXPECT_EQ(9, self->sc->vm.cpus.distances.n);
	EXPECT_EQ(30, self->sc->vm.cpus.distances.cells[2]);
	EXPECT_EQ(4, self->sc->vm.cpus.latency_ns.cells[3]);
	EXPECT_EQ(1, self->sc->vm.cpus.bandwidth_mb.cells[8]);
}

TEST_F(scenario, sizes_and_durations_have_units)
{
	LOAD("vm: {memory: 65536K, timeout: 2m}\nmonitor: {interval: 20ms}\n"
	     "disk: {size: 512}\nworkload: {duration: 3s}\n");
	EXPECT_EQ(MiB(64), self->sc->vm.memory);
	EXPECT_EQ(120 * NSEC_PER_SEC, self->sc->vm.timeout_ns);
	EXPECT_EQ(20 * NSEC_PER_MSEC, self->sc->monitor.interval_ns);
	EXPECT_EQ(512, self->sc->disk.size);
	EXPECT_EQ(3 * NSEC_PER_SEC, self->sc->workload.duration_ns);
}

TEST_F(scenario, disk_and_net)
{
	LOAD("disk: {image: d.img, rw: on, serial: s1, throttle: {iops: 200, bandwidth: 1M}}\n"
	     "net: {mac: '02:00:00:00:00:01', mtu: 1500}\n");
	EXPECT_TRUE(self->sc->disk.present);
	EXPECT_STREQ("dir/d.img", self->sc->disk.image);
	EXPECT_EQ(0, self->sc->disk.size);
	EXPECT_TRUE(self->sc->disk.rw);
	EXPECT_FALSE(self->sc->disk.read_only);
	EXPECT_STREQ("s1", self->sc->disk.serial);
	EXPECT_EQ(200, self->sc->disk.throttle.iops);
	EXPECT_EQ(MiB(1), self->sc->disk.throttle.bandwidth);
	EXPECT_TRUE(self->sc->net.present);
	EXPECT_EQ(NET_LOOPBACK, self->sc->net.mode);
	EXPECT_STREQ("02:00:00:00:00:01", self->sc->net.mac);
	EXPECT_EQ(1500, self->sc->net.mtu);
}

TEST_F(scenario, a_bare_disk_is_64M_of_scratch)
{
	LOAD("disk: {read_only: true}\n");
	EXPECT_EQ(MiB(64), self->sc->disk.size);
	EXPECT_TRUE(self->sc->disk.read_only);
}

TEST_F(scenario, guest)
{
	LOAD("guest:\n  files: [{src: a, dst: /b}, {src: /c, dst: /d, mode: 0750}]\n"
	     "  run: |\n    one\n    two\n  setup: s\n  teardown: t\n"
	     "  env: {A: 1, B: two words}\n  bulk: false\n  console: hvc\n");
	ASSERT_EQ(2, self->sc->guest.files.n);
	EXPECT_STREQ("dir/a", self->sc->guest.files.items[0].src);
	EXPECT_EQ(-1, self->sc->guest.files.items[0].mode);
	EXPECT_EQ(0750, self->sc->guest.files.items[1].mode);
	EXPECT_EQ(2, self->sc->guest.files.items[0].loc.line);
	EXPECT_STREQ("one\ntwo\n", self->sc->guest.run);
	EXPECT_STREQ("s", self->sc->guest.setup);
	EXPECT_STREQ("t", self->sc->guest.teardown);
	ASSERT_EQ(2, self->sc->guest.env.n);
	EXPECT_STREQ("B", self->sc->guest.env.items[1].key);
	EXPECT_STREQ("two words", self->sc->guest.env.items[1].value);
	EXPECT_FALSE(self->sc->guest.bulk);
	EXPECT_EQ(GUEST_CONSOLE_HVC, self->sc->guest.console);
}

TEST_F(scenario, guest_exec_and_kselftest)
{
	LOAD("guest: {kselftest: {dir: k, tests: ['futex:*'], timeout: 9s}}\n");
	EXPECT_TRUE(self->sc->guest.kselftest.present);
	EXPECT_STREQ("dir/k", self->sc->guest.kselftest.dir);
	EXPECT_STREQ("futex:*", self->sc->guest.kselftest.tests.items[0]);
	EXPECT_EQ(9 * NSEC_PER_SEC, self->sc->guest.kselftest.timeout_ns);
	scenario_doc_free(self->doc);
	LOAD("guest: {exec: [/bin/x, -1]}\n");
	EXPECT_EQ(2, self->sc->guest.exec.n);
	EXPECT_STREQ("-1", self->sc->guest.exec.items[1]);
}

TEST_F(scenario, seeing_in)
{
	LOAD("scheduler: {binary: s, args: [-v], stats: true, repro: on_failure}\n"
	     "snapshots: {periodic: 4, read: [jiffies_64], on_failure: false}\n"
	     "watch: [{symbol: j, size: 4, trigger: change, when: value > 1, limit: 7, tag: t}]\n"
	     "monitor: {max_imbalance_ratio: 2.5, max_local_dsq_depth: 9, max_fallback_rate: 1.5,\n"
	     "  max_keep_last_rate: 3, sustained_samples: 2, fail_on_stall: false}\n"
	     "bpf_map_write: [{map: m, field: f, value: -9}, {map: n, offset: 0x10, size: 8, value: 1}]\n");
	EXPECT_STREQ("dir/s", self->sc->scheduler.binary);
	EXPECT_STREQ("-v", self->sc->scheduler.args.items[0]);
	EXPECT_TRUE(self->sc->scheduler.stats.present && self->sc->scheduler.stats.phases);
	EXPECT_EQ(REPRO_ON_FAILURE, self->sc->scheduler.repro);
	EXPECT_EQ(4, self->sc->snapshots.periodic);
	EXPECT_STREQ("jiffies_64", self->sc->snapshots.read.items[0]);
	EXPECT_FALSE(self->sc->snapshots.on_failure);
	ASSERT_EQ(1, self->sc->watch.n);
	EXPECT_STREQ("j", self->sc->watch.items[0].symbol);
	EXPECT_EQ(4, self->sc->watch.items[0].size);
	EXPECT_EQ(WATCH_CHANGE, self->sc->watch.items[0].trigger);
	EXPECT_STREQ("value > 1", self->sc->watch.items[0].when);
	EXPECT_EQ(7, self->sc->watch.items[0].limit);
	EXPECT_STREQ("t", self->sc->watch.items[0].tag);
	EXPECT_EQ(250, (int)(self->sc->monitor.max_imbalance_ratio * 100));
	EXPECT_EQ(9, self->sc->monitor.max_local_dsq_depth);
	EXPECT_EQ(15, (int)(self->sc->monitor.max_fallback_rate * 10));
	EXPECT_EQ(3, (int)self->sc->monitor.max_keep_last_rate);
	EXPECT_EQ(2, self->sc->monitor.sustained_samples);
	EXPECT_FALSE(self->sc->monitor.fail_on_stall);
	ASSERT_EQ(2, self->sc->bpf_map_write.n);
	EXPECT_EQ(-9, self->sc->bpf_map_write.items[0].value);
	EXPECT_STREQ("f", self->sc->bpf_map_write.items[0].field);
	EXPECT_EQ(16, self->sc->bpf_map_write.items[1].offset);
	EXPECT_EQ(8, self->sc->bpf_map_write.items[1].size);
}

TEST_F(scenario, workload_members)
{
	const struct wl_worker *w;
	const struct wl_cgroup *c;

	LOAD("workload:\n  cgroups: [{name: a, cpu_max: max, cpu_weight: 5, memory_max: 1M, memory_high: 512K},\n"
	     "    {name: b, parent: a, cpuset: {overlap: {part: 1, of: 3, by: 0.25}}}]\n"
	     "  workers:\n"
	     "    - {name: w, cgroup: b, type: futex-fan-out, count: 6, fan_out: 2, policy: rr, priority: 9,\n"
	     "       nice: -3, affinity: '1-2', mem_policy: bind, mem_nodes: '0', burst: 1ms, sleep: 2ms, region: 8K}\n"
	     "    - {type: sequence, sequence: [{do: sleep, for: 3ms}]}\n"
	     "    - {type: custom, command: [/x]}\n");
	c = &self->sc->workload.cgroups.items[0];
	EXPECT_STREQ("max", c->cpu_max);
	EXPECT_EQ(5, c->cpu_weight);
	EXPECT_EQ(MiB(1), c->memory_max);
	EXPECT_EQ(KiB(512), c->memory_high);
	c++;
	EXPECT_STREQ("a", c->parent);
	EXPECT_EQ(CPU_SET_OVERLAP, c->cpuset.kind);
	EXPECT_EQ(1, c->cpuset.index);
	EXPECT_EQ(3, c->cpuset.of);
	EXPECT_EQ(25, (int)(c->cpuset.overlap * 100));
	w = &self->sc->workload.workers.items[0];
	EXPECT_STREQ("w", w->name);
	EXPECT_STREQ("b", w->cgroup);
	EXPECT_EQ(WORK_FUTEX_FAN_OUT, w->type);
	EXPECT_EQ(6, w->count);
	EXPECT_EQ(2, w->fan_out);
	EXPECT_EQ(POLICY_RR, w->policy);
	EXPECT_EQ(9, w->priority);
	EXPECT_EQ(-3, w->nice);
	EXPECT_EQ(CPU_SET_EXACT, w->affinity.kind);
	EXPECT_STREQ("1-2", w->affinity.list);
	EXPECT_EQ(MEM_BIND, w->mem_policy);
	EXPECT_STREQ("0", w->mem_nodes);
	EXPECT_EQ(NSEC_PER_MSEC, w->burst_ns);
	EXPECT_EQ(2 * NSEC_PER_MSEC, w->sleep_ns);
	EXPECT_EQ(KiB(8), w->region);
	w++;
	EXPECT_EQ(PHASE_SLEEP, w->sequence.items[0].what);
	EXPECT_EQ(3 * NSEC_PER_MSEC, w->sequence.items[0].for_ns);
	EXPECT_STREQ("/x", w[1].command.items[0]);
}

TEST_F(scenario, workload_cpu_sets)
{
	const struct wl_cgroup *c;

	LOAD("workload: {cgroups: [{name: a, cpuset: {llc: 2}}, {name: b, cpuset: {node: 1}},\n"
	     "  {name: c, cpuset: {range: [0.25, 1]}}, {name: d, cpuset: {disjoint: {part: 0, of: 2}}}, {name: e, cpuset: 3}, {name: f}]}\n");
	c = self->sc->workload.cgroups.items;
	EXPECT_EQ(CPU_SET_LLC, c[0].cpuset.kind);
	EXPECT_EQ(2, c[0].cpuset.index);
	EXPECT_EQ(CPU_SET_NODE, c[1].cpuset.kind);
	EXPECT_EQ(CPU_SET_RANGE, c[2].cpuset.kind);
	EXPECT_EQ(25, (int)(c[2].cpuset.from * 100));
	EXPECT_EQ(100, (int)(c[2].cpuset.to * 100));
	EXPECT_EQ(CPU_SET_DISJOINT, c[3].cpuset.kind);
	EXPECT_EQ(CPU_SET_EXACT, c[4].cpuset.kind);
	EXPECT_EQ(CPU_SET_INHERIT, c[5].cpuset.kind);
}

TEST_F(scenario, workload_steps)
{
	static const enum wl_op_kind kinds[] = {
		OP_ADD_CGROUP, OP_SET_CPUSET, OP_SWAP_CPUSETS, OP_SPAWN,
		OP_SPAWN_HOST, OP_SET_AFFINITY, OP_MOVE, OP_FREEZE, OP_UNFREEZE,
		OP_RUN, OP_START, OP_WAIT, OP_KILL, OP_STOP, OP_CLEAR_CPUSET,
		OP_SNAPSHOT, OP_REMOVE_CGROUP,
	};
	const struct wl_step *s;
	const struct wl_op *op;

	LOAD("workload:\n  cgroups: [{name: a}]\n  steps:\n"
	     "    - name: one\n      hold: 40%\n      ops:\n"
	     "        - add_cgroup: {name: b}\n        - set_cpuset: {target: a, cpus: '0'}\n"
	     "        - swap_cpusets: [a, b]\n        - spawn: {cgroup: b, type: mixed}\n"
	     "        - spawn_host: {type: yield}\n        - set_affinity: {target: w, cpus: {llc: 1}}\n"
	     "        - move: {from: a, to: b}\n        - freeze: a\n        - unfreeze: a\n"
	     "        - run: echo\n        - start: {name: n, run: sleep 1}\n        - wait: n\n"
	     "        - kill: n\n        - stop: w\n        - clear_cpuset: a\n        - snapshot: s\n"
	     "        - remove_cgroup: b\n"
	     "    - hold: 2s\n    - hold: {loop: 10ms}\n    - {}\n"
	     "  assert: {not_starved: true, max_gap: 2s, max_spread_pct: 15}\n");
	s = self->sc->workload.steps.items;
	ASSERT_EQ(ARRAY_SIZE(kinds), s[0].ops.n);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_EQ(kinds[i], s[0].ops.items[i].kind);
	op = s[0].ops.items;
	EXPECT_STREQ("b", op[0].cgroup.name);
	EXPECT_STREQ("0", op[1].cpus.list);
	EXPECT_STREQ("b", op[2].to);
	EXPECT_EQ(WORK_MIXED, op[3].worker.type);
	EXPECT_EQ(1, op[3].worker.count);
	EXPECT_EQ(WORK_YIELD, op[4].worker.type);
	EXPECT_EQ(CPU_SET_LLC, op[5].cpus.kind);
	EXPECT_STREQ("a", op[6].target);
	EXPECT_STREQ("b", op[6].to);
	EXPECT_STREQ("echo", op[9].text);
	EXPECT_STREQ("n", op[10].target);
	EXPECT_STREQ("sleep 1", op[10].text);
	EXPECT_EQ(HOLD_FRACTION, s[0].hold.kind);
	EXPECT_EQ(40, (int)(s[0].hold.fraction * 100 + 0.5));
	EXPECT_EQ(HOLD_FIXED, s[1].hold.kind);
	EXPECT_EQ(2 * NSEC_PER_SEC, s[1].hold.ns);
	EXPECT_EQ(HOLD_LOOP, s[2].hold.kind);
	EXPECT_EQ(10 * NSEC_PER_MSEC, s[2].hold.ns);
	EXPECT_EQ(HOLD_NONE, s[3].hold.kind);
	EXPECT_TRUE(self->sc->workload.asserts.not_starved);
	EXPECT_FALSE(self->sc->workload.asserts.isolation);
	EXPECT_EQ(2 * NSEC_PER_SEC, self->sc->workload.asserts.max_gap_ns);
	EXPECT_EQ(15, (int)self->sc->workload.asserts.max_spread_pct);
}

TEST_F(scenario, expectations)
{
	static const struct { const char *text; enum expect_kind kind; int code; } cases[] = {
		{ "expect: pass\n", EXPECT_PASS, 0 }, { "expect: fail\n", EXPECT_FAIL, 0 },
		{ "expect: exit 0\n", EXPECT_EXIT, 0 }, { "expect: exit 255\n", EXPECT_EXIT, 255 },
		{ "expect: panic\n", EXPECT_PANIC, 0 }, { "expect: timeout\n", EXPECT_TIMEOUT, 0 },
		{ "expect: monitor\n", EXPECT_MONITOR, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		LOAD(cases[i].text);
		EXPECT_EQ(cases[i].kind, self->sc->expect.kind);
		EXPECT_EQ(cases[i].code, self->sc->expect.exit_code);
		scenario_doc_free(self->doc);
		self->doc = NULL;
	}
}

TEST_F(scenario, a_check_knows_where_its_text_begins)
{
	LOAD("checks:\n  - exit_code == 0\n  - \"success\"\n");
	ASSERT_EQ(2, self->sc->checks.n);
	EXPECT_STREQ("exit_code == 0", self->sc->checks.items[0].text);
	EXPECT_EQ(2, self->sc->checks.items[0].loc.line);
	EXPECT_EQ(5, self->sc->checks.items[0].loc.col);
	EXPECT_EQ(6, self->sc->checks.items[1].loc.col);
}

TEST_F(scenario, numbers_as_text_stay_as_written)
{
	LOAD("description: 0x10\nguest: {env: {A: 007, B: yes}, exec: [1.50]}\n");
	EXPECT_STREQ("0x10", self->sc->description);
	EXPECT_STREQ("007", self->sc->guest.env.items[0].value);
	EXPECT_STREQ("yes", self->sc->guest.env.items[1].value);
	EXPECT_STREQ("1.50", self->sc->guest.exec.items[0]);
}

TEST_F(scenario, the_environment_in_paths)
{
	setenv("VMTAP_TEST_DIR", "/there", 1);
	unsetenv("VMTAP_TEST_NONE");
	LOAD("guest: {files: [{src: '${VMTAP_TEST_DIR}/a', dst: /a},\n"
	     "  {src: '${VMTAP_TEST_NONE:-x}/b', dst: /b}, {src: '$HOME/c', dst: /c}]}\n");
	EXPECT_STREQ("/there/a", self->sc->guest.files.items[0].src);
	EXPECT_STREQ("dir/x/b", self->sc->guest.files.items[1].src);
	EXPECT_STREQ("dir/$HOME/c", self->sc->guest.files.items[2].src);
}

TEST_F(scenario, a_merge_yields_to_what_is_written)
{
	LOAD("x-k: &k {image: ./a, cmdline: q}\nkernel: {<<: *k, release: '6.1'}\n");
	EXPECT_EQ(NULL, self->sc->kernel.image);
	EXPECT_STREQ("6.1", self->sc->kernel.release);
	EXPECT_STREQ("q", self->sc->kernel.cmdline);
}

static int check_row(void *arg, const char *path, const struct key *key)
{
	struct key_ref ref;

	(void)arg;
	if (!key->doc || !*key->doc)
		return 1;
	if (key->kind == KEY_INT && key->width != 4 && key->width != 8)
		return 2;
	if (key->min > key->max && key->max)
		return 3;
	if (key->pattern && !key->form)
		return 4;
	if ((key->kind == KEY_CUSTOM) != (key->custom && key->custom->parse))
		return 5;
	if ((key->kind == KEY_MAP || key->kind == KEY_LIST) != !!key->sub)
		return 6;
	if (key->kind != KEY_META && !strstr(path, "[]") &&
	    (!keys_resolve(path, &ref) || ref.key != key))
		return 7;
	return 0;
}

TEST(each_row_of_the_table_is_whole)
{
	EXPECT_EQ(0, keys_walk(check_row, NULL));
}

TEST(a_dotted_key_is_found_only_through_maps)
{
	struct key_ref ref;

	EXPECT_TRUE(keys_resolve("disk.throttle.iops", &ref));
	EXPECT_EQ(offsetof(struct scenario, disk.throttle), ref.parent_off);
	EXPECT_TRUE(keys_resolve("guest.env.X", &ref));
	EXPECT_STREQ("X", ref.entry);
	EXPECT_FALSE(keys_resolve("watch.symbol", &ref));
	EXPECT_FALSE(keys_resolve("vm.", &ref));
	EXPECT_FALSE(keys_resolve("", &ref));
	EXPECT_FALSE(keys_resolve("name.x", &ref));
	EXPECT_FALSE(keys_resolve("matrix", &ref));
}

TEST(versions_compare_as_people_mean)
{
	static const struct { const char *have, *want; int met; } cases[] = {
		{ "6.12.95+deb13-cloud-amd64", ">= 6.12", 1 },
		{ "6.1.2", ">= 6.12", 0 }, { "6.1.2", "6.1", 1 },
		{ "6.12.5", "6.1", 0 }, { "6.12.5", "6.12", 1 },
		{ "6.12", "6.12.0", 1 }, { "6.12.5", "== 6.12", 1 },
		{ "6.12.5", "!= 6.12", 0 }, { "6.12.5", "> 6.12", 0 },
		{ "6.13-rc1", "> 6.12", 1 }, { "6.12.5", "<= 6.12", 1 },
		{ "6.12.5", "< 6.12", 0 }, { "6.11.99", "< 6.12", 1 },
		{ "7.0.1", ">= 6.12, < 7", 0 }, { "6.13", ">= 6.12, < 7", 1 },
		{ "6.13.1", "6.13,!=6.13.1", 0 }, { "6.13.2", "6.13 , != 6.13.1", 1 },
		{ "6.1", "x", -EINVAL }, { "6.1", "6.1 6.2", -EINVAL },
		{ "6.1", "", -EINVAL }, { "6.1", "6.1,", -EINVAL }, { "x", "6", -EINVAL },
	};
	struct diag d = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].met,
			  kernel_version_meets(cases[i].have, cases[i].want, &d))
			TH_LOG("%s against '%s'", cases[i].have, cases[i].want);
	}
	diag_reset(&d);
}

TEST_HARNESS_MAIN
