// SPDX-License-Identifier: GPL-2.0-only
/* What the policy names outside itself: signature files, the event file. */
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

static int protocols_read(struct draft *d, const struct yaml_node *n)
{
	/* In the order of POLICY_EVENT_*. */
	static const char *const choices[] = {"tls", "http", "dns"};
	int err = n ? draft_list(d, n, "protocols") : 0;

	for (size_t i = 0; n && err == 0 && i < n->count; i++) {
		unsigned int which = 0;

		err = draft_choice(d, n->items[i], "protocols", choices, ARRAY_SIZE(choices),
				   &which);
		d->policy->event_protocols |= 1u << which;
	}
	return err;
}

static int events_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	static const char *const known[] = {"file", "protocols", NULL};
	const struct yaml_node *file = yaml_get(n, "file");
	const char *text = NULL;
	int err = n ? draft_mapping(d, n, "events", known) : 0;

	if (err < 0 || !n)
		return err;
	if (!file)
		return draft_error(d, n, "events: `file` is missing");
	err = yaml_string(d->file, file, "file", &text, d->e);
	if (err < 0)
		return err;
	if (!text[0])
		return draft_error(d, file, "file: expected a file name, found \"\"");
	d->policy->events_file = strdup(text);
	return d->policy->events_file ? protocols_read(d, yaml_get(n, "protocols"))
				      : draft_memory(d);
}

POLICY_SECTION(events) = {.key = "events", .read = events_read, POLICY_LIVE};
