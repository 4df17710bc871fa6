# SPDX-License-Identifier: GPL-2.0-only
.PHONY: bpftool-test
bpf-test: bpftool-test
bpftool-test: $(BPF_OBJ) ## run the commands of docs/bpftool.md (root)
	@echo "== docs/bpftool.md" && $(PYTHON) tests/e2e/bpftool_test.py
