#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The topology that a guest sees is the scenario's, for those presets that
# cover most in the time that --budget gives; what it leaves out is told. The
# guest's /sys says so, its lscpu and its numactl. All presets, on kernels of
# one's choice and as either vendor (an hour on an idle machine of two cores):
#	PRESETS=all KERNELS="6.1 7.x" VENDORS="amd intel" selftests/e2e/75-presets.t
# What Linux makes of each of them without a boot: selftests/unit/test_presets.c
. "$(dirname "$0")/../lib/tap.sh"

plan 10
export XDG_STATE_HOME=$tmp/state
kernels=() files="" say=""
for kernel in ${KERNELS:-6.12}; do
	kernels+=(--kernel "$kernel")
done
for call in "lscpu -p=CPU,CORE,SOCKET,NODE,CACHE" lscpu "numactl -H"; do
	tool=${call%% *}
	path=$(command -v "$tool") || continue
	[[ $files == *$tool* ]] || files="$files, {src: $path, dst: /usr/bin/$tool}"
	say="$say\\n    $call >\\&2"
done
cd "$tmp" || exit 1
# What is known of its scheduling domains takes more than one CPU. The map goes
# to stdout, what the tools say to stderr. 64 vCPUs on one CPU are slow: nobody
# is to bark at that.
sed -e "s/^  vm\.cpus: .*/  vm.cpus: presets\n  vm.vendor: [$(echo "${VENDORS:-host}" | tr ' ' ',')]/" \
	-e '/^  include: /d' \
	-e 's/^kernel: .*/kernel: {cmdline: nowatchdog rcupdate.rcu_cpu_stall_suppress=1}/' \
	-e "s|^guest:|guest:\n  files: [${files#, }]|" \
	-e '/^    # How many CPUs/,/^    done$/d' \
	-e '/^  - .*\(monitor\|workload\|stimulus\)/d' \
	-e "s|^checks:|${say#\\\\n}\nchecks:|" \
	"$top/scenarios/topology/01-as-asked.yaml" >presets.yaml
[ "${PRESETS:-}" = all ] && budget=() limit=36000 || budget=(--budget 45s) limit=900

run() { within $limit "$vmtap" run --jobs 1 "${kernels[@]}" "$@" presets.yaml; }
run --list >all
run --list --budget 1h >hour
run --list --budget 45s >some
run --list "${budget[@]}" >chosen
if [ "$(wc -l <all)" -gt 29 ]; then
	skip "an hour is enough for all presets" "on one kernel, as one vendor"
else
	is "an hour is enough for all presets" "$(sort hour)" "$(sort all)"
fi
ok "a short time for some of them" \
	test "$(wc -l <some)" -gt 2 -a "$(wc -l <some)" -lt "$(wc -l <all)"

run "${budget[@]}" --json all.json >all.tap 2>all.err
is "what is run passes" $? 0 || tail -n 40 all.tap all.err | sed 's/^/# /'
is "it is what was listed" \
	"$(sed -n '/# SKIP/d; s/^ok [0-9]* - //p' all.tap)" "$(cat chosen)"
is "the others are told, with the reason" \
	"$(grep -c '# SKIP left out: the budget' all.tap)" \
	"$(($(wc -l <all) - $(wc -l <chosen)))"

cat >look.py <<'END'
import json, re, sys

cases = [c for c in json.load(open("all.json"))["cases"] if c["outcome"] == "pass"]
ran = [c["result"]["topology"] for c in cases]


def wanted(t, kind):
    lines = [l.split() for l in t["map"].splitlines()]
    return [dict(zip(l[::2], l[1::2])) | {"distance": l[l.index("distance") + 1:]
                                          if "distance" in l else None}
            for l in lines if l[0] == kind and "latency" not in l]


def first_of(ids):
    return [str(ids.index(i)) for i in ids]


# A row for each CPU, whose core, socket and caches have numbers of their own.
def lscpu_rows(t, said):
    rows = [l.split(",") for l in said.splitlines() if re.match(r"\d+,\d+,", l)]
    core, socket, node = ([r[i] for r in rows] for i in (1, 2, 3))
    got = [rows[i][:1] + [x, y, z, n] for i, (x, y, z, n) in enumerate(zip(
        first_of(core), first_of([r[-1] for r in rows]), first_of(socket), node))]
    return got == [[c["cpu"], c["core"], c["llc"], c["package"], c["node"]]
                   for c in wanted(t, "cpu")]


def lscpu_sums(t, said):
    want = {"CPU(s)": t["cpus"], "Thread(s) per core": t["threads"],
            "Core(s) per socket": t["cores"] // t["nodes"], "Socket(s)": t["nodes"],
            "NUMA node(s)": t["nodes"] + t["memory_nodes"]}
    got = dict(re.findall(r"^([A-Z][^:]*): +(\d+)$", said, re.M))
    llcs = re.search(r"^L3 cache: .*\((\d+) instance", said, re.M)
    return ({k: got.get(k) for k in want} == {k: str(v) for k, v in want.items()}
            and llcs and int(llcs[1]) == t["llcs"])


def cpus_of(text):
    spans = [s.split("-") for s in text.split(",") if text != "none"]
    return [str(i) for s in spans for i in range(int(s[0]), int(s[-1]) + 1)]


# Of its memory a kernel takes some for itself.
def numactl_is(t, said):
    for n in wanted(t, "node"):
        i = n["node"]
        cpus = re.search(rf"^node {i} cpus:(.*)$", said, re.M)
        size = re.search(rf"^node {i} size: (\d+) MB$", said, re.M)
        row = re.search(rf"^ +{i}: +(.*)$", said, re.M)
        asked = int(n["memory"][:-1])
        if not (cpus and cpus[1].split() == cpus_of(n["cpus"]) and
                size and 0 < int(size[1]) <= asked and
                row and row[1].split() == n["distance"]):
            return False
    return f"available: {len(wanted(t, 'node'))} nodes" in said


# The cases of which that does not hold.
def unlike(judge):
    return [c["name"] for c in cases
            if not judge(c["result"]["topology"], c["result"]["stderr"])]


print(eval(sys.argv[1]))
END
look() { python3 look.py "$1" 2>&1; }
is "threads, LLCs and nodes are among them" \
	"$(look '[max(t[k] for t in ran) > 1 for k in ("cpus", "threads", "llcs", "nodes")]')" \
	"[True, True, True, True]"
is "one CPU too" "$(look 'min(t["cpus"] for t in ran)')" 1
if [[ $say == *lscpu* ]]; then
	is "lscpu's table is the scenario's" "$(look 'unlike(lscpu_rows)')" "[]"
	is "its sums are" "$(look 'unlike(lscpu_sums)')" "[]"
else
	skip "lscpu's table is the scenario's" "no lscpu"
	skip "its sums are" "no lscpu"
fi
if [[ $say == *numactl* ]]; then
	is "numactl's nodes are" "$(look 'unlike(numactl_is)')" "[]"
else
	skip "numactl's nodes are" "no numactl: make deps"
fi
