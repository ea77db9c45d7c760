// SPDX-License-Identifier: GPL-2.0-only
/* ACPI tables: sums, links, contents, and what iasl says of them. */
#include "vmm/x86/acpi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/hw/power.h"
#include "vmm/mem.h"
#include "vmm/x86/aml.h"
#include "vmm/x86/numa.h"

#define BASE 0xe0000ULL
#define TOPO(n, l, c, t)					\
	((struct machine_topology){ .nodes = (n), .llcs = (l),	\
				    .cores = (c), .threads = (t) })

FIXTURE(acpi) {
	struct topology topo;
	struct acpi_device devs[MACHINE_MAX_DEVICES];
	struct acpi_cfg cfg;
	unsigned int devices;	/* of build_tiered() */
	struct buf out;
	u64 rsdp;
};

static void build(FIXTURE_DATA(acpi) *self, struct machine_topology t,
		  unsigned int devices)
{
	const u32 *latency_ns = self->cfg.latency_ns;
	const u32 *bandwidth_mb = self->cfg.bandwidth_mb;
	unsigned int i, nodes;

	BUG_ON(topology_init(&self->topo, &t, NULL));
	for (i = 0; i < devices; i++)
		self->devs[i] = (struct acpi_device){
			.hid = "LNRO0005", .base = 0xd0000000 + 0x1000 * i,
			.size = 0x200, .gsi = 5 + i,
		};
	self->cfg = (struct acpi_cfg){
		.base = BASE, .topo = &self->topo, .devices = self->devs,
		.nr_devices = devices, .com_gsi = { 4, 3 },
		.com_port = { 0x3f8, 0x2f8 },
		.latency_ns = latency_ns, .bandwidth_mb = bandwidth_mb,
	};
	nodes = topology_all_nodes(&self->topo);
	for (i = 0; i < nodes; i++) {
		u32 j;

		self->cfg.memory[i] = (struct acpi_memory){
			.base = MiB(64) * i, .size = MiB(64), .node = i,
		};
		for (j = 0; j < nodes; j++)
			self->cfg.distance[i][j] = i == j ? 10 : 20;
	}
	self->cfg.nr_memory = nodes;
	BUG_ON(acpi_build(&self->cfg, &self->out, &self->rsdp, NULL));
}

FIXTURE_SETUP(acpi)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(acpi)
{
	buf_reset(&self->out);
}

static u64 le(const void *p, unsigned int bytes)
{
	u64 v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static const u8 *at(FIXTURE_DATA(acpi) *self, u64 gpa)
{
	return gpa >= BASE && gpa - BASE < self->out.len ?
		       (u8 *)self->out.data + (gpa - BASE) : NULL;
}

/* By the links that a kernel follows; NULL where there is no such table. */
static const u8 *table(FIXTURE_DATA(acpi) *self, const char *signature)
{
	const u8 *rsdp = at(self, self->rsdp), *xsdt, *t;
	u32 i, n;

	xsdt = at(self, le(rsdp + 24, 8));
	n = ((u32)le(xsdt + 4, 4) - 36) / 8;
	for (i = 0; i < n; i++) {
		t = at(self, le(xsdt + 36 + 8 * i, 8));
		if (!memcmp(t, signature, 4))
			return t;
		if (!memcmp(t, "FACP", 4) && !memcmp(signature, "DSDT", 4))
			return at(self, le(t + 140, 8));
	}
	return NULL;
}

TEST_F(acpi, every_table_sums_to_zero)
{
	static const char *const names[] = { "DSDT", "FACP", "APIC", "SRAT",
					     "SLIT" };
	const u8 *rsdp, *xsdt;
	unsigned int i;

	build(self, TOPO(2, 1, 2, 1), 4);
	rsdp = at(self, self->rsdp);
	EXPECT_EQ(0, memcmp(rsdp, "RSD PTR ", 8));
	EXPECT_EQ(0, self->rsdp % 16);
	EXPECT_EQ(0, acpi_checksum(rsdp, 20));
	EXPECT_EQ(0, acpi_checksum(rsdp, 36));
	xsdt = at(self, le(rsdp + 24, 8));
	EXPECT_EQ(0, memcmp(xsdt, "XSDT", 4));
	EXPECT_EQ(0, acpi_checksum(xsdt, le(xsdt + 4, 4)));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const u8 *t = table(self, names[i]);

		ASSERT_NE(NULL, t) {
			TH_LOG("no %s", names[i]);
		}
		EXPECT_EQ(0, acpi_checksum(t, le(t + 4, 4)));
	}
}

