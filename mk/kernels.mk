# SPDX-License-Identifier: GPL-2.0-only
# The kernels of Debian 12 and of its backports, emulated: needs no root and no KVM.
#   make kernels                  both
#   make kernels KERNELS=6.1      one
#   make kernels REFRESH=1        the newest packages instead of those fetched before
#   make kernels MIRROR=URL       from another archive than the machine's own
#   make kernels ALL=1            every test of tests/bpf: takes ten minutes
KERNELS ?= 6.1 6.12
# Under emulation the verifier's work takes seven times as long, and most of these load the gate for every case.
KERNELS_TESTS ?= $(if $(ALL),$(notdir $(BPFTEST_BIN)),cost_test table_test gate_loader_test gate_adopt_test gate_attach_test gate_maps_test \
	frame_test handover_test side_test sweep_test live_test)

.PHONY: kernels kernels-deps
kernels: kernels-deps ## the BPF tests and a live one on Debian's kernels 6.1 and 6.12 (QEMU)
	$(Q)$(MAKE) --no-print-directory kernels-test

kernels-deps:
	$(Q)sh scripts/deps.sh --kernels

.PHONY: kernels-test
kernels-test: $(B)/weir $(B)/tests/tools/evecheck $(KERNELS_TESTS:%=$(B)/tests/bpf/%)
	$(Q)$(PYTHON) tests/kernels/run.py --build $(B) $(KERNELS:%=--kernel %) $(if $(MIRROR),--mirror $(MIRROR)) \
		$(if $(REFRESH),--refresh) --seconds $(if $(ALL),900,480) $(KERNELS_TESTS)
