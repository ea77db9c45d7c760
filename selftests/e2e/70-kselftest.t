#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernel selftests of the distribution's source in the guest, then kselftest's
# own runner over the same ones in that same guest: the verdicts agree. And a
# workload of which no assertion holds, and a scheduler that ends unexpectedly,
# as the reports tell it.
. "$(dirname "$0")/../lib/tap.sh"

build=${VMTAP_BUILD:-$top/build}
source=$build/linux-source
[ -e "$source/.ready" ] || skip_all "no kernel source: make deps"
command -v rsync >/dev/null || skip_all "no rsync, which kselftest installs with"
plan 14
export XDG_STATE_HOME=$tmp/state

unset KBUILD_OUTPUT O MAKEFLAGS MAKELEVEL MAKEOVERRIDES OUTPUT
inst=$tmp/inst
ok "the selftests build" within 900 make -j2 -C "$source/tools/testing/selftests" \
	O="$tmp/out" KSFT_INSTALL_PATH="$inst" \
	TARGETS="cgroup clone3 futex kcmp mincore pidfd sigaltstack sync" install
# Without perl the runner prefixes with sed; in the guest perl has no modules,
# and a test that writes to what died of it ends by SIGPIPE.
rm -f "$inst/kselftest/prefix.pl"

# Quick ones that do not look at clocks; one that takes too long. Of futex's
# run.sh the verdict is that of its last program, which gives another thread
# 10 ms to come to its wait: on slow CPUs chance decides. So two of the others,
# by themselves.
mkdir -p "$inst/slow"
printf '#!/bin/sh\nsleep 1000\n' >"$inst/slow/slow.sh"
printf 'timeout=2\n' >"$inst/slow/settings"
chmod +x "$inst/slow/slow.sh"
cat >>"$inst/kselftest-list.txt" <<'END'
slow:slow.sh
futex:functional/futex_requeue_pi
futex:functional/futex_wait_wouldblock
END
tests=(cgroup:test_pids clone3:clone3 clone3:clone3_clear_sighand
	clone3:clone3_cap_checkpoint_restore
	futex:functional/futex_requeue_pi futex:functional/futex_wait_wouldblock
	kcmp:kcmp_test mincore:mincore_selftest
	pidfd:pidfd_getfd_test pidfd:pidfd_open_test sigaltstack:sas
	slow:slow.sh sync:sync_test)
missing=
for test in "${tests[@]}"; do
	grep -qx "$test" "$inst/kselftest-list.txt" || missing="$missing $test"
done
is "all of them were built" "$missing" ""

