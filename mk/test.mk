# SPDX-License-Identifier: GPL-2.0-only
.PHONY: unit bpf-test

unit: $(UNIT_BIN) ## unit tests (no root, no kernel)
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

bpf-test: $(BPF_OBJ) $(BPFTEST_BIN) ## BPF program test runs (root)
	@for t in $(BPFTEST_BIN); do echo "== $$t"; $$t || exit 1; done
