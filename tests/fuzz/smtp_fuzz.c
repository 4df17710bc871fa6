// SPDX-License-Identifier: GPL-2.0-only
/* SMTP connections: what is given agrees with itself, and does not depend on how the bytes are cut.
 */
#include "text.h"

#define trace_check(condition) check(condition)
#include "unit/mail_trace.h"

static void trace_event(void *arg, const void *event)
{
	trace_smtp(arg, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_all(&reader_smtp, data, size);
	return 0;
}
