// SPDX-License-Identifier: GPL-2.0-only
/* `taps:`, the programs that flows are handed to, and the key `tap` of a rule. */
#include <grp.h>
#include <pwd.h>

#include "policy/draft.h"

#define TAP_TIMEOUT_DEFAULT_NS 50000000ULL
#define TAP_RING_DEFAULT       (4u << 20)

static int verdict_read(const struct draft *d, const struct yaml_node *tap, const char *key,
			enum weir_action *out)
{
	static const char *const choices[] = {"pass", "drop"};
	const struct yaml_node *n = yaml_get(tap, key);
	unsigned int choice = 0;
	int err = n ? draft_choice(d, n, key, choices, ARRAY_SIZE(choices), &choice) : 0;

	if (err == 0)
		*out = choice ? WEIR_ACTION_DROP : WEIR_ACTION_PASS;
	return err;
}

static int amount_read(const struct draft *d, const struct yaml_node *tap, const char *key,
		       int (*parse)(const char *, uint64_t *), uint64_t min, uint64_t max,
		       const char *expected, uint64_t *out)
{
	const struct yaml_node *n = yaml_get(tap, key);
	const char *text = NULL;
	uint64_t value = 0;
	int err = n ? yaml_string(d->file, n, key, &text, d->e) : 0;

	if (err < 0 || !n)
		return err;
	if (parse(text, &value) < 0 || value < min || value > max)
		return draft_error(d, n, "%s: expected %s, found `%.64s`", key, expected, text);
	*out = value;
	return 0;
}

static bool number_parse(const char *text, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end || value >= UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool user_find(const char *name, uint32_t *id)
{
	const struct passwd *p = getpwnam(name);

	if (p)
		*id = p->pw_uid;
	return p != NULL;
}

static bool group_find(const char *name, uint32_t *id)
{
	const struct group *g = getgrnam(name);

	if (g)
		*id = g->gr_gid;
	return g != NULL;
}

/* Names are those of this machine. */
static int id_read(const struct draft *d, const struct yaml_node *tap, const char *key,
		   bool (*find)(const char *, uint32_t *), uint32_t *out)
{
	const struct yaml_node *n = yaml_get(tap, key);
	const char *text = NULL;
	int err = n ? yaml_string(d->file, n, key, &text, d->e) : 0;

	if (err < 0 || !n)
		return err;
	if (number_parse(text, out) || find(text, out))
		return 0;
	return draft_error(d, n, "unknown %s `%.64s`", key, text);
}

static int values_read(const struct draft *d, const struct yaml_node *n, struct policy_tap *tap)
{
	static const char *const modes[] = {"frames", "stream"};
	const struct yaml_node *mode = yaml_get(n, "mode"), *copy = yaml_get(n, "copy");
	unsigned int choice = 0;
	uint64_t ring = TAP_RING_DEFAULT;
	int err = mode ? draft_choice(d, mode, "mode", modes, ARRAY_SIZE(modes), &choice) : 0;

	if (err == 0 && choice == 1)
		return draft_error(d, mode, "mode `stream` is not yet supported");
	if (err == 0 && copy)
		err = yaml_bool(d->file, copy, "copy", &tap->copy, d->e);
	if (err == 0)
		err = amount_read(d, n, "timeout", duration_parse, 1000000, 10000000000ULL,
				  "a time from 1ms to 10s", &tap->timeout_ns);
	if (err == 0)
		err = amount_read(d, n, "ring", size_parse, 64 << 10, 256 << 20,
				  "a size from 64KiB to 256MiB", &ring);
	tap->ring_bytes = (uint32_t)ring;
	if (err == 0)
		err = verdict_read(d, n, "on_timeout", &tap->on_timeout);
	if (err == 0)
		err = verdict_read(d, n, "on_absent", &tap->on_absent);
	if (err == 0)
		err = id_read(d, n, "user", user_find, &tap->uid);
	if (err == 0)
		err = id_read(d, n, "group", group_find, &tap->gid);
	return err;
}

static int tap_read(struct draft *d, const struct yaml_node *key, const struct yaml_node *n)
{
	static const char *const known[] = {"mode",	 "copy", "timeout", "ring", "on_timeout",
					    "on_absent", "user", "group",   NULL};
	struct policy *p = d->policy;
	struct policy_tap *tap = &p->taps[p->tap_count];
	char what[sizeof(tap->name) + 8];
	int err;

	if (p->tap_count == POLICY_TAPS_MAX)
		return draft_error(d, key, "more than %u taps", POLICY_TAPS_MAX);
	*tap = (struct policy_tap){
		.timeout_ns = TAP_TIMEOUT_DEFAULT_NS,
		.on_timeout = WEIR_ACTION_PASS,
		.on_absent = WEIR_ACTION_PASS,
		.uid = POLICY_TAP_NOBODY,
		.gid = POLICY_TAP_NOBODY,
	};
	err = draft_name(d, key, "tap name", tap->name, sizeof(tap->name));
	if (err < 0)
		return err;
	snprintf(what, sizeof(what), "tap `%s`", tap->name);
	err = draft_mapping(d, n, what, known);
	if (err == 0)
		err = values_read(d, n, tap);
	if (err == 0)
		p->tap_count++;
	return err;
}

static int taps_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	int err = n ? yaml_mapping(d->file, n, "taps", d->e) : 0;

	if (err < 0 || !n)
		return err;
	d->policy->taps = calloc(POLICY_TAPS_MAX, sizeof(*d->policy->taps));
	if (!d->policy->taps)
		return draft_memory(d);
	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = tap_read(d, n->keys[i], n->items[i]);
	return err;
}

POLICY_SECTION(taps) = {
	.key = "taps",
	.phase = POLICY_NAMES,
	.read = taps_read,
	POLICY_LIVE,
};

static int tap_unknown(const struct draft *d, const struct yaml_node *n, const char *name)
{
	const char *names[POLICY_TAPS_MAX], *nearest;

	for (unsigned int i = 0; i < d->policy->tap_count; i++)
		names[i] = d->policy->taps[i].name;
	nearest = text_nearest(name, names, d->policy->tap_count);
	if (!nearest)
		return draft_error(d, n, "unknown tap `%.64s`", name);
	return draft_error(d, n, "unknown tap `%.64s`, did you mean `%s`?", name, nearest);
}

int draft_read_tap(const struct draft *d, const struct yaml_node *n, struct policy_rule *rule)
{
	const struct policy *p = d->policy;
	const char *name = NULL;
	int err = n ? yaml_string(d->file, n, "tap", &name, d->e) : 0;

	if (err < 0 || !n)
		return err;
	if (rule->action != WEIR_ACTION_PASS)
		return draft_error(d, n, "rule `%s`: `tap` is for `action: pass`", rule->name);
	for (unsigned int i = 0; i < p->tap_count; i++) {
		if (strcmp(p->taps[i].name, name) != 0)
			continue;
		rule->tap = (uint8_t)(i + 1);
		return 0;
	}
	return tap_unknown(d, n, name);
}

const struct policy_tap *policy_rule_tap(const struct policy *p, unsigned int rule)
{
	unsigned int tap = rule < p->rule_count ? p->rules[rule].tap : 0;

	return tap ? &p->taps[tap - 1] : NULL;
}
