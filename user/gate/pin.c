// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pin folder: PINS/maps/NAME, PINS/progs/NAME, PINS/links/NAME_SUFFIX. Maps are pinned into a
 * folder beside it that is renamed when complete, and withdrawn the same way, so that PINS/maps is
 * there as a whole or not at all, whenever the process dies.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "gate/gate_private.h"

static const char *const dir_names[] = {
	[GATE_PIN_MAPS] = "maps", [GATE_PIN_PROGS] = "progs", [GATE_PIN_LINKS] = "links"};

/* Folders that are only there between two steps. */
#define MAPS_NEW  "maps_new"
#define MAPS_OLD  "maps_old"
#define MAPS_KEPT "maps_kept"

static _printf_(2, 3) int path_format(char path[GATE_PATH_MAX], const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(path, GATE_PATH_MAX, fmt, args);
	va_end(args);
	return n < 0 || n >= GATE_PATH_MAX ? -ENAMETOOLONG : 0;
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Removes a flat folder of pins; one that is not there is fine. */
static void dir_remove(const char *pins, const char *name)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	char path[GATE_PATH_MAX], entry[GATE_PATH_MAX];
	struct dirent *d;

	if (path_format(path, "%s/%s", pins, name))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (path_format(entry, "%s/%s", path, d->d_name) || unlink(entry))
			log_warning("%s/%s stays pinned: %s", path, d->d_name, strerror(errno));
	}
	if (rmdir(path))
		log_warning("%s stays: %s", path, strerror(errno));
}

static int dir_make(const char *path, struct error *e)
{
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	return error_set(e, -errno, "cannot make %s: %s", path, strerror(errno));
}

static int check_bpffs(const char *path, struct error *e)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	if ((uint32_t)fs.f_type == BPF_FS_MAGIC)
		return 0;
	return error_set(e, -ENOTSUP,
			 "%s is not on a BPF file system: `mount -t bpf bpf /sys/fs/bpf` (`ip "
			 "netns exec` hides it: use `nsenter --net=/run/netns/NAME`)",
			 path);
}

/* Makes the missing parents of path; only below a bpffs, never in the middle of another tree. */
static int make_parents(const char *pins, struct error *e)
{
	char path[GATE_PATH_MAX];
	struct stat st;
	int r;

	if (pins[0] != '/' || path_format(path, "%s", pins))
		return error_set(e, -EINVAL, "pin folder %s: not an absolute path of usual length",
				 pins);
	while (stat(path, &st)) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || slash == path)
			return error_set(e, -errno, "%s: %s", path, strerror(errno));
		*slash = '\0';
	}
	r = check_bpffs(path, e);
	for (size_t i = strlen(path); !r && pins[i]; i++) {
		if (i == 0 || pins[i] != '/')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)i, pins);
		r = dir_make(path, e);
	}
	return r ? r : dir_make(pins, e);
}

