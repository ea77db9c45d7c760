// SPDX-License-Identifier: GPL-2.0-only
/* Putting a machine together from its description; see machine.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/boot.h"
#include "vmm/machine_priv.h"
#include "vmm/x86/cpuid.h"
#include "vmm/x86/numa.h"
#include "vmm/x86/regs.h"

#define MACHINE_IOAPIC_PINS 24
#define MACHINE_DEVICE_GSI 5		/* devices from here on */
#define MACHINE_WINDOW_SLOT 256		/* memory slots of devices' windows, likewise */
#define MACHINE_DEVICE_BASE 0xd0000000U	/* in the hole below 4 GiB */
#define MACHINE_DEVICE_END 0xe0000000U

static const struct {
	u16 port;
	u32 gsi;
	const char *name;
} com_ports[MACHINE_NR_SERIAL] = {
	{ 0x3f8, 4, "com1" },
	{ 0x2f8, 3, "com2" },
};

/*
 * Interrupts go to the IOAPIC alone: the PIC that KVM makes beside it is not
 * announced, and a guest may leave its ExtINT input open.
 */
static int machine_route_irqs(struct machine *m, struct diag *d)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[MACHINE_IOAPIC_PINS];
	} r = { .head.nr = MACHINE_IOAPIC_PINS };
	u32 i;
	int ret;

	for (i = 0; i < MACHINE_IOAPIC_PINS; i++) {
		r.entries[i].gsi = i;
		r.entries[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		r.entries[i].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		r.entries[i].u.irqchip.pin = i;
	}
	ret = kvm_ioctl_ptr(m->kvm.vm, KVM_SET_GSI_ROUTING, &r);
	if (ret < 0)
		return diag_fail(d, ret, NULL, "KVM_SET_GSI_ROUTING: %s",
				 strerror(-ret));
	return 0;
}

static int machine_bind_irq(struct machine *m, const struct irq_line *irq,
			    u32 gsi, const char *name, struct diag *d)
{
	struct kvm_irqfd fd = { .fd = (u32)irq->fd, .gsi = gsi };
	int ret = kvm_ioctl_ptr(m->kvm.vm, KVM_IRQFD, &fd);

	if (ret < 0)
		return diag_fail(d, ret, NULL, "KVM_IRQFD for %s: %s", name,
				 strerror(-ret));
	return 0;
}

static int machine_add_serial(struct machine *m, const struct machine_cfg *cfg,
			      unsigned int i, struct diag *d)
{
	struct bus_range range = {
		.base = com_ports[i].port, .size = UART_SIZE, .ops = &uart_ops,
		.dev = &m->uart[i], .name = com_ports[i].name,
	};
	int ret = irq_line_init(&m->com_irq[i], d);

	if (ret < 0)
		return ret;
	m->uart[i].out = cfg->serial[i].out;
	m->uart[i].arg = cfg->serial[i].arg;
	if (!i)
		m->con = (struct conpage){ .out = cfg->serial[i].out,
					   .arg = cfg->serial[i].arg };
	ret = machine_bind_irq(m, &m->com_irq[i], com_ports[i].gsi,
			       com_ports[i].name, d);
	return ret ? ret : bus_add(&m->pio, &range, d);
}

static int machine_add_doorbells(struct machine *m, const struct device *dev,
				 u64 base, struct diag *d)
{
	unsigned int i;

	for (i = 0; i < dev->nr_doorbells; i++) {
		const struct device_doorbell *b = &dev->doorbells[i];
		struct kvm_ioeventfd fd = {
			.datamatch = b->value, .addr = base + b->off, .len = 4,
			.fd = b->fd, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
		};
		int ret = kvm_ioctl_ptr(m->kvm.vm, KVM_IOEVENTFD, &fd);

		if (ret < 0)
			return diag_fail(d, ret, NULL,
					 "KVM_IOEVENTFD for %s: %s", dev->name,
					 strerror(-ret));
	}
	return 0;
}

