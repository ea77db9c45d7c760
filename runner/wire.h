/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire: what the guest agent and the host say to each other. This header is
 * all that the agent shares with the host: layouts, numbers, and the few lines
 * that put a frame together. The host's receiving side is runner/assembler.h.
 *
 * A frame is a header and a payload, all integers little endian:
 *
 *	 0  magic    d6 56 54 9a
 *	 4  type     enum wire_type
 *	 6  flags    per type, 0 where not told
 *	 8  length   of the payload, at most WIRE_MAX_PAYLOAD
 *	12  seq      one count per agent, over all transports, from 0
 *	16  crc      CRC-32 of the payload
 *	20  hcrc     CRC-32 of bytes 0 to 19
 *	24  payload
 *
 * The header carries its own CRC so that a length is believed, and a damaged
 * payload skipped as a whole, without looking for frames inside it.
 *
 * Transports: port 1 of virtio-console takes frames as they are. The serial
 * line COM2 takes them as text lines beside plain text (wire_line below). The
 * crash ring (struct wire_ring) takes them as they are.
 */
#ifndef VMTAP_RUNNER_WIRE_H
#define VMTAP_RUNNER_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_VERSION 1
#define WIRE_MAGIC 0x9a5456d6u
#define WIRE_HDR_SIZE 24
#define WIRE_MAX_PAYLOAD (256u << 10)

/* Names of the ports, as in /sys/class/virtio-ports/<port>/name. */
#define WIRE_PORT_BULK "vmtap.bulk"	/* port 1 */
#define WIRE_PORT_STATS "vmtap.stats"	/* port 2 */

/* Words on the kernel command line. */
#define WIRE_ARG_RING "vmtap.ring"	/* =<gpa>,<bytes>, both hexadecimal 0x */

enum wire_type {
	/* guest to host */
	WIRE_HELLO = 1,		/* struct wire_hello, then two strings */
	WIRE_LIFECYCLE = 2,	/* struct wire_lifecycle, then text */
	WIRE_STDOUT = 3,	/* bytes */
	WIRE_STDERR = 4,	/* bytes */
	WIRE_EXIT = 5,		/* exactly 4 bytes: s32 exit code */
	WIRE_TEST_RESULT = 6,	/* struct wire_test, then name NUL detail */
	WIRE_STIMULUS = 7,	/* struct wire_stimulus, then a label */
	WIRE_SNAPSHOT_REQUEST = 8, /* struct wire_snapshot, then a name */
	WIRE_KERN_ADDRS = 9,	/* struct wire_kern_addrs */
	WIRE_METRICS = 10,	/* text: lines of path=number or path="text" */
	WIRE_SCHED_EXIT = 11,	/* struct wire_sched_exit, then text */
	WIRE_CRASH = 12,	/* text: message, backtrace lines */
	WIRE_LOG = 13,		/* text: what the agent itself has to say */
	WIRE_SCHED_OUT = 14,	/* bytes that the scheduler wrote */
	WIRE_SCHED_ON = 15,	/* empty: sched_ext says enabled */
	WIRE_PROBES = 16,	/* text: the kernel's trace of what probes saw */
	WIRE_PHASE = 17,	/* u32: step of the workload that begins; its number
				 * of steps, or 1 without any: it is over */
	/* host to guest, port 1 only */
	WIRE_SNAPSHOT_REPLY = 0x81, /* struct wire_snapshot_reply, then text */
	WIRE_SHUTDOWN = 0x82,	/* empty: the watchdog fires soon, end now */
	WIRE_MAP_WRITE_DONE = 0x83, /* struct wire_map_write_done, then text */
	WIRE_GO_ON = 0x84,	/* empty: what there was to see or to arm was */
};

/*
 * WIRE_EXIT's flags: number of the signal that killed the payload, 0 where it
 * exited. The code is then 128 + signal, as a shell tells it.
 */
#define WIRE_EXIT_SIGNAL(flags) ((flags) & 0x7f)

/* How far the guest got; the host sees the first two by itself. */
enum wire_stage {
	WIRE_STAGE_ENTRY = 0,	/* the first vCPU was entered */
	WIRE_STAGE_KERNEL = 1,	/* the kernel spoke */
	WIRE_STAGE_INIT = 2,	/* /init runs */
	WIRE_STAGE_AGENT = 3,	/* modules loaded, transport chosen */
	WIRE_STAGE_PAYLOAD = 4,	/* the scenario's guest part was started */
	WIRE_STAGE_VERDICT = 5,	/* it ended; EXIT is the next frame but LOG */
};

