// SPDX-License-Identifier: GPL-2.0-only
/* applet: what a payload calls to tell the host something through PID 1. */
#include "tools/guest/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct msg {
	struct ask_head head;
	uint8_t payload[ASK_MAX - sizeof(struct ask_head)];
	size_t len;
};

static int fail(const char *what)
{
	fprintf(stderr, "vmtap: %s: %s\n", what, strerror(errno));
	return 1;
}

static int usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	return 2;
}

static void add(struct msg *m, const void *data, size_t len)
{
	if (len > sizeof(m->payload) - m->len)
		len = sizeof(m->payload) - m->len;
	memcpy(m->payload + m->len, data, len);
	m->len += len;
}

static void add32(struct msg *m, uint32_t v)
{
	uint8_t b[4];

	wire_put32(b, v);
	add(m, b, sizeof(b));
}

static void add64(struct msg *m, uint64_t v)
{
	add32(m, (uint32_t)v);
	add32(m, (uint32_t)(v >> 32));
}

/* Send, wait for the answer, print its text; exit status. */
static int ask(const struct msg *m)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = AGENT_SOCKET };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint8_t reply[1024];
	int32_t status;
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fail("no agent");
	if (send(fd, &m->head, sizeof(m->head) + m->len, 0) < 0)
		return fail("send");
	n = recv(fd, reply, sizeof(reply), 0);
	if (n < 4) {
		errno = n < 0 ? errno : EPIPE;
		return fail("no answer");
	}
	status = (int32_t)wire_get32(reply);
	if (n > 4)
		fprintf(status ? stderr : stdout, "%.*s\n", (int)n - 4, reply + 4);
	else if (status)
		fprintf(stderr, "vmtap: %s\n", strerror(-status));
	return status ? 1 : 0;
}

static int request(uint32_t kind, const char *name)
{
	static struct msg m = { .head.type = WIRE_SNAPSHOT_REQUEST };

	add32(&m, 0);
	add32(&m, kind);
	add(&m, name, strlen(name));
	return ask(&m);
}

static int snapshot(int argc, char **argv, uint32_t kind, const char *how)
{
	return argc != 2 || !*argv[1] ? usage(how) : request(kind, argv[1]);
}

static int do_snapshot(int argc, char **argv)
{
	return snapshot(argc, argv, WIRE_SNAPSHOT_CAPTURE, "vmtap-snapshot NAME");
}

static int do_watch(int argc, char **argv)
{
	return snapshot(argc, argv, WIRE_SNAPSHOT_WATCH, "vmtap-watch SYMBOL");
}

static int do_stats(int argc, char **argv)
{
	return snapshot(argc, argv, WIRE_SNAPSHOT_STATS, "vmtap-stats NAME");
}

static int do_look(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return usage("vmtap-look: wait until the host has looked into the guest");
	return request(WIRE_SNAPSHOT_LOOK, "look");
}

static int do_result(int argc, char **argv)
{
	static const char *const names[] = {
		[WIRE_TEST_PASS] = "pass", [WIRE_TEST_FAIL] = "fail",
		[WIRE_TEST_SKIP] = "skip", [WIRE_TEST_XFAIL] = "xfail",
		[WIRE_TEST_XPASS] = "xpass", [WIRE_TEST_ERROR] = "error",
		[WIRE_TEST_TIMEOUT] = "timeout",
	};
	static struct msg m = { .head.type = WIRE_TEST_RESULT };
	uint32_t i;

	for (i = 0; argc >= 3 && i < ARRAY_SIZE(names); i++) {
		if (!strcmp(argv[1], names[i]))
			break;
	}
	if (argc < 3 || i == ARRAY_SIZE(names))
		return usage("vmtap-result pass|fail|skip|xfail|xpass|error|timeout NAME [DETAIL]");
	add32(&m, i);
	add32(&m, 0);
	add64(&m, 0);
	add(&m, argv[2], strlen(argv[2]) + 1);
	for (int a = 3; a < argc; a++) {
		add(&m, argv[a], strlen(argv[a]));
		if (a + 1 < argc)
			add(&m, " ", 1);
	}
	return ask(&m);
}

static int do_stimulus(int argc, char **argv)
{
	static struct msg m = { .head.type = WIRE_STIMULUS };
	uint64_t v[5] = {};	/* step, ops, cgroups, workers, iterations */

	if (argc < 2 || argc > 7)
		return usage("vmtap-stimulus LABEL [STEP [OPS [CGROUPS [WORKERS [ITERATIONS]]]]]");
	for (int i = 2; i < argc; i++)
		v[i - 2] = strtoull(argv[i], NULL, 0);
	add64(&m, now_ns());
	for (int i = 0; i < 4; i++)
		add32(&m, (uint32_t)v[i]);
	add64(&m, v[4]);
	add(&m, argv[1], strlen(argv[1]));
	return ask(&m);
}

static int do_metric(int argc, char **argv)
{
	static struct msg m = { .head.type = WIRE_METRICS };

	for (int i = 1; i < argc; i++) {
		if (!strchr(argv[i], '='))
			argc = 0;
		else
			add(&m, argv[i], strlen(argv[i]));
		add(&m, "\n", 1);
	}
	if (argc < 2)
		return usage("vmtap-metric NAME=NUMBER...");
	return ask(&m);
}

static int do_exit(int argc, char **argv)
{
	static struct msg m = { .head.type = ASK_EXIT_CODE };
	int32_t code;

	if (argc != 2)
		return usage("vmtap-exit CODE: tell CODE instead of the payload's own");
	code = (int32_t)strtol(argv[1], NULL, 0);
	add(&m, &code, sizeof(code));
	return ask(&m);
}

static int do_map_written(int argc, char **argv)
{
	static const struct msg m = { .head.type = ASK_MAP_WRITTEN };

	(void)argv;
	if (argc != 1)
		return usage("vmtap-map-written: wait until bpf_map_write is done");
	return ask(&m);
}

/* A frame of any type, or any bytes, from stdin: for tests of the host. */
static int do_frame(int argc, char **argv)
{
	static struct msg m;
	size_t n;

	if (argc < 2)
		return usage("vmtap-frame TYPE|raw [FLAGS] <PAYLOAD");
	m.head.type = strcmp(argv[1], "raw") ? (uint16_t)strtoul(argv[1], NULL, 0) : ASK_RAW;
	m.head.flags = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 0) : 0;
	while (m.len < sizeof(m.payload) &&
	       (n = fread(m.payload + m.len, 1, sizeof(m.payload) - m.len, stdin)))
		m.len += n;
	return ask(&m);
}

int applet_main(const char *name, int argc, char **argv)
{
	static const struct { const char *name; int (*run)(int, char **); } applets[] = {
		{ "vmtap-snapshot", do_snapshot }, { "vmtap-watch", do_watch },
		{ "vmtap-result", do_result }, { "vmtap-stimulus", do_stimulus },
		{ "vmtap-metric", do_metric }, { "vmtap-exit", do_exit },
		{ "vmtap-frame", do_frame }, { "vmtap-workload", wl_main },
		{ "vmtap-map-written", do_map_written }, { "vmtap-stats", do_stats },
		{ "vmtap-kselftest", ksft_main }, { "vmtap-look", do_look },
	};

	for (size_t i = 0; i < ARRAY_SIZE(applets); i++) {
		if (!strcmp(name, applets[i].name))
			return applets[i].run(argc, argv);
	}
	return -1;
}
