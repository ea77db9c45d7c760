// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfprog RUNS [look]: load a small BPF program by the system call alone, run
 * it RUNS times with statistics on, tell what the kernel accounts for it as
 * vmtap-metric's arguments, and keep it loaded. With `look` the host first
 * sees it as it was loaded.
 */
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(void)
{
	/* r0 = 0; if r1 == 0 goto +1; r0 = 2; exit */
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insn_cnt = sizeof(code) / sizeof(code[0]),
		.insns = (uintptr_t)code,
		.license = (uintptr_t)"GPL",
		.prog_name = "vmtap_probe",
	};

	return (int)bpf(BPF_PROG_LOAD, &a);
}

static int run_it(int prog, unsigned int times)
{
	unsigned char packet[64] = { 0 };
	union bpf_attr a = {
		.test.prog_fd = (uint32_t)prog,
		.test.data_in = (uintptr_t)packet,
		.test.data_size_in = sizeof(packet),
		.test.repeat = 1,
	};

	while (times--)
		if (bpf(BPF_PROG_TEST_RUN, &a))
			return -1;
	return 0;
}

static int tell(int prog)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = {
		.info.bpf_fd = (uint32_t)prog,
		.info.info_len = sizeof(info),
		.info.info = (uintptr_t)&info,
	};

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &a))
		return -1;
	printf("verified_insns=%u run_cnt=%llu run_time_ns=%llu jited_len=%u\n",
	       info.verified_insns, (unsigned long long)info.run_cnt,
	       (unsigned long long)info.run_time_ns, info.jited_prog_len);
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	union bpf_attr stats = { .enable_stats.type = BPF_STATS_RUN_TIME };
	int prog;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: bpfprog RUNS [look]\n");
		return 2;
	}
	if (bpf(BPF_ENABLE_STATS, &stats) < 0) {
		perror("BPF_ENABLE_STATS");
		return 1;
	}
	prog = load();
	if (argc > 2 && system("vmtap-look")) {
		fprintf(stderr, "bpfprog: the host did not look\n");
		return 1;
	}
	if (prog < 0 || run_it(prog, (unsigned int)atoi(argv[1])) || tell(prog)) {
		perror("bpf");
		return 1;
	}
	for (;;)
		pause();
}
