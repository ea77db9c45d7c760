#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Captures that no check of the case itself can look at: of a verdict that makes
# the case fail, and those that were not to be taken.
. "$(dirname "$0")/../lib/tap.sh"

plan 8
export XDG_STATE_HOME=$tmp/state
cd "$tmp" || exit 1
mkdir cases

cat >cases/busy.yaml <<'END'
vm: {cpus: 2, memory: 256M}
monitor: {interval: 50ms, max_imbalance_ratio: 2, sustained_samples: 2}
snapshots: {periodic: 10, window: 600s}
guest:
  run: |
    for i in 1 2 3 4; do taskset 2 sh -c 'while :; do :; done' & done
    sleep 3
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

within 900 "$vmtap" run --jobs 1 --kernel 6.12 --out kept cases >out.tap 2>out.err
is "the imbalance fails its case" $? 1
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
	'snapshots.failure.cpu[1].rq.nr_running > 2 * snapshots.failure.cpu[0].rq.nr_running'
is "a file for each capture" "$(ls "$busy/captures")" "0001-failure.json"
holds "a clock that the payload outran: how often it fired" "$busy" \
	'periodic.target == 10 && periodic.fired == 0 && len(periodic.captures) == 0'
holds "and why no more" "$busy" 'periodic.reason =~ "payload ended"'
holds "a failure is left alone where that was asked for" "$quiet" \
	'success && !exists(snapshots.failure)'
ok "and leaves no file" test ! -e "$quiet/captures"
