// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "util/util.h"

#define FLOW_TEXT_MAX 1024

static const uint16_t text_max[FLOW_TEXT_COUNT] = {
#define X(id, max) [FLOW_##id] = (max),
	FLOW_TEXTS(X)
#undef X
};
#define X(id, max) _Static_assert((max) <= FLOW_TEXT_MAX, #id);
FLOW_TEXTS(X)
#undef X

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

const char *flow_details_text(const struct flow_details *d, enum flow_text which)
{
	const char *at = d->text;

	if (d->as_hostname >> which & 1)
		which = FLOW_HOSTNAME;
	if (!(d->kept >> which & 1))
		return NULL;
	for (unsigned int i = 0; i < which; i++)
		if (d->kept >> i & 1)
			at += strlen(at) + 1;
	return at;
}

/* All texts of a flow while they are put together anew. */
struct texts {
	struct {
		const char *at; /* NULL = not known */
		size_t len;
	} text[FLOW_TEXT_COUNT];
};

static void texts_read(const struct flow_details *d, struct texts *out)
{
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++) {
		out->text[i].at = d ? flow_details_text(d, i) : NULL;
		out->text[i].len = out->text[i].at ? strlen(out->text[i].at) : 0;
	}
}

static bool is_hostname(const struct texts *t, unsigned int which)
{
	return which != FLOW_HOSTNAME && t->text[which].at && t->text[FLOW_HOSTNAME].at &&
	       t->text[which].len == t->text[FLOW_HOSTNAME].len &&
	       memcmp(t->text[which].at, t->text[FLOW_HOSTNAME].at, t->text[which].len) == 0;
}

/* Details of their own with the numbers of `d`, which may be NULL; NULL on ENOMEM. */
static struct flow_details *texts_pack(const struct texts *t, const struct flow_details *d)
{
	size_t size = sizeof(*d);
	struct flow_details *out;
	char *at;

	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++)
		size += t->text[i].at && !is_hostname(t, i) ? t->text[i].len + 1 : 0;
	out = malloc(size);
	if (!out)
		return NULL;
	*out = d ? *d : (struct flow_details){0};
	out->kept = 0;
	out->as_hostname = 0;
	at = out->text;
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++) {
		if (is_hostname(t, i)) {
			out->as_hostname |= 1u << i;
		} else if (t->text[i].at) {
			out->kept |= 1u << i;
			memcpy(at, t->text[i].at, t->text[i].len);
			at[t->text[i].len] = 0;
			at += t->text[i].len + 1;
		}
	}
	return out;
}

int flow_set_text(struct flow *f, enum flow_text which, const void *text, size_t len)
{
	char printable[FLOW_TEXT_MAX];
	const uint8_t *from = text;
	struct flow_details *d;
	struct texts all;

	if (len == 0)
		return 0;
	if (len > text_max[which])
		len = text_max[which];
	for (size_t i = 0; i < len; i++)
		printable[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '.';
	texts_read(f->details, &all);
	all.text[which].at = printable;
	all.text[which].len = len;
	d = texts_pack(&all, f->details);
	if (!d)
		return -ENOMEM;
	free(f->details);
	f->details = d;
	return 0;
}

const char *flow_get_text(const struct flow *f, enum flow_text which)
{
	const char *text = f->details ? flow_details_text(f->details, which) : NULL;

	return text ? text : "";
}

int flow_set_hostname(struct flow *f, const char *name, enum flow_name_source source)
{
	int err;

	if (!name[0] || (flow_hostname(f)[0] && f->details->hostname_source < source))
		return 0;
	err = flow_set_text(f, FLOW_HOSTNAME, name, strlen(name));
	if (err == 0)
		f->details->hostname_source = source;
	return err;
}

const char *flow_hostname(const struct flow *f)
{
	return flow_get_text(f, FLOW_HOSTNAME);
}

void flow_details_free(struct flow *f)
{
	free(f->details);
	f->details = NULL;
}
