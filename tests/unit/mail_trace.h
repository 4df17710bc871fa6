/* SPDX-License-Identifier: GPL-2.0-only */
/* What the readers of SMTP, IMAP and POP3 give, as texts (text_trace.h). The includer defines
 * trace_check(condition). Lines of commands and answers end with ';', bodies are "<" ... ">". */
#ifndef WEIR_UNIT_MAIL_TRACE_H
#define WEIR_UNIT_MAIL_TRACE_H

#include "proto/imap.h"
#include "proto/pop3.h"
#include "proto/smtp.h"
#include "unit/text_trace.h"

static inline void trace_piece(struct trace *t, uint8_t side, const struct stream_event *e)
{
	trace_check(e->side == side && e->offset == t->side[side].place && e->len > 0);
	if (e->offset == 0)
		trace_say(t, side, "<");
	t->side[side].place += e->len;
	if (e->kind == STREAM_DATA)
		trace_bytes(t, side, e->data, (size_t)e->len);
	else
		trace_say(t, side, "[%llu]", (unsigned long long)e->len);
}

static inline void trace_ends(struct trace *t, uint8_t side, uint64_t size, bool complete,
			      const char *how)
{
	trace_check(size == t->side[side].place);
	trace_say(t, side, "%s%llu%s%s", size ? ">" : "<>", (unsigned long long)size,
		  complete ? "" : "!", how);
	t->side[side].place = 0;
}

static inline void trace_smtp(void *arg, const void *event)
{
	const struct smtp_event *e = event;
	struct trace *t = arg;

	trace_check(e->text && e->side < 2);
	switch (e->kind) {
	case SMTP_COMMAND:
		trace_check(e->side == STREAM_CLIENT);
		trace_say(t, e->side, "%u %s;", e->verb, e->text);
		break;
	case SMTP_REPLY:
		trace_check(e->side == STREAM_SERVER && e->code < 1000);
		trace_say(t, e->side, "%u%s %s;", e->code, e->more ? "-" : "", e->text);
		break;
	case SMTP_BODY:
		trace_piece(t, e->side, &e->stream);
		break;
	case SMTP_BODY_END:
		trace_ends(t, e->side, e->size, e->complete, e->last ? "." : ",");
		break;
	default:
		trace_say(t, e->side, "TLS");
	}
}

static inline void trace_pop3(void *arg, const void *event)
{
	const struct pop3_event *e = event;
	struct trace *t = arg;

	trace_check(e->text && e->side < 2);
	switch (e->kind) {
	case POP3_COMMAND:
		trace_say(t, e->side, "%u %s;", e->verb, e->text);
		break;
	case POP3_ANSWER:
		trace_check(e->side == STREAM_SERVER);
		trace_say(t, e->side, "%u%s %s;", e->verb, e->ok ? "+" : "-", e->text);
		break;
	case POP3_BODY:
		trace_check(e->stream.kind == STREAM_DATA);
		trace_piece(t, e->side, &e->stream);
		break;
	case POP3_BODY_END:
		trace_ends(t, e->side, e->size, e->complete, ".");
		break;
	default:
		trace_say(t, e->side, "TLS");
	}
}

static inline void trace_imap(void *arg, const void *event)
{
	const struct imap_event *e = event;
	struct trace *t = arg;

	trace_check(e->text && e->tag && e->side < 2);
	switch (e->kind) {
	case IMAP_LINE:
		trace_say(t, e->side, "%u %s:%.64s%s%s;", e->part, e->part ? "" : e->tag, e->text,
			  e->cut ? "~" : "", e->literal ? "+" : "");
		break;
	case IMAP_LITERAL:
		trace_piece(t, e->side, &e->stream);
		break;
	case IMAP_LITERAL_END:
		trace_ends(t, e->side, e->size, e->complete, ".");
		break;
	default:
		trace_say(t, e->side, "TLS");
	}
}

#endif
