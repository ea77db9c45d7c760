// SPDX-License-Identifier: GPL-2.0-only
/* The host side of the probe; see probe.h. */
#include "vmm/probe.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/boot.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"
#include "vmm/x86/cpuid.h"
#include "vmm/x86/probe_guest.h"
#include "vmm/x86/regs.h"

#define PROBE_MEMORY MiB(2)
#define PROBE_DEADLINE_NS (2 * NSEC_PER_SEC)
#define PROBE_TICK_NS (20 * NSEC_PER_MSEC)
/* A tenth of a microsecond per instruction even under software emulation;
 * step-by-step emulation takes more than one. */
#define PROBE_LOOP_MAX_NS (100 * NSEC_PER_MSEC)

struct prober {
	struct kvm kvm;
	struct mem mem;
	int vcpu;
	struct kvm_run *run;
	u64 deadline;
};

static void idt_gate(u64 *idt, unsigned int vector, const unsigned char *handler)
{
	u64 addr = PROBE_CODE + (u64)(handler - probe_code);
	u64 type = 0x8eULL << 40;	/* present interrupt gate */
	u64 cs = 0x10ULL << 16;

	idt[2 * vector] = (addr & 0xffff) | cs | type |
			  (addr >> 16 & 0xffff) << 48;
	idt[2 * vector + 1] = addr >> 32;
}

static void prober_load(struct prober *p)
{
	u64 *idt = mem_ptr(&p->mem, PROBE_IDT, 4096);

	idt_gate(idt, 3, probe_on_int3);
	idt_gate(idt, 6, probe_on_ud2);
	idt_gate(idt, PROBE_VECTOR_IPI, probe_on_ipi);
	idt_gate(idt, PROBE_VECTOR_TIMER, probe_on_timer);
	BUG_ON(mem_write(&p->mem, PROBE_CODE, probe_code,
			 (u64)(probe_code_end - probe_code)));
}

static int prober_set_cpu(struct prober *p, struct diag *d)
{
	struct cpuid *cpuid __free(cleanup_free) = malloc(sizeof(*cpuid));
	struct kvm_sregs sregs;
	int ret;

	if (!cpuid)
		return diag_fail(d, -ENOMEM, NULL, "probe: out of memory");
	ret = cpuid_supported(p->kvm.fd, cpuid, d);
	if (ret < 0)
		return ret;
	ret = kvm_ioctl_ptr(p->vcpu, KVM_SET_CPUID2, cpuid);
	if (!ret)
		ret = regs_boot(p->vcpu, &p->mem, PROBE_CODE, 0, d);
	if (!ret)
		ret = kvm_ioctl_ptr(p->vcpu, KVM_GET_SREGS, &sregs);
	sregs.idt.base = PROBE_IDT;
	sregs.idt.limit = 4095;
	if (!ret)
		ret = kvm_ioctl_ptr(p->vcpu, KVM_SET_SREGS, &sregs);
	return ret;
}

static int prober_open(struct prober *p, const char *path, struct diag *d)
{
	void *run;
	int ret;

	ret = kvm_open(&p->kvm, path, d);
	if (!ret)
		ret = kvm_create_vm(&p->kvm, d);
	if (!ret)
		ret = mem_create(&p->mem, PROBE_MEMORY, d);
	if (!ret)
		ret = kvm_map_memory(&p->kvm, &p->mem, d);
	if (ret < 0)
		return ret;
	p->vcpu = kvm_ioctl(p->kvm.vm, KVM_CREATE_VCPU, 0);
	if (p->vcpu < 0)
		return diag_fail(d, p->vcpu, NULL, "KVM_CREATE_VCPU: %s",
				 strerror(-p->vcpu));
	run = mmap(NULL, p->kvm.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   p->vcpu, 0);
	if (run == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "cannot map a vCPU: %m");
	p->run = run;
	prober_load(p);
	return prober_set_cpu(p, d);
}

static void prober_close(struct prober *p)
{
	if (p->run)
		munmap(p->run, p->kvm.run_size);
	if (p->vcpu >= 0)
		close(p->vcpu);
	kvm_close(&p->kvm);
	mem_destroy(&p->mem);
}

static void prober_exit_reason(const struct prober *p, char *buf, size_t len)
{
	const struct kvm_run *run = p->run;

	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		snprintf(buf, len, "KVM internal error, suberror %u",
			 run->internal.suberror);
	else if (run->exit_reason == KVM_EXIT_SHUTDOWN)
		snprintf(buf, len, "triple fault");
	else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		snprintf(buf, len, "entry refused, reason 0x%llx",
			 (unsigned long long)
			 run->fail_entry.hardware_entry_failure_reason);
	else
		snprintf(buf, len, "%s", kvm_exit_name(run->exit_reason));
}

