# SPDX-License-Identifier: GPL-2.0-only
# The man page and the shells' completion come from the program's own table of verbs.
.PHONY: doc
doc: $(B)/doc/weir.8 $(B)/doc/weir.bash $(B)/doc/_weir ## man page and shell completion, into build/doc

$(B)/doc/weir.8: $(B)/weir
	$(call say,DOC,$@)
	@mkdir -p $(@D)
	$(Q)$< help --man > $@

$(B)/doc/weir.bash: $(B)/weir
	@mkdir -p $(@D)
	$(Q)$< completion bash > $@

$(B)/doc/_weir: $(B)/weir
	@mkdir -p $(@D)
	$(Q)$< completion zsh > $@
