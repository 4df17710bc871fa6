/* SPDX-License-Identifier: GPL-2.0-only */
/* What the reader of IRC gives, as texts (text_trace.h): "tags|prefix|command(a,b)" and CTCP in
 * braces. The includer defines trace_check(condition). */
#ifndef WEIR_UNIT_IRC_TRACE_H
#define WEIR_UNIT_IRC_TRACE_H

#include "proto/irc.h"
#include "unit/text_trace.h"

static inline void trace_irc(void *arg, const void *event)
{
	const struct irc_event *e = event;
	struct trace *t = arg;

	if (e->kind == IRC_ENCRYPTED) {
		trace_say(t, e->side, "TLS");
		return;
	}
	trace_check(e->side < 2 && e->command[0] && e->count <= IRC_PARAMS_MAX);
	trace_say(t, e->side, "%s|%s|%s(", e->tags, e->prefix, e->command);
	for (unsigned int i = 0; i < IRC_PARAMS_MAX; i++) {
		trace_check(e->params[i] != NULL);
		if (i < e->count)
			trace_say(t, e->side, "%s%s", i ? "," : "", e->params[i]);
	}
	trace_say(t, e->side, ")%s%s%s;", e->ctcp ? "{" : "", e->ctcp ? e->ctcp : "",
		  e->ctcp ? "}" : "");
}

#endif
