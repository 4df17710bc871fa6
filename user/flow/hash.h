/* SPDX-License-Identifier: GPL-2.0-only */
/* A keyed hash that senders cannot steer, for user/flow alone. */
#ifndef WEIR_FLOW_HASH_H
#define WEIR_FLOW_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t hash_keyed(const uint64_t key[2], const void *data, size_t len);

#endif
