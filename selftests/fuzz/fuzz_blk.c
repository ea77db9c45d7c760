// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three disks under an arbitrary driver: one to write, one to read only, and
 * one so slow that all it does is stall.
 */
#include "virtio/blk.h"

#include <string.h>

#include "selftests/lib/fuzzdrv.h"
#include "virtio/blkback.h"

#define DISK KiB(16)

static struct disk {
	struct fuzz f;
	struct virtio_blk *blk;
	u8 data[DISK];
} disks[3];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

static void open_disk(struct disk *d, bool read_only,
		      const struct virtio_blk_cfg *cfg)
{
	struct blkback *b;

	FUZZ_CHECK(!blkback_from_buffer(&b, d->data, DISK, read_only));
	FUZZ_CHECK(!virtio_blk_create(&d->blk, &d->f.g.mem, b, cfg, NULL));
	virtio_blk_attach(d->blk, &d->f.d.dev);
	fuzz_init(&d->f, virtio_blk_core(d->blk));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct virtio_blk_cfg plain = { .serial = "fuzz" };
	/* After the first request it would take days to catch up. */
	struct virtio_blk_cfg slow = {
		.throttle = { .bandwidth = 1, .bandwidth_burst = 1 },
	};

	(void)argc;
	(void)argv;
	open_disk(&disks[0], false, &plain);
	open_disk(&disks[1], true, &plain);
	open_disk(&disks[2], false, &slow);
	return 0;
}

static void check(struct disk *d)
{
	static const u8 zeros[DISK];
	struct virtio_blk_counters c;

	virtio_blk_counters(d->blk, &c);
	FUZZ_CHECK(!c.reads_completed == !c.bytes_read);
	FUZZ_CHECK(!c.writes_completed == !c.bytes_written);
	FUZZ_CHECK(c.bytes_read % 512 == 0 && c.bytes_written % 512 == 0);
	FUZZ_CHECK(c.bytes_read >= 512 * c.reads_completed);
	FUZZ_CHECK(c.currently_throttled_gauge <= 1);
	FUZZ_CHECK(d == &disks[2] || !c.throttled_count);
	FUZZ_CHECK(d != &disks[1] || (!c.writes_completed &&
				      !memcmp(d->data, zeros, DISK)));
	vdrv_reset(&d->f.d);
	virtio_blk_counters(d->blk, &c);
	FUZZ_CHECK(!c.currently_throttled_gauge);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct disk *d;
	int i;

	if (!len)
		return 0;
	d = &disks[*data % 3];
	fuzz_begin(&d->f, data + 1, len - 1);
	for (i = 0; d->f.left && i < FUZZ_OPS_MAX; i++)
		fuzz_deed(&d->f);
	fuzz_check_core(&d->f);
	check(d);
	return 0;
}
