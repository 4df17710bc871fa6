// SPDX-License-Identifier: GPL-2.0-only
/* Parses sizes, rates and durations of the policy file. */
#include <string.h>

#include "util/util.h"

struct unit {
	const char *name;
	uint64_t num, den;
};

/* Decimal number with an optional fraction of up to three digits, then one of the units. A number
 * without unit only if a unit "" is listed. */
static int quantity_parse(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
	uint64_t milli = 0, scale = 1000;
	const char *p = text;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (milli > UINT64_MAX / 100000)
			return -ERANGE;
		milli = milli * 10 + (uint64_t)(*p - '0') * 1000;
	}
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9' && scale > 1; p++) {
			scale /= 10;
			milli += (uint64_t)(*p - '0') * scale;
		}
	}
	while (*p == ' ')
		p++;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (units[i].num && milli > UINT64_MAX / units[i].num)
			return -ERANGE;
		*out = milli * units[i].num / units[i].den / 1000;
		return 0;
	}
	return -EINVAL;
}

int duration_parse(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{"ms", 1000000, 1},	 {"s", 1000000000, 1},	   {"m", 60000000000, 1},
		{"h", 3600000000000, 1}, {"d", 86400000000000, 1},
	};

	return quantity_parse(text, units, ARRAY_SIZE(units), ns);
}

int rate_parse(const char *text, uint64_t *bytes_per_second)
{
	static const struct unit units[] = {
		{"B/s", 1, 1},		 {"KB/s", 1000, 1},	{"MB/s", 1000000, 1},
		{"GB/s", 1000000000, 1}, {"KiB/s", 1 << 10, 1}, {"MiB/s", 1 << 20, 1},
		{"bit", 1, 8},		 {"Kbit", 1000, 8},	{"Mbit", 1000000, 8},
		{"Gbit", 1000000000, 8},
	};

	return quantity_parse(text, units, ARRAY_SIZE(units), bytes_per_second);
}

int size_parse(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1, 1},	     {"B", 1, 1},	    {"KB", 1000, 1},
		{"MB", 1000000, 1},  {"GB", 1000000000, 1}, {"KiB", 1 << 10, 1},
		{"MiB", 1 << 20, 1}, {"GiB", 1 << 30, 1},
	};

	return quantity_parse(text, units, ARRAY_SIZE(units), bytes);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_byte(const char *digits)
{
	int high = hex_digit(digits[0]);
	int low = high < 0 ? -1 : hex_digit(digits[1]);

	return low < 0 ? -1 : high << 4 | low;
}
