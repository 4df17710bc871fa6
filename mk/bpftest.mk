# SPDX-License-Identifier: GPL-2.0-only
# The test runs of the gate share a rig; what they measure against is a BPF program of their own.
RIG_BIN := $(addprefix $(B)/tests/bpf/,frame_test scenario_test limits_test handover_test fragment_test quote_test park_test cost_test live_test table_test trait_test block_test exit_test side_test sweep_test)
$(RIG_BIN): $(B)/tests/bpf/rig.o $(B)/tests/bpf/shape.o
# The rig comes behind the library on the command line and needs it once more.
$(RIG_BIN): LIBS := $(B)/libweir.a $(LIBS)
$(RIG_BIN:=.o) $(B)/tests/bpf/rig.o: | $(SKEL)

$(B)/tests/bpf/%.bpf.o: tests/bpf/%.bpf.c
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(B)/tests/bpf/%.skel.h: $(B)/tests/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/tests/bpf/cost_test.o: $(B)/tests/bpf/baseline.skel.h
$(B)/tests/bpf/table_test.o: $(B)/tests/bpf/crowd.skel.h
$(B)/tests/bpf/cost_test.o $(B)/tests/bpf/table_test.o: CPPFLAGS += -I$(B)/tests/bpf
