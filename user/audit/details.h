/* SPDX-License-Identifier: GPL-2.0-only */
/* Details of a flow's TLS, QUIC and HTTP as JSON objects (docs/events.md). */
#ifndef WEIR_AUDIT_DETAILS_H
#define WEIR_AUDIT_DETAILS_H

#include <jansson.h>

#include "app/app.h"

/*
 * Adds the details to o, a JSON object: "hostname_source", and the objects "tls", "quic", "http". d
 * may be NULL. When memory runs out, fields are missing.
 */
void details_set_json(json_t *o, const struct flow_details *d);
/* Bodies of events, with EVE's field names. New references; NULL if d has no such details. QUIC has
 * `quic` events and no `tls` ones. */
json_t *details_tls_event(const struct flow_details *d);
json_t *details_quic_event(const struct flow_details *d);
/* What belongs into the object `weir` of these events; NULL if there is nothing. */
json_t *details_weir_event(const struct flow_details *d);
/* dns.c: the body of a `dns` event. New reference. */
json_t *details_dns_event(const struct app_dns *answer);

#endif
