// SPDX-License-Identifier: GPL-2.0-only
/* Several objects, one set of maps: the first object that names a map makes it, the others (and an
 * adopting gate's first) are given its descriptor before they are loaded. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "account.skel.h"
#include "gate.skel.h"
#include "gate/gate_private.h"
#include "queue.skel.h"
#include "sweep.skel.h"

static const char *const map_names[] = {
#define X(id, name, size) name,
	GATE_MAPS(X)
#undef X
};
static const char *const prog_names[] = {
#define X(id, name) name,
	GATE_PROGS(X)
#undef X
};

const char *gate_map_name(enum gate_map id)
{
	return map_names[id];
}

const char *gate_prog_name(enum gate_prog id)
{
	return prog_names[id];
}

static int name_find(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

bool gate_prog_id_is(uint32_t id, enum gate_prog prog)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	/* The kernel keeps 15 characters of a name. */
	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       !strncmp(info.name, prog_names[prog], sizeof(info.name) - 1);
}

static uint32_t map_entries(const struct gate_sizes *s, enum gate_map id)
{
	const uint32_t entries[] = {
#define X(id, name, size) size,
		GATE_MAPS(X)
#undef X
	};

	return entries[id];
}

/* Of a map's flags, those that it is declared with; the kernel adds some to a DEVMAP. */
#define MAP_FLAGS (BPF_F_MMAPABLE | BPF_F_NO_PREALLOC | BPF_F_INNER_MAP)

/* Maps with structures that layout 5 changed without changing their size. */
static bool layout_fits(const struct gate *g, enum gate_map id)
{
	return g->layout == WEIR_ABI || (id != GATE_MAP_DECIDED && id != GATE_MAP_UNDECIDED &&
					 id != GATE_MAP_SCRATCH && id != GATE_MAP_EVENTS);
}

/* Whether a pinned map is what this program's object declares. */
static bool map_fits(const struct gate *g, enum gate_map id, const struct bpf_map *want)
{
	struct bpf_map_info have = {};
	uint32_t len = sizeof(have);
	int fd = g->pinned[id];

	return fd >= 0 && layout_fits(g, id) && !bpf_obj_get_info_by_fd(fd, &have, &len) &&
	       have.type == bpf_map__type(want) && have.key_size == bpf_map__key_size(want) &&
	       have.value_size == bpf_map__value_size(want) &&
	       have.max_entries == bpf_map__max_entries(want) &&
	       !((have.map_flags ^ bpf_map__map_flags(want)) & MAP_FLAGS);
}

static int map_size(struct bpf_map *map, const struct gate_sizes *sizes, struct error *e)
{
	int id = name_find(map_names, GATE_MAP_COUNT, bpf_map__name(map));
	uint32_t entries = id < 0 ? 0 : map_entries(sizes, id);
	int r = entries ? bpf_map__set_max_entries(map, entries) : 0;

	return r ? error_set(e, r, "cannot size map %s: %s", map_names[id], strerror(-r)) : 0;
}

/*
 * weir_ctl says how large the tables are: where one is replaced, the programs that still run over
 * the old ones need the old settings. And a part of the decided table is worth nothing alone.
 */
static bool tables_fit(const struct gate *g, const struct bpf_object *object)
{
	static const enum gate_map tables[] = {GATE_MAP_TAGS, GATE_MAP_DECIDED, GATE_MAP_DONE};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct bpf_map *map =
			bpf_object__find_map_by_name(object, map_names[tables[i]]);

		if (map && !map_fits(g, tables[i], map))
			return false;
	}
	return true;
}

static int map_prepare(struct gate *g, struct bpf_map *map, bool tables, struct error *e)
{
	int id = name_find(map_names, GATE_MAP_COUNT, bpf_map__name(map)), r;

	if (id < 0)
		return 0;
	if (g->maps[id] < 0 && map_fits(g, id, map) &&
	    (tables || (id != GATE_MAP_CTL && id != GATE_MAP_TAGS && id != GATE_MAP_DECIDED)))
		g->maps[id] = TAKE_FD(g->pinned[id]);
	if (g->maps[id] < 0)
		return 0;
	r = bpf_map__reuse_fd(map, g->maps[id]);
	return r ? error_set(e, r, "cannot reuse map %s: %s", map_names[id], strerror(-r)) : 0;
}

