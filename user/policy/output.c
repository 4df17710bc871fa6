// SPDX-License-Identifier: GPL-2.0-only
/* What the policy names outside itself: signature files. */
#include "policy/draft.h"

/* path as seen from the policy file's folder; as it is when absolute. */
static char *path_beside(const char *policy, const char *path)
{
	const char *slash = strrchr(policy, '/');
	char *out = NULL;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&out, "%.*s/%s", (int)(slash - policy), policy, path) < 0)
		return NULL;
	return out;
}

static int signature_read(struct draft *d, const struct yaml_node *n)
{
	struct policy *p = d->policy;
	_cleanup_free_ char *beside = NULL;
	const char *path = NULL;
	int err = yaml_string(d->file, n, "signatures", &path, d->e);

	if (err < 0)
		return err;
	if (!path[0])
		return draft_error(d, n, "signatures: expected a file name, found \"\"");
	beside = path_beside(yaml_name(d->file), path);
	if (!beside)
		return draft_memory(d);
	if (access(beside, F_OK) < 0) {
		if (path[0] == '/' || access(path, F_OK) < 0)
			return draft_error(d, n, "signatures: cannot find `%.256s`", path);
		free(beside);
		beside = strdup(path);
		if (!beside)
			return draft_memory(d);
	}
	p->signatures[p->signature_count++] = TAKE_PTR(beside);
	return 0;
}

static int signatures_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	int err;

	if (!n)
		return 0;
	err = yaml_sequence(d->file, n, "signatures", d->e);
	if (err < 0)
		return err;
	if (n->count == 0)
		return draft_error(d, n,
				   "signatures: expected at least one file; leave the key out for "
				   "the built-in set");
	d->policy->signatures = calloc(n->count, sizeof(*d->policy->signatures));
	if (!d->policy->signatures)
		return draft_memory(d);
	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = signature_read(d, n->items[i]);
	return err;
}

POLICY_SECTION(signatures) = {.key = "signatures", .read = signatures_read, POLICY_LIVE};