# One folder of a kernel tree, built where it is.
mkdir "$tmp/tree"
ln -s "$source"/tools/testing/selftests/* "$tmp/tree/"
rm "$tmp/tree/sigaltstack"
cp -r "$source/tools/testing/selftests/sigaltstack" "$tmp/tree/"
ok "a folder builds in place" make -C "$tmp/tree/sigaltstack" top_srcdir="$source"

mkdir "$tmp/s"
cat >"$tmp/s/a.yaml" <<END
name: a
vm: {cpus: 2, memory: 512M, timeout: 100s}
guest:
  # kselftest's runner wants options of timeout that busybox's lacks.
  files: [{src: $(command -v timeout), dst: /usr/bin/timeout}]
  kselftest:
    dir: $inst
    tests: [$(printf '"%s", ' "${tests[@]}")]
  teardown: |
    echo "=== reference"
    sh /kselftest/run_kselftest.sh $(printf -- '-t %s ' "${tests[@]}")
END
cat >"$tmp/s/b.yaml" <<END
name: b
matrix: {kernel.release: ["6.1", "6.12", 7.x]}
vm: {cpus: {nodes: 2, llcs: 2, cores: 1, memory_nodes: 1}, memory: 384M}
guest:
  # The kernel looks for pages on the wrong node at once.
  setup: |
    mkdir /dbg && mount -t debugfs none /dbg && cd /dbg/sched/numa_balancing
    for f in scan_delay_ms scan_period_min_ms; do echo 10 > \$f; done
  kselftest: {dir: $tmp/tree/sigaltstack}	# beside the workload
workload:
  duration: 3s
  cgroups: [{name: g}, {name: out, cpuset: "0"}]
  workers:
    - {name: w, cgroup: g, type: bursty, burst: 1ms, sleep: 200ms}
    - {name: far, cgroup: g, type: cache-pressure, region: 512K, mem_policy: bind, mem_nodes: "2"}
    - {name: churn, cgroup: g, type: affinity-churn}
    - {name: astray, cgroup: out, type: cache-pressure, region: 512K}
  steps:
    - {hold: 500ms}
    - name: aside
      # Until some of its pages came after it, and it ran there for a while.
      ops:
        - run: |
            cd /sys/fs/cgroup/vmtap/out
            moved() { awk '\$1 == "numa_pages_migrated" { print \$2 }' /proc/vmstat; }
            ran() { set -- \$(sed 's/.*) //' /proc/\$p/stat); echo \${12}; }
            read -r p < cgroup.procs
            before=\$(moved)
            echo 1 > cpuset.cpus
            until [ \$(moved) -gt \$before ]; do sleep 0.1; done
            before=\$(ran)
            until [ \$(ran) -gt \$((before + 20)) ]; do sleep 0.1; done
      hold: 100ms
    - {ops: [{freeze: g}], hold: 10ms}
    - {name: frozen, hold: 500ms, assert: {not_starved: true}}
    - {ops: [{unfreeze: g}], hold: 10ms}
  assert:
    isolation: true
    max_spread_pct: 0.01
    max_gap: 400ms
    max_throughput_cv: 0.01
    min_work_rate: 1000000000
    max_p99_wake: 1ms
    min_iteration_rate: 1000000000
    max_migration_ratio: 0.5
    min_page_locality: 0.99
    max_cross_node_ratio: 0.000001
    max_slow_tier_ratio: 0.01
END
cat >"$tmp/s/c.yaml" <<'END'
name: c
kernel: {release: 7.x}
vm: {cpus: 2, memory: 384M}
scheduler: {binary: "${VMTAP_PAYLOADS}/scxfix", args: [--do, error, --after, "300"]}
guest:
  files: [{src: "${VMTAP_PAYLOADS}/scxfix.bpf.o", dst: /lib/scxfix.bpf.o}]
  run: while :; do sleep 0.05; done
END
cd "$tmp" || exit 1
within 900 "$vmtap" run --jobs 1 --kernel 6.12 --out kept --json all.json s >all.tap 2>all.err
is "they fail" $? 1

cat >look.py <<'END'
import json, re, sys
cases = {c["name"].split("[")[0]: c for c in json.load(open("all.json"))["cases"]}
bs = [c["result"] for c in json.load(open("all.json"))["cases"]
      if c["name"].startswith("b[") and c["outcome"] != "skip"]
def result(name): return cases[name]["result"]
def failed(b): return sorted({a["name"] for a in b["workload"]["assertions"] if not a["ok"]})
def messages(b): return [a["message"] for a in b["workload"]["assertions"]]
def subs(): return result("a")["subtests"]
def levels(coll): return [s["level"] for s in subs() if s["name"].startswith(coll + ":")]
def ours():
    return {s["name"]: s["outcome"] for s in subs() if not s["level"]}
def theirs():
    out = {}
    text = result("a")["output"].split("=== reference", 1)[1]
    for no, coll, name, rest in re.findall(
            r"^(not )?ok \d+ selftests: (\S+): (\S+)(.*)$", text, re.M):
        out[coll + ":" + name] = (
            "skip" if "# SKIP" in rest else "timeout" if "# TIMEOUT" in rest
            else "fail" if no else "pass")
    return out
print(eval(sys.argv[1]))
END
look() { python3 look.py "$1" 2>&1; }
is "each test has a verdict" "$(look 'len(ours())')" "${#tests[@]}"
is "the verdicts are those of kselftest's runner" "$(look 'sorted(ours().items())')" \
	"$(look 'sorted(theirs().items())')" || tail -n 60 all.tap | sed 's/^/# /'
diag "$(look 'ours()')"
is "they pass, fail, are skipped, run out of time" \
	"$(look '[o in ours().values() for o in ("pass", "fail", "skip", "timeout")]')" \
	"[True, True, True, True]"
is "results in their output are there, before the test's own" \
	"$(look 'len(levels("mincore")) > 1 and levels("mincore")[0] > 0 and levels("mincore")[-1] == 0')" \
	True
is "the folder's test ran, beside a workload" \
	"$(look '[(s["name"], s["outcome"]) for b in bs for s in b["subtests"] if not s["level"]] == len(bs) * [("sigaltstack:sas", "pass")]')" True ||
	diag "$(look '[b["subtests"] for b in bs]')"
is "its own time limit" "$(look 'ours()["slow:slow.sh"]')" timeout
is "no assertion holds, on any kernel" \
	"$(look '[*map(failed, bs)] == len(bs) * [failed(bs[0])] and failed(bs[0])')" \
	"['isolation', 'max_cross_node_ratio', 'max_gap', 'max_migration_ratio', 'max_p99_wake', 'max_slow_tier_ratio', 'max_spread_pct', 'max_throughput_cv', 'min_iteration_rate', 'min_page_locality', 'min_work_rate', 'not_starved']" ||
	diag "$(look '[*map(messages, bs)]')"
like "one that does not hold names worker and figure" \
	"$(look 'messages(bs[-1])')" \
	"min_work_rate: cgroup g: worker [a-z]+\[0\]: iterations per CPU second [0-9.]+, at least 1e\+09"
like "the first one is what the case failed of" "$(cat all.tap)" \
	"message: '[^']*max_spread_pct: cgroup g: off-CPU shares differ by"
if look 'cases["c"]["outcome"]' | grep -qx skip; then
	skip "a scheduler's crash is run again, unasked" \
		"$(look 'cases["c"].get("reason")')"
else
	is "a scheduler's crash is run again, unasked" \
		"$(look '[result("c")["success"], result("c")["scheduler"]["kind"], result("c")["scheduler"]["probes"][0]["hits"] > 0]')" \
		"[False, 'error_bpf', True]" ||
		diag "$(look 'result("c")["scheduler"]')"
fi
