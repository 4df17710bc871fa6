# SPDX-License-Identifier: GPL-2.0-only
.PHONY: install deb
install: $(B)/weir $(BPF_OBJ) doc ## install under DESTDIR and PREFIX
	install -D -m 0755 $(B)/weir $(DESTDIR)$(PREFIX)/sbin/weir
	install -d $(DESTDIR)$(PREFIX)/lib/weir/bpf $(DESTDIR)$(PREFIX)/share/weir/policies $(DESTDIR)/etc/weir
	install -m 0644 $(BPF_OBJ) $(DESTDIR)$(PREFIX)/lib/weir/bpf/
	install -m 0644 policies/*.yaml $(DESTDIR)$(PREFIX)/share/weir/policies/
	install -D -m 0644 scripts/weir.service $(DESTDIR)/lib/systemd/system/weir.service
	install -D -m 0644 $(B)/doc/weir.8 $(DESTDIR)$(PREFIX)/share/man/man8/weir.8
	install -D -m 0644 $(B)/doc/weir.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weir

deb: ## build a Debian package into build/
	sh scripts/deb.sh $(VERSION)
