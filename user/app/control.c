// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "app/control.h"

void *control_state(const struct app_services *s, void **state, size_t size,
		    struct consumer_answer *answer)
{
	if (s->expect && !*state)
		*state = calloc(1, size);
	if (!s->expect || !*state)
		answer->verb = CONSUMER_LEAVE;
	return s->expect ? *state : NULL;
}