TEST_F(acpi, fadt_is_hardware_reduced_and_can_reset_and_sleep)
{
	const u8 *t;

	build(self, TOPO(1, 1, 1, 1), 0);
	t = table(self, "FACP");
	EXPECT_EQ(1 << 20 | 1 << 10, le(t + 112, 4) & (1 << 20 | 1 << 10));
	EXPECT_EQ(0, le(t + 109, 2) & 2);		/* no 8042 */
	EXPECT_EQ(1 << 5, le(t + 109, 2) & 1 << 5);	/* no CMOS clock */
	EXPECT_EQ(1, t[116]);				/* port I/O */
	EXPECT_EQ(POWER_ACPI_RESET, le(t + 120, 8));
	EXPECT_EQ(POWER_ACPI_RESET_VALUE, t[128]);
	EXPECT_EQ(POWER_SLEEP_CONTROL, le(t + 248, 8));
	EXPECT_EQ(POWER_SLEEP_STATUS, le(t + 260, 8));
}

TEST_F(acpi, madt_names_each_cpu_once)
{
	u8 seen[256] = { 0 };
	const u8 *t, *p, *end;
	u32 cpus = 0, ioapics = 0;

	build(self, TOPO(1, 3, 2, 2), 0);
	t = table(self, "APIC");
	EXPECT_EQ(0, le(t + 40, 4) & 1);	/* no PIC */
	end = t + le(t + 4, 4);
	for (p = t + 44; p < end; p += p[1]) {
		ASSERT_LT(1, p[1]);
		if (p[0] == 0) {
			EXPECT_EQ(cpus, p[2]);
			EXPECT_EQ(topology_apic_id(&self->topo, cpus), p[3]);
			EXPECT_EQ(0, seen[p[3]]++);
			EXPECT_EQ(1, le(p + 4, 4));
			cpus++;
		}
		ioapics += p[0] == 1;
	}
	EXPECT_EQ(12, cpus);
	EXPECT_EQ(1, ioapics);
}

TEST_F(acpi, one_node_has_no_srat)
{
	build(self, TOPO(1, 1, 4, 1), 0);
	EXPECT_EQ(NULL, table(self, "SRAT"));
	EXPECT_EQ(NULL, table(self, "SLIT"));
	EXPECT_EQ(NULL, table(self, "HMAT"));
}

TEST_F(acpi, sixty_four_cpus_and_all_devices_fit_below_the_reset_vector)
{
	build(self, TOPO(16, 2, 2, 1),
	      MACHINE_MAX_DEVICES);
	EXPECT_GT(0x1fff0, self->out.len);
}

/* Two nodes with CPUs, one without, and all three tables of distances. */
static void build_tiered(FIXTURE_DATA(acpi) *self)
{
	static u32 latency[MACHINE_MAX_NODES * MACHINE_MAX_NODES];
	static u32 bandwidth[MACHINE_MAX_NODES * MACHINE_MAX_NODES];
	struct machine_topology t = TOPO(2, 1, 2, 1);
	u32 i, j;

	t.memory_nodes = 1;
	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			latency[i * MACHINE_MAX_NODES + j] = 100 * i + 10 * j + 5;
			bandwidth[i * MACHINE_MAX_NODES + j] =
				1000000 - 1000 * (10 * i + j);
		}
	}
	self->cfg.latency_ns = latency;
	self->cfg.bandwidth_mb = bandwidth;
	build(self, t, self->devices);
}

TEST_F(acpi, a_node_without_cpus_has_memory_alone)
{
	const u8 *t, *p, *end;
	u32 cpus = 0, ranges = 0;

	build_tiered(self);
	t = table(self, "SRAT");
	end = t + le(t + 4, 4);
	for (p = t + 48; p < end; p += p[1]) {
		ASSERT_LT(1, p[1]);
		if (p[0] == 0) {
			EXPECT_EQ(cpus / 2, p[2]);
			cpus++;
		} else {
			EXPECT_EQ(1, p[0]);
			EXPECT_EQ(ranges, le(p + 2, 4));
			EXPECT_EQ(MiB(64) * ranges, le(p + 8, 8));
			EXPECT_EQ(MiB(64), le(p + 16, 8));
			EXPECT_EQ(1, le(p + 28, 4));
			ranges++;
		}
	}
	EXPECT_EQ(4, cpus);
	EXPECT_EQ(3, ranges);
	t = table(self, "SLIT");
	EXPECT_EQ(36 + 8 + 9, le(t + 4, 4));
	EXPECT_EQ(3, le(t + 36, 8));
	for (u32 i = 0; i < 9; i++)
		EXPECT_EQ(i / 3 == i % 3 ? 10 : 20, t[44 + i]);
}

