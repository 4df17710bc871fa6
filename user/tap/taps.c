// SPDX-License-Identifier: GPL-2.0-only
#include "tap/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* How long a removed tap's slot is not given to another: workers may still ask by the old policy.
 */
#define REST_NS 10000000000ULL

struct client {
	bool connected;
	struct tap_peer peer;
	uint64_t since_ns;
};

struct slot {
	char name[sizeof(((struct policy_tap *)0)->name)];
	bool used;
	uint64_t removed_ns; /* 0: the policy has it */
	struct client client;
	_Atomic(struct tap_link *) link[WEIR_WORKERS_MAX];
	struct tap_counters *counters; /* by worker */
};

/* Links that some worker may still use. */
struct retired {
	struct tap_link *link;
	struct retired *next;
};

struct taps {
	uint32_t workers;
	atomic_uint version;
	struct retired *retired;
	struct slot slot[TAP_SLOTS];
};

struct taps *taps_new(uint32_t workers)
{
	struct taps *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->workers = workers;
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		t->slot[i].client.peer.fd = -1;
		t->slot[i].counters = calloc(workers, sizeof(struct tap_counters));
		if (!t->slot[i].counters) {
			taps_free(t);
			return NULL;
		}
	}
	return t;
}

/* ---- links ---- */

static void link_free(struct tap_link *l)
{
	if (!l)
		return;
	mail_writer_close(l->frames);
	mail_reader_close(l->answers);
	util_closep(&l->wake_fd);
	util_closep(&l->program_fd);
	free(l);
}

static void link_freep(struct tap_link **l)
{
	link_free(*l);
}

/* fds: of the ring of frames, the ring of answers, and what wakes the worker. */
static int link_new(uint32_t bytes, int program_fd, int fds[3], struct tap_link **out)
{
	_cleanup_(link_freep) struct tap_link *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->wake_fd = l->program_fd = -1;
	fds[0] = mail_new(bytes);
	fds[1] = mail_new(bytes);
	fds[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0)
		return -ENOMEM;
	err = mail_writer_open(fds[0], &l->frames);
	if (!err)
		err = mail_reader_open(fds[1], &l->answers);
	if (err < 0)
		return err;
	l->wake_fd = fcntl(fds[2], F_DUPFD_CLOEXEC, 0);
	l->program_fd = fcntl(program_fd, F_DUPFD_CLOEXEC, 0);
	if (l->wake_fd < 0 || l->program_fd < 0)
		return -errno;
	mail_writer_wake_by(l->frames, l->program_fd);
	*out = TAKE_PTR(l);
	return 0;
}

static void retire(struct taps *t, struct tap_link *l)
{
	struct retired *r = l ? malloc(sizeof(*r)) : NULL;

	/* Without memory to remember it by it stays. */
	if (!r)
		return;
	*r = (struct retired){.link = l, .next = t->retired};
	t->retired = r;
}

static void retired_sweep(struct taps *t, bool all)
{
	struct retired **at = &t->retired;

	while (*at) {
		struct retired *r = *at;

		if (!all && !atomic_load(&r->link->released)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		link_free(r->link);
		free(r);
	}
}

/* ---- slots ---- */

int taps_find(const struct taps *t, const char *name)
{
	for (int i = 0; i < TAP_SLOTS; i++)
		if (t->slot[i].used && strcmp(t->slot[i].name, name) == 0)
			return i;
	return -ENOENT;
}

static struct slot *slot_free_one(struct taps *t)
{
	uint64_t now = time_now_ns();

	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		struct slot *s = &t->slot[i];

		if (!s->used || (s->removed_ns && now - s->removed_ns > REST_NS))
			return s;
	}
	return NULL;
}

int taps_reserve(struct taps *t, const struct policy *p)
{
	for (unsigned int i = 0; i < p->tap_count; i++) {
		int found = taps_find(t, p->taps[i].name);
		struct slot *s = found >= 0 ? &t->slot[found] : slot_free_one(t);

		if (!s)
			return -ENOSPC;
		s->removed_ns = 0;
		if (found >= 0)
			continue;
		memcpy(s->name, p->taps[i].name, sizeof(s->name));
		memset(s->counters, 0, t->workers * sizeof(*s->counters));
		s->used = true;
	}
	return 0;
}

static bool has_name(const struct policy *p, const char *name)
{
	for (unsigned int i = 0; i < p->tap_count; i++)
		if (strcmp(p->taps[i].name, name) == 0)
			return true;
	return false;
}

