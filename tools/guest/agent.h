/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest agent: PID 1 in the VM, one static program of a few files.
 *
 *	init.c     the course of things, from mounts to reboot
 *	setup.c    mounts, kernel modules, console devices
 *	job.c      what to do: the job file
 *	link.c     frames to the host: port 1, else COM2; copies to the ring
 *	ring.c     the crash ring in reserved memory
 *	facts.c    HELLO and KERN_ADDRS
 *	payload.c  the scenario's guest part: run, stream, reap
 *	sched.c    the scheduler under test: attach, watch, end
 *	relay.c    port 2 to the scheduler's stats socket and back
 *	probes.c   kprobes on what a crash of the scheduler came through
 *	ask.c      socket for helpers inside the guest (applet.c)
 *	crash.c    the agent's own death, told synchronously
 *	applet.c   vmtap-snapshot and friends: other names of this program
 *	tell.c     frames from the programs below, through PID 1
 *	ksft.c     vmtap-kselftest: runs kselftests; ktap.c reads their output
 *	wl_*.c     vmtap-workload, a program of its own; see wl.h
 *
 * One thread; the only concurrency is the crash handler.
 */
#ifndef VMTAP_GUEST_AGENT_H
#define VMTAP_GUEST_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/wire.h"

#define AGENT_VERSION "1"
#define AGENT_SOCKET "/run/vmtap.sock"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The console driver takes at most 32 KiB per write: one frame, one kick. */
#define FRAME_MAX (32 * 1024)
#define CHUNK_MAX (FRAME_MAX - WIRE_HDR_SIZE)

/* --- job.c --- */

#define JOB_MAX_WORDS 1024

enum job_end { END_REBOOT, END_POWEROFF, END_HALT, END_EXIT };

/* Strings point into the file's bytes. Lists end with NULL. */
struct job {
	char *bytes;
	char *modules[JOB_MAX_WORDS];
	char *argv[JOB_MAX_WORDS];
	char *env[JOB_MAX_WORDS];
	char *sched[JOB_MAX_WORDS];
	char *probes[JOB_MAX_WORDS];
	size_t nr_modules, argc, nr_env, nr_sched, nr_probes;
	bool stats;
	const char *script;
	const char *cwd;
	const char *hostname;
	bool bulk;
	long bulk_wait_ms;
	long kill_ms;
	long look_ms;
	long hold_ms;
	enum job_end end;
};

/** job_parse() - @bytes[@len] is changed and kept; NULL or what is wrong */
const char *job_parse(struct job *job, char *bytes, size_t len);
/** job_read() - a job file; NULL or what is wrong */
const char *job_read(struct job *job, const char *path);

/* --- crc.c --- */

void crc_init(void);
/** crc32_of() - as wire_crc32(0, ...), eight bytes at a time */
uint32_t crc32_of(const void *data, size_t len);

/* --- ring.c --- */

/** ring_open() - map what the command line's vmtap.ring= names; false: none */
bool ring_open(const char *cmdline, const char *mem_path);
/** ring_append() - one whole frame or nothing; async-signal-safe */
void ring_append(const void *frame, size_t len);

/* --- link.c --- */

/** link_open_com2() - the serial line, raw; a missing one is survived */
void link_open_com2(const char *path);
/** link_have_ring() - the ring is mapped: it gets copies of what matters */
void link_have_ring(bool yes);
/** link_use_port() - from now on frames go to @fd (a port, non-blocking) */
void link_use_port(int fd);
/** link_port() - descriptor of the port to poll for requests, -1: COM2 */
int link_port(void);
/** link_buffer() - CHUNK_MAX bytes; link_send() of them copies nothing */
uint8_t *link_buffer(void);
/** link_send() - one frame; waits until the transport took it */
void link_send(uint16_t type, uint16_t flags, const void *payload, size_t len);
/** link_raw() - bytes as they are, for tests of the host's assembler */
void link_raw(const void *bytes, size_t len);
/** link_log() - WIRE_LOG: what the agent has to say */
void link_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** link_stage() - WIRE_LIFECYCLE; INIT goes to the ring alone where there is one */
void link_stage(enum wire_stage stage, const char *detail);
/** link_exit() - EXIT frame and COM2 sentinel */
void link_exit(int code, int signal);
/** link_words() - plain text to COM2, then wait until it left; signal-safe */
void link_words(const char *text, size_t len);
/** link_crash() - CRASH frame to the ring and, if it is idle, the port; signal-safe */
void link_crash(const char *text, size_t len);

uint64_t now_ns(void);
/** wait_fd() - poll one descriptor; >0 events, 0 timeout */
int wait_fd(int fd, short events, int timeout_ms);

