// SPDX-License-Identifier: GPL-2.0-only
/* What a guest finds, and the language of checks, for the manual. */
#include "runner/schema_prose.h"

#include <stddef.h>

static const struct man_part guest_parts[] = {
	{ NULL, "The guest boots into memory, as root, with the kernel's modules that "
	  "its devices need, a static busybox with all its applets, and what "
	  "guest.files brings along; nothing else of the host is there. /proc, "
	  "/sys, /dev, /tmp, /run, cgroup2, bpf, debugfs and tracefs are mounted, lo "
	  "is up, the disk is /dev/vda. HOME is /root." },
	{ NULL, "guest.run is given to the guest's sh as it is. As in any shell its "
	  "status is that of its last command: begin it with set -e where each "
	  "command has to succeed. What it writes is output and stderr of the result; "
	  "the kernel's log is console." },
	{ NULL, "Commands that tell the host something, or ask it:" },
	{ "vmtap-metric NAME=NUMBER...", "Figures of the payload's own: workload.NAME in "
	  "checks." },
	{ "vmtap-snapshot NAME", "A capture of the guest, which stands meanwhile: "
	  "snapshots[\"NAME\"] in checks. Returns when it is stored." },
	{ "vmtap-watch SYMBOL", "A data watchpoint on 8 bytes from here on; a hit makes a "
	  "capture." },
	{ "vmtap-stats NAME", "Asks the scheduler's stats socket: stats.NAME." },
	{ "vmtap-look", "Waits until the host has looked: its monitor has taken a sample, "
	  "which ends the phase before a vmtap-stimulus, it knows the BPF programs that "
	  "are loaded, and watches what is there to be watched. Prints the monitor's "
	  "verdict, if it has come to one." },
	{ "vmtap-map-written", "Waits until bpf_map_write is done." },
	{ "vmtap-result pass|fail|skip|xfail|xpass|error|timeout NAME [DETAIL]",
	  "A subtest of the result." },
	{ "vmtap-stimulus LABEL", "An event with the guest's time: stimulus." },
	{ "vmtap-exit CODE", "The verdict, in place of the payload's own status." },
	{ NULL, NULL },
};

static const struct man_part check_parts[] = {
	{ NULL, "A check is an expression over the result that must be true. All are "
	  "parsed, and their names, types and units checked, before anything boots. "
	  "vmtap-result(5) has the names; vmtap eval tries an expression on a kept "
	  "result. To YAML a check is a text: quote one that begins with ! or a "
	  "bracket, or that holds ': ' or ' #'." },
	{ "group.name, list[0], map[\"any key\"]", "A value of the result. list[-1] is the "
	  "last item; list[].name is the list of that name in each item." },
	{ "256, 0x1f, 64M, 5s, 1.5, \"text\", true", "Values. Sizes end in K, M or G, which "
	  "are powers of two; times in ns, us, ms, s or m, and a time is compared "
	  "with any name that is one, whatever its unit." },
	{ "== != < <= > >=", "Comparisons. Of a list and a value: item by item." },
	{ "=~ !~", "Does the text fit the extended regular expression? ^ and $ are the "
	  "ends of a line." },
	{ "+ - * / %", "Arithmetic, of integers with 64 bits: an overflow or a division by "
	  "zero fails the check." },
	{ "&& || !", "Logic; from loose to tight: || and &&, comparisons, sums, products, "
	  "and parentheses for the rest." },
	{ "exists(name)", "Is there such a value? Any other look at an absent one fails the "
	  "check, with the reason." },
	{ "all(list) any(list)", "One verdict of a list of them, as in "
	  "all(kvm.vcpu[].exits > 0)." },
	{ "len(x)", "Items of a list or group, bytes of a text." },
	{ "sum(x) avg(x) min(x) max(x)", "Over the numbers of a list, or over the arguments." },
	{ "abs(x) first(x) last(x)", "Of a number; of a list." },
	{ "periodic.series(\"path\", \"phase\")", "That value of each capture in turn, "
	  "or of those of one phase of the workload." },
	{ "x.monotonic() x.rate()", "Does a series never fall? Its change per second." },
	{ "snapshots.name.map(\"name\")", "The contents of a BPF map in a capture, by the "
	  "end of its name." },
	{ NULL, "x.f(y) is f(x, y). For example:" },
	{ NULL, NULL },
};

static const char *const check_example[] = {
	"checks:",
	"  - virtio_blk.reads_completed >= 256",
	"  - kaslr.enabled && kaslr.offset % 2M == 0",
	"  - duration_ms < 30s && output =~ \"^done\"",
	"  - '!exists(crash_message)'",
	NULL
};

const struct man_section schema_prose[] = {
	{ "GUEST", guest_parts, NULL },
	{ "CHECKS", check_parts, check_example },
	{ NULL, NULL, NULL },
};
