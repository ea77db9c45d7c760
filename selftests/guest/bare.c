// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest without a kernel: drives disk, network card and console through their
 * registers, their doorbells and their interrupts, and does what no driver
 * does. See bare.h; what must come of it is test_bare.c's to know.
 */
#include "selftests/guest/bare.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

/* vmm/machine.c: device i has page i and pin i. */
#define DEVICE_BASE 0xd0000000u
#define DEVICE_GSI 5
#define MAX_DEVICES 4
#define VIRTIO_MAGIC 0x74726976

#define IOAPIC 0xfec00000u
#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC_EOI 0x80b
#define MSR_X2APIC_SVR 0x80f
#define MSR_X2APIC_IRR 0x820
#define FIRST_VECTOR 0x30
#define LAST_VECTOR 0xef

#define BARRIER() __asm__ volatile("" ::: "memory")

/* The setup header; boot protocol 2.12, and only what a loader looks at. */
__asm__(
".pushsection .setup, \"a\"\n"
".org 0x1f1\n .byte 1\n"			/* setup_sects */
".org 0x1fe\n .word 0xaa55\n"
".org 0x202\n .ascii \"HdrS\"\n .word 0x20c\n"
".org 0x211\n .byte 1\n"			/* LOADED_HIGH */
".org 0x230\n .long 0x200000\n"			/* kernel_alignment */
".org 0x236\n .word 1\n"			/* XLF_KERNEL_64 */
".org 0x238\n .long 2047\n"			/* cmdline_size */
".org 0x258\n .quad 0x100000\n .long 0x80000\n"	/* pref_address, init_size */
".popsection\n"
".pushsection .entry, \"ax\"\n"
".globl bare_entry\n"
"bare_entry:\n"
"	mov $bare_stack + 16384, %esp\n"
"	call bare_main\n"
"	mov $0xfe, %al; out %al, $0x64\n"	/* reset */
"1:	jmp 1b\n"
".globl bare_on_irq\n"
"bare_on_irq:\n"
"	push %rax; push %rcx; push %rdx\n"
"	incl bare_irqs\n"
"	mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr\n"
"	pop %rdx; pop %rcx; pop %rax\n"
"	iretq\n"
".popsection\n");

void bare_main(void);
extern const char bare_on_irq[];
char bare_stack[16384] __attribute__((aligned(16)));
volatile uint32_t bare_irqs;

static volatile struct bare_report *const report = (void *)BARE_REPORT;
static const struct bare_job *const job = (void *)BARE_JOB;

/* The end: a reset by the keyboard controller. */
static void __attribute__((noreturn)) end(void)
{
	__asm__ volatile("out %%al, $0x64" :: "a"(0xfe));
	for (;;)
		;
}

static void __attribute__((noreturn)) give_up(uint32_t line, uint64_t saw)
{
	report->saw = saw;
	report->line = line;
	end();
}

#define WANT(expr, saw) \
	do { if (!(expr)) give_up(__LINE__, (uint64_t)(saw)); } while (0)

/* Waits for what must come; that it does not the host's deadline tells. */
#define AWAIT(expr)							\
	do {								\
		report->line = __LINE__;				\
		while (!(expr))						\
			__asm__ volatile("pause" ::: "memory");		\
		report->line = 0;					\
	} while (0)

static uint32_t read32(uint64_t at)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(at) : "memory");
	return v;
}

