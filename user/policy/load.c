// SPDX-License-Identifier: GPL-2.0-only
/* From a file to a policy. Everything is checked before the application registry changes. */
#include <time.h>

#include "app/app.h"
#include "policy/draft.h"

static void draft_fini(struct draft *d)
{
	policy_free(d->policy);
	free(d->atoms);
	free(d->prefixes);
	free(d->rules);
	free(d->class_atoms);
	draft_traits_free(d);
}

static void file_closep(struct yaml_file **f)
{
	yaml_close(*f);
}

static void registry_freep(struct app_registry **r)
{
	app_registry_free(*r);
}

static void signatures_freep(struct signatures **s)
{
	signatures_free(*s);
}

static int version_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	unsigned long version;

	return yaml_uint(d->file, n, "version", 1, 1, &version, d->e);
}

POLICY_SECTION(version) = {
	.key = "version",
	.phase = POLICY_VERSION,
	.required = true,
	.read = version_read,
	POLICY_LIVE,
};

/* Everything but the names of applications. */
static int draft_read(struct draft *d)
{
	int err;

	d->policy = calloc(1, sizeof(*d->policy));
	if (!d->policy || !(d->policy->path = strdup(yaml_name(d->file))))
		return draft_memory(d);
	err = draft_sections_new(d);
	return err < 0 ? err : draft_read_sections(d);
}

static int draft_compile(struct draft *d, const struct app_registry *r)
{
	int err = draft_resolve(d, r);

	if (err == 0)
		err = draft_compile_classes(d);
	if (err == 0)
		err = draft_compile_traits(d);
	return err < 0 ? err : draft_compile_tables(d);
}

/* What the policy can name: the modules' applications and the signature set's. */
static int applications_load(const struct draft *d, struct app_registry *r, struct signatures **out)
{
	const char *const *paths = (const char *const *)d->policy->signatures;
	const struct app_module *const *m;
	int err = 0;

	for (m = app_modules(); *m && err >= 0; m++)
		err = app_registry_add(r, (*m)->name, (*m)->category);
	if (err < 0)
		return error_set(d->e, err, "%s: no room for more applications",
				 yaml_name(d->file));
	if (d->policy->signature_count == 0)
		return signatures_load_builtin(r, out, d->e);
	return signatures_load(paths, d->policy->signature_count, r, out, d->e);
}

/*
 * Checks against a registry of its own, so that a policy means the same whatever was loaded before,
 * and one that is refused leaves no trace.
 */
static int draft_rehearse(struct draft *d)
{
	_cleanup_(registry_freep) struct app_registry *r = app_registry_new();
	_cleanup_(signatures_freep) struct signatures *s = NULL;
	int err;

	if (!r)
		return draft_memory(d);
	err = applications_load(d, r, &s);
	return err < 0 ? err : draft_compile(d, r);
}

/* The same for the numbers of r. Nothing in the file can be wrong any more. */
static int draft_perform(struct draft *d, struct app_registry *r, struct signatures **out)
{
	_cleanup_(signatures_freep) struct signatures *s = NULL;
	int err = applications_load(d, r, &s);

	d->warnings = NULL;
	if (err == 0)
		err = draft_resolve(d, r);
	if (err == 0)
		err = draft_compile_tables(d);
	if (err < 0)
		return err;
	policy_schedule_apply(d->policy, time(NULL));
	*out = TAKE_PTR(s);
	return 0;
}

int policy_reload(const char *path, const struct policy *running, struct app_registry *r,
		  struct policy **out, struct signatures **signatures, FILE *warnings,
		  struct error *e)
{
	_cleanup_(file_closep) struct yaml_file *file = NULL;
	_cleanup_(signatures_freep) struct signatures *s = NULL;
	_cleanup_(draft_fini) struct draft d = {.warnings = warnings, .e = e};
	int err = yaml_open(path, &file, e);

	if (err < 0)
		return err;
	d.file = file;
	err = draft_read(&d);
	if (err == 0 && running)
		err = draft_fits(&d, running);
	if (err == 0)
		err = draft_rehearse(&d);
	if (err == 0)
		err = draft_perform(&d, r, &s);
	if (err < 0)
		return err;
	*out = TAKE_PTR(d.policy);
	*signatures = TAKE_PTR(s);
	return 0;
}

int policy_load(const char *path, struct app_registry *r, struct policy **out,
		struct signatures **signatures, FILE *warnings, struct error *e)
{
	return policy_reload(path, NULL, r, out, signatures, warnings, e);
}

int policy_parse(const char *name, const char *text, size_t len, const struct app_registry *r,
		 struct policy **out, FILE *warnings, struct error *e)
{
	_cleanup_(file_closep) struct yaml_file *file = NULL;
	_cleanup_(draft_fini) struct draft d = {.warnings = warnings, .e = e};
	int err = yaml_parse(name, text, len, &file, e);

	if (err < 0)
		return err;
	d.file = file;
	err = draft_read(&d);
	if (err == 0)
		err = draft_compile(&d, r);
	if (err == 0)
		*out = TAKE_PTR(d.policy);
	return err;
}
