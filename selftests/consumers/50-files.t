#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""--junit and --json: legal whatever went in, with the same counts and bytes."""
import json
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import consumers as c


def write(reports, folder):
    junit = os.path.join(folder, "junit.xml")
    doc = os.path.join(folder, "run.json")
    _, status = c.tapgen(reports, "--junit", junit, "--json", doc)
    c.equal("exit status", 1 if c.counts(reports)[1] else 0, status)
    c.equal("files", ["junit.xml", "run.json"], sorted(os.listdir(folder)))
    return junit, doc


def check_junit(reports, path):
    done = subprocess.run(["xmllint", "--noout", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    c.equal("xmllint", b"", done.stdout)
    root = ET.parse(path).getroot()
    suite = root.find("testsuite")
    errors = sum(r["outcome"] == "error" for r in reports)
    failed = c.counts(reports)[1] - errors
    c.equal("attributes", (len(reports), failed, errors,
                           c.counts(reports)[2]),
            tuple(int(suite.get(k)) for k in
                  ("tests", "failures", "errors", "skipped")))
    c.equal("elements", (len(reports), failed, errors, c.counts(reports)[2]),
            tuple(len(suite.findall(".//" + k)) for k in
                  ("testcase", "failure", "error", "skipped")))
    for report, case in zip(reports, suite.findall("testcase")):
        name = c.unescape(report["name"]) or b"unnamed"
        c.equal("name", name, c.unsee(case.get("name")))


def check_json(reports, path):
    with open(path, encoding="utf-8") as file:
        doc = json.load(file)
    c.equal("cases", len(reports), len(doc["cases"]))
    totals = doc["totals"]
    c.equal("totals", c.counts(reports), (
        totals["pass"] + totals["xfail"] + totals["xpass"],
        totals["fail"] + totals["timeout"] + totals["error"],
        totals["skip"]))
    for report, case in zip(reports, doc["cases"]):
        for key in ("name", "outcome", "reason", "block"):
            c.equal(key, report[key], case[key])
        for key, value in (report["result"] or {}).items():
            if key != "kvm":
                c.equal(key, value, case["result"][key])
        # Every name of the catalogue is there.
        for key in ("virtio_blk", "monitor", "crash_message", "subtests"):
            if key not in case["result"]:
                raise c.Mismatch("%s is not there" % key)


def check(reports):
    with tempfile.TemporaryDirectory() as folder:
        junit, doc = write(reports, folder)
        check_junit(reports, junit)
        check_json(reports, doc)


def no_space():
    """A disk that is full leaves no half file under the final name."""
    import resource
    with tempfile.TemporaryDirectory() as folder:
        reports = c.Gen(c.SEED).run(200)
        text = "".join(json.dumps(r) + "\n" for r in reports).encode()
        done = subprocess.run(
            [c.TAPGEN, "--junit", folder + "/j.xml", "--json",
             folder + "/r.json"], input=text, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, preexec_fn=lambda: (
                __import__("signal").signal(
                    __import__("signal").SIGXFSZ,
                    __import__("signal").SIG_IGN),
                resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))))
        c.equal("status", 70, done.returncode)
        c.equal("files", [], os.listdir(folder))


c.need_tapgen()
points = c.Points(8)
for i in range(6):
    points.run("random reports %d" % i, check, c.Gen(c.SEED + 200 + i).run(90))
points.run("long ones", check, c.special())
points.run("a full disk", no_space)
