/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP messages that come in pairs. Private to user/audit. */
#ifndef WEIR_AUDIT_ICMP_H
#define WEIR_AUDIT_ICMP_H

#include <stdbool.h>
#include <stdint.h>

/* The type of the reply to a request, or of the request to a reply; -1: it has none. proto:
 * IPPROTO_ICMP or IPPROTO_ICMPV6. */
int icmp_counterpart(uint8_t proto, uint8_t type);
bool icmp_has_counterpart(uint8_t proto, uint8_t type);

#endif
