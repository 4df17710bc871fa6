// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "gate/gate_private.h"

#define ENDED_BYTES (sizeof(uint64_t) * (WEIR_WORKERS_MAX * WEIR_PORTS_MAX + 1))

/* What matters of libbpf's errors and warnings comes back as an errno and is told by us; a
 * verifier's log is for whoever asks for it. */
static _printf_(2, 0) int libbpf_log(enum libbpf_print_level level, const char *fmt, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		return 0;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (line[0])
			log_debug("%s", line);
	return 0;
}

static struct gate *gate_new(const char *pins)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->lock = -1;
	for (int i = 0; i < GATE_MAP_COUNT; i++)
		g->maps[i] = g->pinned[i] = -1;
	for (int i = 0; i < GATE_PROG_COUNT; i++)
		g->progs[i] = -1;
	snprintf(g->pins, sizeof(g->pins), "%s", pins);
	pthread_mutex_init(&g->generation_lock, NULL);
	return g;
}

static void *array_map(int fd, size_t bytes, int protection)
{
	void *p = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void array_unmap(const void *p, size_t bytes)
{
	if (p)
		munmap((void *)p, bytes);
}

static int gate_map_arrays(struct gate *g, struct error *e)
{
	const int both = PROT_READ | PROT_WRITE;

	g->ctl = array_map(g->maps[GATE_MAP_CTL], sizeof(*g->ctl), both);
	g->done = array_map(g->maps[GATE_MAP_DONE], 2 * g->slots * sizeof(*g->done), both);
	if (gate_table_map(&g->table, g->maps[GATE_MAP_TAGS], g->maps[GATE_MAP_DECIDED], g->sets,
			   g->ctl ? g->ctl->hash_key : NULL))
		g->table = (struct gate_table){0};
	g->xsk_sent =
		array_map(g->maps[GATE_MAP_XSK_SENT], g->xsk * sizeof(*g->xsk_sent), PROT_READ);
	g->xsk_read = array_map(g->maps[GATE_MAP_XSK_READ], g->xsk * sizeof(*g->xsk_sent), both);
	g->ended = array_map(g->maps[GATE_MAP_ENDED], ENDED_BYTES, both);
	if (g->ctl && g->done && g->table.tags && g->xsk_sent && g->xsk_read && g->ended)
		return 0;
	return error_set(e, -errno,
			 "the kernel does not map BPF arrays into memory (Linux 5.5): %s",
			 strerror(errno));
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	if (g->events)
		ring_buffer__free(g->events);
	gate_table_unmap(&g->table);
	array_unmap(g->ctl, sizeof(*g->ctl));
	array_unmap(g->done, 2 * g->slots * sizeof(*g->done));
	array_unmap(g->xsk_sent, g->xsk * sizeof(*g->xsk_sent));
	array_unmap(g->xsk_read, g->xsk * sizeof(*g->xsk_sent));
	array_unmap(g->ended, ENDED_BYTES);
	for (int i = 0; i < GATE_MAP_COUNT; i++) {
		util_closep(&g->maps[i]);
		util_closep(&g->pinned[i]);
	}
	for (int i = 0; i < GATE_PROG_COUNT; i++)
		util_closep(&g->progs[i]);
	util_closep(&g->lock);
	pthread_mutex_destroy(&g->generation_lock);
	free(g);
}

static void gate_closep(struct gate **g)
{
	gate_close(*g);
}

static int ctl_init(struct gate *g, struct error *e)
{
	uint64_t keys[WEIR_HASH_KEYS];

	if (getrandom(keys, sizeof(keys), 0) != sizeof(keys))
		return error_set(e, -EIO, "no random numbers: %s", strerror(errno));
	memcpy(g->ctl->hash_key, keys, sizeof(keys));
	g->ctl->slots_mask = g->slots - 1;
	g->ctl->sets_mask = g->sets - 1;
	g->ctl->abi = WEIR_ABI;
	return 0;
}

static int check_sizes(const struct gate_sizes *s, struct error *e)
{
	if (!s->slots || s->slots & (s->slots - 1))
		return error_set(e, -EINVAL, "slots: %u is not a power of two", s->slots);
	if (!s->decided || !s->undecided || !s->reconnects || !s->endpoints || !s->blocks ||
	    !s->fragments || !s->parked || !s->xsk)
		return error_set(e, -EINVAL, "a table of the gate has no entries");
	return 0;
}

/* From here on the machine changes: everything that can fail for a reason of size, layout or kernel
 * has been tried. */
static int gate_commit(struct gate *g, bool adopt, struct error *e)
{
	int r = adopt && !g->pins_differ ? 0 : gate_pins_save_maps(g, e);

	if (!r)
		r = gate_pins_save_progs(g, e);
	if (!r && adopt)
		r = gate_xdp_refresh(g, e);
	if (!r && adopt)
		r = gate_tc_refresh(g, e);
	if (!r)
		gate_account_attach(g);
	return r;
}

/* Everything up to, but without, a change that others see. */
static int gate_load(struct gate *g, const struct gate_sizes *sizes, bool adopt, struct error *e)
{
	int r = 0;

	g->slots = sizes->slots;
	g->sets = gate_table_sets(sizes->decided);
	g->xsk = sizes->xsk;
	g->cpus = libbpf_num_possible_cpus();
	if (g->cpus < 0)
		return error_set(e, g->cpus, "cannot count the CPUs: %s", strerror(-g->cpus));
	if (adopt)
		r = gate_pins_open_maps(g, e);
	if (!r && adopt)
		r = gate_adopt_check(g, e);
	if (!r)
		r = gate_objects_load(g, sizes, e);
	if (!r)
		r = gate_map_arrays(g, e);
	/* What was reused says so by its layout. */
	if (!r && g->ctl->abi != WEIR_ABI)
		r = ctl_init(g, e);
	if (!r && adopt)
		r = gate_adopt_copy(g, e);
	if (!r && gate_events_init(g))
		r = error_set(e, -errno, "cannot read the ring of events: %s", strerror(errno));
	return r;
}

static int gate_prepare(struct gate *g, const struct gate_sizes *sizes, struct error *e)
{
	int r;

	libbpf_set_print(libbpf_log);
	r = check_sizes(sizes, e);
	if (!r)
		r = gate_check_privilege(e);
	if (!r)
		r = gate_check_kernel(e);
	return r ? r : gate_pins_prepare(g->pins, &g->lock, e);
}

int gate_open(const char *pins, const struct gate_sizes *sizes, struct gate **out, bool *adopted,
	      struct error *e)
{
	_cleanup_(gate_closep) struct gate *g = gate_new(pins);
	bool adopt;
	int r = g ? gate_prepare(g, sizes, e) : -ENOMEM;

	if (r)
		return r;
	adopt = gate_pins_exist(pins);
	r = gate_load(g, sizes, adopt, e);
	if (!r)
		r = gate_commit(g, adopt, e);
	if (r) {
		gate_pins_tidy(pins);
		return r;
	}
	*adopted = adopt;
	*out = TAKE_PTR(g);
	return 0;
}

static int detach_xdp_pin(const char *path, void *arg)
{
	return gate_xdp_detach_path(path);
}

static int detach_tc_pin(const char *path, void *arg)
{
	return gate_tc_detach_path(path);
}

int gate_remove(const char *pins, struct error *e)
{
	_cleanup_close_ int lock = -1;
	int r;

	libbpf_set_print(libbpf_log);
	r = gate_check_privilege(e);
	if (r)
		return r;
	lock = gate_pins_lock(pins, e);
	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	r = gate_links_each(pins, "xdp", detach_xdp_pin, NULL);
	if (!r)
		r = gate_links_each(pins, "tc", detach_tc_pin, NULL);
	if (!r)
		r = gate_links_each(pins, "far", detach_xdp_pin, NULL);
	if (r)
		return error_set(e, r, "a program pinned under %s cannot be detached: %s", pins,
				 strerror(-r));
	gate_pins_remove(pins);
	return 0;
}

void gate_unpin(struct gate *g)
{
	gate_pins_remove(g->pins);
}

struct weir_ctl *gate_ctl(struct gate *g)
{
	return g->ctl;
}

uint64_t *gate_done(struct gate *g)
{
	return g->done;
}

uint64_t *gate_ended(struct gate *g)
{
	return g->ended;
}

uint32_t gate_slots(const struct gate *g)
{
	return g->slots;
}

const uint32_t *gate_xsk_sent(struct gate *g)
{
	return g->xsk_sent;
}

uint32_t *gate_xsk_read(struct gate *g)
{
	return g->xsk_read;
}
