// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "classify/classify.h"

/* A file of whole pages has no NUL behind it: here nothing at all. */
static void nothing_behind_the_text_is_read(void **state)
{
	static const char text[] = "name\n^a\\x41";
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = sizeof(text) - 1;
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct l7pat p = {.pattern = NULL};
	struct error e = {0};

	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	memcpy(pages + page - len, text, len);
	assert_int_equal(l7pat_read(pages + page - len, len, &p, &e), 0);
	assert_string_equal(p.name, "name");
	assert_non_null(strstr(p.pattern, "aA"));
	l7pat_fini(&p);
	munmap(pages, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_behind_the_text_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
