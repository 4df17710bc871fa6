// SPDX-License-Identifier: GPL-2.0-only
#include "port/changes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHANGES_VERSION 1

struct port_changes {
	char *path;
	json_t *list; /* oldest first */
	const struct changes_kind *kinds;
	void *arg;
};

static void json_putp(json_t **j)
{
	json_decref(*j);
}

static void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static const char *text(const json_t *change, const char *key)
{
	const char *s = json_string_value(json_object_get(change, key));

	return s ? s : "";
}

static const struct changes_kind *kind_of(const struct port_changes *c, const json_t *change)
{
	for (const struct changes_kind *k = c->kinds; k->kind; k++)
		if (!strcmp(k->kind, text(change, "kind")))
			return k;
	return NULL;
}

/* ---- the file ---- */

static int make_parent(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return -ENOMEM;
	if (!slash || slash == dir)
		return 0;
	*slash = 0;
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_text(const char *path, const char *content)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(content), done = 0;

	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, content + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Replaces the file in one step, or removes it when there is nothing to remember. */
static int save(const struct port_changes *c)
{
	_cleanup_(json_putp) json_t *doc = NULL;
	_cleanup_free_ char *content = NULL, *tmp = NULL;
	int err;

	if (!json_array_size(c->list))
		return unlink(c->path) < 0 && errno != ENOENT ? -errno : 0;
	doc = json_pack("{s:i, s:O}", "version", CHANGES_VERSION, "changes", c->list);
	content = doc ? json_dumps(doc, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	if (!content || asprintf(&tmp, "%s.new", c->path) < 0) {
		tmp = NULL;
		return -ENOMEM;
	}
	err = write_text(tmp, content);
	if (!err && rename(tmp, c->path) < 0)
		err = -errno;
	if (err)
		unlink(tmp);
	return err;
}

static bool list_is_sound(const struct port_changes *c, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *change = json_array_get(list, i);

		if (!kind_of(c, change) || !text(change, "interface")[0])
			return false;
	}
	return json_is_array(list);
}

static int load(struct port_changes *c, struct error *e)
{
	_cleanup_(file_closep) FILE *f = fopen(c->path, "re");
	_cleanup_(json_putp) json_t *doc = NULL;
	json_t *list;

	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return error_set(e, -errno, "%s: %s", c->path, strerror(errno));
	doc = json_loadf(f, JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(doc, "changes");
	if (json_integer_value(json_object_get(doc, "version")) != CHANGES_VERSION ||
	    !list_is_sound(c, list))
		return error_set(e, -EINVAL,
				 "%s: not a file of changes as this version writes it; undo what "
				 "it lists by hand and remove it",
				 c->path);
	json_decref(c->list);
	c->list = json_incref(list);
	return 0;
}

/* ---- the journal ---- */

void port_changes_close(struct port_changes *c)
{
	if (!c)
		return;
	json_decref(c->list);
	free(c->path);
	free(c);
}

static void changes_closep(struct port_changes **c)
{
	port_changes_close(*c);
}

int changes_open(const char *path, const struct changes_kind *kinds, void *arg,
		 struct port_changes **out, struct error *e)
{
	_cleanup_(changes_closep) struct port_changes *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->kinds = kinds;
	c->arg = arg;
	c->path = strdup(path);
	c->list = json_array();
	if (!c->path || !c->list)
		return -ENOMEM;
	err = make_parent(path);
	if (err)
		return error_set(e, err, "cannot make the folder of %s: %s", path, strerror(-err));
	err = load(c, e);
	if (err)
		return err;
	*out = TAKE_PTR(c);
	return 0;
}

int port_changes_open(const char *path, struct port_changes **out, struct error *e)
{
	return changes_open(path, changes_kinds, NULL, out, e);
}

int changes_add(struct port_changes *c, json_t *change)
{
	_cleanup_(json_putp) json_t *owned = change;
	int err;

	if (!owned)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(c->list); i++)
		if (json_equal(json_array_get(c->list, i), owned))
			return 0;
	if (json_array_append(c->list, owned) < 0)
		return -ENOMEM;
	err = save(c);
	if (err) {
		json_array_remove(c->list, json_array_size(c->list) - 1);
		log_error("cannot write %s: %s", c->path, strerror(-err));
	}
	return err;
}

static ssize_t find(const struct port_changes *c, const char *kind, const char *interface)
{
	for (size_t i = json_array_size(c->list); i-- > 0;) {
		const json_t *change = json_array_get(c->list, i);

		if (!strcmp(text(change, "kind"), kind) &&
		    !strcmp(text(change, "interface"), interface))
			return (ssize_t)i;
	}
	return -1;
}

const json_t *changes_find(const struct port_changes *c, const char *kind, const char *interface)
{
	ssize_t i = find(c, kind, interface);

	return i < 0 ? NULL : json_array_get(c->list, (size_t)i);
}

void changes_forget(struct port_changes *c, const char *kind, const char *interface)
{
	ssize_t i = find(c, kind, interface);

	if (i < 0)
		return;
	json_array_remove(c->list, (size_t)i);
	/* The file then remembers one change too many, which undoing tolerates. */
	if (save(c) < 0)
		log_warning("cannot rewrite %s", c->path);
}

static bool concerns(const json_t *change, const char *name)
{
	return !strcmp(text(change, "interface"), name) || !strcmp(text(change, "peer"), name);
}

/* A change that cannot be taken back stays in the file; the others are still undone. */
static int undo(struct port_changes *c, const char *name)
{
	int first_err = 0, err;

	for (size_t i = json_array_size(c->list); i-- > 0;) {
		const json_t *change = json_array_get(c->list, i);

		if (name && !concerns(change, name))
			continue;
		err = kind_of(c, change)->undo(change, c->arg);
		if (err) {
			log_error("cannot undo \"%s\" of %s: %s", text(change, "kind"),
				  text(change, "interface"), strerror(-err));
			first_err = first_err ? first_err : err;
			continue;
		}
		json_array_remove(c->list, i);
		err = save(c);
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

int port_changes_undo(struct port_changes *c)
{
	return undo(c, NULL);
}

int port_changes_undo_interface(struct port_changes *c, const char *name)
{
	return undo(c, name);
}
