// SPDX-License-Identifier: GPL-2.0-only
/* The control socket's request lines. */
#include <assert.h>
#include <string.h>

#include "control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = {0};
	struct error e = {0};

	if (request_parse((const char *)data, size, &r, &e) < 0) {
		assert(e.text[0] != '\0' && r.root == NULL);
		return 0;
	}
	assert(strlen(r.verb) > 0 && json_is_object(r.args));
	request_fini(&r);
	return 0;
}
