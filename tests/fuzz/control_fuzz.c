// SPDX-License-Identifier: GPL-2.0-only
/* The control socket's request lines. */
#include "control/request.h"
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = {0};
	struct error e = {0};

	if (request_parse((const char *)data, size, &r, &e) < 0) {
		check(e.text[0] != '\0' && r.root == NULL);
		return 0;
	}
	check(strlen(r.verb) > 0 && json_is_object(r.args));
	request_fini(&r);
	return 0;
}
