# SPDX-License-Identifier: GPL-2.0-only
"""Reports full of anything a guest may print, and what a reader of their TAP
must see. For the tests of this folder, one per consumer: each runs tapgen (the
real reporters) on the same seeded reports and compares what its consumer
decoded with what went in."""

import codecs
import fcntl
import json
import os
import random
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("VMTAP_BUILD", os.path.join(TOP, "build"))
TAPGEN = os.path.join(BUILD, "asan/selftests/consumers/tapgen")
SEED = int(os.environ.get("VMTAP_SEED", "20250101"))

KILLERS = ["reboot: System halted", "List of all partitions:",
           "Kernel panic - not syncing: VFS:"]
TOKENS = [t.encode() for t in KILLERS] + [
    b"ok 1", b"ok 1 - fake", b"not ok 2 - fake", b"1..5", b"1..0 # SKIP x",
    b"...", b"---", b"  ---", b"  ...", b"Bail out! now", b"TAP version 13",
    b"TAP version 14", b"KTAP version 1", b"# Subtest: x", b"pragma +strict",
    b"# SKIP", b"# TODO", b"#", b"\\#", b"\0", b"\x1b[31m", b"\r", b"\r\n",
    b"\t", b"\x07", b"\x7f", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80",
    b"\xc0\x80", b"\xf4\x90\x80\x80", "\u00e9".encode(), "\u2028".encode(),
    "\u202e".encode(), "\ufeff".encode(), "\u0085".encode(),
    "\u00a0".encode(), "\u3000".encode(), "\U0001f600".encode(), b"'", b"''",
    b'"', b'\\"', b"\\", b"\\\\", b"\\x41", b"\\n", b":", b": ", b" :", b"- ",
    b"-", b"key: value", b"key:", b"|", b">", b"{", b"}", b"{}", b"[]", b"[",
    b"]", b"&a", b"*a", b"!!x", b"%YAML 1.2", b"@", b"`", b"~", b"null",
    b"yes", b"No", b"on", b"12:30:45", b"1e3", b"0x1f", b"007", b"0o17",
    b".inf", b"=", b"<<", b"2001-01-01", b"]]>", b"&amp;", b"<", b"<1b>",
    b"<zz>", b"a", b"word", b" ", b"  ", b"x" * 50, b"not", b"ok", b"time=3ms",
    b"# time=12ms", b"index: 4", b"?", b"? a", b",", b"\xc2\xa0:", b"| ",
]


def hidden(data):
    """Bytes as report_encode() writes those that are no character."""
    return "".join(chr(0x10ff00 + byte) for byte in data)


codecs.register_error(
    "hidden", lambda e: (hidden(e.object[e.start:e.end]), e.end))
# What would be taken for such a byte, as UTF-8 and as text.
TAKEN = re.compile(rb"(\xf4\x8f[\xbc-\xbf][\x80-\xbf])")
HIDDEN = re.compile("([\U0010ff00-\U0010ffff]+)")


def escape(data):
    """Bytes as the JSON text that comes back as these bytes (value.h)."""
    return "".join(hidden(piece) if i % 2 else piece.decode("utf-8", "hidden")
                   for i, piece in enumerate(TAKEN.split(data)))


def unescape(text):
    return b"".join(bytes(ord(char) - 0x10ff00 for char in piece) if i % 2
                    else piece.encode("utf-8")
                    for i, piece in enumerate(HIDDEN.split(text)))


def unsee(shown):
    """The bytes behind visible text: <1b> is the byte 0x1b."""
    out = bytearray()
    for piece in re.split(r"(<[0-9a-f]{2}>)", shown):
        if re.fullmatch(r"<[0-9a-f]{2}>", piece):
            out.append(int(piece[1:3], 16))
        else:
            out += piece.encode("utf-8")
    return bytes(out)


