/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of a control connection that announces data connections (FTP, IRC, RTSP, SIP): zeroed
 * memory of size bytes in *state, which the module's release() frees. Both return NULL when out of
 * memory or when nothing is learned (s->expect NULL).
 */
#ifndef WEIR_APP_CONTROL_H
#define WEIR_APP_CONTROL_H

#include "app/app.h"

/* For undecided(): new state on each call, because undecided() is shown the flow from its first
 * byte on each call. Asks for the flow to be inspected. */
void *control_begin(const struct app_services *s, void **state, size_t size,
		    struct app_finding *finding);
/* For inspected(): the existing state. If nothing is learned, sets finding->done. */
void *control_resume(const struct app_services *s, void **state, size_t size,
		     struct app_finding *finding);

#endif
