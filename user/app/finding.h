/* SPDX-License-Identifier: GPL-2.0-only */
/* Fills a finding from an application's name. */
#ifndef WEIR_APP_FINDING_H
#define WEIR_APP_FINDING_H

#include "app/app.h"

/* Sets the finding to the application of this name. False, and f unchanged, if the registry does
 * not have it. */
static inline bool finding_name(const struct app_services *s, const char *name,
				enum weir_method method, unsigned int confidence,
				struct app_finding *f)
{
	int app = app_registry_find(s->registry, name);

	if (app <= 0)
		return false;
	f->app = (uint16_t)app;
	f->method = (uint8_t)method;
	f->confidence = (uint8_t)confidence;
	return true;
}

#endif
