# SPDX-License-Identifier: GPL-2.0-only
# One file, two lives. Alone it builds ./vmtap and runs its own tests; below a
# kernel tree's tools/testing/selftests it is a kselftest through ../lib.mk.
# `make help` lists the targets.

silent := $(findstring s,$(filter-out x-%,$(firstword x$(MAKEFLAGS))))
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := all

in-tree := $(and $(wildcard ../lib.mk),$(wildcard ../kselftest/runner.sh))

# `make deps GOALS`: what the libraries are like is asked when this file is
# read, so the goals that follow deps get a make of their own.
after-deps := $(filter-out deps,$(MAKECMDGOALS))
ifneq ($(and $(filter deps,$(MAKECMDGOALS)),$(after-deps)),)

$(after-deps): restart ; @:
restart: deps
	+@$(MAKE) --no-print-directory \
		$(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $(after-deps)
.PHONY: restart $(after-deps)

else # to the end of the file, but for deps itself

# --- what is built ---------------------------------------------------------

base-objs := \
	buf.o \
	diag.o \
	io.o \
	log.o
vmm-objs := \
	boot.o \
	bus.o \
	clock.o \
	coalesced.o \
	event.o \
	exit.o \
	hw/conpage.o \
	hw/power.o \
	hw/uart.o \
	irq.o \
	kcache.o \
	kimage.o \
	kimage_elf.o \
	kunpack.o \
	kvm.o \
	kvmstat.o \
	machine.o \
	machine_build.o \
	mem.o \
	park.o \
	probe.o \
	trap.o \
	vcpu.o \
	x86/acpi.o \
	x86/acpi_numa.o \
	x86/aml.o \
	x86/cpuid.o \
	x86/numa.o \
	x86/probe_guest.o \
	x86/regs.o \
	x86/topology.o
virtio-objs := \
	blk.o \
	blkback.o \
	bucket.o \
	console.o \
	console_control.o \
	console_out.o \
	iov.o \
	mmio.o \
	net.o \
	virtio.o \
	virtq.o
freeze-objs := \
	bpfmap.o \
	bpfstore.o \
	bpfwrite.o \
	capture.o \
	capture_maps.o \
	coordinator.o \
	dmesg.o \
	kallsyms.o \
	kaslr.o \
	kpath.o \
	kread.o \
	ksym.o \
	ktype.o \
	ktype_index.o \
	ktype_names.o \
	ktype_print.o \
	ktype_spell.o \
	monitor.o \
	sched.o \
	tasks.o \
	unwind.o \
	vas.o \
	vmcore.o \
	vmcore_read.o \
	vmcoreinfo.o \
	watch.o
runner-objs := \
	accel.o \
	again.o \
	appraise.o \
	arena.o \
	assembler.o \
	autopsy.o \
	block.o \
	budget.o \
	check.o \
	cmd_compare.o \
	cmd_eval.o \
	cmd_lint.o \
	cmd_list.o \
	cmd_merge.o \
	cmd_schema.o \
	cmd_show.o \
	cmd_vmcore.o \
	collect.o \
	collect_kaslr.o \
	collect_sched.o \
	crashring.o \
	debug.o \
	debug_local.o \
	debug_nested.o \
	discover.o \
	disk.o \
	doctor.o \
	dump.o \
	elfdeps.o \
	embed.o \
	exec.o \
	expr_capture.o \
	expr_eval.o \
	expr_func.o \
	expr_lex.o \
	expr_ops.o \
	expr_parse.o \
	expr_path.o \
	expr_type.o \
	fetch.o \
	fields.o \
	fields_out.o \
	gdb_target.o \
	gdbserver.o \
	gdbstub.o \
	guestfs.o \
	heard.o \
	hosts.o \
	initramfs.o \
	initramfs_add.o \
	inside.o \
	invariant.o \
	job.o \
	json.o \
	judge.o \
	junit.o \
	kept.o \
	kernel.o \
	kernel_info.o \
	kernel_tree.o \
	kernel_verb.o \
	kernel_version.o \
	keys.o \
	keys_table.o \
	keys_workload.o \
	kselftest.o \
	kselftest_fs.o \
	lint.o \
	live.o \
	live_look.o \
	live_stats.o \
	logfile.o \
	mapwrite.o \
	matrix.o \
	metrics.o \
	modules.o \
	nested.o \
	nested_host.o \
	nested_qemu.o \
	nested_request.o \
	nested_save.o \
	nested_state.o \
	nested_verb.o \
	onecase.o \
	outputs.o \
	parse.o \
	parse_custom.o \
	parse_scalar.o \
	parse_workload.o \
	peek.o \
	peek_result.o \
	payloads.o \
	plan.o \
	plan_checks.o \
	plan_expand.o \
	plan_opts.o \
	pool.o \
	preflight.o \
	problem.o \
	progress.o \
	reads.o \
	replay.o \
	report.o \
	repro.o \
	run.o \
	run_cases.o \
	run_opts.o \
	run_slots.o \
	rundir.o \
	scenario.o \
	sched_value.o \
	schedexit.o \
	schedstats.o \
	schema.o \
	schema_man.o \
	schema_prose.o \
	shell.o \
	shell_local.o \
	shell_nested.o \
	sink.o \
	snapshot_value.o \
	snapshots.o \
	stops.o \
	splat.o \
	starve.o \
	tap.o \
	tapread.o \
	term.o \
	text.o \
	textlog.o \
	topo.o \
	topo_presets.o \
	value.o \
	value_json.o \
	verdict.o \
	warm.o \
	watchpoints.o \
	wire.o \
	wl_assert.o \
	wl_figures.o \
	wl_stats.o \
	worker.o \
	workload_plan.o \
	yaml.o \
	yamlout.o \
	yamltext.o

# Any lower floor, never a higher one: the order is the link order.
floors := runner freeze virtio vmm base
base-dir := vmm/base
$(foreach f,runner freeze virtio vmm,$(eval $(f)-dir := $(f)))

libs := yaml-0.1 libelf libbpf zlib liblzma libzstd liblz4 libkmod \
	jansson lzo2 libxxhash

# One program per file, on the kernel's kselftest_harness.h.
unit-srcs := $(or $(UNITS),$(wildcard selftests/unit/test_*.c))
hostile-srcs := $(wildcard selftests/hostile/test_*.c)
bare-srcs := $(wildcard selftests/guest/test_*.c)
fuzz-srcs := $(wildcard selftests/fuzz/fuzz_*.c)
consumers-srcs := selftests/consumers/tapgen.c
lib-srcs := $(wildcard selftests/lib/*.c)
unit-tests := $(notdir $(unit-srcs:.c=))
themes := $(sort $(patsubst scenarios/%/,%,$(dir $(wildcard scenarios/*/*.yaml))))

