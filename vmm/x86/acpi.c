// SPDX-License-Identifier: GPL-2.0-only
/* ACPI tables; see acpi.h. Layouts are those of ACPI 6.4, chapter 5. */
#include "vmm/x86/acpi.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/hw/power.h"
#include "vmm/x86/acpi_priv.h"
#include "vmm/x86/aml.h"

struct acpi_rsdp {
	char signature[8];
	__u8 checksum;		/* of the first 20 bytes */
	char oem_id[6];
	__u8 revision;
	__le32 rsdt;
	__le32 length;
	__le64 xsdt;
	__u8 ext_checksum;
	__u8 reserved[3];
} ACPI_PACKED;

/* Generic address: space 1 is port I/O, access size 1 a byte. */
struct acpi_gas {
	__u8 space, bit_width, bit_offset, access_size;
	__le64 address;
} ACPI_PACKED;

struct acpi_fadt {
	struct acpi_header h;
	__le32 facs, dsdt;
	__u8 reserved0, pm_profile;
	__le16 sci_int;
	__le32 smi_cmd;
	__u8 acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	__le32 pm_blocks[8];	/* PM1a event .. GPE1: none */
	__u8 pm_lengths[8];
	__le16 p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	__u8 duty_offset, duty_width, day_alrm, mon_alrm, century;
	__le16 boot_arch;
	__u8 reserved1;
	__le32 flags;
	struct acpi_gas reset_reg;
	__u8 reset_value;
	__le16 arm_boot_arch;
	__u8 minor_revision;
	__le64 x_facs, x_dsdt;
	struct acpi_gas x_pm_blocks[8];
	struct acpi_gas sleep_control, sleep_status;
	__le64 hypervisor;
} ACPI_PACKED;

_Static_assert(sizeof(struct acpi_fadt) == 276, "FADT of ACPI 6");

#define FADT_WBINVD (1U << 0)
#define FADT_PROC_C1 (1U << 2)
#define FADT_NO_PWR_BUTTON (1U << 4)
#define FADT_NO_SLP_BUTTON (1U << 5)
#define FADT_RESET_REG (1U << 10)
#define FADT_HEADLESS (1U << 12)
#define FADT_HW_REDUCED (1U << 20)

/* Without the 8042 bit a kernel does not look for a keyboard controller. */
#define FADT_BOOT_NO_VGA (1U << 2)
#define FADT_BOOT_NO_MSI (1U << 3)
#define FADT_BOOT_NO_ASPM (1U << 4)
#define FADT_BOOT_NO_CMOS_RTC (1U << 5)

struct acpi_madt {
	struct acpi_header h;
	__le32 lapic_addr;
	__le32 flags;		/* bit 0: has a PC/AT PIC; it has not */
} ACPI_PACKED;

struct madt_lapic {
	__u8 type, length, uid, apic_id;
	__le32 flags;
} ACPI_PACKED;

struct madt_ioapic {
	__u8 type, length, id, reserved;
	__le32 addr, gsi_base;
} ACPI_PACKED;

struct madt_lapic_nmi {
	__u8 type, length, uid;
	__le16 flags;
	__u8 lint;
} ACPI_PACKED;

u8 acpi_checksum(const void *data, size_t len)
{
	const u8 *p = data;
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return sum;
}

struct acpi_header acpi_header(const char *signature, u8 revision)
{
	struct acpi_header h = {
		.revision = revision,
		.oem_revision = htole32(1),
		.creator_revision = htole32(1),
	};

	memcpy(h.signature, signature, 4);
	memcpy(h.oem_id, "VMTAP ", 6);
	memcpy(h.oem_table_id, "VMTAPVM ", 8);
	memcpy(h.creator_id, "VMTP", 4);
	return h;
}

void acpi_finish(struct buf *out, size_t start)
{
	struct acpi_header *h;

	if (out->failed)
		return;
	h = (struct acpi_header *)(out->data + start);
	h->length = htole32((u32)(out->len - start));
	h->checksum = 0;
	h->checksum = (u8)-acpi_checksum(h, out->len - start);
	buf_pad(out, 16);
}

static void dsdt_com(struct buf *sb, const struct acpi_cfg *cfg, u32 i)
{
	struct buf dev = { 0 }, res = { 0 };
	char name[] = "COM1";

	name[3] = (char)('1' + i);
	aml_name(&dev, "_HID");
	aml_eisaid(&dev, "PNP0501");
	aml_name(&dev, "_UID");
	aml_int(&dev, i + 1);
	aml_name(&dev, "_CRS");
	aml_res_io(&res, cfg->com_port[i], 8);
	aml_res_irq(&res, cfg->com_gsi[i]);
	aml_resources(&dev, &res);
	aml_device(sb, name, &dev);
}

static void dsdt_device(struct buf *sb, const struct acpi_device *ad, u32 i)
{
	struct buf dev = { 0 }, res = { 0 };
	char name[5];

	snprintf(name, sizeof(name), "V%03u", i % 1000);
	aml_name(&dev, "_HID");
	aml_string(&dev, ad->hid);
	aml_name(&dev, "_UID");
	aml_int(&dev, i);
	aml_name(&dev, "_CCA");
	aml_int(&dev, 1);
	aml_name(&dev, "_CRS");
	aml_res_memory32(&res, ad->base, ad->size);
	aml_res_irq(&res, ad->gsi);
	aml_resources(&dev, &res);
	aml_device(sb, name, &dev);
}

