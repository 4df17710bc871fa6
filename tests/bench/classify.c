// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow path's judgement over captures, alone and beside libndpi on the same packets.
 *
 *   classify [--runs N] [--loops N] CAPTURE...      speed and memory
 *   classify --weir [--loops N] CAPTURE...          weir alone
 *   classify ... --signatures FILE ...              with another set than the built-in one
 *   classify --each [--loops N] FILE...             each capture by itself
 *
 * Prints "CASE <tab> UNIT <tab> VALUE" for each measurement of a run. Both sides get the same
 * decoded packets and find their flows in the same table; that part is timed with them, and by
 * itself. Flows are made and forgotten within what is timed. With --each: "FILE <tab> PACKETS <tab>
 * NANOSECONDS", the median of the loops (of a small capture, more of them), offline.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/consumer.h"
#include "inspect/inspect.h"

#include "classify_memory.h"
#include "classify_traffic.h"

#if __has_include(<ndpi/ndpi_api.h>)
#include "classify_peer.h"
#define WITH_PEER 1
#else
#define WITH_PEER 0
#endif

#define SECOND_NS  UINT64_C(1000000000)
#define IDLE_NS	   (300 * SECOND_NS)
#define SIDES_MAX  3
#define CASE_BYTES 64
/* --each: frames that go through, and how often a capture of fewer is played at most */
#define EACH_FRAMES_MIN 2000
#define EACH_LOOPS_MAX	100

static const struct flow_limits limits = {
	.flows = 1 << 18,
	.stream_bytes = 16384,
	.stream_bytes_all = (size_t)64 << 20,
	.idle_ns = IDLE_NS,
};

/* Which packets of a loop a side is given: indices in order. */
struct list {
	uint32_t *index;
	size_t count;
};

struct world {
	struct traffic traffic;
	struct list all;
	const char *signatures_file; /* NULL: the built-in set */
	struct app_registry *registry;
	struct signatures *signatures;
	struct endpoints *endpoints;
	struct inspector *inspector;
	struct flow_table *bare; /* flows and nothing else */
#if WITH_PEER
	struct peer peer;
#endif
	uint64_t base_ns; /* of the loop's time */
	unsigned int loop;
	uint8_t *states; /* of each flow, while weir's packets are found out */
};

/* Plays the packets of a list. seen (may be NULL): what each was when it came. */
typedef void play_fn(struct world *w, const struct list *l, uint8_t *seen);
enum { SEEN_DECIDED, SEEN_UNDECIDED, SEEN_INSPECTED };

struct side {
	char name[CASE_BYTES];
	play_fn *play;
	struct list handed;
	size_t flows; /* of these packets */
};

static int fail(const char *what)
{
	fprintf(stderr, "classify: %s\n", what);
	return -1;
}

static enum packet_status decode(const struct world *w, const struct traffic_packet *x,
				 struct packet *p)
{
	return packet_decode_cut(w->traffic.store + x->at, x->len, x->wire_len,
				 (enum packet_link)x->link, p);
}

/* Both sides get what the worker does for the frames of a batch: what the next ones take is loaded
 * while the one at hand is judged. The record of a frame is loaded with what stands for it in the
 * worker: a descriptor in the ring, and the gate's words in the frame's own first line. */
static void look_ahead(const struct world *w, const struct list *l, size_t n,
		       const struct flow_table *table)
{
	if (n + 4 < l->count) {
		const struct traffic_packet *x = &w->traffic.packets[l->index[n + 4]];

		__builtin_prefetch(x);
		__builtin_prefetch(&x->punt);
	}
	if (n + 2 < l->count) {
		const struct traffic_packet *x = &w->traffic.packets[l->index[n + 2]];

		__builtin_prefetch(w->traffic.store + x->at);
		__builtin_prefetch(w->traffic.store + x->at + 64);
	}
	if (n + 1 < l->count) {
		const struct weir_punt *punt = &w->traffic.packets[l->index[n + 1]].punt;

		if (table)
			flow_table_prefetch(table, punt->flow_id);
		else
			inspector_prefetch(w->inspector, punt);
	}
}

