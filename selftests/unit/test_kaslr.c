// SPDX-License-Identifier: GPL-2.0-only
/* KASLR: what each combination of evidence comes to, and why. */
#include "freeze/kaslr.h"

#include <string.h>

#include <kselftest_harness.h>

#define TEXT 0xffffffff81000000ULL
#define ENTRY 0xffffffff81c00080ULL
#define SLIDE 0x1a200000ULL

/* A guest that told everything, slid by SLIDE. */
static struct kaslr_input whole(void)
{
	return (struct kaslr_input){
		.have_lstar = true, .lstar = ENTRY + SLIDE,
		.entry_link = ENTRY, .text_link = TEXT,
		.have_addrs = true, .text = TEXT + SLIDE,
		.requested = KASLR_YES, .randomize_base = KASLR_YES,
		.cmdline = "console=ttyS0",
	};
}

static struct kaslr derive(const struct kaslr_input *in)
{
	struct kaslr out;

	kaslr_derive(in, &out);
	return out;
}

TEST(lstar_and_kern_addrs_agree)
{
	struct kaslr_input in = whole();
	struct kaslr k = derive(&in);

	EXPECT_EQ(KASLR_STATE_ON, k.state);
	EXPECT_TRUE(k.have_offset);
	EXPECT_EQ(SLIDE, k.offset);
	EXPECT_FALSE(k.disagree);
	EXPECT_STREQ("lstar,kern_addrs", k.source);
	EXPECT_STREQ("", k.reason);
	EXPECT_STREQ("on", kaslr_state_name(k.state));
}

TEST(all_five_agree)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.have_chosen = true;
	in.chosen = SLIDE;
	in.have_vmcoreinfo = true;
	in.vmcoreinfo_offset = SLIDE;
	in.console = "x\n[    3.0] Kernel Offset: 0x1a200000 from 0xffffffff81000000 (r)\n";
	k = derive(&in);
	EXPECT_STREQ("vmm,lstar,kern_addrs,vmcoreinfo,console", k.source);
	EXPECT_EQ(SLIDE, k.offset);
}

TEST(disagreement_publishes_nothing)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.text += 0x200000;
	k = derive(&in);
	EXPECT_TRUE(k.disagree);
	EXPECT_FALSE(k.have_offset);
	EXPECT_EQ(0, k.offset);
	EXPECT_EQ(KASLR_STATE_UNKNOWN, k.state);
	EXPECT_NE(NULL, strstr(k.reason, "lstar says 0x1a200000"));
	EXPECT_NE(NULL, strstr(k.reason, "kern_addrs says 0x1a400000"));
}

TEST(masked_kallsyms_leaves_lstar)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.text = 0;
	k = derive(&in);
	EXPECT_EQ(SLIDE, k.offset);
	EXPECT_STREQ("lstar", k.source);
	in.have_lstar = false;
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_UNKNOWN, k.state);
	EXPECT_FALSE(k.have_offset);
	EXPECT_NE(NULL, strstr(k.reason, "masked"));
}

TEST(early_crash)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.lstar = 0;
	in.have_addrs = false;
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_UNKNOWN, k.state);
	EXPECT_NE(NULL, strstr(k.reason, "never set LSTAR"));
	EXPECT_NE(NULL, strstr(k.reason, "no KERN_ADDRS"));
	EXPECT_STREQ("", k.source);
}

TEST(fred_kernel_uses_kern_addrs_and_says_so)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	EXPECT_EQ(KASLR_NO, kaslr_fred(0x3706f8));
	in.fred = kaslr_fred(0x1003706f8);
	in.lstar = 0;
	k = derive(&in);
	EXPECT_EQ(SLIDE, k.offset);
	EXPECT_STREQ("kern_addrs (FRED: LSTAR unused)", k.source);
	in.have_addrs = false;
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_UNKNOWN, k.state);
	EXPECT_NE(NULL, strstr(k.reason, "FRED"));
}

TEST(lstar_that_is_no_kernel_entry)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.have_addrs = false;
	in.lstar = ENTRY + SLIDE + 0x10;
	k = derive(&in);
	EXPECT_FALSE(k.have_offset);
	EXPECT_NE(NULL, strstr(k.reason, "is not entry_SYSCALL_64"));
	in.lstar = ENTRY - 0x200000;
	k = derive(&in);
	EXPECT_FALSE(k.have_offset);
	in.lstar = ENTRY + (1ULL << 30);
	k = derive(&in);
	EXPECT_FALSE(k.have_offset);
}

TEST(image_without_the_symbols)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.entry_link = 0;
	in.text_link = 0;
	k = derive(&in);
	EXPECT_FALSE(k.have_offset);
	EXPECT_NE(NULL, strstr(k.reason, "no symbol entry_SYSCALL_64"));
	EXPECT_NE(NULL, strstr(k.reason, "no symbol _text"));
}

