// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "util/slab.h"
#include "util/util.h"

#define OBJECTS 2000

static bool is_filled(const uint8_t *object, uint8_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (object[i] != value)
			return false;
	return true;
}

static void objects_are_apart_and_zeroed(void **state)
{
	uint8_t *objects[OBJECTS];
	struct slab s;

	slab_init(&s, 100);
	/* The second round gets what the first gave back. */
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < OBJECTS; i++) {
			objects[i] = slab_take(&s);
			assert_non_null(objects[i]);
			assert_true(is_filled(objects[i], 0, 100));
			memset(objects[i], (int)(i % 250 + 1), 100);
		}
		for (unsigned int i = 0; i < OBJECTS; i++)
			assert_true(is_filled(objects[i], (uint8_t)(i % 250 + 1), 100));
		for (unsigned int i = 0; i < OBJECTS; i++)
			slab_give(&s, objects[(i * 7) % OBJECTS]);
	}
	slab_fini(&s);
}

static void memory_is_used_again(void **state)
{
	void *kept[10], *chunks = NULL;
	struct slab s;

	slab_init(&s, 4096);
	for (int round = 0; round < 1000; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			kept[i] = slab_take(&s);
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			slab_give(&s, kept[i]);
		if (round == 0)
			chunks = s.chunks;
		assert_ptr_equal(s.chunks, chunks);
	}
	slab_fini(&s);
}

static void nothing_may_be_given(void **state)
{
	struct slab s;

	slab_init(&s, 8);
	slab_give(&s, NULL);
	slab_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_apart_and_zeroed),
		cmocka_unit_test(memory_is_used_again),
		cmocka_unit_test(nothing_may_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
