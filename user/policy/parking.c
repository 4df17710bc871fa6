// SPDX-License-Identifier: GPL-2.0-only
/* `parking:`: how much of the frames that wait for an event is kept. */
#include "policy/draft.h"

static int flow_read(struct draft *d, const struct yaml_node *mapping)
{
	const struct yaml_node *n = yaml_get(mapping, "flow");
	const char *text = NULL;
	uint64_t value = 0;
	int err = n ? yaml_string(d->file, n, "flow", &text, d->e) : 0;

	if (!n || err < 0)
		return err;
	if (size_parse(text, &value) < 0 || value < 4 << 10 || value > 16 << 20)
		return draft_error(d, n, "flow: expected a size from 4KiB to 16MiB, found `%.64s`",
				   text);
	d->policy->parking_flow = value;
	return 0;
}

/* "25%" */
static int percent_read(struct draft *d, const struct yaml_node *mapping, const char *key,
			uint32_t *out)
{
	const struct yaml_node *n = yaml_get(mapping, key);
	const char *text = NULL;
	unsigned long value;
	char *end;
	int err = n ? yaml_string(d->file, n, key, &text, d->e) : 0;

	if (!n || err < 0)
		return err;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || strcmp(end, "%") != 0 || value < 1 || value > 75)
		return draft_error(d, n, "%s: expected 1%% to 75%%, found `%.64s`", key, text);
	*out = (uint32_t)value;
	return 0;
}

int draft_read_parking(struct draft *d, const struct yaml_node *root)
{
	static const char *const known[] = {"flow", "share", "total", NULL};
	const struct yaml_node *n = yaml_get(root, "parking");
	struct policy *p = d->policy;
	int err = n ? draft_mapping(d, n, "parking", known) : 0;

	p->parking_flow = 256 << 10;
	p->parking_share = 25;
	p->parking_total = 50;
	if (err == 0)
		err = flow_read(d, n);
	if (err == 0)
		err = percent_read(d, n, "share", &p->parking_share);
	return err == 0 ? percent_read(d, n, "total", &p->parking_total) : err;
}
