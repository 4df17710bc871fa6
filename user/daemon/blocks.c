// SPDX-License-Identifier: GPL-2.0-only
/* `weir block`: addresses that the gate drops, for a time or until they are unblocked. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

/* All blocks, those whose time is over apart. */
struct collected {
	struct policy_block *live;
	size_t count, room;
	struct weir_block expired[64];
	unsigned int expired_count;
	uint64_t now_ns;
	bool no_memory;
};

static bool block_collect(const struct weir_block *b, uint64_t expires_ns, void *arg)
{
	struct collected *c = arg;

	if (expires_ns && expires_ns <= c->now_ns) {
		if (c->expired_count < ARRAY_SIZE(c->expired))
			c->expired[c->expired_count++] = *b;
		return true;
	}
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		void *bigger = reallocarray(c->live, room, sizeof(*c->live));

		c->no_memory = !bigger;
		if (!bigger)
			return false;
		c->live = bigger;
		c->room = room;
	}
	c->live[c->count++] = (struct policy_block){*b, expires_ns};
	return true;
}

/* The gate has what the workers get: who is told that it is in force finds it so in both. */
static int blocks_publish(struct weir *w, struct policy_blocks *made)
{
	struct worker_blocks *before = w->shared.blocks, *now = worker_blocks_new(made);
	int err = now ? gate_load_blocks(w->gate, &now->made) : -ENOMEM;

	if (err < 0) {
		worker_blocks_put(now);
		return err;
	}
	w->shared.blocks = now;
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_blocks_give(w->workers[i], now);
	worker_blocks_put(before);
	return 0;
}

/* Compiles what is blocked now and gives it to gate and workers. */
static int blocks_load(struct weir *w, struct error *e)
{
	struct collected c = {.now_ns = time_now_ns()};
	struct policy_blocks made = {0};
	int err = gate_each_block(w->gate, block_collect, &c);

	if (c.no_memory)
		err = -ENOMEM;
	if (!err)
		err = policy_blocks_compile(c.live, c.count, &made);
	if (!err)
		err = blocks_publish(w, &made);
	policy_blocks_fini(&made);
	free(c.live);
	if (err == -E2BIG)
		return error_set(e, err, "blocks overlap in more than %u ways",
				 POLICY_BLOCK_ENTRIES_MAX);
	return err < 0 ? error_set(e, err, "cannot block: %s", strerror(-err)) : 0;
}

static void redecide(struct weir *w)
{
	gate_redecide(w->gate);
	w->generation = gate_ctl(w->gate)->generation;
}

void blocks_open(struct weir *w)
{
	struct error e = {0};

	if (blocks_load(w, &e) < 0)
		log_error("what was blocked before stays as it was: %s", e.text);
}

void blocks_refresh(struct weir *w)
{
	struct collected c = {.now_ns = time_now_ns()};
	struct error e = {0};

	gate_each_block(w->gate, block_collect, &c);
	free(c.live);
	if (!c.expired_count)
		return;
	for (unsigned int i = 0; i < c.expired_count; i++)
		gate_del_block(w->gate, &c.expired[i]);
	if (blocks_load(w, &e) < 0)
		log_error("%s", e.text);
	redecide(w);
}

/* "10.0.0.0/8"; a host without its length. */
static const char *prefix_text(const uint32_t addr[4], unsigned int bits, char *out, size_t room)
{
	bool v4 = address_is_v4(addr) && bits >= 96;
	char text[ADDRESS_TEXT_MAX];

	address_format(addr, text);
	if (bits == 128)
		snprintf(out, room, "%s", text);
	else
		snprintf(out, room, "%s/%u", text, v4 ? bits - 96 : bits);
	return out;
}

struct listing {
	const struct weir *w;
	json_t *list;
};

static bool block_add(const struct weir_block *b, uint64_t expires_ns, void *arg)
{
	const struct listing *l = arg;
	uint64_t now_ns = time_now_ns();
	char from[ADDRESS_TEXT_MAX + 4], to[ADDRESS_TEXT_MAX + 4];
	const struct app_info *app = NULL;
	json_t *o;

	if (expires_ns && expires_ns <= now_ns)
		return true;
	if (b->app != WEIR_BLOCK_ANY_APP)
		app = app_registry_get(l->w->registry, b->app);
	o = json_pack("{s:s, s:i}", "address",
		      prefix_text(b->from, b->from_bits, from, sizeof(from)), "port",
		      (int)ntohs(b->port));
	json_object_set_new(o, "to",
			    b->to_bits == WEIR_BLOCK_ONE_SIDE
				    ? json_null()
				    : json_string(prefix_text(b->to, b->to_bits, to, sizeof(to))));
	json_object_set_new(o, "application", app ? json_string(app->name) : json_null());
	json_object_set_new(o, "expires_in_seconds",
			    expires_ns ? json_real((double)(expires_ns - now_ns) / 1e9)
				       : json_null());
	json_array_append_new(l->list, o);
	return true;
}

