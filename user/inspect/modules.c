// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/evidence.h"
#include "inspect/reading.h"
#include "util/util.h"

#define NAME_TTL_MIN 60 /* seconds */
#define NAME_TTL_MAX 3600

static bool is_shown_all(const struct app_module *m, uint8_t proto)
{
	return m->undecided && !m->only_named && (!m->proto || m->proto == proto);
}

static bool is_off(const struct inspector *i, size_t n)
{
	return i->settings.modules_off >> n & 1;
}

static void list_shown(struct inspector *i)
{
	static const uint8_t protos[2] = {IPPROTO_TCP, IPPROTO_UDP};

	for (int udp = 0; udp < 2; udp++) {
		size_t count = 0;

		for (size_t n = 0; n < i->module_count; n++)
			if (!is_off(i, n) && is_shown_all(i->modules[n], protos[udp]))
				i->shown[udp][count++] = i->modules[n];
		i->shown[udp][count] = NULL;
	}
}

int modules_init(struct inspector *i)
{
	i->modules = app_modules();
	while (i->modules[i->module_count])
		i->module_count++;
	slab_init(&i->states, i->module_count * sizeof(void *));
	for (int udp = 0; udp < 2; udp++) {
		i->shown[udp] = calloc(i->module_count + 1, sizeof(*i->shown[udp]));
		if (!i->shown[udp])
			return -ENOMEM;
	}
	list_shown(i);
	return 0;
}

void inspector_set_modules(struct inspector *i, uint32_t modules_off)
{
	i->settings.modules_off = modules_off;
	list_shown(i);
	memset(i->owner_known, 0, sizeof(i->owner_known));
	audience_changed(i);
}

void modules_fini(struct inspector *i)
{
	slab_fini(&i->states);
	free(i->shown[0]);
	free(i->shown[1]);
}

/* The module that a signature set assigns to an application, else the module of that name. */
static const struct app_module *module_by_name(const struct inspector *i,
					       const struct app_info *info)
{
	const char *name = info->module ? info->module : info->name;

	for (size_t n = 0; n < i->module_count; n++)
		if (!is_off(i, n) && strcmp(i->modules[n]->name, name) == 0)
			return i->modules[n];
	return NULL;
}

const struct app_module *module_of(struct inspector *i, unsigned int app)
{
	const struct app_info *info = app ? app_registry_get(i->registry, app) : NULL;

	if (!info)
		return NULL;
	if (!i->owner_known[app]) {
		i->owner[app] = module_by_name(i, info);
		i->owner_known[app] = true;
	}
	return i->owner[app];
}

static size_t module_index(const struct inspector *i, const struct app_module *module)
{
	size_t n = 0;

	while (i->modules[n] != module)
		n++;
	return n;
}

bool module_is_off(const struct inspector *i, const struct app_module *module)
{
	return i->settings.modules_off && is_off(i, module_index(i, module));
}

void **module_state(struct inspector *i, struct judgement *j, const struct app_module *module)
{
	if (!j->states)
		j->states = slab_take(&i->states);
	return j->states ? &j->states[module_index(i, module)] : NULL;
}

/* The array of states is allocated once a module has state, because most flows need none. */
static void call_undecided(struct glance *g, const struct app_module *module,
			   const struct app_message *m, struct app_finding *finding)
{
	void *fresh = NULL;
	void **state = g->j->states ? module_state(g->i, g->j, module) : &fresh;

	module->undecided(&g->i->services, m, state, finding);
	if (!fresh)
		return;
	state = module_state(g->i, g->j, module);
	if (state)
		*state = fresh;
	else if (module->release)
		module->release(fresh);
}

/* Merges one module's finding into the best so far. */
static void merge_answer(const struct app_finding *engine, const struct app_finding *answer,
			 struct app_finding *best)
{
	if (answer->app == best->app) {
		best->reconnect |= answer->reconnect;
		if (answer->confidence > best->confidence) {
			best->confidence = answer->confidence;
			best->method = answer->method;
		}
	} else if (answer->app && answer->app != engine->app &&
		   answer->confidence >= best->confidence) {
		*best = *answer;
	}
}

/*
 * Each module is given the signature engine's finding; the finding with the highest confidence
 * wins. Only the module of the found application may change or withdraw the engine's finding.
 */