/* ---- sides ---- */

static uint64_t end_of(const struct world *w)
{
	return w->base_ns + w->traffic.length_ns + IDLE_NS + SECOND_NS;
}

/* Of an inspected flow the sides that are not wanted, bits by direction. */
#define SEEN_SKIPS(state) ((state) >> 4)

static uint8_t state_of(const struct flow *f)
{
	uint8_t skips = 0;

	if (!f->decided)
		return SEEN_UNDECIDED;
	if (!f->inspect && !f->reading)
		return SEEN_DECIDED;
	for (unsigned int dir = 0; dir < 2 && !f->reading; dir++)
		if (!(f->wanted & (dir == f->origin ? CONSUMER_CLIENT : CONSUMER_SERVER)))
			skips |= (uint8_t)(1u << dir);
	return (uint8_t)(SEEN_INSPECTED | skips << 4);
}

/* The gate punts what comes before the decision, and payload that somebody reads on. */
static void note_seen(struct world *w, const struct traffic_packet *x, const struct packet *p,
		      const struct flow *f, uint8_t *seen)
{
	uint8_t before = w->states[x->flow];
	bool skipped = SEEN_SKIPS(before) >> p->dir & 1;

	if (before == SEEN_UNDECIDED || ((before & 15) == SEEN_INSPECTED && x->payload && !skipped))
		*seen = before & 15;
	if (f)
		w->states[x->flow] = state_of(f);
}

static void play_weir(struct world *w, const struct list *l, uint8_t *seen)
{
	for (size_t n = 0; n < l->count; n++) {
		const struct traffic_packet *x = &w->traffic.packets[l->index[n]];
		struct inspect_outcome o;
		struct packet p;
		enum packet_status status = decode(w, x, &p);

		look_ahead(w, l, n, NULL);
		inspector_packet(w->inspector, &p, status, &x->punt, w->base_ns + x->time_ns, &o);
		if (seen)
			note_seen(w, x, &p, o.flow, &seen[n]);
	}
	inspector_expire(w->inspector, end_of(w), UINT32_MAX);
}

static void play_bare(struct world *w, const struct list *l, uint8_t *seen)
{
	for (size_t n = 0; n < l->count; n++) {
		const struct traffic_packet *x = &w->traffic.packets[l->index[n]];
		struct packet p;

		look_ahead(w, l, n, w->bare);
		if (decode(w, x, &p) == PACKET_OK)
			flow_table_get(w->bare, x->punt.flow_id, &p.key, p.dir,
				       w->base_ns + x->time_ns, NULL);
		if (seen)
			seen[n] = SEEN_UNDECIDED;
	}
	flow_table_expire(w->bare, end_of(w), UINT32_MAX);
}

#if WITH_PEER
static void play_peer(struct world *w, const struct list *l, uint8_t *seen)
{
	for (size_t n = 0; n < l->count; n++) {
		const struct traffic_packet *x = &w->traffic.packets[l->index[n]];
		bool handed = false;
		struct packet p;

		look_ahead(w, l, n, w->peer.table);
		if (decode(w, x, &p) == PACKET_OK)
			handed =
				peer_packet(&w->peer, &p, x->punt.flow_id, w->base_ns + x->time_ns);
		if (seen)
			seen[n] = handed ? SEEN_UNDECIDED : SEEN_DECIDED;
	}
	flow_table_expire(w->peer.table, end_of(w), UINT32_MAX);
}
#endif

/* ---- preparation ---- */

/* Makes the packets of a list new: other flows, at a later time. */
static void next_loop(struct world *w, const struct list *l)
{
	w->base_ns = end_of(w) + SECOND_NS;
	w->loop++;
	for (size_t n = 0; n < l->count; n++)
		traffic_turn(&w->traffic, &w->traffic.packets[l->index[n]], w->loop);
}

