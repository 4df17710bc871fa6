# SPDX-License-Identifier: GPL-2.0-only
# Rows register themselves: a table is written from the definitions in the sources, so that adding one edits no list. Linked from the archive like
# anything else: a program that uses no table has none of the rows, and tests may stand in for layers below. Rewritten only when it changed.
ROWS_policy_section := POLICY_SECTION policy_section policy/section.h
ROWS_reader := READER reader proto/reader.h
ROWS_consumer := CONSUMER consumer app/consumer.h
ROWS_service := SERVICE service service/service.h

$(B)/rows/%.c: scripts/rows.sh $(USER_SRC)
	@mkdir -p $(@D)
	$(Q)sh scripts/rows.sh $(ROWS_$*) $(USER_SRC) > $@.new
	$(Q)if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/rows/%.o: $(B)/rows/%.c
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
