# SPDX-License-Identifier: GPL-2.0-only
# End-to-end scenarios: real clients on network namespaces of their own (docs/testing.md). Root.
#   make e2e                      all of them, on both hooks
#   make e2e S="bt_block ports"   some of them
S ?=
E2E_JOBS ?= 2
E2E_SHIM := $(B)/tests/e2e/no_af_xdp.so

.PHONY: e2e e2e-test demo
e2e: deps ## end-to-end scenarios with real clients (root); S="NAME..." runs some
	$(Q)$(MAKE) --no-print-directory e2e-test

e2e-test: all tools $(E2E_SHIM)
	$(Q)$(PYTHON) tests/e2e/run.py -j $(E2E_JOBS) $(S)

demo: deps ## real BitTorrent clients, identified and stopped (root); HOLD=1 leaves it up
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(PYTHON) scripts/demo.py

$(B)/tests/e2e/%.so: tests/e2e/shim/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(CWARN) -Wno-missing-prototypes -D_GNU_SOURCE -shared -fPIC -o $@ $<
