// SPDX-License-Identifier: GPL-2.0-only
/* Typed reads and bounded walks of a guest kernel; see kread.h. */
#include "freeze/kread.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm/base/diag.h"
#include "vmm/kimage.h"

#define PTI_USER_BIT 0x1000ULL

/* Does @v map the kernel's first byte; where to. */
static bool maps_kernel(const struct vas *v, gva_t text, u64 *phys_base)
{
	gpa_t gpa;

	if (vas_translate(v, text, &gpa, NULL) || !mem_ptr(v->mem, gpa, 4096))
		return false;
	*phys_base = gpa - (text - KIMAGE_START_KERNEL_MAP);
	return true;
}

int kread_init(struct kread *k, const struct mem *mem, u64 cr3, bool la57,
	       const struct ksym *sym, const struct ktype *types, u64 slide,
	       struct diag *d)
{
	struct kread out = { .sym = sym, .types = types, .slide = slide };
	gva_t text, pgt;
	struct vas own;
	u64 base;

	if (kread_symbol(&out, "_text", &text, d))
		return -ENOENT;
	if (!cr3)
		return diag_fail(d, -ENXIO, NULL,
				 "the guest has no page tables yet");
	vas_init(&out.vas, mem, cr3, la57);
	if (!maps_kernel(&out.vas, text, &out.phys_base)) {
		vas_init(&out.vas, mem, cr3 & ~PTI_USER_BIT, la57);
		if (!maps_kernel(&out.vas, text, &out.phys_base))
			return diag_fail(d, -ENXIO, NULL,
					 "page tables at 0x%" PRIx64
					 " map no kernel at 0x%" PRIx64, cr3,
					 text);
	}
	/* All processes share the kernel's half; this copy is never stale. */
	if (!kread_symbol(&out, "init_top_pgt", &pgt, NULL)) {
		vas_init(&own, mem,
			 pgt - KIMAGE_START_KERNEL_MAP + out.phys_base, la57);
		if (maps_kernel(&own, text, &base) && base == out.phys_base)
			out.vas = own;
	}
	*k = out;
	return 0;
}

int kread_symbol(const struct kread *k, const char *name, gva_t *out,
		 struct diag *d)
{
	u64 addr;

	if (!k->sym || ksym_find(k->sym, name, &addr))
		return diag_fail(d, -ENOENT, NULL, "the kernel has no symbol %s",
				 name);
	*out = ksym_runtime(addr, k->slide);
	return 0;
}

int kread_percpu_base(const struct kread *k, unsigned int cpu, u64 *out)
{
	gva_t table;
	int err;

	if (cpu >= KREAD_MAX_CPUS)
		return -ERANGE;
	err = kread_symbol(k, "__per_cpu_offset", &table, NULL);
	if (err)
		return err;
	return vas_read_u64(&k->vas, table + cpu * 8ULL, out);
}

int kread_percpu_ptr(const struct kread *k, u64 ptr, unsigned int cpu,
		     gva_t *out)
{
	u64 base;
	int err = kread_percpu_base(k, cpu, &base);

	if (!err)
		*out = ptr + base;
	return err;
}

int kread_percpu(const struct kread *k, const char *name, unsigned int cpu,
		 gva_t *out, struct diag *d)
{
	gva_t sym;
	int nr, err;

	err = kread_symbol(k, name, &sym, d);
	if (err)
		return err;
	nr = kread_nr_cpus(k);
	if (nr >= 0 && cpu >= (unsigned int)nr)
		return diag_fail(d, -ERANGE, NULL, "cpu %u of %d", cpu, nr);
	err = kread_percpu_ptr(k, sym, cpu, out);
	if (err)
		return diag_fail(d, err, NULL,
				 "cannot read the per-CPU offset of cpu %u", cpu);
	return 0;
}

int kread_nr_cpus(const struct kread *k)
{
	gva_t addr;
	u32 nr;
	int err = kread_symbol(k, "nr_cpu_ids", &addr, NULL);

	/* A constant where CONFIG_NR_CPUS=1 or FORCE_NR_CPUS. */
	if (err)
		return err;
	err = vas_read_u32(&k->vas, addr, &nr);
	if (err)
		return err;
	return (int)min(nr, (u32)KREAD_MAX_CPUS);
}

static int find_field(const struct kread *k, const char *path,
		      struct kfield *f)
{
	if (!k->types || ktype_field(k->types, path, f, NULL))
		return -ENOENT;
	return 0;
}

int kread_field(const struct kread *k, gva_t obj, const struct kfield *f,
		u64 *out)
{
	u8 data[8];
	int err;

	if (!f->size || f->size > sizeof(data))
		return -ENOENT;
	err = vas_read(&k->vas, obj + f->offset, data, f->size);
	if (err)
		return err;
	return ktype_int(k->types, f, data, f->size, out, NULL) ? -ENOENT : 0;
}

int kread_member(const struct kread *k, gva_t obj, const char *path, u64 *out)
{
	struct kfield f;
	int err = find_field(k, path, &f);

	return err ? err : kread_field(k, obj, &f, out);
}

int kread_member_bytes(const struct kread *k, gva_t obj, const char *path,
		       void *dst, size_t len)
{
	struct kfield f;
	int err = find_field(k, path, &f);

	if (err)
		return err;
	if (f.size < len)
		return -ENOENT;
	return vas_read(&k->vas, obj + f.offset, dst, len);
}

