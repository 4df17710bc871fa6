/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of a control connection that announces others (FTP, IRC, RTSP, SIP): zeroed memory of
 * size bytes in *state, which the module's release() frees. NULL when there is none, or when
 * nobody is to be told what is announced.
 */
#ifndef WEIR_APP_CONTROL_H
#define WEIR_APP_CONTROL_H

#include "app/app.h"

/* For undecided(): anew each time, for it is shown the flow from its first byte each time. Asks for
 * the flow to be inspected. */
void *control_begin(const struct app_services *s, void **state, size_t size,
		    struct app_finding *finding);
/* For inspected(): as it was left. Where nobody is to be told, the module is done. */
void *control_resume(const struct app_services *s, void **state, size_t size,
		     struct app_finding *finding);

#endif
