# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: QEMU microvm to compare with, a nested host to do
it in, and KVM's own counts."""
import glob
import os
import subprocess

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEBUGFS = '/sys/kernel/debug'


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
