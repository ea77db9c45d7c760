// SPDX-License-Identifier: GPL-2.0-only
/* Call chains by ORC tables, on a make-believe kernel and its image. */
#include "freeze/unwind.h"

#include <string.h>

#include "selftests/lib/kguest.h"
#include "selftests/lib/kmake.h"
#include "vmm/base/buf.h"
#include "vmm/kimage.h"
#include "vmm/machine.h"

#include <kselftest_harness.h>

#define TEXT KMAKE_TEXT
#define TABLES (KMAKE_TEXT + 0x1000)	/* where kmake_elf() puts rodata */
#define MODULE 0xffffffffc0000100ULL
#define FUNCS 5

/* As the kernel's asm/orc_types.h numbers them since 6.4. */
enum { CALL = 2, REGS = 3, END = 1 };
enum { PREV_SP = 1, BP = 4, SP = 5 };

struct entry {
	int16_t sp_offset, bp_offset;
	u16 flags;
};

static const struct {
	const char *name;
	u64 at;
	struct entry orc;
} funcs[FUNCS] = {
	{ "inner", 0x100, { 16, 0, SP | CALL << 8 } },
	{ "framed", 0x200, { 16, -16, BP | PREV_SP << 4 | CALL << 8 } },
	{ "irq", 0x300, { 0, 0, SP | REGS << 8 } },
	{ "body", 0x400, { 8, 0, SP | CALL << 8 } },
	{ "start", 0x500, { 0, 0, END << 8 } },
};

FIXTURE(unwind) {
	struct kguest g;
	struct kimage *image;
	struct buf elf;
	struct unwind u;
	gva_t stack;
	struct machine_regs regs;
	struct unwind_frame f[UNWIND_MAX];
};

/* The same tables, with registers as they were and as they are numbered. */
FIXTURE_VARIANT(unwind) {
	bool renumbered;
};

FIXTURE_VARIANT_ADD(unwind, until_7_3) { .renumbered = false };
FIXTURE_VARIANT_ADD(unwind, since_7_3) { .renumbered = true };

static struct entry numbered(struct entry e, bool renumbered)
{
	static const u8 since[] = { [PREV_SP] = 8, [BP] = 4, [SP] = 3 };

	if (renumbered)
		e.flags = (u16)((e.flags & 0xff00) | since[e.flags >> 4 & 15] << 4 |
				since[e.flags & 15]);
	return e;
}

static void put_tables(struct kguest *g, struct buf *elf, bool renumbered)
{
	u8 tables[FUNCS * 4 + FUNCS * sizeof(struct entry)];
	unsigned int i;

	for (i = 0; i < FUNCS; i++) {
		s32 rel = (s32)(TEXT + funcs[i].at - (TABLES + i * 4));
		struct entry e = numbered(funcs[i].orc, renumbered);

		memcpy(tables + i * 4, &rel, 4);
		memcpy(tables + FUNCS * 4 + i * sizeof(struct entry),
		       &e, sizeof(e));
		kguest_symbol(g, funcs[i].name, TEXT + funcs[i].at);
	}
	kmake_elf(elf, tables, sizeof(tables));
	kguest_symbol(g, "_etext", TEXT + 0x1000);
	kguest_symbol(g, "__start_orc_unwind_ip", TABLES);
	kguest_symbol(g, "__stop_orc_unwind_ip", TABLES + FUNCS * 4);
	kguest_symbol(g, "__start_orc_unwind", TABLES + FUNCS * 4);
	kguest_symbol(g, "__stop_orc_unwind", TABLES + sizeof(tables));
}

FIXTURE_SETUP(unwind)
{
	memset(self, 0, sizeof(*self));
	kguest_init(&self->g);
	put_tables(&self->g, &self->elf, variant->renumbered);
	self->stack = kguest_alloc(&self->g, KiB(16), KiB(16));
	kguest_ready(&self->g);
	ASSERT_EQ(0, kimage_open_buffer(self->elf.data, self->elf.len,
					&self->image, NULL));
	unwind_init(&self->u, &self->g.k, self->image);
	ASSERT_EQ(FUNCS, self->u.nr);
	ASSERT_EQ(variant->renumbered, self->u.renumbered);
	self->regs = (struct machine_regs){
		.rip = TEXT + 0x110, .rsp = self->stack, .rbp = self->stack + 32,
	};
}

FIXTURE_TEARDOWN(unwind)
{
	kimage_close(self->image);
	buf_reset(&self->elf);
	kguest_free(&self->g);
}

static void put(struct kguest *g, gva_t at, u64 v)
{
	kguest_put(g, at, v, 8);
}

/* inner <- framed <- irq, pt_regs, body <- start */
static void put_stack(struct kguest *g, gva_t s)
{
	put(g, s + 8, TEXT + 0x220);
	put(g, s + 32, s + 999);
	put(g, s + 40, TEXT + 0x305);
	put(g, s + 48 + 128, TEXT + 0x408);
	put(g, s + 48 + 136, 0x10);
	put(g, s + 48 + 152, s + 400);
	put(g, s + 400, TEXT + 0x501);
}

static unsigned int walk(struct _test_data_unwind *t)
{
	return unwind_stack(&t->u, &t->regs, t->f, UNWIND_MAX);
}

