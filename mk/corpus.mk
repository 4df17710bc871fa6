# SPDX-License-Identifier: GPL-2.0-only
# Labelled captures: how much is identified, and that no capture hurts. They are not part of the project; CORPUS names where they are.
CORPUS ?= ../shared/corpus

.PHONY: test-corpus
ifeq ($(wildcard $(CORPUS)/score.py),)
test-corpus:
	@echo "test-corpus: skipped: no labelled captures in $(CORPUS) (CORPUS=DIR names another place)"
else
test-corpus: $(B)/weir ## identification of labelled captures, and every capture under the sanitizers
	+$(Q)$(ASAN_MAKE) build/asan/weir
	$(Q)$(PYTHON) tests/corpus/check.py --corpus $(CORPUS) --weir $(B)/weir --asan build/asan/weir
endif
