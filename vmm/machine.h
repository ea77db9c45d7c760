/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine: one x86-64 KVM guest, from a plain description to its end.
 *
 *     machine_create -> machine_start -> (machine_end_fd readable)
 *                    -> machine_join -> read stop, stats, memory
 *                    -> machine_destroy
 *
 * create loads the kernel and the initrd into guest memory and wires the
 * devices; start lets one thread per vCPU run; the first vCPU that meets an
 * end records it as data (struct machine_stop) and all of them leave. A guest
 * reset is an end: a machine boots once. Nothing here is global: many
 * machines may live in one process.
 */
#ifndef VMTAP_VMM_MACHINE_H
#define VMTAP_VMM_MACHINE_H

#include <stdbool.h>

#include "vmm/bus.h"
#include "vmm/mem.h"
#include "vmm/trap.h"

struct buf;
struct device;
struct diag;
struct kimage;
struct machine;

#define MACHINE_MAX_CPUS 64
#define MACHINE_MAX_NODES 16
#define MACHINE_MAX_DEVICES 16
#define MACHINE_NR_SERIAL 2	/* COM1, COM2 */

/*
 * nodes * llcs * cores * threads vCPUs: llcs in each node, cores in each LLC,
 * threads in each core. A node is a package. Zero counts as 1. Tables are over
 * all nodes: those with CPUs, then memory_nodes.
 */
struct machine_topology {
	u32 nodes, llcs, cores, threads;
	u32 memory_nodes;	/* memory and no CPU */
	/* Bytes per node; all zero: equal shares. Only read with two or more. */
	u64 node_memory[MACHINE_MAX_NODES];
	/* ACPI SLIT; all zero: 10 on the diagonal, 20 elsewhere. */
	u8 distance[MACHINE_MAX_NODES][MACHINE_MAX_NODES];
	/*
	 * ACPI HMAT, from node (row) to node; a zero is unknown. Only rows of
	 * nodes with CPUs are announced. All zero: no such structure.
	 */
	u32 latency_ns[MACHINE_MAX_NODES][MACHINE_MAX_NODES];
	u32 bandwidth_mb[MACHINE_MAX_NODES][MACHINE_MAX_NODES];
};

/* Whose CPU the guest believes in: how CPUID tells the topology. */
enum machine_vendor { MACHINE_VENDOR_HOST, MACHINE_VENDOR_AMD, MACHINE_VENDOR_INTEL };

enum machine_kaslr {
	MACHINE_KASLR_RANDOM,	/* a fresh seed, told in struct machine_layout */
	MACHINE_KASLR_SEED,	/* the same seed and image: the same layout */
	MACHINE_KASLR_OFF,	/* adds nokaslr to the command line */
};

/*
 * The kernel, borrowed until machine_create() returns. With @kimage the guest
 * does not decompress: the vmlinux is put into its memory, slid as @kaslr
 * says. Without it @bzimage (a whole file) is entered at its own 64-bit entry,
 * unpacks itself and draws for itself.
 */
struct machine_kernel {
	const struct kimage *kimage;
	const void *bzimage;
	size_t bzimage_len;
};

/* The initrd. Empty where @size is 0; else exactly one of data, fill, fd > 0. */
struct machine_initrd {
	u64 size;
	const void *data;
	/* Write all @size bytes to @dst, which is guest RAM and zeroed. */
	int (*fill)(void *arg, void *dst, u64 size, struct diag *d);
	void *arg;
	int fd;		/* read from offset 0; 0 means none */
};

/*
 * Takes what the guest writes to a serial port, in order.
 * Context: any vCPU thread, the port's lock held; machine_drain() likewise.
 */
struct machine_serial {
	void (*out)(void *arg, const void *data, size_t len);
	void *arg;
};

/*
 * How the kernel's console reaches COM1's sink. The page (hw/conpage.h) costs
 * half the exits of the port and speaks from the first message on, but the
 * guest has no /dev/console then: its init must open a tty by itself.
 */
enum machine_console {
	MACHINE_CONSOLE_TTYS0,
	MACHINE_CONSOLE_PAGE,
};

