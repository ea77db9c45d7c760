// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfload OBJECT RUNS [COMMAND]: load bpfmaps.bpf.o through libbpf, run its
 * program RUNS times on each CPU in turn with statistics on, tell by bpf()
 * alone what is in its maps and what the kernel accounts for the program, as
 * vmtap-metric's arguments, and stay, with maps and program, in the background.
 * COMMAND is run before the program is: vmtap-look, vmtap-map-written.
 *
 * The process that stays has pid TASK_PID: its task storage is found by that.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TASK_PID 5000
#define MAX_CPUS 64

/* As in bpfmaps.bpf.c. */
#define KEYS 4

struct stats {
	unsigned long long hits;
	int lowest;
	int mood;
	char tag[12];
	unsigned short port;
	signed char small;
};

static const unsigned char macs[KEYS][6] = {
	{ 0 }, { 1 }, { 2 }, { 3 },
};

static struct bpf_object *obj;

static void die(const char *what)
{
	fprintf(stderr, "bpfload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int map_fd(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(obj, name);

	if (fd < 0) {
		errno = -fd;
		die(name);
	}
	return fd;
}

static void lookup(const char *map, unsigned int key, void *value)
{
	if (bpf_map_lookup_elem(map_fd(map), &key, value))
		die(map);
}

static void tell_stats(const char *name, const struct stats *s)
{
	printf("%s_hits=%llu %s_lowest=%d %s_mood=%d %s_port=%u %s_small=%d ",
	       name, s->hits, name, s->lowest, name, s->mood, name, s->port,
	       name, s->small);
}

static void tell_percpu(const char *map, const void *key, int cpus)
{
	unsigned long long v[MAX_CPUS];

	if (bpf_map_lookup_elem(map_fd(map), key, v))
		die(map);
	for (int i = 0; i < cpus; i++)
		printf("%s_%d=%llu ", map, i, v[i]);
}

static void tell_task(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct stats s;

	if (pidfd < 0 || bpf_map_lookup_elem(map_fd("tasks"), &pidfd, &s))
		die("tasks");
	tell_stats("task", &s);
}

/* libbpf names the map after the object. */
static int section_fd(const char *suffix)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		const char *name = bpf_map__name(map);
		size_t n = strlen(name), s = strlen(suffix);

		if (n >= s && !strcmp(name + n - s, suffix))
			return bpf_map__fd(map);
	}
	errno = ENOENT;
	die(suffix);
	return -1;
}

/* The compiler orders variables as it likes: the object's BTF tells. */
static unsigned int offset_of(const char *section, const char *var)
{
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *v = btf_var_secinfos(t) + i;
		const struct btf_type *vt = btf__type_by_id(btf, v->type);

		if (!strcmp(btf__name_by_offset(btf, vt->name_off), var))
			return v->offset;
	}
	errno = ENOENT;
	die(var);
	return 0;
}

static void variable(const char *section, const char *var, void *to, size_t size)
{
	char value[4096];
	unsigned int key = 0, at = offset_of(section, var);

	if (at + size > sizeof(value) ||
	    bpf_map_lookup_elem(section_fd(section), &key, value))
		die(section);
	memcpy(to, value + at, size);
}

static void tell_variables(void)
{
	struct stats total;
	unsigned long long runs;
	long long start;
	unsigned int step, limit;
	int knob;

	variable(".bss", "runs", &runs, sizeof(runs));
	variable(".bss", "knob", &knob, sizeof(knob));
	variable(".bss", "total", &total, sizeof(total));
	variable(".data", "start", &start, sizeof(start));
	variable(".data", "step", &step, sizeof(step));
	variable(".rodata", "limit", &limit, sizeof(limit));
	printf("runs=%llu knob=%d start=%lld step=%u limit=%u ", runs, knob,
	       start, step, limit);
	tell_stats("total", &total);
}

static void tell_maps(int cpus)
{
	const unsigned int two = 2;
	unsigned long long n;
	struct stats s;

	lookup("cells", 0, &s);
	tell_stats("cell0", &s);
	lookup("cells", 3, &s);
	tell_stats("cell3", &s);
	lookup("table", 1, &s);
	tell_stats("entry", &s);
	lookup("lru", 2, &n);
	printf("lru=%llu ", n);
	tell_percpu("cpu_cells", &two, cpus);
	tell_percpu("cpu_table", &two, cpus);
	tell_percpu("cpu_lru", &two, cpus);
	tell_percpu("cpu_macs", macs[2], cpus);
	tell_variables();
}

static void tell_prog(int prog)
{
	struct bpf_prog_info info = { 0 };
	unsigned int len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		die("program info");
	printf("verified_insns=%u run_cnt=%llu run_time_ns=%llu jited_len=%u\n",
	       info.verified_insns, (unsigned long long)info.run_cnt,
	       (unsigned long long)info.run_time_ns, info.jited_prog_len);
}

static void load(const char *path)
{
	unsigned long long percpu[MAX_CPUS] = { 0 };
	struct stats zero = { 0 };

	obj = bpf_object__open_file(path, NULL);
	if (!obj || bpf_object__load(obj))
		die(path);
	for (unsigned int key = 0; key < KEYS; key++)
		if (bpf_map_update_elem(map_fd("table"), &key, &zero, BPF_ANY) ||
		    bpf_map_update_elem(map_fd("cpu_table"), &key, percpu, BPF_ANY) ||
		    bpf_map_update_elem(map_fd("cpu_lru"), &key, percpu, BPF_ANY) ||
		    bpf_map_update_elem(map_fd("cpu_macs"), macs[key], percpu, BPF_ANY) ||
		    bpf_map_update_elem(map_fd("lru"), &key, &zero, BPF_ANY))
			die("fill");
}

static void run_on(int cpu, int prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    bpf_prog_test_run_opts(prog, &opts))
		die("run");
}

/* A child with the pid that the scenario names; the parent's is told. */
static void become_task(void)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0)
		die("ns_last_pid");
	for (int tries = 0; tries < 100; tries++) {
		if (pwrite(fd, "4999", 4, 0) != 4)
			die("ns_last_pid");
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid && getpid() == TASK_PID)
			return;
		if (!pid || pid == TASK_PID)
			_exit(0);
	}
	errno = EAGAIN;
	die("pid");
}

int main(int argc, char **argv)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), prog, stats;

	if (argc < 3 || cpus > MAX_CPUS) {
		fprintf(stderr, "usage: bpfload OBJECT RUNS [COMMAND]\n");
		return 2;
	}
	become_task();
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		die("statistics");
	load(argv[1]);
	if (argc > 3 && system(argv[3]))
		die(argv[3]);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "touch"));
	for (int i = 0; i < atoi(argv[2]); i++)
		for (int cpu = 0; cpu < cpus; cpu++)
			run_on(cpu, prog);
	tell_maps(cpus);
	tell_task();
	tell_prog(prog);
	if (fclose(stdout))
		die("stdout");
	for (;;)
		pause();
}
