// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "proto/hello.h"
#include "proto/hostname.h"
#include "util/util.h"

static bool is_host_byte(uint8_t c)
{
	return isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

int hostname_copy(const uint8_t *at, size_t len, char *out, size_t cap)
{
	size_t n = 0;

	if (len && at[0] == '[') {
		at++;
		len--;
		while (n < len && at[n] != ']')
			n++;
	} else {
		while (n < len && at[n] != ':')
			n++;
	}
	if (n == 0 || n >= cap)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!is_host_byte(at[i]))
			return 0;
	memcpy(out, at, n);
	out[n] = 0;
	return 1;
}

/* ---- TLS ---- */

int hostname_from_hello(const uint8_t *data, size_t len, char *out, size_t cap)
{
	struct client_hello hello;
	int rc = hello_read_client(data, len, false, &hello);

	if (hello.name.len)
		return hostname_copy(hello.name.at, hello.name.len, out, cap);
	return rc == -EAGAIN ? -EAGAIN : 0;
}

int hostname_from_tls(const uint8_t *data, size_t len, char *out, size_t cap)
{
	uint8_t hello[HELLO_MAX];
	bool open;
	ssize_t used = hello_join_records(data, len, hello, sizeof(hello), &open);

	if (len == 0 || used < 0 || (len > 1 && data[1] != 3))
		return 0;
	return hostname_from_hello(hello, (size_t)used, out, cap);
}

/* ---- QUIC Crypto ---- */

#define CHLO_SEARCH                                                                                \
	64 /* where a CHLO begins at the latest: behind public header and stream frame */

static uint32_t get_little(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Search for 'C' first: most datagrams have none in so few bytes. */
static const uint8_t *find_chlo(const uint8_t *data, size_t len)
{
	const uint8_t *at = len ? memchr(data, 'C', len) : NULL;

	return at ? memmem(at, len - (size_t)(at - data), "CHLO", 4) : NULL;
}

int hostname_from_chlo(const uint8_t *data, size_t len, char *out, size_t cap)
{
	const uint8_t *m = find_chlo(data, len < CHLO_SEARCH ? len : CHLO_SEARCH);
	size_t left = m ? len - (size_t)(m - data) : 0;
	uint32_t begin = 0;
	size_t tags, values;

	if (left < 8)
		return 0;
	/* The number of tags, then for each its name and the end of its value. */
	tags = (size_t)m[4] | (size_t)m[5] << 8;
	values = 8 + tags * 8;
	if (values > left)
		return 0;
	for (size_t i = 0; i < tags; i++) {
		const uint8_t *tag = m + 8 + i * 8;
		uint32_t end = get_little(tag + 4);

		if (end < begin || end > left - values)
			return 0;
		if (memcmp(tag, "SNI", 4) == 0)
			return hostname_copy(m + values + begin, end - begin, out, cap);
		begin = end;
	}
	return 0;
}
