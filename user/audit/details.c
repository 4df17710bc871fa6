// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "audit/details.h"
#include "audit/parts.h"
#include "util/util.h"

#define VERSION_TEXT_MAX 16
#define FLOW_NAME_MAX	 256
#define QUIC_V2		 0x6b3343cf /* RFC 9369 */

/* As Suricata writes them, and correspondingly for DTLS. */
static const char *tls_version_text(uint16_t version, char buf[VERSION_TEXT_MAX])
{
	static const struct {
		uint16_t version;
		const char *text;
	} names[] = {
		{0x0304, "TLS 1.3"},  {0x0303, "TLS 1.2"},  {0x0302, "TLS 1.1"},
		{0x0301, "TLSv1"},    {0x0300, "SSLv3"},    {0xfeff, "DTLS 1.0"},
		{0x0100, "DTLS 1.0"}, {0xfefd, "DTLS 1.2"}, {0xfefc, "DTLS 1.3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].version == version)
			return names[i].text;
	snprintf(buf, VERSION_TEXT_MAX, "0x%04x", version);
	return buf;
}

/* "1", "2", "draft-29", "Q046" (RFC 9000, 15). */
static const char *quic_version_text(uint32_t version, char buf[VERSION_TEXT_MAX])
{
	const char letters[5] = {(char)(version >> 24), (char)(version >> 16), (char)(version >> 8),
				 (char)version, 0};

	if (version == 1)
		return "1";
	if (version == QUIC_V2)
		return "2";
	if (version >> 8 == 0xff0000)
		snprintf(buf, VERSION_TEXT_MAX, "draft-%02u", version & 0xff);
	else if ((letters[0] == 'Q' || letters[0] == 'T') && strspn(letters + 1, "0123456789") == 3)
		memcpy(buf, letters, sizeof(letters));
	else
		snprintf(buf, VERSION_TEXT_MAX, "0x%08x", version);
	return buf;
}

static void set_text(json_t *o, const char *key, const struct flow_details *d, enum flow_text which)
{
	const char *text = flow_details_text(d, which);

	if (text)
		json_object_set_new(o, key, json_string(text));
}

static json_t *alpn_list(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

/* Returns o, or NULL if it is empty. */
static json_t *unless_empty(json_t *o)
{
	if (json_object_size(o))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *tls_json(const struct flow_details *d, const char *alpn_key,
			const char *certificate_key)
{
	const char *protocols = flow_details_text(d, FLOW_TLS_ALPN);
	char version[VERSION_TEXT_MAX];
	json_t *o = json_object();

	if (d->tls_version)
		json_object_set_new(o, "version",
				    json_string(tls_version_text(d->tls_version, version)));
	set_text(o, "sni", d, FLOW_TLS_SNI);
	if (protocols)
		json_object_set_new(o, alpn_key, alpn_list(protocols));
	set_text(o, "ja4", d, FLOW_TLS_JA4);
	set_text(o, certificate_key, d, FLOW_TLS_CERTIFICATE);
	return unless_empty(o);
}

struct http_keys {
	const char *host, *method, *url, *user_agent, *content_type, *status;
};

static json_t *http_json(const struct flow_details *d, const struct http_keys *keys)
{
	json_t *o = json_object();

	set_text(o, keys->host, d, FLOW_HTTP_HOST);
	set_text(o, keys->method, d, FLOW_HTTP_METHOD);
	set_text(o, keys->url, d, FLOW_HTTP_URL);
	set_text(o, keys->user_agent, d, FLOW_HTTP_USER_AGENT);
	set_text(o, keys->content_type, d, FLOW_HTTP_CONTENT_TYPE);
	if (d->http_status)
		json_object_set_new(o, keys->status, json_integer(d->http_status));
	return unless_empty(o);
}

void details_set_json(json_t *o, const struct flow_details *d)
{
	static const struct http_keys keys = {
		"host", "method", "url", "user_agent", "content_type", "status",
	};
	char version[VERSION_TEXT_MAX];
	json_t *body;

	if (!d)
		return;
	if (d->hostname_source)
		json_object_set_new(o, "hostname_source",
				    json_string(flow_name_source_name(d->hostname_source)));
	body = tls_json(d, "alpn", "certificate");
	if (body)
		json_object_set_new(o, "tls", body);
	if (d->quic_version)
		json_object_set_new(
			o, "quic",
			json_pack("{s:s}", "version", quic_version_text(d->quic_version, version)));
	body = http_json(d, &keys);
	if (body)
		json_object_set_new(o, "http", body);
}

/* ---- bodies of events ---- */

/* Host names are compared without case; Suricata shows SNI and Host in lower case. */
json_t *eve_lower(const char *text, size_t len)
{
	char lower[FLOW_NAME_MAX];

	if (len > sizeof(lower))
		len = sizeof(lower);
	for (size_t i = 0; i < len; i++)
		lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 'a' - 'A') : text[i];
	return json_stringn(lower, len);
}

static void set_lower(json_t *o, const char *key, const struct flow_details *d,
		      enum flow_text which)
{
	const char *text = flow_details_text(d, which);

	if (text)
		eve_set(o, key, eve_lower(text, strlen(text)));
}

json_t *details_tls_event(const struct flow_details *d)
{
	const char *name = flow_details_text(d, FLOW_TLS_CERTIFICATE);
	char version[VERSION_TEXT_MAX];
	json_t *o;

	if (d->quic_version)
		return NULL;
	o = json_object();
	if (d->tls_version)
		eve_set(o, "version", json_string(tls_version_text(d->tls_version, version)));
	set_lower(o, "sni", d, FLOW_TLS_SNI);
	set_text(o, "ja4", d, FLOW_TLS_JA4);
	if (name)
		eve_set(o, "subject", json_sprintf("CN=%s", name));
	return unless_empty(o);
}

/* As Suricata writes them: the draft of gQUIC by its letters, version 2 as v2, others in hex. */
static const char *quic_event_version(uint32_t version, char buf[VERSION_TEXT_MAX])
{
	const char *text = quic_version_text(version, buf);

	if (text[0] == 'Q')
		return text;
	if (version == QUIC_V2)
		return "v2";
	snprintf(buf, VERSION_TEXT_MAX, "%x", version);
	return buf;
}

json_t *details_quic_event(const struct flow_details *d)
{
	char version[VERSION_TEXT_MAX];
	json_t *o;

	if (!d->quic_version)
		return NULL;
	o = json_object();
	eve_set(o, "version", json_string(quic_event_version(d->quic_version, version)));
	set_lower(o, "sni", d, FLOW_TLS_SNI);
	set_text(o, "ja4", d, FLOW_TLS_JA4);
	return o;
}

json_t *details_weir_event(const struct flow_details *d)
{
	const char *protocols = flow_details_text(d, FLOW_TLS_ALPN);
	json_t *o = json_object();

	if (protocols)
		eve_set(o, "client_alpns", alpn_list(protocols));
	set_lower(o, "hostname", d, FLOW_HOSTNAME);
	return unless_empty(o);
}