# Programs that the shipped scenarios run in their guests.
bpf-srcs := $(wildcard scenarios/payloads/*.bpf.c)
payload-srcs := $(filter-out $(bpf-srcs),$(wildcard scenarios/payloads/*.c))

# --- where it goes ---------------------------------------------------------

ifneq ($(in-tree),)

TEST_GEN_PROGS := $(unit-tests) $(addsuffix .sh,$(themes))
TEST_GEN_PROGS_EXTENDED := vmtap ksft_runner.sh
TEST_GEN_FILES := $(payload-srcs:scenarios/%.c=build/%) \
	$(bpf-srcs:scenarios/%.c=build/%.o)
TEST_FILES := scenarios selftests/lang
OVERRIDE_TARGETS := 1
CFLAGS ?= -O2 -g
include ../lib.mk
obj := $(OUTPUT)/build
prog := $(OUTPUT)/vmtap
KSFT_DIR := ..
EXTRA_CLEAN += $(obj)
khdr = $(KHDR_INCLUDES)

else

O ?= build
obj := $(O:%/=%)
prog := $(if $(filter file,$(origin O)),,$(obj)/)vmtap
KSFT_DIR ?= $(obj)/linux-source/tools/testing/selftests
CFLAGS ?= -O2 -g
ifeq ($(origin CC),default)
CC := gcc
endif

endif

# What `make deps` unpacked because the release is too old for it.
-include $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vmtap/deps/env.mk

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V))$(silent),@:,@printf '  %-7s %s\n' $(1) $(2) >&2)
AR ?= ar
CLANG ?= clang
PKG_CONFIG ?= pkg-config
WERROR ?= 0

# --- flags -----------------------------------------------------------------

have = $(shell $(PKG_CONFIG) --exists '$(1)' && echo y)
missing := $(strip $(foreach l,$(libs),$(if $(call have,$(l)),,$(l))))
pc-cflags := $(shell $(PKG_CONFIG) --cflags $(libs) 2>/dev/null)
bpf-ldlibs = $(shell $(PKG_CONFIG) --static --libs libbpf 2>/dev/null)
ldlibs := $(shell $(PKG_CONFIG) --libs $(libs) 2>/dev/null) -pthread

warnings := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-sign-compare \
	$(if $(findstring clang,$(CC)),-Wno-gnu-variable-sized-type-not-at-end)
werror := $(if $(filter 1,$(WERROR)),-Werror)
base-cflags := -std=gnu11 -D_GNU_SOURCE= -I. $(warnings) \
	-fno-strict-aliasing -pthread $(pc-cflags)

# Variants of every object. One serves the sanitized unit tests and the
# fuzzers, whose coverage the compiler has to be clang for; at -O1 and with no
# more than a backtrace needs, it takes a third less to build.
sanitize := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
variants := plain asan tsan
plain-cc = $(CC)
asan-cc = $(CLANG)
tsan-cc = $(CC)
# The kernel builds with clang without this warning, too: its UAPI ends in arrays.
asan-cflags := -O1 -gline-tables-only $(sanitize) -fsanitize=fuzzer-no-link \
	-Wno-gnu-variable-sized-type-not-at-end
asan-ldflags := $(sanitize)
tsan-cflags := -fsanitize=thread -fno-omit-frame-pointer
tsan-ldflags := -fsanitize=thread

all-objs :=

# What an object was compiled with stands in a file that changes when it does.
define variant
cc-$(1) = $($(1)-cc) $(base-cflags) $(khdr) $(CFLAGS) $($(1)-cflags) $(CPPFLAGS)
$(obj)/$(1)/.flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(cc-$(1))' | cmp -s - $$@ || echo '$$(cc-$(1))' > $$@
$(obj)/$(1)/%.o: %.c $(obj)/$(1)/.flags | have-libs
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(cc-$(1)) $$(extra-cflags) $$(werror) -MMD -MP -c -o $$@ $$<
$(obj)/$(1)/libtest.a: $(lib-srcs:%.c=$(obj)/$(1)/%.o)
	$$(call archive-it)
all-objs += $(lib-srcs:%.c=$(obj)/$(1)/%.o)
endef

archive-it = $(call say,AR,$@)$(newline)	$(Q)rm -f $@ && $(AR) rcs $@ $^
define newline


endef

# $(call floor,variant,floor)
define floor
$(obj)/$(1)/lib$(2).a: $(addprefix $(obj)/$(1)/$($(2)-dir)/,$($(2)-objs))
	$$(call archive-it)
all-objs += $(addprefix $(obj)/$(1)/$($(2)-dir)/,$($(2)-objs))
endef
archives = $(foreach f,$(floors),$(obj)/$(1)/lib$(f).a)

$(foreach v,$(variants),$(eval $(call variant,$(v))))
$(foreach v,$(variants),$(foreach f,$(floors),$(eval $(call floor,$(v),$(f)))))

# --- the program -----------------------------------------------------------

# Static programs that run as PID 1; one folder each, every .c in it. Without a
# build id they are the same wherever they are built, and so is what was saved
# of a nested host.
static-cflags = -std=gnu11 -D_GNU_SOURCE= -I. $(warnings) $(werror) $(CFLAGS) \
	-fno-omit-frame-pointer
$(obj)/%-init: $(wildcard tools/guest/*.[ch] tools/nested/*.[ch]) runner/wire.h \
		runner/workload_wire.h runner/nested_wire.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(static-cflags) -static -Wl,--build-id=none -o $@ \
		$(wildcard tools/$*/*.c)
	$(Q)strip $@

