/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share. A target is built without coverage: what it does itself is no
 * reason to keep an input. State that survives an input may not be told by the next.
 */
#ifndef WEIR_FUZZ_HARNESS_H
#define WEIR_FUZZ_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

/* The caller's to free, and no byte longer: a look behind its end, or at it later, is reported. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	check(copy != NULL);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

static inline struct app_registry *registry_with(const char *name, const char *category)
{
	struct app_registry *r = app_registry_new();

	check(r && app_registry_add(r, name, category) > 0);
	return r;
}

#endif
