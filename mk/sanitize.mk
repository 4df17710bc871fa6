# SPDX-License-Identifier: GPL-2.0-only
ASAN_MAKE = $(MAKE) --no-print-directory B=build/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined"

.PHONY: asan
asan: $(SKEL) ## unit tests under AddressSanitizer and UBSan (in build/asan)
	+$(Q)$(ASAN_MAKE) unit build/asan/weir
