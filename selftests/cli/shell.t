#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# vmtap shell, as far as it goes without a boot.
import os
import subprocess
import sys
import tempfile

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
VMTAP = os.environ.get('VMTAP', os.path.join(TOP, 'vmtap'))
count = 0


def result(good, name, why=''):
    global count
    count += 1
    print(f'{"ok" if good else "not ok"} {count} - {name}', flush=True)
    for line in ([] if good else str(why).splitlines()):
        print('# ' + line, flush=True)
    return good


print('TAP version 13\n1..4', flush=True)

s = subprocess.run([VMTAP, 'shell', '--help'], capture_output=True, text=True)
result(s.returncode == 0 and 'Examples:' in s.stdout and not s.stderr,
       '--help goes to stdout, with examples', s)
s = subprocess.run([VMTAP, 'shell', '--no-such'], capture_output=True, text=True)
result(s.returncode == 64, 'an unknown option is bad usage', s)
with tempfile.TemporaryDirectory(prefix='vmtap-test.') as tmp:
    path = os.path.join(tmp, 'two.yaml')
    with open(path, 'w') as f:
        f.write('matrix: {vm.cpus: [1, 2]}\nguest: {run: "true"}\n')
    s = subprocess.run([VMTAP, 'shell', path], capture_output=True, text=True)
    result(s.returncode == 64 and 'choose one with --filter' in s.stderr,
           'several cases are no choice', s)
s = subprocess.run([VMTAP, 'shell', '-k', '99.98'], capture_output=True, text=True,
                   stdin=subprocess.DEVNULL)
result(s.returncode in (69, 70) and '99.98' in s.stderr,
       'a kernel that is not there is told', s)
sys.exit(0)
