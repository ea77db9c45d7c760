// SPDX-License-Identifier: GPL-2.0-only
/*
 * scxfix [OPTIONS]: load scxfix.bpf.o, a small sched_ext scheduler, and stay
 * until it ends or a signal comes. The fixture for tests of schedulers' ends.
 *
 *	--object FILE	default /lib/scxfix.bpf.o; of scxsub.bpf.o a scheduler of
 *			the machine and one of a cgroup below it are attached,
 *			and the second one's end is waited for
 *	--watchdog MS	sched_ext's timeout, default 30000
 *	--starve COMM	never run a task of this name
 *	--local		queue tasks on their CPU, not globally
 *	--events	do what the kernel counts: with --local insert tasks to run
 *			at once or not there at all; select CPU 0 for all
 *	--stats		serve /run/scx/root/stats: lines of JSON
 *	--do WHAT	error (scx_bpf_error), exit (scx_bpf_exit), stall (queue
 *			nothing), quit (leave with status 5), die (SIGSEGV),
 *			refuse (never attach), fault (use a queue that is
 *			not there, which the kernel itself objects to), local
 *			(queue on the CPU's own queue) or astray (select CPU 0
 *			for all)
 *	--after MS	when, from the start on; default 0
 *
 * SIGUSR1 is fault now, SIGUSR2 is quit now, SIGHUP lets go of the machine's
 * scheduler.
 *
 * At the end it prints the dump, as schedulers do, and "EXIT: reason (message)"
 * on stderr. Exit status: 0 unregistered or left by itself, 1 an error.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATS_DIR "/run/scx/root"
#define F_LINK (1U << 13)		/* BPF_F_LINK, Linux 6.4 */
#define ATTACH_STRUCT_OPS 44		/* BPF_STRUCT_OPS, Linux 6.4 */
#define TIMEOUT_MARK 0x5c0f1d00U	/* in scxfix.bpf.h */
#define CGROUP_MARK 0x7a6b5c4d3e2f1a0bULL /* in scxsub.bpf.c */
#define SUB_CGROUP "/sys/fs/cgroup/scxsub"
#define EXIT_ERROR 0x400		/* SCX_EXIT_ERROR and above */

enum trouble { NOTHING, ERROR, EXIT, STALL, QUIT, DIE, REFUSE, FAULT, LOCAL, ASTRAY,
	       PARENT };

/* As in scxfix.bpf.h, in its order. */
struct bss {
	int crash;
	char starved[16];
	struct { unsigned long long select_cpu, enqueue, starved; } stats;
	struct {
		int kind;
		long long code;
		char reason[128], msg[1024], dump[32768];
	} ended;
};

struct queues {
	struct {
		unsigned int nr_running, depth, flags, all;
		unsigned int immed, unused;
		unsigned long long nr_switches;
	} rq[8];
	int deepest, local, events, unused;
};

static struct {
	const char *object, *starve;
	unsigned int watchdog_ms;
	bool stats, local, events;
	enum trouble what;
	long after_ms;
} opts = { .object = "/lib/scxfix.bpf.o", .watchdog_ms = 30000 };

static volatile sig_atomic_t told_to_end, told_what;
/* Filled by scxfix_look(); NULL of an object that has no such program. */
static volatile struct queues *queues;
static int look_fd;

static void on_signal(int sig)
{
	switch (sig) {
	case SIGUSR1:
		told_what = FAULT;
		break;
	case SIGUSR2:
		told_what = QUIT;
		break;
	case SIGHUP:
		told_what = PARENT;
		break;
	default:
		told_to_end = 1;
	}
}

static void die(const char *what)
{
	fprintf(stderr, "scxfix: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static enum trouble trouble_of(const char *word)
{
	static const char *const words[] = { "nothing", "error", "exit", "stall",
					     "quit", "die", "refuse", "fault",
					     "local", "astray" };

	for (int i = 0; i <= ASTRAY; i++)
		if (!strcmp(words[i], word))
			return (enum trouble)i;
	fprintf(stderr, "scxfix: --do %s?\n", word);
	exit(2);
}

static void parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--stats"))
			opts.stats = true;
		else if (!strcmp(argv[i], "--local"))
			opts.local = true;
		else if (!strcmp(argv[i], "--events"))
			opts.events = true;
		else if (!strcmp(argv[i], "--object"))
			opts.object = argv[++i];
		else if (!strcmp(argv[i], "--starve"))
			opts.starve = argv[++i];
		else if (!strcmp(argv[i], "--watchdog"))
			opts.watchdog_ms = (unsigned int)atoi(arg), i++;
		else if (!strcmp(argv[i], "--after"))
			opts.after_ms = atol(arg), i++;
		else if (!strcmp(argv[i], "--do"))
			opts.what = trouble_of(arg), i++;
		else
			trouble_of(argv[i]);
	}
}

