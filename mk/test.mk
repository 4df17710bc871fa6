# SPDX-License-Identifier: GPL-2.0-only
.PHONY: test unit bpf-test

# Three layers, cheapest first. Without root the kernel's part is named as skipped; in CI that is a failure.
test: deps ## everything: unit, BPF test runs, end to end with real clients
	$(Q)$(MAKE) --no-print-directory all unit
	$(Q)sh tests/privileged.sh $(MAKE) --no-print-directory bpf-test e2e-test

unit: $(UNIT_BIN) ## unit tests (no root, no kernel)
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

bpf-test: $(BPF_OBJ) $(BPFTEST_BIN) ## BPF program test runs and root-only tests of single layers
	@for t in $(BPFTEST_BIN); do echo "== $$t"; $$t || exit 1; done
