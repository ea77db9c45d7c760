// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt lines as eventfds; see irq.h. */
#include "vmm/irq.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/diag.h"

int irq_line_init(struct irq_line *irq, struct diag *d)
{
	irq->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (irq->fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	return 0;
}

void irq_line_deinit(struct irq_line *irq)
{
	if (irq->fd >= 0)
		close(irq->fd);
	irq->fd = -1;
}

void irq_line_raise(struct irq_line *irq)
{
	/* A full counter means an edge is pending already. */
	eventfd_write(irq->fd, 1);
}