static int take_maps(struct gate *g, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		int id = name_find(map_names, GATE_MAP_COUNT, bpf_map__name(map));

		if (id < 0 || g->maps[id] >= 0)
			continue;
		g->maps[id] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		if (g->maps[id] < 0)
			return -errno;
	}
	return 0;
}

static int take_progs(struct gate *g, struct bpf_object *object)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		int id = name_find(prog_names, GATE_PROG_COUNT, bpf_program__name(prog));
		const char *slash = strchr(bpf_program__section_name(prog), '/');

		if (id < 0)
			continue;
		g->progs[id] = fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 3);
		if (g->progs[id] < 0)
			return -errno;
		if (slash)
			snprintf(g->tracepoints[id], sizeof(g->tracepoints[id]), "%s", slash + 1);
	}
	return 0;
}

static void object_closep(struct bpf_object **object)
{
	if (*object)
		bpf_object__close(*object);
}

/* The one load-time setting there is: account's weir_netns. */
static int set_namespace(struct bpf_map *map)
{
	struct stat ns;
	uint32_t inode;

	if (!strstr(bpf_map__name(map), ".rodata"))
		return 0;
	if (stat("/proc/self/ns/net", &ns))
		return -errno;
	inode = (uint32_t)ns.st_ino;
	return bpf_map__set_initial_value(map, &inode, sizeof(inode));
}

static int object_load(struct gate *g, const char *name, const void *elf, size_t elf_bytes,
		       const struct gate_sizes *sizes, struct error *e)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_map *map;
	bool tables;
	int r;

	object = bpf_object__open_mem(elf, elf_bytes, &opts);
	if (!object)
		return error_set(e, -errno, "BPF object %s cannot be read: %s", name,
				 strerror(errno));
	bpf_object__for_each_map(map, object)
	{
		r = set_namespace(map);
		if (r)
			return error_set(e, r, "cannot set up map %s: %s", bpf_map__name(map),
					 strerror(-r));
		r = map_size(map, sizes, e);
		if (r)
			return r;
	}
	tables = tables_fit(g, object);
	bpf_object__for_each_map(map, object)
	{
		r = map_prepare(g, map, tables, e);
		if (r)
			return r;
	}
	r = bpf_object__load(object);
	if (r)
		return error_set(e, r,
				 "the kernel does not load BPF object %s: %s (more with "
				 "debug logging)",
				 name, strerror(-r));
	r = take_maps(g, object);
	if (!r)
		r = take_progs(g, object);
	return r ? error_set(e, r, "BPF object %s: %s", name, strerror(-r)) : 0;
}

static int check_complete(const struct gate *g, struct error *e)
{
	for (int i = 0; i < GATE_MAP_COUNT; i++)
		if (g->maps[i] < 0)
			return error_set(e, -EINVAL, "no BPF object has map %s", map_names[i]);
	for (int i = 0; i <= GATE_PROG_PAIR_FAR; i++)
		if (g->progs[i] < 0)
			return error_set(e, -EINVAL, "no BPF object has program %s", prog_names[i]);
	return 0;
}

int gate_objects_load(struct gate *g, const struct gate_sizes *sizes, struct error *e)
{
	struct error account = {}, sweep = {};
	const void *elf;
	size_t elf_bytes;
	int r;

	elf = gate_bpf__elf_bytes(&elf_bytes);
	r = object_load(g, "gate", elf, elf_bytes, sizes, e);
	if (r)
		return r;
	elf = queue_bpf__elf_bytes(&elf_bytes);
	r = object_load(g, "queue", elf, elf_bytes, sizes, e);
	if (r)
		return r;
	/* Without it weir counts less; it does not forward less. */
	elf = account_bpf__elf_bytes(&elf_bytes);
	if (object_load(g, "account", elf, elf_bytes, sizes, &account))
		log_warning("losses behind a redirect are not counted: %s%s", account.text,
			    access("/sys/kernel/btf/vmlinux", R_OK)
				    ? "; the kernel does not describe its types "
				      "(/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)"
				    : "");
	elf = sweep_bpf__elf_bytes(&elf_bytes);
	if (object_load(g, "sweep", elf, elf_bytes, sizes, &sweep))
		log_warning("flows end when others need their place, and their ends are told no "
			    "sooner: %s",
			    sweep.text);
	return check_complete(g, e);
}