static void text_of(const struct unwind_frame *f, char *out, size_t size)
{
	struct buf b = { 0 };

	unwind_print(f, &b);
	snprintf(out, size, "%s", buf_str(&b));
	buf_reset(&b);
}

TEST_F(unwind, calls_frame_pointers_and_interrupts_are_followed_to_the_end)
{
	static const char *const want[] = {
		"inner+0x10", "framed+0x20", "irq+0x5", "body+0x8", "start+0x1",
	};
	char text[64];
	unsigned int i;

	put_stack(&self->g, self->stack);
	ASSERT_EQ(FUNCS, walk(self));
	for (i = 0; i < FUNCS; i++) {
		text_of(&self->f[i], text, sizeof(text));
		EXPECT_STREQ(want[i], text);
	}
}

/* Until 6.3 CALL was 0, so that 2 is a partial frame; the end was a bit. */
TEST_F(unwind, the_older_numbering)
{
	self->u.old = true;
	self->u.end_bit = 8;
	put(&self->g, self->stack + 16, TEXT + 0x501);
	put(&self->g, self->stack + 16 + 8, 0x10);
	put(&self->g, self->stack + 16 + 24, self->stack + 400);
	ASSERT_EQ(2, walk(self));
	EXPECT_STREQ("start", self->f[1].name);
	EXPECT_FALSE(self->f[1].guess);
	/* It interrupted user mode: that is the end. */
	put(&self->g, self->stack + 16 + 8, 0x33);
	EXPECT_EQ(1, walk(self));
}

TEST_F(unwind, code_without_tables_is_a_guess)
{
	char text[64];

	self->regs.rip = MODULE;
	self->regs.rbp = self->stack + 64;
	put(&self->g, self->stack + 64 + 8, TEXT + 0x408);
	put(&self->g, self->stack + 80, TEXT + 0x501);
	ASSERT_EQ(3, walk(self));
	EXPECT_EQ(NULL, self->f[0].name);
	EXPECT_FALSE(self->f[0].guess);
	text_of(&self->f[1], text, sizeof(text));
	EXPECT_STREQ("? body+0x8", text);
	text_of(&self->f[2], text, sizeof(text));
	EXPECT_STREQ("? start+0x1", text);
}

TEST_F(unwind, without_a_frame_pointer_the_stack_is_searched)
{
	char text[64];

	self->regs.rip = MODULE;
	self->regs.rbp = 0;
	put(&self->g, self->stack + 160, TEXT + 0x408);
	ASSERT_LE(2, walk(self));
	text_of(&self->f[1], text, sizeof(text));
	EXPECT_STREQ("? body+0x8", text);
}

TEST_F(unwind, no_tables_at_all)
{
	self->u.nr = 0;
	put_stack(&self->g, self->stack);
	ASSERT_LE(2, walk(self));
	EXPECT_STREQ("inner", self->f[0].name);
	EXPECT_TRUE(self->f[1].guess);
}

/* The interrupt frame names itself as what it interrupted. */
TEST_F(unwind, a_stack_that_goes_in_circles_ends)
{
	put_stack(&self->g, self->stack);
	put(&self->g, self->stack + 48 + 128, TEXT + 0x305);
	put(&self->g, self->stack + 48 + 152, self->stack + 48);
	EXPECT_EQ(UNWIND_MAX, walk(self));
	EXPECT_EQ(3, unwind_stack(&self->u, &self->regs, self->f, 3));
}

TEST_F(unwind, a_stack_that_is_not_there)
{
	self->regs.rsp = 0xffffc90000000000ULL;
	EXPECT_EQ(1, walk(self));
	self->regs.rsp = ~7ULL;
	EXPECT_EQ(1, walk(self));
}

TEST_F(unwind, user_mode_and_no_code_have_no_chain)
{
	put_stack(&self->g, self->stack);
	self->regs.cpl = 3;
	EXPECT_EQ(0, walk(self));
	self->regs.cpl = 0;
	self->regs.rip = 0x1000;
	EXPECT_EQ(0, walk(self));
	self->regs.rip = TEXT + 0x1000;
	EXPECT_EQ(0, walk(self));
}

/* Symbols that lie: tables outside of the image. */
TEST_F(unwind, tables_outside_the_image_are_none)
{
	struct ksym_entry bad[] = {
		{ TEXT, "_text", 'T' }, { TEXT + 0x1000, "_etext", 'T' },
		{ TABLES, "__start_orc_unwind", 'D' },
		{ TABLES + 6, "__stop_orc_unwind", 'D' },
		{ TEXT + MiB(512), "__start_orc_unwind_ip", 'D' },
		{ TEXT + MiB(512) + 4, "__stop_orc_unwind_ip", 'D' },
	};
	struct kread k = self->g.k;
	struct ksym *sym;

	ASSERT_EQ(0, ksym_from_entries(bad, ARRAY_SIZE(bad), &sym, NULL));
	k.sym = sym;
	unwind_init(&self->u, &k, self->image);
	EXPECT_EQ(0, self->u.nr);
	ksym_close(sym);
}

TEST_HARNESS_MAIN
