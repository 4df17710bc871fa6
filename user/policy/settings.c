// SPDX-License-Identifier: GPL-2.0-only
/* Settings of one value: inspection, failure, sizes. */
#include "policy/draft.h"

#define INSPECT_PACKETS	    8
#define INSPECT_PACKETS_MAX 64
#define INSPECT_BYTES	    16384
#define INSPECT_BYTES_MIN   1024
#define INSPECT_BYTES_MAX   65536
#define RING_FRAMES	    2048

/* A number in the file and where it goes. */
struct setting {
	const char *key;
	unsigned long min, max;
	bool power_of_two;
	size_t offset; /* of a uint32_t in struct policy */
};
#define SETTING(key, field, min, max, power)                                                       \
	{                                                                                          \
		key, min, max, power, offsetof(struct policy, field)                               \
	}

static const struct setting limits[] = {
	SETTING("decided", limit_decided, 1024, 16777216, false),
	SETTING("undecided", limit_undecided, 1024, 16777216, false),
	SETTING("reconnects", limit_reconnects, 256, 4194304, false),
	SETTING("endpoints", limit_endpoints, 256, 4194304, false),
	SETTING("blocks", limit_blocks, 16, 1048576, false),
	SETTING("fragments", limit_fragments, 256, 1048576, false),
	SETTING("slots", limit_slots, 1024, 1048576, true),
	SETTING("fragmented", limit_fragmented, 16, 65536, false),
	SETTING("parked", limit_parked, 16, 1048576, false),
};
static const struct setting rings[] = {
	SETTING("frames", ring_frames, 64, 32768, true),
	SETTING("pool", pool_frames, 0, 4194304, false),
};
static const struct setting workers = SETTING("workers", workers, 0, WEIR_WORKERS_MAX, false);

static int setting_read(struct draft *d, const struct yaml_node *mapping, const struct setting *s)
{
	const struct yaml_node *n = yaml_get(mapping, s->key);
	unsigned long value = 0;
	int err;

	if (!n)
		return 0;
	err = yaml_uint(d->file, n, s->key, s->min, s->max, &value, d->e);
	if (err < 0)
		return err;
	if (s->power_of_two && (value & (value - 1)))
		return draft_error(d, n, "%s: expected a power of two, found `%lu`", s->key, value);
	*(uint32_t *)((char *)d->policy + s->offset) = (uint32_t)value;
	return 0;
}

/* A mapping of numbers. */
static int settings_read(struct draft *d, const struct yaml_node *n, const char *what,
			 const struct setting *list, size_t count)
{
	const char *known[16] = {NULL};
	int err;

	if (!n)
		return 0;
	for (size_t i = 0; i < count; i++)
		known[i] = list[i].key;
	err = draft_mapping(d, n, what, known);
	for (size_t i = 0; err == 0 && i < count; i++)
		err = setting_read(d, n, &list[i]);
	return err;
}

static int inspect_bytes_read(struct draft *d, const struct yaml_node *n)
{
	const char *text = NULL;
	uint64_t bytes = 0;
	int err = yaml_string(d->file, n, "bytes", &text, d->e);

	if (err < 0)
		return err;
	if (size_parse(text, &bytes) < 0 || bytes < INSPECT_BYTES_MIN || bytes > INSPECT_BYTES_MAX)
		return draft_error(d, n, "bytes: expected a size from 1KiB to 64KiB, found `%.64s`",
				   text);
	d->policy->inspect_bytes = bytes;
	return 0;
}

static int inspect_read(struct draft *d, const struct yaml_node *n)
{
	static const char *const known[] = {"packets", "bytes", "mode", NULL};
	static const char *const modes[] = {"hold", "copy"};
	const struct yaml_node *packets = yaml_get(n, "packets");
	const struct yaml_node *bytes = yaml_get(n, "bytes");
	const struct yaml_node *mode = yaml_get(n, "mode");
	unsigned long count = INSPECT_PACKETS;
	unsigned int choice = 0;
	int err = n ? draft_mapping(d, n, "inspect", known) : 0;

	if (err == 0 && packets)
		err = yaml_uint(d->file, packets, "packets", 1, INSPECT_PACKETS_MAX, &count, d->e);
	if (err == 0 && bytes)
		err = inspect_bytes_read(d, bytes);
	if (err == 0 && mode)
		err = draft_choice(d, mode, "mode", modes, ARRAY_SIZE(modes), &choice);
	if (err < 0)
		return err;
	d->policy->inspect_packets = (unsigned int)count;
	d->policy->inspect_copy = choice == 1;
	return 0;
}

/* `pass` or `drop`. */
static int fate_read(struct draft *d, const struct yaml_node *root, const char *key, bool *drop)
{
	static const char *const fates[] = {"pass", "drop"};
	const struct yaml_node *n = yaml_get(root, key);
	unsigned int choice = 0;
	int err = n ? draft_choice(d, n, key, fates, ARRAY_SIZE(fates), &choice) : 0;

	if (err == 0)
		*drop = choice == 1;
	return err;
}

static int tunnels_read(struct draft *d, const struct yaml_node *root)
{
	static const char *const choices[] = {"outer", "inspect"};
	const struct yaml_node *n = yaml_get(root, "tunnels");
	unsigned int choice = 0;
	int err = n ? draft_choice(d, n, "tunnels", choices, ARRAY_SIZE(choices), &choice) : 0;

	if (err == 0)
		d->policy->inspect_tunnels = choice == 1;
	return err;
}

static void settings_default(struct policy *p)
{
	p->inspect_packets = INSPECT_PACKETS;
	p->inspect_bytes = INSPECT_BYTES;
	p->limit_decided = 262144;
	p->limit_undecided = 65536;
	p->limit_reconnects = 65536;
	p->limit_endpoints = 65536;
	p->limit_blocks = 4096;
	p->limit_fragments = 16384;
	p->limit_slots = 65536;
	p->limit_fragmented = 1024;
	p->limit_parked = 16384;
	p->ring_frames = RING_FRAMES;
}

int draft_read_settings(struct draft *d, const struct yaml_node *root)
{
	int err;

	settings_default(d->policy);
	err = inspect_read(d, yaml_get(root, "inspect"));
	if (err == 0)
		err = fate_read(d, root, "on_failure", &d->policy->on_failure_drop);
	if (err == 0)
		err = fate_read(d, root, "on_overload", &d->policy->on_overload_drop);
	if (err == 0)
		err = tunnels_read(d, root);
	if (err == 0)
		err = setting_read(d, root, &workers);
	if (err == 0)
		err = settings_read(d, yaml_get(root, "limits"), "limits", limits,
				    ARRAY_SIZE(limits));
	if (err == 0)
		err = settings_read(d, yaml_get(root, "rings"), "rings", rings, ARRAY_SIZE(rings));
	return err;
}
