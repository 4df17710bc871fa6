// SPDX-License-Identifier: GPL-2.0-only
/* l7-filter's pattern files, as they lie in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "classify/classify.h"

/* Nothing is read behind the text, which ends without a zero: the page after it is not there. */
static void nothing_is_read_behind_the_end(void **state)
{
	static const char *const texts[] = {"x\n^\\x03\\xe0", "x\n[\\x01-\\x1f]", "x\n^\\x0",
					    "x\n\\x13BitTorrent"};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i]);
		struct l7pat p = {.pattern = NULL};
		struct error e = {""};

		memcpy(memory + page - len, texts[i], len);
		assert_int_equal(l7pat_read(memory + page - len, len, &p, &e), 0);
		assert_string_equal(p.name, "x");
		l7pat_fini(&p);
	}
	munmap(memory, 2 * page);
}

static void escapes_are_bytes(void **state)
{
	static const char text[] = "x\n^\\x41\\x2fB\\xg1";
	struct l7pat p = {.pattern = NULL};
	struct error e = {""};

	(void)state;
	assert_int_equal(l7pat_read(text, sizeof(text) - 1, &p, &e), 0);
	assert_string_equal(p.pattern, "^A/Bxg1");
	l7pat_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(escapes_are_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
