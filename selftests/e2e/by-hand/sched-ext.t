#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's sched_ext selftests in a guest of the release that they are of,
# and kselftest's own runner over them in that same guest: each verdict agrees.
#	selftests/e2e/by-hand/sched-ext.t [PART]	those with PART in their name
# Not in `make check`: the release's source (170 MB) is fetched and bpftool
# built from it; without a PART the tests take half an hour on slow CPUs. Wants
# clang 16 or later; WORK=DIR keeps source and build for the next time.
. "$(dirname "$0")/../../lib/tap.sh"

list=$("$vmtap" kernel list | grep sched_ext | head -n 1)
read -r release _ image _ <<<"$list"
[ -n "$list" ] || skip_all "no kernel with sched_ext: make deps"
clang=$(compgen -c clang- | grep -E '^clang-(1[6-9]|[2-9][0-9])$' | sort -V | tail -n 1)
[ -n "$clang" ] || skip_all "no clang 16 or later"
PATH=$(dirname "$(readlink -f "$(command -v "$clang")")"):$PATH
plan 5
export XDG_STATE_HOME=$tmp/state
work=${WORK:-$tmp/work}
mkdir -p "$work"
unset KBUILD_OUTPUT O MAKEFLAGS MAKELEVEL MAKEOVERRIDES OUTPUT

# 7.3.4+deb13-cloud-amd64 was built from linux-source-7.3, 7.3.4-1~bpo13+1.
fetch_source()
{
	local version=${release%%[+-]*} suite pkg
	pkg=linux-source-${version%.*}
	[ ! -e "$work/source/tools" ] || return 0
	for suite in trixie-backports sid experimental; do
		if "$top/tools/fetch-deb.sh" versions -s "$suite" "$pkg" |
				grep -q " $version-"; then
			"$top/tools/fetch-deb.sh" unpack -s "$suite" "$work/deb" "$pkg" || return
			break
		fi
	done
	mkdir -p "$work/source"
	tar -xf "$work/deb/usr/src/$pkg.tar.xz" -C "$work/source" --strip-components=1 \
		"$pkg"/{Makefile,arch/x86,include,kernel,scripts,tools,usr}
}
ok "the source of $release is there" fetch_source

inst=$work/inst
build()
{
	bash "$work/source/scripts/extract-vmlinux" "$image" >"$work/vmlinux" &&
		make -j2 -C "$work/source/tools/testing/selftests" SKIP_TARGETS= \
			TARGETS=sched_ext VMLINUX_BTF="$work/vmlinux" \
			KSFT_INSTALL_PATH="$inst" install
}
ok "its sched_ext selftests build" build
# Without perl the runner prefixes with sed; in the guest perl has no modules.
rm -f "$inst/kselftest/prefix.pl"

cd "$tmp" || exit 1
# libbpf asks the config what a program's externs are.
cat >a.yaml <<END
name: a
kernel: {image: $image}
vm: {cpus: 2, memory: 512M, timeout: 300s}
guest:
  env: {KSELFTEST_RUNNER_ARGS: "${1:+-t $1}"}
  files:
    - {src: $(command -v timeout), dst: /usr/bin/timeout}
    - {src: ${image%/*}/config-$release, dst: /boot/config-$release}
  kselftest: {dir: $inst, tests: ["sched_ext:*"], timeout: 600s}
  teardown: |
    echo "=== reference"
    sh /kselftest/run_kselftest.sh -o 6000 -c sched_ext
END
within 14400 "$vmtap" run --jobs 1 --json all.json a.yaml >all.tap 2>all.err

cat >look.py <<'END'
import json, re, sys
result = json.load(open("all.json"))["cases"][0]["result"]
ours = [(s["name"].split(": ")[-1], s["outcome"]) for s in result["subtests"]]
theirs = [(name.split(": ")[-1], "skip" if "# SKIP" in rest else "fail" if no else "pass")
          for no, name, rest in re.findall(
              r"^(?:# )*(not )?ok \d+ (?:selftests: sched_ext: )?(\S+)(.*)$",
              result["output"].split("=== reference", 1)[1], re.M)]
ours[-1:] = [(n.split(":")[-1], o) for n, o in ours[-1:]]
print(eval(sys.argv[1]))
END
look() { python3 look.py "$1" 2>&1; }
is "each of them has a verdict, the runner last" \
	"$(look '[len(ours) > 1, ours[-1][0]]')" "[True, 'runner']" ||
	tail -n 40 all.tap all.err | sed 's/^/# /'
is "the verdicts are those of kselftest's runner" "$(look ours)" "$(look theirs)"
ok "most of them pass" test "$(look 'sum(o == "pass" for _, o in ours) * 2 > len(ours)')" = True
diag "$(look 'ours')"