/* --- the BPF side ------------------------------------------------------- */

static char *read_object(size_t *len)
{
	int fd = open(opts.object, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	if (fd < 0 || fstat(fd, &st))
		die(opts.object);
	bytes = malloc((size_t)st.st_size);
	*len = (size_t)st.st_size;
	if (!bytes || read(fd, bytes, *len) != st.st_size)
		die(opts.object);
	close(fd);
	return bytes;
}

static int patch(char *bytes, size_t len, const void *mark, const void *value,
		 size_t size)
{
	char *at = bytes;
	int n;

	for (n = 0; (at = memmem(at, len - (size_t)(at - bytes), mark, size)); n++)
		memcpy(at, value, size);
	return n;
}

/* The group that the second scheduler is for; its inode is its id. */
static unsigned long long sub_cgroup(void)
{
	struct stat st;

	if ((mkdir(SUB_CGROUP, 0755) && errno != EEXIST) || stat(SUB_CGROUP, &st))
		die(SUB_CGROUP);
	return st.st_ino;
}

/* This libbpf hands out no initial value of a struct_ops map. */
static struct bpf_object *open_object(void)
{
	const unsigned long long group_mark = CGROUP_MARK;
	const unsigned int mark = TIMEOUT_MARK;
	unsigned long long group;
	size_t len;
	char *bytes = read_object(&len);
	struct bpf_object *obj;

	if (!patch(bytes, len, &mark, &opts.watchdog_ms, sizeof(mark))) {
		errno = EINVAL;
		die("no timeout_ms in the object");
	}
	if (memmem(bytes, len, &group_mark, sizeof(group_mark))) {
		group = sub_cgroup();
		patch(bytes, len, &group_mark, &group, sizeof(group));
	}
	obj = bpf_object__open_mem(bytes, len, NULL);
	if (!obj)
		die("open");
	return obj;
}

static struct bpf_map *find_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		die(name);
	return map;
}

/* The link ends with this process, and the scheduler with the link. */
static int attach(struct bpf_map *ops)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(ops);
	int fd;

	if (!link)
		die("attach");
	/* A libbpf before 1.2 leaves the link to us. */
	if (bpf_link__fd(link) != bpf_map__fd(ops))
		return bpf_link__fd(link);
	fd = bpf_link_create(bpf_map__fd(ops), 0,
			     (enum bpf_attach_type)ATTACH_STRUCT_OPS, NULL);
	if (fd < 0)
		die("attach");
	return fd;
}

static volatile void *map_memory(struct bpf_object *obj, const char *name,
				 size_t size)
{
	struct bpf_map *map = find_map(obj, name);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(map), 0);

	if (at == MAP_FAILED || bpf_map__value_size(map) != size)
		die(name);
	return at;
}

static volatile struct bss *load(struct bpf_object *obj)
{
	struct bpf_program *look = bpf_object__find_program_by_name(obj, "scxfix_look");
	struct bpf_map *sub;
	volatile struct bss *bss;

	bpf_map__set_map_flags(find_map(obj, "scxfix_ops"), F_LINK);
	sub = bpf_object__find_map_by_name(obj, "scxfix_sub");
	if (sub)
		bpf_map__set_map_flags(sub, F_LINK);
	if (bpf_object__load(obj))
		die("load");
	bss = map_memory(obj, ".bss", sizeof(*bss));
	if (look) {
		queues = map_memory(obj, ".bss.queues", sizeof(*queues));
		queues->local = opts.local;
		queues->events = opts.events;
		look_fd = bpf_program__fd(look);
	}
	if (opts.starve)
		strncpy((char *)bss->starved, opts.starve, 15);
	return bss;
}

/* --- the stats socket --------------------------------------------------- */

static int listen_stats(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mkdir("/run/scx", 0755);
	mkdir(STATS_DIR, 0755);
	strcpy(addr.sun_path, STATS_DIR "/stats");
	unlink(addr.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 4))
		die("stats socket");
	return fd;
}

