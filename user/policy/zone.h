/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A time zone of the system's database, read from its file (RFC 8536): the C library knows one zone
 * at a time, the process's, and changing that would change it for all threads.
 */
#ifndef WEIR_POLICY_ZONE_H
#define WEIR_POLICY_ZONE_H

#include <stdint.h>

struct zone;
/* name as in "Europe/Berlin"; "" = the machine's own (TZ, /etc/localtime). Heap. -ENOENT: the
 * database does not have it; -EINVAL: its file cannot be read. */
int zone_open(const char *name, struct zone **out);
void zone_free(struct zone *z);
/* Seconds that local time is ahead of UTC at a moment (seconds since 1970). */
int32_t zone_offset(const struct zone *z, int64_t time);

#endif