int gate_pins_lock(const char *pins, struct error *e)
{
	_cleanup_close_ int fd = open(pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set(e, -errno, "%s: %s", pins, strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return TAKE_FD(fd);
	if (errno == EWOULDBLOCK)
		return error_set(e, -EBUSY, "another daemon has the gate under %s", pins);
	return error_set(e, -errno, "cannot lock %s: %s", pins, strerror(errno));
}

/* The lock comes before the first change in the folder: a live daemon's stays as it is. */
int gate_pins_prepare(const char *pins, int *lock, struct error *e)
{
	char path[GATE_PATH_MAX], maps[GATE_PATH_MAX];
	int r = make_parents(pins, e);

	if (!r)
		r = gate_pins_lock(pins, e);
	if (r < 0)
		return r;
	*lock = r;
	r = 0;
	for (size_t i = GATE_PIN_PROGS; !r && i < ARRAY_SIZE(dir_names); i++) {
		r = path_format(path, "%s/%s", pins, dir_names[i]);
		if (!r)
			r = dir_make(path, e);
	}
	if (r)
		return r;
	/* Dead between two steps of replacing the maps: the old ones are still those in use. */
	if (!gate_pins_exist(pins) && !path_format(path, "%s/" MAPS_KEPT, pins) &&
	    !path_format(maps, "%s/maps", pins) && rename(path, maps) && errno != ENOENT)
		return error_set(e, -errno, "cannot rename %s: %s", path, strerror(errno));
	dir_remove(pins, MAPS_NEW);
	dir_remove(pins, MAPS_OLD);
	dir_remove(pins, MAPS_KEPT);
	return 0;
}

void gate_pins_tidy(const char *pins)
{
	char path[GATE_PATH_MAX];

	/* What is not empty is in use and stays. */
	for (size_t i = GATE_PIN_PROGS; i < ARRAY_SIZE(dir_names); i++)
		if (!path_format(path, "%s/%s", pins, dir_names[i]))
			rmdir(path);
	rmdir(pins);
}

bool gate_pins_exist(const char *pins)
{
	char path[GATE_PATH_MAX];

	return !path_format(path, "%s/maps", pins) && !access(path, F_OK);
}

int gate_pins_open_maps(struct gate *g, struct error *e)
{
	char path[GATE_PATH_MAX];

	for (int i = 0; i < GATE_MAP_COUNT; i++) {
		int r = path_format(path, "%s/maps/%s", g->pins, gate_map_name(i));

		if (r)
			return r;
		g->pinned[i] = bpf_obj_get(path);
		g->pins_differ |= g->pinned[i] < 0;
		if (g->pinned[i] < 0 && errno != ENOENT)
			return error_set(e, -errno, "pinned map %s: %s: run `weir detach` first",
					 path, strerror(errno));
	}
	return 0;
}

/* Puts the folder `fresh` at path, in one step where something is there already (Linux 5.16). */
static int dir_replace(const char *pins, const char *fresh, const char *path)
{
	char old[GATE_PATH_MAX];
	int r = path_format(old, "%s/" MAPS_KEPT, pins);

	if (r)
		return r;
	if (access(path, F_OK))
		return rename(fresh, path) ? -errno : 0;
	if (!renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE)) {
		dir_remove(pins, MAPS_NEW);
		return 0;
	}
	if (rename(path, old))
		return -errno;
	if (rename(fresh, path)) {
		r = -errno;
		rename(old, path);
		return r;
	}
	dir_remove(pins, MAPS_KEPT);
	return 0;
}

int gate_pins_save_maps(struct gate *g, struct error *e)
{
	char fresh[GATE_PATH_MAX], path[GATE_PATH_MAX];
	int r = path_format(fresh, "%s/" MAPS_NEW, g->pins);

	if (!r)
		r = dir_make(fresh, e);
	for (int i = 0; !r && i < GATE_MAP_COUNT; i++) {
		r = path_format(path, "%s/%s", fresh, gate_map_name(i));
		if (!r && bpf_obj_pin(g->maps[i], path))
			r = error_set(e, -errno, "cannot pin %s: %s", path, strerror(errno));
	}
	if (!r)
		r = path_format(path, "%s/maps", g->pins);
	if (!r) {
		r = dir_replace(g->pins, fresh, path);
		if (r)
			error_set(e, r, "cannot rename %s: %s", fresh, strerror(-r));
	}
	if (r)
		dir_remove(g->pins, MAPS_NEW);
	return r;
}

int gate_pin_replace(int fd, const char *path)
{
	char fresh[GATE_PATH_MAX];
	int r = path_format(fresh, "%s_new", path);

	if (r)
		return r;
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	if (!rename(fresh, path))
		return 0;
	r = -errno;
	unlink(fresh);
	return r;
}

int gate_pins_save_progs(struct gate *g, struct error *e)
{
	char path[GATE_PATH_MAX];

	for (int i = 0; i < GATE_PROG_COUNT; i++) {
		int r;

		if (g->progs[i] < 0)
			continue;
		r = path_format(path, "%s/progs/%s", g->pins, gate_prog_name(i));
		if (!r)
			r = gate_pin_replace(g->progs[i], path);
		if (r)
			return error_set(e, r, "cannot pin %s: %s", path, strerror(-r));
	}
	return 0;
}

int gate_link_path(const char *pins, const char *name, const char *suffix, char path[GATE_PATH_MAX])
{
	int r;

	if (!name[0] || strchr(name, '/'))
		return -EINVAL;
	r = path_format(path, "%s/links/%s_%s", pins, name, suffix);
	/* bpffs keeps dots for itself; an interface name cannot have a colon. */
	for (char *c = path + strlen(pins); !r && *c; c++)
		if (*c == '.')
			*c = ':';
	return r;
}

int gate_links_each(const char *pins, const char *suffix, int (*fn)(const char *path, void *arg),
		    void *arg)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	char path[GATE_PATH_MAX];
	struct dirent *d;
	int r = path_format(path, "%s/links", pins);

	dir = r ? NULL : opendir(path);
	if (!dir)
		return r ? r : errno == ENOENT ? 0 : -errno;
	while (!r && (d = readdir(dir))) {
		const char *underscore = strrchr(d->d_name, '_');

		if (!underscore || strcmp(underscore + 1, suffix))
			continue;
		r = path_format(path, "%s/links/%s", pins, d->d_name);
		if (!r)
			r = fn(path, arg);
	}
	return r;
}

void gate_pins_remove(const char *pins)
{
	char maps[GATE_PATH_MAX], old[GATE_PATH_MAX];

	if (path_format(maps, "%s/maps", pins) || path_format(old, "%s/" MAPS_OLD, pins))
		return;
	dir_remove(pins, dir_names[GATE_PIN_LINKS]);
	dir_remove(pins, dir_names[GATE_PIN_PROGS]);
	if (rename(maps, old) && errno != ENOENT)
		log_warning("%s stays pinned: %s", maps, strerror(errno));
	dir_remove(pins, MAPS_OLD);
	dir_remove(pins, MAPS_NEW);
	dir_remove(pins, MAPS_KEPT);
	if (rmdir(pins) && errno != ENOENT)
		log_warning("%s stays: %s", pins, strerror(errno));
}
