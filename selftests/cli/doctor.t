#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vmtap doctor: what it finds, and what it says where something is missing.
. "$(dirname "$0")/../lib/tap.sh"

plan 10

# says NAME TEXT
says()
{
	grep -qF -e "$2" "$tmp/out"
	result $? "$1" || diag "no '$2' in: $(cat "$tmp/out")"
}

"$vmtap" doctor --help >"$tmp/out"
is "--help" "$?" 0
says "--help has examples" "Examples:"
"$vmtap" doctor now 2>"$tmp/out"
is "an argument is bad usage" "$?" 64

"$vmtap" doctor >"$tmp/out"
status=$?
if grep -q '^Scenarios can run here' "$tmp/out"; then
	is "usable is status 0" "$status" 0
else
	is "not usable is status 69" "$status" 69
fi
says "it looked at KVM" "/dev/kvm: "
says "it looked at the cache" "cache folder: "

# No busybox on PATH, an empty cache.
PATH=/nonexistent XDG_CACHE_HOME=$tmp/cache "$vmtap" doctor >"$tmp/out"
is "without busybox nothing can run" "$?" 69
says "it is missing" "missing  static busybox: "
says "the remedy is told" "-> apt-get install busybox-static"
says "the cache's space is known before it is made" "$tmp/cache/vmtap, "
