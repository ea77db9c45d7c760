// SPDX-License-Identifier: GPL-2.0-only
/* Each road by which a guest ends itself, and what must not end it. */
#include "vmm/hw/power.h"

#include <string.h>

#include <kselftest_harness.h>

static void on_end(void *arg, enum machine_stop_reason reason)
{
	*(enum machine_stop_reason *)arg = reason;
}

FIXTURE(power) {
	struct power p;
	struct bus pio;
	enum machine_stop_reason how;
};

FIXTURE_SETUP(power)
{
	memset(self, 0, sizeof(*self));
	self->p = (struct power){ .end = on_end, .arg = &self->how };
	ASSERT_EQ(0, power_attach(&self->p, &self->pio, NULL));
}

FIXTURE_TEARDOWN(power)
{
}

static enum machine_stop_reason outb(struct bus *pio,
				     enum machine_stop_reason *how, u16 port,
				     u8 v)
{
	*how = MACHINE_RUNNING;
	bus_write(pio, port, &v, 1);
	return *how;
}

#define OUTB(port, v) outb(&self->pio, &self->how, port, v)

TEST_F(power, keyboard_controller)
{
	EXPECT_EQ(MACHINE_RESET_KBD, OUTB(0x64, 0xfe));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(0x64, 0xaa));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(0x60, 0xfe));
}

TEST_F(power, acpi_reset_register)
{
	EXPECT_EQ(MACHINE_RESET_ACPI,
		  OUTB(POWER_ACPI_RESET, POWER_ACPI_RESET_VALUE));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(POWER_ACPI_RESET, 0));
	EXPECT_EQ(MACHINE_RESET_BIOS,
		  OUTB(POWER_ACPI_RESET, POWER_BIOS_RESET_VALUE));
}

TEST_F(power, soft_off_and_no_other_sleep)
{
	EXPECT_EQ(MACHINE_POWEROFF, OUTB(POWER_SLEEP_CONTROL, 5 << 2 | 0x20));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(POWER_SLEEP_CONTROL, 5 << 2));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(POWER_SLEEP_CONTROL, 3 << 2 | 0x20));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(POWER_SLEEP_STATUS, 0x80));
}

TEST_F(power, pci_reset_control)
{
	EXPECT_EQ(MACHINE_RUNNING, OUTB(0xcf9, 0x02));	/* only armed */
	EXPECT_EQ(MACHINE_RESET_PCI, OUTB(0xcf9, 0x06));
	EXPECT_EQ(MACHINE_RESET_PCI, OUTB(0xcf9, 0x0e));
	EXPECT_EQ(MACHINE_RUNNING, OUTB(0xcf8, 0x06));
}

/* A configuration address that spans 0xcf9 is no reset. */
TEST_F(power, pci_address_is_no_reset)
{
	u32 v = 0x80000600;

	bus_write(&self->pio, 0xcf8, &v, 4);
	EXPECT_EQ(MACHINE_RUNNING, self->how);
	bus_read(&self->pio, 0xcfc, &v, 4);
	EXPECT_EQ(0xffffffff, v);
}

TEST_F(power, loops_that_wait_for_hardware_end)
{
	u8 a, b, v;

	bus_read(&self->pio, 0x61, &a, 1);
	bus_read(&self->pio, 0x61, &b, 1);
	EXPECT_EQ(0x10, (a ^ b) & 0x10);	/* refresh toggles */
	EXPECT_EQ(0x20, a & 0x20);		/* timer 2 is done */
	bus_read(&self->pio, 0x64, &v, 1);
	EXPECT_EQ(0, v & 2);			/* input buffer empty */
	OUTB(0x70, 0x0a);
	bus_read(&self->pio, 0x71, &v, 1);
	EXPECT_EQ(0, v & 0x80);			/* no update in progress */
	OUTB(0x70, 0x0d);
	bus_read(&self->pio, 0x71, &v, 1);
	EXPECT_EQ(0x80, v);			/* battery is good */
}

TEST_F(power, legacy_ports_are_not_unhandled)
{
	static const u16 ports[] = { 0x40, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71,
				     0x80, 0xed, 0xcf8, 0xcff };
	unsigned int i;
	u8 v;

	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		bus_read(&self->pio, ports[i], &v, 1);
		OUTB(ports[i], 0);
	}
	EXPECT_EQ(0, self->pio.unhandled_reads + self->pio.unhandled_writes);
}

TEST_HARNESS_MAIN
