/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uart: a 16550A on eight ports. Output leaves at once (the transmitter is
 * always empty), so the guest never waits; input goes through a 16-byte FIFO
 * in front of a host-side queue. The interrupt is an edge, raised when the
 * pending state rises.
 */
#ifndef VMTAP_VMM_HW_UART_H
#define VMTAP_VMM_HW_UART_H

#include <pthread.h>

#include "vmm/bus.h"

struct irq_line;

#define UART_SIZE 8
#define UART_IN_MAX 4096

/* The guest-visible state: plain data, apart from the host's handles. */
struct uart_state {
	u8 ier, lcr, mcr, fcr, scr;
	u8 dll, dlm;
	bool thr_pending;	/* transmitter-empty interrupt not yet seen */
	bool irq;		/* level of the (virtual) interrupt output */
	u8 in[UART_IN_MAX];	/* ring */
	u32 in_head, in_len;
};

struct uart {
	struct uart_state st;
	pthread_mutex_t lock;	/* priority-inheriting; guards st and out */
	struct irq_line *irq;
	void (*out)(void *arg, const void *data, size_t len);	/* may be NULL */
	void *arg;
};

extern const struct bus_ops uart_ops;

/**
 * uart_init() - reset state
 * @irq: raised on edges; borrowed; may be NULL
 * @out: takes each byte that the guest sends, with the lock held
 */
void uart_init(struct uart *uart, struct irq_line *irq,
	       void (*out)(void *arg, const void *data, size_t len), void *arg);
void uart_deinit(struct uart *uart);

/** uart_input() - queue bytes for the guest; how many fitted. Any thread */
size_t uart_input(struct uart *uart, const void *data, size_t len);

#endif