# What the shipped scenarios run in their guests: one static program per file.
$(obj)/payloads/%: scenarios/payloads/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(if $(and $(payload-libs),$(missing)),: > $@,$(CC) $(static-cflags) \
		-static -o $@ $< $(payload-libs) && strip $@)
# In a kernel tree that lacks libraries they are empty: nothing runs them.
$(obj)/payloads/bpfload $(obj)/payloads/scxfix: payload-libs = $(bpf-ldlibs) -lz

$(addprefix $(obj)/payloads/,scxfix.bpf.o scxsub.bpf.o): scenarios/payloads/scxfix.bpf.h

# BPF objects. Without a clang that knows BPF they are empty files, and what
# `requires` one is skipped.
bpf-cflags := -O2 -g -mcpu=v3 -Wall $(addprefix -I,$(wildcard \
	/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)))
$(obj)/payloads/%.bpf.o: scenarios/payloads/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)if $(CLANG) -target bpf -x c -c -o /dev/null /dev/null 2>/dev/null; then \
		$(CLANG) -target bpf $(bpf-cflags) $(werror) -c -o $@ $<; \
	else \
		: > $@; \
	fi

$(obj)/%/runner/embed.o: runner/embed.S $(obj)/guest-init $(obj)/nested-init \
		tools/fetch-deb.sh
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -c -DEMBED_GUEST_INIT='"$(obj)/guest-init"' \
		-DEMBED_NESTED_INIT='"$(obj)/nested-init"' \
		-DEMBED_FETCH_DEB='"tools/fetch-deb.sh"' -o $@ $<

