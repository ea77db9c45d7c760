// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task storage: values that hang off the task, not off the map; see bpfmap.h.
 * struct task_struct -> struct bpf_local_storage -> its elements, of which
 * each belongs to one map.
 */
#include <errno.h>
#include <linux/bpf.h>

#include "freeze/bpfmap.h"
#include "freeze/tasks.h"

#define MAX_ELEMS 1024	/* maps that have storage with one task */

static int find_task(const struct kread *k, s32 pid, gva_t *out)
{
	struct tasks all;
	size_t i;
	int err = tasks_read(k, &all, NULL);

	if (err)
		return err;
	err = all.cut ? -EFAULT : -ENOENT;
	for (i = 0; i < all.nr && err; i++)
		if (all.tasks[i].pid == pid) {
			*out = all.tasks[i].addr;
			err = 0;
		}
	tasks_reset(&all);
	return err;
}

int bpfmap_task_addr(const struct kread *k, const struct bpfmap *m, s32 pid,
		     gva_t *out)
{
	struct kfield snode, smap, data;
	unsigned int i;
	u64 storage, node, owner;
	gva_t task;
	int err;

	if (m->type != BPF_MAP_TYPE_TASK_STORAGE)
		return -EOPNOTSUPP;
	if (!k->types ||
	    ktype_field(k->types, "bpf_local_storage_elem.snode", &snode, NULL) ||
	    ktype_field(k->types, "bpf_local_storage_elem.sdata.smap", &smap, NULL) ||
	    ktype_field(k->types, "bpf_local_storage_elem.sdata.data", &data, NULL))
		return -EOPNOTSUPP;
	err = find_task(k, pid, &task);
	if (!err)
		err = kread_member(k, task, "task_struct.bpf_storage", &storage);
	if (err || !storage)
		return err ? err : -ENOENT;
	err = kread_member(k, storage, "bpf_local_storage.list.first", &node);
	for (i = 0; !err && node && i < MAX_ELEMS; i++) {
		gva_t elem = node - snode.offset;

		/* The map is the first member of the one that owns it. */
		err = vas_read_u64(&k->vas, elem + smap.offset, &owner);
		if (!err && owner == m->addr) {
			*out = elem + data.offset;
			return 0;
		}
		if (!err)
			err = vas_read_u64(&k->vas, node, &node);
	}
	return err ? err : i == MAX_ELEMS ? -ELOOP : -ENOENT;
}