struct machine_cfg {
	const char *kvm_path;	/* NULL: /dev/kvm */
	u64 memory;		/* bytes, a multiple of 4096, at least 32 MiB */
	struct machine_topology topology;
	enum machine_vendor vendor;
	struct machine_kernel kernel;
	const char *cmdline;	/* used as it is; see machine_default_cmdline() */
	enum machine_console console;	/* only read by that function */
	struct machine_initrd initrd;
	enum machine_kaslr kaslr;
	u64 kaslr_seed;		/* for MACHINE_KASLR_SEED */
	struct device **devices;	/* the array, too: borrowed for its life */
	unsigned int nr_devices;
	struct machine_serial serial[MACHINE_NR_SERIAL];
	/*
	 * Bytes of RAM that the guest does not use (e820 reserved), at
	 * machine_ring_gpa(): the crash ring. 0: none. Rounded up to pages.
	 */
	u64 ring_size;
};

/* Where things lie, fixed by machine_create(). */
struct machine_layout {
	bool direct;		/* the vmlinux was placed here, see machine_kernel */
	bool kaslr;		/* the kernel was asked to randomise */
	/* All below but initrd and ring only where direct. */
	u64 kaslr_seed;		/* what the two slides were drawn from */
	u64 virt_offset;	/* slide of the kernel image, 2 MiB multiple */
	/* The kernel's own phys_base: physical = virtual - the kernel map +
	 * phys_base, modulo 2^64. */
	u64 phys_base;
	gpa_t kernel_start, kernel_end;	/* with .bss */
	const char *no_slide;	/* why virt_offset is 0 though asked for; or NULL */
	gpa_t initrd_start, initrd_end;
	gpa_t ring_start, ring_end;
};

enum machine_stop_reason {
	MACHINE_RUNNING,
	MACHINE_POWEROFF,	/* ACPI S5 */
	MACHINE_RESET_KBD,	/* keyboard controller, port 0x64 */
	MACHINE_RESET_ACPI,	/* FADT reset register */
	MACHINE_RESET_PCI,	/* port 0xcf9 */
	MACHINE_RESET_BIOS,	/* jump to the real-mode reset vector */
	MACHINE_TRIPLE_FAULT,	/* KVM_EXIT_SHUTDOWN */
	MACHINE_INTERNAL_ERROR,	/* KVM_EXIT_INTERNAL_ERROR: KVM gave up */
	MACHINE_FAIL_ENTRY,	/* KVM_EXIT_FAIL_ENTRY: the hardware refused */
	MACHINE_UNKNOWN_EXIT,	/* an exit that we do not handle, by name */
	MACHINE_KILLED,		/* machine_stop() */
	MACHINE_VCPU_ERROR,	/* our own or the host's fault in a vCPU thread */
};

#define MACHINE_STOP_DATA 16

/* One vCPU's state that a person or a page walk wants. */
struct machine_regs {
	u64 rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
	u64 cr0, cr2, cr3, cr4, efer;
	u64 fs_base, gs_base, kernel_gs_base, lstar;
	u16 cs, ss, ds, es, fs, gs;
	u8 cpl;
};

struct machine_stop {
	enum machine_stop_reason reason;
	u32 vcpu;		/* which one met it; 0 for MACHINE_KILLED */
	u64 at_ns;		/* now_ns() then */
	u32 exit_reason;	/* KVM_EXIT_*; 0 where it does not apply */
	u32 suberror;		/* KVM_INTERNAL_ERROR_*, or the entry failure */
	u64 data[MACHINE_STOP_DATA];	/* internal error data */
	u32 nr_data;
	int err;		/* -errno of KVM_RUN for MACHINE_VCPU_ERROR */
	bool has_regs;
	struct machine_regs regs;
};

/** machine_cpus() - how many vCPUs @t makes; 0 where over a limit */
u32 machine_cpus(const struct machine_topology *t);
/**
 * machine_node_memory() - bytes of @node where the machine has @memory
 * Shares that nobody chose are equal and whole 2 MiB; the last one takes what
 * is left over.
 */
