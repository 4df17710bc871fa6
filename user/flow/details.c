// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

static const uint16_t text_max[FLOW_TEXT_COUNT] = {
#define X(id, max) [FLOW_##id] = (max),
	FLOW_TEXTS(X)
#undef X
};

const char *flow_name_source_name(unsigned int source)
{
	static const char *const names[] = {
#define X(id, name) [FLOW_NAME_##id] = name,
		FLOW_NAME_SOURCES(X)
#undef X
	};

	return names[source < FLOW_NAME_SOURCE_COUNT ? source : FLOW_NAME_NONE];
}

struct flow_details *flow_details_get(struct flow *f)
{
	if (!f->details)
		f->details = calloc(1, sizeof(*f->details));
	return f->details;
}

int flow_set_text(struct flow *f, enum flow_text which, const void *text, size_t len)
{
	struct flow_details *d;
	const uint8_t *from = text;
	char *copy;

	if (len == 0)
		return 0;
	if (len > text_max[which])
		len = text_max[which];
	d = flow_details_get(f);
	copy = d ? malloc(len + 1) : NULL;
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		copy[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '.';
	copy[len] = 0;
	free(d->text[which]);
	d->text[which] = copy;
	return 0;
}

const char *flow_get_text(const struct flow *f, enum flow_text which)
{
	return f->details && f->details->text[which] ? f->details->text[which] : "";
}

int flow_set_hostname(struct flow *f, const char *name, enum flow_name_source source)
{
	int err;

	if (!name[0] || (flow_hostname(f)[0] && f->details->hostname_source < source))
		return 0;
	err = flow_set_text(f, FLOW_HOSTNAME, name, strlen(name));
	if (err == 0)
		f->details->hostname_source = (uint8_t)source;
	return err;
}

const char *flow_hostname(const struct flow *f)
{
	return flow_get_text(f, FLOW_HOSTNAME);
}

void flow_details_free(struct flow *f)
{
	if (!f->details)
		return;
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++)
		free(f->details->text[i]);
	free(f->details);
	f->details = NULL;
}
