// SPDX-License-Identifier: GPL-2.0-only
/* The 16550A: what Linux's driver looks for, byte order, interrupts. */
#include "vmm/hw/uart.h"

#include <linux/serial_reg.h>
#include <string.h>

#include <kselftest_harness.h>

#include "vmm/base/buf.h"
#include "vmm/event.h"
#include "vmm/irq.h"

static void sink(void *arg, const void *data, size_t len)
{
	buf_add(arg, data, len);
}

FIXTURE(uart) {
	struct uart u;
	struct irq_line irq;
	struct buf out;
};

FIXTURE_SETUP(uart)
{
	memset(&self->out, 0, sizeof(self->out));
	ASSERT_EQ(0, irq_line_init(&self->irq, NULL));
	uart_init(&self->u, &self->irq, sink, &self->out);
}

FIXTURE_TEARDOWN(uart)
{
	uart_deinit(&self->u);
	irq_line_deinit(&self->irq);
	buf_reset(&self->out);
}

static u8 in(struct uart *u, u64 reg)
{
	u8 v;

	uart_ops.read(u, reg, &v, 1);
	return v;
}

static void out(struct uart *u, u64 reg, u8 v)
{
	uart_ops.write(u, reg, &v, 1);
}

TEST_F(uart, bytes_leave_in_order_and_it_is_always_ready)
{
	const char *text = "console\n";

	while (*text) {
		EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT,
			  in(&self->u, UART_LSR));
		out(&self->u, UART_TX, (u8)*text++);
	}
	EXPECT_STREQ("console\n", buf_str(&self->out));
	EXPECT_EQ(0, event_drain(self->irq.fd));
}