TEST_F(acpi, hmat_says_how_far_memory_is)
{
	const u8 *t, *p;
	u32 i, kind;

	build_tiered(self);
	t = table(self, "HMAT");
	ASSERT_NE(NULL, t);
	EXPECT_EQ(0, acpi_checksum(t, le(t + 4, 4)));
	EXPECT_EQ(2, t[8]);
	/* Who owns which memory: the third node has no initiator. */
	for (i = 0, p = t + 40; i < 3; i++, p += 40) {
		EXPECT_EQ(0, le(p, 2));
		EXPECT_EQ(40, le(p + 4, 4));
		EXPECT_EQ(i < 2, le(p + 8, 2));
		EXPECT_EQ(i, le(p + 16, 4));
	}
	for (kind = 0; kind < 2; kind++) {
		u64 unit = kind ? 100 : 1000;

		EXPECT_EQ(1, le(p, 2));
		EXPECT_EQ(32 + 4 * 5 + 2 * 6, le(p + 4, 4));
		EXPECT_EQ(kind ? 3 : 0, p[9]);	/* access bandwidth, latency */
		EXPECT_EQ(2, le(p + 12, 4));
		EXPECT_EQ(3, le(p + 16, 4));
		EXPECT_EQ(unit, le(p + 24, 8));
		for (i = 0; i < 5; i++)
			EXPECT_EQ(i < 2 ? i : i - 2, le(p + 32 + 4 * i, 4));
		for (i = 0; i < 6; i++) {
			u64 r = i / 3, c = i % 3;

			EXPECT_EQ(kind ? (1000000 - 1000 * (10 * r + c)) / 100 :
				  100 * r + 10 * c + 5,
				  le(p + 52 + 2 * i, 2));
		}
		p += le(p + 4, 4);
	}
	EXPECT_EQ(t + le(t + 4, 4), p);
}

TEST(hmat_units_keep_cells_in_16_bits)
{
	EXPECT_EQ(1, machine_hmat_unit(0));
	EXPECT_EQ(1, machine_hmat_unit(0xfffe));
	EXPECT_EQ(10, machine_hmat_unit(0xffff));
	EXPECT_EQ(10, machine_hmat_unit(655349));
	EXPECT_EQ(100, machine_hmat_unit(655350));
	EXPECT_EQ(100000, machine_hmat_unit(UINT32_MAX));
}

/* RAM of 4 GiB and its hole at 3 GiB, without the 4 GiB. */
static void describe(struct acpi_cfg *acpi, struct machine_topology *t,
		     struct diag *d, int *ret)
{
	const struct mem mem = {
		.size = GiB(4), .nr_regions = 2,
		.regions = {
			{ .gpa = 0, .size = GiB(3) },
			{ .gpa = GiB(4), .size = GiB(1) },
		},
	};
	struct topology topo;

	BUG_ON(topology_init(&topo, t, NULL));
	*ret = numa_describe(&mem, &topo, t, acpi, d);
}

TEST(nodes_take_ram_in_order_and_around_the_hole)
{
	static const struct acpi_memory want[] = {
		{ 0, MiB(1364), 0 }, { MiB(1364), MiB(1364), 1 },
		{ MiB(2728), MiB(344), 2 }, { GiB(4), GiB(1), 2 },
	};
	struct machine_topology t = TOPO(2, 1, 1, 1);
	struct acpi_cfg acpi = { 0 };
	u32 i;
	int ret;

	t.memory_nodes = 1;
	t.distance[0][2] = 99;
	describe(&acpi, &t, NULL, &ret);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(4, acpi.nr_memory);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(want[i].base, acpi.memory[i].base);
		EXPECT_EQ(want[i].size, acpi.memory[i].size);
		EXPECT_EQ(want[i].node, acpi.memory[i].node);
	}
	EXPECT_EQ(99, acpi.distance[0][2]);
	EXPECT_EQ(20, acpi.distance[2][0]);
	EXPECT_EQ(10, acpi.distance[2][2]);
	EXPECT_EQ(NULL, acpi.latency_ns);
}

TEST(nodes_have_what_was_asked_for)
{
	struct machine_topology t = TOPO(2, 1, 1, 1);
	struct acpi_cfg acpi = { 0 };
	struct diag d = { 0 };
	int ret;

	t.node_memory[0] = GiB(3);
	t.node_memory[1] = GiB(1);
	t.latency_ns[1][0] = 7;
	describe(&acpi, &t, NULL, &ret);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(2, acpi.nr_memory);
	EXPECT_EQ(GiB(4), acpi.memory[1].base);
	EXPECT_EQ(7, acpi.latency_ns[MACHINE_MAX_NODES]);
	EXPECT_EQ(NULL, acpi.bandwidth_mb);
	t.node_memory[1] = GiB(2);
	acpi.nr_memory = 0;
	describe(&acpi, &t, &d, &ret);
	EXPECT_EQ(-EINVAL, ret);
	EXPECT_NE(NULL, strstr(diag_text(&d), "adds up"));
	diag_reset(&d);
	t.node_memory[0] = GiB(4);
	t.node_memory[1] = 0;
	describe(&acpi, &t, &d, &ret);
	EXPECT_EQ(-EINVAL, ret);
	EXPECT_NE(NULL, strstr(diag_text(&d), "node 1"));
	diag_reset(&d);
}