static void answer_queues(FILE *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, o);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (!queues)
		return;
	if (bpf_prog_test_run_opts(look_fd, &o) || o.retval)
		die("look");
	for (int i = 0; i < 8 && i < cpus; i++)
		fprintf(f, "%s{\"nr_running\":%u,\"depth\":%u,\"flags\":%u,"
			"\"all\":%u,\"immed\":%u,\"nr_switches\":%llu}", i ? "," : "",
			queues->rq[i].nr_running, queues->rq[i].depth,
			queues->rq[i].flags, queues->rq[i].all, queues->rq[i].immed,
			queues->rq[i].nr_switches);
}

/* Whole lines: the client may read while this writes. */
static void answer(int fd, const char *line, const volatile struct bss *bss)
{
	char text[2048];
	FILE *f = fmemopen(text, sizeof(text), "w");

	if (!f)
		die("fmemopen");
	if (strstr(line, "\"req\":\"stats\"")) {
		fprintf(f, "{\"errno\":0,\"args\":{\"resp\":{\"select_cpu\":%llu,"
			"\"enqueue\":%llu,\"starved\":%llu,\"crash\":%d,"
			"\"deepest\":%d,\"rq\":[",
			bss->stats.select_cpu, bss->stats.enqueue,
			bss->stats.starved, bss->crash, queues ? queues->deepest : 0);
		answer_queues(f);
		fputs("]}}}\n", f);
	} else {
		fprintf(f, "{\"errno\":%d,\"args\":{\"resp\":\"unknown request\"}}\n",
			EINVAL);
	}
	fclose(f);
	dprintf(fd, "%s", text);
}

/* One client at a time; whole lines. False: it is gone. */
static bool serve(int fd, const volatile struct bss *bss)
{
	static char buf[4096];
	static size_t have;
	ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);
	char *nl;

	if (n <= 0) {
		have = 0;
		return false;
	}
	have += (size_t)n;
	buf[have] = 0;
	while ((nl = strchr(buf, '\n'))) {
		*nl = 0;
		answer(fd, buf, bss);
		have -= (size_t)(nl + 1 - buf);
		memmove(buf, nl + 1, have + 1);
	}
	if (have == sizeof(buf) - 1)
		have = 0;
	return true;
}

/* --- its life ----------------------------------------------------------- */

static void make_trouble(volatile struct bss *bss, int link)
{
	switch (opts.what) {
	case QUIT:
		fputs("scxfix: told to quit\n", stderr);
		exit(5);
	case DIE:
		raise(SIGSEGV);
		break;
	case PARENT:
		close(link);
		break;
	case ERROR:
	case EXIT:
	case STALL:
	case FAULT:
	case LOCAL:
	case ASTRAY:
		bss->crash = (int)opts.what;
		break;
	default:
		break;
	}
	opts.what = NOTHING;
}

static int report(const volatile struct bss *bss)
{
	static char rule[81];

	memset(rule, '=', 80);
	if (bss->ended.dump[0])
		fprintf(stderr, "\nDEBUG DUMP\n%s\n\n%s\n%s\n", rule,
			(const char *)bss->ended.dump, rule);
	fprintf(stderr, "EXIT: %s", (const char *)bss->ended.reason);
	if (bss->ended.msg[0])
		fprintf(stderr, " (%s)", (const char *)bss->ended.msg);
	fputc('\n', stderr);
	return bss->ended.kind >= EXIT_ERROR;
}

static int live(volatile struct bss *bss, int link, int stats)
{
	struct pollfd p[2] = { { stats, POLLIN, 0 }, { -1, POLLIN, 0 } };
	long begin = now_ms();

	while (!bss->ended.kind && !told_to_end) {
		if (told_what)
			opts.what = (enum trouble)told_what;
		if (told_what || (opts.what && now_ms() - begin >= opts.after_ms))
			make_trouble(bss, link);
		told_what = 0;
		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[1].revents && !serve(p[1].fd, bss)) {
			close(p[1].fd);
			p[1].fd = -1;
			p[0].fd = stats;
		} else if (p[0].revents) {
			p[1].fd = accept(stats, NULL, NULL);
			p[0].fd = -1;
		}
	}
	return bss->ended.kind ? report(bss) : 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *obj;
	volatile struct bss *bss;
	struct bpf_map *sub;
	int link, status;

	parse(argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGHUP, on_signal);
	if (opts.what == REFUSE) {
		fputs("scxfix: told not to attach\n", stderr);
		return 4;
	}
	obj = open_object();
	bss = load(obj);
	link = attach(find_map(obj, "scxfix_ops"));
	sub = bpf_object__find_map_by_name(obj, "scxfix_sub");
	if (sub)
		attach(sub);
	status = live(bss, link, opts.stats ? listen_stats() : -1);
	close(link);
	return status;
}
