// SPDX-License-Identifier: GPL-2.0-only
#include "policy/zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/util.h"

#define FILE_MAX  (1u << 20)
#define NAME_MAX_ 128
#define PATH_MAX_ 256
#define DAY	  86400
#define HEADER	  44

/* The day and time at which summer time begins or ends (POSIX, TZ; RFC 8536, 3.3). */
struct change {
	char kind; /* 'M': day of the week in a month; 'J', 'D': day of the year, from 1, from 0 */
	int month, week, day;
	int32_t at; /* seconds after midnight of the local time before the change */
};

struct zone {
	int64_t *at;	 /* transitions, ascending */
	int32_t *offset; /* from each on */
	size_t count;
	int32_t first; /* before the first */
	/* Behind the last transition: what the file's last line says. */
	bool has_rule, has_summer;
	int32_t standard, summer;
	struct change begins, ends;
};

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->at);
	free(z->offset);
	free(z);
}

static int64_t be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- the last line ---- */

static const char *name_skip(const char *s)
{
	if (*s == '<') {
		s = strchr(s, '>');
		return s ? s + 1 : NULL;
	}
	while (isalpha((unsigned char)*s))
		s++;
	return s;
}

/* "[+-]hh[:mm[:ss]]" in seconds; NULL where there is none. */
static const char *time_read(const char *s, int32_t *out)
{
	int32_t sign = *s == '-' ? -1 : 1, part[3] = {0};

	if (*s == '-' || *s == '+')
		s++;
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*s))
			return NULL;
		while (isdigit((unsigned char)*s) && part[i] < 1000)
			part[i] = part[i] * 10 + (*s++ - '0');
		if (*s != ':')
			break;
		s++;
	}
	*out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return s;
}

/* ",M3.5.0/2" */
static const char *change_read(const char *s, struct change *c)
{
	int used = 0;

	if (*s++ != ',')
		return NULL;
	*c = (struct change){.kind = 'D', .at = 7200};
	if (*s == 'M') {
		c->kind = 'M';
		if (sscanf(s, "M%2d.%1d.%1d%n", &c->month, &c->week, &c->day, &used) != 3 ||
		    c->month < 1 || c->month > 12 || c->week < 1 || c->week > 5 || c->day > 6)
			return NULL;
	} else {
		if (*s == 'J')
			c->kind = *s++;
		if (sscanf(s, "%3d%n", &c->day, &used) != 1)
			return NULL;
	}
	s += used;
	return *s == '/' ? time_read(s + 1, &c->at) : s;
}

static bool rule_read(struct zone *z, const char *s)
{
	int32_t west = 0;

	s = name_skip(s);
	s = s ? time_read(s, &west) : NULL;
	if (!s)
		return false;
	z->standard = -west;
	z->summer = z->standard + 3600;
	z->has_rule = true;
	if (!*s)
		return true;
	s = name_skip(s);
	if (s && *s && *s != ',') {
		s = time_read(s, &west);
		z->summer = -west;
	}
	s = s ? change_read(s, &z->begins) : NULL;
	s = s ? change_read(s, &z->ends) : NULL;
	z->has_summer = s != NULL;
	return s && !*s;
}

/* Days since 1970 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_date(int64_t y, int m, int d)
{
	int64_t era, year_of_era, day_of_year;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	year_of_era = y - era * 400;
	day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t year_of(int64_t days)
{
	int64_t year = 1970 + floor_div(days * 400, 146097);

	while (days_from_date(year + 1, 1, 1) <= days)
		year++;
	while (days_from_date(year, 1, 1) > days)
		year--;
	return year;
}

/* When the change happens in a year, in seconds of the local time before it. */
static int64_t change_at(const struct change *c, int64_t year)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t day, next;

	if (c->kind == 'D')
		return (days_from_date(year, 1, 1) + c->day) * DAY + c->at;
	if (c->kind == 'J')
		return (days_from_date(year, 1, 1) + c->day - 1 + (leap && c->day >= 60)) * DAY +
		       c->at;
	day = days_from_date(year, c->month, 1);
	next = c->month == 12 ? days_from_date(year + 1, 1, 1)
			      : days_from_date(year, c->month + 1, 1);
	/* 1970 began with a Thursday. */
	day += (c->day - (((day + 4) % 7 + 7) % 7) + 7) % 7 + 7 * (c->week - 1);
	while (day >= next)
		day -= 7;
	return day * DAY + c->at;
}

