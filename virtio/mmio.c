// SPDX-License-Identifier: GPL-2.0-only
/* virtio-mmio registers; see mmio.h. Section numbers are virtio 1.2's. */
#include "virtio/mmio.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

/*
 * One row a register; a missing handler makes that direction absent: it reads
 * 0, a write is dropped. Handlers run under the device's lock unless
 * @lock_free, which is for what the guest touches with every interrupt: a
 * request in flight must not hold up a vCPU.
 */
struct reg {
	u32 (*read)(struct virtio *v);
	void (*write)(struct virtio *v, u32 val);
	bool lock_free;
};

static u32 magic_read(struct virtio *v)
{
	(void)v;
	return 0x74726976;
}

static u32 version_read(struct virtio *v)
{
	(void)v;
	return 2;
}

static u32 device_id_read(struct virtio *v)
{
	return v->ops->id;
}

static u32 vendor_id_read(struct virtio *v)
{
	(void)v;
	return MMIO_VENDOR_ID;
}

static u32 offered_read(struct virtio *v)
{
	u32 sel = v->s->offered_sel;

	return sel < 2 ? (u32)(v->s->offered >> (32 * sel)) : 0;
}

static void offered_sel_write(struct virtio *v, u32 val)
{
	v->s->offered_sel = val;
}

