// SPDX-License-Identifier: GPL-2.0-only
/* IRC connections. */
#include "text.h"

#define trace_check(condition) check(condition)
#include "unit/irc_trace.h"

static void trace_event(void *arg, const void *event)
{
	trace_irc(arg, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_all(&reader_irc, data, size);
	return 0;
}
