// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
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

size_t flow_details_bytes(const struct flow_details *d)
{
	const char *at = d->text;

	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++)
		if (d->kept >> i & 1)
			at += strlen(at) + 1;
	/* The texts may begin within the last word of the numbers. */
	return (size_t)(at - (const char *)d) < sizeof(*d) ? sizeof(*d)
							   : (size_t)(at - (const char *)d);
}

/* Length of a printable text that ends within max bytes and the room; -1 where it does not. */
static ssize_t text_sound(const char *at, size_t room, size_t max)
{
	size_t len = strnlen(at, room);

	if (len == room || len > max)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (at[i] < 0x20 || at[i] >= 0x7f)
			return -1;
	return (ssize_t)len;
}

bool flow_details_sound(const void *copy, size_t len)
{
	const struct flow_details *d = copy;
	size_t at = offsetof(struct flow_details, text);

	if (len < sizeof(*d) || d->hostname_source >= FLOW_NAME_SOURCE_COUNT)
		return false;
	if (d->kept & d->as_hostname || (d->as_hostname && !(d->kept >> FLOW_HOSTNAME & 1)))
		return false;
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++) {
		ssize_t text = d->kept >> i & 1
				       ? text_sound((const char *)copy + at, len - at, text_max[i])
				       : 0;

		if (text < 0)
			return false;
		at += d->kept >> i & 1 ? (size_t)text + 1 : 0;
	}
	return (at < sizeof(*d) ? sizeof(*d) : at) == len;
}

/* A text while all of them are put together anew. */
struct text {
	const char *at; /* NULL = not known */
	size_t len;
	bool is_new; /* not made printable yet */
};

static void texts_read(const struct flow_details *d, struct text out[FLOW_TEXT_COUNT])
{
	const char *at = d ? d->text : NULL;

	_Static_assert(FLOW_HOSTNAME == 0, "read before what equals it");
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++) {
		out[i] = (struct text){0};
		if (d && d->kept >> i & 1) {
			out[i] = (struct text){.at = at, .len = strlen(at)};
			at += out[i].len + 1;
		} else if (d && d->as_hostname >> i & 1) {
			out[i] = out[FLOW_HOSTNAME];
		}
	}
}

static char printable(char c)
{
	return c >= 0x20 && c < 0x7f ? c : '.';
}

static bool is_same(const struct text *a, const struct text *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (printable(a->at[i]) != printable(b->at[i]))
			return false;
	return true;
}

/* Bits of those that say the same as the host name. */
static uint32_t texts_as_hostname(const struct text t[FLOW_TEXT_COUNT])
{
	uint32_t same = 0;

	for (unsigned int i = FLOW_HOSTNAME + 1; i < FLOW_TEXT_COUNT; i++)
		if (t[i].at && t[FLOW_HOSTNAME].at && is_same(&t[i], &t[FLOW_HOSTNAME]))
			same |= 1u << i;
	return same;
}

static char *text_put(char *at, const struct text *t)
{
	if (!t->is_new)
		memcpy(at, t->at, t->len);
	for (size_t i = 0; t->is_new && i < t->len; i++)
		at[i] = printable(t->at[i]);
	at[t->len] = 0;
	return at + t->len + 1;
}

/* Details of their own with the numbers of `d`, which may be NULL; NULL on ENOMEM. */
static struct flow_details *texts_pack(const struct text t[FLOW_TEXT_COUNT],
				       const struct flow_details *d)
{
	uint32_t as_hostname = texts_as_hostname(t);
	size_t size = sizeof(*d);
	struct flow_details *out;
	char *at;

	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++)
		size += t[i].at && !(as_hostname >> i & 1) ? t[i].len + 1 : 0;
	out = malloc(size);
	if (!out)
		return NULL;
	*out = d ? *d : (struct flow_details){0};
	out->kept = 0;
	out->as_hostname = as_hostname;
	at = out->text;
	for (unsigned int i = 0; i < FLOW_TEXT_COUNT; i++) {
		if (!t[i].at || as_hostname >> i & 1)
			continue;
		out->kept |= 1u << i;
		at = text_put(at, &t[i]);
	}
	return out;
}

/* Whether the value changes anything. */
static bool is_news(const struct flow *f, const struct flow_value *v)
{
	if (v->len == 0)
		return false;
	return v->which != FLOW_HOSTNAME || !v->source || !flow_hostname(f)[0] ||
	       f->details->hostname_source >= v->source;
}

int flow_set_texts(struct flow *f, const struct flow_value *values, size_t count)
{
	struct text all[FLOW_TEXT_COUNT];
	unsigned int source = f->details ? f->details->hostname_source : 0;
	struct flow_details *d;
	bool news = false;

	texts_read(f->details, all);
	for (size_t n = 0; n < count; n++) {
		const struct flow_value *v = &values[n];
		size_t max = text_max[v->which];

		if (!is_news(f, v))
			continue;
		news = true;
		all[v->which] = (struct text){
			.at = v->text, .len = v->len < max ? v->len : max, .is_new = true};
		if (v->which == FLOW_HOSTNAME && v->source)
			source = v->source;
	}
	if (!news)
		return 0;
	d = texts_pack(all, f->details);
	if (!d)
		return -ENOMEM;
	d->hostname_source = source & 15;
	free(f->details);
	f->details = d;
	return 0;
}

int flow_set_text(struct flow *f, enum flow_text which, const void *text, size_t len)
{
	return flow_set_texts(f, &(struct flow_value){.which = which, .text = text, .len = len}, 1);
}

const char *flow_get_text(const struct flow *f, enum flow_text which)
{
	const char *text = f->details ? flow_details_text(f->details, which) : NULL;

	return text ? text : "";
}

int flow_set_hostname(struct flow *f, const char *name, enum flow_name_source source)
{
	const struct flow_value value = {
		.which = FLOW_HOSTNAME,
		.text = name,
		.len = strlen(name),
		.source = source,
	};

	return flow_set_texts(f, &value, 1);
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
