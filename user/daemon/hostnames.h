/* SPDX-License-Identifier: GPL-2.0-only */
/* Host names of live flows, by flow id: bounded. When two flows share a place, the later one is
 * kept.
 */
#ifndef WEIR_DAEMON_HOSTNAMES_H
#define WEIR_DAEMON_HOSTNAMES_H

#include <stddef.h>
#include <stdint.h>

struct hostnames;
/* NULL on ENOMEM. places: a power of two. */
struct hostnames *hostnames_new(size_t places);
void hostnames_free(struct hostnames *h);
/* Copies the name; short of memory it is not kept. source: enum flow_name_source. */
void hostnames_put(struct hostnames *h, uint64_t flow_id, const char *name, uint8_t source);
/* "" when it is not known; valid until the next put. source may be NULL. h may be NULL. */
const char *hostnames_get(const struct hostnames *h, uint64_t flow_id, uint8_t *source);

#endif
