# SPDX-License-Identifier: GPL-2.0-only
# vmtap: see README.rst. Below a kernel tree's tools/testing/selftests this
# same file is a kselftest; alone it builds ./vmtap and runs its own tests.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := all

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V))$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-7s %s\n' $(1) $(2) >&2)

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR := ar
PKG_CONFIG ?= pkg-config
O ?= build
WERROR ?= 0

base-objs := buf.o diag.o io.o log.o
vmm-objs := bus.o event.o irq.o mem.o
virtio-objs :=
freeze-objs :=
runner-objs := embed.o pool.o splat.o textlog.o verdict.o

libs := yaml-0.1 libelf libbpf zlib liblzma libzstd liblz4 libkmod libseccomp jansson libxxhash

warnings := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-sign-compare
ifeq ($(WERROR),1)
warnings += -Werror
endif

CFLAGS ?= -O2 -g
base-cflags := -std=gnu11 -D_GNU_SOURCE -I. $(warnings) -fno-strict-aliasing \
	-pthread $(shell $(PKG_CONFIG) --cflags $(libs) 2>/dev/null)
ldlibs := $(shell $(PKG_CONFIG) --libs $(libs) 2>/dev/null) -llzo2 -pthread

asan-flags := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -static-libasan

# Two variants of every object: plain and asan (address and undefined).
# $(call archive,variant,floor,dir,objects)
define archive
$(O)/$(1)/lib$(2).a: $(addprefix $(O)/$(1)/$(3)/,$(4))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && mkdir -p $$(@D) && $(AR) rcs $$@ $$^
endef

define compile
$(O)/$(1)/%.o: %.c
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(base-cflags) $$(CFLAGS) $(2) $$(CPPFLAGS) -MMD -MP -c -o $$@ $$<
endef

floors := runner freeze virtio vmm base
variants := plain asan
$(eval $(call compile,plain,))
$(eval $(call compile,asan,$(asan-flags)))
$(foreach v,$(variants),$(eval $(call archive,$(v),base,vmm/base,$(base-objs))))
$(foreach v,$(variants),$(foreach f,vmm virtio freeze runner,\
	$(eval $(call archive,$(v),$(f),$(f),$($(f)-objs)))))
archives = $(foreach f,$(floors),$(O)/$(1)/lib$(f).a)

all: vmtap

# Static programs that run as PID 1; one folder each, every .c in it.
static-cflags = -std=gnu11 -D_GNU_SOURCE -I. $(warnings) $(CFLAGS) -static
$(O)/%-init: $(wildcard tools/guest/*.c tools/nested/*.c tools/guest/*.h runner/wire.h)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(static-cflags) -o $@ $(wildcard tools/$*/*.c)
	$(Q)strip $@

$(O)/%/runner/embed.o: runner/embed.S $(O)/guest-init $(O)/nested-init tools/fetch-deb.sh
	$(call say,AS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -c -DEMBED_GUEST_INIT='"$(O)/guest-init"' \
		-DEMBED_NESTED_INIT='"$(O)/nested-init"' \
		-DEMBED_FETCH_DEB='"tools/fetch-deb.sh"' -o $@ $<

vmtap: $(O)/plain/runner/main.o $(call archives,plain)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ldlibs)

# Unit tests: one program per file, on the kernel's kselftest_harness.h.
KSFT_DIR ?= $(O)/linux-source/tools/testing/selftests
unit-tests := $(patsubst selftests/unit/%.c,%,$(wildcard selftests/unit/test_*.c))

define unit
$(O)/$(1)/selftests/%.o: base-cflags += -isystem $(KSFT_DIR) -Wno-missing-prototypes -Wno-unused-parameter
$(O)/$(1)/selftests/unit/%: $(O)/$(1)/selftests/unit/%.o $(call archives,$(1))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -o $$@ $$^ $$(ldlibs)
endef
$(eval $(call unit,plain,))
$(eval $(call unit,asan,$(asan-flags)))

unit: $(foreach v,$(variants),$(addprefix $(O)/$(v)/selftests/unit/,$(unit-tests)))

clean:
	$(Q)rm -rf $(O) vmtap

.PHONY: all unit clean
.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