/* The guest may read the device's first page and not write it: that exits. */
static int machine_map_window(struct machine *m, const struct device *dev,
			      unsigned int i, u64 base, struct diag *d)
{
	struct kvm_userspace_memory_region region = {
		.slot = MACHINE_WINDOW_SLOT + i, .flags = KVM_MEM_READONLY,
		.guest_phys_addr = base, .memory_size = 4096,
		.userspace_addr = (unsigned long)dev->window,
	};
	int ret;

	if (!dev->window || !m->kvm.readonly_mem)
		return 0;
	ret = kvm_ioctl_ptr(m->kvm.vm, KVM_SET_USER_MEMORY_REGION, &region);
	return ret < 0 ? diag_fail(d, ret, NULL, "registers of %s: %s",
				   dev->name, strerror(-ret)) : 0;
}

static int machine_add_devices(struct machine *m, const struct machine_cfg *cfg,
			       struct diag *d)
{
	u64 base = MACHINE_DEVICE_BASE;
	unsigned int i;
	int ret;

	if (cfg->nr_devices > MACHINE_MAX_DEVICES)
		return diag_fail(d, -EINVAL, NULL, "%u devices: at most %u",
				 cfg->nr_devices, MACHINE_MAX_DEVICES);
	m->devices = cfg->devices;
	m->nr_devices = cfg->nr_devices;
	for (i = 0; i < cfg->nr_devices; i++) {
		const struct device *dev = cfg->devices[i];
		u64 size = round_up(dev->size, (u64)4096);
		struct bus_range range = {
			.base = base, .size = dev->size, .ops = dev->ops,
			.dev = dev->dev, .name = dev->name,
		};

		if (!size || size > MACHINE_DEVICE_END - base)
			return diag_fail(d, -EINVAL, NULL,
					 "device %s: window of %llu bytes",
					 dev->name,
					 (unsigned long long)dev->size);
		m->acpi_devices[i] = (struct acpi_device){
			.hid = dev->acpi_hid, .base = (u32)base,
			.size = (u32)dev->size, .gsi = MACHINE_DEVICE_GSI + i,
		};
		ret = bus_add(&m->mmio, &range, d);
		if (!ret)
			ret = machine_bind_irq(m, dev->irq,
					       MACHINE_DEVICE_GSI + i,
					       dev->name, d);
		if (!ret)
			ret = machine_add_doorbells(m, dev, base, d);
		if (!ret)
			ret = machine_map_window(m, dev, i, base, d);
		if (ret < 0)
			return ret;
		base += size;
	}
	return 0;
}

static int machine_load_acpi(struct machine *m, const struct machine_cfg *cfg,
			     gpa_t *rsdp, struct diag *d)
{
	struct acpi_cfg acpi = {
		.base = BOOT_ACPI, .topo = &m->topo,
		.devices = m->acpi_devices, .nr_devices = cfg->nr_devices,
	};
	struct buf tables __free(buf_reset) = { 0 };
	unsigned int i;
	int ret;

	for (i = 0; i < MACHINE_NR_SERIAL; i++) {
		acpi.com_gsi[i] = com_ports[i].gsi;
		acpi.com_port[i] = com_ports[i].port;
	}
	ret = numa_describe(&m->mem, &m->topo, &cfg->topology, &acpi, d);
	if (ret < 0)
		return ret;
	ret = acpi_build(&acpi, &tables, rsdp, d);
	if (ret < 0)
		return ret;
	BUG_ON(tables.len > BOOT_ACPI_MAX);
	BUG_ON(mem_write(&m->mem, BOOT_ACPI, tables.data, tables.len));
	return 0;
}

static int machine_load(struct machine *m, const struct machine_cfg *cfg,
			struct boot_entry *entry, struct diag *d)
{
	struct boot_cfg boot = {
		.kernel = cfg->kernel, .cmdline = cfg->cmdline,
		.initrd = &cfg->initrd, .kaslr = cfg->kaslr,
		.kaslr_seed = cfg->kaslr_seed, .ring_size = cfg->ring_size,
	};
	int ret;

	if (cfg->memory < BOOT_MIN_MEMORY)
		return diag_fail(d, -EINVAL, NULL,
				 "guest memory of %llu bytes is too small: at least 32M",
				 (unsigned long long)cfg->memory);
	ret = mem_create(&m->mem, cfg->memory, d);
	if (!ret)
		ret = machine_load_acpi(m, cfg, &boot.rsdp, d);
	if (!ret)
		ret = boot_load(&m->mem, &boot, &m->layout, entry, d);
	if (!ret)
		ret = kvm_map_memory(&m->kvm, &m->mem, d);
	return ret;
}

