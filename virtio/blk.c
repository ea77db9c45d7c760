// SPDX-License-Identifier: GPL-2.0-only
/* The virtio block device; see blk.h. Section numbers are virtio 1.2's. */
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "virtio/blkback.h"
#include "virtio/bucket.h"
#include "virtio/iov.h"
#include "virtio/mmio.h"
#include "virtio/virtio.h"
#include "vmm/base/diag.h"

#define SECTOR 512
#define QUEUE_SIZE VIRTQ_MAX_SIZE
#define RANGE_SECTORS_MAX 0x3fffff	/* of a discard: 2 GiB less a sector */
#define RANGES_MAX 16
/* How many answers may wait for one interrupt. */
#define BATCH 16

/* Plain data, as all of struct blk_state. */
struct blk_state {
	struct virtio_state core;
	struct virtio_blk_config config;
	struct virtio_blk_counters c;
	struct bucket ops;
	struct bucket bytes;
	bool stalled;	/* the gauge: the retry timer runs */
	char serial[VIRTIO_BLK_ID_BYTES];	/* zero padded, no terminator */
};

struct virtio_blk {
	struct virtio v;
	struct blk_state s;
	struct blkback *back;
	struct virtq_chain chain;	/* the one in hand */
	struct event_source timer;	/* timerfd: try the stalled chain again */
};

/* One request, taken apart. */
struct request {
	u32 type;
	u64 sector;
	struct iov out;	/* after the header */
	struct iov in;	/* before the status */
	u8 *status;
	u32 written;	/* bytes at the front of the writable part */
};

static struct virtio_blk *to_blk(struct virtio *v)
{
	return container_of(v, struct virtio_blk, v);
}

/*
 * Header first and status last, however the driver cut them (2.7.4.1).
 * Return: false where either is missing; @r->status is set if there is one.
 */
static bool parse(struct virtq_chain *chain, struct request *r)
{
	struct virtio_blk_outhdr hdr;

	*r = (struct request){
		.out = { chain->iov, chain->nr_out, chain->out_len },
		.in = { chain->iov + chain->nr_out, chain->nr_in,
			chain->in_len },
	};
	r->status = iov_take_last(&r->in);
	if (iov_read(&r->out, &hdr, sizeof(hdr)) != sizeof(hdr))
		return false;
	r->type = le32toh(hdr.type);
	r->sector = le64toh(hdr.sector);
	return r->status;
}

/* Is [@sector, + @len bytes) on the disk? @len is a multiple of 512. */
static bool on_disk(const struct virtio_blk *blk, u64 sector, u64 len)
{
	u64 sectors = blk->back->size / SECTOR;

	return sector <= sectors && len / SECTOR <= sectors - sector;
}

static bool data_fine(const struct virtio_blk *blk, const struct request *r,
		      u64 len)
{
	return len && !(len % SECTOR) && on_disk(blk, r->sector, len);
}

static u8 do_read(struct virtio_blk *blk, struct request *r)
{
	u64 len = r->in.len;

	if (r->out.len || !data_fine(blk, r, len) ||
	    blk->back->ops->readv(blk->back, r->in.v, r->in.n,
				  r->sector * SECTOR))
		return VIRTIO_BLK_S_IOERR;
	r->written = (u32)len;
	return VIRTIO_BLK_S_OK;
}

