#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The verbs list, lint and schema from outside: statuses, streams, budgets.
# shellcheck source=selftests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

cd "$tmp" || exit 1
mkdir -p scenarios/blk
cat > scenarios/blk/read.yaml <<'END'
#!/usr/bin/env -S vmtap run
description: reads
tags: [blk]
disk: {size: 1M}
checks: [virtio_blk.io_errors == 0]
matrix: {vm.cpus: [1, 4], kernel.release: ["6.1", "6.12"]}
END
chmod +x scenarios/blk/read.yaml
echo 'description: d' > scenarios/plain.yaml
echo 'nme: x' > bad.yaml

# status VERB... : leaves its exit status in $st, its streams in out and err
status()
{
	"$vmtap" "$@" >out 2>err </dev/null
	st=$?
}

not_same()
{
	! cmp -s "$1" "$2"
}

plan 56

for verb in list lint schema; do
	status $verb --help
	is "$verb --help ends well" "$st" 0
	like "$verb --help has examples" "$(cat out)" "Examples:"
	is "$verb --help says nothing on stderr" "$(cat err)" ""
	status $verb --no-such-option
	is "$verb refuses an unknown option as usage" "$st" 64
	is "$verb then prints nothing on stdout" "$(cat out)" ""
done

status list
is "list ends well" "$st" 0
is "list prints the names in order" "$(cat out)" \
"blk/read[cpus=1,kernel=6.1]
blk/read[cpus=1,kernel=6.12]
blk/read[cpus=4,kernel=6.1]
blk/read[cpus=4,kernel=6.12]
plain"
status list --filter 'blk/read[cpus=4,kernel=6.1]'
is "a whole name is a filter" "$(cat out)" "blk/read[cpus=4,kernel=6.1]"
status list --filter nothing
is "a filter that nothing fits is an error" "$st" 65
status list --shard 1/0
is "a bad shard is a usage error" "$st" 64
status list bad.yaml
is "a bad scenario is status 65" "$st" 65
like "and told with its place" "$(cat err)" "^bad.yaml:1:1: error: unknown key 'nme'"
for i in 1 2 3; do
	"$vmtap" list --shard $i/3
done | sort > parts
"$vmtap" list | sort > whole
ok "three shards are the run" cmp parts whole
status list --json --seed 5
cp out first
ok "list --json is JSON" python3 -m json.tool out
status list --json --seed 5
ok "the same seed gives the same list" cmp out first
status list --json
ok "another seed another" not_same out first

status lint
is "lint is content" "$st" 0
status lint --strict
is "lint --strict too" "$st" 0
echo '{}' > scenarios/plain.yaml
status lint --strict
is "a warning fails --strict" "$st" 65
status lint
is "and nothing else" "$st" 0
status lint bad.yaml scenarios
like "each file is read though one is wrong" "$(cat err)" "warning: no description"

# said NAME STATUS TEXT VERB...: that status, and TEXT on stderr
said()
{
	local name=$1 want=$2 text=$3
	shift 3
	status "$@"
	[ "$st" -eq "$want" ] && grep -qF -e "$text" err
	result $? "$name" || diag "status $st, stderr: $(head -c 500 err)"
}

# --- what is wrong with a command line, or with files together ----------------

mkdir twins empty warned
echo 'name: twin' | tee twins/a.yaml >twins/b.yaml
said "two cases of one name" 65 "a second case 'twin', expected another name than in twins/a.yaml" \
	lint twins
said "a command beside files" 65 "--exec beside scenario files, expected one or the other" \
	list --exec true scenarios
said "a filter: what to do" 65 "no case fits --filter, --exclude and --tag, expected one of 5: \`vmtap list\` names them" \
	list --filter nothing scenarios
said "--set of no key" 65 "unknown key 'vm.cpu', expected a dotted key of the scenario such as vm.memory" \
	list --set vm.cpu=1 scenarios
