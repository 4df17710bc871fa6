// SPDX-License-Identifier: GPL-2.0-only
/* `weir block`: addresses that the gate drops, for a time or until they are unblocked. */
#include <arpa/inet.h>
#include <string.h>

#include "daemon/daemon_private.h"

struct expired {
	struct weir *w;
	struct weir_block_key keys[64];
	unsigned int count, live;
	uint64_t now_ns;
};

static bool block_visit(const struct weir_block_key *k, uint64_t expires_ns, void *arg)
{
	struct expired *x = arg;

	if (expires_ns && expires_ns <= x->now_ns && x->count < ARRAY_SIZE(x->keys))
		x->keys[x->count++] = *k;
	else
		x->live++;
	return true;
}

void blocks_refresh(struct weir *w)
{
	struct weir_ctl *ctl = gate_ctl(w->gate);
	struct expired x = {.w = w, .now_ns = time_now_ns()};

	gate_each_block(w->gate, block_visit, &x);
	for (unsigned int i = 0; i < x.count; i++)
		gate_del_block(w->gate, &x.keys[i]);
	if (x.live)
		ctl->flags |= WEIR_CTL_BLOCKS;
	else
		ctl->flags &= ~WEIR_CTL_BLOCKS;
	if (x.count && w->policy) {
		gate_redecide(w->gate);
		w->generation = ctl->generation;
	}
}

static bool block_add(const struct weir_block_key *k, uint64_t expires_ns, void *arg)
{
	uint64_t now_ns = time_now_ns();
	char text[ADDRESS_TEXT_MAX];
	json_t *list = arg, *o;

	if (expires_ns && expires_ns <= now_ns)
		return true;
	o = json_pack("{s:s, s:i}", "address", address_format(k->addr, text), "port",
		      (int)ntohs(k->port));
	json_object_set_new(o, "expires_in_seconds",
			    expires_ns ? json_real((double)(expires_ns - now_ns) / 1e9)
				       : json_null());
	json_array_append_new(list, o);
	return true;
}

int query_blocks(void *arg, const json_t *args _unused_, json_t **data, struct error *e)
{
	struct weir *w = arg;
	json_t *list = json_array();
	int err = gate_each_block(w->gate, block_add, list);

	if (err < 0) {
		json_decref(list);
		return error_set(e, err, "cannot read the blocks: %s", strerror(-err));
	}
	*data = json_pack("{s:o}", "blocks", list);
	return *data ? 0 : error_set(e, -ENOMEM, "out of memory");
}

static int block_key(const json_t *args, struct weir_block_key *k, struct error *e)
{
	const char *address = json_string_value(json_object_get(args, "address"));
	json_int_t port = json_integer_value(json_object_get(args, "port"));

	memset(k, 0, sizeof(*k));
	if (!address || address_parse(address, k->addr) < 0)
		return error_set(e, -EINVAL, "%s: not an IPv4 or IPv6 address",
				 address ? address : "(none)");
	if (port < 0 || port > 65535)
		return error_set(e, -EINVAL, "port %lld: expected 1 to 65535", (long long)port);
	k->port = (__be16)((port >> 8 | port << 8) & 0xffff);
	return 0;
}

int change_block(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	json_int_t seconds = json_integer_value(json_object_get(args, "seconds"));
	struct weir_block_key k;
	int err = block_key(args, &k, e);

	if (err < 0)
		return err;
	if (seconds < 0 || seconds > 366 * 86400)
		return error_set(e, -EINVAL, "a block lasts at most a year");
	err = gate_put_block(w->gate, &k,
			     seconds ? time_now_ns() + (uint64_t)seconds * 1000000000ULL : 0);
	if (err < 0)
		return error_set(e, err, "cannot block: %s", strerror(-err));
	blocks_refresh(w);
	gate_redecide(w->gate);
	w->generation = gate_ctl(w->gate)->generation;
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_block(w->workers[i], &k);
	*data = json_pack("{s:O}", "address", json_object_get(args, "address"));
	return 0;
}

int change_unblock(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	struct weir_block_key k;
	int err = block_key(args, &k, e);

	if (err < 0)
		return err;
	err = gate_del_block(w->gate, &k);
	if (err == -ENOENT)
		return error_set(e, err, "not blocked: %s",
				 json_string_value(json_object_get(args, "address")));
	if (err < 0)
		return error_set(e, err, "cannot unblock: %s", strerror(-err));
	blocks_refresh(w);
	gate_redecide(w->gate);
	w->generation = gate_ctl(w->gate)->generation;
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