TEST(off_by_request_needs_no_evidence)
{
	struct kaslr_input in = { .cmdline = "quiet nokaslr console=ttyS0" };
	struct kaslr k = derive(&in);

	EXPECT_EQ(KASLR_STATE_OFF, k.state);
	EXPECT_TRUE(k.have_offset);
	EXPECT_EQ(0, k.offset);
	EXPECT_STREQ("nokaslr", k.source);
	EXPECT_STREQ("", k.reason);

	in = (struct kaslr_input){ .requested = KASLR_NO };
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_OFF, k.state);
	EXPECT_STREQ("request", k.source);

	in = (struct kaslr_input){ .randomize_base = KASLR_NO };
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_OFF, k.state);
	EXPECT_STREQ("config", k.source);
}

TEST(nokaslr_is_a_whole_word)
{
	struct kaslr_input in = { .cmdline = "nokaslrx mynokaslr" };

	EXPECT_EQ(KASLR_STATE_UNKNOWN, derive(&in).state);
	in.cmdline = "nokaslr";
	EXPECT_EQ(KASLR_STATE_OFF, derive(&in).state);
	in.cmdline = "nokaslrx nokaslr\n";
	EXPECT_EQ(KASLR_STATE_OFF, derive(&in).state);
}

TEST(off_and_confirmed)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.lstar = ENTRY;
	in.text = TEXT;
	in.requested = KASLR_NO;
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_OFF, k.state);
	EXPECT_STREQ("lstar,kern_addrs,request", k.source);
}

TEST(off_by_request_but_slid)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.cmdline = "nokaslr";
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_ON, k.state);
	EXPECT_TRUE(k.disagree);
	EXPECT_EQ(SLIDE, k.offset);
	EXPECT_NE(NULL, strstr(k.reason, "off by nokaslr"));
}

TEST(asked_for_and_zero)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.lstar = ENTRY;
	in.text = TEXT;
	k = derive(&in);
	EXPECT_EQ(KASLR_STATE_ON, k.state);
	EXPECT_TRUE(k.have_offset);
	EXPECT_EQ(0, k.offset);
	EXPECT_NE(NULL, strstr(k.reason, "came out as 0"));
	in.requested = KASLR_UNKNOWN;
	EXPECT_EQ(KASLR_STATE_OFF, derive(&in).state);
}

TEST(nothing_known)
{
	struct kaslr_input in = { 0 };
	struct kaslr k = derive(&in);

	EXPECT_EQ(KASLR_STATE_UNKNOWN, k.state);
	EXPECT_FALSE(k.have_offset);
	EXPECT_FALSE(k.have_phys_base);
	EXPECT_STRNE("", k.reason);
}

TEST(console_line)
{
	u64 off = 1;

	EXPECT_FALSE(kaslr_console_offset(NULL, &off));
	EXPECT_FALSE(kaslr_console_offset("nothing", &off));
	EXPECT_FALSE(kaslr_console_offset("Kernel Offset: ", &off));
	EXPECT_TRUE(kaslr_console_offset("Kernel Offset: disabled\n", &off));
	EXPECT_EQ(0, off);
	/* A guest may print the words before the kernel does. */
	EXPECT_TRUE(kaslr_console_offset("Kernel Offset: 0x1\n"
					 "Kernel Offset: 0x2c00000 from x\n",
					 &off));
	EXPECT_EQ(0x2c00000, off);
}

TEST(phys_base)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.have_phys_base = true;
	in.phys_base = 0xfffffffff0000000;
	k = derive(&in);
	EXPECT_TRUE(k.have_phys_base);
	EXPECT_EQ(0xfffffffff0000000, k.phys_base);
	in.have_walked = true;
	in.walked_phys_base = 0xfffffffff0000000;
	EXPECT_TRUE(derive(&in).have_phys_base);
	in.walked_phys_base = 0x1000000;
	k = derive(&in);
	EXPECT_FALSE(k.have_phys_base);
	EXPECT_TRUE(k.disagree);
	EXPECT_EQ(SLIDE, k.offset);
}

/* Everything at once must not run over the fixed texts. */
TEST(texts_are_bounded)
{
	struct kaslr_input in = whole();
	struct kaslr k;

	in.have_chosen = in.have_vmcoreinfo = in.have_walked = true;
	in.have_phys_base = true;
	in.chosen = 0x200000;
	in.vmcoreinfo_offset = 0x400000;
	in.text = TEXT + 0x600000;
	in.phys_base = 1;
	in.walked_phys_base = 2;
	in.console = "Kernel Offset: 0x800000";
	k = derive(&in);
	EXPECT_TRUE(k.disagree);
	EXPECT_LT(strlen(k.reason), sizeof(k.reason));
	EXPECT_LT(strlen(k.source), sizeof(k.source));
}

TEST_HARNESS_MAIN