int kread_member_addr(const struct kread *k, gva_t obj, const char *path,
		      gva_t *out)
{
	struct kfield f;
	int err = find_field(k, path, &f);

	if (!err)
		*out = obj + f.offset;
	return err;
}

/*
 * Brent's way to see a cycle: each element is compared with one seen before,
 * which is exchanged after 1, 2, 4, ... steps.
 */
struct cycle {
	gva_t seen;
	unsigned int steps, until;
};

static bool is_cycle(struct cycle *c, gva_t at)
{
	if (c->until && at == c->seen)
		return true;
	if (c->steps++ == c->until) {
		c->seen = at;
		c->until = c->until * 2 + 1;
		c->steps = 0;
	}
	return false;
}

int kread_list(const struct kread *k, gva_t head, u64 offset, unsigned int max,
	       kread_list_fn fn, void *arg)
{
	struct cycle cycle = { 0 };
	unsigned int n = 0;
	u64 next;
	int err = vas_read_u64(&k->vas, head, &next);

	while (!err && next != head) {
		u64 at = next;

		if (n++ == max || is_cycle(&cycle, at))
			return -ELOOP;
		/* On first: @fn may take its time, the guest may be running. */
		err = vas_read_u64(&k->vas, at, &next);
		if (!err)
			err = fn(k, at - offset, arg);
	}
	return err < 0 ? err : (int)n;
}

/* Members of struct xa_node, and the walk's bounds. */
struct xa_walk {
	const struct kread *k;
	kread_xa_fn fn;
	void *arg;
	u64 shift_off;
	u64 slots_off;
	unsigned int nr_slots;	/* a power of two */
	unsigned int chunk_shift;
	unsigned int max;
	unsigned int seen;
	unsigned int nodes_left;
};

static bool xa_is_internal(u64 entry)
{
	return (entry & 3) == 2;
}

static bool xa_is_node(u64 entry)
{
	return xa_is_internal(entry) && entry > 4096;
}

static int xa_entry(struct xa_walk *w, u64 index, u64 entry)
{
	if (!entry || xa_is_internal(entry))
		return 0;
	if (w->seen++ == w->max)
		return -ELOOP;
	return w->fn(w->k, index, entry, w->arg);
}

/* Shifts shrink on the way down, which bounds the depth whatever is linked. */
static int xa_node(struct xa_walk *w, u64 node, u64 index, unsigned int limit)
{
	const struct vas *v = &w->k->vas;
	unsigned int i;
	int err;
	u8 shift;

	if (!w->nodes_left--)
		return -ELOOP;
	err = vas_read_u8(v, node + w->shift_off, &shift);
	if (err)
		return err;
	if (shift >= limit || shift % w->chunk_shift)
		return -EFAULT;
	for (i = 0; !err && i < w->nr_slots; i++) {
		u64 at = index + ((u64)i << shift), entry;

		err = vas_read_u64(v, node + w->slots_off + i * 8ULL, &entry);
		if (err)
			return err;
		if (shift && xa_is_node(entry))
			err = xa_node(w, entry & ~3ULL, at, shift);
		else
			err = xa_entry(w, at, entry);
	}
	return err;
}

static int xa_layout(const struct kread *k, struct xa_walk *w)
{
	struct kfield shift, slots;

	if (find_field(k, "xa_node.shift", &shift) ||
	    find_field(k, "xa_node.slots", &slots))
		return -ENOENT;
	w->shift_off = shift.offset;
	w->slots_off = slots.offset;
	w->nr_slots = (unsigned int)(slots.size / 8);
	if (w->nr_slots < 2 || w->nr_slots > 64 ||
	    (w->nr_slots & (w->nr_slots - 1)))
		return -ENOENT;
	while (1U << w->chunk_shift < w->nr_slots)
		w->chunk_shift++;
	return 0;
}

int kread_xarray(const struct kread *k, gva_t xa, unsigned int max,
		 kread_xa_fn fn, void *arg)
{
	struct xa_walk w = { .k = k, .fn = fn, .arg = arg, .max = max,
			     .nodes_left = max * 2 + 64 };
	u64 head;
	int err = xa_layout(k, &w);

	if (!err)
		err = kread_member(k, xa, "xarray.xa_head", &head);
	if (err)
		return err;
	if (xa_is_node(head))
		err = xa_node(&w, head & ~3ULL, 0, 64);
	else
		err = xa_entry(&w, 0, head);
	return err < 0 ? err : (int)w.seen;
}

struct idr_walk {
	kread_xa_fn fn;
	void *arg;
	u64 base;
};

static int idr_entry(const struct kread *k, u64 index, u64 entry, void *arg)
{
	struct idr_walk *w = arg;

	return w->fn(k, index + w->base, entry, w->arg);
}

int kread_idr(const struct kread *k, gva_t idr, unsigned int max,
	      kread_xa_fn fn, void *arg)
{
	struct idr_walk w = { .fn = fn, .arg = arg };
	gva_t root;
	int err = kread_member_addr(k, idr, "idr.idr_rt", &root);

	if (!err)
		err = kread_member(k, idr, "idr.idr_base", &w.base);
	if (err)
		return err;
	return kread_xarray(k, root, max, idr_entry, &w);
}
