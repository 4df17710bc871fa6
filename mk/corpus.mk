# SPDX-License-Identifier: GPL-2.0-only
# Labelled captures: how much is identified, and that no capture hurts. They are not part of the project; CORPUS names where they are.
CORPUS ?= ../shared/corpus

.PHONY: test-corpus hostile-report
ifeq ($(wildcard $(CORPUS)/score.py),)
test-corpus hostile-report:
	@echo "$@: skipped: no labelled captures in $(CORPUS) (CORPUS=DIR names another place)"
else
test-corpus: $(B)/weir $(B)/bench/classify ## identification of labelled captures, and every capture under the sanitizers
	+$(Q)$(ASAN_MAKE) build/asan/weir
	$(Q)$(PYTHON) tests/corpus/check.py --corpus $(CORPUS) --weir $(B)/weir --asan build/asan/weir
	$(Q)$(PYTHON) tests/corpus/slow.py --bench $(B)/bench/classify $(CORPUS)/hostile

hostile-report: $(B)/bench/classify ## which captures cost the most time a packet: a report, no test
	$(Q)$(PYTHON) tests/corpus/slow.py --bench $(B)/bench/classify $(CORPUS)/hostile
endif
