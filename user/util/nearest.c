// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "util/util.h"

#define NEAREST_LEN_MAX 64

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance of a and b (Levenshtein, one row of the matrix at a time). */
static unsigned int text_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	unsigned int row[NEAREST_LEN_MAX + 1];

	for (size_t j = 0; j <= blen; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[blen];
}

const char *text_nearest(const char *text, const char *const *candidates, size_t count)
{
	size_t len = strlen(text);
	unsigned int best = len < 3 ? 1 : (unsigned int)(len / 3);
	const char *nearest = NULL;

	if (len == 0 || len > NEAREST_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]);
		unsigned int distance;

		if (other == 0 || other > NEAREST_LEN_MAX)
			continue;
		distance = text_distance(text, len, candidates[i], other);
		if (distance < best || (distance == best && !nearest)) {
			best = distance;
			nearest = candidates[i];
		}
	}
	return nearest;
}
