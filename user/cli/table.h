/* SPDX-License-Identifier: GPL-2.0-only */
/* Aligned columns, and numbers for people. Private to user/cli. */
#ifndef WEIR_CLI_TABLE_H
#define WEIR_CLI_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "util/util.h"

struct table;
/* headers: NULL-terminated; one that begins with '>' is aligned to the right (and shown without
 * it). Heap; NULL on ENOMEM, which every other call takes and ignores. */
struct table *table_new(const char *const *headers);
void table_free(struct table *t);
/* The next cell, row by row. What is not printable is shown as '?'. */
void table_cell(struct table *t, const char *fmt, ...) _printf_(2, 3);
void table_print(const struct table *t, FILE *out);

#define HUMAN_MAX 32
/* "0", "999", "1.2k", "34.5M": at most five characters, base 1000. */
const char *human_count(double n, char buf[HUMAN_MAX]);
/* "1.2 MB". */
const char *human_bytes(double n, char buf[HUMAN_MAX]);
/* "3.4 Mbit/s". */
const char *human_bits(double bits_per_second, char buf[HUMAN_MAX]);
/* "0.3s", "59s", "3m12s", "2h03m", "5d04h". */
const char *human_age(double seconds, char buf[HUMAN_MAX]);
/* "192.0.2.1:80", "[2001:db8::1]:80"; port 0: the address alone. */
const char *human_endpoint(const char *address, json_int_t port, char *buf, size_t cap);

/* Members of an answer; "" or 0 where they are missing or of another type. */
const char *json_text(const json_t *o, const char *key);
json_int_t json_number(const json_t *o, const char *key);
double json_real_number(const json_t *o, const char *key);
bool json_flag(const json_t *o, const char *key);

#endif
