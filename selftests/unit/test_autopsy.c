// SPDX-License-Identifier: GPL-2.0-only
/* What holds a CPU up, and how it is told. */
#include "runner/autopsy.h"
#include "runner/value.h"
#include "vmm/base/util.h"

#include <string.h>

#include <kselftest_harness.h>

#define IF_ON 0x202
#define IF_OFF 0x2

/* A CPU of a capture; @frames are separated by commas. */
static struct value *cpu_in(const char *state, u64 rflags, bool user,
			    const char *frames)
{
	struct value *v = value_map(), *list = value_list();
	char *copy = strdup(frames), *p = copy, *one;

	while ((one = strsep(&p, ",")) && *one)
		value_append(list, value_str(one));
	value_set(v, "state", value_str(state));
	value_set(v, "user", value_bool(user));
	value_set_path(v, "regs.rip", value_addr(0x401000));
	value_set_path(v, "regs.rflags", value_addr(rflags));
	value_set(v, "backtrace", list);
	free(copy);
	return v;
}

static const char *held_up(const char *state, u64 rflags, bool user,
			   const char *frames)
{
	struct value *v = cpu_in(state, rflags, user, frames);
	const char *why = autopsy_held_up(v);

	value_free(v);
	return why ? why : "-";
}

TEST(causes)
{
	EXPECT_STREQ("waits for a spinlock",
		     held_up("running", IF_OFF, false,
			     "native_queued_spin_lock_slowpath+0x1,do_it+0x2"));
	EXPECT_STREQ("panicked", held_up("running", IF_OFF, false,
					 "acpi_os_write_port+0xe,panic+0x1"));
	EXPECT_STREQ("panicked", held_up("running", IF_OFF, false, "a+0x1,vpanic+0x1"));
	EXPECT_STREQ("-", held_up("running", IF_ON, false, "a+0x1,panic_other+0x1"));
	EXPECT_NE(NULL, strstr(held_up("running", IF_OFF, false,
				       "stop_this_cpu+0x1,smp_call_function+0x1"),
			       "stopped by another CPU"));
	EXPECT_STREQ("panicked", held_up("running", IF_OFF, false,
					 "a+1,b+1,c+1,d+1,e+1,f+1,g+1,h+1,panic+1"));
	EXPECT_STREQ("-", held_up("running", IF_ON, false,
				  "a+1,b+1,c+1,d+1,e+1,f+1,g+1,h+1,osq_lock+1"));
	/* A guess on the stack is none. */
	EXPECT_STREQ("-", held_up("running", IF_ON, false,
				  "a+0x1,? native_queued_spin_lock_slowpath+0x1"));
}

TEST(states)
{
	EXPECT_STREQ("runs with interrupts off",
		     held_up("running", IF_OFF, false, "do_it+0x1"));
	EXPECT_STREQ("-", held_up("running", IF_OFF, true, ""));
	EXPECT_NE(NULL, strstr(held_up("halted", IF_OFF, false, "a+0x1"),
			       "does not wake"));
	EXPECT_NE(NULL, strstr(held_up("halted", IF_ON, false, "a+0x1"), "idle"));
	EXPECT_STREQ("was never started", held_up("not_started", 2, false, ""));
}

TEST(told)
{
	struct value *capture = value_map(), *cpus = value_list(), *list;
	struct value *busy = cpu_in("running", IF_ON, false,
				    "a+1,b+2,c+3,d+4,e+5,f+6,g+7,h+8,i+9,j+a,k+b,l+c");

	value_set_path(busy, "task.comm", value_str("sh"));
	value_set_path(busy, "task.pid", value_int(5));
	value_append(cpus, busy);
	value_append(cpus, cpu_in("running", IF_ON, true, "x+1"));
	value_append(cpus, value_map());
	value_set(capture, "cpu", cpus);
	list = autopsy(capture);
	ASSERT_NE(NULL, list);
	ASSERT_EQ(3, list->list.len);
	EXPECT_STREQ("sh[5]", value_as_str(value_path(list, "[0].task"), "-"));
	EXPECT_STREQ("a+1", value_as_str(value_path(list, "[0].at"), "-"));
	EXPECT_EQ(AUTOPSY_FRAMES, value_path(list, "[0].backtrace")->list.len);
	EXPECT_EQ(NULL, value_path(list, "[0].held_up"));
	EXPECT_STREQ("user mode, 0x401000",
		     value_as_str(value_path(list, "[1].at"), "-"));
	EXPECT_EQ(NULL, value_path(list, "[1].backtrace"));
	/* Of the last one nothing is known, and nothing is made up. */
	EXPECT_EQ(1, list->list.items[2]->map.len);
	value_free(list);
	value_free(capture);
}

TEST(placeholder)
{
	struct value *capture = value_map();

	EXPECT_EQ(NULL, autopsy(capture));
	EXPECT_EQ(NULL, autopsy(NULL));
	value_free(capture);
}

TEST_HARNESS_MAIN
