// SPDX-License-Identifier: GPL-2.0-only
/* A machine's life and its end; see machine.h. machine_build.c makes it. */
#include "vmm/machine.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/diag.h"
#include "vmm/boot.h"
#include "vmm/machine_priv.h"
#include "vmm/x86/cpuid.h"
#include "vmm/x86/regs.h"

/* ---- the end ---- */

static void machine_end(void *arg, const struct machine_stop *stop)
{
	struct machine *m = arg;
	bool first;

	pthread_mutex_lock(&m->stop_lock);
	first = m->stop.reason == MACHINE_RUNNING;
	if (first)
		m->stop = *stop;
	pthread_mutex_unlock(&m->stop_lock);
	if (!first)
		return;
	__atomic_store_n(&m->env.ended, true, __ATOMIC_SEQ_CST);
	eventfd_write(m->end_fd, 1);
	park_close(&m->park);
	park_kick_all(&m->park);
}

/* A device port was written: which vCPU did it does not matter. */
static void machine_power_end(void *arg, enum machine_stop_reason reason)
{
	struct machine_stop stop = { .reason = reason, .at_ns = now_ns() };

	machine_end(arg, &stop);
}

static void machine_kick(void *arg, unsigned int member)
{
	struct machine *m = arg;

	vcpu_kick(&m->vcpus[member]);
}

void machine_kill(struct machine *m)
{
	struct machine_stop stop = { .reason = MACHINE_KILLED,
				     .at_ns = now_ns() };

	machine_end(m, &stop);
}

/* ---- create and destroy ---- */

static int machine_init(struct machine *m, struct diag *d)
{
	pthread_mutexattr_t attr;
	unsigned int i;

	m->kvm = (struct kvm){ .fd = -1, .vm = -1 };
	m->mem.fd = -1;
	for (i = 0; i < MACHINE_NR_SERIAL; i++) {
		m->com_irq[i].fd = -1;
		uart_init(&m->uart[i], &m->com_irq[i], NULL, NULL);
	}
	m->power = (struct power){ .end = machine_power_end, .arg = m };
	m->env = (struct vcpu_env){ .pio = &m->pio, .mmio = &m->mmio,
				    .ring = &m->ring, .park = &m->park,
				    .trap = &m->trap,
				    .end = machine_end, .arg = m };
	coalesced_init(&m->ring, &m->pio, &m->mmio);
	park_init(&m->park, machine_kick, m);
	trap_init(&m->trap, &m->kvm, &m->mem);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&m->stop_lock, &attr);
	pthread_mutexattr_destroy(&attr);
	m->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->end_fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	return 0;
}

int machine_create(struct machine **out, const struct machine_cfg *cfg,
		   struct diag *d)
{
	struct machine *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return diag_fail(d, -ENOMEM, NULL, "machine: out of memory");
	ret = machine_init(m, d);
	if (!ret)
		ret = machine_build(m, cfg, d);
	if (ret < 0) {
		machine_destroy(m);
		return ret;
	}
	*out = m;
	return 0;
}

void machine_destroy(struct machine *m)
{
	unsigned int i;

	if (!m)
		return;
	machine_kill(m);
	machine_join(m);
	for (i = 0; i < m->nr_vcpus; i++)
		vcpu_destroy(&m->vcpus[i]);
	free(m->vcpus);
	kvm_close(&m->kvm);
	conpage_detach(&m->con);
	mem_destroy(&m->mem);
	for (i = 0; i < MACHINE_NR_SERIAL; i++) {
		uart_deinit(&m->uart[i]);
		irq_line_deinit(&m->com_irq[i]);
	}
	coalesced_deinit(&m->ring);
	park_deinit(&m->park);
	trap_deinit(&m->trap);
	pthread_mutex_destroy(&m->stop_lock);
	if (m->end_fd >= 0)
		close(m->end_fd);
	free(m);
}

/* ---- life ---- */

int machine_start(struct machine *m, struct diag *d)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < m->nr_vcpus; i++)
		ret = vcpu_start(&m->vcpus[i], d);
	if (ret < 0)
		machine_kill(m);
	return ret;
}

