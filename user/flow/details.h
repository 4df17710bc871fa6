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

/*
 * One piece of memory, no larger than what is known. The texts lie behind each other in the order
 * of their ids, each with its NUL; one that says the same as the host name is not kept twice.
 */
struct flow_details {
	uint32_t quic_version;		 /* 0 = unknown */
	uint16_t tls_version;		 /* as on the wire, 0 = unknown; of DTLS too (0xfefd ...) */
	uint16_t http_status;		 /* of the first response, 0 = none */
	uint32_t kept : FLOW_TEXT_COUNT; /* bits of enum flow_text: in text */
	uint32_t as_hostname : FLOW_TEXT_COUNT; /* the same, for those that equal the host name */
	uint32_t hostname_source : 4;		/* enum flow_name_source */
	char text[];
};
_Static_assert(2 * FLOW_TEXT_COUNT + 4 <= 32 && FLOW_NAME_SOURCE_COUNT <= 16, "flow_details");

/* Printable and NUL-terminated, valid until the next change; NULL when it is not known. */
const char *flow_details_text(const struct flow_details *d, enum flow_text which);

/* Bytes of the one piece of memory. It holds no pointers: a copy is as good. */
size_t flow_details_bytes(const struct flow_details *d);
/* Whether a copy from somebody who is not trusted (aligned like the struct) is sound: all that the
 * functions here rely on, and printable. */
bool flow_details_sound(const void *copy, size_t len);

struct flow;
/* The flow's details, made when there are none yet; NULL on ENOMEM. The table frees them; a text
 * that is set moves them. */
struct flow_details *flow_details_get(struct flow *f);
/*
 * Keeps a copy of the text, cut at its longest, with '.' for what is not printable ASCII. An empty
 * one changes nothing. 0 or -ENOMEM.
 */
int flow_set_text(struct flow *f, enum flow_text which, const void *text, size_t len);
/* A text and its bytes. */
struct flow_value {
	enum flow_text which;
	/* Of a host name: where it comes from. It is left out where one of a better source is
	 * known; NONE: never, and the source stays what it was. */
	enum flow_name_source source;
	const void *text;
	size_t len;
};
/* The same for some at once, each of another text: the details move once. 0, or -ENOMEM and nothing
 * has changed. */
int flow_set_texts(struct flow *f, const struct flow_value *values, size_t count);
/* "" when it is not known. */
const char *flow_get_text(const struct flow *f, enum flow_text which);
/* The host name, unless one from a better source is known. 0 or -ENOMEM. */
int flow_set_hostname(struct flow *f, const char *name, enum flow_name_source source);
const char *flow_hostname(const struct flow *f);
/* Frees them; the flow has none afterwards. */
void flow_details_free(struct flow *f);

#endif
