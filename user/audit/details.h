/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a flow's TLS, QUIC and HTTP as JSON objects (docs/events.md). */
#ifndef WEIR_AUDIT_DETAILS_H
#define WEIR_AUDIT_DETAILS_H

#include <jansson.h>

#include "app/app.h"

/*
 * Sets what is known in o, a JSON object: "hostname_source", and the objects "tls", "quic", "http".
 * d may be NULL. Out of memory costs fields.
 */
void details_set_json(json_t *o, const struct flow_details *d);
/* The bodies of `tls` and `http` events, with EVE's field names; a new reference, or NULL when d
 * has nothing of the kind. */
json_t *details_tls_event(const struct flow_details *d);
json_t *details_http_event(const struct flow_details *d);
/* The body of a `dns` event. */
json_t *details_dns_event(const struct app_dns *answer);

#endif
