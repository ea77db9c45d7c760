// SPDX-License-Identifier: GPL-2.0-only
/*
 * init: the course of things. PID 1 in the VM; with --test in a PID namespace
 * of the host, where files stand in for the devices and nothing is mounted.
 */
#include "tools/guest/agent.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <linux/reboot.h>

/* Where things are; --test replaces them. */
struct places {
	const char *com2;
	const char *job;
	const char *mem;
	const char *cmdline;	/* file */
	const char *port;	/* a file in place of the port; NULL: look */
	const char *sched;	/* sched_ext's state */
	bool test;
};

void end_machine(enum job_end end)
{
	static const int how[] = {
		[END_REBOOT] = RB_AUTOBOOT, [END_POWEROFF] = RB_POWER_OFF,
		[END_HALT] = RB_HALT_SYSTEM,
	};

	if (end == END_EXIT)
		_exit(0);
	reboot(how[end]);
	/* Not reached in a VM; where it is, dying says it best. */
	_exit(1);
}

static const char *read_cmdline(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

/*
 * The agent must be heard while the payload burns all CPUs or a scheduler
 * under test starves everybody; and what a payload wrote shall have left
 * before its next step can take the machine down.
 */
static void be_urgent(void)
{
	const struct sched_param p = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p))
		link_log("no real-time priority for the agent");
}

static void connect_port(const struct job *job, const struct places *at, int watch)
{
	int fd = -1;

	if (at->port)
		fd = open(at->port, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	else if (job->bulk && !at->test)
		fd = setup_find_port(WIRE_PORT_BULK, watch, job->bulk_wait_ms);
	if (fd >= 0)
		link_use_port(fd);
	else
		link_log("%s: going on by COM2", job->bulk ?
			 "port " WIRE_PORT_BULK " did not come up" :
			 "port " WIRE_PORT_BULK " is not wanted");
	if (watch >= 0)
		close(watch);
}

static void prepare(struct job *job, const struct places *at)
{
	int watch = -1;
	const char *why;

	if (!at->test)
		setup_mounts();
	link_open_com2(at->com2);
	link_have_ring(ring_open(read_cmdline(at->cmdline), at->mem));
	link_stage(WIRE_STAGE_INIT, "");
	why = job_read(job, at->job);
	if (why)
		crash_die("%s: %s", at->job, why);
	if (!at->test) {
		watch = job->bulk ? setup_watch_ports() : -1;
		setup_modules(job);
		setup_rest(job);
	}
	connect_port(job, at, watch);
	facts_hello();
	link_stage(WIRE_STAGE_AGENT, "");
	facts_kern_addrs();
	ask_open();
	if (!at->test)
		be_urgent();
}

static void __attribute__((noreturn)) finish(const struct job *job,
					     const struct places *at)
{
	sched_stop();
	payload_leftovers(job);
	if (!at->test)
		sync();
	end_machine(at->test ? END_EXIT : job->end);
}

static void run(const struct places *at)
{
	static struct job job;
	int code, signal_nr;
	char detail[64] = "";

	prepare(&job, at);
	relay_open(&job);
	probes_arm(&job);
	if (job.look_ms)
		ask_hold(job.look_ms);
	if (!sched_start(&job, at->sched))
		finish(&job, at);
	link_stage(WIRE_STAGE_PAYLOAD, job.argc ? job.argv[0] :
		   job.script ? job.script : "nothing to run");
	code = payload_run(&job, &signal_nr);
	sched_settle();
	/* A payload that was ended for it has no verdict of its own. */
	if (sched_left())
		finish(&job, at);
	relay_last();
	if (signal_nr)
		snprintf(detail, sizeof(detail), "killed by signal %d (%s)",
			 signal_nr, strsignal(signal_nr));
	link_stage(WIRE_STAGE_VERDICT, detail);
	link_exit(code, signal_nr);
	ask_hold(job.hold_ms);
	finish(&job, at);
}

static bool parse_test(struct places *at, int argc, char **argv)
{
	static const char *const keys[] = { "com2", "job", "mem", "cmdline", "port",
					    "sched" };
	const char **where[] = { &at->com2, &at->job, &at->mem, &at->cmdline, &at->port,
				 &at->sched };

	if (argc < 2 || strcmp(argv[1], "--test"))
		return false;
	for (int i = 2; i < argc; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			size_t n = strlen(keys[k]);

			if (!strncmp(argv[i], keys[k], n) && argv[i][n] == '=')
				*where[k] = argv[i] + n + 1;
		}
	}
	at->test = true;
	return true;
}

int main(int argc, char **argv)
{
	struct places at = {
		.com2 = "/dev/ttyS1", .job = "/vmtap/job", .mem = "/dev/mem",
		.cmdline = "/proc/cmdline", .sched = "/sys/kernel/sched_ext/state",
	};
	const char *name = argc ? strrchr(argv[0], '/') : NULL;
	int rc = argc ? applet_main(name ? name + 1 : argv[0], argc, argv) : -1;

	if (rc >= 0)
		return rc;
	if (!parse_test(&at, argc, argv) && getpid() != 1) {
		fputs("this is the guest agent of vmtap: it runs as PID 1 of a guest\n",
		      stderr);
		return 2;
	}
	crc_init();
	signal(SIGPIPE, SIG_IGN);
	crash_arm(argv);
	run(&at);
	return 0;
}
