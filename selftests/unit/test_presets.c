// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every topology preset, on hosts of every kind and as either vendor: a whole
 * machine is made of it over a /dev/kvm of ours, and what Linux makes of the
 * leaves and tables that it hands over is what the scenario asks for, by the
 * rules of 6.1 and by those of the later kernels.
 */
#include "runner/topo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "selftests/lib/kvmioctl.h"
#include "selftests/lib/linuxtopo.h"
#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/machine.h"

#define FAKE "/dev/kvm-of-the-test"
#define MEMORY MiB(512)
#define MMAP_SIZE (3 * 4096)

struct leaf { u32 function, index, eax, ebx, ecx, edx; };

#define AMD 0x68747541, 0x444d4163, 0x69746e65
#define INTEL 0x756e6547, 0x6c65746e, 0x49656e69
#define CACHE(level, type) ((type) | (level) << 5 | 1 << 8)

/* What KVM_GET_SUPPORTED_CPUID says on hosts of each kind, as far as it counts. */
static const struct host {
	const char *name;
	struct leaf leaves[24];
} hosts[] = {
	{ "Zen 1", {
		{ 0, 0, 0xd, AMD }, { 1, 0, 0x00800f12, 0x00000800, 0, 0x178bfbff },
		{ 0xb, 0, 1, 2, 0x100, 0 }, { 0xb, 1, 4, 16, 0x201, 0 },
		{ 0x80000000, 0, 0x8000001f, AMD },
		{ 0x80000001, 0, 0x00800f12, 0, 1 << 22 | 1 << 1, 0 },
		{ 0x80000006, 0, 0, 0, 0x02006140, 0x00808140 },
		{ 0x80000008, 0, 0x3030, 0, 0x400f, 0 },
		{ 0x8000001d, 0, CACHE(1, 1), 0, 63, 0 },
		{ 0x8000001d, 1, CACHE(1, 2), 0, 255, 0 },
		{ 0x8000001d, 2, CACHE(2, 3), 0, 1023, 0 },
		{ 0x8000001d, 3, CACHE(3, 3), 0, 8191, 0 },
		{ 0x8000001d, 4, 0, 0, 0, 0 }, { 0x8000001e, 0, 0, 0, 0, 0 },
	} },
	{ "Zen 4", {
		{ 0, 0, 0x10, AMD }, { 1, 0, 0x00a10f11, 0x00000800, 0, 0x178bfbff },
		{ 0xb, 0, 1, 2, 0x100, 0 }, { 0xb, 1, 7, 128, 0x201, 0 },
		{ 0x80000000, 0, 0x80000028, AMD },
		{ 0x80000001, 0, 0x00a10f11, 0, 1 << 22 | 1 << 1, 0 },
		{ 0x80000006, 0, 0, 0, 0x04006140, 0x08009140 },
		{ 0x80000008, 0, 0x3030, 0, 0x707f, 0 },
		{ 0x8000001d, 0, CACHE(1, 1), 0, 63, 0 },
		{ 0x8000001d, 1, CACHE(1, 2), 0, 63, 0 },
		{ 0x8000001d, 2, CACHE(2, 3), 0, 2047, 0 },
		{ 0x8000001d, 3, CACHE(3, 3), 0, 32767, 0 },
		{ 0x8000001d, 4, 0, 0, 0, 0 }, { 0x8000001e, 0, 0, 0, 0, 0 },
		{ 0x80000026, 0, 1, 2, 0x100, 0 }, { 0x80000026, 1, 4, 16, 0x201, 0 },
		{ 0x80000026, 2, 7, 128, 0x402, 0 },
	} },
	{ "an AMD CPU that tells no topology", {
		{ 0, 0, 0xd, AMD }, { 1, 0, 0x00a20f12, 0x00000800, 0, 0x178bfbff },
		{ 4, 0, 0, 0, 0, 0 },
		{ 0x80000000, 0, 0x80000008, AMD }, { 0x80000001, 0, 0, 0, 0, 0 },
		{ 0x80000008, 0, 0x3030, 0, 0, 0 },
	} },
	{ "Sapphire Rapids", {
		{ 0, 0, 0x20, INTEL }, { 1, 0, 0x000806f8, 0x00000800, 0, 0x1f8bfbff },
		{ 4, 0, CACHE(1, 1), 0, 63, 0 }, { 4, 1, CACHE(1, 2), 0, 63, 0 },
		{ 4, 2, CACHE(2, 3), 0, 2047, 0 }, { 4, 3, CACHE(3, 3), 0, 65535, 0 },
		{ 4, 4, 0, 0, 0, 0 },
		{ 0xb, 0, 1, 2, 0x100, 0 }, { 0xb, 1, 7, 112, 0x201, 0 },
		{ 0x1f, 0, 1, 2, 0x100, 0 }, { 0x1f, 1, 7, 112, 0x201, 0 },
		{ 0x80000000, 0, 0x80000008, 0, 0, 0 },
		{ 0x80000001, 0, 0, 0, 1, 0 }, { 0x80000006, 0, 0, 0, 0x08007040, 0 },
		{ 0x80000008, 0, 0x3034, 0, 0, 0 },
	} },
	{ "an Atom without L3", {
		{ 0, 0, 0xb, INTEL }, { 1, 0, 0x000506d8, 0x00000800, 0, 0x1f8bfbff },
		{ 4, 0, CACHE(1, 1), 0, 63, 0 }, { 4, 1, CACHE(1, 2), 0, 63, 0 },
		{ 4, 2, CACHE(2, 3), 0, 1023, 0 }, { 4, 3, 0, 0, 0, 0 },
		{ 0xb, 0, 0, 1, 0x100, 0 }, { 0xb, 1, 4, 8, 0x201, 0 },
		{ 0x80000000, 0, 0x80000008, 0, 0, 0 },
		{ 0x80000001, 0, 0, 0, 1, 0 }, { 0x80000006, 0, 0, 0, 0x04008040, 0 },
		{ 0x80000008, 0, 0x3027, 0, 0, 0 },
	} },
	{ "Haswell", {
		{ 0, 0, 0xd, INTEL }, { 1, 0, 0x000306f2, 0x00000800, 0, 0x1f8bfbff },
		{ 4, 0, CACHE(1, 1), 0, 63, 0 }, { 4, 1, CACHE(1, 2), 0, 63, 0 },
		{ 4, 2, CACHE(2, 3), 0, 511, 0 }, { 4, 3, CACHE(3, 3), 0, 24575, 0 },
		{ 4, 4, 0, 0, 0, 0 },
		{ 0xb, 0, 1, 2, 0x100, 0 }, { 0xb, 1, 5, 24, 0x201, 0 },
		{ 0x80000000, 0, 0x80000008, 0, 0, 0 },
		{ 0x80000001, 0, 0, 0, 1, 0 }, { 0x80000006, 0, 0, 0, 0x01006040, 0 },
		{ 0x80000008, 0, 0x302e, 0, 0, 0 },
	} },
};