payloads := $(payload-srcs:scenarios/%.c=$(obj)/%) \
	$(bpf-srcs:scenarios/%.c=$(obj)/%.o)
all-objs += $(obj)/plain/runner/main.o
link = $(call say,LD,$@)$(newline)	$(Q)mkdir -p $(@D)$(newline)	$(Q)$(1) \
	-o $@ $(filter %.o %.a,$^) $(ldlibs)

ifeq ($(missing),)
$(obj)/plain/vmtap: $(obj)/plain/runner/main.o $(call archives,plain)
	$(call link,$(CC) $(CFLAGS) $(LDFLAGS))
have-libs: ;
else ifneq ($(in-tree),)
# kselftest goes on without what cannot be built: a stub that skips.
$(obj)/plain/vmtap: FORCE
	$(call say,STUB,$@)
	$(Q)mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\n%s\n%s\nexit 4\n' 'echo "TAP version 13"' \
		'echo "1..0 # SKIP vmtap was built without: $(missing)"' > $@
	$(Q)chmod +x $@
else
$(obj)/plain/vmtap: have-libs
have-libs:
	@echo 'vmtap needs libraries: $(missing); `make deps` as root installs them' >&2
	@false
endif

$(prog): $(obj)/plain/vmtap
	$(Q)mkdir -p $(@D) && cp $< $@.new && mv $@.new $@

# For the benchmarks of tools/bench.
bench: $(obj)/plain/tools/bench/guestroot
all-objs += $(obj)/plain/tools/bench/guestroot.o
$(obj)/plain/tools/bench/guestroot: %: %.o $(call archives,plain)
	$(call link,$(CC) $(CFLAGS) $(LDFLAGS))

# --- tests -----------------------------------------------------------------

# A kernel source tree, for kselftest's headers and runner.
ifneq ($(filter $(obj)/%,$(KSFT_DIR)),)
ksft-ready := $(obj)/linux-source/.ready
$(ksft-ready): tools/linux-source.sh
	$(call say,UNPACK,$(@D))
	$(Q)tools/linux-source.sh $(@D)
endif

# The harness's macros cost an optimiser four times what the rest costs, and
# only what is tested needs one.
cflags-unit := -O0

# $(call programs,variant,folder,sources)
define programs
$(2)-$(1) := $(patsubst %.c,$(obj)/$(1)/%,$(3))
$(patsubst %.c,$(obj)/$(1)/%.o,$(3)): extra-cflags := \
	-isystem $(KSFT_DIR) -Wno-missing-prototypes -Wno-unused-parameter \
	$(cflags-$(2))
