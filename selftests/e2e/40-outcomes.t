#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One run that has each kind of outcome, as its consumers count it; its progress
# on a terminal; flaky cases and --until-fail; a run spread over shards; a run
# replayed.
. "$(dirname "$0")/../lib/tap.sh"

plan 51
build=${VMTAP_BUILD:-$top/build}
counts="perl $top/selftests/lib/tap-counts"
export XDG_STATE_HOME=$tmp/state
mkdir "$tmp/kinds" "$tmp/flaky" "$tmp/shards"

scenario()
{
	cat >"$tmp/$1.yaml"
}

# field FILE EXPRESSION: of a JSON document d
field()
{
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
c = {x["name"].split("[")[0].split("/")[-1]: x for x in d["cases"]}
print(eval(sys.argv[2]))' "$@"
}

# --- each kind of outcome ---------------------------------------------------

scenario kinds/a-pass <<<'guest: {run: "true"}'
scenario kinds/b-fail <<<'guest: {run: "exit 3"}'
scenario kinds/c-skip <<<'{requires: {kernel: ">= 99"}, guest: {run: "true"}}'
scenario kinds/d-xfail <<<'{xfail: a known bug, guest: {run: "false"}}'
scenario kinds/e-xpass <<<'{xfail: a known bug, guest: {run: "true"}}'
scenario kinds/f-timeout <<<'{vm: {timeout: 5s}, guest: {run: "sleep 1000"}}'
scenario kinds/g-error <<<'{kernel: {modules: [no_such_module]}, guest: {run: "true"}}'

cd "$tmp" || exit 1
within 900 env -u NO_COLOR TERM=xterm "$top/selftests/lib/on-tty" all.err \
	"$vmtap" run --jobs 1 --kernel 6.1 --out kept --json all.json \
	--junit all.xml kinds >all.tap
is "a failed run ends with 1" $? 1
is "each kind is there once" "$(field all.json \
	'" ".join(c[k]["outcome"] for k in sorted(c))')" \
	"pass fail skip xfail xpass timeout error" || diag "$(cat all.tap all.err)"
is "the totals of the document" "$(field all.json \
	'[d["totals"][k] for k in ("pass", "fail", "skip", "xfail", "xpass", "timeout", "error")]')" \
	"[1, 1, 1, 1, 1, 1, 1]"
is "the stream's closing line" "$(tail -n 1 all.tap)" \
	"# Totals: pass:1 fail:2 xfail:1 xpass:1 skip:1 error:1"
is "TAP::Parser: counts" "$($counts all.tap)" \
	"run=7 pass=3 fail=3 skip=1 bail=0 bad=0"
prove -e cat all.tap >prove.out 2>&1
is "prove: fails" $? 1
like "prove: the three that failed" "$(cat prove.out)" 'Failed 3/7 subtests.*Failed tests?: +2, 6-7'
is "JUnit: failures, errors, skipped" "$(python3 -c '
import xml.etree.ElementTree as t
r = t.parse("all.xml").getroot()
print(*(len(r.findall(".//" + k)) for k in ("testcase", "skipped")),
      len(r.findall(".//failure")) + len(r.findall(".//error")))')" "7 1 3"

like "a timeout tells where the guest hung" "$(cat all.tap)" \
	'f-timeout[^#]*# TIMEOUT timeout after [0-9]+ ms while the payload ran' ||
	diag "$(grep f-timeout all.tap)"

# --- progress ---------------------------------------------------------------

# screen FILE: each state that the terminal went through, the escapes taken out
screen()
{
	tr -d '\r' <"$1" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g'
}
for phase in start kernel payload; do
	ok "progress: a case in phase $phase, and for how long" \
		grep -qE "^$phase +[0-9]+s  a-pass\[kernel=6.1\]$" <(screen all.err)
done
ok "progress: time goes on" \
	grep -qE '^[a-z]+ +([5-9]|[1-9][0-9]+)s  f-timeout' <(screen all.err)
