/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that make events share. Private to user/audit. */
#ifndef WEIR_AUDIT_PARTS_H
#define WEIR_AUDIT_PARTS_H

#include "audit/eve.h"

/* "unknown" for numbers out of range. */
const char *name_of_reason(uint8_t reason);
const char *name_of_action(uint8_t action);
const char *name_of_method(uint8_t method);
/* Suricata's reason of a drop for one of weir's (enum weir_reason). */
const char *name_of_drop(uint8_t reason);

/* Sets a field; value is stolen. NULL (no memory): the field is missing, not the event. */
static inline void eve_set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static inline void eve_set_text(json_t *o, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(o, key, json_string(text));
}

static inline void eve_set_number(json_t *o, const char *key, uint64_t number)
{
	json_object_set_new(o, key, json_integer((json_int_t)number));
}

/* details.c: the text in lower case. */
json_t *eve_lower(const char *text, size_t len);

/* ending.c: of a flow that ended. Times are in the clock of the event. */
uint64_t flow_start_ns(const struct weir_flow *f);
uint64_t flow_end_ns(const struct weir_event *ev);
const char *flow_state_name(const struct weir_event *ev);  /* flow.state */
const char *flow_reason_name(const struct weir_event *ev); /* flow.reason */
const char *flow_end_name(const struct weir_event *ev);	   /* weir's finer reason */
/* The object `tcp`. client, server: the flags of all that either side has sent. */
json_t *tcp_json(uint8_t client, uint8_t server);
json_t *eve_tcp(const struct weir_flow *flow, unsigned int origin);

#endif
