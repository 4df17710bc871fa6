// SPDX-License-Identifier: GPL-2.0-only
#include "policy/class_key.h"

#include <arpa/inet.h>
#include <string.h>

#include "util/util.h"

#define V4_BITS 96 /* ::ffff:0:0/96 */

/* Whether the first bits of both are equal. */
static bool key_match(const uint32_t a[4], const uint32_t b[4], uint32_t bits)
{
	uint32_t whole = bits / 32, rest = bits % 32;

	if (memcmp(a, b, whole * 4))
		return false;
	return rest == 0 || ((ntohl(a[whole]) ^ ntohl(b[whole])) >> (32 - rest)) == 0;
}

bool class_key_contains(const struct weir_class_key *outer, const struct weir_class_key *inner)
{
	return outer->prefixlen <= inner->prefixlen &&
	       key_match(outer->addr, inner->addr, outer->prefixlen);
}

bool class_key_inherits(const struct weir_class_key *outer, const struct weir_class_key *inner)
{
	return outer->prefixlen >= V4_BITS || inner->prefixlen < V4_BITS ||
	       !address_is_v4(inner->addr);
}

int class_key_compare(const struct weir_class_key *a, const struct weir_class_key *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : (a->prefixlen > b->prefixlen) - (a->prefixlen < b->prefixlen);
}
