#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A case under a real gdb, on loopback: from the first instruction to the end.
# shellcheck source=../lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

command -v gdb > /dev/null || skip_all "no gdb: make deps"
plan 20
cd "$tmp" || exit 1

declare -A at
while read -r addr _ name; do
	case $name in
	linux_banner | kernel_init | panic_timeout) at[$name]=0x$addr ;;
	esac
done < <("$vmtap" kernel symbols 6.12)
like "symbols come from the image alone" "${at[kernel_init]}" '^0xffffffff8'

cat > case.yaml << 'END'
kernel: {cmdline: pti=on}
vm: {cpus: 2, memory: 256M}
guest:
  files: [{src: "${VMTAP_PAYLOADS}/clockgap", dst: /bin/clockgap}]
  run: |
    clockgap 4 gap > /tmp/gap &
    sleep 1
    echo 9 > /proc/sys/kernel/panic
    wait
    cat /tmp/gap
    echo went on
    exit 7
END
cat > script << END
set pagination off
set confirm off
# A step takes a slow host longer than the two seconds that gdb waits.
set remotetimeout 60
set architecture i386:x86-64
target remote 127.0.0.1:PORT
info threads
printf "start %d\n", \$rip < 0x10000000
stepi
hbreak *${at[kernel_init]}
continue
printf "at %lx %d\n", \$rip, \$cs & 3
x/s ${at[linux_banner]}
info registers rip cr3 efer
delete
set \$before = \$rip
stepi
printf "moved %d\n", \$rip > \$before && \$rip < \$before + 16
set \$saved = \$rbx
set \$rbx = 0x1234
printf "rbx %x\n", \$rbx
set \$rbx = \$saved
set *(char *)${at[linux_banner]} = 'l'
printf "byte %c\n", *(char *)${at[linux_banner]}
END
# An error ends a script.
cat > script2 << END
watch *(int *)${at[panic_timeout]}
continue
printf "timeout %d\n", *(int *)${at[panic_timeout]}
info threads
# One is in a program, whose page tables lack the kernel.
thread apply all printf "sees %c\n", *(char *)${at[linux_banner]}
thread apply all printf "mode %d\n", \$cs & 3
delete
# A program that reads its clock in a loop stands in the midst of that.
shell sleep 8
continue
END

# Without a gdb it waits for one, so nobody may wait for it without a bound.
timeout --kill-after=10 900 "$vmtap" debug --kernel 6.12 case.yaml \
	> out 2> err < /dev/null &
pid=$!
at_end "kill $pid 2> /dev/null"
port=
for ((i = 0; i < 1500; i++)); do
	port=$(sed -n 's/.*target remote 127.0.0.1:\([0-9]*\)$/\1/p' err)
	[ -z "$port" ] || break
	kill -0 "$pid" 2> /dev/null || break
	sleep 0.2
done
if ! like "it listens on a port of loopback" "$port" '^[0-9]+$'; then
	diag "no port within 300 s, or it ended before: $(cat err)"
	exit 1
fi
sed -i "s/PORT/$port/" script
within 480 gdb -nx -batch -x script -ex "x/xb 0" -x script2 > gdb.out 2>&1
is "gdb comes to its script's end" $? 0 || diag "$(tail -n 20 gdb.out)"
out=$(cat gdb.out)
# A gdb that is gone ends the guest.
for ((i = 0; i < 300; i++)); do
	kill -0 "$pid" 2> /dev/null || break
	sleep 0.2
done
kill "$pid" 2> /dev/null
wait "$pid"
is "it ends with the guest" $? 0 || diag "$(cat err)"

like "nothing had run before gdb came" "$out" $'\nstart 1\n' || diag "$out"
like "a thread for each CPU" "$out" 'Thread 1 \(CPU 0.*Thread 2 \(CPU 1, not started\)'
like "a breakpoint in the kernel" "$out" "at ${at[kernel_init]#0x} 0" || diag "$out"
like "memory by virtual address" "$out" '"Linux version 6\.12'
like "registers, control registers too" "$out" $'\nrip +0xffffffff8.*\ncr3 +0x.*\nefer +0x'
like "a step" "$out" $'\nmoved 1\n'
like "a register is set" "$out" $'\nrbx 1234\n'
like "memory is set" "$out" $'\nbyte l\n'
like "what is not mapped is told" "$out" 'Cannot access memory at address 0x0'
like "a watchpoint on a variable" "$out" 'New value = 9' || diag "$out"
like "which has its new value" "$out" $'\ntimeout 9\n'
like "both CPUs are up" "${out##*New value}" 'CPU 0.*CPU 1, (kernel|user)'
is "each CPU's view of the kernel's memory" "$(grep -c '^sees l' gdb.out)" 2 ||
	diag "$out"
like "gdb is told of the end" "$out" 'Remote target\) exited normally'
like "the guest's words and its exit code" "$(cat err)" $'went on\n.*exit code 7'
# 8 s that a program in the guest did not see. It may have had to wait for a CPU
# of a busy host, but they would be one gap.
gap=$(sed -n 's/^gap_max_ns=\([0-9]*\) .*_backward=0$/\1/p' err)
ok "the guest's clock stood with its CPUs" test "${gap:-9999999999}" -lt 7500000000 ||
	diag "$(grep gap err)"
diag "of 8 s at a stop the guest saw $((${gap:-0} / 1000000)) ms"