static int machine_add_vcpus(struct machine *m, const struct boot_entry *entry,
			     enum machine_vendor vendor, struct diag *d)
{
	struct cpuid *supported __free(cleanup_free) = NULL;
	struct cpuid *cpuid __free(cleanup_free) = NULL;
	struct cpuid_cfg cfg = { .topo = &m->topo, .vendor = vendor,
				 .tsc_deadline = m->kvm.tsc_deadline };
	int ret;
	u32 i;

	m->vcpus = calloc(m->topo.cpus, sizeof(*m->vcpus));
	supported = malloc(sizeof(*supported));
	cpuid = malloc(sizeof(*cpuid));
	if (!m->vcpus || !supported || !cpuid)
		return diag_fail(d, -ENOMEM, NULL, "vCPUs: out of memory");
	ret = cpuid_supported(m->kvm.fd, supported, d);
	for (i = 0; !ret && i < m->topo.cpus; i++) {
		struct vcpu *vcpu = &m->vcpus[i];

		m->nr_vcpus++;
		ret = vcpu_create(vcpu, &m->kvm, i,
				  topology_apic_id(&m->topo, i), &m->env, d);
		if (ret < 0)
			break;
		ret = kvm_ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);
		cfg.tsc_khz = ret > 0 ? ret : 0;
		*cpuid = *supported;
		ret = cpuid_fill(&cfg, i, cpuid, d);
		if (ret < 0)
			break;
		ret = kvm_ioctl_ptr(vcpu->fd, KVM_SET_CPUID2, cpuid);
		if (ret < 0)
			return diag_fail(d, ret, NULL, "KVM_SET_CPUID2: %s",
					 strerror(-ret));
		ret = regs_msrs(vcpu->fd, d);
	}
	if (ret < 0)
		return ret;
	return regs_boot(m->vcpus[0].fd, &m->mem, entry->rip, entry->zero_page,
			 d);
}

/* The ring lies in every vCPU's mapping; the first one lives as long as we. */
static int machine_bind_ring(struct machine *m, struct diag *d)
{
	unsigned int i;
	int ret = 0;

	if (m->kvm.ring_page)
		coalesced_bind(&m->ring, (u8 *)m->vcpus[0].run +
						 m->kvm.ring_page * 4096);
	for (i = 0; !ret && i < MACHINE_NR_SERIAL; i++)
		ret = coalesced_add_port(&m->ring, &m->kvm, com_ports[i].port,
					 d);
	if (!ret)
		ret = conpage_attach(&m->con, &m->kvm, MEM_MAX_REGIONS,
				     &m->mmio, &m->ring, d);
	return ret;
}

int machine_build(struct machine *m, const struct machine_cfg *cfg,
		  struct diag *d)
{
	struct boot_entry entry;
	unsigned int i;
	int ret;

	ret = topology_init(&m->topo, &cfg->topology, d);
	if (!ret)
		ret = kvm_open(&m->kvm, cfg->kvm_path, d);
	if (!ret && m->topo.cpus > m->kvm.max_vcpus)
		ret = diag_fail(d, -EINVAL, NULL,
				"%u CPUs: this host's KVM allows %u",
				m->topo.cpus, m->kvm.max_vcpus);
	if (!ret)
		ret = kvm_create_vm(&m->kvm, d);
	if (!ret)
		ret = machine_route_irqs(m, d);
	if (!ret)
		ret = power_attach(&m->power, &m->pio, d);
	for (i = 0; !ret && i < MACHINE_NR_SERIAL; i++)
		ret = machine_add_serial(m, cfg, i, d);
	if (!ret)
		ret = machine_add_devices(m, cfg, d);
	if (!ret)
		ret = machine_load(m, cfg, &entry, d);
	if (!ret)
		ret = machine_add_vcpus(m, &entry, cfg->vendor, d);
	if (!ret)
		ret = machine_bind_ring(m, d);
	return ret;
}
