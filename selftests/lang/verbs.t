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

plan 32

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

ok "reading and planning keep their budgets" "$top/tools/bench/lang" --vmtap "$vmtap"
