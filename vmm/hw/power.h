/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * power: the ports by which a guest ends itself (keyboard controller pulse,
 * ACPI sleep control and reset registers, PCI reset control), and the few
 * legacy ports that stock kernels touch although ACPI says they are not there.
 */
#ifndef VMTAP_VMM_HW_POWER_H
#define VMTAP_VMM_HW_POWER_H

#include "vmm/machine.h"

#define POWER_SLEEP_CONTROL 0x600	/* FADT sleep control register */
#define POWER_SLEEP_STATUS 0x601	/* FADT sleep status register */
#define POWER_ACPI_RESET 0x602		/* FADT reset register */
#define POWER_ACPI_RESET_VALUE 0x01
#define POWER_BIOS_RESET_VALUE 0x02	/* what our reset vector writes there */
#define POWER_SLP_TYP_S5 5

struct power {
	/* Called in a vCPU thread when the guest ends itself. */
	void (*end)(void *arg, enum machine_stop_reason reason);
	void *arg;
	u8 cmos_index;
	u8 port61;
};

/** power_attach() - put all of these ports on @pio; 0 or -errno */
int power_attach(struct power *power, struct bus *pio, struct diag *d);

#endif
