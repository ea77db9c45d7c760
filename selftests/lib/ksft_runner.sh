#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kselftest in front of vmtap. Installed as THEME.sh it runs the scenarios
# of that folder; as ksft_runner.sh it runs the file that kselftest's runner
# hands it, in this directory or in another collection's.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
me=$(basename "$0" .sh)

for vmtap in "$here/vmtap" "$here/../vmtap/vmtap" "$(command -v vmtap)"; do
	[ ! -f "$vmtap" ] || [ ! -x "$vmtap" ] || break
done
if [ ! -x "$vmtap" ]; then
	echo "TAP version 13"
	echo "1..0 # SKIP vmtap is not there"
	exit 4
fi
[ "$me" = ksft_runner ] || set -- "$@" "$here/scenarios/$me"
exec "$vmtap" run --format ktap "$@"