static bool is_broken(const struct taps *t, const struct slot *s)
{
	for (uint32_t w = 0; w < t->workers; w++) {
		const struct tap_link *l = atomic_load(&s->link[w]);

		if (l && atomic_load(&l->broken))
			return true;
	}
	return false;
}

void taps_sweep(struct taps *t, const struct policy *in_force)
{
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		struct slot *s = &t->slot[i];

		if (!s->used)
			continue;
		if (!s->removed_ns && !has_name(in_force, s->name)) {
			s->removed_ns = time_now_ns();
			taps_disconnect(t, i, "the policy has no such tap any more");
		}
		if (s->client.connected && is_broken(t, s))
			taps_disconnect(t, i, "its answers make no sense");
	}
	retired_sweep(t, false);
}

/* ---- programs ---- */

static void fds_close(int *fds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		util_closep(&fds[i]);
		fds[i] = -1;
	}
}

static int links_new(struct taps *t, uint32_t bytes, int *fds, struct tap_link **links)
{
	int program_fd = fds[t->workers * 3], err = 0;

	for (uint32_t w = 0; !err && w < t->workers; w++)
		err = link_new(bytes, program_fd, &fds[w * 3], &links[w]);
	return err;
}

int taps_connect(struct taps *t, unsigned int slot, uint32_t ring_bytes,
		 const struct tap_peer *peer, int *fds)
{
	struct tap_link *links[WEIR_WORKERS_MAX] = {NULL};
	struct slot *s = &t->slot[slot];
	unsigned int count = t->workers * 3 + 1;
	int err;

	if (s->client.connected)
		return -EBUSY;
	for (unsigned int i = 0; i < count; i++)
		fds[i] = -1;
	fds[count - 1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = fds[count - 1] < 0 ? -errno : links_new(t, ring_bytes, fds, links);
	if (err < 0) {
		for (uint32_t w = 0; w < t->workers; w++)
			link_free(links[w]);
		fds_close(fds, count);
		return err;
	}
	s->client.connected = true;
	s->client.peer = *peer;
	s->client.since_ns = time_now_ns();
	for (uint32_t w = 0; w < t->workers; w++)
		atomic_store(&s->link[w], links[w]);
	atomic_fetch_add(&t->version, 1);
	log_info("tap %s: process %d of user %u serves it", s->name, (int)peer->pid,
		 (unsigned int)peer->uid);
	return 0;
}

void taps_disconnect(struct taps *t, unsigned int slot, const char *reason)
{
	struct slot *s = &t->slot[slot];

	if (!s->client.connected)
		return;
	s->client.connected = false;
	for (uint32_t w = 0; w < t->workers; w++) {
		struct tap_link *l = atomic_exchange(&s->link[w], NULL);

		retire(t, l);
	}
	atomic_fetch_add(&t->version, 1);
	shutdown(s->client.peer.fd, SHUT_RDWR);
	s->client.peer.fd = -1;
	log_info("tap %s: process %d serves it no more: %s", s->name, (int)s->client.peer.pid,
		 reason);
}

int taps_socket(const struct taps *t, unsigned int slot)
{
	return t->slot[slot].client.peer.fd;
}

void taps_free(struct taps *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		taps_disconnect(t, i, "weir stops");
		free(t->slot[i].counters);
	}
	retired_sweep(t, true);
	free(t);
}

/* ---- numbers ---- */

void taps_state(const struct taps *t, unsigned int slot, struct tap_state *out)
{
	const struct slot *s = &t->slot[slot];

	*out = (struct tap_state){
		.name = s->used && !s->removed_ns ? s->name : NULL,
		.connected = s->client.connected,
		.pid = s->client.peer.pid,
		.uid = s->client.peer.uid,
		.since_ns = s->client.since_ns,
	};
	for (uint32_t w = 0; w < t->workers; w++) {
		const volatile struct tap_counters *c = &s->counters[w];
		uint64_t oldest = c->oldest_ns;

#define X(member, label, help) out->sum.member += c->member;
		TAP_COUNTS(X)
#undef X
		out->sum.flows += c->flows;
		out->sum.waiting += c->waiting;
		if (oldest && (!out->sum.oldest_ns || oldest < out->sum.oldest_ns))
			out->sum.oldest_ns = oldest;
	}
}

/* ---- workers ---- */

uint32_t taps_version(const struct taps *t)
{
	return atomic_load_explicit(&t->version, memory_order_acquire);
}

struct tap_link *taps_link(const struct taps *t, unsigned int slot, uint32_t worker)
{
	return atomic_load(&t->slot[slot].link[worker]);
}

struct tap_counters *taps_counters(struct taps *t, unsigned int slot, uint32_t worker)
{
	return &t->slot[slot].counters[worker];
}
