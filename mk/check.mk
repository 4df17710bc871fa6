# SPDX-License-Identifier: GPL-2.0-only
C_FILES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
SH_FILES := $(shell git ls-files '*.sh' .ci/run 2>/dev/null)

.PHONY: check check-format check-cppcheck check-shell check-house format
check: check-format check-cppcheck check-shell check-house ## format, cppcheck, shellcheck, house rules

check-format:
	$(call say,CHECK,clang-format)
	$(Q)clang-format --dry-run -Werror $(C_FILES)

format: ## format all C files
	$(Q)clang-format -i $(C_FILES)

# cppcheck does not know cleanup attributes, nor loops that run at least once: leaks are LeakSanitizer's and uninitialised values the
# compiler's business here.
check-cppcheck:
	$(call say,CHECK,cppcheck)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=memleak --suppress=resourceLeak --suppress=uninitvar -Iinclude -Iuser -D__x86_64__ user

check-shell:
	$(call say,CHECK,shellcheck)
	$(Q)shellcheck $(SH_FILES)

check-house:
	$(call say,CHECK,house-rules)
	$(Q)$(PYTHON) scripts/check_house.py