class Gen:
    """Random reports; the same for the same seed."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def soup(self, most, newlines=True):
        pieces = []
        for _ in range(self.rnd.randrange(most + 1)):
            kind = self.rnd.randrange(10)
            if kind < 7:
                pieces.append(self.rnd.choice(TOKENS))
            elif kind < 8:
                pieces.append(bytes(self.rnd.randrange(256) for _ in range(5)))
            elif kind < 9:
                pieces.append(chr(self.rnd.choice(
                    [self.rnd.randrange(0x20, 0x250),
                     self.rnd.randrange(0x2000, 0x2100),
                     self.rnd.randrange(0xe000, 0x11000)])).encode())
            else:
                pieces.append(b"\n" if newlines else b" ")
        data = b"".join(pieces)
        if not newlines:
            data = data.replace(b"\n", b" ")
        return escape(data)

    def scalar(self):
        return self.rnd.choice([
            lambda: self.rnd.randrange(-100, 100), lambda: 2**53 - 1,
            lambda: 2**53, lambda: -2**53, lambda: 2**63 - 1,
            lambda: -2**63, lambda: True, lambda: False, lambda: None,
            lambda: 1.5, lambda: -0.25, lambda: 1e300, lambda: "",
            lambda: "0xffffffff81000000", lambda: self.soup(4),
            lambda: self.soup(4, False), lambda: self.soup(4, False),
        ])()

    def tree(self, depth=0):
        kind = self.rnd.randrange(6 if depth < 3 else 2)
        if kind < 3:
            return self.scalar()
        if kind < 4:
            return [self.tree(depth + 1)
                    for _ in range(self.rnd.randrange(4))]
        return {self.key(): self.tree(depth + 1)
                for _ in range(self.rnd.randrange(4))}

    def key(self):
        return self.rnd.choice(["a", "b1", "c_d", "e-f", "g.h", ".bss", "ok",
                                "okay", "not ok", "1..5", "x y", "'q'", "",
                                "at", "stack", "Ok", "yes", "No", "y",
                                "null", "key:", "#"])

    def report(self, index):
        outcome = self.rnd.choice(["pass", "fail", "skip", "xfail", "xpass",
                                   "timeout", "error"])
        report = {"name": self.soup(5, False).replace("\0", ""),
                  "index": index, "outcome": outcome,
                  "reason": self.rnd.choice(
                      [None, "", "plain", self.soup(4).replace("\0", "")]),
                  "block": {}, "result": None}
        if outcome == "skip":
            return report
        if outcome in ("fail", "timeout", "error"):
            report["block"] = {"message": "message " + self.soup(3, False),
                               "found": self.scalar(),
                               "wanted": self.scalar(),
                               "at": "f.yaml:%d:3" % index,
                               "checks": [self.tree(1), self.tree(1)],
                               "repro": "vmtap run " + self.soup(2, False)}
            report["block"]["message"] = \
                report["block"]["message"].replace("\0", "")
        report["result"] = {
            "success": outcome == "pass", "exit_code": index,
            "duration_ms": 1200 + index, "kvm": {"exits": 3, "other": 7},
            "stats": {"tree": self.tree(), "end": self.tree()},
            "snapshots": {"kept": "in files of their own"},
            "stderr": self.soup(8), "output": self.soup(12),
            "console": self.soup(12), "crash_message": None}
        return report

    def run(self, count):
        return [self.report(i + 1) for i in range(count)]


def special():
    """What chance would not make: long lines, many lines, big trees."""
    long_line = escape(b"A" + b"x\x1b'\"\\" * (2 << 20) + b"Z")
    lines = "".join("line %d\n" % i for i in range(200000))
    many = {"k%d" % i: i for i in range(20000)}
    deep = {}
    for _ in range(40):
        deep = {"d": [deep]}
    return [
        {"name": "long line", "index": 1, "outcome": "fail", "reason": None,
         "block": {"message": long_line, "repro": "vmtap run x"},
         "result": {"output": long_line, "console": long_line,
                    "stderr": long_line}},
        {"name": "many lines", "index": 2, "outcome": "fail", "reason": lines,
         "block": {"repro": "vmtap run x"},
         "result": {"output": lines, "console": lines, "stderr": lines}},
        {"name": "big tree", "index": 3, "outcome": "fail", "reason": None,
         "block": {"repro": "vmtap run x"},
         "result": {"stats": many, "output": "still here\n"}},
        {"name": "n" * 100000, "index": 4, "outcome": "pass", "reason": None,
         "block": {}, "result": {"output": "x"}},
        {"name": "empty", "index": 5, "outcome": "pass", "reason": None,
         "block": {}, "result": {"output": "", "stats": {}, "stderr": "\n"}},
        {"name": "list only", "index": 6, "outcome": "fail", "reason": "",
         "block": {"checks": [[], {}, [None], [[[]]], {"a": None}]},
         "result": {}},
        {"name": "deep tree", "index": 7, "outcome": "fail", "reason": None,
         "block": {"repro": "vmtap run x"}, "result": {"stats": {"deep": deep}}},
    ]


def tapgen(reports, *args):
    text = "".join(json.dumps(r) + "\n" for r in reports)
    # Lone surrogates never occur; all else is as report_encode() writes it.
    done = subprocess.run([TAPGEN, *args], input=text.encode("utf-8"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.stderr:
        raise RuntimeError("tapgen: " + done.stderr.decode("utf-8", "replace"))
    return done.stdout, done.returncode


def is_ok(report):
    return report["outcome"] in ("pass", "skip", "xfail", "xpass")


def counts(reports):
    """passed, failed, skipped as every consumer has to count them."""
    skipped = sum(r["outcome"] == "skip" for r in reports)
    passed = sum(is_ok(r) for r in reports) - skipped
    return passed, len(reports) - passed - skipped, skipped


LINE = re.compile(rb"^(ok|not ok) (\d+) - (.*?)"
                  rb"( # (?:SKIP|XFAIL|XPASS|TIMEOUT|ERROR) .*| # time=\d+ms)?$",
                  re.M)


def names(tap):
    """The names on the test lines, without directives."""
    return [m.group(3).decode("ascii") for m in LINE.finditer(tap)]


def bare(name):
    """A name as consumers give it that keep directives they do not know."""
    return re.sub(r" # (XFAIL|XPASS|TIMEOUT|ERROR) .*| # time=\d+ms$", "", name)


def key_of(key):
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", key)
    if not re.match(r"[A-Za-z]", key) or re.match(
            r"(?i)ok|(y|n|yes|no|on|off|true|false|null|nan|inf)$", key):
        return "k_" + safe
    return safe


def is_empty(value):
    """Nothing that would be printed."""
    return value is None or (isinstance(value, dict) and value and
                             all(is_empty(v) for v in value.values()))


class Mismatch(Exception):
    pass


class Tree:
    """Compares a decoded block with what went in. loose: the consumer knows
    only strings (Perl)."""

    def __init__(self, loose=False):
        self.loose = loose

    def check(self, path, wanted, seen):
        if isinstance(wanted, bool):
            self.same(path, "true" if wanted else "false",
                      str(seen).lower() if self.loose or
                      isinstance(seen, bool) else seen)
        elif isinstance(wanted, int):
            self.integer(path, wanted, seen)
        elif isinstance(wanted, float):
            self.real(path, wanted, seen)
        elif isinstance(wanted, str):
            self.string(path, wanted, seen)
        elif isinstance(wanted, list):
            self.items(path, wanted, seen)
        elif isinstance(wanted, dict):
            self.entries(path, wanted, seen)
        else:
            self.same(path, None, seen)

    @staticmethod
    def same(path, wanted, seen):
        if wanted != seen:
            raise Mismatch("%s: wanted %r, seen %r" % (path, wanted, seen))

    def integer(self, path, wanted, seen):
        if wanted >= 2**53:
            self.same(path, "0x%x" % wanted, seen)
        elif wanted <= -2**53:
            self.same(path, str(wanted), seen)
        else:
            self.same(path, str(wanted) if self.loose else wanted, seen)

    def real(self, path, wanted, seen):
        if not self.loose and abs(wanted) < 1e15 and \
                not isinstance(seen, (int, float)):
            raise Mismatch("%s: %r is no number" % (path, seen))
        self.same(path, wanted, float(seen))

    def string(self, path, wanted, seen):
        data = unescape(wanted)
        if b"\n" in data:
            self.text(path, data, seen)
        elif not isinstance(seen, str):
            raise Mismatch("%s: wanted a string, seen %r" % (path, seen))
        else:
            self.same(path, data, unsee(seen))

    def text(self, path, data, seen):
        if not isinstance(seen, list) or \
                not all(isinstance(s, str) for s in seen):
            raise Mismatch("%s: wanted lines, seen %r" % (path, seen))
        lines = data[:-1].split(b"\n") if data.endswith(b"\n") \
            else data.split(b"\n")
        for shown, line in zip(seen, lines):
            if not shown.startswith("| "):
                raise Mismatch("%s: no bar before %r" % (path, shown))
            self.same(path, line, unsee(shown[2:]))
        self.same(path, len(lines), len(seen))

    def items(self, path, wanted, seen):
        if not isinstance(seen, list):
            raise Mismatch("%s: wanted a list, seen %r" % (path, seen))
        self.same(path, len(wanted), len(seen))
        for i, (w, s) in enumerate(zip(wanted, seen)):
            where = "%s[%d]" % (path, i)
            if isinstance(w, dict) and is_empty(w):
                w = {}
            if isinstance(w, str):  # one line, whatever it holds
                self.same(where, unescape(w), unsee(s))
            else:
                self.check(where, w, s)

    def entries(self, path, wanted, seen):
        if not isinstance(seen, dict):
            raise Mismatch("%s: wanted a map, seen %r" % (path, seen))
        # Two keys may become one: then the last one stands.
        plain = {key_of(k): v for k, v in wanted.items() if not is_empty(v)}
        self.same(path, sorted(plain), sorted(seen))
        for key, value in plain.items():
            self.check("%s.%s" % (path, key), value, seen[key])

    def point(self, report, seen):
        """A whole block; what only failing points show counts there."""
        where = report["name"]
        seen = dict(seen or {})
        failing = not is_ok(report)
        result = report["result"] or {}
        for key in ("output", "stderr", "console"):
            data = result.get(key)
            if not data or (key == "console" and not failing):
                if key in seen:
                    raise Mismatch("%s: %s is there" % (where, key))
                continue
            self.text("%s.%s" % (where, key), unescape(data), seen.get(key))
        stats = result.get("stats")
        if failing and stats and not is_empty(stats):
            self.check(where + ".stats", stats, seen.get("stats"))
        if "snapshots" in seen:
            raise Mismatch(where + ": snapshots is there")
        for key, value in report["block"].items():
            if not is_empty(value):
                self.check("%s.%s" % (where, key), value, seen.get(key))
        if result.get("kvm"):
            self.check(where + ".kvm", {"exits": 3}, seen.get("kvm"))


def read_all(tap, reports, blocks, loose=False):
    """All points of a consumer that decodes blocks."""
    tree = Tree(loose)
    for report, seen in zip(reports, blocks):
        tree.point(report, seen)


class Points:
    """Test points on stdout."""

    def __init__(self, count):
        self.n = 0
        print("TAP version 13\n1..%d" % count, flush=True)

    def run(self, name, func, *args):
        self.n += 1
        try:
            func(*args)
            print("ok %d - %s" % (self.n, name), flush=True)
        except Exception as error:  # pylint: disable=broad-except
            print("not ok %d - %s" % (self.n, name))
            for line in ("%s: %s" % (type(error).__name__, error)) \
                    .splitlines()[:40]:
                print("# " + line[:2000].encode("ascii", "backslashreplace")
                      .decode())
            sys.stdout.flush()

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why), flush=True)


def equal(what, wanted, seen):
    if wanted != seen:
        raise Mismatch("%s: wanted %r, seen %r" % (what, wanted, seen))


def skip_all(why):
    print("TAP version 13\n1..0 # SKIP " + why)
    sys.exit(0)


def need_tapgen():
    if not os.access(TAPGEN, os.X_OK):
        skip_all("tapgen is not built: make check builds it")


NPM = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund",
       "--ignore-scripts", "--loglevel=error", "--fetch-retries=1",
       "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000",
       "--fetch-timeout=15000"]
NPM_LIMIT = 90		# seconds, for all of it
NPM_AGAIN = 600		# a failure is not tried again for so long


def npm_install(where):
    """Why it could not be done; None: it was."""
    try:
        done = subprocess.run(NPM, cwd=where, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False, timeout=NPM_LIMIT)
    except OSError as error:
        return "npm cannot be started: %s" % error.strerror
    except subprocess.TimeoutExpired:
        return "npm install took more than %d s" % NPM_LIMIT
    if not done.returncode:
        return None
    lines = [re.sub("^npm (ERR!|error) ?", "", line)
             for line in done.stderr.decode("utf-8", "replace").splitlines()]
    return "npm install: %s" % next(
        (line for line in lines if line and not re.match("(code|errno|syscall) ", line)),
        "status %d" % done.returncode)


def npm_missing():
    """Why there are no consumers from npm; "": there are. Installs them below
    the build, once; one that failed is not tried again at once."""
    where = os.path.join(BUILD, "consumers")
    with open(os.path.join(HERE, "package.json"), encoding="utf-8") as file:
        wanted = file.read()
    have = os.path.join(where, "package.json")
    failed = os.path.join(where, "failed")
    os.makedirs(where, exist_ok=True)
    with open(os.path.join(where, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(failed):
            if time.time() - os.path.getmtime(failed) < NPM_AGAIN:
                with open(failed, encoding="utf-8") as file:
                    return file.read()
            os.unlink(failed)
        elif os.path.exists(have):
            with open(have, encoding="utf-8") as file:
                if file.read() == wanted:
                    return ""
        with open(have, "w", encoding="utf-8") as file:
            file.write(wanted)
        why = npm_install(where)
        if why:
            os.unlink(have)
            with open(failed, "w", encoding="utf-8") as file:
                file.write(why)
        return why or ""


def npm_bin(name):
    """The path of a consumer from npm; None: npm_missing() says why."""
    path = os.path.join(BUILD, "consumers/node_modules/.bin", name)
    return path if not npm_missing() and os.path.exists(path) else None
