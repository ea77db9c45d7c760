#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""prove's parser and its YAMLish read any bytes as they went in."""
import json
import os
import subprocess
import tempfile

import consumers as c


def read(tap):
    done = subprocess.run(["perl", os.path.join(c.HERE, "read-tap.pl")],
                          input=tap, stdout=subprocess.PIPE, check=True)
    seen = json.loads(done.stdout)
    c.equal("parse errors", [], seen["errors"])
    return seen


def strings(value):
    """Perl has no numbers of its own; JSON::PP may tell one as such."""
    if isinstance(value, dict):
        return {k: strings(v) for k, v in value.items()}
    if isinstance(value, list):
        return [strings(v) for v in value]
    return value if value is None else str(value)


def check(reports, blocks=True):
    tap, _ = c.tapgen(reports)
    seen = read(tap)
    points = seen["points"]
    c.equal("points", len(reports), len(points))
    c.equal("ok", [c.is_ok(r) for r in reports], [p["ok"] for p in points])
    c.equal("skip", [r["outcome"] == "skip" for r in reports],
            [bool(p["skip"]) for p in points])
    c.equal("names", c.names(tap),
            [c.bare(p["name"][2:]).strip() for p in points])
    if blocks:
        c.read_all(tap, reports, [strings(p.get("block")) for p in points],
                   True)


def prove(reports):
    tap, _ = c.tapgen(reports)
    with tempfile.NamedTemporaryFile(suffix=".tap") as file:
        file.write(tap)
        file.flush()
        done = subprocess.run(["prove", "--norc", "--exec", "cat", file.name],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
    bad = c.counts(reports)[1]
    wanted = b"Failed %d/%d subtests" % (bad, len(reports))
    if bad and wanted not in done.stdout:
        raise c.Mismatch(done.stdout.decode("utf-8", "replace"))
    if b"Parse errors" in done.stdout:
        raise c.Mismatch(done.stdout.decode("utf-8", "replace"))


def bail_out():
    reports = c.Gen(c.SEED).run(3)
    tap, _ = c.tapgen(reports, "--bail-out", "SIGINT # \x01\nok 9 - x")
    seen = read(tap)
    c.equal("reason", "SIGINT _ <01><0a>ok 9 - x", seen["bail"])
    c.equal("points", 3, len(seen["points"]))


c.need_tapgen()
points = c.Points(12)
for i in range(8):
    points.run("random reports %d" % i, check, c.Gen(c.SEED + i).run(90))
points.run("long lines, many lines, big trees", check, c.special(), False)
points.run("bail out", bail_out)
points.run("prove counts alike", prove, c.Gen(c.SEED).run(60))
points.run("prove reads long ones", prove, c.special())
