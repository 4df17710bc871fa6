/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for all layers: cleanup attributes, errors with a text, addresses, time, log. Knows
 * nothing of weir. */
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

/* Cleanup attributes for locals that own something: initialise them to NULL or -1, and hand
 * ownership on with TAKE_PTR / TAKE_FD. Never use goto in a function that has them. */
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

/* A message that accompanies the errno a function returns. Starts zeroed; the function that first
 * knows the cause fills it. */
struct error {
	char text[512];
};
/* Formats the message unless there is one already, and returns err, a negative errno. e may be
 * NULL. */
int error_set(struct error *e, int err, const char *fmt, ...) _printf_(3, 4);

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
void log_set_level(enum log_level level);
/* Writes one line to stderr: "weir: LEVEL: text". Never call it in a worker's packet path. */
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);
#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* The candidate nearest to text (edit distance of at most a third of its length, at least 1), or
 * NULL; for messages about unknown names. */
const char *text_nearest(const char *text, const char *const *candidates, size_t count);

/* The value of two hexadecimal digits; -1 if one of the two characters is none. The second
 * character is read only if the first is a digit, so a string may end there. */
int hex_byte(const char *digits);

/*
 * Shared memory of a fixed size: a memfd (close-on-exec, not executable) whose size is sealed.
 * Pages are allocated at the first access. A descriptor, or a negative errno.
 */
int memfd_new(const char *name, uint64_t bytes);
/* Whether the size of fd can no longer change. */
bool memfd_is_sealed(int fd);

/* SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash whose collisions senders cannot
 * construct. */
uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t len);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t time_now_ns(void);

/* Addresses are 16 bytes in network order in a uint32_t[4], as in the maps; IPv4 as
 * ::ffff:a.b.c.d. */
#define ADDRESS_TEXT_MAX 64
bool address_is_v4(const uint32_t addr[4]);
void address_from_v4(uint32_t addr[4], uint32_t v4_be);
/* Formats an address as dotted quad or by RFC 5952. buf: ADDRESS_TEXT_MAX bytes. Returns buf. */
const char *address_format(const uint32_t addr[4], char *buf);
/* Parses "10.0.0.1", "2001:db8::1". 0 or -EINVAL. */
int address_parse(const char *text, uint32_t addr[4]);
/* Parses "10.0.0.0/8" or a single address. prefixlen_bits counts in the 128-bit form (an IPv4 /24
 * is 120). 0 or -EINVAL; -EINVAL also if bits after the prefix are set. */
int prefix_parse(const char *text, uint32_t addr[4], unsigned int *prefixlen_bits);

/* Parse quantities: "10m", "500ms", "2h" to nanoseconds; "300KB/s", "10Mbit" to bytes per second;
 * "64KB", "16KiB" to bytes. 0, -EINVAL or -ERANGE. */
int duration_parse(const char *text, uint64_t *ns);
int rate_parse(const char *text, uint64_t *bytes_per_second);
int size_parse(const char *text, uint64_t *bytes);

/*
 * Whether n bytes (56 to 256) look random: number of set bits, of printable characters and of
 * distinct values, and the distribution of each half byte. Random bytes fail with a probability
 * below 2^-11 (96 of them: 2^-13).
 */
bool bytes_look_random(const uint8_t *data, size_t n);

#endif
