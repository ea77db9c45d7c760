#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What fails a case from outside: thresholds of the monitor, by name, and a host
# without time for its guest. Captures that no check of the case itself can look
# at: of such a verdict, and those that were not to be taken.
. "$(dirname "$0")/../lib/tap.sh"

plan 16
build=${VMTAP_BUILD:-$top/build}
export XDG_STATE_HOME=$tmp/state
cd "$tmp" || exit 1
mkdir cases

cat >cases/busy.yaml <<'END'
vm: {cpus: 2, memory: 256M}
monitor: {interval: 50ms, max_imbalance_ratio: 5, sustained_samples: 2}
snapshots: {periodic: 10, window: 36000s}
guest:
  run: |
    for i in 1 2 3 4 5 6 7 8; do taskset 2 sh -c 'while :; do :; done' & done
    # The verdict, then a capture behind that which it brings.
    until [ -n "$(vmtap-look)" ]; do sleep 1; done
    vmtap-snapshot after
END
cat >cases/quiet.yaml <<'END'
vm: {cpus: 1, memory: 256M}
snapshots: {on_failure: false}
guest:
  run: |
    echo 1 > /proc/sys/kernel/sysrq
    echo c > /proc/sysrq-trigger
expect: panic
END


# threshold NAME LIMITS: a case for one threshold; its script comes on stdin
threshold()
{
	cat >"cases/$1.yaml" <<END
vm: {cpus: 3, memory: 384M}
monitor: {interval: 250ms, sustained_samples: 2, max_imbalance_ratio: 0, $2}
$3
$(cat)
END
}
scx()
{
	cat <<END
scheduler: {binary: "\${VMTAP_PAYLOADS}/scxfix", args: [--do, $1], repro: never}
END
}
files='guest:
  files: [{src: "${VMTAP_PAYLOADS}/scxfix.bpf.o", dst: /lib/scxfix.bpf.o}]'

threshold depth "max_local_dsq_depth: 3, max_fallback_rate: 0, max_keep_last_rate: 0" \
	"$(scx local)" <<END
$files
  run: |
    for i in 1 2 3 4 5 6 7 8; do taskset 2 sh -c 'while :; do :; done' & done
    until [ -n "\$(vmtap-look)" ]; do sleep 1; done
END
threshold fallback "max_local_dsq_depth: 0, max_fallback_rate: 2, max_keep_last_rate: 0" \
	"$(scx astray)" <<END
$files
  run: |
    taskset 6 sh -c 'while :; do /bin/true; done' &
    until [ -n "\$(vmtap-look)" ]; do sleep 1; done
END
threshold keep "max_local_dsq_depth: 0, max_fallback_rate: 0, max_keep_last_rate: 2" \
	"$(scx nothing)" <<END
$files
  run: |
    sh -c 'while :; do :; done' &
    until [ -n "\$(vmtap-look)" ]; do sleep 1; done
END
# Three busy CPUs on one of the host's; a nested host has one.
pin=
if "$vmtap" doctor | grep -q '^ok *a probe guest'; then
	pin="taskset -c 0"
fi
cat >cases/starved.yaml <<'END'
kernel: "6.1"
vm: {cpus: 3, memory: 256M, timeout: 5s}
guest:
  run: |
    for i in 1 2 3; do sh -c 'while :; do :; done' & done
    wait
snapshots: {on_failure: false}
END

within 900 $pin "$vmtap" run --jobs 1 --kernel 7.x --out kept \
	--keep-vmcore always --vmcore-limit 1M --json all.json cases >out.tap 2>out.err
is "the run fails" $? 1
# of CASE: how it ended, and why
of()
{
	python3 -c 'import json, sys
c = [x for x in json.load(open("all.json"))["cases"] if x["name"].split("[")[0] == sys.argv[1]][0]
print(c["outcome"], (c["block"].get("message") or c["reason"] or "").replace("\n", " "))' "$1"
}
like "busy: fails, and says by what" "$(of busy)" \
	"^fail run queues of [0-9]+ and [0-9]+ tasks: imbalance [0-9.]+ over 2 samples, the limit is 5.0"
for threshold in \
	"depth|[0-9]+ tasks on a local dispatch queue over 2 samples, the limit is 3" \
	"fallback|[0-9]+ select_cpu fallbacks per second over 2 samples, the limit is 2" \
	"keep|[0-9]+ dispatches that kept the last task per second over 2 samples, the limit is 2"; do
	if [ -s "$build/payloads/scxfix.bpf.o" ]; then
		like "${threshold%%|*}: fails, and says by what" "$(of "${threshold%%|*}")" \
			"^fail ${threshold#*|}"
	else
		skip "${threshold%%|*}: fails, and says by what" \
			"built without a clang that knows BPF"
	fi
done
like "a host without time is told from a guest that hangs" "$(of starved)" \
	"^timeout timeout after [0-9]+ ms .*: the host was too busy: a vCPU that had work"
is "no core is over the limit" "$(find kept -name 'vmcore*')" ""
like "and by how much one would have been" "$(python3 -c 'import json
print(*(x["block"].get("vmcore_error") for x in json.load(open("all.json"))["cases"]
	if x["name"].startswith("busy")))')" \
	'^it would take [0-9]+ MiB, --vmcore-limit is 1 MiB'
busy=$(echo kept/busy*)
quiet=$(echo kept/quiet*)

holds()
{
	within 60 "$vmtap" eval "$2/result.json" "$3" >eval.out 2>&1
	is "$1" $? 0 || diag "$(cat eval.out)"
}

holds "the monitor's verdict is captured" "$busy" \
	'snapshots.failure.trigger == "failure" && snapshots.failure.why =~ "imbalance"'
holds "with the run queue that it is about" "$busy" \
	'snapshots.failure.cpu[1].rq.nr_running > snapshots.failure.cpu[0].rq.nr_running'
is "a file for each capture" "$(ls "$busy/captures")" "0001-failure.json"$'\n'"0002-after.json"
holds "a clock that the payload outran: how often it fired" "$busy" \
	'periodic.target == 10 && periodic.fired == 0 && len(periodic.captures) == 0'
holds "and why no more" "$busy" 'periodic.reason =~ "payload ended"'
holds "a failure is left alone where that was asked for" "$quiet" \
	'success && !exists(snapshots.failure)'
ok "and leaves no file" test ! -e "$quiet/captures"
holds "the label of that timeout" "$(echo kept/starved*)" 'timeout_cause == "host_starved"'
