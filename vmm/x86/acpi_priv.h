/* SPDX-License-Identifier: GPL-2.0-only */
/* acpi_priv: what the files that write ACPI tables share. */
#ifndef VMTAP_VMM_X86_ACPI_PRIV_H
#define VMTAP_VMM_X86_ACPI_PRIV_H

#include <linux/types.h>
#include <stddef.h>

#include "vmm/x86/acpi.h"

#define ACPI_PACKED __attribute__((packed))

struct acpi_header {
	char signature[4];
	__le32 length;
	__u8 revision;
	__u8 checksum;
	char oem_id[6];
	char oem_table_id[8];
	__le32 oem_revision;
	char creator_id[4];
	__le32 creator_revision;
} ACPI_PACKED;

/** acpi_header() - of a table that acpi_finish() completes */
struct acpi_header acpi_header(const char *signature, u8 revision);
/** acpi_finish() - set length and checksum of the table from @start on; align */
void acpi_finish(struct buf *out, size_t start);

/** acpi_srat(), acpi_slit(), acpi_hmat() - append one table of NUMA nodes */
void acpi_srat(const struct acpi_cfg *cfg, struct buf *out);
void acpi_slit(const struct acpi_cfg *cfg, struct buf *out);
void acpi_hmat(const struct acpi_cfg *cfg, struct buf *out);

#endif
