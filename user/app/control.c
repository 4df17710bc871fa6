// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "app/control.h"

void *control_begin(const struct app_services *s, void **state, size_t size,
		    struct app_finding *finding)
{
	if (!s->expect)
		return NULL;
	free(*state);
	*state = calloc(1, size);
	finding->inspect |= *state != NULL;
	return *state;
}

void *control_resume(const struct app_services *s, void **state, size_t size,
		     struct app_finding *finding)
{
	if (!s->expect) {
		finding->done = true;
		return NULL;
	}
	if (!*state)
		*state = calloc(1, size);
	return *state;
}