TEST_F(uart, the_divisor_is_no_output)
{
	out(&self->u, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(&self->u, UART_DLL, 'x');
	out(&self->u, UART_DLM, 'y');
	EXPECT_EQ('x', in(&self->u, UART_DLL));
	EXPECT_EQ('y', in(&self->u, UART_DLM));
	out(&self->u, UART_LCR, UART_LCR_WLEN8);
	EXPECT_EQ(0, self->out.len);
	EXPECT_EQ(0, in(&self->u, UART_IER));
}

/* What autoconfig of the 8250 driver does to tell a 16550A. */
TEST_F(uart, is_a_16550a)
{
	out(&self->u, UART_IER, 0);
	EXPECT_EQ(0, in(&self->u, UART_IER));
	out(&self->u, UART_IER, 0x0f);
	EXPECT_EQ(0x0f, in(&self->u, UART_IER));
	out(&self->u, UART_IER, 0x40);
	EXPECT_EQ(0, in(&self->u, UART_IER));	/* no XScale */
	out(&self->u, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_CTS, in(&self->u, UART_MSR) & 0xf0);
	out(&self->u, UART_MCR, 0);
	out(&self->u, UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(0xc0, in(&self->u, UART_IIR) & 0xc0);
	out(&self->u, UART_FCR, 0);
	EXPECT_EQ(0, in(&self->u, UART_IIR) & 0xc0);
	out(&self->u, UART_SCR, 0xa5);
	EXPECT_EQ(0xa5, in(&self->u, UART_SCR));
}

TEST_F(uart, transmit_interrupt)
{
	EXPECT_EQ(UART_IIR_NO_INT, in(&self->u, UART_IIR));
	out(&self->u, UART_IER, UART_IER_THRI);
	EXPECT_EQ(1, event_drain(self->irq.fd));
	EXPECT_EQ(UART_IIR_THRI, in(&self->u, UART_IIR));
	/* Reading it acknowledged it. */
	EXPECT_EQ(UART_IIR_NO_INT, in(&self->u, UART_IIR));
	out(&self->u, UART_TX, 'a');
	out(&self->u, UART_TX, 'b');
	EXPECT_EQ(1, event_drain(self->irq.fd));	/* one edge until read */
	EXPECT_EQ(UART_IIR_THRI, in(&self->u, UART_IIR));
	out(&self->u, UART_TX, 'c');
	EXPECT_EQ(1, event_drain(self->irq.fd));
	out(&self->u, UART_IER, 0);
	EXPECT_EQ(UART_IIR_NO_INT, in(&self->u, UART_IIR));
	EXPECT_STREQ("abc", buf_str(&self->out));
}

/* The driver turns it off and on again and wants a new one. */
TEST_F(uart, transmit_interrupt_comes_again_when_enabled_again)
{
	int i;

	for (i = 0; i < 3; i++) {
		out(&self->u, UART_IER, UART_IER_THRI);
		EXPECT_EQ(1, event_drain(self->irq.fd));
		EXPECT_EQ(UART_IIR_THRI, in(&self->u, UART_IIR));
		out(&self->u, UART_IER, 0);
	}
}

TEST_F(uart, input_interrupt_outranks_output)
{
	out(&self->u, UART_IER, UART_IER_RDI | UART_IER_THRI);
	EXPECT_EQ(1, event_drain(self->irq.fd));
	EXPECT_EQ(2, uart_input(&self->u, "hi", 2));
	EXPECT_EQ(UART_IIR_RDI, in(&self->u, UART_IIR));
	EXPECT_EQ(UART_LSR_DR, in(&self->u, UART_LSR) & UART_LSR_DR);
	EXPECT_EQ('h', in(&self->u, UART_RX));
	EXPECT_EQ(UART_IIR_RDI, in(&self->u, UART_IIR));
	EXPECT_EQ('i', in(&self->u, UART_RX));
	EXPECT_EQ(UART_IIR_THRI, in(&self->u, UART_IIR));
	EXPECT_EQ(0, in(&self->u, UART_LSR) & UART_LSR_DR);
	EXPECT_EQ(0, in(&self->u, UART_RX));	/* empty reads 0 */
}

TEST_F(uart, input_waits_until_it_is_wanted)
{
	EXPECT_EQ(1, uart_input(&self->u, "q", 1));
	EXPECT_EQ(0, event_drain(self->irq.fd));
	out(&self->u, UART_IER, UART_IER_RDI);
	EXPECT_EQ(1, event_drain(self->irq.fd));
	EXPECT_EQ('q', in(&self->u, UART_RX));
}

TEST_F(uart, input_is_bounded)
{
	static char big[UART_IN_MAX + 100];

	memset(big, 'z', sizeof(big));
	EXPECT_EQ(UART_IN_MAX, uart_input(&self->u, big, sizeof(big)));
	EXPECT_EQ(0, uart_input(&self->u, big, 1));
	in(&self->u, UART_RX);
	EXPECT_EQ(1, uart_input(&self->u, big, 5));
}

TEST_F(uart, clearing_the_fifo_drops_input)
{
	uart_input(&self->u, "old", 3);
	out(&self->u, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT_EQ(0, in(&self->u, UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, loopback_comes_back_and_does_not_leave)
{
	int i;

	out(&self->u, UART_MCR, UART_MCR_LOOP);
	for (i = 0; i < 100; i++)
		out(&self->u, UART_TX, (u8)i);
	EXPECT_EQ(0, self->out.len);
	EXPECT_EQ(0, in(&self->u, UART_RX));
	EXPECT_EQ(1, in(&self->u, UART_RX));
	EXPECT_EQ(14, self->u.st.in_len);	/* its FIFO is 16 deep */
}

TEST_F(uart, a_wide_write_touches_neighbours_in_turn)
{
	u8 v[4] = { 'w', UART_IER_RDI, 0, UART_LCR_WLEN8 };

	uart_ops.write(&self->u, UART_TX, v, 4);
	EXPECT_STREQ("w", buf_str(&self->out));
	EXPECT_EQ(UART_IER_RDI, self->u.st.ier);
	EXPECT_EQ(UART_LCR_WLEN8, self->u.st.lcr);
}

TEST_HARNESS_MAIN