echo '{vm: {cpus: 2}, matrix: {guest.env.A: [1, 2], constraints: {min_cpus: 2}}}' >cpus.yaml
said "--set that leaves nothing" 65 "no case is left, expected one: see exclude and constraints of the matrix" \
	list --set vm.cpus=1 cpus.yaml
said "no such file" 65 "gone.yaml: error: cannot read it: No such file" lint gone.yaml
said "an empty folder" 65 "no scenario in this folder, expected *.yaml files" lint empty
(cd empty && "$vmtap" lint 2>../err)
is "no folder of scenarios: status" $? 65
like "no folder of scenarios" "$(cat err)" "no scenario named, expected files or folders: there is no folder 'scenarios' here"

cat >warned/w.yaml <<'END'
description: warnings
guest: {run: "true"}
checks:
  - 1 + 1 == 2
  - virtio_blk.io_errors == 0
  - exit_code == 0
  - exit_code == 0
END
said "a check of nothing" 0 "w.yaml:4:5: warning: always true, expected a check that names something of the result" \
	lint warned
said "a check of a device that is not there" 0 "w.yaml:5:5: warning: virtio_blk without 'disk' in the scenario, expected it: this can never hold" \
	lint warned
printf '%s\n' '#!/usr/bin/env -S vmtap run' 'x-a: &unused 1' 'kernel: {release: 6.12}' \
	'matrix: {vm.cpus: [1]}' >warned/x.yaml
said "no description" 0 "warning: no description, expected one line that says what this guards" \
	lint warned/x.yaml
said "an anchor for nothing" 0 "anchor 'unused' is never used, expected an alias of it" lint warned/x.yaml
said "a release without quotes" 0 "release 6.12 without quotes, expected quotes: elsewhere it reads as a number" \
	lint warned/x.yaml
said "#! and not executable" 0 "begins with #! and is not executable, expected chmod +x" lint warned/x.yaml
said "one value" 0 "one value for 'vm.cpus', expected several: a single one belongs into the scenario" \
	lint warned/x.yaml
chmod +x warned/w.yaml
said "executable without #!" 0 "executable without a #! line, expected \`#!/usr/bin/env -S vmtap run\`" \
	lint warned/w.yaml
printf '%s\n' 'description: an end' 'expect: monitor' 'guest: {run: "true"}' >end.yaml
said "an end that nothing can bring about" 0 "end.yaml:2:9: warning: expect: monitor without 'monitor' in the scenario, expected it: this can never hold" \
	lint end.yaml
said "the same check twice" 0 "w.yaml:7:5: warning: the same check as in line 6, expected each once" \
	lint warned

# --- bounds -------------------------------------------------------------------

python3 - <<'END'
def write(name, text):
    with open(name + '.yaml', 'w') as f:
        f.write(text)
write('anchors', 'x-a:\n' + ''.join('  - &a%d 1\n' % i for i in range(2000)))
write('scalar', 'description: ' + 'x' * (2 << 20) + '\n')
write('merge', ''.join('x-%s: &%s\n' % (a, a) + ''.join(
    '  %s%d: 1\n' % (a, i) for i in range(900)) for a in 'ab') + 'x-c:\n  <<: [*a, *b]\n')
write('events', 'x-a: [' + '1,' * 1500000 + '1]\n')
write('bytes', '#' * (9 << 20) + '\n')
END
said "too many anchors" 65 "too many anchors" lint anchors.yaml
said "a text too long" 65 "text too long (bytes), expected at most" lint scalar.yaml
said "too many items" 65 "too many items (parser events), expected at most" lint events.yaml
said "merged too long" 65 "\`<<\` makes this map too long, expected fewer keys" lint merge.yaml
said "a file too long" 65 "'bytes.yaml' is too long, expected at most 4194304 bytes" lint bytes.yaml

ok "reading and planning keep their budgets" "$top/tools/bench/lang" --vmtap "$vmtap"
