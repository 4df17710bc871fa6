/* SPDX-License-Identifier: GPL-2.0-only */
/* A daemon over a gate, workers and interfaces made of arrays, and its answers. */
#ifndef WEIR_DAEMON_FIXTURE_H
#define WEIR_DAEMON_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "daemon/weir.h"

#define FLOWS_MAX 8

/* ---- what stands in for the kernel's side ---- */

struct gate {
	struct weir_ctl ctl;
	struct weir_counter counters[WEIR_PORTS_MAX][WEIR_REASON_COUNT];
	struct weir_volume sent[WEIR_PORTS_MAX];
	struct weir_flow_key keys[2][FLOWS_MAX]; /* undecided, decided */
	struct weir_flow flows[2][FLOWS_MAX];
	size_t flow_count[2];
	struct weir_block blocks[FLOWS_MAX];
	uint64_t block_expires_ns[FLOWS_MAX];
	size_t block_count;
	uint64_t verdict_of;
	struct weir_identification verdict;
	uint64_t trait_ids[WEIR_USER_TRAITS];
	uint64_t ended[WEIR_WORKERS_MAX * WEIR_PORTS_MAX + 1];
	uint64_t parked_id;
	uint8_t parked_dir;
	struct weir_parked parked;
	bool accounts;
	int fail;
};

struct worker {
	struct worker_counters counters;
};

struct xsk_sockets {
	struct xsk_counters counters;
};

struct weir_ctl *gate_ctl(struct gate *g)
{
	return &g->ctl;
}

bool gate_accounts_losses(const struct gate *g)
{
	return g->accounts;
}

int gate_read_counters(struct gate *g, unsigned int port, struct weir_counter *out)
{
	memcpy(out, g->counters[port], sizeof(g->counters[port]));
	return 0;
}

int gate_read_sent(struct gate *g, unsigned int port, struct weir_volume *out)
{
	*out = g->sent[port];
	return 0;
}

int gate_read_app(struct gate *g, unsigned int app, struct weir_volume out[2],
		  uint64_t flows[WEIR_METHOD_COUNT])
{
	/* Application 1 alone had traffic. */
	memset(out, 0, 2 * sizeof(*out));
	memset(flows, 0, WEIR_METHOD_COUNT * sizeof(*flows));
	if (app == 1) {
		out[1] = (struct weir_volume){10, 5000};
		flows[WEIR_METHOD_PORT] = 2;
	}
	return 0;
}

int gate_read_rule_hits(struct gate *g, uint32_t generation, unsigned int rule, uint64_t *hits)
{
	*hits = rule == WEIR_RULE_DEFAULT ? 7 : rule + 1;
	return 0;
}

int gate_get_identification(struct gate *g, uint64_t flow_id, struct weir_identification *out)
{
	if (flow_id != g->verdict_of)
		return -ENOENT;
	*out = g->verdict;
	return 0;
}

int gate_put_identification(struct gate *g, uint64_t flow_id, const struct weir_identification *v)
{
	g->verdict_of = flow_id;
	g->verdict = *v;
	return 0;
}

int gate_read_trait_ids(struct gate *g, uint64_t ids[WEIR_USER_TRAITS])
{
	memcpy(ids, g->trait_ids, sizeof(g->trait_ids));
	return 0;
}

int gate_write_trait_ids(struct gate *g, const uint64_t ids[WEIR_USER_TRAITS])
{
	memcpy(g->trait_ids, ids, sizeof(g->trait_ids));
	return 0;
}

uint64_t *gate_ended(struct gate *g)
{
	return g->ended;
}

int gate_get_parked(struct gate *g, uint64_t flow_id, uint8_t dir, struct weir_parked *out)
{
	if (flow_id != g->parked_id || dir != g->parked_dir)
		return -ENOENT;
	*out = g->parked;
	return 0;
}

int gate_each_parked(struct gate *g,
		     bool (*fn)(uint64_t flow_id, uint8_t dir, const struct weir_parked *, void *),
		     void *arg)
{
	if (g->parked_id)
		fn(g->parked_id, g->parked_dir, &g->parked, arg);
	return 0;
}

/* What an earlier daemon learned: nothing. */
int gate_each_endpoint(struct gate *g,
		       bool (*fn)(const struct weir_endpoint_key *, const struct weir_peer *,
				  void *),
		       void *arg)
{
	return 0;
}

int gate_read_cache(struct gate *g, uint64_t out[GATE_CACHE_COUNT])
{
	out[GATE_CACHE_NEW] = 3;
	out[GATE_CACHE_EVENTS_LOST] = 4;
	return 0;
}

int gate_each_flow(struct gate *g, bool decided,
		   bool (*fn)(const struct weir_flow_key *, const struct weir_flow *, void *),
		   void *arg)
{
	if (g->fail)
		return g->fail;
	for (size_t i = 0; i < g->flow_count[decided]; i++)
		if (!fn(&g->keys[decided][i], &g->flows[decided][i], arg))
			break;
	return 0;
}

uint64_t gate_count_decided(const struct gate *g)
{
	return g->flow_count[true];
}

int gate_each_block(struct gate *g,
		    bool (*fn)(const struct weir_block *, uint64_t expires_ns, void *), void *arg)
{
	for (size_t i = 0; i < g->block_count; i++)
		if (!fn(&g->blocks[i], g->block_expires_ns[i], arg))
			break;
	return g->fail;
}

int gate_put_block(struct gate *g, const struct weir_block *k, uint64_t expires_ns)
{
	g->blocks[g->block_count] = *k;
	g->block_expires_ns[g->block_count++] = expires_ns;
	return 0;
}

