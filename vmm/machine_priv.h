/* SPDX-License-Identifier: GPL-2.0-only */
/* machine_priv: what machine.c and machine_build.c share of a machine. */
#ifndef VMTAP_VMM_MACHINE_PRIV_H
#define VMTAP_VMM_MACHINE_PRIV_H

#include "vmm/clock.h"
#include "vmm/device.h"
#include "vmm/hw/conpage.h"
#include "vmm/hw/power.h"
#include "vmm/hw/uart.h"
#include "vmm/kvm.h"
#include "vmm/machine.h"
#include "vmm/vcpu.h"
#include "vmm/x86/acpi.h"

struct machine {
	struct kvm kvm;
	struct mem mem;
	struct bus pio, mmio;
	struct topology topo;
	struct machine_layout layout;
	struct coalesced ring;
	struct park park;
	struct trap trap;
	struct clock clock;	/* who has parked it */
	struct power power;
	struct conpage con;
	struct uart uart[MACHINE_NR_SERIAL];
	struct irq_line com_irq[MACHINE_NR_SERIAL];
	struct acpi_device acpi_devices[MACHINE_MAX_DEVICES];
	struct vcpu_env env;
	struct vcpu *vcpus;
	unsigned int nr_vcpus;	/* created so far */
	struct device **devices;	/* the caller's */
	unsigned int nr_devices;
	u64 parked_ns;		/* when they stood; who has parked it */
	u64 stood_ns;		/* all of it together; atomic */
	int end_fd;
	bool joined;
	pthread_mutex_t stop_lock;	/* guards stop; PI */
	struct machine_stop stop;
};

/**
 * machine_build() - VM, ports, devices, memory, vCPUs, in this order
 * @m: initialised by machine_create(), which also takes down a half-built one
 */
int machine_build(struct machine *m, const struct machine_cfg *cfg,
		  struct diag *d);

#endif