static size_t count_flows(const struct world *w, const struct list *l)
{
	bool *known = calloc(w->traffic.flows + 1, sizeof(*known));
	size_t count = 0;

	for (size_t n = 0; known && n < l->count; n++) {
		uint32_t flow = w->traffic.packets[l->index[n]].flow;

		count += !known[flow];
		known[flow] = true;
	}
	free(known);
	return count;
}

/* Finds out in a loop of its own which packets a side wants. */
static int side_prepare(struct world *w, struct side *s)
{
	uint8_t *seen = calloc(w->all.count, sizeof(*seen));

	s->handed.index = calloc(w->all.count, sizeof(*s->handed.index));
	if (!seen || !s->handed.index)
		return fail("out of memory");
	next_loop(w, &w->all);
	memset(w->states, SEEN_UNDECIDED, w->traffic.flows);
	s->play(w, &w->all, seen);
	for (size_t n = 0; n < w->all.count; n++) {
		/* The gate says so of such packets. */
		w->traffic.packets[n].inspect |= seen[n] == SEEN_INSPECTED;
		if (seen[n] != SEEN_DECIDED)
			s->handed.index[s->handed.count++] = (uint32_t)n;
	}
	s->flows = count_flows(w, &s->handed);
	free(seen);
	return 0;
}

static int load_one(struct traffic *t, const char *path)
{
	struct error e = {0};

	if (traffic_load(t, path, &e) == 0)
		return 0;
	fprintf(stderr, "classify: %s\n", e.text);
	return -1;
}

static int signatures_ready(struct world *w)
{
	const char *const *file = &w->signatures_file;
	struct error e = {0};
	int err = -ENOMEM;

	w->registry = app_registry_new();
	if (w->registry)
		err = *file ? signatures_load(file, 1, w->registry, &w->signatures, &e)
			    : signatures_load_builtin(w->registry, &w->signatures, &e);
	return err < 0 ? fail(e.text) : 0;
}

static int inspector_ready(struct world *w, size_t flows, size_t endpoints)
{
	struct inspect_settings settings = {
		.packets = 8,
		.online = true,
		.limits = limits,
		.endpoint_ttl_ns = 3600 * SECOND_NS,
	};

	settings.limits.flows = flows;
	w->endpoints = endpoints_new(endpoints, 3600 * SECOND_NS);
	if (w->endpoints)
		w->inspector = inspector_new(&settings, w->signatures, w->registry, w->endpoints,
					     NULL, NULL);
	return w->inspector ? 0 : fail("out of memory");
}

static int world_make(struct world *w, char **paths)
{
	w->base_ns = 1000 * SECOND_NS;
	while (*paths)
		if (load_one(&w->traffic, *paths++) < 0)
			return -1;
	if (w->traffic.count == 0)
		return fail("no packets");
	w->all.count = w->traffic.count;
	w->all.index = calloc(w->all.count, sizeof(*w->all.index));
	w->states = calloc(w->traffic.flows, 1);
	w->bare = flow_table_new(&limits, NULL, NULL);
	if (!w->all.index || !w->states || !w->bare || signatures_ready(w) < 0 ||
	    inspector_ready(w, limits.flows, 65536) < 0)
		return -1;
	for (size_t n = 0; n < w->all.count; n++)
		w->all.index[n] = (uint32_t)n;
#if WITH_PEER
	if (peer_init(&w->peer, &limits) < 0)
		return fail("libndpi does not start");
#endif
	return 0;
}

static void world_free(struct world *w)
{
#if WITH_PEER
	peer_fini(&w->peer);
#endif
	inspector_free(w->inspector);
	endpoints_free(w->endpoints);
	flow_table_free(w->bare);
	signatures_free(w->signatures);
	app_registry_free(w->registry);
	free(w->all.index);
	free(w->states);
	traffic_free(&w->traffic);
}

