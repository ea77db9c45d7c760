// SPDX-License-Identifier: GPL-2.0-only
/*
 * ksft: vmtap-kselftest: runs kselftests as kselftest's own runner does, and
 * has each result told to the host as a frame: those inside a test's output as
 * they come, then the test's own. What is printed is the runner's KTAP.
 *	vmtap-kselftest [LIST [ROOT]]
 */
#include "tools/guest/agent.h"
#include "tools/guest/ktap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 3000		/* from SIGTERM to SIGKILL after the time limit */
#define LAZY_MS 100		/* how long output waits to be read, */
#define LAZY_BYTES 16384	/* or until it is so much */
#define LINE_MAX_LEN 4096
#define NAME_MAX_LEN 400
#define RC_SKIP 4		/* KSFT_SKIP and so on, kselftest.h */
#define RC_XFAIL 2
#define RC_XPASS 3
#define ARGS_MAX 64

struct test {
	const char *collection, *name, *base;
	unsigned int seconds;	/* 0: no limit */
	bool knows_xfail;	/* exit statuses 2 and 3 have a meaning */
};

static const char *root = KSFT_ROOT;

/* A test that runs. */
struct ksft_run {
	const struct test *t;
	pid_t pid;
	int out;		/* -1 once it is closed */
	char line[LINE_MAX_LEN];
	size_t len;
	char skip[200];		/* why it skipped itself, in its own words */
	bool timed_out;
	uint64_t lazy_ns;	/* when what it said is read; 0: nothing waits */
};

static void send_result(const char *name, unsigned int level,
			enum wire_test_status status, const char *reason,
			uint64_t ns)
{
	uint8_t p[sizeof(struct wire_test) + NAME_MAX_LEN + LINE_MAX_LEN] = {};
	size_t n = sizeof(struct wire_test);

	wire_put32(p, status);
	wire_put32(p + 8, (uint32_t)ns);
	wire_put32(p + 12, (uint32_t)(ns >> 32));
	n += (size_t)snprintf((char *)p + n, NAME_MAX_LEN, "%.*s",
			      NAME_MAX_LEN - 2, name) + 1;
	n += (size_t)snprintf((char *)p + n, LINE_MAX_LEN, "%.*s",
			      LINE_MAX_LEN - 2, reason);
	tell_agent(WIRE_TEST_RESULT, (uint16_t)(level > 255 ? 255 : level), p, n,
		   NULL, 0);
}

/* --- output ------------------------------------------------------------- */

static void take_line(struct ksft_run *r)
{
	char name[NAME_MAX_LEN];
	struct ktap_result k;
	const char *skip;

	r->line[r->len] = 0;
	r->len = 0;
	printf("# %s\n", r->line);
	skip = ktap_skip_all(r->line);
	if (skip && !r->skip[0])
		snprintf(r->skip, sizeof(r->skip), "%s", skip);
	if (!ktap_line(r->line, &k))
		return;
	if (k.status == WIRE_TEST_SKIP && !r->skip[0])
		snprintf(r->skip, sizeof(r->skip), "%s", k.reason);
	snprintf(name, sizeof(name), "%s:%s: %s", r->t->collection, r->t->base,
		 k.name[0] ? k.name : "of no name");
	send_result(name, k.level + 1, k.status, k.reason, 0);
}

static int unread(const struct ksft_run *r)
{
	int n = 0;

	return r->out < 0 || ioctl(r->out, FIONREAD, &n) ? 0 : n;
}

static void read_chunk(struct ksft_run *r)
{
	char chunk[4096];
	ssize_t n = read(r->out, chunk, sizeof(chunk));

	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] == '\n' || r->len == sizeof(r->line) - 1)
			take_line(r);
		if (chunk[i] != '\n' && chunk[i])
			r->line[r->len++] = chunk[i];
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close(r->out);	/* it closed its output, and may go on */
	r->out = -1;
}

/* What is there now: who writes without end is not waited for. */
static void read_output(struct ksft_run *r)
{
	int left = unread(r);

	do {
		read_chunk(r);
		left -= 4096;
	} while (r->out >= 0 && left > 0);
	fflush(stdout);
}

/* --- the command -------------------------------------------------------- */

/* KSELFTEST_<NAME>_ARGS, with what is no letter or digit as '_'. */
static char *args_of(const char *base)
{
	char key[256];
	size_t n = (size_t)snprintf(key, sizeof(key), "KSELFTEST_");
	char *value;

	for (; *base && n < sizeof(key) - 8; base++)
		key[n++] = isalnum((unsigned char)*base) ?
			   (char)toupper((unsigned char)*base) : '_';
	strcpy(key + n, "_ARGS");
	value = getenv(key);
	return value ? strdup(value) : NULL;
}