static u8 do_write(struct virtio_blk *blk, struct request *r)
{
	if (r->in.len || !data_fine(blk, r, r->out.len) ||
	    blk->back->read_only ||
	    blk->back->ops->writev(blk->back, r->out.v, r->out.n,
				   r->sector * SECTOR))
		return VIRTIO_BLK_S_IOERR;
	/* A driver that does not flush counts on stable writes (5.2.6.2). */
	if (!virtio_has(&blk->v, VIRTIO_BLK_F_FLUSH) &&
	    blk->back->ops->flush(blk->back))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static u8 do_flush(struct virtio_blk *blk)
{
	if (!blk->back->read_only && blk->back->ops->flush(blk->back))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static u8 do_get_id(struct virtio_blk *blk, struct request *r)
{
	if (r->in.len != sizeof(blk->s.serial))
		return VIRTIO_BLK_S_IOERR;
	r->written = (u32)iov_write(&r->in, blk->s.serial,
				    sizeof(blk->s.serial));
	return VIRTIO_BLK_S_OK;
}

static u8 check_range(struct virtio_blk *blk,
		      const struct virtio_blk_discard_write_zeroes *range,
		      bool discard)
{
	u32 flags = le32toh(range->flags);
	u32 sectors = le32toh(range->num_sectors);

	if (flags & ~(discard ? 0U : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP))
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > RANGE_SECTORS_MAX ||
	    !on_disk(blk, le64toh(range->sector), (u64)sectors * SECTOR))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static u8 do_range(struct virtio_blk *blk,
		   const struct virtio_blk_discard_write_zeroes *range,
		   bool discard)
{
	u64 off = le64toh(range->sector) * SECTOR;
	u64 len = (u64)le32toh(range->num_sectors) * SECTOR;
	bool unmap = range->flags;
	int err = 0;

	if (len && discard)
		err = blk->back->ops->discard(blk->back, off, len);
	else if (len)
		err = blk->back->ops->zero(blk->back, off, len, unmap);
	return err ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

/* All ranges are checked before the first is touched. */
static u8 do_ranges(struct virtio_blk *blk, struct request *r, bool discard)
{
	struct virtio_blk_discard_write_zeroes ranges[RANGES_MAX];
	u64 n = r->out.len / sizeof(ranges[0]), i;
	u8 status = VIRTIO_BLK_S_OK;

	if (!virtio_has(&blk->v, discard ? VIRTIO_BLK_F_DISCARD :
					   VIRTIO_BLK_F_WRITE_ZEROES))
		return VIRTIO_BLK_S_UNSUPP;
	if (!n || n > RANGES_MAX || r->out.len % sizeof(ranges[0]) ||
	    r->in.len)
		return VIRTIO_BLK_S_IOERR;
	iov_read(&r->out, ranges, sizeof(ranges));
	for (i = 0; !status && i < n; i++)
		status = check_range(blk, &ranges[i], discard);
	for (i = 0; !status && i < n; i++)
		status = do_range(blk, &ranges[i], discard);
	return status;
}

static u8 execute(struct virtio_blk *blk, struct request *r)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return do_read(blk, r);
	case VIRTIO_BLK_T_OUT:
		return do_write(blk, r);
	case VIRTIO_BLK_T_FLUSH:
		return do_flush(blk);
	case VIRTIO_BLK_T_GET_ID:
		return do_get_id(blk, r);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return do_ranges(blk, r, r->type == VIRTIO_BLK_T_DISCARD);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* The only place where requests are counted: once each, after the answer. */
static void record(struct virtio_blk *blk, u32 type, u8 status, u64 bytes)
{
	struct virtio_blk_counters *c = &blk->s.c;

	if (status == VIRTIO_BLK_S_IOERR) {
		c->io_errors++;
	} else if (status != VIRTIO_BLK_S_OK) {
		return;
	} else if (type == VIRTIO_BLK_T_IN) {
		c->reads_completed++;
		c->bytes_read += bytes;
	} else if (type == VIRTIO_BLK_T_OUT) {
		c->writes_completed++;
		c->bytes_written += bytes;
	} else if (type == VIRTIO_BLK_T_FLUSH) {
		c->flushes_completed++;
	}
}

/* Give up on a chain that is no request; say so where there is a status. */
static void refuse(struct virtio_blk *blk, u8 *status)
{
	blk->s.c.io_errors++;
	if (status)
		*status = VIRTIO_BLK_S_IOERR;
	virtio_push(&blk->v, 0, &blk->chain, status && blk->chain.in_len == 1);
}

static u64 cost_bytes(const struct request *r)
{
	if (r->type == VIRTIO_BLK_T_IN)
		return r->in.len;
	return r->type == VIRTIO_BLK_T_OUT ? r->out.len : 0;
}

/* Takes the tokens, or returns how long to wait for them. */
static u64 throttle(struct virtio_blk *blk, const struct request *r)
{
	u64 now = now_ns(), wait;

	if (r->type == VIRTIO_BLK_T_GET_ID)
		return 0;
	wait = bucket_wait_ns(&blk->s.ops, 1, now);
	wait = max(wait, bucket_wait_ns(&blk->s.bytes, cost_bytes(r), now));
	if (wait)
		return wait;
	bucket_take(&blk->s.ops, 1);
	bucket_take(&blk->s.bytes, cost_bytes(r));
	return 0;
}

static void unstall(struct virtio_blk *blk)
{
	blk->s.stalled = false;
	blk->s.c.currently_throttled_gauge = 0;
}

/* Put the chain back; the timer tries again. No error, no lost request. */
static void stall(struct virtio_blk *blk, u64 wait_ns)
{
	virtq_unpop(&blk->s.core.vq[0]);
	blk->s.stalled = true;
	blk->s.c.currently_throttled_gauge = 1;
	blk->s.c.throttled_count++;
	event_timer_arm(blk->timer.fd, wait_ns, 0);
}

static void answer(struct virtio_blk *blk, struct request *r)
{
	u64 bytes = cost_bytes(r);
	bool all_status = !r->in.len;
	u8 status = execute(blk, r);
	u32 len = all_status || r->written ? r->written + 1 : 0;

	*r->status = status;
	/* An answer that never arrives is no completion (add_used failure). */
	if (virtio_push(&blk->v, 0, &blk->chain, len))
		status = VIRTIO_BLK_S_IOERR;
	record(blk, r->type, status, bytes);
}

/* The status byte of a chain with a segment outside RAM, unless that is it. */
static u8 *status_of(const struct virtq_chain *chain)
{
	const struct iovec *last;

	if (!chain->nr_in)
		return NULL;
	last = &chain->iov[chain->nr_out + chain->nr_in - 1];
	return last->iov_base ? (u8 *)last->iov_base + last->iov_len - 1 : NULL;
}

/* Return: true where there may be more to do now. */
static bool serve_one(struct virtio_blk *blk)
{
	struct request r;
	u64 wait;
	int rc = virtio_pop(&blk->v, 0, &blk->chain);

	if (!rc)
		return false;
	if (rc < 0) {
		refuse(blk, status_of(&blk->chain));
		return true;
	}
	if (!parse(&blk->chain, &r)) {
		refuse(blk, r.status);
		return true;
	}
	wait = throttle(blk, &r);
	if (wait) {
		stall(blk, wait);
		return false;
	}
	answer(blk, &r);
	return true;
}

static void serve(struct virtio_blk *blk)
{
	struct virtq *vq = &blk->s.core.vq[0];
	unsigned int n = 0;

	do {
		virtq_kicks_off(vq, blk->v.mem);
		while (serve_one(blk)) {
			if (!(++n % BATCH))
				virtio_notify(&blk->v, 0);
			virtio_breathe(&blk->v);
		}
	} while (!blk->s.stalled && virtio_kicks_on(&blk->v, 0));
	virtio_notify(&blk->v, 0);
}

static void blk_kicked(struct virtio *v, unsigned int q)
{
	struct virtio_blk *blk = to_blk(v);

	(void)q;
	if (!blk->s.stalled)
		serve(blk);
}

static void blk_retry(struct event_source *src, u32 events)
{
	struct virtio_blk *blk = container_of(src, struct virtio_blk, timer);

	(void)events;
	event_drain(src->fd);
	virtio_lock(&blk->v);
	virtio_round(&blk->v);
	/* A reset may have come between. */
	if (blk->s.stalled) {
		unstall(blk);
		serve(blk);
	}
	virtio_unlock(&blk->v);
}

static void blk_queue_stopped(struct virtio *v, unsigned int q)
{
	struct virtio_blk *blk = to_blk(v);

	(void)q;
	event_timer_arm(blk->timer.fd, 0, 0);
	unstall(blk);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio_blk",
	.id = VIRTIO_ID_BLOCK,
	.kicked = blk_kicked,
	.queue_stopped = blk_queue_stopped,
};

static void init_config(struct blk_state *s, const struct blkback *back)
{
	struct virtio_blk_config *cfg = &s->config;

	s->core.offered = 1ULL << VIRTIO_F_VERSION_1 |
			  1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			  1ULL << VIRTIO_RING_F_EVENT_IDX |
			  1ULL << VIRTIO_BLK_F_SEG_MAX |
			  1ULL << VIRTIO_BLK_F_BLK_SIZE |
			  1ULL << VIRTIO_BLK_F_FLUSH;
	cfg->capacity = htole64(back->size / SECTOR);
	cfg->seg_max = htole32(QUEUE_SIZE - 2);	/* header, status */
	cfg->blk_size = htole32(SECTOR);
	if (back->read_only) {
		s->core.offered |= 1ULL << VIRTIO_BLK_F_RO;
		return;
	}
	s->core.offered |= 1ULL << VIRTIO_BLK_F_DISCARD |
			   1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	cfg->max_discard_sectors = htole32(RANGE_SECTORS_MAX);
	cfg->max_discard_seg = htole32(RANGES_MAX);
	cfg->discard_sector_alignment = htole32(1);
	cfg->max_write_zeroes_sectors = htole32(RANGE_SECTORS_MAX);
	cfg->max_write_zeroes_seg = htole32(RANGES_MAX);
	cfg->write_zeroes_may_unmap = 1;
}

static void init_state(struct virtio_blk *blk, const struct virtio_blk_cfg *cfg)
{
	const struct virtio_blk_throttle *t = &cfg->throttle;
	const char *serial = cfg->serial ?: "vmtap";
	u64 now = now_ns();

	init_config(&blk->s, blk->back);
	blk->s.core.nr_queues = 1;
	virtq_init(&blk->s.core.vq[0], QUEUE_SIZE);
	bucket_init(&blk->s.ops, t->iops, t->iops_burst, now);
	bucket_init(&blk->s.bytes, t->bandwidth, t->bandwidth_burst, now);
	memcpy(blk->s.serial, serial, strlen(serial));
}

static struct virtio_blk *blk_alloc(struct blkback *back,
				    const struct virtio_blk_cfg *cfg, int *err,
				    struct diag *d)
{
	struct virtio_blk *blk;

	if (cfg->serial && strlen(cfg->serial) > VIRTIO_BLK_ID_BYTES) {
		*err = diag_fail(d, -EINVAL, NULL,
				 "disk serial %s: more than %d bytes",
				 cfg->serial, VIRTIO_BLK_ID_BYTES);
		return NULL;
	}
	blk = calloc(1, sizeof(*blk));
	if (!blk) {
		*err = diag_fail(d, -ENOMEM, NULL, "no memory for a disk");
		return NULL;
	}
	blk->back = back;
	init_state(blk, cfg);
	return blk;
}

int virtio_blk_create(struct virtio_blk **ret, const struct mem *mem,
		      struct blkback *back, const struct virtio_blk_cfg *cfg,
		      struct diag *d)
{
	struct virtio_blk *blk;
	int err;

	blk = blk_alloc(back, cfg, &err, d);
	if (!blk)
		goto fail;
	blk->v.ops = &blk_ops;
	blk->v.mem = mem;
	blk->v.s = &blk->s.core;
	blk->v.state_len = sizeof(blk->s);
	blk->v.config = &blk->s.config;
	blk->v.config_len = sizeof(blk->s.config);
	blk->timer.ready = blk_retry;
	blk->timer.fd = event_timer_create();
	if (blk->timer.fd < 0) {
		err = diag_fail(d, blk->timer.fd, NULL, "timerfd_create failed");
		goto fail_alloc;
	}
	err = virtio_init(&blk->v, d);
	if (err)
		goto fail_timer;
	err = event_add(&blk->v.loop, &blk->timer, EPOLLIN, d);
	if (err)
		goto fail_core;
	*ret = blk;
	return 0;
fail_core:
	virtio_deinit(&blk->v);
fail_timer:
	close(blk->timer.fd);
fail_alloc:
	free(blk);
fail:
	blkback_destroy(back);
	return err;
}

void virtio_blk_destroy(struct virtio_blk *blk)
{
	if (!blk)
		return;
	virtio_deinit(&blk->v);
	close(blk->timer.fd);
	blkback_destroy(blk->back);
	free(blk);
}

void virtio_blk_attach(struct virtio_blk *blk, struct device *dev)
{
	mmio_describe(&blk->v, dev);
}

int virtio_blk_start(struct virtio_blk *blk, struct diag *d)
{
	return virtio_start(&blk->v, d);
}

void virtio_blk_stop(struct virtio_blk *blk)
{
	virtio_stop(&blk->v);
}

void virtio_blk_counters(struct virtio_blk *blk,
			 struct virtio_blk_counters *ret)
{
	virtio_lock(&blk->v);
	*ret = blk->s.c;
	ret->invalid_avail_idx_count = virtio_invalid_avail_idx(&blk->v);
	virtio_unlock(&blk->v);
}

struct virtio *virtio_blk_core(struct virtio_blk *blk)
{
	return &blk->v;
}
