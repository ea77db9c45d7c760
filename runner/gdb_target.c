// SPDX-License-Identifier: GPL-2.0-only
/* A machine under gdb; see gdb_target.h. */
#include "runner/gdb_target.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "freeze/vas.h"
#include "vmm/base/diag.h"

#define CR4_LA57 (1ULL << 12)
/* Page-table isolation: of a user-mode table the kernel's own is the page before. */
#define PTI_USER_TABLE (1ULL << 12)
#define DR6_STEP (1ULL << 14)
#define DR7_FIXED 0x400ULL

/* --- in vCPU threads ---------------------------------------------------- */

static void on_debug(void *arg, u32 vcpu, const struct trap_debug *trap)
{
	struct gdb_target *t = arg;

	machine_hold(t->m, vcpu);
	pthread_mutex_lock(&t->lock);
	t->met |= 1ULL << vcpu;
	t->dr6[vcpu] = trap->dr6;
	t->held |= 1ULL << vcpu;
	pthread_mutex_unlock(&t->lock);
	eventfd_write(t->wake_fd, 1);
}

static const struct trap_ops trap_ops = { .debug = on_debug };

/* --- points ------------------------------------------------------------- */

static u64 dr7_of(unsigned int i, enum gdb_point kind, u32 len)
{
	static const u64 len_codes[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	u64 dr7 = 1ULL << (2 * i);

	if (kind == GDB_WATCH_WRITE || kind == GDB_WATCH_ACCESS)
		dr7 |= (kind == GDB_WATCH_WRITE ? 1ULL : 3ULL) << (16 + 4 * i) |
		       len_codes[len] << (18 + 4 * i);
	return dr7;
}

static int set_registers(struct gdb_target *t)
{
	u64 addr[TRAP_ADDRS] = { 0 }, dr7 = 0;
	unsigned int i;

	for (i = 0; i < TRAP_ADDRS; i++) {
		if (!t->points[i].used)
			continue;
		addr[i] = t->points[i].addr;
		dr7 |= DR7_FIXED | dr7_of(i, t->points[i].kind, t->points[i].len);
	}
	return machine_debug_regs(t->m, addr, dr7);
}

static int op_point(void *target, enum gdb_point kind, u64 addr, u32 len, bool on)
{
	struct gdb_target *t = target;
	unsigned int i, free = TRAP_ADDRS;
	int err;

	if (kind == GDB_WATCH_READ)
		return -ENOTSUP;
	if (kind >= GDB_WATCH_WRITE && (!len || len > 8 || len & (len - 1) ||
					addr % len))
		return -EINVAL;
	for (i = TRAP_ADDRS; i--;) {
		if (!t->points[i].used)
			free = i;
		else if (t->points[i].kind == kind && t->points[i].addr == addr &&
			 t->points[i].len == len)
			break;
	}
	if (i < TRAP_ADDRS) {
		t->points[i].used = on;
		return set_registers(t);
	}
	if (!on)
		return 0;
	if (free == TRAP_ADDRS)
		return -ENOSPC;
	t->points[free].used = true;
	t->points[free].kind = kind;
	t->points[free].addr = addr;
	t->points[free].len = len;
	err = set_registers(t);
	t->points[free].used = !err;
	return err;
}

/* --- registers and memory ----------------------------------------------- */

static int op_get_regs(void *target, u32 cpu, struct machine_regs *regs)
{
	struct gdb_target *t = target;

	return machine_vcpu_regs(t->m, cpu, regs);
}

static int op_set_regs(void *target, u32 cpu, const struct machine_regs *regs)
{
	struct gdb_target *t = target;

	return machine_set_vcpu_regs(t->m, cpu, regs);
}

/*
 * As the CPU sees memory; one that was not started, as the boot CPU does. What
 * page-table isolation hides while a program runs, as the kernel sees it.
 */
static int space_of(struct gdb_target *t, u32 cpu, u64 addr, struct vas *vas)
{
	struct machine_regs regs;
	int err = machine_vcpu_regs(t->m, cpu, &regs);
	gpa_t gpa;
	u64 left;

	if (!err && !(regs.cr0 >> 31 & 1) && cpu)
		err = machine_vcpu_regs(t->m, 0, &regs);
	if (err)
		return err;
	vas_init(vas, machine_mem(t->m), regs.cr3, regs.cr4 & CR4_LA57);
	if (addr >> 63 && regs.cr3 & PTI_USER_TABLE &&
	    vas_translate(vas, addr, &gpa, &left))
		vas_init(vas, machine_mem(t->m), regs.cr3 & ~PTI_USER_TABLE,
			 regs.cr4 & CR4_LA57);
	return 0;
}

static int op_read(void *target, u32 cpu, u64 addr, void *data, size_t len)
{
	struct vas vas;
	int err = space_of(target, cpu, addr, &vas);

	return err ? err : vas_read(&vas, addr, data, len) ? -EFAULT : 0;
}

static int op_write(void *target, u32 cpu, u64 addr, const void *data, size_t len)
{
	struct gdb_target *t = target;
	const u8 *p = data;
	struct vas vas;
	int err = space_of(t, cpu, addr, &vas);

	while (!err && len) {
		gpa_t gpa;
		u64 left;

		err = vas_translate(&vas, addr, &gpa, &left) ? -EFAULT : 0;
		left = min(left, (u64)len);
		if (!err)
			err = mem_write(machine_mem(t->m), gpa, p, left);
		addr += left;
		p += left;
		len -= left;
	}
	return err;
}

static void op_describe(void *target, u32 cpu, char *text, size_t size)
{
	struct gdb_target *t = target;
	struct machine_regs regs;

	if (machine_vcpu_regs(t->m, cpu, &regs))
		snprintf(text, size, "CPU %u", cpu);
	else
		snprintf(text, size, "CPU %u, %s", cpu,
			 !(regs.cr0 >> 31 & 1) ? "not started" :
			 regs.cpl ? "user" : "kernel");
}

const struct gdb_ops gdb_target_ops = {
	.get_regs = op_get_regs, .set_regs = op_set_regs, .read = op_read,
	.write = op_write, .point = op_point, .describe = op_describe,
};

/* --- stopping and going on ---------------------------------------------- */

int gdb_target_park(struct gdb_target *t)
{
	int err;

	/* A vCPU comes, or the machine ends: on a busy host it takes a while. */
	do
		err = machine_park(t->m, NSEC_PER_SEC, NULL);
	while (err == -ETIMEDOUT);
	return err;
}

static void release_all(struct gdb_target *t)
{
	u32 i;

	for (i = 0; i < machine_nr_cpus(t->m); i++)
		if (t->held >> i & 1)
			machine_release(t->m, i);
	t->held = 0;
}

/* The point that @dr6 tells of; the last one where there are several. */
static int point_of(const struct gdb_target *t, u64 dr6)
{
	int i = TRAP_ADDRS;

	while (i-- && !(dr6 >> i & 1 && t->points[i].used))
		;
	return i;
}

/*
 * Of several vCPUs at once one is told. A breakpoint is met again when the
 * others go on; a write that was watched has happened, so it waits its turn.
 */
static u64 not_again(const struct gdb_target *t)
{
	u64 left = 0;
	u32 i;

	for (i = 0; i < machine_nr_cpus(t->m); i++) {
		int point = t->met >> i & 1 ? point_of(t, t->dr6[i]) : -1;

		if (point >= 0 && t->points[point].kind >= GDB_WATCH_WRITE)
			left |= 1ULL << i;
	}
	return left;
}

void gdb_target_run(struct gdb_target *t, u64 run, u64 step)
{
	u64 left;
	u32 i;

	pthread_mutex_lock(&t->lock);
	t->met = left = not_again(t);
	release_all(t);
	for (i = 0; i < machine_nr_cpus(t->m); i++) {
		machine_step(t->m, i, step >> i & 1);
		if (!((run & ~left) >> i & 1)) {
			t->held |= 1ULL << i;
			machine_hold(t->m, i);
		}
	}
	pthread_mutex_unlock(&t->lock);
	machine_resume(t->m);
	if (left)
		eventfd_write(t->wake_fd, 1);
}

bool gdb_target_event(struct gdb_target *t, u32 *cpu, enum gdb_stop *stop,
		      enum gdb_point *kind, u64 *addr)
{
	bool any;
	int point;

	pthread_mutex_lock(&t->lock);
	any = t->met;
	if (any) {
		*cpu = (u32)__builtin_ctzll(t->met);
		t->met &= ~(1ULL << *cpu);
	}
	pthread_mutex_unlock(&t->lock);
	if (!any)
		return false;
	*stop = GDB_STOP_STEP;
	point = point_of(t, t->dr6[*cpu]);
	if (point >= 0) {
		*stop = GDB_STOP_POINT;
		*kind = t->points[point].kind;
		*addr = t->points[point].addr;
	}
	return true;
}

void gdb_target_forget(struct gdb_target *t)
{
	static const u64 none[TRAP_ADDRS];

	memset(t->points, 0, sizeof(t->points));
	machine_debug_regs(t->m, none, 0);
	gdb_target_run(t, ~0ULL, 0);
}

int gdb_target_init(struct gdb_target *t, struct machine *m, struct diag *d)
{
	*t = (struct gdb_target){ .m = m };
	pthread_mutex_init(&t->lock, NULL);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0)
		return diag_fail(d, -errno, NULL, "eventfd: %m");
	return machine_listen(m, &trap_ops, t);
}

void gdb_target_deinit(struct gdb_target *t)
{
	if (!t->m)
		return;
	machine_unlisten(t->m, t);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
	pthread_mutex_destroy(&t->lock);
}
