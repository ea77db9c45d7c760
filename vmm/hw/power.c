// SPDX-License-Identifier: GPL-2.0-only
/* Ports that end the guest, and legacy ports that must answer; see power.h. */
#include "vmm/hw/power.h"

#include <string.h>

#include "vmm/base/diag.h"

#define KBD_PULSE_RESET 0xfe
#define SLP_EN 0x20
#define PCI_RESET_HARD 0x06	/* port 0xcf9: reset CPU, full or not */

/*
 * 0x60, 0x64: no keyboard answers; status 0 lets the reset path through,
 * which waits until the input buffer is empty.
 */
static void kbd_read(void *dev, u64 off, void *data, u32 len)
{
	(void)dev;
	(void)off;
	memset(data, 0, len);
}

static void kbd_write(void *dev, u64 off, const void *data, u32 len)
{
	struct power *power = dev;

	(void)off;
	(void)len;
	if (*(const u8 *)data == KBD_PULSE_RESET)
		power->end(power->arg, MACHINE_RESET_KBD);
}

/* 0x61: NMI status and speaker. Bit 4 toggles so that delay loops end; bit 5
 * (timer 2 out) reads high for the same reason. */
static void port61_read(void *dev, u64 off, void *data, u32 len)
{
	struct power *power = dev;

	(void)off;
	power->port61 ^= 0x10;
	memset(data, 0, len);
	*(u8 *)data = power->port61 | 0x20;
}

static void port61_write(void *dev, u64 off, const void *data, u32 len)
{
	struct power *power = dev;

	(void)off;
	(void)len;
	power->port61 = *(const u8 *)data & 0x0f;
}

/*
 * 0x70, 0x71: no clock is announced (FADT), but the shutdown status byte is
 * written when CPUs are brought up. A read gives register D's "valid" bit and
 * zeros else, so that nobody waits for an update to end.
 */
static void cmos_read(void *dev, u64 off, void *data, u32 len)
{
	struct power *power = dev;

	memset(data, 0, len);
	if (off == 1 && power->cmos_index == 0x0d)
		*(u8 *)data = 0x80;
}

static void cmos_write(void *dev, u64 off, const void *data, u32 len)
{
	struct power *power = dev;

	(void)len;
	if (!off)
		power->cmos_index = *(const u8 *)data & 0x7f;
}

/* Nothing there, by decision: all-ones, writes dropped, not counted. */
static void absent_read(void *dev, u64 off, void *data, u32 len)
{
	(void)dev;
	(void)off;
	memset(data, 0xff, len);
}

static void absent_write(void *dev, u64 off, const void *data, u32 len)
{
	(void)dev;
	(void)off;
	(void)data;
	(void)len;
}

/* 0xcf8..0xcff: no PCI; 0xcf9 is the reset control register in between. */
static void pci_write(void *dev, u64 off, const void *data, u32 len)
{
	struct power *power = dev;

	if (off == 1 && len == 1 &&
	    (*(const u8 *)data & PCI_RESET_HARD) == PCI_RESET_HARD)
		power->end(power->arg, MACHINE_RESET_PCI);
}

static void sleep_read(void *dev, u64 off, void *data, u32 len)
{
	(void)dev;
	(void)off;
	memset(data, 0, len);
}

static void sleep_write(void *dev, u64 off, const void *data, u32 len)
{
	struct power *power = dev;
	u8 v = *(const u8 *)data;

	(void)len;
	if (!off && (v & SLP_EN) &&
	    ((v >> 2) & 7) == POWER_SLP_TYP_S5)
		power->end(power->arg, MACHINE_POWEROFF);
	else if (off == POWER_ACPI_RESET - POWER_SLEEP_CONTROL &&
		 v == POWER_ACPI_RESET_VALUE)
		power->end(power->arg, MACHINE_RESET_ACPI);
	else if (off == POWER_ACPI_RESET - POWER_SLEEP_CONTROL &&
		 v == POWER_BIOS_RESET_VALUE)
		power->end(power->arg, MACHINE_RESET_BIOS);
}

static const struct bus_ops kbd_ops = { kbd_read, kbd_write };
static const struct bus_ops nokbd_ops = { kbd_read, absent_write };
static const struct bus_ops port61_ops = { port61_read, port61_write };
static const struct bus_ops cmos_ops = { cmos_read, cmos_write };
static const struct bus_ops absent_ops = { absent_read, absent_write };
static const struct bus_ops pci_ops = { absent_read, pci_write };
static const struct bus_ops sleep_ops = { sleep_read, sleep_write };

static const struct bus_range power_ranges[] = {
	{ 0x40, 4, &absent_ops, NULL, "pit" },
	{ 0x60, 1, &nokbd_ops, NULL, "kbd-data" },
	{ 0x64, 1, &kbd_ops, NULL, "kbd" },
	{ 0x61, 1, &port61_ops, NULL, "port61" },
	{ 0x70, 2, &cmos_ops, NULL, "cmos" },
	{ 0x80, 1, &absent_ops, NULL, "post" },
	{ 0xed, 1, &absent_ops, NULL, "delay" },
	{ POWER_SLEEP_CONTROL, 3, &sleep_ops, NULL, "acpi-sleep" },
	{ 0xcf8, 8, &pci_ops, NULL, "pci" },
};

int power_attach(struct power *power, struct bus *pio, struct diag *d)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(power_ranges); i++) {
		struct bus_range range = power_ranges[i];

		range.dev = power;
		ret = bus_add(pio, &range, d);
		if (ret < 0)
			return ret;
	}
	return 0;
}