/* What the machine handed to KVM. */
static struct {
	const struct cpuid *supported;
	u32 creating;			/* the APIC id of the last vCPU */
	struct cpuid cpuid[256];
	bool has[256];
	gpa_t zero_page;
} fake;

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)syscall(SYS_openat, AT_FDCWD,
			    strcmp(path, FAKE) ? path : "/dev/null", flags, mode);
}

static int fake_vcpu(long id)
{
	int fd = memfd_create("vcpu", MFD_CLOEXEC);

	BUG_ON(id < 0 || id >= 256);
	fake.creating = (u32)id;
	return fd < 0 || ftruncate(fd, MMAP_SIZE) ? -1 : fd;
}

static int fake_ioctl(unsigned long request, long arg)
{
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return arg == KVM_CAP_MAX_VCPUS ? 64 : 2;
	case KVM_GET_VCPU_MMAP_SIZE:
		return MMAP_SIZE;
	case KVM_CREATE_VM:
		return (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
	case KVM_CREATE_VCPU:
		return fake_vcpu(arg);
	case KVM_GET_SUPPORTED_CPUID:
		memcpy((void *)arg, fake.supported, sizeof(struct cpuid));
		return 0;
	case KVM_SET_CPUID2:
		memcpy(&fake.cpuid[fake.creating], (void *)arg,
		       sizeof(struct cpuid));
		fake.has[fake.creating] = true;
		return 0;
	case KVM_SET_REGS:
		fake.zero_page = ((struct kvm_regs *)arg)->rsi;
		return 0;
	case KVM_GET_STATS_FD:
		errno = ENOTTY;
		return -1;
	default:
		return 0;
	}
}

