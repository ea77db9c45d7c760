#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The core of a guest that died: when one is kept, and what our own reader,
# readelf and drgn find in it, for each kernel.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

kernels=(6.1 6.12 7.x)
plan 31
export XDG_STATE_HOME=$tmp/state
mkdir "$tmp/s"

scenario()
{
	cat > "$tmp/s/$1.yaml"
}

# panicker: a shell under that name. The other CPU is kept busy meanwhile.
scenario panic << 'END'
vm: {cpus: 2, memory: 256M}
guest:
  run: |
    echo 1 > /proc/sys/kernel/sysrq
    (while :; do :; done) &
    printf panicker > /proc/self/comm
    echo c > /proc/sysrq-trigger
END
scenario wanted << 'END'
expect: panic
guest: {run: "echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger"}
requires: {kernel: ">= 6.12"}
matrix: {kernel.release: ["6.12"]}
END
scenario plain-failure << 'END'
guest: {run: "exit 3"}
matrix: {kernel.release: ["6.12"]}
END
scenario hang << 'END'
vm: {cpus: 2, memory: 256M, timeout: 6s}
guest:
  run: |
    printf hanger > /proc/self/comm
    # One for each CPU, and more: some thread of the kernel's own may have one.
    for i in 1 2 3; do
        while :; do :; done &
    done
    while :; do :; done
matrix: {kernel.release: ["6.12"]}
END

cd "$tmp" || exit 1
within 1200 "$vmtap" run --jobs 1 "${kernels[@]/#/--kernel=}" --out kept s \
	> tap 2> err
is "all but the wanted panic fail" $? 1
block()
{
	awk -v want="$1" '/^(not )?ok / { on = index($0, want) } on' tap
}

for kernel in "${kernels[@]}"; do
	name="panic[kernel=$kernel]"
	core=kept/$name/vmcore
	told=$(block "$name")
	like "$kernel: the block names the core" "$told" \
		"vmcore: '[^']*/kept/panic.kernel=$kernel./vmcore'" ||
		diag "$(cat err)"
	like "$kernel: and how to open it" "$told" \
		'open_with:.*vmtap vmcore .*drgn -c .*crash --kaslr=0x[0-9a-f]+'
	like "$kernel: and what each CPU did" "$told" \
		'task: .?panicker\[[0-9]+\].*held_up: panicked.*backtrace:' ||
		diag "$(grep -A30 ' cpus:' <<< "$told")"
	within 120 "$vmtap" vmcore --log "$core" > ours 2>> err
	like "$kernel: our reader: what the CPUs ran" "$(grep ^cpu ours)" \
		'pid [0-9]+ panicker, at [a-z_0-9.]+\+0x' || diag "$(cat err)"
	like "$kernel: our reader: the log to its end" "$(tail -n 200 ours)" \
		'Kernel panic - not syncing: sysrq triggered crash'
	release=$(sed -n 's/^release: //p' ours)
	like "$kernel: our reader: the release" "$release" "^${kernel%.x}\."
	notes=$(readelf -nlW "$core" 2>> err | cut -c 1-80)
	is "$kernel: readelf: a note for each CPU" \
		"$(grep -c NT_PRSTATUS <<< "$notes")" 2
	is "$kernel: readelf: the image and two stretches of RAM come first" \
		"$(awk '$1 == "LOAD" && n++ < 3 { print substr($3, 1, 10), $4 == "0x0000000000000000" }' \
			<<< "$notes" | sort -u | wc -l)" 3
	within 120 "$top/selftests/lib/drgn" "$top/selftests/lib/vmcore.py" \
		"$core" panicker > theirs 2>> err
	case $? in
	77) skip "$kernel: drgn: release and panicking task" \
		"$(grep . theirs || echo "no drgn: make deps")" ;;
	*) is "$kernel: drgn: release and panicking task" \
		"$(grep -v panic_cpu theirs | xargs)" "release $release task panicker" ||
		diag "$(cat theirs; tail -n 5 err)" ;;
	esac
done

is "kept: only of what died" "$(ls -d kept/*/vmcore | wc -l)" 4
hung=$(within 120 "$vmtap" vmcore kept/hang*/vmcore | grep -m 1 'cpu .* hanger')
like "a hang: as it was when the time was up" "$hung" \
	'pid [0-9]+ hanger, (user mode at 0x|at [a-z_0-9.]+[+]0x)' ||
	diag "$(cat tap err)"
# In a loop it is never twice where it was; its tick may have interrupted it.
cpu=${hung#cpu } cpu=${cpu%%:*} place=${hung##* }
case $place in
0x*) same="regs.rip == $place" ;;
*) same="backtrace[0] == \"$place\"" ;;
esac
ok "of the same moment as its capture" within 60 "$vmtap" eval \
	kept/hang*/result.json "snapshots.failure.cpu[$cpu].$same"
