// SPDX-License-Identifier: GPL-2.0-only
/* The end of a machine in words. */
#include "vmm/exit.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include <kselftest_harness.h>

#include "vmm/base/buf.h"

FIXTURE(stop) {
	struct machine_stop s;
	struct buf text;
};

FIXTURE_SETUP(stop)
{
	memset(self, 0, sizeof(*self));
	self->s.has_regs = true;
	self->s.regs.rip = 0xffffffff81234567;
	self->s.regs.cr3 = 0x1000;
	self->s.vcpu = 3;
}

FIXTURE_TEARDOWN(stop)
{
	buf_reset(&self->text);
}

static const char *text_of(FIXTURE_DATA(stop) *self,
			   enum machine_stop_reason reason)
{
	self->s.reason = reason;
	buf_reset(&self->text);
	BUG_ON(machine_stop_text(&self->s, &self->text));
	return buf_str(&self->text);
}

TEST_F(stop, every_reason_has_a_name_and_a_sentence)
{
	enum machine_stop_reason r, q;

	for (r = MACHINE_RUNNING; r <= MACHINE_VCPU_ERROR; r++) {
		EXPECT_STRNE("?", machine_stop_name(r));
		EXPECT_LT(8, strlen(text_of(self, r)));
		for (q = MACHINE_RUNNING; q < r; q++)
			EXPECT_STRNE(machine_stop_name(q),
				     machine_stop_name(r));
	}
	EXPECT_STREQ("?", machine_stop_name(99));
}

TEST_F(stop, registers_where_it_was_no_choice)
{
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_TRIPLE_FAULT),
			       "vCPU 3; rip 0xffffffff81234567"));
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_INTERNAL_ERROR), "; rip "));
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_POWEROFF), "; rip "));
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_RESET_ACPI), "; rip "));
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_KILLED), "; rip "));
	self->s.has_regs = false;
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_TRIPLE_FAULT), "; rip "));
}

/* What KVM leaves on AMD is the state after INIT and tells nothing. */
TEST_F(stop, no_registers_of_a_reset_vcpu)
{
	self->s.regs.rip = 0xfff0;
	self->s.regs.cr3 = 0;
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_TRIPLE_FAULT), "; rip "));
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_INTERNAL_ERROR), "; rip "));
}

TEST_F(stop, internal_error_with_the_instruction)
{
	static const u8 insn[16] = { 3, 0x0f, 0xc7, 0x0f };

	self->s.suberror = KVM_INTERNAL_ERROR_EMULATION;
	self->s.data[0] = 1;
	memcpy(&self->s.data[1], insn, sizeof(insn));
	self->s.nr_data = 4;
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_INTERNAL_ERROR),
			       "suberror 1"));
	EXPECT_NE(NULL, strstr(buf_str(&self->text), "bytes 0f c7 0f;"));
	/* A size that cannot be, and one without bytes. */
	((u8 *)&self->s.data[1])[0] = 0xff;
	text_of(self, MACHINE_INTERNAL_ERROR);
	self->s.nr_data = 1;
	EXPECT_EQ(NULL, strstr(text_of(self, MACHINE_INTERNAL_ERROR), "bytes"));
}

TEST_F(stop, unknown_exit_by_name)
{
	self->s.exit_reason = KVM_EXIT_HYPERCALL;
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_UNKNOWN_EXIT),
			       "KVM_EXIT_HYPERCALL (3)"));
}

TEST_F(stop, vcpu_error_with_errno)
{
	self->s.err = -EFAULT;
	EXPECT_NE(NULL, strstr(text_of(self, MACHINE_VCPU_ERROR),
			       strerror(EFAULT)));
}

TEST_HARNESS_MAIN
