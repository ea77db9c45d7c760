#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The verbs that look at kept runs: eval, show, compare, merge.
. "$(dirname "$0")/../lib/tap.sh"

plan 46
cd "$tmp" || exit 1

# vt STATUS NAME ARGUMENTS...: runs vmtap, checks its status, keeps its streams
vt()
{
	local wanted=$1 name=$2 status
	shift 2
	"$vmtap" "$@" >out 2>err
	status=$?
	[ "$status" -eq "$wanted" ]
	result $? "$name" || diag "status $status, not $wanted: $(cat out err)"
}

# says NAME FILE TEXT
says()
{
	grep -qF -e "$3" "$2"
	result $? "$1" || diag "no '$3' in: $(cat "$2")"
}

for verb in eval show compare merge; do
	vt 0 "$verb --help" "$verb" --help
	grep -q '^usage: vmtap '"$verb" out && grep -q '^Examples:' out && [ ! -s err ]
	result $? "$verb --help goes to stdout, with examples"
	vt 64 "$verb without arguments is bad usage" "$verb"
	vt 64 "$verb with an unknown option is bad usage" "$verb" --no-such
done

# case NAME OUTCOME INDEX EXITS IO_ERRORS
case_json()
{
	printf '{"name":"%s","index":%d,"outcome":"%s","reason":null,"block":{"message":"it broke"},"result":{"success":true,"duration_ms":1000,"output":"hi\\n","kvm":{"exits":%d,"vcpu":[{"exits":%d}]},"virtio_blk":{"io_errors":%d}}}' "$1" "$3" "$2" "$4" "$4" "$5"
}
run_json()
{
	echo "{\"vmtap\":\"x\",\"format\":1,\"run\":null,\"cases\":[$1],\"totals\":{},\"exit_status\":0,\"bail_out\":null}"
}
run_json "$(case_json a pass 1 1000 0),$(case_json b pass 2 10 0),$(case_json c fail 3 5 0)" >before
run_json "$(case_json a pass 1 1050 1),$(case_json b fail 2 10 0),$(case_json d pass 3 5 0)" >after
case_json one pass 1 7 0 >result.json

vt 0 "eval: true" eval result.json 'kvm.exits == sum(kvm.vcpu[].exits)'
is "eval prints the value" "$(cat out)" true
vt 1 "eval: false" eval result.json 'virtio_blk.io_errors > 0' 'kvm.exits'
is "eval prints what was read" "$(cat out)" "false
  virtio_blk.io_errors = 0
7"
vt 1 "eval: null" eval result.json 'virtio_net.rx_packets == 0'
says "eval says why" out "null: virtio_net: no net device was attached"
vt 64 "eval: a name that nobody knows" eval result.json 'kvm.exits > 1 && virtio_blk.io_eror == 0'
says "eval suggests" err 'column 29: there is no name `virtio_blk.io_eror` (did you mean `virtio_blk.io_errors`?)'
vt 0 "eval over the cases of a run" eval --case '[ab]' before kvm.exits
is "eval tells the case" "$(cat out)" "a: 1000
b: 10"
echo '{' >broken.json
vt 65 "eval: no JSON" eval broken.json 1

vt 0 "show" show --color never before
says "show tells failures" out "FAIL    c  1.0 s"
says "show ends with the counts" out "pass:2 fail:1 xfail:0"

vt 1 "compare finds regressions" compare before after
is "compare tells them" "$(cat out)" "REGRESSION  a: virtio_blk.io_errors 0 -> 1
REGRESSION  b: pass -> fail
REGRESSION  c: fail -> gone
new         d: new, pass
3 regressions, 0 better, 0 cases without a change"
vt 1 "compare: a threshold" compare --threshold 3 before after
says "compare: a counter beyond it" out "REGRESSION  a: kvm.exits 1000 -> 1050 (+5%)"
vt 1 "compare: moves below a number" compare --threshold 3 --min 51 before after
is "compare: do not count" "$(grep -c kvm.exits out)" 0
vt 1 "compare: outcomes alone" compare --outcomes before after
is "compare: no figures then" "$(grep -c virtio_blk out)" 0
vt 0 "compare: what got better is no regression" compare --outcomes --threshold 3 \
	<(run_json "$(case_json c fail 1 5 0)") <(run_json "$(case_json c pass 1 5 0)")
says "compare: and is told" out "better      c: fail -> pass"
vt 64 "compare: no number" compare --threshold x before after
vt 65 "compare: no run" compare before broken.json
vt 0 "compare with itself" compare before before

# Two shards of one run of four, the second cut short.
cat >1.tap <<-END
	TAP version 13
	1..2
	# seed: 5
	ok 1 - a
	ok 2 - c # SKIP no kvm
	  ---
	  index: 3
	  ...
	# Totals: pass:1 fail:0 xfail:0 xpass:0 skip:1 error:0
END
cat >2.tap <<-END
	TAP version 13
	1..2
	# seed: 5
	not ok 1 - b
	  ---
	  message: 'x'
	  index: 2
	  ...
	Bail out! SIGTERM
END
vt 1 "merge" merge 1.tap 2.tap
is "merge in the order of the plan, nothing lost" "$(cat out)" "TAP version 13
1..4
# seed: 5
ok 1 - a
not ok 2 - b
  ---
  message: 'x'
  ...
ok 3 - c # SKIP no kvm
not ok 4 - point 2 of 2.tap # ERROR never reported: SIGTERM
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:1"
is "merge is good TAP" "$("$top/selftests/lib/tap-counts" out)" \
	"run=4 pass=1 fail=2 skip=1 bail=0 bad=0"