static unsigned int sides_make(struct world *w, struct side sides[SIDES_MAX])
{
	unsigned int count = 0;

	sides[count++] = (struct side){.name = "weir", .play = play_weir};
	sides[count++] = (struct side){.name = "decoding and flow table alone", .play = play_bare};
#if WITH_PEER
	peer_name(sides[count].name, CASE_BYTES);
	sides[count++].play = play_peer;
#endif
	for (unsigned int n = 0; n < count; n++)
		if (side_prepare(w, &sides[n]) < 0)
			return 0;
	return count;
}

/* ---- measuring ---- */

/* Of this thread alone: the machine may have other work. */
static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* Nanoseconds of `loops` loops over a list, each with packets made new before it. */
static double side_time(struct world *w, const struct side *s, const struct list *l,
			unsigned int loops)
{
	uint64_t spent = 0;

	for (unsigned int n = 0; n < loops; n++) {
		uint64_t begin;

		next_loop(w, l);
		begin = clock_ns();
		s->play(w, l, NULL);
		spent += clock_ns() - begin;
	}
	return (double)spent / loops;
}

static void side_measure(struct world *w, const struct side *s, unsigned int loops)
{
	double handed = side_time(w, s, &s->handed, loops);
	double all = side_time(w, s, &w->all, loops);

	if (s->play != play_bare) {
		printf("%s, packets handed to detection\tns per packet\t%.2f\n", s->name,
		       handed / (double)s->handed.count);
		printf("%s, flows handed to detection\tns per flow\t%.1f\n", s->name,
		       handed / (double)s->flows);
	}
	printf("%s, all packets\tns per packet\t%.2f\n", s->name, all / (double)w->all.count);
	printf("%s, all packets\tpackets per second\t%.0f\n", s->name,
	       (double)w->all.count * 1e9 / all);
}

static void print_counts(const struct world *w, const struct side *sides, unsigned int count)
{
	printf("packets\tcount\t%zu\n", w->all.count);
	printf("flows\tcount\t%u\n", w->traffic.flows);
	printf("frames left out: not IP, fragments, damaged\tcount\t%zu\n", w->traffic.skipped);
	for (unsigned int n = 0; n < count; n++)
		if (sides[n].play != play_bare)
			printf("%s, packets handed to detection\tcount\t%zu\n", sides[n].name,
			       sides[n].handed.count);
}

static void print_memory(const struct world *w)
{
	for (size_t n = 0; n < ARRAY_SIZE(memory_kinds); n++) {
		double bytes = memory_of(&memory_kinds[n], w->signatures, w->registry);

		if (bytes < 0)
			fprintf(stderr, "classify: no such flow: %s\n", memory_kinds[n].name);
		else
			printf("weir, %s\tbytes per flow\t%.1f\n", memory_kinds[n].name, bytes);
	}
#if WITH_PEER
	printf("%s, undecided flow\tbytes per flow\t%u\n", "libndpi",
	       ndpi_detection_get_sizeof_ndpi_flow_struct());
#endif
}

