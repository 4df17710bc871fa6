// SPDX-License-Identifier: GPL-2.0-only
/* Section `events`: what is written of what happens, and where. */
#include "policy/draft.h"

#define S    1000000000ULL
#define DAY  (86400 * S)
#define RATE 50000 /* of each type, a second */

static const struct policy_setting settings[] = {
	POLICY_BOOL(LIVE, "alerts", struct policy, events_alerts),
	POLICY_NOT(LIVE, "community_id", struct policy, events_plain),
	POLICY_NUMBER(LIVE, "community_seed", struct policy, events_seed, 0, 65535, 0),
	POLICY_NUMBER(LIVE, "rate", struct policy, events_rate, 0, 10000000, RATE),
	POLICY_TIME(LIVE, "stats", struct policy, events_stats_ns, S, DAY, 0,
		    "a time from 1s to 24h"),
};

static int protocols_read(struct draft *d, const struct yaml_node *n)
{
	/* In the order of POLICY_EVENT_*. */
	static const char *const choices[] = {"tls", "http", "dns", "quic", "files"};
	int err = n ? draft_list(d, n, "protocols") : 0;

	for (size_t i = 0; n && err == 0 && i < n->count; i++) {
		unsigned int which = 0;

		err = draft_choice(d, n->items[i], "protocols", choices, ARRAY_SIZE(choices),
				   &which);
		d->policy->event_protocols |= 1u << which;
	}
	return err;
}

static int settings_read(struct draft *d, const struct yaml_node *n)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(settings); i++) {
		const struct policy_setting *s = &settings[i];
		const struct yaml_node *value = yaml_get(n, s->key);

		if (value)
			err = s->read(d, value, s, (char *)d->policy + s->offset);
	}
	return err;
}

static int events_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	static const char *const known[] = {"file",	      "protocols", "alerts", "community_id",
					    "community_seed", "rate",	   "stats",  NULL};
	const struct yaml_node *file = yaml_get(n, "file");
	const char *text = NULL;
	int err = n ? draft_mapping(d, n, "events", known) : 0;

	d->policy->events_rate = RATE;
	if (err < 0 || !n)
		return err;
	if (!file)
		return draft_error(d, n, "events: `file` is missing");
	err = yaml_string(d->file, file, "file", &text, d->e);
	if (err < 0)
		return err;
	if (!text[0])
		return draft_error(d, file, "file: expected a file name, found \"\"");
	d->policy->events_file = strdup(text);
	if (!d->policy->events_file)
		return draft_memory(d);
	err = protocols_read(d, yaml_get(n, "protocols"));
	return err < 0 ? err : settings_read(d, n);
}

POLICY_SECTION(events) = {.key = "events", .read = events_read, POLICY_LIVE};