u64 machine_node_memory(const struct machine_topology *t, u64 memory, u32 node);
/**
 * machine_hmat_unit() - the power of ten in which latencies or bandwidths are
 * announced, so that @biggest fits into 16 bits; what is no multiple is cut
 */
u32 machine_hmat_unit(u32 biggest);

/** machine_ring_gpa() - where the crash ring of such a machine lies */
gpa_t machine_ring_gpa(const struct machine_cfg *cfg);

/**
 * machine_default_cmdline() - append the command line that boots a stock
 * kernel in this machine with the fewest VM exits: console on COM1, reboot at
 * once on panic, no probing of hardware that is not there, no self-tests of
 * the crypto algorithms where the CPU itself is emulated. It does not say
 * `quiet`, which would save most of the exits that are left.
 * The caller appends his own after it (the kernel lets the last one win).
 */
int machine_default_cmdline(const struct machine_cfg *cfg, struct buf *out);

/**
 * machine_create() - build the machine, load the kernel, wire the devices
 * @m: set on success; the caller destroys
 *
 * Return: 0; -ENOENT, -EACCES, -ENODEV where there is no usable /dev/kvm;
 * -EINVAL for a bad description or image; -ENOMEM; -errno of the failing call.
 */
int machine_create(struct machine **m, const struct machine_cfg *cfg,
		   struct diag *d);

/** machine_start() - let the vCPU threads run; once; 0 or -errno */
int machine_start(struct machine *m, struct diag *d);

/**
 * machine_end_fd() - an eventfd that becomes and stays readable when the
 * machine has met its end (the vCPUs may still be on their way out)
 * Owned by the machine; poll it, do not read it.
 */
int machine_end_fd(const struct machine *m);

/**
 * machine_kill() - end the machine from outside; the first end wins
 * Context: any thread, any time between create and destroy; does not block.
 */
void machine_kill(struct machine *m);

/**
 * machine_join() - wait until every vCPU thread has ended
 * It does not end the machine: kill it, or wait for machine_end_fd(), first.
 * After it counters and memory are still. Safe to call twice, or unstarted.
 */
void machine_join(struct machine *m);

/** machine_destroy() - kill, join, free; NULL is fine */
void machine_destroy(struct machine *m);

/**
 * machine_park() - hold every vCPU outside of guest mode
 * @timeout_ns: from now; past it all are let go again
 * @missing: where not NULL, set to the mask of vCPUs that did not come
 *
 * One at a time: a second thread waits its turn (within its timeout). The
 * guest's clock stands until machine_resume(), see vmm/clock.h.
 * Return: 0 parked, resume with machine_resume(); -ETIMEDOUT; -ESHUTDOWN where
 * the machine has ended (then nothing runs and nothing is to be resumed).
 * Context: any thread but a vCPU's.
 */
int machine_park(struct machine *m, u64 timeout_ns, u64 *missing);
/** machine_resume() - undo one successful machine_park(); when, as now_ns() */
u64 machine_resume(struct machine *m);

/** machine_stood_ns() - time that it stood parked so far. Any thread */
u64 machine_stood_ns(const struct machine *m);

/**
 * machine_freeze() - machine_park(), and the devices stand still, too
 * So that guest memory changes by nobody's hand. @busy: where not NULL, the
 * device that did not come in time, or NULL. Return: as machine_park(); then
 * machine_thaw(). Context: as machine_park(), and no device's lock is held.
 */
int machine_freeze(struct machine *m, u64 timeout_ns, u64 *missing,
		   const char **busy);
/** machine_thaw() - undo one successful machine_freeze(); when, as now_ns() */
u64 machine_thaw(struct machine *m);

/**
 * machine_hold() - let this vCPU not go on into the guest until released
 * So that a capture sees the guest as this vCPU's last exit left it.
 * Context: the vCPU's thread.
 */
void machine_hold(struct machine *m, u32 vcpu);
/** machine_release() - undo machine_hold(). Context: any thread */
void machine_release(struct machine *m, u32 vcpu);

