/* SPDX-License-Identifier: GPL-2.0-only */
/* What every layer may use: cleanup tags, errors with a text, addresses, time, log. Knows nothing
 * of weir. */
#ifndef WEIR_UTIL_H
#define WEIR_UTIL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	    (sizeof(a) / sizeof((a)[0]))
#define _unused_	    __attribute__((unused))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))

/* Owned locals start neutral and leave through TAKE_PTR / TAKE_FD. Never a goto in a function that
 * has them. */
#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_free_	_cleanup_(util_freep)
#define _cleanup_close_ _cleanup_(util_closep)
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _taken = (fd);                                                                 \
		(fd) = -1;                                                                         \
		_taken;                                                                            \
	})
static inline void util_freep(void *p)
{
	free(*(void **)p);
}
static inline void util_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* A text for people beside the errno a function returns. Starts zeroed; whoever first knows the
 * cause fills it. */
struct error {
	char text[512];
};
/* Formats the text (keeps an earlier one) and returns err, a negative errno. e may be NULL. */
int error_set(struct error *e, int err, const char *fmt, ...) _printf_(3, 4);

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
void log_set_level(enum log_level level);
/* One line to stderr: "weir: LEVEL: text". Never from a worker's packet path. */
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);
#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The candidate that text was most likely meant to be (edit distance of at most a third of its
 * length, at least 1), or NULL: for messages about unknown names. */
const char *text_nearest(const char *text, const char *const *candidates, size_t count);

/* The byte that two hexadecimal digits at `digits` say, -1 where the first two characters are none.
 * The second is only looked at behind a digit: a text's end is none. */
int hex_byte(const char *digits);

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that senders cannot steer. */
uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t len);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t time_now_ns(void);

/* Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, in uint32_t[4] as the maps keep
 * them. */
#define ADDRESS_TEXT_MAX 64
bool address_is_v4(const uint32_t addr[4]);
void address_from_v4(uint32_t addr[4], uint32_t v4_be);
/* Text form: dotted quad or RFC 5952. buf of ADDRESS_TEXT_MAX bytes; returns buf. */
const char *address_format(const uint32_t addr[4], char *buf);
/* "10.0.0.1", "2001:db8::1"; 0 or -EINVAL. */
int address_parse(const char *text, uint32_t addr[4]);
/* "10.0.0.0/8" or a bare address; prefixlen_bits counts in the 128-bit form (an IPv4 /24 is 120). 0
 * or -EINVAL; host bits set beyond the prefix are -EINVAL too. */
int prefix_parse(const char *text, uint32_t addr[4], unsigned int *prefixlen_bits);

/* "10m", "500ms", "2h" to nanoseconds; "300KB/s", "10Mbit" to bytes per second; "64KB", "16KiB" to
 * bytes. 0 or -EINVAL, -ERANGE. */
int duration_parse(const char *text, uint64_t *ns);
int rate_parse(const char *text, uint64_t *bytes_per_second);
int size_parse(const char *text, uint64_t *bytes);

/*
 * Whether n bytes (56 to 256) could be random ones: set bits, printable characters, distinct values
 * and how evenly each half of the bytes is spread. Random bytes fail with a probability below 2^-11
 * (96 of them: 2^-13).
 */
bool bytes_look_random(const uint8_t *data, size_t n);

#endif