$(patsubst %.c,$(obj)/$(1)/%.o,$(3)): | $(ksft-ready)
$(patsubst %.c,$(obj)/$(1)/%,$(3)): %: %.o $(obj)/$(1)/libtest.a \
		$(call archives,$(1))
	$$(call link,$$($(1)-cc) $$(CFLAGS) $$($(1)-ldflags) $$(LDFLAGS))
all-objs += $(patsubst %.c,$(obj)/$(1)/%.o,$(3))
endef
$(foreach v,plain asan,$(eval $(call programs,$(v),unit,$(unit-srcs))))
$(foreach v,plain asan,$(eval $(call programs,$(v),hostile,$(hostile-srcs))))
$(eval $(call programs,asan,fuzz,$(fuzz-srcs)))
$(fuzz-asan): asan-ldflags += -fsanitize=fuzzer
$(eval $(call programs,plain,bare,$(bare-srcs)))
$(eval $(call programs,asan,consumers,$(consumers-srcs)))

# The freeze coordinator once more, for its threads: these objects alone.
tsan-objs := $(addprefix $(obj)/tsan/,freeze/coordinator.o vmm/event.o \
	vmm/park.o selftests/lib/fakecpu.o $(base-objs:%=vmm/base/%))
unit-tsan := $(addprefix $(obj)/tsan/selftests/unit/,test_coordinator test_park)
all-objs += $(tsan-objs) $(unit-tsan:=.o)
$(unit-tsan:=.o): extra-cflags := \
	-isystem $(KSFT_DIR) -Wno-missing-prototypes -Wno-unused-parameter \
	$(cflags-unit)
$(unit-tsan:=.o): | $(ksft-ready)
$(unit-tsan): %: %.o $(tsan-objs)
	$(call link,$(tsan-cc) $(CFLAGS) $(tsan-ldflags) $(LDFLAGS))
tsan: $(unit-tsan)

# A guest of our own that is no Linux, in the form of a bzImage.
$(obj)/bare.bin: selftests/guest/bare.c selftests/guest/bare.h selftests/guest/bare.lds
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(static-cflags) -O1 -ffreestanding -nostdlib -static \
		-fno-pic -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
		-fcf-protection=none -Wl,-T,selftests/guest/bare.lds,--build-id=none -o $@.elf $<
	$(Q)objcopy -O binary $@.elf $@
$(obj)/plain/selftests/guest/test_bare.o: extra-cflags += -DBARE_IMAGE='"$(obj)/bare.bin"'
$(obj)/plain/selftests/guest/test_bare.o: $(obj)/bare.bin

unit: $(unit-plain) $(unit-asan) $(unit-tsan)
hostile: $(hostile-plain) $(hostile-asan)
fuzz: $(fuzz-asan)
bare: $(bare-plain)
consumers: $(consumers-asan)

ifneq ($(in-tree),)

ifeq ($(missing),)
$(addprefix $(OUTPUT)/,$(unit-tests)): $(OUTPUT)/%: $(obj)/plain/selftests/unit/%
	$(Q)cp $< $@
else
$(addprefix $(OUTPUT)/,$(unit-tests)): $(obj)/plain/vmtap
	$(Q)cp $< $@
endif

# One test per folder of scenarios, named after it; all are the same script.
$(addprefix $(OUTPUT)/,$(addsuffix .sh,$(themes)) ksft_runner.sh): \
		selftests/lib/ksft_runner.sh
	$(Q)cp $< $@ && chmod +x $@

# Tests run beside the program; so the files that they read are there too.
ifneq ($(realpath $(OUTPUT)),$(CURDIR))
EXTRA_CLEAN += $(OUTPUT)/scenarios $(OUTPUT)/lang
all: copy-files
copy-files:
	$(Q)mkdir -p $(OUTPUT)
	$(Q)rsync -a --delete $(TEST_FILES) $(OUTPUT)/
.PHONY: copy-files
endif

else # standalone

all: $(prog) $(payloads)

KERNELS ?= 6.1 6.12 7.x
run_tests: all
	@$(abspath $(prog)) run $(KERNELS:%=--kernel %) $(ARGS) scenarios