int query_blocks(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	struct listing l = {.w = w, .list = json_array()};
	int err = gate_each_block(w->gate, block_add, &l);

	if (err < 0) {
		json_decref(l.list);
		return error_set(e, err, "cannot read the blocks: %s", strerror(-err));
	}
	*data = json_pack("{s:o}", "blocks", l.list);
	return *data ? 0 : error_set(e, -ENOMEM, "out of memory");
}

static int prefix_arg(const char *text, uint32_t addr[4], uint8_t *bits, struct error *e)
{
	unsigned int length;

	if (!text || prefix_parse(text, addr, &length) < 0)
		return error_set(e, -EINVAL, "%s: not an IPv4 or IPv6 address or prefix",
				 text ? text : "(none)");
	*bits = (uint8_t)length;
	return 0;
}

static int app_arg(const struct weir *w, const char *name, struct weir_block *b, struct error *e)
{
	int app;

	b->app = WEIR_BLOCK_ANY_APP;
	if (!name)
		return 0;
	app = app_registry_find(w->registry, name);
	if (app < 0)
		return error_set(e, -ENOENT, "no application %s (`weir apps` lists them)", name);
	b->app = (uint16_t)app;
	return 0;
}

static int block_args(const struct weir *w, const json_t *args, struct weir_block *b,
		      struct error *e)
{
	const char *to = json_string_value(json_object_get(args, "to"));
	json_int_t port = json_integer_value(json_object_get(args, "port"));
	int err;

	memset(b, 0, sizeof(*b));
	b->to_bits = WEIR_BLOCK_ONE_SIDE;
	err = prefix_arg(json_string_value(json_object_get(args, "address")), b->from,
			 &b->from_bits, e);
	if (!err && to)
		err = prefix_arg(to, b->to, &b->to_bits, e);
	if (!err)
		err = app_arg(w, json_string_value(json_object_get(args, "application")), b, e);
	if (err < 0)
		return err;
	if (port < 0 || port > 65535)
		return error_set(e, -EINVAL, "port %lld: expected 1 to 65535", (long long)port);
	b->port = htons((uint16_t)port);
	return 0;
}

int change_block(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	json_int_t seconds = json_integer_value(json_object_get(args, "seconds"));
	struct weir_block b;
	int err = block_args(w, args, &b, e);

	if (err < 0)
		return err;
	if (seconds < 0 || seconds > 366 * 86400)
		return error_set(e, -EINVAL, "a block lasts at most a year");
	err = gate_put_block(w->gate, &b,
			     seconds ? time_now_ns() + (uint64_t)seconds * 1000000000ULL : 0);
	if (err == -E2BIG)
		return error_set(e, err, "no room for more than %u blocks (`limits.blocks`)",
				 w->policy->limit_blocks);
	if (err < 0)
		return error_set(e, err, "cannot block: %s", strerror(-err));
	err = blocks_load(w, e);
	if (err < 0) {
		gate_del_block(w->gate, &b);
		return err;
	}
	redecide(w);
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_block(w->workers[i], &b);
	*data = json_pack("{s:O}", "address", json_object_get(args, "address"));
	return 0;
}

int change_unblock(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	struct weir_block b;
	int err = block_args(w, args, &b, e);

	if (err < 0)
		return err;
	err = gate_del_block(w->gate, &b);
	if (err == -ENOENT)
		return error_set(e, err, "not blocked like this: %s (`weir blocks` lists them)",
				 json_string_value(json_object_get(args, "address")));
	if (err < 0)
		return error_set(e, err, "cannot unblock: %s", strerror(-err));
	err = blocks_load(w, e);
	if (err < 0)
		return err;
	redecide(w);
	*data = json_pack("{s:O}", "address", json_object_get(args, "address"));
	return 0;
}

static const struct service_verb verbs[] = {
	{.name = "block", .answer = change_block},
	{.name = "unblock", .answer = change_unblock},
	{.name = "blocks", .answer = query_blocks},
	{.name = NULL},
};

SERVICE(blocks) = {.name = "blocks", .stage = SERVICE_RUNNING, .verbs = verbs};
