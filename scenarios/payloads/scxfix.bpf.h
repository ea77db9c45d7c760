/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What scxfix.c reads and writes of its BPF objects: struct bss there, in its
 * order.
 */
#include <linux/types.h>

#define TIMEOUT_MARK 0x5c0f1d00		/* scxfix.c puts its own there */

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
enum scx_exit_kind { SCX_EXIT_NONE };

struct scx_exit_info {
	enum scx_exit_kind kind;
	__s64 exit_code;
	const char *reason;
	char *msg;
	char *dump;
};
#pragma clang attribute pop

/* What to do, as enum trouble of scxfix.c; the host may write it too. */
int crash;
/* A task of this name is never queued; "" is none. */
char starved[16];

struct {
	__u64 select_cpu, enqueue, starved;
} stats;

struct {
	__s32 kind;
	__s64 code;
	char reason[128];
	char msg[1024];
	char dump[32768];
} ended;

static void note_end(const struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(ended.reason, sizeof(ended.reason), ei->reason);
	bpf_probe_read_kernel_str(ended.msg, sizeof(ended.msg), ei->msg);
	bpf_probe_read_kernel_str(ended.dump, sizeof(ended.dump), ei->dump);
	ended.code = ei->exit_code;
	/* The loader waits for it: last. */
	__sync_fetch_and_add(&ended.kind, (__s32)ei->kind);
}
