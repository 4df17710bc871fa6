/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a flow beyond its application: host name, TLS, QUIC, HTTP. Part of flow/flow.h.
 */
#ifndef WEIR_FLOW_DETAILS_H
#define WEIR_FLOW_DETAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts: id, longest in bytes. All come from outside and are no more than what a peer says. */
#define FLOW_TEXTS(X)                                                                              \
	X(HOSTNAME, 255)                                                                           \
	X(TLS_SNI, 255)                                                                            \
	X(TLS_ALPN, 255) /* the client's list, separated by commas */                              \
	X(TLS_JA4, 36)                                                                             \
	X(TLS_CERTIFICATE, 255) /* subject's name */                                               \
	X(HTTP_HOST, 255)                                                                          \
	X(HTTP_METHOD, 32)                                                                         \
	X(HTTP_URL, 1024)                                                                          \
	X(HTTP_USER_AGENT, 512)                                                                    \
	X(HTTP_CONTENT_TYPE, 128)

enum flow_text {
#define X(id, max) FLOW_##id,
	FLOW_TEXTS(X)
#undef X
		FLOW_TEXT_COUNT
};

/* Where the host name comes from: id, name. A later one is not believed over an earlier one. */
#define FLOW_NAME_SOURCES(X)                                                                       \
	X(NONE, "none")                                                                            \
	X(SNI, "sni")                                                                              \
	X(QUIC, "quic")                                                                            \
	X(HTTP, "http")                                                                            \
	X(CERTIFICATE, "certificate")                                                              \
	X(DNS, "dns")

enum flow_name_source {
#define X(id, name) FLOW_NAME_##id,
	FLOW_NAME_SOURCES(X)
#undef X
		FLOW_NAME_SOURCE_COUNT
};
const char *flow_name_source_name(unsigned int source);

struct flow_details {
	char *text[FLOW_TEXT_COUNT]; /* NUL-terminated, printable, or NULL */
	uint8_t hostname_source;     /* enum flow_name_source */
	uint16_t tls_version;	     /* as on the wire, 0 = unknown; of DTLS too (0xfefd ...) */
	uint32_t quic_version;	     /* 0 = unknown */
	uint16_t http_status;	     /* of the first response, 0 = none */
};

struct flow;
/* The flow's details, made when there are none yet; NULL on ENOMEM. The table frees them. */
struct flow_details *flow_details_get(struct flow *f);
/*
 * Keeps a copy of the text, cut at its longest, with '.' for what is not printable ASCII. An empty
 * one changes nothing. 0 or -ENOMEM.
 */
int flow_set_text(struct flow *f, enum flow_text which, const void *text, size_t len);
/* "" when it is not known. */
const char *flow_get_text(const struct flow *f, enum flow_text which);
/* The host name, unless one from a better source is known. 0 or -ENOMEM. */
int flow_set_hostname(struct flow *f, const char *name, enum flow_name_source source);
const char *flow_hostname(const struct flow *f);
/* Frees them; the flow has none afterwards. */
void flow_details_free(struct flow *f);

#endif