/* What "#!" names in @path, split in two at most. */
static size_t interpreter(const char *path, char *text, size_t size, char **argv)
{
	FILE *f = fopen(path, "re");
	char *save = NULL;
	size_t n = 0;

	if (f && fgets(text, (int)size, f) && !strncmp(text, "#!", 2)) {
		argv[n] = strtok_r(text + 2, " \t\n", &save);
		if (argv[n])
			n++;
		argv[n] = n ? strtok_r(NULL, "\n", &save) : NULL;
		if (argv[n])
			n++;
	}
	if (f)
		fclose(f);
	return n;
}

static void exec_test(const struct test *t)
{
	static char path[512], shebang[256];
	char *argv[ARGS_MAX + 8], *args = args_of(t->base), *save = NULL, *word;
	size_t n = 0;

	snprintf(path, sizeof(path), "./%s", t->base);
	if (access(path, X_OK)) {
		if (!access("./ksft_runner.sh", X_OK))
			argv[n++] = (char *)"./ksft_runner.sh";
		else
			n = interpreter(path, shebang, sizeof(shebang), argv);
		if (!n) {
			printf("Warning: file %s is not executable\n", t->name);
			fflush(stdout);
			_exit(126);
		}
	}
	argv[n++] = path;
	for (word = args ? strtok_r(args, " \t", &save) : NULL;
	     word && n < ARGS_MAX; word = strtok_r(NULL, " \t", &save))
		argv[n++] = word;
	argv[n] = NULL;
	execvp(argv[0], argv);
	printf("%s: %s\n", argv[0], strerror(errno));
	fflush(stdout);
	_exit(errno == ENOENT ? 127 : 126);
}

/* As the runner: in the test's own folder, stderr with stdout. */
static void be_test(const struct test *t, int out)
{
	char dir[512], limit[16], *slash;
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	snprintf(dir, sizeof(dir), "%s/%s/%s", root, t->collection, t->name);
	slash = strrchr(dir, '/');
	*slash = 0;
	snprintf(limit, sizeof(limit), "%u", t->seconds);
	setenv("kselftest_timeout", limit, 1);
	if (chdir(dir)) {
		printf("%s: %s\n", dir, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	exec_test(t);
}

static bool start(struct ksft_run *r)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		return false;
	fflush(stdout);
	r->pid = fork();
	if (!r->pid)
		be_test(r->t, p[1]);
	close(p[1]);
	r->out = p[0];
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	return r->pid > 0;
}

/* --- one test ----------------------------------------------------------- */

/*
 * Until it ends, has something to be read, or @until; all but the end waits
 * for LAZY_MS more, unless much comes. What a test says is not looked at while
 * it says it: each look costs time of the CPUs whose wake-ups some tests
 * measure in milliseconds, and many looks cost more than few.
 */
static void await(struct ksft_run *r, uint64_t until)
{
	uint64_t now = now_ns();
	bool lazy = r->lazy_ns && unread(r) < LAZY_BYTES;
	struct pollfd p = { .fd = lazy ? -1 : r->out, .events = POLLIN };
	uint64_t end = lazy && r->lazy_ns < until ? r->lazy_ns : until;
	uint64_t left = end > now ? end - now : 0;
	const struct timespec ts = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};
	sigset_t none;
	int n;

	sigemptyset(&none);
	n = ppoll(&p, 1, end == UINT64_MAX ? NULL : &ts, &none);
	if (n < 0)
		return;		/* the signal of its end */
	if (n && !r->lazy_ns && unread(r) && unread(r) < LAZY_BYTES) {
		r->lazy_ns = now_ns() + LAZY_MS * 1000000ull;
	} else if (n || (r->lazy_ns && now_ns() >= r->lazy_ns)) {
		r->lazy_ns = 0;
		read_output(r);
	}
}

/*
 * Until the test itself has ended: what it left running may hold the pipe. The
 * signal that tells of its end wakes the poll; see ksft_main().
 */
static int wait_for(struct ksft_run *r)
{
	uint64_t end = r->t->seconds ? now_ns() + r->t->seconds * 1000000000ull :
				       UINT64_MAX;
	int status;

	while (waitpid(r->pid, &status, WNOHANG) != r->pid) {
		if (now_ns() < end) {
			await(r, end);
			continue;
		}
		kill(-r->pid, r->timed_out ? SIGKILL : SIGTERM);
		r->timed_out = true;
		end = now_ns() + GRACE_MS * 1000000ull;
	}
	return status;
}

static enum wire_test_status judge(const struct ksft_run *r, int rc,
				   char *reason, size_t size)
{
	snprintf(reason, size, "%s", "");
	if (r->timed_out || rc == 124) {
		snprintf(reason, size, "%u seconds", r->t->seconds);
		return WIRE_TEST_TIMEOUT;
	}
	if (r->t->knows_xfail && (rc == RC_XFAIL || rc == RC_XPASS))
		return rc == RC_XFAIL ? WIRE_TEST_XFAIL : WIRE_TEST_XPASS;
	switch (rc) {
	case 0:
		return WIRE_TEST_PASS;
	case RC_SKIP:
		snprintf(reason, size, "%s", r->skip);
		return WIRE_TEST_SKIP;
	default:
		snprintf(reason, size, "exit=%d", rc);
		return WIRE_TEST_FAIL;
	}
}

