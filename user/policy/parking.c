// SPDX-License-Identifier: GPL-2.0-only
/* `parking:`: how much of the frames that wait for an event is kept. */
#include <stdlib.h>
#include <string.h>

#include "policy/section.h"

/* "25%" into a uint32_t. */
static int percent_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
			void *field)
{
	const char *text = NULL;
	unsigned long value;
	char *end;
	int err = yaml_string(draft_file(d), n, s->key, &text, draft_cause(d));

	if (err < 0)
		return err;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || strcmp(end, "%") != 0 || value < s->min || value > s->max)
		return draft_error(d, n, "%s: expected %u%% to %u%%, found `%.64s`", s->key,
				   (unsigned int)s->min, (unsigned int)s->max, text);
	*(uint32_t *)field = (uint32_t)value;
	return 0;
}

#define PERCENT(name, field_, otherwise)                                                           \
	{                                                                                          \
		POLICY_FIELD(LIVE, name, struct policy, field_, percent_read, uint32_t),           \
			.min = 1, .max = 75, .initial = (otherwise)                                \
	}

static const struct policy_setting parking[] = {
	POLICY_SIZE(LIVE, "flow", struct policy, parking_flow, 4 << 10, 4 << 20, 256 << 10,
		    "a size from 4KiB to 4MiB"),
	PERCENT("share", parking_share, 25),
	PERCENT("total", parking_total, 50),
};
POLICY_SECTION(parking) = {.key = "parking", POLICY_SETTINGS(parking)};