/**
 * machine_drain() - hand on serial output that still lies in KVM's buffer
 * Output of a guest that writes and then spins stays there until the next
 * exit: call this from a slow timer and before a hang is judged.
 * Context: any thread.
 */
void machine_drain(struct machine *m);

/**
 * machine_serial_input() - bytes for the guest to read from COM1 (0), COM2 (1)
 * Return: how many fitted into the port's buffer. Context: any thread.
 */
size_t machine_serial_input(struct machine *m, unsigned int port,
			    const void *data, size_t len);

/** machine_stop() - how it ended; reason MACHINE_RUNNING until it has */
struct machine_stop machine_stop(const struct machine *m);
/** machine_stop_name() - "poweroff", "reset-kbd", "triple-fault", ... */
const char *machine_stop_name(enum machine_stop_reason reason);
/** machine_stop_text() - append one sentence for a person, with registers */
int machine_stop_text(const struct machine_stop *stop, struct buf *out);

/** machine_layout() - valid from create to destroy */
const struct machine_layout *machine_layout(const struct machine *m);
/** machine_mem() - the guest's RAM, from create to destroy */
struct mem *machine_mem(struct machine *m);
/** machine_pio(), machine_mmio() - the buses, to read what went unhandled */
struct bus *machine_pio(struct machine *m);
struct bus *machine_mmio(struct machine *m);
u32 machine_nr_cpus(const struct machine *m);

/**
 * machine_vcpu_regs() - registers of a vCPU that is parked, or was joined
 * Return: 0; -EBUSY while it may run; -ERANGE; -errno.
 */
int machine_vcpu_regs(struct machine *m, u32 vcpu, struct machine_regs *regs);

/**
 * machine_set_vcpu_regs() - the general registers, rip and rflags of @regs
 * The rest of it is left as the vCPU has it. Return: as machine_vcpu_regs().
 */
int machine_set_vcpu_regs(struct machine *m, u32 vcpu,
			  const struct machine_regs *regs);

/* For watchpoints and debuggers; trap.h tells what they mean. */
int machine_listen(struct machine *m, const struct trap_ops *ops, void *arg);
void machine_unlisten(struct machine *m, void *arg);
/** machine_guard() - trap_guard(); -EBUSY unless parked or joined */
int machine_guard(struct machine *m, const gpa_t *pages, unsigned int nr,
		  struct diag *d);
/** machine_debug_regs() - of all vCPUs; dr7 0: none. 0, -EBUSY, -errno */
int machine_debug_regs(struct machine *m, const u64 addr[TRAP_ADDRS], u64 dr7);
/** machine_step() - one vCPU makes single steps, or no longer; likewise */
int machine_step(struct machine *m, u32 vcpu, bool on);

enum machine_cpu_state {
	MACHINE_CPU_UNKNOWN,
	MACHINE_CPU_RUNNING,
	MACHINE_CPU_HALTED,	/* waits for an interrupt */
	MACHINE_CPU_NOT_STARTED,	/* waits for INIT or SIPI */
};

/** machine_vcpu_state() - of a vCPU that is parked, or was joined */
enum machine_cpu_state machine_vcpu_state(struct machine *m, u32 vcpu);

/** machine_guest_ns() - kvm-clock while parked; 0 where it does not stand */
u64 machine_guest_ns(const struct machine *m);

/** machine_vcpu_cpu_ns() - host CPU time of its thread, live or final */
u64 machine_vcpu_cpu_ns(const struct machine *m, u32 vcpu);

/* A KVM statistic of one vCPU: scalars only. */
struct machine_stat {
	const char *name;	/* KVM's own name, "exits"; owned by the machine */
	u64 value;
};

/**
 * machine_stats() - KVM's counters of one vCPU
 * @stats: set to an array that the machine owns
 *
 * Read once, after machine_join(); before it all values are 0.
 * Return: how many; 0 where the host has none (before Linux 5.14).
 */
unsigned int machine_stats(const struct machine *m, u32 vcpu,
			   const struct machine_stat **stats);

#endif