/* --- setup.c --- */

/** setup_mounts() - file systems; devtmpfs first */
void setup_mounts(void);
/** setup_modules() - insert in order; says on the link what failed */
void setup_modules(const struct job *job);
/** setup_watch_ports() - uevent socket, opened before modules load; -1 none */
int setup_watch_ports(void);
/** setup_find_port() - open the named port, wait for host and port; -1 none */
int setup_find_port(const char *name, int watch, long wait_ms);
void setup_rest(const struct job *job);

/* --- facts.c --- */

void facts_hello(void);
void facts_kern_addrs(void);

/* --- ask.c --- */

struct pollfd;

/** ask_open() - listen for helpers; without a socket they fail, no more */
void ask_open(void);
/** ask_poll() - add descriptors to @p; returns how many */
size_t ask_poll(struct pollfd *p);
/** ask_handle() - serve what ask_poll() added */
void ask_handle(const struct pollfd *p, size_t nr);
/** ask_from_host() - read requests from the port; true: end now */
bool ask_from_host(void);
/** ask_hold() - wait until the host has seen enough, or ended us, or @ms passed */
void ask_hold(long ms);
/** ask_exit_code() - true where a helper named the exit code */
bool ask_exit_code(int *code);

/* A helper's message: this head, then the payload. */
struct ask_head {
	uint16_t type;	/* enum wire_type, or one of the below */
	uint16_t flags;
};

#define ASK_RAW 0xff00		/* link_raw() */
#define ASK_EXIT_CODE 0xff01	/* int32_t */
#define ASK_MAP_WRITTEN 0xff02	/* answered when the host wrote its maps */
#define ASK_MAX (16 * 1024)

/* --- payload.c --- */

/** payload_run() - run, stream, reap; *@signal 0 where it exited */
int payload_run(const struct job *job, int *signal);
/** payload_leftovers() - end what the payload left running */
void payload_leftovers(const struct job *job);

/* --- sched.c --- */

/**
 * sched_start() - run the job's scheduler and wait until @state, a file, says
 * enabled; false: it did not get there, the host was told
 */
bool sched_start(const struct job *job, const char *state);
/** sched_poll() - add descriptors to @p, shorten the wait; returns how many */
size_t sched_poll(struct pollfd *p, int *timeout_ms);
/** sched_handle() - serve what sched_poll() added */
void sched_handle(const struct pollfd *p, size_t nr);
/** sched_reaped() - was it the scheduler? An early end goes to the host */
bool sched_reaped(pid_t pid, int status);
/**
 * sched_settle() - the payload ended: was sched_ext's scheduler thrown out just
 * before? Then it has a moment for its last words, and is told
 */
void sched_settle(void);
/** sched_left() - the scheduler is gone before its time */
bool sched_left(void);
/** sched_stop() - SIGTERM, its last words, SIGKILL */
void sched_stop(void);

/* --- relay.c --- */

/** relay_open() - port 2, where the job wants stats */
void relay_open(const struct job *job);
/** relay_ready() - nothing to relay, or the scheduler serves its socket */
bool relay_ready(void);
/** relay_last() - let the host ask once more, as "end", before the end */
void relay_last(void);
size_t relay_poll(struct pollfd *p);
void relay_handle(const struct pollfd *p, size_t nr);

/* --- probes.c --- */

/** probes_arm() - set the job's kprobes; one that cannot be is told */
void probes_arm(const struct job *job);
/** probes_tell() - stop, and send what they recorded last */
void probes_tell(void);

/* --- crash.c --- */

/** crash_arm() - handlers for the agent's own faults; @top of the stack: argv */
void crash_arm(const void *top);
/** crash_die() - the agent cannot go on: PANIC line, then reboot */
void crash_die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* --- applet.c --- */

/** applet_main() - exit status, or -1 where @name is no applet */
int applet_main(const char *name, int argc, char **argv);

/* --- tell.c --- */

/**
 * tell_agent() - have PID 1 send a frame, from another process
 * @len: below ASK_MAX
 * @text: gets the words of the answer, terminated; may be NULL
 * Return: the answer's status, or -errno where there is no agent.
 */
int tell_agent(uint16_t type, uint16_t flags, const void *payload, size_t len,
	       char *text, size_t size);

/* --- ksft.c --- */

/** ksft_main() - vmtap-kselftest; 0 none failed, 1, or KSFT_EXIT_BROKEN */
int ksft_main(int argc, char **argv);

/* --- wl_main.c --- */

/** wl_main() - the workload engine; exit status */
int wl_main(int argc, char **argv);

/* --- init.c --- */

void end_machine(enum job_end end) __attribute__((noreturn));

#endif
