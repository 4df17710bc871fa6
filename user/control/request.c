// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "control/request.h"

int request_parse(const char *line, size_t len, struct request *out, struct error *e)
{
	json_auto_t *root = NULL;
	json_t *verb, *args;
	json_error_t why;

	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return error_set(e, -EINVAL, "request is not JSON: column %d: %s", why.column,
				 why.text);
	if (!json_is_object(root))
		return error_set(e, -EINVAL, "request is not a JSON object");
	verb = json_object_get(root, "verb");
	if (!json_is_string(verb) || json_string_length(verb) == 0)
		return error_set(e, -EINVAL, "request without a verb");
	args = json_object_get(root, "args");
	if (!args) {
		args = json_object();
		if (!args || json_object_set_new(root, "args", args) < 0)
			return error_set(e, -ENOMEM, "out of memory");
	}
	if (!json_is_object(args))
		return error_set(e, -EINVAL, "args of a request are not a JSON object");
	out->verb = json_string_value(verb);
	out->args = args;
	out->root = TAKE_PTR(root);
	return 0;
}

void request_fini(struct request *r)
{
	json_decref(r->root);
	*r = (struct request){0};
}