FIXTURE(presets) {
	struct cpuid supported;
	struct linuxtopo_machine linux_sees;
	struct buf wanted, seen;
	struct machine *m;
	struct diag d;
	unsigned int checked;
};

FIXTURE_SETUP(presets)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(presets)
{
	machine_destroy(self->m);
	buf_reset(&self->wanted);
	buf_reset(&self->seen);
	diag_reset(&self->d);
}

static void take_host(FIXTURE_DATA(presets) *self, const struct host *host)
{
	struct cpuid *c = &self->supported;
	const struct leaf *l = host->leaves;
	u32 i;

	c->head.nent = 0;
	for (i = 0; i < ARRAY_SIZE(host->leaves) && (!i || l[i].function); i++) {
		bool indexed = l[i].function == 4 || l[i].function == 0xb ||
			       l[i].function == 0x1f ||
			       l[i].function == 0x8000001d ||
			       l[i].function == 0x80000026;

		c->entries[c->head.nent++] = (struct kvm_cpuid_entry2){
			.function = l[i].function, .index = l[i].index,
			.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = l[i].eax, .ebx = l[i].ebx, .ecx = l[i].ecx,
			.edx = l[i].edx,
		};
	}
	fake.supported = c;
}

/* A bzImage that says no more than that it has a 64-bit entry. */
static const void *kernel(size_t *len)
{
	static u8 image[4096];

	memcpy(image + 0x1fe, "\x55\xaaxxHdrS\x0f\x02", 10);
	image[0x1f1] = 1;
	image[0x236] = 1;
	image[0x25b] = 1;
	image[0x239] = 1;
	*len = sizeof(image);
	return image;
}

static int create(FIXTURE_DATA(presets) *self, const struct scen_topology *t,
		  enum machine_vendor vendor)
{
	struct machine_cfg cfg = {
		.kvm_path = FAKE, .memory = MEMORY, .vendor = vendor,
		.cmdline = "", .kaslr = MACHINE_KASLR_OFF,
	};
	u32 i;

	machine_destroy(self->m);
	self->m = NULL;
	memset(fake.has, 0, sizeof(fake.has));
	cfg.kernel.bzimage = kernel(&cfg.kernel.bzimage_len);
	topo_to_machine(&cfg.topology, t);
	if (machine_create(&self->m, &cfg, &self->d))
		return -EINVAL;
	self->linux_sees.mem = machine_mem(self->m);
	self->linux_sees.zero_page = fake.zero_page;
	for (i = 0; i < 256; i++)
		self->linux_sees.cpuid[i] = fake.has[i] ? &fake.cpuid[i] : NULL;
	return 0;
}

static void check(struct __test_metadata *_metadata,
		  FIXTURE_DATA(presets) *self, const char *host,
		  const struct topo_preset *preset, enum machine_vendor vendor)
{
	static const char *const vendors[] = { "itself", "AMD", "Intel" };
	static const char *const kernels[] = { "6.1", "6.9" };
	struct scen_vm vm = { .cpus = preset->t, .memory = MEMORY };
	int rules, err;

	ASSERT_EQ(0, create(self, &preset->t, vendor)) {
		TH_LOG("%s: %s", preset->name, diag_text(&self->d));
	}
	buf_reset(&self->wanted);
	topo_map(&vm, &self->wanted);
	for (rules = LINUXTOPO_6_1; rules <= LINUXTOPO_6_9; rules++) {
		buf_reset(&self->seen);
		err = linuxtopo_map(&self->linux_sees, rules, &self->seen);
		self->checked++;
		EXPECT_EQ(0, err);
		EXPECT_STREQ(buf_str(&self->wanted), buf_str(&self->seen)) {
			TH_LOG("%s on %s as %s, Linux %s", preset->name,
			       host, vendors[vendor], kernels[rules]);
		}
	}
}