#define WIRE_PACKED __attribute__((packed))

struct wire_hello {
	uint32_t version;	/* WIRE_VERSION */
	uint32_t cpus;		/* online */
	uint64_t memory;	/* MemTotal, bytes */
	uint64_t time_ns;	/* CLOCK_BOOTTIME */
	/* agent version NUL kernel release NUL */
} WIRE_PACKED;

struct wire_lifecycle {
	uint32_t stage;		/* enum wire_stage */
	uint32_t reserved;
	uint64_t time_ns;	/* CLOCK_BOOTTIME */
} WIRE_PACKED;

enum wire_test_status {
	WIRE_TEST_PASS, WIRE_TEST_FAIL, WIRE_TEST_SKIP, WIRE_TEST_XFAIL,
	WIRE_TEST_XPASS, WIRE_TEST_ERROR, WIRE_TEST_TIMEOUT,
};

struct wire_test {
	uint32_t status;	/* enum wire_test_status */
	uint32_t reserved;
	uint64_t duration_ns;	/* 0: not told */
} WIRE_PACKED;

struct wire_stimulus {
	uint64_t time_ns;	/* since the workload began */
	uint32_t step;
	uint32_t ops;
	uint32_t cgroups;
	uint32_t workers;
	uint64_t iterations;	/* of all workers so far */
} WIRE_PACKED;

/*
 * A TEST_RESULT frame's flags: how deep the result lies, 0 a test, 1 what it
 * printed of itself, and so on. A test's own result comes after those in it.
 */
#define WIRE_TEST_LEVEL(flags) ((flags) & 0xff)

/*
 * The list of kselftests, KSFT_PATH in the initramfs: NUL-terminated records,
 * the first one KSFT_MAGIC, then COLLECTION '\t' TEST '\t' SECONDS, where 0 is
 * no limit, and an 'x' behind it says that exit statuses 2 and 3 mean XFAIL and
 * XPASS. Collections are folders below KSFT_ROOT.
 */
#define KSFT_MAGIC "vmtap-kselftest 1"
#define KSFT_PATH "/vmtap/kselftest"
#define KSFT_ROOT "/kselftest"
#define KSFT_APPLET "/usr/bin/vmtap-kselftest"
#define KSFT_EXIT_BROKEN 125

enum wire_snapshot_kind {
	WIRE_SNAPSHOT_CAPTURE = 1,
	WIRE_SNAPSHOT_WATCH = 2,
	WIRE_SNAPSHOT_STATS = 3,	/* of the scheduler, by port 2 */
	WIRE_SNAPSHOT_LOOK = 4,		/* answered when the host has looked */
};

struct wire_snapshot {
	uint32_t id;		/* comes back in the reply */
	uint32_t kind;		/* enum wire_snapshot_kind */
} WIRE_PACKED;

struct wire_snapshot_reply {
	uint32_t id;
	int32_t status;		/* 0 or a negative errno */
} WIRE_PACKED;

struct wire_map_write_done {
	int32_t status;		/* 0: all was written; or a negative errno */
} WIRE_PACKED;

/* Which members of struct wire_kern_addrs are told. */
#define WIRE_KA_TEXT (1u << 0)
#define WIRE_KA_CODE_START (1u << 1)
#define WIRE_KA_PHYS_BASE (1u << 2)
#define WIRE_KA_KASLR_OFFSET (1u << 3)

struct wire_kern_addrs {
	uint32_t valid;		/* WIRE_KA_* */
	uint32_t reserved;
	uint64_t text;		/* _text at run time, from /proc/kallsyms */
	uint64_t code_start;	/* "Kernel code" in /proc/iomem: _text, physical */
	uint64_t phys_base;	/* code_start - (text - 0xffffffff80000000) */
	uint64_t kaslr_offset;	/* KERNELOFFSET of the vmcoreinfo note */
} WIRE_PACKED;

struct wire_sched_exit {
	int32_t code;
	uint32_t signal;	/* 0: it exited */
} WIRE_PACKED;

