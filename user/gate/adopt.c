// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes over pinned maps of another layout or other sizes. A map that fits is reused; a missing one
 * is made; one that differs is made anew, and its content is copied here where there is a copier
 * for it. The old programs run over the old maps until they are replaced.
 */
#include <string.h>

#include "gate/gate_private.h"

#define DECISECOND_NS 100000000ULL

/* ---- layout 3 ---- */

struct ctl_3 {
	uint32_t abi, generation, epoch, clock_ds, flags, workers, slots_mask, ring_frames;
	uint32_t handover_max_ms, classes[2], hash_seed;
	uint8_t confidence[2][7], levels[2];
	uint64_t heartbeat_ns[16];
};
_Static_assert(sizeof(struct ctl_3) == 192, "weir_ctl of layout 3");

/* Value of weir_decided, an LRU hash by struct weir_flow_key. */
struct flow_3 {
	uint64_t id, frames[2], bytes[2], decided_ns;
	uint32_t created_ds, seen_ds, isn[2], generation, epoch, slot, flags;
	uint16_t app, rule, class[2];
	uint8_t action, method, confidence, resets, port[2], oversize, payloads;
};
_Static_assert(sizeof(struct flow_3) == 96, "weir_flow of layout 3");

static struct weir_flow flow_of_3(const struct flow_3 *f)
{
	struct weir_flow out = {
		.generation = f->generation,
		.flags = f->flags & ~(WEIR_FLOW_HANDOVER(0) | WEIR_FLOW_HANDOVER(1)),
		.seen_ds = f->seen_ds,
		.app = f->app,
		.action = f->action,
		.frames = {f->frames[0], f->frames[1]},
		.bytes = {f->bytes[0], f->bytes[1]},
		.in_port = {f->port[0], f->port[1]},
		.payloads = f->payloads,
		.id = f->id,
		.decided_ns = f->decided_ns,
		.created_ns = f->created_ds * DECISECOND_NS,
		.isn = {f->isn[0], f->isn[1]},
		.class = {f->class[0], f -> class[1]},
		.rule = f->rule,
		.method = f->method,
		.confidence = f->confidence,
		.resets = f->resets,
		.oversize = f->oversize,
	};

	if (out.flags & WEIR_FLOW_INSPECT)
		out.flags |= WEIR_FLOW_ASKED_INSPECT;
	return out;
}

static void ctl_of_3(struct weir_ctl *ctl, const struct ctl_3 *old)
{
	ctl->generation = old->generation;
	ctl->clock_ds = old->clock_ds;
	ctl->flags = old->flags;
	ctl->workers = old->workers;
	ctl->ring_frames = old->ring_frames;
	ctl->handover_max_ms = old->handover_max_ms;
	ctl->loaded = old->generation;
}

/* ---- layout 4 ---- */

/* weir_ctl was as it is now. */
struct flow_4 {
	uint32_t generation, flags, seen_ds;
	uint16_t app;
	uint8_t action, exit;
	uint64_t frames[2], bytes[2];
	uint8_t mac[2][6], in_port[2];
	uint16_t moved;
	uint32_t next[2];
	uint8_t payloads, spare[7];
	uint64_t id, decided_ns, traits;
	uint32_t created_ds, isn[2], given[2], user[2];
	uint16_t class[2], rule, pipe;
	uint8_t method, confidence, resets, oversize;
};
_Static_assert(sizeof(struct flow_4) == sizeof(struct weir_flow), "weir_flow of layout 4");

static struct weir_flow flow_of_4(const struct weir_flow *pinned)
{
	struct flow_4 f;

	memcpy(&f, pinned, sizeof(f));
	return (struct weir_flow){
		.generation = f.generation,
		.flags = f.flags,
		.seen_ds = f.seen_ds,
		.app = f.app,
		.action = f.action,
		.exit = f.exit,
		.frames = {f.frames[0], f.frames[1]},
		.bytes = {f.bytes[0], f.bytes[1]},
		.in_port = {f.in_port[0], f.in_port[1]},
		.payloads = f.payloads,
		.id = f.id,
		.decided_ns = f.decided_ns,
		.traits = f.traits,
		.created_ns = f.created_ds * DECISECOND_NS,
		.isn = {f.isn[0], f.isn[1]},
		.given = {f.given[0], f.given[1]},
		.class = {f.class[0], f.class[1]},
		.rule = f.rule,
		.pipe = f.pipe,
		.method = f.method,
		.confidence = f.confidence,
		.resets = f.resets,
		.oversize = f.oversize,
	};
}

/* ---- settings ---- */

