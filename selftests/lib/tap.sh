# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For our own tests in bash: . "$(dirname "$0")/../lib/tap.sh"; plan N; ok ...
# Each test gets $top (the source), $tmp (a folder that goes away at the end)
# and $vmtap (the program).

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vmtap=${VMTAP:-$top/vmtap}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vmtap-test.XXXXXX")
export tmp vmtap
tap_count=0
tap_cleanup=()

tap_exit()
{
	local i
	for ((i = ${#tap_cleanup[@]} - 1; i >= 0; i--)); do
		eval "${tap_cleanup[i]}"
	done
	rm -rf "$tmp"
}
trap tap_exit EXIT

# at_end COMMAND: run at the end, last in first out
at_end()
{
	tap_cleanup+=("$1")
}

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit 0
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# within SECONDS COMMAND...: its exit status; 124, and a word of it, where the
# time is up. What waits for ever would say nothing at all.
within()
{
	local limit=$1 status
	shift
	timeout --kill-after=10 "$limit" "$@"
	status=$?
	case $status in
	124 | 137) diag "no end within $limit s: $*" >&2 ;;
	esac
	return "$status"
}

# result STATUS NAME: a test point for an exit status
result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
	fi
	return "$1"
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# ok NAME COMMAND...: passes when the command does; its output is shown if not
ok()
{
	local name=$1 status
	shift
	"$@" >"$tmp/.out" 2>&1
	status=$?
	result "$status" "$name" || { diag "exit $status: $*"
		tail -n 60 "$tmp/.out" | sed 's/^/# /'; false; }
}

# is NAME GOT WANTED
is()
{
	[ "$2" = "$3" ]
	result $? "$1" || { diag "got:    $2"; diag "wanted: $3"; false; }
}

# like NAME TEXT REGEX
like()
{
	[[ $2 =~ $3 ]]
	result $? "$1" || { diag "got: $2"; diag "does not match: $3"; false; }
}