/*
 * Run until the guest reports a stage or a watchpoint fires.
 * Return: the stage; 0 a debug exit; -errno, with the exit told in @why.
 */
static int prober_run(struct prober *p, char *why, size_t len)
{
	for (;;) {
		int ret = ioctl(p->vcpu, KVM_RUN, 0);

		if (now_ns() > p->deadline) {
			snprintf(why, len, "nothing after two seconds");
			return -ETIMEDOUT;
		}
		if (ret < 0 && errno != EINTR && errno != EAGAIN) {
			ret = -errno;
			snprintf(why, len, "KVM_RUN: %s", strerror(-ret));
			return ret;
		}
		if (ret < 0)
			continue;
		if (p->run->exit_reason == KVM_EXIT_DEBUG)
			return 0;
		if (p->run->exit_reason == KVM_EXIT_IO &&
		    p->run->io.port == PROBE_PORT)
			return *((u8 *)p->run + p->run->io.data_offset);
		prober_exit_reason(p, why, len);
		return -EIO;
	}
}

/* What the guest was at when it ended: the first bit that is missing. */
static const char *prober_at(const struct prober *p)
{
	static const char *const steps[] = {
		"int3 through the IDT", "ud2 through the IDT", "cmpxchg16b",
		"xsave", "an x2APIC self-IPI", "the local APIC timer",
	};
	u32 done = 0;
	unsigned int i;

	mem_read(&p->mem, PROBE_RESULT, &done, sizeof(done));
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (!(done & 1U << i))
			return steps[i];
	return "a plain loop";
}

static bool prober_watch(struct prober *p)
{
	struct kvm_guest_debug dbg = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		/* global enable 0; write, 8 bytes */
		.arch.debugreg = { [0] = PROBE_WATCHED,
				   [7] = 0x400 | 2 | 1 << 16 | 2 << 18 },
	};
	char why[64];

	if (kvm_ioctl_ptr(p->vcpu, KVM_SET_GUEST_DEBUG, &dbg) < 0)
		return false;
	return prober_run(p, why, sizeof(why)) == 0 &&
	       (p->run->debug.arch.dr6 & 1);
}

static void prober_test(struct prober *p, struct probe *out)
{
	char why[128] = "it skipped a step";
	u64 loop;
	int ret;

	ret = prober_run(p, why, sizeof(why));
	loop = now_ns();
	if (ret == PROBE_STAGE_TRAPS)
		ret = prober_run(p, why, sizeof(why));
	loop = now_ns() - loop;
	if (ret != PROBE_STAGE_LOOP) {
		snprintf(out->reason, sizeof(out->reason),
			 "its KVM cannot run kernels: a probe guest failed at %s (%s); most likely there is no hardware virtualization under it",
			 prober_at(p), why);
		return;
	}
	if (loop > PROBE_LOOP_MAX_NS) {
		snprintf(out->reason, sizeof(out->reason),
			 "its KVM emulates step by step: %u instructions took %llu ms",
			 2 * PROBE_LOOP,
			 (unsigned long long)(loop / NSEC_PER_MSEC));
		return;
	}
	out->usable = true;
	out->watchpoints_fire = prober_watch(p);
}

/*
 * A guest that spins is got out of KVM_RUN by a signal that comes again and
 * again, so that none is lost by coming a moment before KVM_RUN.
 */
static int prober_timer(timer_t *timer)
{
	struct itimerspec every = {
		.it_value.tv_nsec = PROBE_TICK_NS,
		.it_interval.tv_nsec = PROBE_TICK_NS,
	};
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = vcpu_kick_signal(),
	};

	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, timer) < 0)
		return -errno;
	timer_settime(*timer, 0, &every, NULL);
	return 0;
}

int probe_run(const char *kvm_path, struct probe *out, struct diag *d)
{
	struct prober p = { .kvm = { .fd = -1, .vm = -1 }, .mem.fd = -1,
			    .vcpu = -1 };
	sigset_t kick, old;
	u64 start = now_ns();
	timer_t timer;
	int ret;

	*out = (struct probe){ 0 };
	p.deadline = start + PROBE_DEADLINE_NS;
	ret = prober_open(&p, kvm_path, d);
	if (!ret)
		ret = prober_timer(&timer);
	if (!ret) {
		sigemptyset(&kick);
		sigaddset(&kick, vcpu_kick_signal());
		pthread_sigmask(SIG_UNBLOCK, &kick, &old);
		prober_test(&p, out);
		timer_delete(timer);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	} else {
		snprintf(out->reason, sizeof(out->reason), "%s",
			 d ? diag_text(d) : strerror(-ret));
	}
	prober_close(&p);
	out->took_ns = now_ns() - start;
	return ret;
}
