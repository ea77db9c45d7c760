// SPDX-License-Identifier: GPL-2.0-only
/* NUMA nodes in ACPI: SRAT, SLIT, HMAT (ACPI 6.4, 5.2.16, 5.2.17, 5.2.27). */
#include <endian.h>

#include "vmm/base/buf.h"
#include "vmm/x86/acpi_priv.h"

struct acpi_srat {
	struct acpi_header h;
	__le32 one;
	__u8 reserved[8];
} ACPI_PACKED;

struct srat_cpu {
	__u8 type, length, domain_lo, apic_id;
	__le32 flags;
	__u8 sapic_eid, domain_hi[3];
	__le32 clock_domain;
} ACPI_PACKED;

struct srat_memory {
	__u8 type, length;
	__le32 domain;
	__le16 reserved0;
	__le64 base, size;
	__le32 reserved1, flags;
	__le64 reserved2;
} ACPI_PACKED;

struct acpi_hmat {
	struct acpi_header h;
	__le32 reserved;
} ACPI_PACKED;

/* Memory proximity domain attributes. */
struct hmat_domain {
	__le16 type, reserved0;
	__le32 length;
	__le16 flags;		/* bit 0: the initiator's domain is valid */
	__le16 reserved1;
	__le32 initiator, memory;
	__le32 reserved2;
	__le64 reserved3, reserved4;
} ACPI_PACKED;

/* System locality latency and bandwidth; lists and cells follow. */
struct hmat_locality {
	__le16 type, reserved0;
	__le32 length;
	__u8 flags;		/* 0: of the memory itself, not a cache */
	__u8 data_type;
	__u8 min_transfer, reserved1;
	__le32 initiators, targets;
	__le32 reserved2;
	__le64 unit;		/* of a cell: picoseconds, MB/s */
} ACPI_PACKED;

_Static_assert(sizeof(struct hmat_domain) == 40, "HMAT structure 0");
_Static_assert(sizeof(struct hmat_locality) == 32, "HMAT structure 1");

enum { HMAT_LATENCY = 0, HMAT_BANDWIDTH = 3 };

#define HMAT_CELL_MAX 0xfffe	/* 0xffff: not reachable */

void acpi_srat(const struct acpi_cfg *cfg, struct buf *out)
{
	struct acpi_srat srat = { .h = acpi_header("SRAT", 3),
				  .one = htole32(1) };
	size_t start = out->len;
	u32 i;

	buf_add(out, &srat, sizeof(srat));
	for (i = 0; i < cfg->topo->cpus; i++) {
		struct srat_cpu cpu = {
			.length = sizeof(cpu),
			.domain_lo = (u8)topology_node(cfg->topo, i),
			.apic_id = (u8)topology_apic_id(cfg->topo, i),
			.flags = htole32(1),
		};

		buf_add(out, &cpu, sizeof(cpu));
	}
	for (i = 0; i < cfg->nr_memory; i++) {
		struct srat_memory m = {
			.type = 1, .length = sizeof(m),
			.domain = htole32(cfg->memory[i].node),
			.base = htole64(cfg->memory[i].base),
			.size = htole64(cfg->memory[i].size),
			.flags = htole32(1),
		};

		buf_add(out, &m, sizeof(m));
	}
	acpi_finish(out, start);
}

void acpi_slit(const struct acpi_cfg *cfg, struct buf *out)
{
	struct acpi_header h = acpi_header("SLIT", 1);
	u32 n = topology_all_nodes(cfg->topo), i, j;
	__le64 nodes = htole64(n);
	size_t start = out->len;

	buf_add(out, &h, sizeof(h));
	buf_add(out, &nodes, sizeof(nodes));
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			buf_putc(out, (char)cfg->distance[i][j]);
	acpi_finish(out, start);
}

/* A node with CPUs is the initiator of its own memory. */
static void hmat_domains(const struct acpi_cfg *cfg, struct buf *out)
{
	u32 n = topology_all_nodes(cfg->topo), i;

	for (i = 0; i < n; i++) {
		bool cpus = i < cfg->topo->nodes;
		struct hmat_domain dom = {
			.length = htole32(sizeof(dom)),
			.flags = htole16(cpus ? 1 : 0),
			.initiator = htole32(cpus ? i : 0),
			.memory = htole32(i),
		};

		buf_add(out, &dom, sizeof(dom));
	}
}

u32 machine_hmat_unit(u32 biggest)
{
	u32 unit = 1;

	while (biggest / unit > HMAT_CELL_MAX)
		unit *= 10;
	return unit;
}

/* @cells: MACHINE_MAX_NODES to a row; @scale: of the unit of a cell. */
static void hmat_locality(const struct acpi_cfg *cfg, u8 type,
			  const u32 *cells, u32 scale, struct buf *out)
{
	u32 n = topology_all_nodes(cfg->topo), rows = cfg->topo->nodes;
	struct hmat_locality loc = {
		.type = htole16(1),
		.length = htole32((u32)(sizeof(loc) + 4 * (rows + n) +
					2 * rows * n)),
		.data_type = type,
		.initiators = htole32(rows), .targets = htole32(n),
	};
	u32 unit, biggest = 0, i, j;

	for (i = 0; i < rows; i++)
		for (j = 0; j < n; j++)
			biggest = max(biggest, cells[i * MACHINE_MAX_NODES + j]);
	unit = machine_hmat_unit(biggest);
	loc.unit = htole64((u64)unit * scale);
	buf_add(out, &loc, sizeof(loc));
	for (i = 0; i < rows + n; i++) {
		__le32 dom = htole32(i < rows ? i : i - rows);

		buf_add(out, &dom, sizeof(dom));
	}
	for (i = 0; i < rows; i++) {
		for (j = 0; j < n; j++) {
			u32 v = cells[i * MACHINE_MAX_NODES + j] / unit;
			__le16 cell = htole16((u16)v);

			buf_add(out, &cell, sizeof(cell));
		}
	}
}

void acpi_hmat(const struct acpi_cfg *cfg, struct buf *out)
{
	struct acpi_hmat hmat = { .h = acpi_header("HMAT", 2) };
	size_t start = out->len;

	buf_add(out, &hmat, sizeof(hmat));
	hmat_domains(cfg, out);
	if (cfg->latency_ns)
		hmat_locality(cfg, HMAT_LATENCY, cfg->latency_ns, 1000, out);
	if (cfg->bandwidth_mb)
		hmat_locality(cfg, HMAT_BANDWIDTH, cfg->bandwidth_mb, 1, out);
	acpi_finish(out, start);
}
