#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's kunit.py parser counts and names the same, in both formats."""
import os
import sys

import consumers as c

KUNIT = os.environ.get("VMTAP_KUNIT", os.path.join(
    c.BUILD, "linux-source/tools/testing/kunit"))
if not os.path.exists(os.path.join(KUNIT, "kunit_parser.py")):
    c.skip_all("no tools/testing/kunit: make deps unpacks it")
sys.path.insert(0, KUNIT)
sys.dont_write_bytecode = True
import kunit_parser  # noqa: E402  pylint: disable=wrong-import-position
import kunit_printer  # noqa: E402  pylint: disable=wrong-import-position


def parse(tap):
    printer = kunit_printer.stdout
    printer._output = open(os.devnull, "w", encoding="utf-8")  # pylint: disable=protected-access
    lines = tap.decode("utf-8").split("\n")
    return kunit_parser.parse_run_tests(lines)


def parse_quietly(tap):
    """Whatever this kernel's parser prints is not ours to show."""
    out = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    os.dup2(null, 1)
    try:
        return parse(tap)
    finally:
        sys.stdout.flush()
        os.dup2(out, 1)
        os.close(out)
        os.close(null)


def check(reports, *args):
    tap, _ = c.tapgen(reports, *args)
    test = parse_quietly(tap)
    seen = test.subtests
    status = kunit_parser.TestStatus
    c.equal("errors", 0, test.counts.errors)
    c.equal("names", c.names(tap), [s.name.strip() for s in seen])
    c.equal("outcomes",
            [status.SKIPPED if r["outcome"] == "skip" else
             status.SUCCESS if c.is_ok(r) else status.FAILURE
             for r in reports], [s.status for s in seen])
    c.equal("counts", c.counts(reports), (test.counts.passed,
            test.counts.failed + test.counts.crashed, test.counts.skipped))


def nested():
    """kselftests of the guest are subtests in KTAP."""
    subs = [{"name": "a:b # c", "outcome": "pass", "duration_ms": 3},
            {"name": "d", "outcome": "fail"},
            {"name": "e", "outcome": "skip", "reason": "no # x\nok 1 y"},
            {"name": "f", "outcome": "xfail", "reason": "known"},
            {"name": "g", "outcome": "timeout", "reason": "45s"}]
    report = c.Gen(c.SEED).report(1)
    report.update(outcome="fail", name="suite", block={},
                  result={"subtests": subs, "output": "ok 1 - no\n"})
    tap, _ = c.tapgen([report], "--ktap")
    test = parse_quietly(tap)
    status = kunit_parser.TestStatus
    c.equal("errors", 0, test.counts.errors)
    c.equal("suite", ["suite"], [s.name for s in test.subtests])
    c.equal("subtests", [("a:b _ c", status.SUCCESS), ("d", status.FAILURE),
                         ("e", status.SKIPPED), ("f", status.SUCCESS),
                         ("g", status.FAILURE)],
            [(s.name.strip(), s.status) for s in test.subtests[0].subtests])


def level():
    """Below another test's TAP the version line is left out."""
    os.environ["KSFT_TAP_LEVEL"] = "1"
    tap, _ = c.tapgen(c.Gen(c.SEED).run(2), "--ktap")
    del os.environ["KSFT_TAP_LEVEL"]
    c.equal("first line", b"1..2", tap.split(b"\n")[0])


def all_skipped():
    reports = [dict(c.Gen(c.SEED).report(i), outcome="skip", result=None,
                    block={}) for i in (1, 2)]
    c.equal("ktap", 4, c.tapgen(reports, "--ktap")[1])
    c.equal("tap13", 0, c.tapgen(reports)[1])


c.need_tapgen()
points = c.Points(15)
for i in range(5):
    points.run("TAP 13, random reports %d" % i, check,
               c.Gen(c.SEED + i).run(90))
    points.run("KTAP, random reports %d" % i, check,
               c.Gen(c.SEED + i).run(90), "--ktap")
points.run("TAP 13, long ones", check, c.special())
points.run("KTAP, long ones", check, c.special(), "--ktap")
points.run("nested subtests", nested)
points.run("no version line below another test", level)
points.run("exit status when all was skipped", all_skipped)
