# SPDX-License-Identifier: GPL-2.0-only
.PHONY: asan
asan: $(SKEL) ## unit tests under AddressSanitizer and UBSan (in build/asan)
	$(Q)$(MAKE) --no-print-directory B=build/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
		SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" unit build/asan/weir
