#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every verb has help with examples, and is completed with all its options.
. "$(dirname "$0")/../lib/tap.sh"

mapfile -t verbs < <("$vmtap" --help | sed -n 's/^  \([a-z]\{2,\}\)  .*/\1/p')
plan $((3 + 5 * ${#verbs[@]} + 2))
[ "${#verbs[@]}" -ge 12 ]
result $? "there are verbs"

# completions WORD...: what bash offers for the last word
completions()
{
	bash --norc -c '
		source "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_vmtap; printf "%s\n" "${COMPREPLY[@]}"' \
		- "$top/tools/completion/vmtap.bash" "$@" | sort
}

# options VERB: the long options that its help lists
options()
{
	"$vmtap" "$1" --help | sed -nE 's/^ {2,6}(-[a-zA-Z], )?(--[a-z][a-z0-9-]+).*/\2/p' | sort -u
}

"$vmtap" >"$tmp/out" 2>"$tmp/err"
is "no verb is bad usage" "$?" 64
is "the verbs are completed" "$(completions "$vmtap" '')" \
	"$(printf '%s\n' "${verbs[@]}" | sort)"
for verb in "${verbs[@]}"; do
	"$vmtap" "$verb" --help >"$tmp/out" 2>"$tmp/err"
	is "$verb --help ends well" "$?" 0
	is "$verb --help says nothing on stderr" "$(cat "$tmp/err")" ""
	like "$verb --help has examples" "$(cat "$tmp/out")" "Examples?:"$'\n'"  +(.* )?vmtap $verb"
	"$vmtap" "$verb" --no-such-option >"$tmp/out" 2>"$tmp/err" </dev/null
	is "$verb: an unknown option is bad usage" "$? $(cat "$tmp/out")" "64 "
	missing=$(comm -23 <(options "$verb") <(completions "$vmtap" "$verb" --))
	is "$verb: every option is completed" "$missing" ""
done
is "values of --accel" "$(completions "$vmtap" run --accel '' | xargs)" "auto kvm nested"
is "values of --format" "$(completions "$vmtap" run --format '' | xargs)" "ktap tap13"
