/* SPDX-License-Identifier: GPL-2.0-only */
/* What the readers of SIP and RTSP give, as texts (text_trace.h). The includer defines
 * trace_check(condition). */
#ifndef WEIR_UNIT_MESSAGE_TRACE_H
#define WEIR_UNIT_MESSAGE_TRACE_H

#include "proto/message.h"
#include "unit/text_trace.h"

static inline void trace_message(void *arg, const void *event)
{
	const struct message_event *e = event;
	struct trace *t = arg;

	trace_check(e->side < 2 && e->method && e->target && e->name && e->text);
	switch (e->kind) {
	case MESSAGE_START:
		trace_check(!e->status == !!e->method[0]);
		if (e->status)
			trace_say(t, e->side, "{%u}", e->status);
		else
			trace_say(t, e->side, "{%s %s}", e->method, e->target);
		break;
	case MESSAGE_HEADER:
		trace_check(e->name[0]);
		trace_say(t, e->side, "%s=%s;", e->name, e->text);
		break;
	case MESSAGE_LINE:
		trace_say(t, e->side, "[%s]", e->text);
		break;
	case MESSAGE_END:
		trace_say(t, e->side, "%s.", e->gaps ? "!" : "");
		break;
	default:
		trace_say(t, e->side, "$%u:%u", e->channel, e->size);
	}
}

#endif
