/* SPDX-License-Identifier: GPL-2.0-only */
/* Schedules of rules; private to schedule.c and active.c. */
#ifndef WEIR_POLICY_SCHEDULE_H
#define WEIR_POLICY_SCHEDULE_H

#include "policy/policy.h"
#include "policy/zone.h"

#define SCHEDULE_DAY (24 * 60) /* minutes */

/* Minutes after midnight of each of the days; `to` is beyond the day where the window goes on into
 * the next. */
struct schedule_window {
	uint8_t days; /* a bit each, Monday first */
	uint16_t from, to;
	struct zone *zone;
};

struct policy_schedule {
	char *text;
	struct schedule_window *windows;
	size_t window_count;
};

void schedule_fini(struct policy_schedule *s);

#endif
