#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A scenario author's first hour by the README alone, in an empty folder: its
# scenarios are written, linted, run, one fails as the README shows, is mended
# and passes by the command that its block ends with. What is drawn at random:
# two boots of a run differ in their layout, the same seed gives the same again.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
plan 19
export XDG_STATE_HOME=$tmp/state
mkdir "$tmp/empty" "$tmp/bin"
ln -s "$vmtap" "$tmp/bin/vmtap"
PATH=$tmp/bin:$PATH
cd "$tmp/empty" || exit 1

# The README's commands are typed as they stand.
grep -n '^    ' "$top/README.rst" >/dev/null || exit 1
python3 - "$top/README.rst" <<'END'
import re, sys, textwrap
text = open(sys.argv[1]).read()
blocks = [textwrap.dedent(b).strip('\n') + '\n'
          for b in re.findall(r'::\n\n((?:    .*\n|\n)+)', text)]
scenario = [b for b in blocks if b.startswith('#!/usr/bin/env -S vmtap run')][0]
sample = [b for b in blocks if b.startswith('TAP version 13')][0]
open('blk-readback.yaml', 'w').write(scenario)
open('../sample', 'w').write(sample)
shell = [b for b in blocks if "<<'END'" in b]
open('../type', 'w').write(re.sub(r'^\./vmtap .*\n', '', ''.join(shell), flags=re.M))
open('../verbs', 'w').write('\n'.join(re.findall(r'^\./vmtap .*', ''.join(shell), flags=re.M)) + '\n')
END
bash -e ../type
is "the README writes two scenarios" "$(ls my)" "first.yaml"$'\n'"load.yaml"
is "and lints and runs them" "$(cat ../verbs)" \
	"./vmtap lint my"$'\n'"./vmtap run --kernel 6.12 my"

# --- a slip of the hand, found without a boot --------------------------------

sed -i 's/exit_code/exit_cod/' my/first.yaml
vmtap lint my >lint.out 2>&1
is "a misspelt name: lint fails" $? 65
like "and says where, and what was meant" "$(cat lint.out)" \
	'my/first\.yaml:6:5: error: .*exit_cod.*did you mean .exit_code'
sed -i 's/exit_cod /exit_code /' my/first.yaml
vmtap lint my >lint.out 2>&1
is "mended: lint is content" $? 0 || diag "$(cat lint.out)"

# --- a run, and a failure that tells what to do -------------------------------

sed -i -e 's/writes_completed >= 256/writes_completed >= 300/' \
	-e 's,^    cmp /tmp/a /tmp/b,    echo x >/tmp/b; cmp /tmp/a /tmp/b,' blk-readback.yaml
mv blk-readback.yaml my
within 900 vmtap run --jobs 1 --kernel 6.1 --seed 7 my >run.tap 2>run.err
is "a run with a failure: status" $? 1 || diag "$(cat run.err)"
is "the two others pass" "$(grep -c '^ok [23] - \(first\|load\)' run.tap)" 2 ||
	diag "$(cat run.tap)"

# Each line of the README's sample, but for what differs by run or kernel. One
# random byte in 256 is the one that was written.
byte='s/differ: char [0-9]+, line [0-9]+/differ/'
sed -E -e "s/6\.12/6.1/; /duration_ms|# seed|offset:|dir:|^ *\.\.\.$|^ *---$|TAP version|1\.\.1/d" \
	-e 's/^not ok 1 - blk/not ok N - blk/' -e 's,blk-readback.yaml,my/&,' \
	-e "/repro:/d" -e "$byte" ../sample >want
sed -E -e 's/^not ok 1 - /not ok N - /' -e "$byte" run.tap >got
is "the block is as the README shows it" \
	"$(grep -vxF -f got want)" "" || diag "$(sed -n '/^not ok/,/^  \.\.\./p' run.tap)"
cp my/blk-readback.yaml broken
repro=$(sed -n "s/^  repro: '\(.*\)'$/\1/p" run.tap | sed "s/''/'/g")
like "it ends with the command that runs it again" "$repro" \
	"^vmtap run .*--seed 0x7 .*--kernel 6.1 .*blk-readback"
kept=$(sed -n 's/.*kept in //p' run.err)
is "the run is kept" "$(ls "$kept")" \
	"$(printf '%s\n' 'blk-readback[kernel=6.1]' 'first[kernel=6.1]' 'load[kernel=6.1]' run.json)"
vmtap show "$kept" >show.out 2>&1
is "show: status" $? 0
like "show: the failure with its message" "$(cat show.out)" \
	'FAIL +blk-readback.*exit status 1, 0 was expected'
vmtap eval "$kept/blk-readback[kernel=6.1]" 'virtio_blk.writes_completed >= 256' >eval.out 2>&1
is "eval: the check that would have held" "$? $(cat eval.out)" "0 true"
within 60 vmtap run --replay "$kept" --list >list.out 2>&1
is "replay: the failed case" "$(cat list.out)" "blk-readback[kernel=6.1]"

# --- mended, and run again ------------------------------------------------------

sed -i -e 's/>= 300/>= 256/' -e 's,echo x >/tmp/b; ,,' my/blk-readback.yaml
eval "within 900 $repro" >again.tap 2>again.err
is "mended, and run by that command: it passes" $? 0 || diag "$(cat again.err again.tap)"
is "alone" "$(grep -E '^(1\.\.|ok|not ok)' again.tap)" \
	"1..1"$'\n'"ok 1 - blk-readback[kernel=6.1]"

offsets()
{
	sed -n "s/^ *offset: '\(.*\)'/\1/p" "$1"
}
is "three boots, three offsets" "$(offsets run.tap | sort -u | wc -l)" 3
is "the same seed, the same offset" "$(offsets again.tap)" "$(offsets run.tap | head -n 1)"
vmtap compare --outcomes "$kept" "$XDG_STATE_HOME/vmtap/runs/latest" >compare.out
like "compare: what became better" "$(cat compare.out)" 'blk-readback\[kernel=6.1\]: fail -> pass'