int gate_load_blocks(struct gate *g, const struct policy_blocks *b)
{
	g->ctl.flags &= ~WEIR_CTL_BLOCKS;
	g->ctl.flags |= b->count ? WEIR_CTL_BLOCKS : 0;
	return 0;
}

int gate_del_block(struct gate *g, const struct weir_block *k)
{
	for (size_t i = 0; i < g->block_count; i++) {
		if (memcmp(&g->blocks[i], k, sizeof(*k)) != 0)
			continue;
		g->block_count--;
		g->blocks[i] = g->blocks[g->block_count];
		g->block_expires_ns[i] = g->block_expires_ns[g->block_count];
		return 0;
	}
	return -ENOENT;
}

void gate_redecide(struct gate *g)
{
	g->ctl.generation += 2;
}

void worker_counters(const struct worker *w, struct worker_counters *out)
{
	*out = w->counters;
}

void worker_read_news(struct worker *w, const struct worker_reader *to, void *arg)
{
}

int worker_block(struct worker *w, const struct weir_block *key)
{
	return 0;
}

struct worker_blocks *worker_blocks_new(struct policy_blocks *made)
{
	struct worker_blocks *b = calloc(1, sizeof(*b));

	b->made = *made;
	*made = (struct policy_blocks){0};
	return b;
}

void worker_blocks_put(struct worker_blocks *b)
{
	if (b)
		policy_blocks_fini(&b->made);
	free(b);
}

void worker_blocks_give(struct worker *w, struct worker_blocks *b)
{
}

int worker_news_fd(const struct worker *w)
{
	return -1;
}

enum xsk_mode xsk_sockets_mode(const struct xsk_sockets *s)
{
	return XSK_MODE_ZEROCOPY;
}

int xsk_sockets_counters(const struct xsk_sockets *s, struct xsk_counters *out)
{
	*out = s->counters;
	return 0;
}

int port_link_read(const char *name, struct port_link *out, struct error *e)
{
	*out = (struct port_link){.tx_dropped = 15};
	return 0;
}

/* ---- a daemon ---- */

/* Rows of files that would bring the layers below with them are replaced by what is shown of them.
 */
static const char *const fixture_events[] = {"policy", "port", "tls", NULL};
static const struct service fixture_policy = {
	.name = "policy",
	.metrics = stats_policy_metrics,
	.events = fixture_events,
};
static const struct service fixture_news = {.name = "news", .metrics = stats_event_metrics};
extern SERVICE(audit);
extern SERVICE(blocks);
extern SERVICE(flows);
extern SERVICE(status);
extern SERVICE(workers);
#define FIXTURE_SERVICES 7
static const struct service *const fixture_services[FIXTURE_SERVICES + 1] = {
	&service_audit,	  &service_blocks, &service_flows, &service_status,
	&service_workers, &fixture_policy, &fixture_news,
};

struct fixture {
	struct weir w;
	void *self[FIXTURE_SERVICES];
	struct gate gate;
	struct worker worker;
	struct xsk_sockets sockets;
	struct policy policy;
	struct policy_rule rules[2];
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct weir *w = &f->w;

	f->gate.accounts = true;
	f->gate.ctl.generation = 5;
	f->gate.ctl.heartbeat_ns[0] = time_now_ns();
	strcpy(f->rules[0].name, "no-p2p");
	f->rules[0].action = WEIR_ACTION_DROP;
	strcpy(f->rules[1].name, "rest");
	f->rules[1].action = WEIR_ACTION_PASS;
	f->policy = (struct policy){.path = (char *)"/etc/p.yaml",
				    .rules = f->rules,
				    .rule_count = 2,
				    .default_action = WEIR_ACTION_PASS};
	w->gate = &f->gate;
	w->policy = &f->policy;
	w->registry = app_registry_new();
	w->endpoints = endpoints_new(16, 1000000000ull);
	w->workers[0] = &f->worker;
	w->worker_count = 1;
	w->generation = 5;
	w->rule_hits_before[0] = 100;
	w->rule_hits_before[2] = 200;
	w->started_ns = time_now_ns() - 5000000000ull;
	assert_int_equal(audit_open(NULL, &w->audit, NULL), 0);
	w->host = (struct host){.services = fixture_services, .self = f->self, .daemon = w};
	for (size_t i = 0; i < FIXTURE_SERVICES; i++)
		f->self[i] = w;
	w->ports[2] = (struct daemon_port){.name = "lan",
					   .interface = "eth1",
					   .hook = PORT_HOOK_TC,
					   .hook_reason = "a veth",
					   .configured = true,
					   .present = true,
					   .attached = true,
					   .enabled = true,
					   .sockets = &f->sockets,
					   .link_at_attach = {.tx_dropped = 5}};
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	audit_close(f->w.audit);
	endpoints_free(f->w.endpoints);
	app_registry_free(f->w.registry);
	worker_blocks_put(f->w.shared.blocks);
	free(f);
	return 0;
}

/* The answer of one query; args is stolen. */
static inline json_t *ask(int (*query)(void *, const json_t *, json_t **, struct error *),
			  struct fixture *f, json_t *args)
{
	struct error e = {0};
	json_t *data = NULL;

	if (!args)
		args = json_object();
	assert_int_equal(query(&f->w, args, &data, &e), 0);
	json_decref(args);
	assert_non_null(data);
	return data;
}

static inline json_int_t int_at(const json_t *o, const char *key)
{
	if (!json_is_integer(json_object_get(o, key)))
		fail_msg("no number %s", key);
	return json_integer_value(json_object_get(o, key));
}

static inline const char *text_at(const json_t *o, const char *key)
{
	if (!json_is_string(json_object_get(o, key)))
		fail_msg("no text %s", key);
	return json_string_value(json_object_get(o, key));
}

#endif