ok "progress: how many are done" grep -q '^\[6/7\] ' <(screen all.err)
like "progress: the closing line is the last on the screen" "$(screen all.err | tail -n 1)" \
	"^vmtap: pass:1 fail:2 xfail:1 xpass:1 skip:1 error:1, kept in .*/kept$"
ok "progress: in colour" grep -q $'\e\[1m\[6/7\]\e\[0m' all.err
is "nothing of it in the stream" "$(grep -c $'\e' all.tap)" 0
ok "no line is wider than the terminal" awk 'length($0) > 80 { exit 1 }' <(
	screen all.err | grep -v '^vmtap: ')

# What --json says, as every consumer has to count it: passed, failed, skipped.
want=$(field all.json '"passed %d failed %d skipped %d" % (
	d["totals"]["pass"] + d["totals"]["xfail"] + d["totals"]["xpass"],
	d["totals"]["fail"] + d["totals"]["timeout"] + d["totals"]["error"],
	d["totals"]["skip"])')
is "the document counts" "$want" "passed 3 failed 3 skipped 1"

# npm NAME: the program of a consumer from npm
npm()
{
	(cd "$top/selftests/consumers" && python3 -B -c 'import consumers, sys
print(consumers.npm_bin(sys.argv[1]) or "")' "$1") 2>/dev/null
}

if [ -n "$(npm tap-parser)" ]; then
	is "tap-parser agrees" "$("$(npm tap-parser)" -j 0 <all.tap | python3 -c 'import json, sys
f = [e[1] for e in json.load(sys.stdin) if e[0] == "complete"][0]
print("passed", f["pass"] - f["skip"], "failed", f["fail"], "skipped", f["skip"])')" "$want"
	is "tap-junit agrees" "$("$(npm tap-junit)" <all.tap | python3 -c 'import sys
import xml.etree.ElementTree as t
c = t.fromstring(sys.stdin.read().strip()).findall(".//testcase")
n = lambda k: sum(x.find(k) is not None for x in c)
print("passed", len(c) - n("failure") - n("skipped"), "failed", n("failure"), "skipped", n("skipped"))')" "$want"
	is "tap-mocha-reporter agrees" "$("$(npm tap-mocha-reporter)" json <all.tap | python3 -c 'import json, sys
s = json.load(sys.stdin)["stats"]
print("passed", s["passes"], "failed", s["failures"], "skipped", s["pending"])')" "$want"
else
	why=$(cd "$top/selftests/consumers" && python3 -B -c 'import consumers
print(consumers.npm_missing())')
	for name in tap-parser tap-junit tap-mocha-reporter; do
		skip "$name agrees" "$why"
	done
fi

if /usr/bin/python3 -c 'import tap.loader, yaml, more_itertools' 2>/dev/null; then
	is "tappy agrees" "$(/usr/bin/python3 -c 'import unittest, sys
from tap.loader import Loader
r = unittest.TestResult()
Loader().load_suite_from_file(sys.argv[1]).run(r)
f, s = len(r.failures) + len(r.errors), len(r.skipped)
print("passed", r.testsRun - f - s, "failed", f, "skipped", s)' "$tmp/all.tap" 2>&1)" "$want"
else
	skip "tappy agrees" "no tappy for /usr/bin/python3: make deps"
fi

kunit=${VMTAP_KUNIT:-$build/linux-source/tools/testing/kunit}/kunit.py
if [ -e "$kunit" ]; then
	python3 -B "$kunit" parse "$tmp/all.tap" >kunit.out 2>&1
	is "kunit.py agrees" "$(sed -nE 's/.*Testing complete\. Ran [0-9]+ tests: //p' kunit.out |
		tr -d ':,' | sed 's/ *$//')" "$want" || diag "$(tail -n 5 kunit.out)"
else
	skip "kunit.py agrees" "no kernel source: make deps"
fi

# kselftest's runner, given the same stream and status by a test of its own.
ksft=${KSFT_DIR:-$build/linux-source/tools/testing/selftests}
if [ -e "$ksft/kselftest/runner.sh" ]; then
	mkdir collection
	printf '#!/bin/sh\ncat %s\nexit 1\n' "$tmp/all.tap" >collection/kinds.sh
	chmod +x collection/kinds.sh
	# A pipe: the runner opens /dev/stdout anew, which a file would not bear.
	(cd collection && BASE_DIR=$ksft bash -c '. "$BASE_DIR/kselftest/runner.sh"
		run_many ./kinds.sh') 2>&1 | cat >runner.out
	is "kselftest's runner: the test failed" \
		"$($counts --outer runner.out)" "run=1 pass=0 fail=1 skip=0 bail=0 bad=0" ||
		diag "$(cat runner.out)"
	is "kselftest's runner: the cases in it" \
		"$($counts --inner kinds.sh runner.out)" \
		"run=7 pass=3 fail=3 skip=1 bail=0 bad=0"
else
	skip "kselftest's runner: the test failed" "no kernel source: make deps"
	skip "kselftest's runner: the cases in it" "no kernel source: make deps"
fi

# --- replay -----------------------------------------------------------------

is "replay: the failed cases" "$("$vmtap" run --replay kept --seed 1 2>&1)" \
	"vmtap: run: --replay takes cases and parameters from the kept run; drop the options and paths that choose others"
cp -r kept changed
sed -i 's/"6.1":"[0-9a-f]*"/"6.1":"0123"/' changed/run.json
"$vmtap" run --replay changed >out 2>err
is "replay: another kernel is refused" $? 65
like "replay: it is told which" "$(cat out)" 'Bail out! cannot replay: kernel 6.1 is not what it was'
sed -i 's/exit 3/exit 4/' kinds/b-fail.yaml
"$vmtap" run --replay kept >out 2>err
is "replay: another scenario is refused" $? 65
like "replay: it is told which" "$(cat out)" 'Bail out! cannot replay: file .*/kinds/b-fail.yaml is not'
sed -i 's/exit 4/exit 3/' kinds/b-fail.yaml

# The same seed and kernel give the same stream but for what is measured, for
# the kernel's own log, in which CPUs race, and for what a CPU was about when the
# time was up. $2: where the run is kept.
measured()
{
	sed -E -e "s,$2,KEPT,g" -e 's/(within|after) [0-9]+ ms/\1 T/' \
		-e 's/^( *(- )?[a-z_.]*(_ms|_ns|_mhz|_khz|_scaled_by)): .*/\1: T/' \
		-e '/^  (kvm|console|cpus):/,/^  [^ ]/{/^   /d}' -e '/^  index: /d' "$1" |
		sed -nE '/^not ok/,/^  \.\.\./p' | sed -E 's/^not ok [0-9]+/not ok N/'
}
seed=$(field kept/run.json 'd["run"]["seed"]')
(cd / && NO_COLOR=1 TERM=xterm within 900 "$top/selftests/lib/on-tty" "$tmp/err" \
	"$vmtap" run --jobs 1 --replay "$tmp/kept" >"$tmp/again.tap")
is "replay: the failures again" $? 1
like "replay: all of them, from elsewhere, with the same seed" "$(cat again.tap)" \
	"1\.\.3"$'\n'"# seed $seed,.*not ok 1 - b-fail.*not ok 2 - f-timeout.*not ok 3 - g-error" ||
	diag "$(cat err)"
ok "progress under NO_COLOR: it is there" \
	grep -qE '^payload +[0-9]+s  b-fail\[kernel=6.1\]$' <(screen err)
is "progress under NO_COLOR: no colour" "$(grep -c $'\e\[[0-9;]*m' err)" 0
measured all.tap "$tmp/kept" >once
measured again.tap "$XDG_STATE_HOME/vmtap/runs/[0-9-]*" >twice
ok "the same seed gives the same stream but for times" diff once twice
ok "and that is more than the names" test "$(wc -l <once)" -gt 40

# --- a command without a file; a disk that is full ---------------------------

if unshare -rm true 2>/dev/null; then
	mkdir small
	unshare -rm bash -c 'mount -t tmpfs -o size=256k none small &&
		"$1" run --kernel 6.1 --out small --json exec.json \
			--exec "echo said; head -c 1000000 /dev/zero | tr \"\\\\0\" x" \
			>exec.tap 2>exec.err; echo $? >exec.status; ls -R small >exec.ls' - "$vmtap"
	is "a full disk: the run fails" "$(cat exec.status)" 1 || diag "$(cat exec.err)"
	like "a full disk: the case says so" "$(cat exec.tap)" \
		'not ok 1 - [^#]* # ERROR cannot write .*No space left on device' ||
		diag "$(cat exec.tap)"
	is "a full disk: what was said is in the document" "$(python3 -c 'import json
c = json.load(open("exec.json"))["cases"][0]["result"]
print(c["exit_code"], c["output"].split()[0], len(c["output"]))')" "0 said 1000005"
	ok "a full disk: no cut file has its name" bash -c \
		'! grep -qx -e stdout -e result.json exec.ls && grep -qx stdout.cut exec.ls'
else
	for i in 1 2 3 4; do
		skip "a full disk" "no user namespaces here"
	done
fi

# --- flaky, until the first failure -----------------------------------------

truncate -s 1M flaky/disk
scenario flaky/a-flaky <<'END'
disk: {image: disk, rw: true}
guest:
  run: |
    head -c 4 /dev/vda | grep -q DONE && exit 0
    printf DONE | dd of=/dev/vda conv=notrunc,fsync
    exit 1
END
scenario flaky/b-error <<<'{kernel: {modules: [no_such_module]}, guest: {run: "true"}}'
"$vmtap" run --jobs 1 --kernel 6.1 --retry 1 --repeat 2 --until-fail \
	--json flaky.json flaky >flaky.tap 2>flaky.err
is "retry: a failure in the end is a failure" $? 1
is "no progress where stderr is no terminal" "$(grep -vc '^vmtap: ' flaky.err)" 0 ||
	diag "$(cat flaky.err)"
is "retry: a pass after a failure is flaky" "$(field flaky.json \
	'[(x["outcome"], x["block"].get("flaky"), x["block"].get("attempts")) for x in d["cases"]][:2]')" \
	"[('pass', True, 2), ('error', False, 2)]" || diag "$(cat flaky.tap flaky.err)"
is "retry: no failure is hidden from the document" "$(field flaky.json \
	'[len(x["block"].get("failed_attempts", [])) for x in d["cases"]][:2]')" "[1, 1]"
is "until-fail: what comes after is skipped" \
	"$(grep -c '^ok [34] - .* # SKIP not run: --until-fail' flaky.tap)" 2

# --- shards -----------------------------------------------------------------

scenario shards/one <<'END'
matrix: {vm.cpus: [1, 2, 3, 4], vm.memory: [256M, 512M, 1G]}
requires: {kernel: ">= 99"}
guest: {run: "true"}
END
scenario shards/two <<<'{requires: {kernel: ">= 99"}, guest: {run: "true"}}'
points() { grep -E '^(not )?ok ' "$1"; }

"$vmtap" run --kernel 6.1 --seed 7 shards >whole.tap 2>/dev/null
is "the whole run" "$(points whole.tap | wc -l)" 13
"$vmtap" list --kernel 6.1 shards | sort >whole.list
for i in 1 2 3; do
	"$vmtap" list --kernel 6.1 --shard "$i/3" shards
done | sort >union.list
ok "the lists of the shards are the run's" diff whole.list union.list
if command -v parallel >/dev/null; then
	parallel --will-cite --jobs 2 "$vmtap" run --kernel 6.1 --seed 7 \
		--shard '{}/3' shards '>' '{}.tap' '2>' /dev/null ::: 1 2 3
	is "GNU parallel: all shards passed" $? 0
	"$vmtap" merge 3.tap 1.tap 2.tap >merged.tap
	is "merge: passed" $? 0
	points whole.tap >whole.points
	points merged.tap >merged.points
	ok "merge: the points are the whole run's" \
		diff whole.points merged.points
else
	for i in 1 2 3; do
		skip "shards with GNU parallel" "it is not installed: make deps"
	done
fi