static void acpi_dsdt(const struct acpi_cfg *cfg, struct buf *out)
{
	struct acpi_header h = acpi_header("DSDT", 2);
	struct buf sb = { 0 }, s5 = { 0 };
	size_t start = out->len;
	u32 i;

	buf_add(out, &h, sizeof(h));
	for (i = 0; i < 2; i++)
		dsdt_com(&sb, cfg, i);
	for (i = 0; i < cfg->nr_devices; i++)
		dsdt_device(&sb, &cfg->devices[i], i);
	aml_scope(out, "\\_SB_", &sb);
	/* The one sleep state: soft off. */
	aml_name(out, "_S5_");
	for (i = 0; i < 4; i++)
		aml_int(&s5, i < 2 ? POWER_SLP_TYP_S5 : 0);
	aml_package(out, 4, &s5);
	acpi_finish(out, start);
}

static struct acpi_gas acpi_port(u16 port)
{
	return (struct acpi_gas){ .space = 1, .bit_width = 8,
				  .access_size = 1, .address = htole64(port) };
}

static void acpi_fadt(struct buf *out, u64 dsdt)
{
	struct acpi_fadt fadt = {
		.h = acpi_header("FACP", 6),
		.minor_revision = 3,
		.dsdt = htole32((u32)dsdt),
		.x_dsdt = htole64(dsdt),
		.flags = htole32(FADT_WBINVD | FADT_PROC_C1 |
				 FADT_NO_PWR_BUTTON | FADT_NO_SLP_BUTTON |
				 FADT_RESET_REG | FADT_HEADLESS |
				 FADT_HW_REDUCED),
		.boot_arch = htole16(FADT_BOOT_NO_VGA | FADT_BOOT_NO_MSI |
				     FADT_BOOT_NO_ASPM |
				     FADT_BOOT_NO_CMOS_RTC),
		.reset_reg = acpi_port(POWER_ACPI_RESET),
		.reset_value = POWER_ACPI_RESET_VALUE,
		.sleep_control = acpi_port(POWER_SLEEP_CONTROL),
		.sleep_status = acpi_port(POWER_SLEEP_STATUS),
	};
	size_t start = out->len;

	memcpy(&fadt.hypervisor, "VMTAP\0\0", 8);
	buf_add(out, &fadt, sizeof(fadt));
	acpi_finish(out, start);
}

static void acpi_madt(const struct acpi_cfg *cfg, struct buf *out)
{
	struct acpi_madt madt = {
		.h = acpi_header("APIC", 5),
		.lapic_addr = htole32(ACPI_LAPIC_ADDR),
	};
	struct madt_ioapic ioapic = {
		.type = 1, .length = sizeof(ioapic),
		.addr = htole32(ACPI_IOAPIC_ADDR),
	};
	struct madt_lapic_nmi nmi = {
		.type = 4, .length = sizeof(nmi), .uid = 0xff, .lint = 1,
	};
	size_t start = out->len;
	u32 i;

	buf_add(out, &madt, sizeof(madt));
	for (i = 0; i < cfg->topo->cpus; i++) {
		struct madt_lapic lapic = {
			.length = sizeof(lapic),
			.uid = (u8)i,
			.apic_id = (u8)topology_apic_id(cfg->topo, i),
			.flags = htole32(1),
		};

		buf_add(out, &lapic, sizeof(lapic));
	}
	buf_add(out, &ioapic, sizeof(ioapic));
	buf_add(out, &nmi, sizeof(nmi));
	acpi_finish(out, start);
}

static void acpi_xsdt(struct buf *out, const u64 *tables, u32 n)
{
	struct acpi_header h = acpi_header("XSDT", 1);
	size_t start = out->len;
	u32 i;

	buf_add(out, &h, sizeof(h));
	for (i = 0; i < n; i++) {
		__le64 addr = htole64(tables[i]);

		buf_add(out, &addr, sizeof(addr));
	}
	acpi_finish(out, start);
}

static void acpi_rsdp(struct buf *out, size_t at, u64 xsdt)
{
	struct acpi_rsdp rsdp = {
		.revision = 2,
		.length = htole32(sizeof(rsdp)),
		.xsdt = htole64(xsdt),
	};

	memcpy(rsdp.signature, "RSD PTR ", 8);
	memcpy(rsdp.oem_id, "VMTAP ", 6);
	rsdp.checksum = (u8)-acpi_checksum(&rsdp, 20);
	rsdp.ext_checksum = (u8)-acpi_checksum(&rsdp, sizeof(rsdp));
	if (!out->failed)
		memcpy(out->data + at, &rsdp, sizeof(rsdp));
}

int acpi_build(const struct acpi_cfg *cfg, struct buf *out, u64 *rsdp,
	       struct diag *d)
{
	static const struct acpi_rsdp blank;
	u64 tables[5], dsdt, xsdt;
	u32 n = 0;

	buf_add(out, &blank, sizeof(blank));
	buf_pad(out, 16);
	dsdt = cfg->base + out->len;
	acpi_dsdt(cfg, out);
	tables[n++] = cfg->base + out->len;
	acpi_fadt(out, dsdt);
	tables[n++] = cfg->base + out->len;
	acpi_madt(cfg, out);
	if (topology_all_nodes(cfg->topo) > 1) {
		tables[n++] = cfg->base + out->len;
		acpi_srat(cfg, out);
		tables[n++] = cfg->base + out->len;
		acpi_slit(cfg, out);
	}
	if (cfg->latency_ns || cfg->bandwidth_mb) {
		tables[n++] = cfg->base + out->len;
		acpi_hmat(cfg, out);
	}
	xsdt = cfg->base + out->len;
	acpi_xsdt(out, tables, n);
	acpi_rsdp(out, 0, xsdt);
	if (out->failed)
		return diag_fail(d, -ENOMEM, NULL, "ACPI tables: out of memory");
	*rsdp = cfg->base;
	return 0;
}
