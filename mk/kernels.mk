# SPDX-License-Identifier: GPL-2.0-only
# The kernels of Debian 12 and of its backports, emulated: needs no root and no KVM.
#   make kernels                  both
#   make kernels KERNELS=6.1      one
#   make kernels REFRESH=1        the newest packages instead of those fetched before
#   make kernels MIRROR=URL       from another archive than the machine's own
KERNELS ?= 6.1 6.12

.PHONY: kernels kernels-deps
kernels: kernels-deps ## the BPF tests and a live one on Debian's kernels 6.1 and 6.12 (QEMU)
	$(Q)$(MAKE) --no-print-directory kernels-test

kernels-deps:
	$(Q)sh scripts/deps.sh --kernels

.PHONY: kernels-test
kernels-test: $(B)/weir $(BPF_OBJ) $(BPFTEST_BIN)
	$(Q)$(PYTHON) tests/kernels/run.py --build $(B) $(KERNELS:%=--kernel %) $(if $(MIRROR),--mirror $(MIRROR)) \
		$(if $(REFRESH),--refresh) $(notdir $(BPFTEST_BIN))
