# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: QEMU microvm to compare with, a nested host to do
it in, and KVM's own counts."""
import glob
import os
import re
import subprocess

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEBUGFS = '/sys/kernel/debug'
KVM_EXIT = DEBUGFS + '/tracing/events/kvm/kvm_exit/'
# By the event's `isa`: VMX's basic exit reasons, SVM's exit codes.
REASONS = {
    1: {1: 'interrupt', 7: 'window', 10: 'cpuid', 12: 'hlt', 30: 'io', 31: 'msr',
        32: 'msr', 40: 'pause', 48: 'ept', 49: 'ept', 52: 'timer'},
    2: {0x60: 'interrupt', 0x64: 'window', 0x72: 'cpuid', 0x77: 'pause', 0x78: 'hlt',
        0x7b: 'io', 0x7c: 'msr', 0x400: 'npf'},
}


def guestroot(work, name, scenario, kernel):
    """The scenario, its initramfs and a link to its kernel, as files in WORK."""
    program = 'build/plain/tools/bench/guestroot'
    subprocess.run(['make', '-s', program], cwd=top, check=True)
    base = '%s/%s' % (work, name)
    with open(base + '.yaml', 'w') as f:
        f.write(scenario)
    out = subprocess.run([top + '/' + program, base + '.yaml', kernel, base + '.cpio'],
                         check=True, stdout=subprocess.PIPE, text=True)
    if not os.path.lexists(base + '.image'):
        os.symlink(out.stdout.strip(), base + '.image')


def qemu(memory):
    """The command's beginning and its environment: an installed QEMU, or the
    one that tools/deps.sh unpacked."""
    cache = os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
    deps = cache + '/vmtap/deps/qemu'
    env = dict(os.environ)
    program, data = 'qemu-system-x86_64', []
    if os.path.isdir(deps):
        program = deps + '/usr/bin/' + program
        lib = 'lib/x86_64-linux-gnu'
        env['LD_LIBRARY_PATH'] = '%s/usr/%s:%s/%s' % (deps, lib, deps, lib)
        data = ['-L', deps + '/usr/share/qemu', '-L', deps + '/usr/share/seabios']
    return [program] + data + [
        '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
        '-M', 'microvm,accel=kvm', '-cpu', 'host', '-smp', '1', '-m', memory], env


def host_with_debugfs():
    """Mount what the counts are read from, and name the kernel that counts."""
    if not os.path.isdir(DEBUGFS + '/kvm'):
        subprocess.run(['mount', '-t', 'debugfs', 'debugfs', DEBUGFS], check=True)
    with open('/proc/version') as f:
        return f.read().split(' (')[0]


def kvm_counts(pid='*'):
    """KVM's counts by name, of one program's VMs or of all there are."""
    counts = {}
    for path in glob.glob('%s/kvm/%s-*/*' % (DEBUGFS, pid)):
        try:
            with open(path) as f:
                text = f.read().strip()
        except (IsADirectoryError, FileNotFoundError):
            continue
        if text.isdigit():
            name = os.path.basename(path)
            counts[name] = counts.get(name, 0) + int(text)
    return counts


def count_reasons():
    """From now on KVM's exits are counted by their reason, where the host can."""
    if os.path.exists(KVM_EXIT + 'trigger'):
        with open(KVM_EXIT + 'trigger', 'w') as f:
            f.write('hist:keys=isa,exit_reason\n')


def reasons():
    """Exits of all VMs so far, by name."""
    counts = {}
    if os.path.exists(KVM_EXIT + 'hist'):
        with open(KVM_EXIT + 'hist') as f:
            text = f.read()
        for isa, code, n in re.findall(
                r'isa: +(\d+), exit_reason: +(\d+) *} hitcount: +(\d+)', text):
            name = 'by ' + REASONS[int(isa)].get(int(code), 'other')
            counts[name] = counts.get(name, 0) + int(n)
    return counts
