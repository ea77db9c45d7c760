#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""tappy and PyYAML read any bytes as they went in."""
import re

import consumers as c

try:
    import more_itertools  # noqa: F401  pylint: disable=unused-import
    import yaml
    from tap.parser import Parser
except ImportError as error:
    c.skip_all("no %s for %s" % (error.name, "/usr/bin/python3"))


def tappy(reports, blocks=True):
    tap, _ = c.tapgen(reports)
    lines = list(Parser().parse_text(tap.decode("utf-8")))
    seen = [line for line in lines if line.category == "test"]
    c.equal("unknown lines", 0,
            sum(line.category == "unknown" for line in lines))
    c.equal("plan", [len(reports)],
            [line.expected_tests for line in lines if line.category == "plan"])
    c.equal("ok", [c.is_ok(r) for r in reports], [p.ok for p in seen])
    c.equal("skip", [r["outcome"] == "skip" for r in reports],
            [p.skip for p in seen])
    c.equal("names", c.names(tap),
            [c.bare(re.sub("^- ", "", p.description)) for p in seen])
    if blocks:
        c.read_all(tap, reports, [p.yaml_block for p in seen])


BLOCK = re.compile(r"^  ---\n(.*?)^  \.\.\.\n", re.M | re.S)


def pyyaml(reports):
    tap, _ = c.tapgen(reports)
    text = tap.decode("utf-8")
    for block in BLOCK.findall(text):
        tree = yaml.safe_load(block)
        if not isinstance(tree, dict):
            raise c.Mismatch("no map: %r" % tree)
    for line in tap.split(b"\n"):
        if len(line) > 8192:
            raise c.Mismatch("a line of %d bytes" % len(line))
        if re.search(rb"[\x00-\x1f\x7f]", line):
            raise c.Mismatch("a control character in %r" % line)
    for block in BLOCK.finditer(text):
        if len(block.group(0).encode()) > 65536 + 16:
            raise c.Mismatch("a block of %d bytes" % len(block.group(0)))


def cut(reports):
    """What is cut tells how much there was, and the end is there."""
    tap, _ = c.tapgen(reports)
    blocks = [yaml.safe_load(b) for b in BLOCK.findall(tap.decode("utf-8"))]
    text = blocks[0]["output"]
    c.equal("one line", 1, len(text))
    if not re.match(r"\| Ax<1b>.*<cut: \d+ of 10485762 bytes>.*Z$", text[0]):
        raise c.Mismatch(text[0][:100] + " ... " + text[0][-100:])
    lines = blocks[1]["output"]
    c.equal("first", "| line 0", lines[0])
    c.equal("last", "| line 199999", lines[-1])
    told = [s for s in lines if not s.startswith("| ")]
    c.equal("one cut", 1, len(told))
    m = re.match(r"\(cut, (\d+) of 200000 lines, \d+ of 2288890 bytes\)$",
                 told[0])
    if not m or int(m.group(1)) + len(lines) - 1 != 200000:
        raise c.Mismatch("%s and %d lines" % (told[0], len(lines) - 1))
    c.equal("what did not fit is named", "stats", blocks[2]["truncated"])
    c.equal("the rest is there", ["| still here"], blocks[2]["output"])
    for block in blocks[:3]:
        c.equal("the last line", "vmtap run x", list(block.items())[-1][1])


c.need_tapgen()
points = c.Points(19)
for i in range(8):
    points.run("tappy, random reports %d" % i, tappy,
               c.Gen(c.SEED + i).run(90))
points.run("tappy, long ones", tappy, c.special(), False)
for i in range(8):
    points.run("PyYAML, lines and blocks %d" % i, pyyaml,
               c.Gen(c.SEED + 100 + i).run(90))
points.run("PyYAML, long ones", pyyaml, c.special())
points.run("cuts are told", cut, c.special())
