/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bare: what the freestanding guest and the test that boots it agree on. Both
 * lie in guest RAM: the job is the host's, the report the guest's.
 *
 * The image is a small bzImage of its own (bare.lds), entered at the 64-bit
 * entry of the boot protocol. It uses only instructions that KVM's emulator
 * knows, and with the job's `polled` no IDT: then it finds out about an
 * interrupt by its bit in the local APIC's IRR.
 */
#ifndef VMTAP_SELFTESTS_BARE_H
#define VMTAP_SELFTESTS_BARE_H

#include <stdint.h>

#define BARE_JOB 0x180000
#define BARE_REPORT 0x181000
#define BARE_FRAMES_AT 0x182000	/* what the console's guest sends */
#define BARE_QUEUE_SIZE 16
#define BARE_KICKS 1000
#define BARE_RESETS 20
#define BARE_FRAMES 12
#define BARE_FRAME_LEN 100	/* without the virtio header */
#define BARE_IO_BYTES 4096
#define BARE_HOLE 0xc8000000u	/* neither RAM nor a device */

enum bare_program {
	BARE_BLK_IO,		/* write, read back, flush; an interrupt each */
	BARE_BLK_SKIP,		/* avail.idx lies, then 1000 kicks, then reset */
	BARE_BLK_WRONG,		/* each chain breaks a rule of its own */
	BARE_BLK_STALLED,	/* reset with all but four of 15 reads waiting */
	BARE_BLK_RESETS,	/* resets while requests are in flight */
	BARE_NET_LOOP,		/* frames come back; then one with no buffer */
	BARE_NET_WRONG,		/* each chain breaks a rule of its own */
	BARE_NET_LOST,		/* used rings outside RAM; avail.idx lies */
	BARE_CONSOLE_CUT,	/* frames, then the end in the middle of one */
	BARE_NR_PROGRAMS,
};

struct bare_job {
	uint32_t program;
	uint32_t polled;	/* no IDT, no iret: look at the IRR */
	uint32_t frames;	/* at BARE_FRAMES_AT, one after the other */
	uint32_t frame_len;	/* bytes of each */
	uint32_t cut_len;	/* bytes of what follows them and is no whole one */
};

struct bare_report {
	uint32_t done;		/* 1: the program came to its end */
	uint32_t line;		/* of bare.c where it gave up; 0: nowhere */
	uint64_t saw;		/* what it saw there */
	uint32_t irqs;		/* that arrived */
	uint32_t kicks;		/* doorbells that were rung */
	uint32_t needs_reset;	/* times that a device asked for it */

	/*
	 * The guest's own count, of its first two queues, over all resets. The
	 * disk has one queue; of the card's, 0 receives and 1 sends.
	 */
	uint32_t posted[2];	/* buffers that were made available */
	uint32_t returned[2];	/* and came back */
	uint32_t empty[2];	/* with nothing written in them */
	uint64_t bytes;		/* into queue 0's: less a status or a header each */
	uint32_t refused;	/* requests without the answer S_OK */
	uint32_t ids;		/* GET_IDs: returned like a read, and none */
	uint32_t starved;	/* frames sent with no buffer posted for them */
	uint32_t broken;	/* frames sent that are none */
	uint32_t lies;		/* skips of avail.idx */
};

#endif
