// SPDX-License-Identifier: GPL-2.0-only
/* Which rules are active by their schedules. */
#include <stdlib.h>

#include "policy/schedule.h"

#define WEEK (7 * SCHEDULE_DAY)
/* Windows come back each week; the eighth day is for one that a change of the clock has skipped. */
#define LOOK_MINUTES (8 * SCHEDULE_DAY)

void schedule_fini(struct policy_schedule *s)
{
	for (size_t i = 0; i < s->window_count; i++)
		zone_free(s->windows[i].zone);
	free(s->windows);
	free(s->text);
}

void policy_schedules_free(struct policy *p)
{
	for (size_t i = 0; i < p->schedule_count; i++)
		schedule_fini(&p->schedules[i]);
	free(p->schedules);
	free(p->all_from);
}

static bool window_has(const struct schedule_window *w, int64_t time)
{
	int64_t local = time + zone_offset(w->zone, time);
	/* Since a Monday: 1970 began with a Thursday. */
	int64_t minutes = (local - ((local % 60 + 60) % 60)) / 60 + 3 * SCHEDULE_DAY;
	int64_t of_week = (minutes % WEEK + WEEK) % WEEK;
	int64_t day = of_week / SCHEDULE_DAY, minute = of_week % SCHEDULE_DAY;

	if (w->days >> day & 1 && minute >= w->from && minute < w->to)
		return true;
	return w->days >> ((day + 6) % 7) & 1 && minute + SCHEDULE_DAY < w->to;
}

static uint64_t active_at(const struct policy *p, int64_t time)
{
	uint64_t active = 0;

	for (size_t i = 0; i < p->schedule_count; i++)
		for (size_t j = 0; j < p->schedules[i].window_count; j++)
			if (window_has(&p->schedules[i].windows[j], time))
				active |= 1ULL << i;
	return active;
}

bool policy_schedule_due(const struct policy *p, int64_t time)
{
	return p->schedule_count && active_at(p, time) != p->schedules_active;
}

/* The first minute with other rules than these; 0: none. Windows begin and end at whole minutes,
 * and clocks are changed by such. */
static int64_t next_boundary(const struct policy *p, int64_t time)
{
	int64_t minute = time - time % 60;

	for (int i = 1; i <= LOOK_MINUTES; i++)
		if (active_at(p, minute + i * 60) != p->schedules_active)
			return minute + i * 60;
	return 0;
}

bool policy_rule_active(const struct policy *p, unsigned int rule)
{
	uint8_t schedule = p->rules[rule].schedule;

	return !schedule || p->schedules_active >> (schedule - 1) & 1;
}

const char *policy_rule_schedule(const struct policy *p, unsigned int rule)
{
	uint8_t schedule = p->rules[rule].schedule;

	return schedule ? p->schedules[schedule - 1].text : NULL;
}

/* Rules that are not active are in no set of the sources'. Workers may be reading. */
void policy_schedule_apply(struct policy *p, int64_t time)
{
	struct weir_rule_set active = {{0}}, *from = &p->sets[WEIR_SETS_FROM(0)];

	if (!p->schedule_count)
		return;
	p->schedules_active = active_at(p, time);
	p->schedule_next = next_boundary(p, time);
	for (unsigned int rule = 0; rule < p->rule_count; rule++)
		if (policy_rule_active(p, rule))
			active.word[rule / 64] |= 1ULL << (rule % 64);
	for (uint32_t class = 0; class < p->class_ids; class ++)
		for (unsigned int i = 0; i < WEIR_RULE_WORDS; i++)
			__atomic_store_n(&from[class].word[i],
					 p->all_from[class].word[i] & active.word[i],
					 __ATOMIC_RELAXED);
}
