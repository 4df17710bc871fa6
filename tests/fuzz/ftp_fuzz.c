// SPDX-License-Identifier: GPL-2.0-only
/* FTP control connections. */
#include "text.h"

#include "proto/ftp.h"

static void trace_event(void *arg, const void *event)
{
	const struct ftp_event *e = event;

	check(e->kind <= FTP_SECURE && e->side < 2 && e->text && strlen(e->text) < LINES_MAX);
	check(e->kind != FTP_REPLY || (e->side == STREAM_SERVER && e->code < 1000));
	trace_say(arg, e->kind == FTP_SECURE ? STREAM_SERVER : e->side, "%u %u %u %x %u %s;",
		  e->kind, e->verb, e->code, e->addressed ? e->addr[3] : 0, e->port, e->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_all(&reader_ftp, data, size);
	return 0;
}