/* One CPU, and a heap that keeps what it was given: flows never all end at once outside. */
static void settle_down(void)
{
	cpu_set_t set;

	mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int compare(char **paths, const char *signatures, unsigned int runs, unsigned int loops)
{
	struct side sides[SIDES_MAX] = {0};
	struct world w = {.signatures_file = signatures};
	unsigned int count = 0;

	settle_down();
	if (world_make(&w, paths) == 0)
		count = sides_make(&w, sides);
	if (count > 0) {
		print_counts(&w, sides, count);
		print_memory(&w);
	}
	for (unsigned int run = 0; run < runs && count > 0; run++)
		for (unsigned int n = 0; n < count; n++)
			side_measure(&w, &sides[n], loops);
	for (unsigned int n = 0; n < SIDES_MAX; n++)
		free(sides[n].handed.index);
	world_free(&w);
	return count > 0 ? 0 : -1;
}

static int weir_alone(char **paths, const char *signatures, unsigned int loops)
{
	struct side side = {.name = "weir", .play = play_weir};
	struct world w = {.signatures_file = signatures};
	int rc = -1;

	settle_down();
	if (world_make(&w, paths) == 0 && side_prepare(&w, &side) == 0) {
		printf("%s, packets handed to detection\tns per packet\t%.2f\n", side.name,
		       side_time(&w, &side, &side.handed, loops) / (double)side.handed.count);
		printf("%s, all packets\tns per packet\t%.2f\n", side.name,
		       side_time(&w, &side, &w.all, loops) / (double)w.all.count);
		rc = 0;
	}
	free(side.handed.index);
	world_free(&w);
	return rc;
}

/* ---- each capture by itself ---- */

/* One loop through an inspector of its own; returns what its packets took. */
static uint64_t offline_loop(struct world *w)
{
	struct inspect_outcome o;
	uint64_t begin, spent = 0;

	if (inspector_ready(w, 4096, 1024) < 0)
		exit(1);
	begin = clock_ns();
	for (size_t n = 0; n < w->traffic.count; n++) {
		const struct traffic_packet *x = &w->traffic.packets[n];
		struct packet p;
		enum packet_status status = decode(w, x, &p);

		inspector_packet(w->inspector, &p, status, NULL, w->base_ns + x->time_ns, &o);
	}
	spent = clock_ns() - begin;
	inspector_free(w->inspector);
	endpoints_free(w->endpoints);
	w->inspector = NULL;
	w->endpoints = NULL;
	return spent;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of a capture of a few frames a loop is over before the processor has warmed up to it. */
static unsigned int loops_for(const struct traffic *t, unsigned int loops)
{
	unsigned int wanted = (unsigned int)(EACH_FRAMES_MIN / t->count);

	if (wanted > EACH_LOOPS_MAX)
		wanted = EACH_LOOPS_MAX;
	return loops > wanted ? loops : wanted;
}

static void capture_alone(struct world *w, const char *path, unsigned int loops)
{
	_cleanup_free_ uint64_t *spent = NULL;
	struct error e = {0};

	w->traffic.whole = true;
	/* Not every file is a capture. */
	if (traffic_load(&w->traffic, path, &e) < 0 || w->traffic.count == 0)
		return;
	loops = loops_for(&w->traffic, loops);
	spent = calloc(loops, sizeof(*spent));
	if (!spent)
		exit(1);
	for (unsigned int n = 0; n < loops; n++)
		spent[n] = offline_loop(w);
	qsort(spent, loops, sizeof(*spent), by_size);
	printf("%s\t%zu\t%.1f\n", path, w->traffic.count,
	       (double)spent[loops / 2] / (double)w->traffic.count);
	traffic_free(&w->traffic);
}

static int each(char **paths, const char *signatures, unsigned int loops)
{
	struct world w = {.base_ns = 1000 * SECOND_NS, .signatures_file = signatures};

	settle_down();
	if (signatures_ready(&w) < 0)
		return -1;
	while (*paths)
		capture_alone(&w, *paths++, loops);
	signatures_free(w.signatures);
	app_registry_free(w.registry);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"runs", required_argument, NULL, 'r'},
		{"loops", required_argument, NULL, 'l'},
		{"each", no_argument, NULL, 'e'},
		{"weir", no_argument, NULL, 'w'},
		{"signatures", required_argument, NULL, 's'},
		{0},
	};
	const char *signatures = NULL;
	unsigned int runs = 3, loops = 10;
	int option, mode = 'c';

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			runs = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			loops = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 's')
			signatures = optarg;
		else if (option == 'e' || option == 'w')
			mode = option;
		else
			return 2;
	}
	if (optind == argc || loops == 0) {
		fputs("usage: classify [--each | --weir] [--signatures FILE] [--runs N] "
		      "[--loops N] CAPTURE...\n",
		      stderr);
		return 2;
	}
	if (mode == 'e')
		return each(argv + optind, signatures, loops) < 0;
	if (mode == 'w')
		return weir_alone(argv + optind, signatures, loops) < 0;
	return compare(argv + optind, signatures, runs, loops) < 0;
}
