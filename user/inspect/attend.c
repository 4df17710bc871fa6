// SPDX-License-Identifier: GPL-2.0-only
/* Which consumers take a flow, and by which readers. */
#include <string.h>

#include "inspect/reading.h"

#define NO_READER READERS_FLOW_MAX

static uint8_t dir_of(const struct flow *f, enum stream_side side)
{
	return side == STREAM_CLIENT ? f->origin : !f->origin;
}

/* Payload has identified the flow, or somebody has asked for it before it began. */
static bool is_known_by_payload(const struct glance *g)
{
	return g->f->method == WEIR_METHOD_SIGNATURE || g->f->method == WEIR_METHOD_HANDSHAKE ||
	       g->f->expected || g->j->resumed;
}

static unsigned int wanted_sides(const struct glance *g, const struct consumer *c)
{
	if (c->wants)
		return c->wants(&g->i->services, g->f) & CONSUMER_BOTH;
	return is_known_by_payload(g) ? CONSUMER_BOTH : 0;
}

static bool reads_app(const struct glance *g, const struct reader *r)
{
	const struct app_info *info = r->apps ? app_registry_get(g->i->registry, g->f->app) : NULL;

	for (const char *const *app = r->apps; info && *app; app++)
		if (strcmp(*app, info->name) == 0)
			return true;
	return false;
}

/* The first bytes of a side; NULL where there are none. */
static const uint8_t *first_bytes(const struct glance *g, enum stream_side side, size_t *len)
{
	uint8_t dir = dir_of(g->f, side);

	*len = 0;
	if (g->f->key.proto == IPPROTO_TCP)
		return flow_stream_data(g->f, dir, len);
	if (!g->p || g->p->dir != dir)
		return NULL;
	*len = g->p->payload_len;
	return g->p->frame + g->p->payload;
}

/* Whether the first bytes may be the reader's. Where there are none nothing says so. */
static bool may_read(const struct glance *g, const struct reader *r)
{
	bool may = false;

	if (reads_app(g, r))
		return true;
	for (enum stream_side side = STREAM_CLIENT; r->guess && side <= STREAM_SERVER; side++) {
		size_t len;
		const uint8_t *data = first_bytes(g, side, &len);
		enum reader_guess guess = len ? r->guess(side, data, len) : READER_MAYBE;

		if (guess == READER_NO)
			return false;
		may |= len > 0;
	}
	return may;
}

/* The flow's reader, begun where it has none. READERS_FLOW_MAX: it cannot be read. */
static uint8_t reader_for(struct glance *g, struct reading *x, const struct reader *row)
{
	struct flow_reader *r;
	bool ok;

	for (uint8_t n = 0; n < x->readers; n++)
		if (x->reader[n].row == row)
			return x->reader[n].off ? NO_READER : n;
	if (x->readers == READERS_FLOW_MAX || row->proto != g->f->key.proto || !may_read(g, row))
		return NO_READER;
	r = &x->reader[x->readers];
	*r = (struct flow_reader){.row = row};
	r->state = audience_reader_state(g->i, row, &ok);
	return ok ? x->readers++ : NO_READER;
}

/* Takes over what its module has gathered of the flow while that was undecided. */
static void *inherit(struct glance *g, const struct consumer *c)
{
	const struct app_module *module = c->inherits ? app_module_find(c->module) : NULL;
	void **state = module && g->j->states ? module_state(g->i, g->j, module) : NULL;
	void *taken = state ? *state : NULL;

	if (state)
		*state = NULL;
	return taken;
}

static struct reading *reading_of(struct glance *g)
{
	if (!g->j->reading)
		g->j->reading = slab_take(&g->i->audience->readings);
	return g->j->reading;
}

static void ask(struct glance *g, unsigned int index, bool late)
{
	const struct consumer *c = consumers[index];
	unsigned int sides = wanted_sides(g, c);
	struct reading *x = sides ? reading_of(g) : NULL;
	uint8_t reader = NO_READER;
	uint8_t joins = late ? (uint8_t)sides : 0;

	if (!x || x->consumers == CONSUMERS_FLOW_MAX)
		return;
	if (c->reader) {
		uint8_t before = x->readers;

		reader = reader_for(g, x, c->reader);
		if (reader == NO_READER)
			return;
		if (late && reader == before)
			x->reader[reader].unjoined = CONSUMER_BOTH;
		/* What it has read so far stays its own. */
		joins = 0;
	}
	x->consumer[x->consumers++] = (struct flow_consumer){
		.row = c,
		.index = (uint8_t)index,
		.state = inherit(g, c),
		.reader = reader,
		.sides = (uint8_t)sides,
		.unjoined = joins,
	};
}

void attend(struct glance *g, bool late)
{
	uint64_t asked = g->j->reading ? g->j->reading->asked : 0;
	uint64_t may = audience_of(g->i, g->f->app) & ~asked;

	for (uint64_t left = may; left; left &= left - 1)
		ask(g, (unsigned int)__builtin_ctzll(left), late);
	if (g->j->reading)
		g->j->reading->asked |= may;
}

void attend_leave(struct glance *g, unsigned int n)
{
	struct flow_consumer *c = &g->j->reading->consumer[n];

	if (c->row && c->row->release)
		c->row->release(c->state);
	c->row = NULL;
	c->state = NULL;
}

static void drop_reader(struct glance *g, struct reading *x, uint8_t n)
{
	audience_reader_free(g->i, &x->reader[n]);
	x->reader[n].state = NULL;
	x->reader[n].off = true;
}

uint8_t attend_union(struct glance *g)
{
	struct reading *x = g->j->reading;
	uint8_t sides[READERS_FLOW_MAX + 1] = {0}, all = 0;
	uint8_t kept = 0;

	if (!x)
		return 0;
	for (uint8_t n = 0; n < x->consumers; n++) {
		if (!x->consumer[n].row)
			continue;
		x->consumer[kept++] = x->consumer[n];
		sides[x->consumer[n].reader] |= x->consumer[n].sides;
		all |= x->consumer[n].sides;
	}
	x->consumers = kept;
	for (uint8_t n = 0; n < x->readers; n++) {
		struct flow_reader *r = &x->reader[n];

		/* What it did not see of a side that was not wanted is missing. */
		if (r->sides)
			r->unjoined |= sides[n] & (uint8_t)~r->sides;
		r->sides = sides[n];
		if (!r->sides && !r->off)
			drop_reader(g, x, n);
	}
	return all;
}
