/* SPDX-License-Identifier: GPL-2.0-only */
/* A keyed hash of 64-bit words, for tables that are looked up for every message. */
#ifndef WEIR_UTIL_MIX_H
#define WEIR_UTIL_MIX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Each step is a 128-bit multiplication with a secret factor, folded to 64 bits. Faster than
 * hash_keyed(), and as hard to steer for a sender that sees neither the secret nor the hashes.
 */
static inline uint64_t hash_words(const uint64_t seed[2], const uint64_t *words, size_t count)
{
	uint64_t h = seed[0];

	for (size_t i = 0; i < count; i++) {
		__uint128_t product = (__uint128_t)(h ^ words[i]) * ((seed[1] + 2 * i) | 1);

		h ^= (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return h;
}

/* The same, folded to 32 bits. */
static inline uint32_t hash_words32(const uint64_t seed[2], const uint64_t *words, size_t count)
{
	uint64_t h = hash_words(seed, words, count);

	return (uint32_t)(h >> 32 ^ h);
}

#endif
