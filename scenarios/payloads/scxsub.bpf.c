// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two sched_ext schedulers, one of the machine and below it one of a cgroup,
 * both with all of the kernel's defaults; what the second one's end is, is
 * told. Linux 7.1; sub-schedulers want operations on cids. See scxfix.c.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "scxfix.bpf.h"

#define MAP_TYPE_ARENA 33		/* Linux 6.9 */

struct scx_sub_attach_args;

/* The kernel wants one of such a scheduler, and room for itself in it. */
struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 14);	/* pages, of which the kernel takes some */
	__uint(map_extra, 0x10000000);	/* its address in user space */
} arena SEC(".maps");

/* By this the kernel knows it for the program's. */
static void touch_arena(void)
{
	asm volatile("" : : "r"(&arena));
}

/* Members by name; the kernel's has more. */
struct sched_ext_ops_cid {
	__s32 (*sub_attach)(struct scx_sub_attach_args *args);
	void (*exit)(struct scx_exit_info *ei);
	__u32 timeout_ms;
	__u64 sub_cgroup_id;
	char name[128];
};

SEC("struct_ops.s/scxsub_attach")
__s32 BPF_PROG(scxsub_attach, struct scx_sub_attach_args *args)
{
	touch_arena();
	return 0;
}

SEC("struct_ops/scxsub_exit")
void BPF_PROG(scxsub_exit, struct scx_exit_info *ei)
{
	touch_arena();
	note_end(ei);
}

SEC(".struct_ops")
struct sched_ext_ops_cid scxfix_ops = {
	.sub_attach = (void *)scxsub_attach,
	.timeout_ms = TIMEOUT_MARK,
	.name = "scxroot",
};

SEC(".struct_ops")
struct sched_ext_ops_cid scxfix_sub = {
	.exit = (void *)scxsub_exit,
	.timeout_ms = TIMEOUT_MARK,
	.sub_cgroup_id = 0x7a6b5c4d3e2f1a0bULL,	/* of the group, by scxfix.c */
	.name = "scxsub",
};

char _license[] SEC("license") = "GPL";
