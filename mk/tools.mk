# SPDX-License-Identifier: GPL-2.0-only
# Test tools that bring a BPF program of their own: tests/tools/NAME.bpf.c beside NAME.c.
TOOL_BPF_SRC := $(wildcard tests/tools/*.bpf.c)
TOOL_SKEL := $(TOOL_BPF_SRC:tests/tools/%.bpf.c=$(B)/tests/tools/%.skel.h)
TOOL_BIN := $(filter-out %.bpf,$(TOOL_BIN))

$(B)/tests/tools/%.bpf.o: tests/tools/%.bpf.c
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(B)/tests/tools/%.skel.h: $(B)/tests/tools/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/tests/tools/%.o: CPPFLAGS += -I$(B)/tests/tools
$(TOOL_BIN:=.o): $(TOOL_SKEL)

.PHONY: tools
tools: $(TOOL_BIN)
