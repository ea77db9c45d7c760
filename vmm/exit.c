// SPDX-License-Identifier: GPL-2.0-only
/* Exit table and stop reasons; see exit.h. */
#include "vmm/exit.h"

#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/buf.h"
#include "vmm/kvm.h"
#include "vmm/x86/regs.h"

static void exit_end(struct vcpu *vcpu, struct machine_stop *stop)
{
	stop->vcpu = vcpu->index;
	stop->at_ns = now_ns();
	stop->has_regs = !regs_get(vcpu->fd, &stop->regs);
	vcpu->env->end(vcpu->env->arg, stop);
}

static void exit_end_by(struct vcpu *vcpu, enum machine_stop_reason reason)
{
	struct machine_stop stop = {
		.reason = reason, .exit_reason = vcpu->run->exit_reason,
	};

	exit_end(vcpu, &stop);
}

static void exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i;

	vcpu->io_pending = true;
	/* A string instruction repeats on the same port. */
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(vcpu->env->pio, run->io.port, data,
				  run->io.size);
		else
			bus_read(vcpu->env->pio, run->io.port, data,
				 run->io.size);
	}
}

static void exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu->io_pending = true;
	if (run->mmio.is_write &&
	    trap_wrote(vcpu->env->trap, vcpu->index, run->mmio.phys_addr,
		       run->mmio.data, run->mmio.len))
		return;
	if (run->mmio.is_write)
		bus_write(vcpu->env->mmio, run->mmio.phys_addr, run->mmio.data,
			  run->mmio.len);
	else
		bus_read(vcpu->env->mmio, run->mmio.phys_addr, run->mmio.data,
			 run->mmio.len);
}

static void exit_debug(struct vcpu *vcpu)
{
	const struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	struct trap_debug t = {
		.pc = arch->pc, .dr6 = arch->dr6,
	};

	trap_exit(vcpu->env->trap, vcpu->index, &t);
}

static void exit_nothing(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void exit_shutdown(struct vcpu *vcpu)
{
	exit_end_by(vcpu, MACHINE_TRIPLE_FAULT);
}

static void exit_internal(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct machine_stop stop = {
		.reason = MACHINE_INTERNAL_ERROR,
		.exit_reason = run->exit_reason,
		.suberror = run->internal.suberror,
		.nr_data = min(run->internal.ndata, (u32)MACHINE_STOP_DATA),
	};
	u32 i;

	for (i = 0; i < stop.nr_data; i++)
		stop.data[i] = run->internal.data[i];
	exit_end(vcpu, &stop);
}

static void exit_fail_entry(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	struct machine_stop stop = {
		.reason = MACHINE_FAIL_ENTRY,
		.exit_reason = run->exit_reason,
		.suberror = (u32)run->fail_entry.hardware_entry_failure_reason,
		.data = { run->fail_entry.hardware_entry_failure_reason,
			  run->fail_entry.cpu },
		.nr_data = 2,
	};

	exit_end(vcpu, &stop);
}

static void exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		exit_end_by(vcpu, MACHINE_POWEROFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		exit_end_by(vcpu, MACHINE_RESET_ACPI);
		break;
	default:
		exit_end_by(vcpu, MACHINE_UNKNOWN_EXIT);
		break;
	}
}

static void (*const exit_table[])(struct vcpu *vcpu) = {
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_DEBUG] = exit_debug,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal,
	[KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
	/* These only say that the host took a look. */
	[KVM_EXIT_INTR] = exit_nothing,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_nothing,
	[KVM_EXIT_SET_TPR] = exit_nothing,
};

void exit_handle(struct vcpu *vcpu)
{
	u32 reason = vcpu->run->exit_reason;

	vcpu->io_pending = false;
	if (reason < ARRAY_SIZE(exit_table) && exit_table[reason])
		exit_table[reason](vcpu);
	else
		exit_end_by(vcpu, MACHINE_UNKNOWN_EXIT);
}

void exit_failed(struct vcpu *vcpu, int err)
{
	struct machine_stop stop = { .reason = MACHINE_VCPU_ERROR, .err = err };

	exit_end(vcpu, &stop);
}

static const char *const stop_names[] = {
	[MACHINE_RUNNING] = "running",
	[MACHINE_POWEROFF] = "poweroff",
	[MACHINE_RESET_KBD] = "reset-kbd",
	[MACHINE_RESET_ACPI] = "reset-acpi",
	[MACHINE_RESET_PCI] = "reset-pci",
	[MACHINE_RESET_BIOS] = "reset-bios",
	[MACHINE_TRIPLE_FAULT] = "triple-fault",
	[MACHINE_INTERNAL_ERROR] = "internal-error",
	[MACHINE_FAIL_ENTRY] = "fail-entry",
	[MACHINE_UNKNOWN_EXIT] = "unknown-exit",
	[MACHINE_KILLED] = "killed",
	[MACHINE_VCPU_ERROR] = "vcpu-error",
};

