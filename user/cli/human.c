// SPDX-License-Identifier: GPL-2.0-only
/* Numbers for people. */
#include "cli/table.h"

/* Divides by 1000 until what is left has three digits before the point; returns the prefix. */
static const char *scale(double *n)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
	size_t i = 0;

	/* 999.5 would be shown as 1000. */
	while (*n >= 999.5 && i + 1 < ARRAY_SIZE(prefixes)) {
		*n /= 1000;
		i++;
	}
	return prefixes[i];
}

static const char *human(double n, const char *space, const char *unit, char *buf)
{
	const char *prefix = scale(&n);

	snprintf(buf, HUMAN_MAX, "%.*f%s%s%s", *prefix && n < 99.95 ? 1 : 0, n, space, prefix,
		 unit);
	return buf;
}

const char *human_count(double n, char buf[HUMAN_MAX])
{
	return human(n, "", "", buf);
}

const char *human_bytes(double n, char buf[HUMAN_MAX])
{
	return human(n, " ", "B", buf);
}

const char *human_bits(double bits_per_second, char buf[HUMAN_MAX])
{
	return human(bits_per_second, " ", "bit/s", buf);
}

const char *human_age(double seconds, char buf[HUMAN_MAX])
{
	unsigned long long s = seconds > 0 ? (unsigned long long)seconds : 0;

	if (seconds < 10)
		snprintf(buf, HUMAN_MAX, "%.1fs", seconds > 0 ? seconds : 0);
	else if (s < 60)
		snprintf(buf, HUMAN_MAX, "%llus", s);
	else if (s < 3600)
		snprintf(buf, HUMAN_MAX, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, HUMAN_MAX, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, HUMAN_MAX, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *human_endpoint(const char *address, json_int_t port, char *buf, size_t cap)
{
	bool six = false;

	for (const char *p = address; *p; p++)
		six |= *p == ':';
	if (port == 0)
		snprintf(buf, cap, "%s", address);
	else if (six)
		snprintf(buf, cap, "[%s]:%lld", address, (long long)port);
	else
		snprintf(buf, cap, "%s:%lld", address, (long long)port);
	return buf;
}