/* After FEATURES_OK the bargain stands (3.1.1). */
static void accepted_write(struct virtio *v, u32 val)
{
	u32 shift = 32 * v->s->accepted_sel;

	if (v->s->accepted_sel > 1 ||
	    (v->s->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	v->s->accepted &= ~(0xffffffffULL << shift);
	v->s->accepted |= (u64)val << shift;
}

static void accepted_sel_write(struct virtio *v, u32 val)
{
	v->s->accepted_sel = val;
}

static void queue_sel_write(struct virtio *v, u32 val)
{
	v->s->queue_sel = val;
}

static struct virtq *selected(struct virtio *v)
{
	u32 q = v->s->queue_sel;

	return q < v->s->nr_queues ? &v->s->vq[q] : NULL;
}

/* The queue that is selected, where its setup may still change (4.2.2.2). */
static struct virtq *configurable(struct virtio *v)
{
	struct virtq *vq = selected(v);

	return vq && !vq->ready ? vq : NULL;
}

static u32 queue_max_read(struct virtio *v)
{
	struct virtq *vq = selected(v);

	return vq ? vq->max : 0;
}

static void queue_num_write(struct virtio *v, u32 val)
{
	struct virtq *vq = configurable(v);

	/* What is no size is refused when the queue is made ready. */
	if (vq)
		vq->size = val <= vq->max ? (u16)val : 0;
}

static u32 queue_ready_read(struct virtio *v)
{
	struct virtq *vq = selected(v);

	return vq && vq->ready;
}

static void queue_ready_write(struct virtio *v, u32 val)
{
	if (selected(v))
		virtio_queue_ready(v, v->s->queue_sel, val & 1);
}

static void queue_notify_write(struct virtio *v, u32 val)
{
	if (val < v->s->nr_queues)
		virtio_kick(v, val);
}

static void set_low(gpa_t *addr, u32 val)
{
	*addr = (*addr & ~0xffffffffULL) | val;
}

static void set_high(gpa_t *addr, u32 val)
{
	*addr = (*addr & 0xffffffffULL) | ((u64)val << 32);
}

#define ADDRESS_REG(field)						\
static void field##_low_write(struct virtio *v, u32 val)		\
{									\
	struct virtq *vq = configurable(v);				\
									\
	if (vq)								\
		set_low(&vq->field, val);				\
}									\
									\
static void field##_high_write(struct virtio *v, u32 val)		\
{									\
	struct virtq *vq = configurable(v);				\
									\
	if (vq)								\
		set_high(&vq->field, val);				\
}

ADDRESS_REG(desc)
ADDRESS_REG(avail)
ADDRESS_REG(used)

static u32 isr_read(struct virtio *v)
{
	return virtio_isr(v);
}

static void isr_ack_write(struct virtio *v, u32 val)
{
	virtio_ack(v, val);
}

static u32 status_read(struct virtio *v)
{
	return v->s->status;
}

/* No shared memory region exists: its length and base read as -1. */
static u32 absent_read(struct virtio *v)
{
	(void)v;
	return 0xffffffff;
}

static u32 config_gen_read(struct virtio *v)
{
	return v->s->config_gen;
}

static const struct reg regs[VIRTIO_MMIO_CONFIG / 4] = {
	[VIRTIO_MMIO_MAGIC_VALUE / 4] = {
		.read = magic_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_VERSION / 4] = { .read = version_read, .lock_free = true },
	[VIRTIO_MMIO_DEVICE_ID / 4] = {
		.read = device_id_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_VENDOR_ID / 4] = {
		.read = vendor_id_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_DEVICE_FEATURES / 4] = { .read = offered_read },
	[VIRTIO_MMIO_DEVICE_FEATURES_SEL / 4] = { .write = offered_sel_write },
	[VIRTIO_MMIO_DRIVER_FEATURES / 4] = { .write = accepted_write },
	[VIRTIO_MMIO_DRIVER_FEATURES_SEL / 4] = { .write = accepted_sel_write },
	[VIRTIO_MMIO_QUEUE_SEL / 4] = { .write = queue_sel_write },
	[VIRTIO_MMIO_QUEUE_NUM_MAX / 4] = { .read = queue_max_read },
	[VIRTIO_MMIO_QUEUE_NUM / 4] = { .write = queue_num_write },
	[VIRTIO_MMIO_QUEUE_READY / 4] = {
		.read = queue_ready_read,
		.write = queue_ready_write,
	},
	[VIRTIO_MMIO_QUEUE_NOTIFY / 4] = {
		.write = queue_notify_write,
		.lock_free = true,
	},
	[VIRTIO_MMIO_INTERRUPT_STATUS / 4] = {
		.read = isr_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_INTERRUPT_ACK / 4] = {
		.write = isr_ack_write,
		.lock_free = true,
	},
	[VIRTIO_MMIO_STATUS / 4] = {
		.read = status_read,
		.write = virtio_set_status,
	},
	[VIRTIO_MMIO_QUEUE_DESC_LOW / 4] = { .write = desc_low_write },
	[VIRTIO_MMIO_QUEUE_DESC_HIGH / 4] = { .write = desc_high_write },
	[VIRTIO_MMIO_QUEUE_AVAIL_LOW / 4] = { .write = avail_low_write },
	[VIRTIO_MMIO_QUEUE_AVAIL_HIGH / 4] = { .write = avail_high_write },
	[VIRTIO_MMIO_QUEUE_USED_LOW / 4] = { .write = used_low_write },
	[VIRTIO_MMIO_QUEUE_USED_HIGH / 4] = { .write = used_high_write },
	[VIRTIO_MMIO_SHM_LEN_LOW / 4] = {
		.read = absent_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_SHM_LEN_HIGH / 4] = {
		.read = absent_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_SHM_BASE_LOW / 4] = {
		.read = absent_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_SHM_BASE_HIGH / 4] = {
		.read = absent_read,
		.lock_free = true,
	},
	[VIRTIO_MMIO_CONFIG_GENERATION / 4] = { .read = config_gen_read },
};

/* Control registers are 4 bytes wide and aligned; all else is no register. */
static const struct reg *find_reg(u64 off, u32 len)
{
	if (off >= VIRTIO_MMIO_CONFIG || len != 4 || off % 4)
		return NULL;
	return &regs[off / 4];
}

static void config_read(struct virtio *v, u64 off, void *data, u32 len)
{
	if (off >= v->config_len)
		return;
	virtio_lock(v);
	memcpy(data, (const u8 *)v->config + off,
	       min((u64)len, v->config_len - off));
	virtio_unlock(v);
}

static void mmio_read(void *dev, u64 off, void *data, u32 len)
{
	const struct reg *reg = find_reg(off, len);
	struct virtio *v = dev;
	u32 val;

	memset(data, 0, len);
	if (off >= VIRTIO_MMIO_CONFIG)
		config_read(v, off - VIRTIO_MMIO_CONFIG, data, len);
	if (!reg || !reg->read)
		return;
	if (!reg->lock_free)
		virtio_lock(v);
	val = htole32(reg->read(v));
	if (!reg->lock_free)
		virtio_unlock(v);
	memcpy(data, &val, sizeof(val));
}

/*
 * All that may read differently now, into the window; the interrupt status is
 * kept there by who changes it. A guest may look at any moment: word by word.
 */
static void mmio_publish(struct virtio *v)
{
	u64 off, len = min((u64)v->config_len,
			   (u64)VIRTIO_WINDOW_SIZE - VIRTIO_MMIO_CONFIG);

	for (off = 0; off < VIRTIO_MMIO_CONFIG; off += 4)
		if (regs[off / 4].read && off != VIRTIO_WINDOW_ISR)
			__atomic_store_n((u32 *)(v->window + off),
					 htole32(regs[off / 4].read(v)),
					 __ATOMIC_RELEASE);
	memcpy(v->window + VIRTIO_MMIO_CONFIG, v->config, len);
}

static void mmio_write(void *dev, u64 off, const void *data, u32 len)
{
	const struct reg *reg = find_reg(off, len);
	struct virtio *v = dev;
	u32 val;

	/* No device here has a config field that a driver may write. */
	if (!reg || !reg->write)
		return;
	memcpy(&val, data, sizeof(val));
	if (!reg->lock_free)
		virtio_lock(v);
	reg->write(v, le32toh(val));
	if (!reg->lock_free) {
		mmio_publish(v);
		virtio_unlock(v);
	}
}

const struct bus_ops mmio_bus_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

static int mmio_hold(void *dev, u64 until_ns)
{
	return virtio_hold(dev, until_ns);
}

static void mmio_release(void *dev)
{
	virtio_unlock(dev);
}

void mmio_describe(struct virtio *v, struct device *dev)
{
	unsigned int q;

	v->publish = mmio_publish;
	mmio_publish(v);
	*dev = (struct device){
		.name = v->ops->name,
		.acpi_hid = "LNRO0005",
		.size = MMIO_WINDOW_SIZE,
		.ops = &mmio_bus_ops,
		.window = v->window,
		.dev = v,
		.irq = &v->irq,
		.hold = mmio_hold, .release = mmio_release,
		.nr_doorbells = v->s->nr_queues,
	};
	for (q = 0; q < v->s->nr_queues; q++)
		dev->doorbells[q] = (struct device_doorbell){
			.off = VIRTIO_MMIO_QUEUE_NOTIFY, .value = q,
			.fd = v->bells[q].src.fd,
		};
}
