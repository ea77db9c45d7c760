/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acpi: the tables that tell a stock kernel what this machine has, as one
 * block of bytes: RSDP first, then DSDT, FADT, MADT, XSDT, with more than one
 * node SRAT and SLIT, and where latencies or bandwidths are known HMAT.
 *
 * The platform is hardware-reduced: no PIC, no PIT, no PM timer, no SCI and no
 * ACPI enable dance, so nothing of it is probed or calibrated; power-off and
 * reset are one port write each. Spec: ACPI 6.4, 4.1, 5.2.
 */
#ifndef VMTAP_VMM_X86_ACPI_H
#define VMTAP_VMM_X86_ACPI_H

#include "vmm/base/util.h"
#include "vmm/x86/topology.h"

struct buf;
struct diag;

#define ACPI_IOAPIC_ADDR 0xfec00000U
#define ACPI_LAPIC_ADDR 0xfee00000U

/* An MMIO device as ACPI shows it. */
struct acpi_device {
	const char *hid;
	u32 base, size;
	u32 gsi;
};

/* A stretch of RAM that belongs to a node. */
struct acpi_memory {
	u64 base, size;
	u32 node;
};

#define ACPI_MAX_MEMORY (2 * MACHINE_MAX_NODES + 2)

struct acpi_cfg {
	u64 base;	/* guest-physical address of the block, 16-aligned */
	const struct topology *topo;
	const struct acpi_device *devices;
	unsigned int nr_devices;
	struct acpi_memory memory[ACPI_MAX_MEMORY];
	unsigned int nr_memory;
	u8 distance[MACHINE_MAX_NODES][MACHINE_MAX_NODES];
	/* Rows of MACHINE_MAX_NODES cells, 0 unknown; NULL: not announced. */
	const u32 *latency_ns, *bandwidth_mb;
	u32 com_gsi[2];
	u16 com_port[2];
};

/**
 * acpi_build() - append all tables to @out, which starts empty
 * @rsdp: set to the RSDP's guest-physical address
 *
 * Return: 0 or -ENOMEM.
 */
int acpi_build(const struct acpi_cfg *cfg, struct buf *out, u64 *rsdp,
	       struct diag *d);

/** acpi_checksum() - sum of bytes, which is 0 over a correct table */
u8 acpi_checksum(const void *data, size_t len);

#endif
