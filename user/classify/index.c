// SPDX-License-Identifier: GPL-2.0-only
/* Which rules a message can meet at all, by its transport, direction and first byte. */
#include <string.h>

#include "classify/set.h"

struct view {
	const struct signatures *s;
	unsigned int transport, direction;
	uint8_t first;
};

static enum tri feature_possible(void *arg, uint16_t feature)
{
	const struct view *v = arg;
	const struct feature *f = &v->s->features[feature];

	if (!(f->transports & v->transport) || !(f->directions & v->direction) ||
	    !feature_begins(f, v->first))
		return TRI_FALSE;
	return TRI_MAYBE;
}

int index_build(struct signatures *s)
{
	size_t room = 0, count = 0;

	for (unsigned int key = 0; key < INDEX_KEYS; key++) {
		struct view v = {s, key & 512 ? TRANSPORT_UDP : TRANSPORT_TCP,
				 key & 256 ? DIRECTION_ORIGIN : DIRECTION_RESPONDER, (uint8_t)key};

		s->index[key] = (uint32_t)count;
		for (uint16_t i = 0; i < s->rule_count; i++) {
			if (rule_value(&s->rules[i], feature_possible, &v) == TRI_FALSE)
				continue;
			if (list_reserve(&s->index_rules, &room, count, sizeof(*s->index_rules)) <
			    0)
				return -ENOMEM;
			s->index_rules[count++] = i;
		}
	}
	s->index[INDEX_KEYS] = (uint32_t)count;
	return 0;
}
