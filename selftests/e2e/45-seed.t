#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is drawn at random: two boots of one run differ in their layout, and the
# seed that a run tells gives the same run again.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
plan 5
export XDG_STATE_HOME=$tmp/state

cat > "$tmp/one.yaml" <<'END'
vm: {memory: 256M, timeout: 60s}
guest: {run: "true"}
checks: [kaslr.enabled]
END
run()
{
	"$vmtap" run -j1 --kernel 6.1 --seed 7 --repeat 2 --json "$tmp/$1.json" \
		"$tmp/one.yaml" > "$tmp/$1.tap" 2> "$tmp/$1.err"
}
offsets()
{
	sed -n "s/^ *offset: '\(.*\)'/\1/p" "$tmp/$1.tap"
}

run first
is "both passed" "$?" 0 || diag "$(cat "$tmp/first.tap" "$tmp/first.err")"
is "two boots, two offsets" "$(offsets first | sort -u | wc -l)" 2
run second
is "the same seed" "$?" 0
is "the same offsets" "$(offsets second)" "$(offsets first)"

# What depends on time or on the host's load, and where the run is kept.
steady()
{
	grep -vE '^ +([a-z_]+_ms|[a-z_]+_ns|dir):|nested host up|^    (halt|exits|signal|hyper|preempt)' \
		"$tmp/$1.tap"
}
ok "the same TAP but for times and KVM's counters" \
	diff <(steady first) <(steady second)
