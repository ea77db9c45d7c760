#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is seen of a guest from outside costs it nothing and is what is there:
# VM exits against the sampling rate, a map that never appears, and the symbols
# of each stock kernel against its own /proc/kallsyms.
. "$(dirname "$0")/../lib/tap.sh"

plan 9
export XDG_STATE_HOME=$tmp/state
mkdir "$tmp/one" "$tmp/all"

scenario()
{
	cat >"$tmp/$1.yaml"
}

# The same busy payload, looked at 5 or 200 times a second.
for ms in 200 5; do
	scenario "one/rate-$ms" <<END
vm: {cpus: 1, memory: 256M}
monitor: {interval: ${ms}ms, max_imbalance_ratio: 0, fail_on_stall: false}
guest:
  run: |
    timeout 3 sh -c 'while :; do :; done'
    vmtap-metric ticks=\$(awk '/LOC:/ { print \$2 }' /proc/interrupts)
END
done
scenario one/unknown <<'END'
vm: {cpus: 1, memory: 256M}
bpf_map_write:
  - {map: .bss, field: knob, value: 9}
  - {map: no_such_map, offset: 0, size: 8, value: 1}
guest:
  files:
    - {src: "${VMTAP_PAYLOADS}/bpfload", dst: /bin/bpfload}
    - {src: "${VMTAP_PAYLOADS}/bpfmaps.bpf.o", dst: /lib/bpfmaps.bpf.o}
  run: |
    (vmtap-map-written && echo written) &
    vmtap-metric $(bpfload /lib/bpfmaps.bpf.o 1)
END
# Modules and BPF programs have a [name] behind theirs.
scenario all/kallsyms <<'END'
vm: {cpus: 1, memory: 256M}
guest: {run: "grep -v '\\[' /proc/kallsyms"}
END

cd "$tmp" || exit 1
"$vmtap" run --jobs 1 --kernel 6.12 --out one.out --json one.json one >one.tap 2>one.err
"$vmtap" run --jobs 1 --kernel 6.1 --kernel 6.12 --kernel 7.x --out all.out \
	all >all.tap 2>all.err

# of CASE EXPRESSION: about its result r and block b
of()
{
	python3 -c 'import json, sys
d = json.load(open("one.json"))
c = [x for x in d["cases"] if x["name"].split("[")[0].endswith(sys.argv[1])][0]
r, b = c["result"], c["block"]
print(eval(sys.argv[2]))' "$1" "$2"
}

own='r["kvm"]["exits"] - r["kvm"]["irq_exits"]'
slow=$(of rate-200 "$own")
fast=$(of rate-5 "$own")
diag "exits of the guest's own making: ${slow:-?} at 5 samples/s, ${fast:-?} at 200;" \
	"of the host's interrupts: $(of rate-200 'r["kvm"]["irq_exits"]')," \
	"$(of rate-5 'r["kvm"]["irq_exits"]')"
few=$(of rate-200 'r["monitor"]["samples"]')
many=$(of rate-5 'r["monitor"]["samples"]')
ok "few samples and many more: ${few:-?}, ${many:-?}" test "${many:-0}" -gt "$((2 * ${few:-999} + 50))" ||
	diag "$(cat one.tap one.err)"
is "no vCPU is kicked for a sample" "$(of rate-5 'r["kvm"]["signal_exits"]')" 0
# Nor does the guest leave more often, but for ticks: a slow run has more of them,
# each of a few exits.
ticks='r["workload"]["ticks"]'
more=$(($(of rate-5 "$ticks") - $(of rate-200 "$ticks")))
[ "$more" -gt 0 ] || more=0
ok "no exit is a sample's: $slow, $fast, $more more ticks" \
	test "$((fast))" -le "$((slow + slow / 10 + 100 + 4 * more))"

if [ -s "$(dirname "$vmtap")/build/payloads/bpfmaps.bpf.o" ]; then
	like "an unknown map fails the case by name" "$(of unknown 'b["message"]')" 'no_such_map'
	is "none of the maps was written" "$(of unknown \
		'[w["done"] for w in r["bpf_map_write"]] + [r["workload"]["knob"]]')" "[False, False, 0]"
	is "the guest was not told that they were" "$(of unknown 'r["output"]')" None
else
	for name in "an unknown map fails the case by name" "none of the maps was written" \
			"the guest was not told that they were"; do
		skip "$name" "built without a clang that knows BPF"
	done
fi

# judge CASE: how many of the guest's symbols ours has at the same place
judge()
{
	local image slide

	image=$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1] + "/result.json"))
r = r.get("result", r)
print(r["kernel"]["image"], r["kaslr"]["offset"])' "$1")
	read -r image slide <<<"$image"
	"$vmtap" kernel symbols "$image" >ours
	python3 - "$1/stdout" "$slide" <<'END'
import sys
from collections import Counter
slide = int(sys.argv[2], 16)
def read(path, slide):
    for line in open(path, errors="replace"):
        f = line.split()
        if len(f) == 3:
            a = int(f[0], 16)
            yield f[2], a - slide if a >= 0xffffffff80000000 else a
theirs = Counter(read(sys.argv[1], slide))
ours = Counter(read("ours", 0))
n = sum(theirs.values())
there = sum((theirs & ours).values())
print("enough" if n > 50000 and there >= 0.999 * n else "too few", there, "of", n)
END
}

for k in 6.1 6.12 7.x; do
	like "kernel $k: 99.9 % of its symbols" "$(judge "$tmp/all.out/kallsyms[kernel=$k]" 2>&1)" \
		'^enough' || diag "$(cat all.tap all.err; ls all.out)"
done
