#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""tap-parser reads any bytes as they went in; tap-junit, tap-mocha-reporter
and tap-xunit count and name the same and do not crash."""
import json
import re
import subprocess
import xml.etree.ElementTree as ET

import consumers as c

c.need_tapgen()
BINS = {name: c.npm_bin(name) for name in
        ("tap-parser", "tap-junit", "tap-mocha-reporter", "tap-xunit")}
if not all(BINS.values()):
    c.skip_all(c.npm_missing() or "npm did not install " + ", ".join(
        n for n, b in BINS.items() if not b))


def run(name, tap, *args):
    done = subprocess.run([BINS[name], *args], input=tap,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=120)
    if done.stderr.strip():
        raise c.Mismatch(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8")


def parser(reports, blocks=True):
    tap, _ = c.tapgen(reports)
    events = json.loads(run("tap-parser", tap, "-j", "0"))
    seen = [e[1] for e in events if e[0] == "assert"]
    final = [e[1] for e in events if e[0] == "complete"][0]
    c.equal("what is no TAP", [], [e for e in events if e[0] == "extra"])
    c.equal("failures of the parser", [], [
        f for f in final["failures"] if f.get("tapError")])
    c.equal("ok", [c.is_ok(r) for r in reports], [p["ok"] for p in seen])
    c.equal("skip", [r["outcome"] == "skip" for r in reports],
            [bool(p["skip"]) for p in seen])
    c.equal("names", c.names(tap), [c.bare(p["name"]) for p in seen])
    c.equal("time", [(r["result"] or {}).get("duration_ms") for r in reports],
            [p.get("time") for p in seen])
    if blocks:
        c.read_all(tap, reports, [p.get("diag") for p in seen])


def junit(reports):
    tap, _ = c.tapgen(reports)
    root = ET.fromstring(run("tap-junit", tap).strip())
    cases = root.findall(".//testcase")
    c.equal("counts", c.counts(reports),
            (sum(not len(case) for case in cases),
             len(root.findall(".//failure")), len(root.findall(".//skipped"))))
    c.equal("names", c.names(tap), [c.bare(case.get("name"))
                                    for case in cases])


def xunit(reports):
    tap, _ = c.tapgen(reports)
    root = ET.fromstring(run("tap-xunit", tap).strip())
    suite = root.find("testsuite")
    c.equal("counts", (len(reports),) + c.counts(reports)[1:],
            tuple(int(suite.get(k)) for k in ("tests", "failures", "skipped")))


def mocha(reports, reporter):
    tap, _ = c.tapgen(reports)
    out = run("tap-mocha-reporter", tap, reporter)
    passed, failed, skipped = c.counts(reports)
    if reporter == "json":
        stats = json.loads(out)["stats"]
        c.equal("counts", (passed, failed, skipped),
                (stats["passes"], stats["failures"], stats["pending"]))
    elif failed and not re.search(r"%d failing" % failed, out):
        raise c.Mismatch(out)


points = c.Points(20)
for i in range(8):
    points.run("tap-parser, random reports %d" % i, parser,
               c.Gen(c.SEED + i).run(90))
points.run("tap-parser, long ones", parser, c.special(), False)
for i in range(3):
    reports = c.Gen(c.SEED + 50 + i).run(30)
    points.run("tap-junit %d" % i, junit, reports)
    points.run("tap-mocha-reporter json %d" % i, mocha, reports, "json")
    points.run("tap-xunit %d" % i, xunit, reports)
points.run("tap-mocha-reporter spec", mocha, c.Gen(c.SEED).run(30), "spec")
points.run("tap-junit, long ones", junit, c.special())
