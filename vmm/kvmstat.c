// SPDX-License-Identifier: GPL-2.0-only
/* KVM statistics; see kvmstat.h. */
#include "vmm/kvmstat.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/diag.h"
#include "vmm/base/io.h"
#include "vmm/kvm.h"

#define KVMSTAT_MAX_DESC 4096
#define KVMSTAT_MAX_NAME 256

static int stat_failed(int err, struct diag *d)
{
	return diag_fail(d, err, NULL, "KVM statistics: %s", strerror(-err));
}

static int stat_alloc(struct kvmstat *st, u32 nr, u32 name_size)
{
	st->stats = calloc(nr, sizeof(*st->stats));
	st->offsets = calloc(nr, sizeof(*st->offsets));
	st->names = calloc(nr, name_size + 1);
	return st->stats && st->offsets && st->names ? 0 : -ENOMEM;
}

int kvmstat_parse(struct kvmstat *st, int fd, struct diag *d)
{
	struct kvmstat res = { .fd = fd };
	struct kvm_stats_header h;
	char *table __free(cleanup_free) = NULL;
	size_t one;
	u32 i;
	int ret;

	ret = io_pread_full(fd, &h, sizeof(h), 0);
	if (ret < 0)
		return stat_failed(ret, d);
	if (!h.name_size || h.name_size > KVMSTAT_MAX_NAME ||
	    h.num_desc > KVMSTAT_MAX_DESC)
		return stat_failed(-EPROTO, d);
	one = sizeof(struct kvm_stats_desc) + h.name_size;
	table = malloc(one * h.num_desc + 1);
	ret = table ? stat_alloc(&res, h.num_desc + 1, h.name_size) : -ENOMEM;
	if (!ret)
		ret = io_pread_full(fd, table, one * h.num_desc, h.desc_offset);
	for (i = 0; !ret && i < h.num_desc; i++) {
		struct kvm_stats_desc desc;
		char *name = res.names + (size_t)res.nr * (h.name_size + 1);

		memcpy(&desc, table + i * one, sizeof(desc));
		if (desc.size != 1)
			continue;
		memcpy(name, table + i * one + sizeof(desc), h.name_size);
		res.stats[res.nr].name = name;
		res.offsets[res.nr++] = (u64)h.data_offset + desc.offset;
	}
	if (ret < 0) {
		res.fd = -1;
		kvmstat_close(&res);
		return stat_failed(ret, d);
	}
	*st = res;
	return 0;
}

int kvmstat_open(struct kvmstat *st, int vcpu_fd, struct diag *d)
{
	int fd, ret;

	*st = (struct kvmstat){ .fd = -1 };
	fd = kvm_ioctl(vcpu_fd, KVM_GET_STATS_FD, 0);
	if (fd < 0)
		return 0;
	ret = kvmstat_parse(st, fd, d);
	if (ret < 0)
		close(fd);
	return ret;
}

int kvmstat_read(struct kvmstat *st)
{
	unsigned int i;
	int ret;

	for (i = 0; i < st->nr; i++) {
		ret = io_pread_full(st->fd, &st->stats[i].value, sizeof(u64),
				    (off_t)st->offsets[i]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

void kvmstat_close(struct kvmstat *st)
{
	if (st->fd >= 0)
		close(st->fd);
	free(st->stats);
	free(st->offsets);
	free(st->names);
	*st = (struct kvmstat){ .fd = -1 };
}
