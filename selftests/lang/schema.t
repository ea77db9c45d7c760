#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The JSON Schema against the scenario files: it takes every good one and
refuses what is structurally bad; every key of it occurs in a good file; the
manual made from the same table names every key."""
import json
import os
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(os.path.dirname(here))
vmtap = os.environ.get('VMTAP', os.path.join(top, 'vmtap'))
count = 0
failed = 0


def plan(n):
    print('TAP version 13')
    print('1..%d' % n)


def ok(good, name, *notes):
    global count, failed
    count += 1
    print('%sok %d - %s' % ('' if good else 'not ', count, name))
    if not good:
        failed += 1
        for note in notes:
            print('# ' + str(note).replace('\n', '\n# '))


try:
    import jsonschema
    import yaml
except ImportError as e:
    print('TAP version 13\n1..0 # SKIP %s: python3-jsonschema and python3-yaml' % e)
    sys.exit(0)


class Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML reads it, but for times and dates, which are text."""


Loader.yaml_implicit_resolvers = {
    k: [(t, r) for t, r in v if t not in ('tag:yaml.org,2002:timestamp',)]
    for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
# 4:20 is no sexagesimal number here, 1_000 no integer.
for k, v in Loader.yaml_implicit_resolvers.items():
    Loader.yaml_implicit_resolvers[k] = [
        (t, re.compile(r'^(?:[-+]?(?:0x[0-9a-fA-F]+|[0-9]+))$')
         if t == 'tag:yaml.org,2002:int' else r) for t, r in v]


def read(path):
    with open(path, encoding='utf-8') as f:
        return yaml.load(f, Loader)


def files(folder):
    d = os.path.join(here, folder)
    return [os.path.join(d, n) for n in sorted(os.listdir(d))
            if n.endswith('.yaml')]


# What a schema cannot see: the text itself, the sense of values together, the
# files that one names, and bounds of numbers that have units.
beyond = re.compile(
    r'^(enc|syn|alias|anchor|merge|tag\b|defaults|disk-(sector|rw|serial)|memory|'
    r'size-(range|overflow)|duration-range|float-nan|'
    r'cpus-(llcs|product|memory|distances|latency|bandwidth)|guest-(exec-empty|file-(twice|unset|brace))|'
    r'type-null-map|watch-(size|many|when)|bpf-|workload-(group|fan-out|custom|command|sequence|priority|'
    r'cgroup$|parent|inner|cpuset|op-|hold|phase)|expect-exit-range|matrix-|scheduler-times|'
    r'name-lines|description-lines|path-lines|kernel-kaslr-huge|checks?-(?!text|map)|key-several$|bool-quoted|_)')

schema = json.loads(subprocess.check_output([vmtap, 'schema']))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)

good = files('good')
bad = [p for p in files('bad') if not beyond.match(os.path.basename(p)[:-5])]
plan(len(good) + len(bad) + 4)
ok(len(bad) >= 40, 'enough files are structurally bad', len(bad))

for path in good:
    errors = list(validator.iter_errors(read(path)))
    ok(not errors, 'takes ' + os.path.relpath(path, here),
       *[e.message[:300] for e in errors])
for path in bad:
    ok(not validator.is_valid(read(path)), 'refuses ' + os.path.relpath(path, here))


def table_keys(node, path, out):
    """Dotted paths of the schema's keys, items of lists as path[]."""
    for alt in node.get('anyOf', []):
        table_keys(alt, path, out)
    if '$ref' in node:
        table_keys(schema['definitions'][node['$ref'].split('/')[-1]], path, out)
    if path == 'matrix':
        return
    for name, sub in node.get('properties', {}).items():
        p = path + '.' + name if path else name
        if sub.get('type') is not None or '$ref' in sub or 'anyOf' in sub or 'enum' in sub:
            out.add(p)
            table_keys(sub, p, out)
    if isinstance(node.get('items'), dict):
        table_keys(node['items'], path + '[]', out)


def used_keys(node, path, out):
    if isinstance(node, dict):
        for name, sub in node.items():
            p = path + '.' + str(name) if path else str(name)
            out.add(p)
            used_keys(sub, p, out)
    elif isinstance(node, list):
        for sub in node:
            used_keys(sub, path + '[]', out)


keys, used = set(), set()
table_keys(schema, '', keys)
for path in good:
    used_keys(read(path), '', used)
# The parts of a set of CPUs are a grammar of their own, shown at cpuset.
keys = {k for k in keys if not re.search(r'\.(affinity|cpuset|hold)\.', k)
        or k.startswith('workload.cgroups[].cpuset.')}
missing = sorted(k for k in keys if k not in used)
ok(len(keys) > 120, 'the schema has the table\'s keys', len(keys))
ok(not missing, 'every key occurs in a file of good/', *missing)

man = subprocess.check_output([vmtap, 'schema', '--man'], text=True)
heads = set(re.findall(r'^\.(?:SS|B) (\S+)$', man.replace('\\-', '-'), re.M))
lost = sorted(k for k in keys if k not in heads and '.cpuset.' not in k)
ok(not lost, 'the manual names every key', *lost)
sys.exit(1 if failed else 0)
