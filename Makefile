# SPDX-License-Identifier: GPL-2.0-only
# Everything lands in build/. `make help` lists the targets.

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
B := build
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PYTHON ?= /usr/bin/python3
MULTIARCH := $(shell $(CC) -print-multiarch)
ifeq ($(V),1)
Q :=
else
Q := @
endif
say = @printf '  %-8s %s\n' $(1) $(2)

PKGS := libbpf libxdp libpcre2-8 yaml-0.1 jansson libmicrohttpd libnl-3.0 libnl-route-3.0 libpcap libcap-ng libgcrypt \
	libsystemd
WARN := -Wall -Wextra -Wmissing-prototypes -Wformat=2 -Wshadow -Wno-unused-parameter
CWARN := $(WARN) -Wjump-misses-init
ifeq ($(CI),true)
WARN += -Werror
CWARN += -Werror
endif
CPPFLAGS += -Iinclude -Iuser -I$(B) -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' -DPCRE2_CODE_UNIT_WIDTH=8
CFLAGS ?= -O2 -g
SANITIZE ?=
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(CWARN) $(SANITIZE) -fno-strict-aliasing -pthread
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__bpf__ -Iinclude -Ibpf -Ivmlinux -I/usr/include/$(MULTIARCH) -Wall -Wextra -Wno-unused-parameter \
	$(if $(filter true,$(CI)),-Werror)

GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean deps,$(GOALS)),)
ifneq ($(shell sh scripts/deps.sh --build >&2 && echo ok),ok)
$(error packages are missing)
endif
LIB_CFLAGS := $(shell pkg-config --cflags $(PKGS))
LIBS := $(shell pkg-config --libs $(PKGS)) -lm
endif

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
SKEL := $(BPF_SRC:bpf/%.bpf.c=$(B)/%.skel.h)
# Tables of rows that stand in the sources: mk/rows.mk.
ROWS := policy_section service reader consumer
USER_SRC := $(filter-out user/main.c,$(wildcard user/*/*.c))
USER_OBJ := $(USER_SRC:%.c=$(B)/%.o) $(B)/user/classify/builtin.o $(ROWS:%=$(B)/rows/%.o)
UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/unit/%)
BPFTEST_SRC := $(wildcard tests/bpf/*_test.c)
BPFTEST_BIN := $(BPFTEST_SRC:tests/bpf/%.c=$(B)/tests/bpf/%)
TOOL_SRC := $(wildcard tests/tools/*.c)
TOOL_BIN := $(TOOL_SRC:tests/tools/%.c=$(B)/tests/tools/%)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all help clean deps
.SECONDARY:

all: $(B)/weir $(BPF_OBJ) ## build build/weir and the BPF objects

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{ printf "  %-14s %s\n", $$1, $$2 }'

deps: ## install what building and testing need (Debian packages)
	sh scripts/deps.sh

clean: ## remove build/
	rm -rf $(B)

# ---- BPF ----
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(B)/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- user space ----
$(B)/user/classify/builtin.o: user/classify/builtin.S policies/signatures.yaml
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -c -DBUILTIN_SIGNATURES='"policies/signatures.yaml"' $< -o $@

$(B)/%.o: %.c | $(SKEL)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/libweir.a: $(USER_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/weir: $(B)/user/main.o $(B)/libweir.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# ---- tests ----
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libweir.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(B)/tests/bpf/%: $(B)/tests/bpf/%.o $(B)/libweir.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/libweir.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/%.o: CPPFLAGS += -Itests

include $(wildcard mk/*.mk)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