void modules_undecided(struct glance *g, const struct app_message *m, struct app_finding *finding)
{
	const struct app_finding engine = *finding;
	const struct app_module *owner = module_of(g->i, engine.app);
	const struct app_module **shown = g->i->shown[m->proto == IPPROTO_UDP];

	memcpy(g->i->source, m->src, sizeof(g->i->source));
	if (owner && owner->undecided)
		call_undecided(g, owner, m, finding);
	for (; *shown; shown++) {
		struct app_finding answer = engine;

		if (*shown == owner)
			continue;
		call_undecided(g, *shown, m, &answer);
		merge_answer(&engine, &answer, finding);
	}
}

void modules_release(struct inspector *i, struct judgement *j)
{
	if (!j->states)
		return;
	for (size_t n = 0; n < i->module_count; n++)
		if (j->states[n] && i->modules[n]->release)
			i->modules[n]->release(j->states[n]);
	slab_give(&i->states, j->states);
	j->states = NULL;
}

/* Whether a renewal is published to the mirrors of the table (weir_endpoints): only if it adds a
 * quarter of the remaining time. */
static bool is_worth_publishing(const struct weir_peer *before, const struct weir_peer *after,
				uint64_t now_ns)
{
	if (before->app != after->app)
		return true;
	return after->expires_ns > before->expires_ns &&
	       after->expires_ns - before->expires_ns > (after->expires_ns - now_ns) / 4;
}

void modules_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		   enum weir_source source)
{
	struct inspector *i = arg;
	struct weir_peer peer = {
		.app = app,
		.source = (uint8_t)source,
		.confidence = ENDPOINT_CONFIDENCE,
		.expires_ns =
			i->settings.endpoint_ttl_ns ? i->now_ns + i->settings.endpoint_ttl_ns : 0,
	};
	struct weir_peer before = {0};
	bool known;
	int is_new;

	if (evidence_refuses(i, key, app))
		return;
	known = endpoints_find(i->endpoints, key, i->now_ns, &before);
	is_new = endpoints_add(i->endpoints, key, &peer);
	if (is_new < 0)
		return;
	evidence_learned(i, key, app);
	/* Not published to the gate, which would identify flows by their first packet alone. */
	if (source == WEIR_SOURCE_WS_TRACKER)
		return;
	/* Read the entry back, because the table sets its time of expiry. */
	if (!i->learn || !endpoints_find(i->endpoints, key, i->now_ns, &peer))
		return;
	if (is_new || !known || is_worth_publishing(&before, &peer, i->now_ns))
		i->learn(i->learn_arg, key, &peer);
}

static bool is_single_host(const uint32_t address[4])
{
	static const uint8_t zero[16], one[16] = {[15] = 1};
	const uint8_t *b = (const uint8_t *)address;

	if (address_is_v4(address))
		return b[12] != 0 && b[12] != 127 && b[12] < 224;
	return memcmp(b, zero, 16) != 0 && memcmp(b, one, 16) != 0 && b[0] != 0xff;
}

/* A name holds for the host that asked for it, for the answer's time to live within bounds: hosts
 * connect to an address soon after they resolved it. */
void modules_answered(void *arg, const struct app_message *m, const struct app_dns *answer)
{
	struct inspector *i = arg;
	struct name_key key = {.domain = m->domain};

	memcpy(key.host, m->dst, sizeof(key.host));
	for (unsigned int n = 0; i->settings.names && n < answer->count; n++) {
		const struct app_dns_record *r = &answer->record[n];
		uint64_t ttl = r->ttl_seconds;

		if (r->target[0] || !is_single_host(r->address) || strchr(answer->name, '?'))
			continue;
		ttl = ttl < NAME_TTL_MIN ? NAME_TTL_MIN : ttl > NAME_TTL_MAX ? NAME_TTL_MAX : ttl;
		memcpy(key.address, r->address, sizeof(key.address));
		names_add(i->settings.names, &key, answer->name, i->now_ns + ttl * 1000000000);
	}
	if (i->settings.answered)
		i->settings.answered(i->learn_arg, m, answer);
}

void modules_told(void *arg, const struct app_message *m, const struct app_record *r)
{
	struct inspector *i = arg;

	if (i->services.records >> r->kind & 1)
		i->settings.told(i->learn_arg, m, r);
}
