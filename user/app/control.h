/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of a consumer of a control connection that announces data connections (FTP, IRC, RTSP,
 * SIP): zeroed memory of size bytes in *state, which the consumer's release() frees. NULL, and the
 * consumer leaves, when out of memory or when nothing is learned (s->expect NULL).
 */
#ifndef WEIR_APP_CONTROL_H
#define WEIR_APP_CONTROL_H

#include "app/consumer.h"

void *control_state(const struct app_services *s, void **state, size_t size,
		    struct consumer_answer *answer);

#endif
