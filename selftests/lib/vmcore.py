# SPDX-License-Identifier: GPL-2.0-only
"""What drgn finds in a core of a stock kernel, with kallsyms alone: no types,
so memory is read raw. Prints one fact per line; the argument is the core."""
import struct
import sys

import drgn
from drgn.helpers.linux.kallsyms import load_vmlinux_kallsyms

prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
try:
    index = load_vmlinux_kallsyms(prog)
except drgn.FaultError:
    # Linux 7.0 has no kallsyms_relative_base any more.
    if drgn.__version__.startswith("0.0."):
        print("drgn", drgn.__version__, "is too old for this kernel's kallsyms")
        sys.exit(77)
    raise
prog.register_symbol_finder("kallsyms", index, enable_index=0)


def word(address, fmt="<Q"):
    return struct.unpack(fmt, prog.read(address, struct.calcsize(fmt)))[0]


def symbol(*names):
    for name in names:
        try:
            return prog.symbol(name).address
        except LookupError:
            continue
    raise LookupError(names)


banner = prog.read(symbol("linux_banner"), 200).split(b"\0")[0].decode()
print("release", banner.split()[2])
cpu = word(symbol("panic_cpu"), "<i")
print("panic_cpu", cpu)
if cpu >= 0:
    offset = word(symbol("__per_cpu_offset") + 8 * cpu)
    # In pcpu_hot, where there is one, the task comes first.
    task = word(offset + symbol("const_current_task", "pcpu_hot", "current_task")
                & 0xffffffffffffffff)
    name = sys.argv[2].encode() + b"\0"
    print("task", sys.argv[2] if name in prog.read(task, 8192) else "other")