TEST(sixteen_nodes_and_no_more)
{
	struct machine_topology t = TOPO(4, 1, 1, 1);

	t.memory_nodes = 12;
	EXPECT_EQ(4, machine_cpus(&t));
	t.memory_nodes = 13;
	EXPECT_EQ(0, machine_cpus(&t));
	t.memory_nodes = UINT32_MAX;
	EXPECT_EQ(0, machine_cpus(&t));
	t.memory_nodes = 15;
	t.nodes = 0;
	EXPECT_EQ(1, machine_cpus(&t));
}

/* Write one table and let iasl disassemble it; its words are the verdict. */
static int iasl(const u8 *t, const char *dir, const char *name,
		struct buf *said)
{
	char path[128], cmd[512];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	BUG_ON(io_write_file(path, t, le(t + 4, 4), NULL));
	snprintf(cmd, sizeof(cmd), "iasl -d %s 2>&1", path);
	f = popen(cmd, "r");
	while ((c = fgetc(f)) != EOF)
		buf_putc(said, (char)c);
	c = pclose(f);
	/* And back: the compiler looks harder than the disassembler. */
	snprintf(cmd, sizeof(cmd), "iasl -we %s/%s.dsl 2>&1", dir, name);
	f = popen(cmd, "r");
	while (fgets(cmd, sizeof(cmd), f))
		buf_puts(said, cmd);
	return c | pclose(f);
}

TEST_F(acpi, iasl_accepts_them_without_a_warning)
{
	static const char *const names[] = { "DSDT", "FACP", "APIC", "SRAT",
					     "SLIT", "HMAT" };
	char dir[] = "/tmp/test_acpi.XXXXXX";
	unsigned int i;

	if (system("command -v iasl >/dev/null"))
		SKIP(return, "no iasl (acpica-tools)");
	ASSERT_NE(NULL, mkdtemp(dir));
	self->devices = MACHINE_MAX_DEVICES;
	build_tiered(self);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf said = { 0 };
		int ret = iasl(table(self, names[i]), dir, names[i], &said);

		EXPECT_EQ(0, ret);
		EXPECT_EQ(NULL, strcasestr(buf_str(&said), "warning "));
		EXPECT_EQ(NULL, strcasestr(buf_str(&said), "error "));
		EXPECT_EQ(NULL, strcasestr(buf_str(&said), "invalid"));
		if (ret || strcasestr(buf_str(&said), "warning "))
			TH_LOG("%s: %s", names[i], buf_str(&said));
		buf_reset(&said);
	}
	io_rmtree(dir, NULL);
}

static u64 pkg_length(const u8 *p, unsigned int *bytes)
{
	u64 v = p[0] & 0x3f;
	unsigned int i;

	*bytes = 1 + (p[0] >> 6);
	if (*bytes > 1)
		v = p[0] & 0xf;
	for (i = 1; i < *bytes; i++)
		v |= (u64)p[i] << (8 * i - 4);
	return v;
}

/* The length counts its own bytes; each width's edge. */
TEST(aml_package_lengths)
{
	static const size_t sizes[] = { 0, 1, 56, 57, 58, 59, 60, 61, 4087,
					4088, 4089, 4090, 70000, 1048570 };
	unsigned int i, bytes;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct buf body = { 0 }, out = { 0 };
		size_t n;

		for (n = 0; n < sizes[i]; n++)
			buf_putc(&body, 'x');
		aml_scope(&out, "\\_SB_", &body);
		EXPECT_EQ(0x10, out.data[0]);
		EXPECT_EQ(out.len - 1,
			  pkg_length((u8 *)out.data + 1, &bytes)) {
			TH_LOG("body of %zu", sizes[i]);
		}
		EXPECT_EQ(0, memcmp(out.data + 1 + bytes, "\\_SB_", 5));
		EXPECT_EQ(0, body.len);
		buf_reset(&out);
	}
}

TEST(aml_eisa_id)
{
	struct buf out = { 0 };

	aml_eisaid(&out, "PNP0501");
	ASSERT_EQ(5, out.len);
	EXPECT_EQ(0, memcmp(out.data, "\x0c\x41\xd0\x05\x01", 5));
	buf_reset(&out);
}

TEST_HARNESS_MAIN
