// SPDX-License-Identifier: GPL-2.0-only
/* Events of what consumers tell (app/record.h): `http` and `fileinfo`. */
#include <stdio.h>
#include <string.h>

#include "audit/parts.h"

#define HASH_BYTES 32

static const char *const texts[APP_TEXT_COUNT] = {
#define X(id, name, max) [APP_TEXT_##id] = name,
	APP_TEXTS(X)
#undef X
};

static void set_record_text(json_t *o, const struct app_record *r, enum app_text which)
{
	size_t len;
	const char *text = app_record_get(r, which, &len);
	const char *end;

	if (!text)
		return;
	if (which == APP_TEXT_HOSTNAME) {
		eve_set(o, texts[which], eve_lower(text, len));
		return;
	}
	if (which == APP_TEXT_CONTENT_TYPE) {
		end = memchr(text, ';', len);
		len = end ? (size_t)(end - text) : len;
	}
	eve_set(o, texts[which], json_stringn(text, len));
}

static json_t *http_json(const struct app_record *r)
{
	json_t *o = json_object();

	for (unsigned int which = 0; which < APP_TEXT_COUNT; which++)
		if (which != APP_TEXT_FILENAME)
			set_record_text(o, r, which);
	if (r->port)
		eve_set_number(o, "http_port", r->port);
	if (r->status)
		eve_set_number(o, "status", r->status);
	if (r->answered)
		eve_set_number(o, "length", r->length);
	return o;
}

static json_t *file_json(const struct app_record *r)
{
	size_t len;
	const char *name = app_record_get(r, APP_TEXT_FILENAME, &len);
	char hex[2 * HASH_BYTES + 1];
	json_t *o = json_object();

	eve_set(o, "filename", name ? json_stringn(name, len) : json_string(""));
	eve_set(o, "gaps", json_boolean(r->gaps));
	eve_set(o, "state", json_string(r->closed && !r->gaps ? "CLOSED" : "TRUNCATED"));
	for (unsigned int i = 0; i < HASH_BYTES; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", r->sha256[i]);
	if (r->hashed)
		eve_set(o, "sha256", json_string(hex));
	eve_set(o, "stored", json_false());
	eve_set_number(o, "size", r->size);
	if (r->end) {
		eve_set_number(o, "start", r->start);
		eve_set_number(o, "end", r->end);
	}
	eve_set_number(o, "tx_id", r->tx);
	return o;
}

enum eve_type eve_record_type(const struct app_record *r)
{
	return r->kind == APP_RECORD_FILE ? EVE_FILEINFO : EVE_HTTP;
}

json_t *eve_record(const struct eve *e, const struct eve_note *note, const struct app_record *r)
{
	enum eve_type type = eve_record_type(r);
	struct eve_note mine = *note;
	json_t *o, *http;

	mine.tx = r->tx;
	if (type == EVE_HTTP)
		return eve_note(e, type, &mine, http_json(r), NULL);
	/* Suricata shows a file from its sender. */
	mine.origin = r->to_server ? note->origin : !note->origin;
	if (r->parent_id)
		mine.parent_id = r->parent_id;
	mine.tx = -1;
	o = eve_note(e, type, &mine, file_json(r), NULL);
	http = http_json(r);
	if (json_object_size(http))
		eve_set(o, "http", http);
	else
		json_decref(http);
	return o;
}
