// SPDX-License-Identifier: GPL-2.0-only
/* `schedule` of rules, read: windows of the week in a time zone. */
#include <ctype.h>
#include <stdio.h>

#include "policy/draft.h"
#include "policy/schedule.h"

#define WINDOWS_MAX   16 /* of one schedule */
#define SCHEDULES_MAX 32

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_find(const char *text, size_t len)
{
	for (int day = 0; day < 7; day++)
		if (len == 3 && strncmp(text, day_names[day], 3) == 0)
			return day;
	return -1;
}

/* "mon-fri", "sat,sun", "fri-mon,wed". */
static bool days_parse(const char *text, uint8_t *out)
{
	*out = 0;
	while (*text) {
		size_t len = strcspn(text, ","), first = strcspn(text, ",-");
		int from = day_find(text, first), to = from;

		if (first < len)
			to = day_find(text + first + 1, len - first - 1);
		if (from < 0 || to < 0)
			return false;
		for (int day = from;; day = (day + 1) % 7) {
			*out |= (uint8_t)(1u << day);
			if (day == to)
				break;
		}
		text += len;
		if (*text == ',' && !*++text)
			return false;
	}
	return *out;
}

static const char *clock_parse(const char *s, uint16_t *minutes)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : !isdigit((unsigned char)s[i]))
			return NULL;
	*minutes = (uint16_t)(((s[0] - '0') * 10 + (s[1] - '0')) * 60 + (s[3] - '0') * 10 +
			      (s[4] - '0'));
	return s[3] < '6' && *minutes <= SCHEDULE_DAY ? s + 5 : NULL;
}

static bool times_parse(const char *s, struct schedule_window *w)
{
	s = clock_parse(s, &w->from);
	if (!s || *s != '-')
		return false;
	s = clock_parse(s + 1, &w->to);
	if (!s || *s || w->from == SCHEDULE_DAY)
		return false;
	/* Over midnight. */
	if (w->to <= w->from)
		w->to = (uint16_t)(w->to + SCHEDULE_DAY);
	return true;
}

static int zone_read(struct draft *d, const struct yaml_node *n, const char *name,
		     struct schedule_window *w)
{
	int err = zone_open(name, &w->zone);

	if (err == -ENOMEM)
		return draft_memory(d);
	if (err == -ENOENT)
		return draft_error(d, n, "schedule: no time zone `%.64s` on this machine", name);
	if (err < 0)
		return draft_error(d, n, "schedule: the file of time zone `%.64s` cannot be read",
				   name[0] ? name : "of this machine");
	return 0;
}

/* "[DAYS ]HH:MM-HH:MM[ ZONE]" */
static int window_read(struct draft *d, const struct yaml_node *n, struct schedule_window *w)
{
	char buffer[192], *rest = buffer, *days = NULL, *times, *zone;
	const char *text = NULL;
	int err = yaml_string(d->file, n, "schedule", &text, d->e);

	if (err < 0)
		return err;
	snprintf(buffer, sizeof(buffer), "%s", text);
	if (!isdigit((unsigned char)buffer[0]))
		days = strsep(&rest, " ");
	times = strsep(&rest, " ");
	zone = strsep(&rest, " ");
	*w = (struct schedule_window){.days = 0x7f};
	if (strlen(text) >= sizeof(buffer) || rest || (days && !days_parse(days, &w->days)) ||
	    !times || !times_parse(times, w) || (zone && !zone[0]))
		return draft_error(d, n,
				   "schedule: expected days, times and perhaps a time zone as "
				   "\"mon-fri 08:00-18:00 Europe/Berlin\", found `%.64s`",
				   text);
	return zone_read(d, n, zone ? zone : "", w);
}

static int windows_read(struct draft *d, const struct yaml_node *n, struct policy_schedule *s)
{
	size_t count = n->kind == YAML_SCALAR ? 1 : n->count;
	int err = n->kind == YAML_SCALAR ? 0 : draft_list(d, n, "schedule");

	if (err < 0)
		return err;
	if (count > WINDOWS_MAX)
		return draft_error(d, n, "schedule: more than %u windows", WINDOWS_MAX);
	s->windows = calloc(count, sizeof(*s->windows));
	if (!s->windows)
		return draft_memory(d);
	for (size_t i = 0; err == 0 && i < count; i++) {
		err = window_read(d, n->kind == YAML_SCALAR ? n : n->items[i], &s->windows[i]);
		s->window_count += err == 0;
	}
	return err;
}

/* What the file says, for people and to tell equal ones. */
static char *schedule_text(const struct yaml_node *n)
{
	char *text = NULL, *longer;

	if (n->kind == YAML_SCALAR)
		return strdup(n->text);
	for (size_t i = 0; i < n->count; i++) {
		if (asprintf(&longer, "%s%s%s", text ? text : "", text ? ", " : "",
			     n->items[i]->text) < 0)
			longer = NULL;
		free(text);
		text = longer;
		if (!text)
			return NULL;
	}
	return text;
}

/* Takes over *s: the place of one that says the same, or a new one; 0 is "always". */
static int schedule_take(struct draft *d, const struct yaml_node *n, struct policy_schedule *s,
			 uint8_t *out)
{
	struct policy *p = d->policy;

	s->text = schedule_text(n);
	if (!p->schedules)
		p->schedules = calloc(SCHEDULES_MAX, sizeof(*p->schedules));
	if (!s->text || !p->schedules)
		return draft_memory(d);
	for (size_t i = 0; i < p->schedule_count; i++) {
		if (strcmp(p->schedules[i].text, s->text) != 0)
			continue;
		*out = (uint8_t)(i + 1);
		schedule_fini(s);
		*s = (struct policy_schedule){0};
		return 0;
	}
	if (p->schedule_count == SCHEDULES_MAX)
		return draft_error(d, n, "rules: more than %u different schedules", SCHEDULES_MAX);
	p->schedules[p->schedule_count++] = *s;
	*s = (struct policy_schedule){0};
	*out = (uint8_t)p->schedule_count;
	return 0;
}

int draft_read_schedule(struct draft *d, const struct yaml_node *n, uint8_t *out)
{
	struct policy_schedule s = {0};
	int err;

	*out = 0;
	if (!n)
		return 0;
	err = windows_read(d, n, &s);
	if (err == 0)
		err = schedule_take(d, n, &s, out);
	schedule_fini(&s);
	return err;
}
