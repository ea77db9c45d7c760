// SPDX-License-Identifier: GPL-2.0-only
/*
 * The printk ring from hostile memory, by VMCOREINFO offsets. The input is laid
 * over a ring at a known place, which it may redirect anywhere; one bit of the
 * first byte makes the VMCOREINFO text the input's as well.
 */
#include "freeze/dmesg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/lib/kguest.h"
#include "vmm/base/buf.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define RING 0x8000	/* in RAM, beyond the page tables */

static const char info[] =
	"OSRELEASE=6\nSYMBOL(prb)=ffffffff81008000\n"
	"OFFSET(printk_ringbuffer.desc_ring)=8\n"
	"OFFSET(printk_ringbuffer.text_data_ring)=48\n"
	"OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
	"OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\n"
	"OFFSET(prb_desc_ring.tail_id)=32\nSIZE(prb_desc)=24\n"
	"OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
	"OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n"
	"SIZE(printk_info)=24\nOFFSET(printk_info.seq)=0\n"
	"OFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
	"OFFSET(printk_info.caller_id)=20\n"
	"OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=8\n";

static void check(struct dmesg *m)
{
	struct buf out = { 0 };
	size_t i;

	for (i = 0; i < m->nr; i++)
		BUG_ON(strlen(m->text + m->records[i].text_off) !=
		       m->records[i].text_len);
	dmesg_print(m, &out);
	buf_reset(&out);
	dmesg_reset(m);
}

/* prb -> ring -> 8 descriptors, infos and 256 bytes, all in one stretch. */
static void lay_out(u8 *ram)
{
	const u64 base = KGUEST_VIRT + RING;
	/* prb; desc_ring at 16: bits, descs, infos, head, tail; text ring */
	const u64 words[] = { base + 8, 0, 3, base + 0x100, base + 0x200, 9, 8,
			      8, base + 0x300 };

	/* Two finished records, ids 8 and 9, so that damage has a target. */
	const u64 descs[] = { 8 | 2ULL << 62, 0, 24, 9 | 2ULL << 62, 24, 56 };
	const u64 infos[] = { 0, 1000, 5 | 6ULL << 29, 1, 2000, 11 | 6ULL << 29 };

	memcpy(ram + RING, words, sizeof(words));
	memcpy(ram + RING + 0x100, descs, sizeof(descs));
	memcpy(ram + RING + 0x200, infos, sizeof(infos));
	memcpy(ram + RING + 0x300, "\10\0\0\0\0\0\0\0first", 13);
	memcpy(ram + RING + 0x318, "\11\0\0\0\0\0\0\0second\nline", 19);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static struct kguest g;
	struct vmcoreinfo v;
	struct dmesg m;
	struct vas vas;
	u8 kind;

	if (len < 2)
		return 0;
	if (!g.ram)
		kguest_init(&g);
	kind = *data++;
	len--;
	memset(g.ram + RING, 0, 0x10000);
	lay_out(g.ram);
	if (kind & 1) {
		/* Damage: (offset, value) pairs */
		for (; len >= 3; data += 3, len -= 3)
			g.ram[RING + ((data[0] | data[1] << 8) & 0xfff)] ^= data[2];
	} else {
		memcpy(g.ram + RING + 0x100, data, min(len, (size_t)0x8000));
	}
	vas_init(&vas, &g.mem, g.root, false);
	if (kind & 2 ? vmcoreinfo_parse(data, len, &v) :
		       vmcoreinfo_parse(info, sizeof(info), &v))
		return 0;
	if (!dmesg_read_vmcoreinfo(&vas, &v, &m, NULL))
		check(&m);
	return 0;
}
