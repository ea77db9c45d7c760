#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# vmtap shell in a real VM on a terminal of its own: what is typed, what is shown, how it is
# left, and that the terminal is as it was after any death.
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
VMTAP = os.environ.get('VMTAP', os.path.join(TOP, 'vmtap'))
# All that is waited for comes at once, but on a machine that is busy.
BOOT = 300	# seconds until there is a prompt
END = 60	# seconds from the order to leave to the end
RAW = termios.ICANON | termios.ECHO | termios.ISIG
count = 0


def result(good, name, why=''):
    global count
    count += 1
    print(f'{"ok" if good else "not ok"} {count} - {name}', flush=True)
    for line in ([] if good else str(why).splitlines()):
        print('# ' + line, flush=True)
    return good


class Session:
    """vmtap shell as the leader of its own session on a new terminal."""
    def __init__(self, *args):
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (33, 111)) if hasattr(
            termios, 'tcsetwinsize') else self.resize(33, 111)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b''
        self.process = subprocess.Popen(
            [VMTAP, 'shell', *args], stdin=self.slave, stdout=self.slave,
            stderr=self.slave, start_new_session=True,
            env={**os.environ, 'TERM': 'vt100'})

    def resize(self, rows, cols):
        import fcntl
        import struct
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', rows, cols, 0, 0))

    def expect(self, text, seconds):
        end = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536)
            elif self.process.poll() is not None:
                break
        return text in self.seen

    def expect_prompt(self, seconds):
        """A prompt after all that was seen so far."""
        at, self.seen = self.seen, b''
        found = self.expect(b'vmtap:/', seconds)
        self.seen = at + self.seen
        return found

    def type(self, data):
        os.write(self.master, data)

    def flags(self):
        return termios.tcgetattr(self.slave)[3] & RAW

    def wait_raw(self):
        end = time.monotonic() + BOOT
        while self.flags() and time.monotonic() < end:
            time.sleep(0.02)
        return not self.flags()

    def ended(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def restored(self):
        # After a SIGKILL another process does it.
        end = time.monotonic() + END
        while time.monotonic() < end:
            if termios.tcgetattr(self.slave) == self.before:
                return True
            time.sleep(0.02)
        return False


print('TAP version 13\n1..18', flush=True)

# The terminal after deaths while the machine comes up.
for sig, wanted in ((signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGHUP, -1)):
    s = Session()
    result(s.wait_raw(), f'{sig.name}: the terminal was raw', s.seen)
    s.process.send_signal(sig)
    result(s.ended(END) == wanted, f'{sig.name}: ends it', s.process.returncode)
    result(s.restored(), f'{sig.name}: the terminal is as it was',
           termios.tcgetattr(s.slave))

s = Session()
s.wait_raw()
booted = s.expect(b'vmtap:/', BOOT)
s.type(b'echo $((6*7))-$TERM-$(stty size | tr " " x)\r')
result(booted and s.expect(b'42-vt100-33x111', BOOT),
       'a command, its output, the terminal and its size', s.seen)
s.resize(40, 99)
os.kill(s.process.pid, signal.SIGWINCH)
s.type(b'stty size | tr " " x\r')
result(s.expect(b'40x99', BOOT), 'a change of the size', s.seen)
# Ctrl-C is the guest's, once a command has the terminal there: what is typed
# before that is for the line editor.
s.type(b'echo begun-$((1+1)); sleep 1000; echo not-this\r')
s.expect(b'begun-2', BOOT)
s.type(b'\x03')
alive = s.expect_prompt(BOOT)
s.type(b'echo alive-$((40+2))\r')
result(alive and s.expect(b'alive-42', BOOT) and b'\nnot-this' not in s.seen,
       'Ctrl-C ends a command in the guest', s.seen)
result(s.process.poll() is None, 'and not vmtap')
begun = time.monotonic()
s.type(b'\x01x')
status = s.ended(END)
result(status == 0, 'Ctrl-A x leaves', f'{status}: {s.seen!r}')
result(s.restored(), 'the terminal is as it was', termios.tcgetattr(s.slave))
result(s.seen.count(b'booting') == 1, 'it told what it boots', s.seen)

# Input that is no terminal; the guest shell's status.
s = subprocess.run([VMTAP, 'shell'], input=b'echo got-$((6*7))\nexit 7\n',
                   capture_output=True, timeout=2 * BOOT)
result(s.returncode == 7, "the guest shell's status is the exit status", s)
result(s.stdout == b'got-42\r\n', 'a script on stdin is run, nothing else said', s)
sys.exit(0)