static void print_result(const struct test *t, unsigned int number,
			 enum wire_test_status status, const char *reason)
{
	static const char *const words[] = {
		[WIRE_TEST_PASS] = "", [WIRE_TEST_FAIL] = " # ",
		[WIRE_TEST_SKIP] = " # SKIP ", [WIRE_TEST_XFAIL] = " # XFAIL ",
		[WIRE_TEST_XPASS] = " # XPASS ", [WIRE_TEST_ERROR] = " # ERROR ",
		[WIRE_TEST_TIMEOUT] = " # TIMEOUT ",
	};
	bool bad = status == WIRE_TEST_FAIL || status == WIRE_TEST_TIMEOUT;

	printf("%sok %u selftests: %s: %s%s%s\n", bad ? "not " : "", number,
	       t->collection, t->base, words[status], reason);
	fflush(stdout);
}

/* True where the test did not fail. */
static bool run_test(const struct test *t, unsigned int number)
{
	static struct ksft_run r;
	uint64_t from = now_ns();
	enum wire_test_status status;
	char name[NAME_MAX_LEN], reason[256];
	int st, rc;

	r = (struct ksft_run){ .t = t, .out = -1 };
	printf("# timeout set to %u\n# selftests: %s: %s\n", t->seconds,
	       t->collection, t->base);
	if (!start(&r)) {
		printf("Bail out! fork: %s\n", strerror(errno));
		return false;
	}
	st = wait_for(&r);
	kill(-r.pid, SIGKILL);	/* what it left behind */
	if (r.out >= 0)
		read_output(&r);
	if (r.len)
		take_line(&r);
	if (r.out >= 0)
		close(r.out);
	rc = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	status = judge(&r, rc, reason, sizeof(reason));
	snprintf(name, sizeof(name), "%s:%s", t->collection, t->base);
	send_result(name, 0, status, reason, now_ns() - from);
	print_result(t, number, status, reason);
	return status != WIRE_TEST_FAIL && status != WIRE_TEST_TIMEOUT;
}

/* --- the list ----------------------------------------------------------- */

static char *read_list(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *bytes = NULL;

	if (f && !fstat(fileno(f), &st)) {
		bytes = calloc(1, (size_t)st.st_size + 1);
		*len = bytes ? fread(bytes, 1, (size_t)st.st_size, f) : 0;
	}
	if (f)
		fclose(f);
	return bytes;
}

static bool read_record(char *p, struct test *t)
{
	char *a = strchr(p, '\t'), *b = a ? strchr(a + 1, '\t') : NULL, *slash;

	if (!b)
		return false;
	*a = 0;
	*b = 0;
	*t = (struct test){ p, a + 1, a + 1, (unsigned int)atoi(b + 1),
			    strchr(b + 1, 'x') != NULL };
	slash = strrchr(t->name, '/');
	if (slash)
		t->base = slash + 1;
	return t->base[0];
}

static void on_child(int sig)
{
	(void)sig;
}

int ksft_main(int argc, char **argv)
{
	const struct sigaction chld = { .sa_handler = on_child };
	const char *path = argc > 1 ? argv[1] : KSFT_PATH;
	unsigned int nr = 0, bad = 0, number = 0;
	size_t len = 0;
	char *bytes = read_list(path, &len), *p;
	struct test t;
	sigset_t set;

	if (argc > 2)
		root = argv[2];
	if (!bytes || len <= sizeof(KSFT_MAGIC) ||
	    memcmp(bytes, KSFT_MAGIC, sizeof(KSFT_MAGIC))) {
		fprintf(stderr, "vmtap-kselftest: %s: no list of tests\n", path);
		return KSFT_EXIT_BROKEN;
	}
	/* Blocked but in ppoll(): no end of a test goes unnoticed. */
	sigaction(SIGCHLD, &chld, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (p = bytes + sizeof(KSFT_MAGIC); p < bytes + len; p += strlen(p) + 1)
		nr++;
	printf("TAP version 13\n1..%u\n", nr);
	for (p = bytes + sizeof(KSFT_MAGIC); p < bytes + len;) {
		char *next = p + strlen(p) + 1;

		if (!read_record(p, &t)) {
			fprintf(stderr, "vmtap-kselftest: %s: a bad record\n", path);
			return KSFT_EXIT_BROKEN;
		}
		bad += !run_test(&t, ++number);
		p = next;
	}
	fflush(stdout);
	return bad ? 1 : 0;
}