int gate_adopt_check(struct gate *g, struct error *e)
{
	_cleanup_free_ struct weir_ctl *ctl = NULL;
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info), zero = 0;
	int fd = g->pinned[GATE_MAP_CTL];

	if (fd < 0)
		return error_set(e, -EEXIST,
				 "no weir_ctl is pinned under %s: run `weir detach` first",
				 g->pins);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return error_set(e, -errno, "pinned weir_ctl: %s", strerror(errno));
	ctl = calloc(1, info.value_size < sizeof(*ctl) ? sizeof(*ctl) : info.value_size);
	if (!ctl)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, ctl))
		return error_set(e, -errno, "pinned weir_ctl: %s", strerror(errno));
	g->layout = ctl->abi;
	if (((ctl->abi == WEIR_ABI || ctl->abi == 4) && info.value_size <= sizeof(*ctl)) ||
	    (ctl->abi == 3 && info.value_size == sizeof(struct ctl_3)))
		return 0;
	return error_set(e, -EEXIST,
			 "the gate pinned under %s is of layout %u, which this program (layout %u) "
			 "does not know: run `weir detach` first",
			 g->pins, ctl->abi, WEIR_ABI);
}

/* The sizes are the new tables'; all else is as it was. */
static int copy_ctl(struct gate *g)
{
	const uint32_t slots_mask = g->ctl->slots_mask, sets_mask = g->ctl->sets_mask;
	uint32_t zero = 0;
	union {
		struct weir_ctl now;
		struct ctl_3 then;
	} old = {};

	if (bpf_map_lookup_elem(g->pinned[GATE_MAP_CTL], &zero, &old))
		return -errno;
	if (old.now.abi == 3) {
		ctl_of_3(g->ctl, &old.then);
		return 0;
	}
	*g->ctl = old.now;
	g->ctl->abi = WEIR_ABI;
	g->ctl->slots_mask = slots_mask;
	g->ctl->sets_mask = sets_mask;
	return 0;
}

/* ---- flows ---- */

struct flow_copy {
	struct gate_table *to;
	uint32_t copied, refused;
};

static void copy_flow(struct flow_copy *c, const struct weir_flow_key *key,
		      const struct weir_flow *flow)
{
	if (gate_table_put(c->to, key, flow) < 0)
		c->refused++;
	else
		c->copied++;
}

/* What is pinned has the size of this layout's, or is layout 4. */
static struct weir_flow flow_of(const struct gate *g, const struct weir_flow *pinned)
{
	return g->layout == WEIR_ABI ? *pinned : flow_of_4(pinned);
}

static bool copy_flow_3(const void *key, const void *value, void *arg)
{
	struct weir_flow_key k;
	struct weir_flow flow;
	struct flow_3 old;

	memcpy(&k, key, sizeof(k));
	memcpy(&old, value, sizeof(old));
	flow = flow_of_3(&old);
	copy_flow(arg, &k, &flow);
	return true;
}

static int copy_table(struct gate *g, struct flow_copy *c, uint32_t entries)
{
	const uint32_t sets = entries / WEIR_WAYS;
	struct gate_table from;
	struct weir_entry e;
	int r;

	if (g->pinned[GATE_MAP_TAGS] < 0)
		return -ENOENT;
	r = gate_table_map(&from, g->pinned[GATE_MAP_TAGS], g->pinned[GATE_MAP_DECIDED], sets,
			   g->ctl->hash_key);
	if (r)
		return r;
	for (uint32_t i = 0; i < sets * WEIR_WAYS; i++) {
		if (!gate_table_read(&from, i, &e))
			continue;
		e.flow = flow_of(g, &e.flow);
		copy_flow(c, &e.key, &e.flow);
	}
	gate_table_unmap(&from);
	return 0;
}

static int copy_flows(struct gate *g, const struct bpf_map_info *old)
{
	struct flow_copy c = {.to = &g->table};
	int r = -EINVAL;

	if (old->type == BPF_MAP_TYPE_LRU_HASH && old->value_size == sizeof(struct flow_3) &&
	    old->key_size == sizeof(struct weir_flow_key))
		r = gate_walk(g->pinned[GATE_MAP_DECIDED], copy_flow_3, &c);
	else if (old->type == BPF_MAP_TYPE_ARRAY && old->value_size == sizeof(struct weir_entry))
		r = copy_table(g, &c, old->max_entries);
	if (!r)
		log_info("%u decided flows were taken over, %u found no room", c.copied, c.refused);
	return r;
}

/* ---- the rest ---- */