static int32_t rule_offset(const struct zone *z, int64_t time)
{
	int64_t year, begins, ends;
	bool summer;

	if (!z->has_summer)
		return z->standard;
	year = year_of(floor_div(time + z->standard, DAY));
	begins = change_at(&z->begins, year) - z->standard;
	ends = change_at(&z->ends, year) - z->summer;
	summer = begins < ends ? time >= begins && time < ends : time >= begins || time < ends;
	return summer ? z->summer : z->standard;
}

/* ---- the file ---- */

struct counts {
	uint32_t isutc, isstd, leap, time, type, chars;
};

static bool header_read(const uint8_t *p, size_t len, struct counts *c)
{
	if (len < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	*c = (struct counts){be32(p + 20), be32(p + 24), be32(p + 28),
			     be32(p + 32), be32(p + 36), be32(p + 40)};
	/* What the sizes below are sums of. */
	return c->isutc <= 256 && c->isstd <= 256 && c->leap <= 4096 && c->time <= 16384 &&
	       c->type >= 1 && c->type <= 256 && c->chars <= 4096;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
	return c->time * (time_bytes + 1) + c->type * 6 + c->chars + c->leap * (time_bytes + 4) +
	       c->isstd + c->isutc;
}

static int transitions_read(struct zone *z, const uint8_t *p, const struct counts *c)
{
	const uint8_t *index = p + c->time * 8, *types = index + c->time;

	z->at = calloc(c->time + 1, sizeof(*z->at));
	z->offset = calloc(c->time + 1, sizeof(*z->offset));
	if (!z->at || !z->offset)
		return -ENOMEM;
	z->first = (int32_t)be32(types);
	z->count = c->time;
	for (uint32_t i = 0; i < c->time; i++) {
		if (index[i] >= c->type)
			return -EINVAL;
		z->at[i] = be64(p + i * 8);
		z->offset[i] = (int32_t)be32(types + index[i] * 6);
	}
	return 0;
}

/* Versions 2 and later: a first block for old readers, then one with times of 64 bits, and the
 * line. */
static int file_read(struct zone *z, const uint8_t *p, size_t len)
{
	struct counts c;
	size_t skip;
	char line[256];
	int err;

	if (!header_read(p, len, &c) || p[4] < '2')
		return -EINVAL;
	skip = HEADER + block_bytes(&c, 4);
	if (skip > len || !header_read(p + skip, len - skip, &c))
		return -EINVAL;
	p += skip + HEADER;
	len -= skip + HEADER;
	skip = block_bytes(&c, 8);
	if (skip >= len)
		return -EINVAL;
	err = transitions_read(z, p, &c);
	if (err < 0)
		return err;
	if (sscanf((const char *)p + skip, "\n%255[^\n]", line) == 1 && !rule_read(z, line))
		return -EINVAL;
	return 0;
}

static bool name_is_plain(const char *name)
{
	if (name[0] == '/' || name[0] == '.' || strstr(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("/_-+", *c))
			return false;
	return strlen(name) <= NAME_MAX_;
}

static int path_of(const char *name, char *out, size_t room)
{
	const char *own = getenv("TZ");

	if (!name[0] && own && own[0]) {
		name = own[0] == ':' ? own + 1 : own;
		if (name[0] == '/') {
			snprintf(out, room, "%s", name);
			return 0;
		}
	}
	if (!name[0])
		snprintf(out, room, "/etc/localtime");
	else if (name_is_plain(name))
		snprintf(out, room, "/usr/share/zoneinfo/%s", name);
	else
		return -ENOENT;
	return 0;
}

static int file_load(const char *path, struct zone *z)
{
	_cleanup_free_ uint8_t *data = NULL;
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return -ENOENT;
	/* One more: the line is read as a text. */
	data = calloc(1, FILE_MAX + 1);
	len = data ? fread(data, 1, FILE_MAX, file) : 0;
	fclose(file);
	return data ? file_read(z, data, len) : -ENOMEM;
}

int zone_open(const char *name, struct zone **out)
{
	struct zone *z = calloc(1, sizeof(*z));
	char path[PATH_MAX_];
	int err = z ? path_of(name, path, sizeof(path)) : -ENOMEM;

	if (!err)
		err = file_load(path, z);
	/* A machine without a zone is in UTC. */
	if (err == -ENOENT && !name[0]) {
		*z = (struct zone){.has_rule = true};
		err = 0;
	}
	if (err < 0) {
		zone_free(z);
		return err;
	}
	*out = z;
	return 0;
}

int32_t zone_offset(const struct zone *z, int64_t time)
{
	size_t low = 0, high = z->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (z->at[middle] <= time)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->count && z->has_rule)
		return rule_offset(z, time);
	return low ? z->offset[low - 1] : z->first;
}