void machine_join(struct machine *m)
{
	unsigned int i;

	if (m->joined)
		return;
	for (i = 0; i < m->nr_vcpus; i++)
		vcpu_join(&m->vcpus[i]);
	coalesced_drain(&m->ring);
	for (i = 0; i < m->nr_vcpus; i++)
		kvmstat_read(&m->vcpus[i].stat);
	m->joined = true;
}

int machine_park(struct machine *m, u64 timeout_ns, u64 *missing)
{
	int ret = park_all(&m->park, timeout_ns, missing);

	if (ret)
		return ret;
	m->parked_ns = now_ns();
	clock_stop(&m->clock, m->kvm.vm);
	return 0;
}

u64 machine_resume(struct machine *m)
{
	u64 stood;

	clock_go(&m->clock, m->kvm.vm, m->vcpus, m->nr_vcpus);
	/* Counted before anything of the guest goes on. */
	stood = now_ns() - m->parked_ns;
	__atomic_add_fetch(&m->stood_ns, stood, __ATOMIC_SEQ_CST);
	return park_resume(&m->park);
}

u64 machine_stood_ns(const struct machine *m)
{
	return __atomic_load_n(&m->stood_ns, __ATOMIC_SEQ_CST);
}

static void release_devices(struct machine *m, unsigned int n)
{
	while (n--)
		if (m->devices[n]->hold)
			m->devices[n]->release(m->devices[n]->dev);
}

int machine_freeze(struct machine *m, u64 timeout_ns, u64 *missing,
		   const char **busy)
{
	u64 until = now_ns() + timeout_ns;
	unsigned int i;
	int ret = machine_park(m, timeout_ns, missing);

	if (busy)
		*busy = NULL;
	for (i = 0; !ret && i < m->nr_devices; i++) {
		const struct device *dev = m->devices[i];

		if (!dev->hold)
			continue;
		ret = dev->hold(dev->dev, until);
		if (!ret)
			continue;
		if (busy)
			*busy = dev->name;
		release_devices(m, i);
		machine_resume(m);
	}
	return ret;
}

u64 machine_thaw(struct machine *m)
{
	release_devices(m, m->nr_devices);
	return machine_resume(m);
}

void machine_hold(struct machine *m, u32 vcpu)
{
	park_hold(&m->park, vcpu);
}

void machine_release(struct machine *m, u32 vcpu)
{
	park_release(&m->park, vcpu);
}

void machine_drain(struct machine *m)
{
	coalesced_drain(&m->ring);
}

size_t machine_serial_input(struct machine *m, unsigned int port,
			    const void *data, size_t len)
{
	if (port >= MACHINE_NR_SERIAL)
		return 0;
	return uart_input(&m->uart[port], data, len);
}

/* ---- what a debugger asks ---- */

int machine_listen(struct machine *m, const struct trap_ops *ops, void *arg)
{
	return trap_listen(&m->trap, ops, arg);
}

void machine_unlisten(struct machine *m, void *arg)
{
	trap_unlisten(&m->trap, arg);
}

int machine_guard(struct machine *m, const gpa_t *pages, unsigned int nr,
		  struct diag *d)
{
	if (!park_is_still(&m->park))
		return diag_fail(d, -EBUSY, NULL, "the vCPUs run");
	return trap_guard(&m->trap, pages, nr, d);
}

int machine_debug_regs(struct machine *m, const u64 addr[TRAP_ADDRS], u64 dr7)
{
	unsigned int i;
	int ret = 0;

	if (!park_is_still(&m->park))
		return -EBUSY;
	memcpy(m->trap.addr, addr, sizeof(m->trap.addr));
	m->trap.dr7 = dr7;
	for (i = 0; !ret && i < m->nr_vcpus; i++)
		ret = trap_vcpu(&m->trap, &m->vcpus[i]);
	return ret;
}

int machine_step(struct machine *m, u32 vcpu, bool on)
{
	u64 bit = 1ULL << vcpu;

	if (vcpu >= m->nr_vcpus)
		return -ERANGE;
	if (!park_is_still(&m->park))
		return -EBUSY;
	m->trap.step = (m->trap.step & ~bit) | (on ? bit : 0);
	return trap_vcpu(&m->trap, &m->vcpus[vcpu]);
}

