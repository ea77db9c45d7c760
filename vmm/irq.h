/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irq: an edge-triggered interrupt line as an eventfd. The machine binds it
 * to a GSI with KVM_IRQFD, so that raising one costs no ioctl and any thread
 * may do it; a test reads the eventfd in place of a guest.
 */
#ifndef VMTAP_VMM_IRQ_H
#define VMTAP_VMM_IRQ_H

#include "vmm/base/util.h"

struct diag;

struct irq_line {
	int fd;		/* eventfd, nonblocking; -1 when absent */
};

/** irq_line_init() - create the eventfd; 0 or -errno */
int irq_line_init(struct irq_line *irq, struct diag *d);
/** irq_line_deinit() - close it; safe on an absent one */
void irq_line_deinit(struct irq_line *irq);
/** irq_line_raise() - one edge. Context: any thread */
void irq_line_raise(struct irq_line *irq);

#endif