static void write32(uint64_t at, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" :: "r"(v), "r"(at) : "memory");
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static void wrmsr(uint32_t msr, uint32_t v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"(v), "d"(0) : "memory");
}

/* --- interrupts --------------------------------------------------------- */

static uint64_t idt[512] __attribute__((aligned(16)));
static uint32_t vector;		/* the one that is routed now */

static void idt_load(void)
{
	uint64_t handler = (uint64_t)bare_on_irq;
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) d = {
		sizeof(idt) - 1, (uint64_t)idt,
	};
	int i;

	for (i = FIRST_VECTOR; i <= LAST_VECTOR; i++) {
		idt[2 * i] = (handler & 0xffff) | 0x10 << 16 |
			     0x8eULL << 40 | (handler >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = handler >> 32;
	}
	__asm__ volatile("lidt %0" :: "m"(d) : "memory");
}

static void irq_init(void)
{
	wrmsr(MSR_APIC_BASE, (uint32_t)rdmsr(MSR_APIC_BASE) | 0xc00);
	wrmsr(MSR_X2APIC_SVR, 0x1ff);
	vector = FIRST_VECTOR - 1;
	if (!job->polled)
		idt_load();
}

/* Each wait has a vector of its own: without an IDT none leaves the IRR. */
static void irq_route(uint32_t gsi)
{
	WANT(++vector <= LAST_VECTOR, vector);
	write32(IOAPIC, 0x10 + 2 * gsi + 1);
	write32(IOAPIC + 0x10, 0);
	write32(IOAPIC, 0x10 + 2 * gsi);
	write32(IOAPIC + 0x10, vector);	/* fixed, edge, unmasked */
}

static int irr_has(uint32_t v)
{
	return rdmsr(MSR_X2APIC_IRR + v / 32) >> v % 32 & 1;
}

static void irq_await(uint32_t before)
{
	if (job->polled) {
		AWAIT(irr_has(vector));
		report->irqs++;
		return;
	}
	report->line = __LINE__;
	while (bare_irqs == before)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	report->line = 0;
	report->irqs += bare_irqs - before;
}

/* --- a device and its queues -------------------------------------------- */

struct queue {
	struct vring_desc desc[BARE_QUEUE_SIZE] __attribute__((aligned(16)));
	volatile uint16_t avail_flags, avail_idx, avail[BARE_QUEUE_SIZE];
	volatile uint16_t used_flags __attribute__((aligned(4))), used_idx;
	volatile struct { uint32_t id, len; } used[BARE_QUEUE_SIZE];
};

static struct {
	uint64_t base;
	uint32_t gsi, id;
	struct queue q[6] __attribute__((aligned(16)));
} dev;

#define AVAIL(q) ((uint64_t)&(q)->avail_flags)
#define USED(q) ((uint64_t)&(q)->used_flags)

static void find_device(uint32_t id)
{
	uint32_t i;

	for (i = 0; i < MAX_DEVICES; i++) {
		uint64_t base = DEVICE_BASE + 0x1000 * i;

		if (read32(base) != VIRTIO_MAGIC ||
		    read32(base + VIRTIO_MMIO_DEVICE_ID) != id)
			continue;
		WANT(read32(base + VIRTIO_MMIO_VERSION) == 2, base);
		dev.base = base;
		dev.gsi = DEVICE_GSI + i;
		dev.id = id;
		return;
	}
	give_up(__LINE__, id);
}

static void reg(uint32_t off, uint32_t v)
{
	write32(dev.base + off, v);
}

static uint32_t status(void)
{
	return read32(dev.base + VIRTIO_MMIO_STATUS);
}

static void reset(void)
{
	reg(VIRTIO_MMIO_STATUS, 0);
	WANT(status() == 0, status());
}

static void reg_address(uint32_t off, uint64_t addr)
{
	reg(off, (uint32_t)addr);
	reg(off + 4, (uint32_t)(addr >> 32));
}

/* Into the report, what the queue saw since it was set up. */
static void tally(uint32_t n)
{
	struct queue *q = &dev.q[n];
	uint32_t i, less = dev.id == VIRTIO_ID_NET ? 12 : 1;

	if (n > 1)
		return;
	report->posted[n] += q->avail_idx;
	report->returned[n] += q->used_idx;
	for (i = 0; i < q->used_idx; i++) {
		WANT(i < BARE_QUEUE_SIZE, i);
		if (!q->used[i].len)
			report->empty[n]++;
		else if (!n)
			report->bytes += q->used[i].len - less;
	}
}

/* @used: 0 for where it belongs */
static void queue_set(uint32_t n, uint64_t used)
{
	struct queue *q = &dev.q[n];

	tally(n);
	q->avail_flags = q->avail_idx = 0;
	q->used_flags = q->used_idx = 0;
	reg(VIRTIO_MMIO_QUEUE_SEL, n);
	reg(VIRTIO_MMIO_QUEUE_NUM, BARE_QUEUE_SIZE);
	reg_address(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint64_t)q->desc);
	reg_address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL(q));
	reg_address(VIRTIO_MMIO_QUEUE_USED_LOW, used ? used : USED(q));
	reg(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void negotiate(void)
{
	reset();
	reg(VIRTIO_MMIO_STATUS, 1);
	reg(VIRTIO_MMIO_STATUS, 3);
	reg(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg(VIRTIO_MMIO_DRIVER_FEATURES, 1);	/* VERSION_1 */
	reg(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg(VIRTIO_MMIO_DRIVER_FEATURES, dev.id == VIRTIO_ID_CONSOLE ?
	    1 << VIRTIO_CONSOLE_F_MULTIPORT : 0);
	reg(VIRTIO_MMIO_STATUS, 11);
	WANT(status() == 11, status());
}

static void start(void)
{
	negotiate();
	queue_set(0, 0);
	if (dev.id == VIRTIO_ID_NET)
		queue_set(1, 0);
	reg(VIRTIO_MMIO_STATUS, 15);
	WANT(status() == 15, status());
}

static void await_needs_reset(void)
{
	AWAIT(status() & VIRTIO_CONFIG_S_NEEDS_RESET);
	report->needs_reset++;
}

static void kick(uint32_t n)
{
	BARRIER();
	reg(VIRTIO_MMIO_QUEUE_NOTIFY, n);
	report->kicks++;
}

static void desc(uint32_t n, uint32_t i, uint64_t addr, uint32_t len,
		 uint16_t flags)
{
	dev.q[n].desc[i] = (struct vring_desc){
		.addr = addr, .len = len, .flags = flags,
		.next = (uint16_t)(i + 1),
	};
}

static void post(uint32_t n, uint16_t head)
{
	struct queue *q = &dev.q[n];

	q->avail[q->avail_idx % BARE_QUEUE_SIZE] = head;
	BARRIER();
	q->avail_idx++;
}

static void await_used(uint32_t n, uint16_t idx)
{
	AWAIT(dev.q[n].used_idx == idx);
}

/* --- the disk ----------------------------------------------------------- */

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define UNTOUCHED 0xee

static struct virtio_blk_outhdr hdr;
static volatile uint8_t answer;
static uint8_t data[BARE_IO_BYTES], copy[BARE_IO_BYTES];

/* The usual three descriptors at 0 to 2. */
static void blk_chain(uint32_t type, uint64_t sector, void *buf, uint32_t len)
{
	hdr = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	answer = UNTOUCHED;
	desc(0, 0, (uint64_t)&hdr, sizeof(hdr), NEXT);
	desc(0, 1, (uint64_t)buf, len,
	     type == VIRTIO_BLK_T_OUT ? NEXT : NEXT | WRITE);
	desc(0, 2, (uint64_t)&answer, 1, WRITE);
	if (!len)
		dev.q[0].desc[0].next = 2;
}

/* Post what lies at descriptor 0 and wait until it is back. */
static uint8_t blk_do(void)
{
	uint16_t was = dev.q[0].used_idx;

	post(0, 0);
	kick(0);
	await_used(0, (uint16_t)(was + 1));
	report->refused += answer != VIRTIO_BLK_S_OK;
	return answer;
}

static void blk_io_irq(uint32_t type, uint64_t sector, void *buf, uint32_t len)
{
	uint32_t before = bare_irqs;

	irq_route(dev.gsi);
	blk_chain(type, sector, buf, len);
	WANT(blk_do() == VIRTIO_BLK_S_OK, answer);
	irq_await(before);
	WANT(read32(dev.base + VIRTIO_MMIO_INTERRUPT_STATUS) ==
	     VIRTIO_MMIO_INT_VRING, 0);
	reg(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
}

static void blk_io(void)
{
	uint32_t i;

	start();
	for (i = 0; i < BARE_IO_BYTES; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (i = 0; i < 4; i++)
		blk_io_irq(VIRTIO_BLK_T_OUT, 8 * i, data, BARE_IO_BYTES);
	blk_io_irq(VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	for (i = 0; i < 4; i++)
		blk_io_irq(VIRTIO_BLK_T_IN, 8 * i, copy, BARE_IO_BYTES);
	for (i = 0; i < BARE_IO_BYTES; i++)
		WANT(copy[i] == data[i], i);
}

static void lie_and_kick(uint32_t n)
{
	uint32_t i;

	report->lies++;
	dev.q[n].avail_idx += BARE_QUEUE_SIZE + 1;
	kick(n);
	await_needs_reset();
	for (i = 0; i < BARE_KICKS; i++)
		kick(n);
	dev.q[n].avail_idx -= BARE_QUEUE_SIZE + 1;
}

static void blk_skip(void)
{
	start();
	lie_and_kick(0);
	WANT(dev.q[0].used_idx == 0, dev.q[0].used_idx);
	start();
	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	WANT(blk_do() == VIRTIO_BLK_S_OK, answer);
}

static void blk_wrong(void)
{
	start();
	blk_chain(VIRTIO_BLK_T_IN, 0, (void *)(uint64_t)BARE_HOLE, 512);
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_OUT, 0, (void *)(uint64_t)BARE_HOLE, 512);
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	dev.q[0].desc[1].flags = NEXT;		/* to read into what is ours */
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_OUT, 0, copy, 512);
	dev.q[0].desc[1].flags = NEXT | WRITE;
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	dev.q[0].desc[2].flags = 0;		/* no place for a status */
	WANT(blk_do() == UNTOUCHED, answer);
	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	dev.q[0].desc[2].flags = NEXT | WRITE;	/* a loop */
	dev.q[0].desc[2].next = 1;
	WANT(blk_do() == UNTOUCHED, answer);
	blk_chain(VIRTIO_BLK_T_IN, 1ULL << 50, copy, 512);
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_OUT, 0, data, 512);	/* the disk is read-only */
	WANT(blk_do() == VIRTIO_BLK_S_IOERR, answer);
	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	WANT(blk_do() == VIRTIO_BLK_S_OK, answer);
	WANT(status() == 15, status());
}

static void post_reads(void)
{
	uint32_t i;

	blk_chain(VIRTIO_BLK_T_IN, 0, copy, 512);
	for (i = 0; i < BARE_QUEUE_SIZE - 1; i++)
		post(0, 0);
	kick(0);
}

static void blk_stalled(void)
{
	static char id[VIRTIO_BLK_ID_BYTES];

	start();
	post_reads();
	await_used(0, 4);
	start();	/* eleven are left behind, one of them stalled */
	blk_chain(VIRTIO_BLK_T_GET_ID, 0, id, sizeof(id));
	WANT(blk_do() == VIRTIO_BLK_S_OK, answer);
	report->ids++;
	WANT(id[0] == 'b' && id[3] == 'e', id[0]);
}

/* After a reset the device must not touch memory that was the queue's. */
static void blk_resets(void)
{
	uint32_t i, j;
	uint16_t was;

	for (i = 0; i < BARE_RESETS; i++) {
		start();
		post_reads();
		for (j = 0; j < 10 * i; j++)
			__asm__ volatile("pause");
		reset();
		was = dev.q[0].used_idx;
		answer = UNTOUCHED;
		for (j = 0; j < 200; j++)
			__asm__ volatile("pause");
		WANT(dev.q[0].used_idx == was, dev.q[0].used_idx);
		WANT(answer == UNTOUCHED, answer);
	}
	start();
	blk_chain(VIRTIO_BLK_T_FLUSH, 0, 0, 0);
	WANT(blk_do() == VIRTIO_BLK_S_OK, answer);
}

/* --- the network card --------------------------------------------------- */

#define RX 0
#define TX 1
#define NET_HDR 12
#define FRAME (NET_HDR + BARE_FRAME_LEN)

static uint8_t rx_buf[256], tx_buf[256];

static void tx_frame(uint16_t flags)
{
	uint16_t was = dev.q[TX].used_idx;

	report->starved += dev.q[RX].avail_idx == dev.q[RX].used_idx;
	report->broken += flags != 0;
	desc(TX, 0, (uint64_t)tx_buf, FRAME, flags);
	post(TX, 0);
	kick(TX);
	await_used(TX, (uint16_t)(was + 1));
}

static void rx_post(uint64_t buf, uint32_t len, uint16_t flags)
{
	desc(RX, 0, buf, len, flags);
	post(RX, 0);
}

static void net_loop(void)
{
	uint32_t i, f, before;

	start();
	for (f = 0; f < BARE_FRAMES; f++) {
		for (i = NET_HDR; i < FRAME; i++)
			tx_buf[i] = (uint8_t)(i + f);
		rx_post((uint64_t)rx_buf, sizeof(rx_buf), WRITE);
		kick(RX);
		before = bare_irqs;
		irq_route(dev.gsi);
		tx_frame(0);
		irq_await(before);
		reg(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
		WANT(dev.q[RX].used_idx == f + 1, dev.q[RX].used_idx);
		WANT(dev.q[RX].used[f % BARE_QUEUE_SIZE].len == FRAME, f);
		for (i = NET_HDR; i < FRAME; i++)
			WANT(rx_buf[i] == tx_buf[i], i);
	}
	tx_frame(0);	/* nothing is posted for it */
	WANT(dev.q[RX].used_idx == BARE_FRAMES, dev.q[RX].used_idx);
}

static void net_wrong(void)
{
	start();
	rx_post(BARE_HOLE, sizeof(rx_buf), WRITE);
	tx_frame(0);
	rx_post((uint64_t)rx_buf, sizeof(rx_buf), 0);
	tx_frame(0);
	rx_post((uint64_t)rx_buf, FRAME - 1, WRITE);
	tx_frame(0);
	WANT(dev.q[RX].used_idx == 3, dev.q[RX].used_idx);
	WANT(dev.q[RX].used[0].len == 0 && dev.q[RX].used[2].len == 0, 0);
	rx_post((uint64_t)rx_buf, sizeof(rx_buf), WRITE);
	tx_frame(WRITE);
	desc(TX, 1, BARE_HOLE, 64, 0);
	tx_frame(NEXT);
	tx_frame(0);	/* finds the buffer that those two did not take */
	WANT(dev.q[RX].used_idx == 4, dev.q[RX].used_idx);
}

static void net_restart(uint64_t rx_used, uint64_t tx_used)
{
	negotiate();
	queue_set(RX, rx_used);
	queue_set(TX, tx_used);
	reg(VIRTIO_MMIO_STATUS, 15);
}

static void net_lost(void)
{
	net_restart(0, BARE_HOLE);
	rx_post((uint64_t)rx_buf, sizeof(rx_buf), WRITE);
	desc(TX, 0, (uint64_t)tx_buf, FRAME, 0);
	post(TX, 0);
	kick(TX);
	await_needs_reset();
	net_restart(BARE_HOLE, 0);
	rx_post((uint64_t)rx_buf, sizeof(rx_buf), WRITE);
	tx_frame(0);
	await_needs_reset();
	start();
	lie_and_kick(TX);
	start();
	rx_post((uint64_t)rx_buf, sizeof(rx_buf), WRITE);
	tx_frame(0);
	WANT(dev.q[RX].used_idx == 1, dev.q[RX].used_idx);
}

/* --- the console -------------------------------------------------------- */

#define CONTROL_TX 3
#define BULK_TX 5

static void console_send(uint32_t n, uint64_t buf, uint32_t len)
{
	uint16_t was = dev.q[n].used_idx;

	desc(n, 0, buf, len, 0);
	post(n, 0);
	kick(n);
	await_used(n, (uint16_t)(was + 1));
}

static void console_control(uint32_t port, uint16_t event)
{
	static struct virtio_console_control msg;

	msg = (struct virtio_console_control){ port, event, 1 };
	console_send(CONTROL_TX, (uint64_t)&msg, sizeof(msg));
}

static void console_cut(void)
{
	uint64_t at = BARE_FRAMES_AT;
	uint32_t i;

	negotiate();
	queue_set(CONTROL_TX, 0);
	queue_set(BULK_TX, 0);
	reg(VIRTIO_MMIO_STATUS, 15);
	console_control(0, VIRTIO_CONSOLE_DEVICE_READY);
	console_control(1, VIRTIO_CONSOLE_PORT_OPEN);
	for (i = 0; i < job->frames; i++, at += job->frame_len)
		console_send(BULK_TX, at, job->frame_len);
	/* The last words: nobody is told of them, and then there is no guest. */
	desc(BULK_TX, 0, at, job->cut_len, 0);
	post(BULK_TX, 0);
}

static const struct {
	void (*run)(void);
	uint32_t id;
} programs[BARE_NR_PROGRAMS] = {
	[BARE_BLK_IO] = { blk_io, VIRTIO_ID_BLOCK },
	[BARE_BLK_SKIP] = { blk_skip, VIRTIO_ID_BLOCK },
	[BARE_BLK_WRONG] = { blk_wrong, VIRTIO_ID_BLOCK },
	[BARE_BLK_STALLED] = { blk_stalled, VIRTIO_ID_BLOCK },
	[BARE_BLK_RESETS] = { blk_resets, VIRTIO_ID_BLOCK },
	[BARE_NET_LOOP] = { net_loop, VIRTIO_ID_NET },
	[BARE_NET_WRONG] = { net_wrong, VIRTIO_ID_NET },
	[BARE_NET_LOST] = { net_lost, VIRTIO_ID_NET },
	[BARE_CONSOLE_CUT] = { console_cut, VIRTIO_ID_CONSOLE },
};

void bare_main(void)
{
	WANT(job->program < BARE_NR_PROGRAMS, job->program);
	irq_init();
	find_device(programs[job->program].id);
	programs[job->program].run();
	tally(0);
	tally(1);
	report->done = 1;
}
