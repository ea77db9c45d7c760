// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers at any offset, width and order, with resets between, against a
 * model of the status machine that is written from the specification (virtio
 * 1.2 2.1, 3.1, 4.2.2) and knows nothing of the device's code.
 */
#include "virtio/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "selftests/lib/fuzzdrv.h"
#include "virtio/net.h"

static struct fuzz f;
static struct virtio_net *net;
static u64 offered;

static struct {
	u32 status;
	u64 accepted;
	u32 offered_sel, accepted_sel, queue_sel;
	bool ready[2];
	u32 num[2];
} model;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct virtio_net_cfg cfg = { .mtu = 1500 };

	(void)argc;
	(void)argv;
	FUZZ_CHECK(!virtio_net_create(&net, &f.g.mem, &cfg, NULL));
	virtio_net_attach(net, &f.d.dev);
	fuzz_init(&f, virtio_net_core(net));
	offered = f.v->s->offered;
	return 0;
}

static void model_status(u32 val)
{
	bool fine = !(model.accepted & ~offered) &&
		    (model.accepted & 1ULL << VIRTIO_F_VERSION_1);

	if (!val) {
		memset(&model, 0, sizeof(model));
		return;
	}
	model.status |= val & (VIRTIO_CONFIG_S_ACKNOWLEDGE |
			       VIRTIO_CONFIG_S_FAILED);
	if (model.status & VIRTIO_CONFIG_S_ACKNOWLEDGE)
		model.status |= val & VIRTIO_CONFIG_S_DRIVER;
	if ((model.status & VIRTIO_CONFIG_S_DRIVER) && fine)
		model.status |= val & VIRTIO_CONFIG_S_FEATURES_OK;
	if (model.status & VIRTIO_CONFIG_S_FEATURES_OK)
		model.status |= val & VIRTIO_CONFIG_S_DRIVER_OK;
}

static void model_accepted(u32 val)
{
	u32 at = 32 * model.accepted_sel;

	if (model.accepted_sel > 1 ||
	    (model.status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	model.accepted = (model.accepted & ~(0xffffffffULL << at)) |
			 (u64)val << at;
}

/* Whether a queue became ready also hangs on its layout: ask, then check. */
static void model_ready(u32 val)
{
	u32 q = model.queue_sel;
	bool now;

	if (q > 1)
		return;
	now = vdrv_read(&f.d, VIRTIO_MMIO_QUEUE_READY);
	if (!(model.status & VIRTIO_CONFIG_S_FEATURES_OK) || !(val & 1))
		FUZZ_CHECK(!now);
	if (now && !model.ready[q])
		FUZZ_CHECK(model.num[q] && model.num[q] <= 256 &&
			   !(model.num[q] & (model.num[q] - 1)));
	if (model.ready[q] && (val & 1))
		FUZZ_CHECK(now);
	model.ready[q] = now;
}

static void model_write(u64 off, u32 val)
{
	switch (off) {
	case VIRTIO_MMIO_STATUS:
		model_status(val);
		break;
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		model.offered_sel = val;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		model.accepted_sel = val;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		model_accepted(val);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		model.queue_sel = val;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		if (model.queue_sel < 2 && !model.ready[model.queue_sel])
			model.num[model.queue_sel] = val;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		model_ready(val);
		break;
	}
}

static void compare(void)
{
	u32 sel = model.offered_sel, q = model.queue_sel;

	FUZZ_CHECK((vdrv_read(&f.d, VIRTIO_MMIO_STATUS) &
		    ~(u32)VIRTIO_CONFIG_S_NEEDS_RESET) == model.status);
	FUZZ_CHECK(vdrv_read(&f.d, VIRTIO_MMIO_DEVICE_FEATURES) ==
		   (sel > 1 ? 0 : (u32)(offered >> (32 * sel))));
	FUZZ_CHECK(vdrv_read(&f.d, VIRTIO_MMIO_QUEUE_NUM_MAX) ==
		   (q > 1 ? 0 : 256));
	FUZZ_CHECK(vdrv_read(&f.d, VIRTIO_MMIO_QUEUE_READY) ==
		   (q > 1 ? 0 : model.ready[q]));
	FUZZ_CHECK(f.v->s->accepted == model.accepted);
	FUZZ_CHECK(!(vdrv_read(&f.d, VIRTIO_MMIO_INTERRUPT_STATUS) & ~3U));
}

/* What a guest reads without an exit is what the registers say. */
static void compare_window(void)
{
	static u64 off;
	u64 val = 0;

	off = (off + 4) % (VIRTIO_MMIO_CONFIG + 32);
	f.d.dev.ops->read(f.d.dev.dev, off, &val, 4);
	FUZZ_CHECK(!memcmp(f.v->window + off, &val, 4));
	FUZZ_CHECK(!memcmp(f.v->window + VIRTIO_WINDOW_ISR, &f.v->s->isr, 4));
}

/* Registers that matter, named more often than chance would. */
static u64 pick_offset(void)
{
	static const u16 offs[] = {
		VIRTIO_MMIO_STATUS, VIRTIO_MMIO_STATUS, VIRTIO_MMIO_QUEUE_SEL,
		VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_READY,
		VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_DRIVER_FEATURES,
		VIRTIO_MMIO_DRIVER_FEATURES_SEL,
		VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_QUEUE_NOTIFY,
		VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_QUEUE_DESC_HIGH,
	};
	u8 how = fuzz_u8(&f);

	if (how < 0xc0)
		return offs[how % ARRAY_SIZE(offs)];
	return fuzz_u16(&f) % (MMIO_WINDOW_SIZE - 8);
}

static u32 pick_value(void)
{
	u8 how = fuzz_u8(&f);

	if (how < 0x80)
		return how;
	if (how < 0xc0)
		return (u32)VDRV_RAM_BASE + fuzz_u16(&f);
	return fuzz_u32(&f);
}

static void access_register(void)
{
	static const u8 lens[] = { 4, 4, 4, 4, 4, 4, 1, 2, 8 };
	u8 how = fuzz_u8(&f);
	u32 len = lens[how % ARRAY_SIZE(lens)];
	u64 off = pick_offset(), val = 0;

	if (how & 0x80) {
		f.d.dev.ops->read(f.d.dev.dev, off, &val, len);
		/* All of the answer was written. */
		FUZZ_CHECK(len == 8 || !(val >> (8 * len)));
		return;
	}
	val = pick_value();
	f.d.dev.ops->write(f.d.dev.dev, off, &val, len);
	if (len == 4 && off < VIRTIO_MMIO_CONFIG && off % 4 == 0)
		model_write(off, (u32)val);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	int i;

	fuzz_begin(&f, data, len);
	memset(&model, 0, sizeof(model));
	for (i = 0; f.left && i < FUZZ_OPS_MAX; i++) {
		access_register();
		compare();
		compare_window();
		if (!(i % 8))
			fuzz_serve(&f, i / 8 % 2);
	}
	fuzz_check_core(&f);
	return 0;
}