int machine_set_vcpu_regs(struct machine *m, u32 vcpu,
			  const struct machine_regs *regs)
{
	if (vcpu >= m->nr_vcpus)
		return -ERANGE;
	if (!park_is_still(&m->park))
		return -EBUSY;
	return regs_set(m->vcpus[vcpu].fd, regs);
}

/* ---- what can be asked ---- */

int machine_end_fd(const struct machine *m)
{
	return m->end_fd;
}

struct machine_stop machine_stop(const struct machine *m)
{
	struct machine *lockable = (struct machine *)m;
	struct machine_stop stop;

	pthread_mutex_lock(&lockable->stop_lock);
	stop = m->stop;
	pthread_mutex_unlock(&lockable->stop_lock);
	return stop;
}

const struct machine_layout *machine_layout(const struct machine *m)
{
	return &m->layout;
}

struct mem *machine_mem(struct machine *m)
{
	return &m->mem;
}

struct bus *machine_pio(struct machine *m)
{
	return &m->pio;
}

struct bus *machine_mmio(struct machine *m)
{
	return &m->mmio;
}

u32 machine_nr_cpus(const struct machine *m)
{
	return m->topo.cpus;
}

gpa_t machine_ring_gpa(const struct machine_cfg *cfg)
{
	return boot_ring_gpa(cfg->memory, cfg->ring_size);
}

int machine_vcpu_regs(struct machine *m, u32 vcpu, struct machine_regs *regs)
{
	if (vcpu >= m->nr_vcpus)
		return -ERANGE;
	if (!park_is_still(&m->park))
		return -EBUSY;
	return regs_get(m->vcpus[vcpu].fd, regs);
}

enum machine_cpu_state machine_vcpu_state(struct machine *m, u32 vcpu)
{
	struct kvm_mp_state state;

	if (vcpu >= m->nr_vcpus || !park_is_still(&m->park) ||
	    kvm_ioctl_ptr(m->vcpus[vcpu].fd, KVM_GET_MP_STATE, &state))
		return MACHINE_CPU_UNKNOWN;
	switch (state.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		return MACHINE_CPU_RUNNING;
	case KVM_MP_STATE_HALTED:
		return MACHINE_CPU_HALTED;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
		return MACHINE_CPU_NOT_STARTED;
	default:
		return MACHINE_CPU_UNKNOWN;
	}
}

u64 machine_guest_ns(const struct machine *m)
{
	return m->clock.stopped ? m->clock.kvm_ns : 0;
}

u64 machine_vcpu_cpu_ns(const struct machine *m, u32 vcpu)
{
	return vcpu < m->nr_vcpus ? vcpu_cpu_ns(&m->vcpus[vcpu]) : 0;
}

unsigned int machine_stats(const struct machine *m, u32 vcpu,
			   const struct machine_stat **stats)
{
	if (vcpu >= m->nr_vcpus)
		return 0;
	*stats = m->vcpus[vcpu].stat.stats;
	return m->vcpus[vcpu].stat.nr;
}

int machine_default_cmdline(const struct machine_cfg *cfg, struct buf *out)
{
	if (cfg->console == MACHINE_CONSOLE_PAGE)
		/* "null" is a tty or no console at all; the page stays. */
		buf_printf(out, "earlycon=uart8250,mmio,0x%llx keep_bootcon console=null",
			   (unsigned long long)CONPAGE_GPA);
	else
		buf_puts(out, "console=ttyS0");
	/*
	 * reboot=a: on a hardware-reduced platform Linux prefers EFI, which is
	 * not there. pci=off: no scan by ports. tsc=reliable: no watchdog.
	 */
	buf_puts(out, " reboot=a panic=-1 pci=off 8250.nr_uarts=2 tsc=reliable");
	/* A third of an emulated boot, and some milliseconds of another one. */
	if (cpuid_host_emulated())
		buf_puts(out, " cryptomgr.notests");
	return out->failed ? -ENOMEM : 0;
}
