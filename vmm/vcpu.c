// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's thread and run loop; see vcpu.h. */
#include "vmm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/diag.h"
#include "vmm/exit.h"
#include "vmm/kvm.h"

/* Interrupts KVM_RUN; the handler does nothing, its coming is enough. */
#define VCPU_KICK_SIGNAL SIGRTMIN

static void vcpu_on_kick(int sig)
{
	(void)sig;
}

static void vcpu_install_handler(void)
{
	struct sigaction sa = { .sa_handler = vcpu_on_kick };

	sigemptyset(&sa.sa_mask);
	sigaction(VCPU_KICK_SIGNAL, &sa, NULL);
}

int vcpu_kick_signal(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, vcpu_install_handler);
	return VCPU_KICK_SIGNAL;
}

int vcpu_create(struct vcpu *vcpu, const struct kvm *kvm, u32 index,
		u32 apic_id, struct vcpu_env *env, struct diag *d)
{
	void *run;
	int fd;

	*vcpu = (struct vcpu){ .index = index, .fd = -1, .env = env,
			       .stat.fd = -1 };
	fd = kvm_ioctl(kvm->vm, KVM_CREATE_VCPU, apic_id);
	if (fd < 0)
		return diag_fail(d, fd, NULL, "KVM_CREATE_VCPU %u: %s", index,
				 fd == -EEXIST ? "APIC id in use" :
						 strerror(-fd));
	vcpu->fd = fd;
	run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	if (run == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "cannot map vCPU %u: %m",
				 index);
	vcpu->run = run;
	vcpu->run_size = kvm->run_size;
	return kvm->stats ? kvmstat_open(&vcpu->stat, fd, d) : 0;
}

void vcpu_kick(struct vcpu *vcpu)
{
	/* Pairs with vcpu_clear_kick(); the lost-kick proof is in park.h. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->self, VCPU_KICK_SIGNAL);
}

static void vcpu_clear_kick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

static bool vcpu_ended(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->env->ended, __ATOMIC_SEQ_CST);
}

/* One entry into the guest and what came of it; false: nothing happened. */
static bool vcpu_enter(struct vcpu *vcpu)
{
	int ret = ioctl(vcpu->fd, KVM_RUN, 0);
	int err = ret < 0 ? errno : 0;

	coalesced_drain(vcpu->env->ring);
	if (!err) {
		exit_handle(vcpu);
		return true;
	}
	/* EAGAIN: an AP was started up, or a spurious wake-up. */
	if (err != EINTR && err != EAGAIN)
		exit_failed(vcpu, -err);
	vcpu->io_pending = false;
	return false;
}

/*
 * KVM completes an I/O exit at the next KVM_RUN. Let it, without entering the
 * guest, so that whoever looks sees registers after the instruction. A string
 * instruction may exit again from there.
 */
static void vcpu_complete_io(struct vcpu *vcpu)
{
	while (vcpu->io_pending && !vcpu_ended(vcpu)) {
		__atomic_store_n(&vcpu->run->immediate_exit, 1,
				 __ATOMIC_SEQ_CST);
		if (!vcpu_enter(vcpu))
			break;
	}
}

static void vcpu_loop(struct vcpu *vcpu)
{
	for (;;) {
		vcpu_clear_kick(vcpu);
		if (vcpu_ended(vcpu))
			break;
		if (park_wanted(vcpu->env->park, vcpu->index)) {
			vcpu_complete_io(vcpu);
			park_point(vcpu->env->park, vcpu->index);
			continue;
		}
		vcpu_enter(vcpu);
	}
}

static u64 thread_cpu_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];

	snprintf(name, sizeof(name), "vmtap-vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	vcpu->self = pthread_self();
	park_join(vcpu->env->park, vcpu->index);
	vcpu_loop(vcpu);
	park_leave(vcpu->env->park, vcpu->index);
	vcpu->cpu_ns = thread_cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	__atomic_store_n(&vcpu->done, true, __ATOMIC_RELEASE);
	return NULL;
}

int vcpu_start(struct vcpu *vcpu, struct diag *d)
{
	static const int unblocked[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
					 SIGABRT };
	sigset_t block, old;
	unsigned int i;
	int err;

	/* The thread inherits this mask: signals of the process go elsewhere. */
	sigfillset(&block);
	for (i = 0; i < ARRAY_SIZE(unblocked); i++)
		sigdelset(&block, unblocked[i]);
	sigdelset(&block, vcpu_kick_signal());
	pthread_sigmask(SIG_SETMASK, &block, &old);
	err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return diag_fail(d, -err, NULL, "cannot start vCPU %u: %s",
				 vcpu->index, strerror(err));
	vcpu->started = true;
	return 0;
}

void vcpu_join(struct vcpu *vcpu)
{
	if (!vcpu->started)
		return;
	pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}

u64 vcpu_cpu_ns(const struct vcpu *vcpu)
{
	clockid_t clock;

	if (__atomic_load_n(&vcpu->done, __ATOMIC_ACQUIRE))
		return vcpu->cpu_ns;
	if (!vcpu->started || pthread_getcpuclockid(vcpu->thread, &clock))
		return 0;
	return thread_cpu_ns(clock);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	BUG_ON(vcpu->started);
	kvmstat_close(&vcpu->stat);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}
