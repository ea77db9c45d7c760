#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Below kselftest's runner every line gets `# ` in front. The two ways in which
test farms read that see the same tests: the indentation stripped and given to
tappy, and a regular expression over the lines behind `# TAP version`."""
import re

import consumers as c

try:
    import more_itertools  # noqa: F401  pylint: disable=unused-import
    from tap.parser import Parser
except ImportError as error:
    c.skip_all("no %s for %s" % (error.name, "/usr/bin/python3"))


def runner(tap):
    """What the runner's prefix.pl makes of a test's output."""
    lines = tap.decode("utf-8").rstrip("\n").split("\n")
    return "\n".join(["TAP version 13", "1..1", "# selftests: vmtap: run"] +
                     ["# " + line for line in lines] +
                     ["not ok 1 selftests: vmtap: run # exit=1", ""])


def by_stripping(reports, *args):
    text = runner(c.tapgen(reports, *args)[0])
    inner = "\n".join(line[1:].strip() for line in text.split("\n")
                      if line.startswith("#") and "selftests:" not in line)
    lines = list(Parser().parse_text(inner))
    seen = [line for line in lines if line.category == "test"]
    c.equal("plan", [len(reports)],
            [line.expected_tests for line in lines if line.category == "plan"])
    c.equal("ok", [c.is_ok(r) for r in reports], [p.ok for p in seen])
    c.equal("skip", [r["outcome"] == "skip" for r in reports],
            [p.skip for p in seen])
    c.equal("bail out", 0, sum(line.category == "bail" for line in lines))


RESULT = re.compile(r"(not )?ok (\d+)(?: -)? ([^#]*[^# ])(?: +# +(.*))?$")


def by_expression(reports, *args):
    tap, _ = c.tapgen(reports, *args)
    seen, nested = [], False
    for line in runner(tap).split("\n"):
        if line.startswith("# TAP version "):
            nested = True
        elif not line.startswith("# "):
            nested = False
        elif nested and re.match(r"# (not )?ok ", line):
            match = RESULT.match(line[2:])
            if not match:
                raise c.Mismatch(line)
            seen.append(match.groups())
    c.equal("names", c.names(tap), [s[2] for s in seen])
    c.equal("failed", [not c.is_ok(r) for r in reports],
            [s[0] is not None for s in seen])
    c.equal("skipped", [r["outcome"] == "skip" for r in reports],
            [(s[3] or "").startswith("SKIP") for s in seen])
    if "--ktap" in args:
        timed = [(r["result"] or {}).get("duration_ms")
                 if r["outcome"] in ("pass", "fail") else None
                 for r in reports]
        times = [re.match(r"time=(\d+)ms$", s[3] or "") for s in seen]
        c.equal("times", timed, [t and int(t.group(1)) for t in times])


c.need_tapgen()
points = c.Points(16)
for i in range(4):
    for name, args in (("TAP 13", ()), ("KTAP", ("--ktap",))):
        reports = c.Gen(c.SEED + 300 + i).run(90)
        points.run("stripped, %s %d" % (name, i), by_stripping, reports, *args)
        points.run("by expression, %s %d" % (name, i), by_expression, reports,
                   *args)
