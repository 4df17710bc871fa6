# SPDX-License-Identifier: GPL-2.0-only
# The library of a tap's program (docs/tap.md), static and shared, and its examples. It has what it needs of the daemon's own sources in it, and shows
# nothing but include/weir-tap.h.
TAP_ABI := 1
TAP_SRC := $(wildcard user/libweir-tap/*.c) user/mail/mail.c user/util/memfd.c
TAP_OBJ := $(TAP_SRC:%.c=$(B)/tap/%.o)
TAP_SO := $(B)/libweir-tap.so.$(TAP_ABI)
TAP_EXAMPLES := $(patsubst docs/examples/tap/%.c,$(B)/weir-tap-%,$(wildcard docs/examples/tap/*.c))

.PHONY: tap
all: tap
tap: $(B)/libweir-tap.a $(TAP_SO) $(B)/weir-tap.pc $(TAP_EXAMPLES) ## the library of taps' programs and its examples

$(B)/tap/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@

# One object, in which what is not the library's interface is local.
$(B)/tap/all.o: $(TAP_OBJ)
	$(Q)$(LD) -r -o $@ $^
	$(Q)objcopy --wildcard --keep-global-symbol='weir_tap_*' $@

$(B)/libweir-tap.a: $(B)/tap/all.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(TAP_SO): $(TAP_OBJ) user/libweir-tap/symbols.map
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libweir-tap.so.$(TAP_ABI) -Wl,--version-script=user/libweir-tap/symbols.map -o $@ $(TAP_OBJ)

$(B)/weir-tap.pc: user/libweir-tap/weir-tap.pc.in
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(B)/weir-tap-%: docs/examples/tap/%.c include/weir-tap.h $(B)/libweir-tap.a
	$(call say,LD,$@)
	$(Q)$(CC) -Iinclude -D_GNU_SOURCE $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libweir-tap.a

.PHONY: install-tap
install: install-tap
install-tap: tap
	install -D -m 0644 include/weir-tap.h $(DESTDIR)$(PREFIX)/include/weir-tap.h
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/weir/examples/tap $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(B)/libweir-tap.a $(DESTDIR)$(PREFIX)/lib/
	install -m 0755 $(TAP_SO) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libweir-tap.so.$(TAP_ABI) $(DESTDIR)$(PREFIX)/lib/libweir-tap.so
	install -m 0644 $(B)/weir-tap.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/
	install -m 0644 docs/examples/tap/*.c $(DESTDIR)$(PREFIX)/share/weir/examples/tap/
	install -m 0755 $(TAP_EXAMPLES) $(DESTDIR)$(PREFIX)/bin/