/* Rows of per-CPU counters in groups, whose number of rows may be another than before. */
static int copy_rows(struct gate *g, enum gate_map map, const struct bpf_map_info *old,
		     const struct bpf_map_info *new, uint32_t groups)
{
	const uint32_t from = old->max_entries / groups, to = new->max_entries / groups;
	_cleanup_free_ void *values = calloc(g->cpus, (new->value_size + 7) & ~7u);

	if (!values)
		return -ENOMEM;
	if (old->type != new->type || old->value_size != new->value_size)
		return -EINVAL;
	for (uint32_t i = 0; i < old->max_entries; i++) {
		const uint32_t index = i / from * to + i % from;

		if (i % from >= to)
			continue;
		if (bpf_map_lookup_elem(g->pinned[map], &i, values) ||
		    bpf_map_update_elem(g->maps[map], &index, values, BPF_ANY))
			return -errno;
	}
	return 0;
}

static bool copy_element(const void *key, const void *value, void *arg)
{
	const int *to = arg;

	/* What finds no room in a smaller map is left behind. */
	bpf_map_update_elem(*to, key, value, BPF_ANY);
	return true;
}

static int copy_elements(struct gate *g, enum gate_map map, const struct bpf_map_info *old,
			 const struct bpf_map_info *new)
{
	if (old->type != new->type || old->key_size != new->key_size ||
	    old->value_size != new->value_size)
		return -EINVAL;
	return gate_walk(g->pinned[map], copy_element, &g->maps[map]);
}

static bool copy_undecided_flow(const void *key, const void *value, void *arg)
{
	const struct gate *g = arg;
	struct weir_flow flow;

	memcpy(&flow, value, sizeof(flow));
	flow = flow_of(g, &flow);
	return copy_element(key, &flow, (void *)&g->maps[GATE_MAP_UNDECIDED]);
}

static int copy_undecided(struct gate *g, const struct bpf_map_info *old,
			  const struct bpf_map_info *new)
{
	if (old->key_size != new->key_size || old->value_size != new->value_size)
		return -EINVAL;
	return gate_walk(g->pinned[GATE_MAP_UNDECIDED], copy_undecided_flow, g);
}

/* As they were until prefixes could be blocked. */
struct old_block {
	uint32_t addr[4];
	__be16 port;
	uint8_t pad[2];
};

static bool copy_old_block(const void *key, const void *value, void *arg)
{
	const struct old_block *old = key;
	struct weir_block block = {
		.from_bits = 128,
		.to_bits = WEIR_BLOCK_ONE_SIDE,
		.port = old->port,
		.app = WEIR_BLOCK_ANY_APP,
	};

	memcpy(block.from, old->addr, sizeof(block.from));
	return copy_element(&block, value, arg);
}

static int copy_blocks(struct gate *g, enum gate_map map, const struct bpf_map_info *old,
		       const struct bpf_map_info *new)
{
	if (old->key_size != sizeof(struct old_block))
		return copy_elements(g, map, old, new);
	if (old->value_size != new->value_size)
		return -EINVAL;
	return gate_walk(g->pinned[map], copy_old_block, &g->maps[map]);
}

static int map_copy(struct gate *g, enum gate_map map)
{
	struct bpf_map_info old = {}, new = {};
	uint32_t old_len = sizeof(old), new_len = sizeof(new);

	if (bpf_obj_get_info_by_fd(g->pinned[map], &old, &old_len) ||
	    bpf_obj_get_info_by_fd(g->maps[map], &new, &new_len))
		return -errno;
	switch (map) {
	case GATE_MAP_DECIDED:
		return copy_flows(g, &old);
	case GATE_MAP_COUNTERS:
		return copy_rows(g, map, &old, &new, WEIR_PORTS_MAX);
	case GATE_MAP_APP_FLOWS:
		return copy_rows(g, map, &old, &new, WEIR_APPS_MAX);
	case GATE_MAP_CACHE:
		return copy_rows(g, map, &old, &new, 1);
	case GATE_MAP_BLOCKS:
		return copy_blocks(g, map, &old, &new);
	case GATE_MAP_UNDECIDED:
		return copy_undecided(g, &old, &new);
	case GATE_MAP_IDENTIFIED:
	case GATE_MAP_RECONNECTS:
	case GATE_MAP_ENDPOINTS:
	case GATE_MAP_PARKED:
		return copy_elements(g, map, &old, &new);
	default:
		return 0;
	}
}

int gate_adopt_copy(struct gate *g, struct error *e)
{
	int r;

	if (g->pinned[GATE_MAP_CTL] >= 0) {
		r = copy_ctl(g);
		if (r)
			return error_set(e, r, "pinned weir_ctl: %s", strerror(-r));
	}
	/* The table comes early in the list and takes longest; the counters come after it. */
	for (int i = 0; i < GATE_MAP_COUNT; i++) {
		if (g->pinned[i] < 0)
			continue;
		g->pins_differ = true;
		r = map_copy(g, i);
		if (r)
			log_info("%s begins empty, what was pinned cannot be taken over: %s",
				 gate_map_name(i), strerror(-r));
	}
	return 0;
}