static void check_all(struct __test_metadata *_metadata,
		      FIXTURE_DATA(presets) *self, const char *host)
{
	const struct topo_preset *p;
	int vendor;

	for (p = topo_presets; p->name; p++)
		for (vendor = MACHINE_VENDOR_HOST;
		     vendor <= MACHINE_VENDOR_INTEL; vendor++)
			check(_metadata, self, host, p, vendor);
}

static unsigned int count_presets(void)
{
	unsigned int n = 0;

	while (topo_presets[n].name)
		n++;
	return n;
}

TEST_F(presets, are_what_linux_sees_on_any_host)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		take_host(self, &hosts[i]);
		check_all(_metadata, self, hosts[i].name);
	}
	EXPECT_LE(29, count_presets());
	EXPECT_EQ(ARRAY_SIZE(hosts) * count_presets() * 3 * 2, self->checked);
}

TEST_F(presets, are_what_linux_sees_on_this_host)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		SKIP(return, "/dev/kvm: %s", strerror(errno));
	self->supported.head.nent = CPUID_MAX_ENTRIES;
	ASSERT_EQ(0, syscall(SYS_ioctl, fd, KVM_GET_SUPPORTED_CPUID,
			     &self->supported));
	close(fd);
	fake.supported = &self->supported;
	check_all(_metadata, self, "this host");
}

/* One CPU to 64, as cores of one LLC and as LLCs of one core. */
TEST_F(presets, any_number_of_cpus_is_what_linux_sees)
{
	struct topo_preset p = {
		.name = "cores", .t = { .nodes = 1, .threads = 1 },
	};
	u32 n;

	take_host(self, &hosts[0]);
	for (n = 1; n <= MACHINE_MAX_CPUS; n++) {
		p.t.llcs = 1;
		p.t.cores = n;
		check(_metadata, self, hosts[0].name, &p, MACHINE_VENDOR_AMD);
		p.t.llcs = n;
		p.t.cores = 1;
		check(_metadata, self, hosts[0].name, &p, MACHINE_VENDOR_INTEL);
	}
}

/* Memory without CPUs: latency says which node is nearest, then bandwidth. */
TEST_F(presets, memory_is_seen_from_the_nearest_node)
{
	u64 near_but_narrow[] = { 80, 90, 200, 90, 80, 300, 0, 0, 80 };
	u64 equally_far[] = { 80, 90, 200, 90, 80, 200, 0, 0, 80 };
	u64 mb[] = { 9000, 8000, 1000, 8000, 9000, 5000, 1, 1, 1 };
	struct topo_preset p = { .name = "tiered", .t = {
		.nodes = 2, .llcs = 2, .cores = 1, .threads = 1,
		.memory_nodes = 1, .latency_ns = { near_but_narrow, 9 },
		.bandwidth_mb = { mb, 9 },
	} };

	take_host(self, &hosts[1]);
	check(_metadata, self, hosts[1].name, &p, MACHINE_VENDOR_HOST);
	EXPECT_NE(NULL, strstr(buf_str(&self->seen),
			       "node 2 latency 200 bandwidth 1000\n"));
	p.t.latency_ns.cells = equally_far;
	check(_metadata, self, hosts[1].name, &p, MACHINE_VENDOR_HOST);
	EXPECT_NE(NULL, strstr(buf_str(&self->seen),
			       "node 2 latency 200 bandwidth 5000\n"));
}

TEST_HARNESS_MAIN
