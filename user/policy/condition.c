// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conditions that user space judges: `hostname`, `anomaly` and `via`. Their bits stand in flow
 * entries, which outlive a policy, so equal conditions keep the same bit in every policy.
 */
#include <ctype.h>

#include "packet/tunnel.h"
#include "policy/draft.h"
#include "weir/anomaly.h"

#define GLOBS_MAX    1024 /* of one condition */
#define HOSTNAME_MAX 255

static const char *const kind_names[] = {
#define X(id, key) [POLICY_CONDITION_##id] = key,
	POLICY_CONDITIONS(X)
#undef X
};

static void condition_free(struct policy_condition *c)
{
	for (size_t i = 0; i < c->glob_count; i++)
		free(c->globs[i]);
	free(c->globs);
}

static int glob_read(struct draft *d, const struct yaml_node *n, struct policy_condition *c)
{
	const char *text = NULL;
	void *bigger;
	char *glob;
	int err = yaml_string(d->file, n, "hostname", &text, d->e);

	if (err < 0)
		return err;
	for (const char *at = text; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-_.*?:", *at))
			return draft_error(
				d, n,
				"hostname: expected a name with `*` and `?` for what may "
				"stand there, as *.example.org, found `%.64s`",
				text);
	if (!text[0] || strlen(text) > HOSTNAME_MAX)
		return draft_error(d, n, "hostname: expected 1 to %u characters", HOSTNAME_MAX);
	if (c->glob_count == GLOBS_MAX)
		return draft_error(d, n, "hostname: more than %u names", GLOBS_MAX);
	bigger = reallocarray(c->globs, c->glob_count + 1, sizeof(*c->globs));
	glob = strdup(text);
	if (bigger)
		c->globs = bigger;
	if (!bigger || !glob) {
		free(glob);
		return draft_memory(d);
	}
	for (char *at = glob; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	c->globs[c->glob_count++] = glob;
	return 0;
}

static int anomaly_read(struct draft *d, const struct yaml_node *n, struct policy_condition *c)
{
	static const char *const names[] = {
#define X(id, type, event, help) [WEIR_ANOMALY_##id] = event,
		WEIR_ANOMALIES(X)
#undef X
	};
	const char *text = NULL, *nearest;
	int err = yaml_string(d->file, n, "anomaly", &text, d->e);

	if (err < 0)
		return err;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], text) != 0)
			continue;
		c->set |= 1u << i;
		return 0;
	}
	nearest = text_nearest(text, names, ARRAY_SIZE(names));
	if (!nearest)
		return draft_error(d, n, "unknown anomaly `%.64s`", text);
	return draft_error(d, n, "unknown anomaly `%.64s`, did you mean `%s`?", text, nearest);
}

static int via_read(struct draft *d, const struct yaml_node *n, struct policy_condition *c)
{
	const char *text = NULL;
	int err = yaml_string(d->file, n, "via", &text, d->e);

	if (err < 0)
		return err;
	for (unsigned int t = PACKET_TUNNEL_NONE + 1; t < PACKET_TUNNEL_COUNT; t++) {
		if (strcmp(packet_tunnel_name(t), text) != 0)
			continue;
		c->set |= 1u << t;
		return 0;
	}
	return draft_error(d, n, "via: `%.64s` is not yet supported", text);
}

static int (*const readers[])(struct draft *, const struct yaml_node *,
			      struct policy_condition *) = {
	[POLICY_CONDITION_HOSTNAME] = glob_read,
	[POLICY_CONDITION_ANOMALY] = anomaly_read,
	[POLICY_CONDITION_VIA] = via_read,
};

static int glob_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same for the same words, in whatever order they stand. */
static uint64_t condition_id(const struct policy_condition *c)
{
	static const uint64_t key[2] = {0x7765697274726169, 0x7473};
	uint64_t parts[2] = {(uint64_t)c->kind << 32 | c->set, 0};

	for (size_t i = 0; i < c->glob_count; i++) {
		parts[1] = hash_keyed(parts, c->globs[i], strlen(c->globs[i]));
		parts[0] = hash_keyed(key, parts, sizeof(parts));
	}
	parts[0] = hash_keyed(key, parts, sizeof(parts));
	return parts[0] ? parts[0] : 1;
}

