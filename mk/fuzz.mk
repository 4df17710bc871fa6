# SPDX-License-Identifier: GPL-2.0-only
# libFuzzer targets, one per parser of outside bytes: tests/fuzz/NAME_fuzz.c with seeds in tests/fuzz/corpus/NAME/.
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_OBJ := $(USER_SRC:%.c=$(B)/fuzz/%.o) $(B)/user/classify/builtin.o
FUZZ_FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-strict-aliasing -pthread
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?=

.PHONY: fuzz fuzz-quick
fuzz: $(FUZZ_BIN) ## fuzz every parser for FUZZ_SECONDS (60) each, or FUZZ_RUNS executions
	@for f in $(FUZZ_BIN); do sh tests/fuzz/run.sh $$f $(FUZZ_SECONDS) $(FUZZ_RUNS) || exit 1; done

fuzz-quick: $(FUZZ_BIN)
	@for f in $(FUZZ_BIN); do sh tests/fuzz/run.sh $$f 5 || exit 1; done

$(B)/fuzz/%.o: %.c | $(SKEL)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(LIB_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/libweir.a: $(FUZZ_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(B)/fuzz/libweir.a
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -Itests $(LIB_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