# Test files of selftests/e2e boot machines; the others do without.
programs := $(unit-plain) $(unit-asan) $(unit-tsan) $(hostile-plain) $(hostile-asan) \
	$(bare-plain) $(fuzz-asan)
boot-t := $(sort $(wildcard selftests/e2e/*.t))
fast-t := $(filter-out $(boot-t),$(sort $(wildcard selftests/*/*.t)))
# One more than there are CPUs: some tests wait for what does not come.
JOBS ?= $(shell expr $$(nproc) + 1)

prove = VMTAP=$(abspath $(prog)) VMTAP_BUILD=$(abspath $(obj)) \
	VMTAP_LOGS=$(abspath $(obj))/check-logs prove --norc --timer \
	--jobs $(JOBS) --exec $(CURDIR)/selftests/lib/run-test

check: all unit hostile bare fuzz consumers bench | $(ksft-ready)
	$(Q)rm -f $(obj)/check-logs/times
	$(Q)$(prove) $(boot-t) $(fast-t) $(programs)

check-fast: all unit hostile bare fuzz consumers bench | $(ksft-ready)
	$(Q)$(prove) $(fast-t) $(programs)

# One rule of the house alone: make check-style, check-floors, ...
check-%: selftests/house/%.t | all $(ksft-ready)
	$(Q)$(prove) --verbose $<

PREFIX ?= /usr/local
share = $(DESTDIR)$(PREFIX)/share
install: all man
	install -D -m 755 $(prog) $(DESTDIR)$(PREFIX)/bin/vmtap
	install -D -m 644 -t $(share)/man/man1 $(filter %.1,$(man))
	install -D -m 644 -t $(share)/man/man5 $(filter %.5,$(man))
	install -D -m 644 tools/completion/vmtap.bash \
		$(share)/bash-completion/completions/vmtap
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/lib/vmtap/payloads $(payloads)
	mkdir -p $(share)/vmtap
	cp -R --preserve=mode scenarios $(share)/vmtap/

# The manual comes from the tables that the program works by.
man = $(addprefix $(obj)/man/,vmtap.1 vmtap-result.5 vmtap-scenario.5)
$(obj)/man/vmtap.1: tools/man/gen-vmtap tools/man/vmtap.1.in $(prog)
	$(generate) $(abspath $(prog)) < tools/man/vmtap.1.in > $@.new && mv $@.new $@
$(obj)/man/vmtap-result.5: tools/man/gen-result runner/fields.def
	$(generate) runner/fields.def > $@.new && mv $@.new $@
$(obj)/man/vmtap-scenario.5: $(prog)
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(abspath $(prog)) schema --man > $@.new && mv $@.new $@
generate = $(call say,MAN,$@)$(newline)	$(Q)mkdir -p $(@D)$(newline)	$(Q)$<
man: $(man)

# O= may be a folder that holds more than ours.
clean:
	$(Q)rm -rf $(prog) $(addprefix $(obj)/,$(variants) man check-logs \
		in-tree linux-source guest-init nested-init payloads bare.bin \
		bare.bin.elf)
	$(Q)rmdir $(obj) 2>/dev/null || :

help:
	@printf '  %-12s %s\n' \
	 deps 'install what is missing (root; nothing when complete)' \
	 all 'build the program' \
	 run_tests 'run the shipped scenarios; TAP on stdout (ARGS=...)' \
	 check 'all of our tests, under prove' \
	 check-fast 'those that boot nothing' \
	 check-style 'one rule of the house: headers, floors, style' \
	 unit 'build the unit tests; also: hostile, fuzz' \
	 install 'DESTDIR= PREFIX=/usr/local' \
	 clean 'remove what was built'
	@echo '  V=1 shows commands, WERROR=1 is strict, O=DIR builds elsewhere'

.PHONY: check check-fast install man clean help

endif # in-tree

-include $(all-objs:.o=.d)

endif # after-deps

# Packages, then a kernel's source for the tests.
deps:
	$(Q)tools/deps.sh
	$(Q)$(if $(in-tree),:,[ -e build/linux-source/.ready ] || \
		tools/linux-source.sh build/linux-source)

FORCE:
.PHONY: all deps unit hostile bare fuzz consumers bench run_tests have-libs FORCE
.SECONDARY:
