# SPDX-License-Identifier: GPL-2.0-only
# Benchmarks: tests/bench/NAME.py (or .sh), with a program of their own in NAME.c and BPF in *.bpf.c where they need one.
BENCH_NAMES := $(filter-out plot,$(basename $(notdir $(wildcard tests/bench/*.py tests/bench/*.sh))))
BENCH_BPF := $(wildcard tests/bench/*.bpf.c)
BENCH_SKEL := $(BENCH_BPF:tests/bench/%.bpf.c=$(B)/bench/%.skel.h)
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/bench/%,$(filter-out $(BENCH_BPF),$(wildcard tests/bench/*.c)))
BENCH ?= $(BENCH_NAMES)

.PHONY: bench bench-deps
bench-deps:
	$(Q)sh scripts/deps.sh --bench

bench: bench-deps all tools $(BENCH_BIN) ## run the benchmarks (BENCH=NAME for one), results in build/bench/
	@PYTHON=$(PYTHON) sh tests/privileged.sh sh scripts/bench.sh $(B) $(BENCH)

$(B)/bench/%.bpf.o: tests/bench/%.bpf.c
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(B)/bench/%.skel.h: $(B)/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/bench/%: tests/bench/%.c $(B)/libweir.a $(BENCH_SKEL)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -I$(B)/bench $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(B)/libweir.a $(LIBS) $(BENCH_LIBS)

$(B)/bench/stream: CPPFLAGS += -Itests
$(B)/bench/nfqgate: BENCH_LIBS := -lmnl -lnetfilter_queue
# Only to compare with, and left out where it is not installed.
$(B)/bench/classify: $(wildcard tests/bench/classify_*.h) | $(if $(filter bench,$(MAKECMDGOALS)),bench-deps)
$(B)/bench/classify: BENCH_LIBS = $(shell pkg-config --silence-errors --libs libndpi)