/* Takes over *c. */
static int condition_take(struct draft *d, const struct yaml_node *n, struct policy_condition *c,
			  struct policy_rule *rule)
{
	struct policy *p = d->policy;

	if (c->glob_count)
		qsort(c->globs, c->glob_count, sizeof(*c->globs), glob_compare);
	c->id = condition_id(c);
	for (size_t i = 0; i < p->condition_count; i++) {
		if (p->conditions[i].id != c->id)
			continue;
		rule->conditions |= 1u << i;
		condition_free(c);
		return 0;
	}
	if (p->condition_count == WEIR_USER_TRAITS) {
		condition_free(c);
		return draft_error(d, n,
				   "rules: more than %u different conditions by hostname, anomaly "
				   "and via",
				   WEIR_USER_TRAITS);
	}
	c->bit = (uint8_t)p->condition_count;
	rule->conditions |= 1u << p->condition_count;
	p->conditions[p->condition_count++] = *c;
	return 0;
}

static int condition_read(struct draft *d, const struct yaml_node *n,
			  enum policy_condition_kind kind, struct policy_rule *rule)
{
	struct policy_condition c = {.kind = kind};
	int err = 0;

	if (n->kind == YAML_SCALAR) {
		err = readers[kind](d, n, &c);
	} else {
		err = draft_list(d, n, kind_names[kind]);
		for (size_t i = 0; err == 0 && i < n->count; i++)
			err = readers[kind](d, n->items[i], &c);
	}
	if (err == 0)
		return condition_take(d, n, &c, rule);
	condition_free(&c);
	return err;
}

int draft_read_user_conditions(struct draft *d, const struct yaml_node *rule,
			       struct policy_rule *out)
{
	struct policy *p = d->policy;
	int err = 0;

	if (!p->conditions)
		p->conditions = calloc(WEIR_USER_TRAITS, sizeof(*p->conditions));
	if (!p->conditions)
		return draft_memory(d);
	for (unsigned int kind = 0; err == 0 && kind < POLICY_CONDITION_KINDS; kind++) {
		const struct yaml_node *n = yaml_get(rule, kind_names[kind]);

		if (n)
			err = condition_read(d, n, kind, out);
	}
	return err;
}

/* A bit for a condition that has none: one never given out, else one that the policy does not use.
 */
static unsigned int bit_choose(const uint64_t ids[WEIR_USER_TRAITS], uint32_t used)
{
	unsigned int bit, spare = 0;

	for (bit = 0; bit < WEIR_USER_TRAITS; bit++) {
		if (!ids[bit] && !(used >> bit & 1))
			return bit;
		if (!(used >> bit & 1))
			spare = bit;
	}
	return spare;
}

void policy_number_traits(struct policy *p, uint64_t ids[WEIR_USER_TRAITS], uint32_t *changed)
{
	uint32_t used = 0, known = 0;

	*changed = 0;
	for (size_t i = 0; i < p->condition_count; i++) {
		for (unsigned int bit = 0; bit < WEIR_USER_TRAITS; bit++) {
			if (ids[bit] != p->conditions[i].id)
				continue;
			p->conditions[i].bit = (uint8_t)bit;
			used |= 1u << bit;
			known |= 1u << i;
		}
	}
	for (size_t i = 0; i < p->condition_count; i++) {
		if (known >> i & 1)
			continue;
		p->conditions[i].bit = (uint8_t)bit_choose(ids, used);
		ids[p->conditions[i].bit] = p->conditions[i].id;
		used |= 1u << p->conditions[i].bit;
		*changed |= 1u << p->conditions[i].bit;
	}
	for (unsigned int rule = 0; rule < p->rule_count; rule++)
		p->compiled[rule].traits = policy_rule_traits(p, rule);
}
