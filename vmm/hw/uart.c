// SPDX-License-Identifier: GPL-2.0-only
/* 16550A registers; see uart.h. Names follow the data sheet. */
#include "vmm/hw/uart.h"

#include <linux/serial_reg.h>
#include <string.h>

#include "vmm/irq.h"

#define UART_FIFO_DEPTH 16

void uart_init(struct uart *uart, struct irq_line *irq,
	       void (*out)(void *arg, const void *data, size_t len), void *arg)
{
	pthread_mutexattr_t attr;

	*uart = (struct uart){ .irq = irq, .out = out, .arg = arg };
	uart->st.dll = 1;	/* 115200 */
	/* vCPU threads may run under a real-time policy. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&uart->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void uart_deinit(struct uart *uart)
{
	pthread_mutex_destroy(&uart->lock);
}

/* Highest pending source, in the chip's order; loopback asks for none. */
static u8 uart_source(const struct uart_state *st)
{
	if ((st->ier & UART_IER_RDI) && st->in_len)
		return UART_IIR_RDI;
	if ((st->ier & UART_IER_THRI) && st->thr_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void uart_update_irq_locked(struct uart *uart)
{
	struct uart_state *st = &uart->st;
	bool level = uart_source(st) != UART_IIR_NO_INT;

	if (level && !st->irq && uart->irq)
		irq_line_raise(uart->irq);
	st->irq = level;
}

static u8 uart_pop_locked(struct uart *uart)
{
	struct uart_state *st = &uart->st;
	u8 c;

	if (!st->in_len)
		return 0;
	c = st->in[st->in_head];
	st->in_head = (st->in_head + 1) % UART_IN_MAX;
	st->in_len--;
	return c;
}

static u8 uart_iir_locked(struct uart *uart)
{
	struct uart_state *st = &uart->st;
	u8 iir = uart_source(st);

	/* Reading IIR acknowledges this one source. */
	if (iir == UART_IIR_THRI)
		st->thr_pending = false;
	if (st->fcr & UART_FCR_ENABLE_FIFO)
		iir |= 0xc0;
	return iir;
}

/* In loopback the modem inputs follow the modem outputs. */
static u8 uart_msr(const struct uart_state *st)
{
	u8 msr = 0;

	if (!(st->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (st->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (st->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (st->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (st->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static u8 uart_read_locked(struct uart *uart, u64 off)
{
	struct uart_state *st = &uart->st;
	bool dlab = st->lcr & UART_LCR_DLAB;

	switch (off) {
	case UART_RX:
		return dlab ? st->dll : uart_pop_locked(uart);
	case UART_IER:
		return dlab ? st->dlm : st->ier;
	case UART_IIR:
		return uart_iir_locked(uart);
	case UART_LCR:
		return st->lcr;
	case UART_MCR:
		return st->mcr;
	case UART_LSR:
		return UART_LSR_THRE | UART_LSR_TEMT |
		       (st->in_len ? UART_LSR_DR : 0);
	case UART_MSR:
		return uart_msr(st);
	default:
		return st->scr;
	}
}

static void uart_transmit_locked(struct uart *uart, u8 c)
{
	struct uart_state *st = &uart->st;

	if (st->mcr & UART_MCR_LOOP) {
		if (st->in_len < UART_FIFO_DEPTH)
			st->in[(st->in_head + st->in_len++) % UART_IN_MAX] = c;
	} else if (uart->out) {
		uart->out(uart->arg, &c, 1);
	}
	/* Sent already: empty again, which is a new event. */
	st->thr_pending = true;
}

static void uart_write_fcr_locked(struct uart *uart, u8 v)
{
	struct uart_state *st = &uart->st;

	if ((v & UART_FCR_CLEAR_RCVR) && (v & UART_FCR_ENABLE_FIFO))
		st->in_len = 0;
	st->fcr = v & ~(UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
}

static void uart_write_locked(struct uart *uart, u64 off, u8 v)
{
	struct uart_state *st = &uart->st;
	bool dlab = st->lcr & UART_LCR_DLAB;

	switch (off) {
	case UART_TX:
		if (dlab)
			st->dll = v;
		else
			uart_transmit_locked(uart, v);
		break;
	case UART_IER:
		if (dlab) {
			st->dlm = v;
			break;
		}
		/* Enabling it with an empty transmitter asks at once. */
		if ((v & ~st->ier) & UART_IER_THRI)
			st->thr_pending = true;
		st->ier = v & 0x0f;
		break;
	case UART_FCR:
		uart_write_fcr_locked(uart, v);
		break;
	case UART_LCR:
		st->lcr = v;
		break;
	case UART_MCR:
		st->mcr = v & 0x1f;
		break;
	case UART_SCR:
		st->scr = v;
		break;
	default:	/* LSR and MSR are read-only */
		break;
	}
}

/* Wider accesses touch the registers one after the other, as the bus would. */
static void uart_bus_read(void *dev, u64 off, void *data, u32 len)
{
	struct uart *uart = dev;
	u8 *p = data;
	u32 i;

	pthread_mutex_lock(&uart->lock);
	for (i = 0; i < len; i++)
		p[i] = uart_read_locked(uart, off + i);
	uart_update_irq_locked(uart);
	pthread_mutex_unlock(&uart->lock);
}

static void uart_bus_write(void *dev, u64 off, const void *data, u32 len)
{
	struct uart *uart = dev;
	const u8 *p = data;
	u32 i;

	pthread_mutex_lock(&uart->lock);
	for (i = 0; i < len; i++)
		uart_write_locked(uart, off + i, p[i]);
	uart_update_irq_locked(uart);
	pthread_mutex_unlock(&uart->lock);
}

const struct bus_ops uart_ops = {
	.read = uart_bus_read,
	.write = uart_bus_write,
};

size_t uart_input(struct uart *uart, const void *data, size_t len)
{
	struct uart_state *st = &uart->st;
	const u8 *p = data;
	size_t n;

	pthread_mutex_lock(&uart->lock);
	for (n = 0; n < len && st->in_len < UART_IN_MAX; n++)
		st->in[(st->in_head + st->in_len++) % UART_IN_MAX] = p[n];
	uart_update_irq_locked(uart);
	pthread_mutex_unlock(&uart->lock);
	return n;
}