const char *machine_stop_name(enum machine_stop_reason reason)
{
	return reason < ARRAY_SIZE(stop_names) ? stop_names[reason] : "?";
}

static const char *suberror_name(u32 suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "KVM could not emulate an instruction";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "an exit while an event was delivered";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "unexpected hardware exit";
	default:
		return "unknown cause";
	}
}

/*
 * Emulation failures carry the bytes of the instruction: data[0] flags (bit 0
 * says so), then size and 15 bytes.
 */
static void text_insn(const struct machine_stop *stop, struct buf *out)
{
	const u8 *p = (const u8 *)&stop->data[1];
	u8 n = p[0] <= 15 ? p[0] : 15, i;

	if (stop->suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    stop->nr_data < 4 || !(stop->data[0] & 1))
		return;
	buf_puts(out, ", instruction bytes");
	for (i = 0; i < n; i++)
		buf_printf(out, " %02x", p[1 + i]);
}

static void text_what(const struct machine_stop *s, struct buf *out)
{
	switch (s->reason) {
	case MACHINE_RUNNING:
		buf_puts(out, "the machine is running");
		break;
	case MACHINE_POWEROFF:
		buf_puts(out, "the guest powered off (ACPI S5)");
		break;
	case MACHINE_RESET_KBD:
		buf_puts(out, "the guest reset itself by the keyboard controller (port 0x64)");
		break;
	case MACHINE_RESET_ACPI:
		buf_puts(out, "the guest reset itself by the ACPI reset register");
		break;
	case MACHINE_RESET_PCI:
		buf_puts(out, "the guest reset itself by port 0xcf9");
		break;
	case MACHINE_RESET_BIOS:
		buf_puts(out, "the guest reset itself by the real-mode reset vector");
		break;
	case MACHINE_TRIPLE_FAULT:
		buf_printf(out, "the guest triple-faulted on vCPU %u", s->vcpu);
		break;
	case MACHINE_INTERNAL_ERROR:
		buf_printf(out, "KVM internal error, suberror %u (%s), on vCPU %u",
			   s->suberror, suberror_name(s->suberror), s->vcpu);
		text_insn(s, out);
		break;
	case MACHINE_FAIL_ENTRY:
		buf_printf(out, "the hardware refused to enter the guest, reason 0x%llx, on vCPU %u",
			   (unsigned long long)s->data[0], s->vcpu);
		break;
	case MACHINE_UNKNOWN_EXIT:
		buf_printf(out, "unexpected exit %s (%u) on vCPU %u",
			   kvm_exit_name(s->exit_reason), s->exit_reason,
			   s->vcpu);
		break;
	case MACHINE_KILLED:
		buf_puts(out, "the host ended the machine");
		break;
	case MACHINE_VCPU_ERROR:
		buf_printf(out, "KVM_RUN failed on vCPU %u: %s", s->vcpu,
			   strerror(-s->err));
		break;
	}
}

/* On AMD KVM resets the vCPU before it reports a triple fault. */
static bool regs_are_reset(const struct machine_stop *stop)
{
	return stop->reason == MACHINE_TRIPLE_FAULT && stop->regs.rip == 0xfff0 &&
	       !stop->regs.cr3;
}

int machine_stop_text(const struct machine_stop *stop, struct buf *out)
{
	const struct machine_regs *r = &stop->regs;

	text_what(stop, out);
	/* An orderly end needs no registers. */
	if (stop->has_regs && stop->reason >= MACHINE_TRIPLE_FAULT &&
	    stop->reason != MACHINE_KILLED && !regs_are_reset(stop))
		buf_printf(out, "; rip 0x%llx rsp 0x%llx rflags 0x%llx cr0 0x%llx cr2 0x%llx cr3 0x%llx cr4 0x%llx efer 0x%llx cpl %u",
			   (unsigned long long)r->rip,
			   (unsigned long long)r->rsp,
			   (unsigned long long)r->rflags,
			   (unsigned long long)r->cr0,
			   (unsigned long long)r->cr2,
			   (unsigned long long)r->cr3,
			   (unsigned long long)r->cr4,
			   (unsigned long long)r->efer, r->cpl);
	return out->failed ? -1 : 0;
}
