// SPDX-License-Identifier: GPL-2.0-only
/* RTSP over TCP. */
#include "text.h"

#define trace_check(condition) check(condition)
#include "unit/message_trace.h"

static void trace_event(void *arg, const void *event)
{
	trace_message(arg, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_all(&reader_rtsp, data, size);
	return 0;
}
