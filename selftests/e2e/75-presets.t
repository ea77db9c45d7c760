#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The topology that a guest sees is the scenario's, for those presets that
# cover most in the time that --budget gives; what it leaves out is told. All
# of them: the same scenario without --budget.
. "$(dirname "$0")/../lib/tap.sh"

plan 7
export XDG_STATE_HOME=$tmp/state
cd "$tmp" || exit 1
# What is known of its scheduling domains takes more than one CPU.
sed -e 's/^  vm\.cpus: .*/  vm.cpus: presets/; /^  include: /d' \
	-e '/^    # How many CPUs/,/^    done$/d' \
	-e '/^  - .*\(monitor\|workload\|stimulus\)/d' \
	"$top/scenarios/topology/01-as-asked.yaml" >presets.yaml
budget=45s

run() { within 900 "$vmtap" run --jobs 1 --kernel 6.12 "$@" presets.yaml; }
run --list >all
run --list --budget 1h >hour
run --list --budget $budget >chosen
is "an hour is enough for all presets" "$(sort hour)" "$(sort all)"
ok "a short time for some of them" \
	test "$(wc -l <chosen)" -gt 2 -a "$(wc -l <chosen)" -lt "$(wc -l <all)"

run --budget $budget --json all.json >all.tap 2>all.err
is "what is run passes" $? 0 || tail -n 40 all.tap all.err | sed 's/^/# /'
is "it is what was listed" \
	"$(sed -n '/# SKIP/d; s/^ok [0-9]* - //p' all.tap)" "$(cat chosen)"
is "the others are told, with the reason" \
	"$(grep -c '# SKIP left out: the budget' all.tap)" \
	"$(($(wc -l <all) - $(wc -l <chosen)))"

cat >look.py <<'END'
import json, sys
ran = [c["result"]["topology"] for c in json.load(open("all.json"))["cases"]
       if c["outcome"] == "pass"]
print(eval(sys.argv[1]))
END
look() { python3 look.py "$1" 2>&1; }
is "threads, LLCs and nodes are among them" \
	"$(look '[max(t[k] for t in ran) > 1 for k in ("cpus", "threads", "llcs", "nodes")]')" \
	"[True, True, True, True]"
is "one CPU too" "$(look 'min(t["cpus"] for t in ran)')" 1