/*
 * COM2 is a line-based text stream. A frame is one line: WIRE_LINE_START, the
 * frame's bytes with WIRE_LINE_ESCAPE before those that a tty or the line
 * format may eat, newline. All else on COM2 is plain text, of which two lines
 * have a meaning:
 *	VMTAP-EXIT:<decimal>	the exit code, should no EXIT frame arrive; at
 *				the line's start, complete with newline; the
 *				last one counts
 *	...PANIC:...		crash message: text after it where the line
 *				begins with it, else the whole line, then the
 *				indented lines below (backtrace); the first one
 *				counts
 * Byte stuffing, not base64: output is mostly text, each byte on a serial line
 * is a VM exit, and base64 would send a third more of them. The line is 8-bit
 * clean once the agent made it raw; escaping \n, \r, XON, XOFF and NUL keeps
 * frames whole even where it could not.
 */
#define WIRE_LINE_START 0x1e
#define WIRE_LINE_ESCAPE 0x10
#define WIRE_LINE_FLIP 0x40
#define WIRE_LINE_MAX (2 * (WIRE_HDR_SIZE + WIRE_MAX_PAYLOAD) + 2)
#define WIRE_SENTINEL "VMTAP-EXIT:"
#define WIRE_PANIC "PANIC:"

/*
 * The crash ring: guest memory that the e820 map reserves, WIRE_ARG_RING tells
 * where. The host writes the header before boot; the agent appends whole
 * frames at @head and drops (and counts) what does not fit; the host reads
 * after the guest is dead, or advances @tail while it lives.
 * Positions are free-running byte counts; data begins WIRE_RING_DATA bytes
 * into the area and is @capacity bytes long.
 */
#define WIRE_RING_MAGIC 0x474e4952504d5456ull	/* "VTMPRING" */
#define WIRE_RING_DATA 64

struct wire_ring {
	uint64_t magic;
	uint32_t version;	/* WIRE_VERSION */
	uint32_t capacity;	/* bytes of data */
	uint64_t head;		/* written by the guest */
	uint64_t tail;		/* written by the host */
	uint32_t drops;		/* frames that did not fit; saturates */
	uint32_t reserved[7];
} WIRE_PACKED;

static inline void wire_put16(void *p, uint16_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

static inline void wire_put32(void *p, uint32_t v)
{
	wire_put16(p, (uint16_t)v);
	wire_put16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

static inline uint16_t wire_get16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t wire_get32(const void *p)
{
	return wire_get16(p) | (uint32_t)wire_get16((const uint8_t *)p + 2) << 16;
}

static inline uint64_t wire_get64(const void *p)
{
	return wire_get32(p) | (uint64_t)wire_get32((const uint8_t *)p + 4) << 32;
}

/* CRC-32 as in zlib; @crc is 0 at first, then the value so far. */
static inline uint32_t wire_crc32(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

/*
 * Fill the WIRE_HDR_SIZE bytes at @hdr for a payload of @len bytes with CRC-32
 * @crc; async-signal-safe.
 */
static inline void wire_header(uint8_t *hdr, uint16_t type, uint16_t flags,
			       uint32_t seq, uint32_t crc, uint32_t len)
{
	wire_put32(hdr, WIRE_MAGIC);
	wire_put16(hdr + 4, type);
	wire_put16(hdr + 6, flags);
	wire_put32(hdr + 8, len);
	wire_put32(hdr + 12, seq);
	wire_put32(hdr + 16, crc);
	wire_put32(hdr + 20, wire_crc32(0, hdr, 20));
}

static inline int wire_line_special(uint8_t c)
{
	return c == '\n' || c == '\r' || c == 0 || c == 0x11 || c == 0x13 ||
	       c == WIRE_LINE_START || c == WIRE_LINE_ESCAPE;
}

/*
 * Stuff @len bytes of a frame into @out (room for 2 * @len); returns the bytes
 * written. The caller writes WIRE_LINE_START before and '\n' after the frame.
 */
static inline size_t wire_line_encode(uint8_t *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t *o = out;

	while (len--) {
		uint8_t c = *p++;

		if (wire_line_special(c)) {
			*o++ = WIRE_LINE_ESCAPE;
			c ^= WIRE_LINE_FLIP;
		}
		*o++ = c;
	}
	return (size_t)(o - out);
}

_Static_assert(sizeof(struct wire_ring) == WIRE_RING_DATA, "ring header");
_Static_assert(sizeof(struct wire_stimulus) == 32, "stimulus");

#endif
