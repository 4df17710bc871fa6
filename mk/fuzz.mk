# SPDX-License-Identifier: GPL-2.0-only
# libFuzzer targets, one per parser of outside bytes: tests/fuzz/NAME_fuzz.c with seeds in tests/fuzz/corpus/NAME/.
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_OBJ := $(USER_SRC:%.c=$(B)/fuzz/%.o) $(B)/user/classify/builtin.o $(ROWS:%=$(B)/fuzz/rows/%.o)
FUZZ_FLAGS := -std=gnu11 -O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-strict-aliasing -pthread
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?=
FUZZ_ONLY ?= $(FUZZ_SRC:tests/fuzz/%_fuzz.c=%)

.PHONY: fuzz fuzz-quick
fuzz: $(FUZZ_ONLY:%=$(B)/fuzz/%_fuzz) ## fuzz every parser (or FUZZ_ONLY="yaml dns") for FUZZ_SECONDS (60) each, or FUZZ_RUNS executions
	@for f in $^; do sh tests/fuzz/run.sh $$f $(FUZZ_SECONDS) $(FUZZ_RUNS) || exit 1; done

# From one seed, so nearly the same inputs each time: whether a change passes should be no matter of luck.
fuzz-quick: $(FUZZ_BIN) ## every parser, 20,000 executions from one seed
	@for f in $(FUZZ_BIN); do FUZZ_SEED=1 sh tests/fuzz/run.sh $$f 0 20000 || exit 1; done

$(B)/fuzz/user/%.o: user/%.c | $(SKEL)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(LIB_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/rows/%.o: $(B)/rows/%.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(LIB_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/libweir.a: $(FUZZ_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# What a target does itself is no reason to keep an input: it has no coverage.
$(B)/fuzz/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -Itests $(LIB_CFLAGS) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

$(B)/fuzz/%_fuzz: $(B)/fuzz/tests/fuzz/%_fuzz.o $(B)/fuzz/libweir.a
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
