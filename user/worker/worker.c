// SPDX-License-Identifier: GPL-2.0-only
/* The thread: reads until empty, takes completions, wakes the kernel, writes the heartbeat. */
#include <cap-ng.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "worker/tap.h"
#include "worker/worker_private.h"

/* A completion does not wake a poll, so while some are due the sleep is short. */
#define SLEEP_BUSY_NS 100000
#define SLEEP_IDLE_NS 100000000
/* Longer than the kernel keeps a batch of redirected frames to itself. */
#define QUIET_NS	1000000ULL
#define EXPIRE_EVERY_NS 1000000000ULL
#define EXPIRE_BUDGET	4096
#define FLOWS_MAX	65536
#define FLOW_IDLE_NS	60000000000ULL

static uint32_t xsk_index(const struct worker *w, unsigned int port, uint32_t queue)
{
	return w->shared->xsk_base[port] + queue * w->shared->workers + w->index;
}

/*
 * Tells the gate how far this ring was read, for its overload rule. What the kernel lost on the way
 * was counted as sent and never comes: the ring is empty and nothing was sent for a while, so that
 * it is not a batch the kernel still holds.
 */
static void publish_read(struct worker *w, uint32_t xsk, struct worker_ring *ring, uint32_t sent,
			 uint32_t n)
{
	uint32_t *read = &gate_xsk_read(w->shared->gate)[xsk];

	if (n || sent != ring->sent) {
		ring->sent = sent;
		ring->since_ns = w->now_ns;
	}
	if (n)
		__atomic_store_n(read, *read + n, __ATOMIC_RELAXED);
	else if (*read != sent && w->now_ns - ring->since_ns > QUIET_NS)
		__atomic_store_n(read, sent, __ATOMIC_RELAXED);
}

/* While frame i is judged, what the next two take is loaded. */
static void look_ahead(const struct worker *w, const struct frame *batch, uint32_t i, uint32_t n)
{
	struct frame_pool *pool = w->shared->pool;

	if (i + 2 < n) {
		const uint8_t *data = frame_data(pool, &batch[i + 2]);

		__builtin_prefetch(frame_punt(pool, &batch[i + 2]));
		__builtin_prefetch(data);
		__builtin_prefetch(data + 64);
	}
	if (i + 1 < n)
		inspector_prefetch(w->inspector, frame_punt(pool, &batch[i + 1]));
}

static uint32_t read_queue(struct worker *w, unsigned int port, uint32_t queue,
			   void (*handle)(struct worker *, const struct frame *))
{
	uint32_t xsk = xsk_index(w, port, queue);
	uint32_t sent = __atomic_load_n(&gate_xsk_sent(w->shared->gate)[xsk], __ATOMIC_RELAXED);
	struct frame batch[WORKER_BATCH];
	uint32_t n;

	n = xsk_receive(w->shared->ports[port], queue, w->index, batch, WORKER_BATCH);
	for (uint32_t i = 0; i < n; i++) {
		look_ahead(w, batch, i, n);
		handle(w, &batch[i]);
	}
	publish_read(w, xsk, &w->rings[port][queue], sent, n);
	return n;
}

static uint32_t read_all(struct worker *w, void (*handle)(struct worker *, const struct frame *))
{
	uint32_t total = 0;

	for (unsigned int port = 1; port < WEIR_PORTS_MAX; port++) {
		if (!w->shared->ports[port])
			continue;
		for (uint32_t q = 0; q < xsk_sockets_queues(w->shared->ports[port]); q++)
			total += read_queue(w, port, q, handle);
	}
	return total;
}

/*
 * After a standstill longer than the gate waits for, the gate has sent younger frames past the ones
 * in our rings: passing those on now would reorder. The heartbeat is still old while they are
 * dropped, so no new ones arrive.
 */
static void drop_stale(struct worker *w)
{
	w->counters.stalls++;
	worker_park_stale(w);
	while (read_all(w, worker_frame_stale) > 0)
		w->now_ns = time_now_ns();
}

static void beat(struct worker *w)
{
	w->now_ns = time_now_ns();
	if (w->beat_ns && w->now_ns - w->beat_ns > WEIR_HEARTBEAT_MAX_NS)
		drop_stale(w);
	w->beat_ns = w->now_ns;
	__atomic_store_n(&gate_ctl(w->shared->gate)->heartbeat_ns[w->index], w->now_ns,
			 __ATOMIC_RELEASE);
}

static long sleep_limit_ns(const struct worker *w)
{
	uint64_t due_ns = park_next_ns(w->park), tap_ns = worker_tap_next_ns(w);

	if (tap_ns < due_ns)
		due_ns = tap_ns;
	if (w->outstanding || due_ns <= w->now_ns)
		return SLEEP_BUSY_NS;
	return due_ns - w->now_ns < SLEEP_IDLE_NS ? (long)(due_ns - w->now_ns) : SLEEP_IDLE_NS;
}

static void sleep_for_work(struct worker *w)
{
	struct pollfd fds[1 + WEIR_PORTS_MAX * 4 + POLICY_TAPS_MAX];
	struct timespec limit = {.tv_nsec = sleep_limit_ns(w)};
	uint64_t woken;
	nfds_t n = 0;

	if (!mail_reader_sleep(w->post.in, 1))
		return;
	fds[n++] = (struct pollfd){.fd = w->wake_fd, .events = POLLIN};
	if (!worker_tap_sleep(w, fds, &n, 1 + POLICY_TAPS_MAX))
		return;
	for (unsigned int port = 1; port < WEIR_PORTS_MAX; port++) {
		struct xsk_sockets *s = w->shared->ports[port];

		for (uint32_t q = 0; s && q < xsk_sockets_queues(s); q++) {
			if (n == ARRAY_SIZE(fds)) {
				/* More queues than slots: look at the rest by the clock. */
				limit.tv_nsec = SLEEP_BUSY_NS;
				break;
			}
			fds[n++] = (struct pollfd){.fd = xsk_sockets_fd(s, q, w->index),
						   .events = POLLIN};
		}
	}
	if (ppoll(fds, n, &limit, NULL) > 0 && fds[0].revents)
		(void)!read(w->wake_fd, &woken, sizeof(woken));
}

static void take_ports(struct worker *w)
{
	memcpy(w->own.ports, w->origin->ports, sizeof(w->own.ports));
	memcpy(w->own.pairs, w->origin->pairs, sizeof(w->own.pairs));
	memcpy(w->own.xsk_base, w->origin->xsk_base, sizeof(w->own.xsk_base));
	memcpy(w->own.domain, w->origin->domain, sizeof(w->own.domain));
}

static void wait_while_paused(struct worker *w)
{
	if (!atomic_load(&w->pause))
		return;
	/* What waits leaves while its port is there. */
	if (w->ending)
		worker_park_end(w, w->ending);
	worker_kick(w);
	pthread_mutex_lock(&w->lock);
	w->paused = true;
	pthread_cond_broadcast(&w->changed);
	while (atomic_load(&w->pause))
		pthread_cond_wait(&w->changed, &w->lock);
	take_ports(w);
	w->paused = false;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void expire(struct worker *w)
{
	if (w->now_ns < w->expire_ns)
		return;
	w->expire_ns = w->now_ns + EXPIRE_EVERY_NS;
	worker_tap_expire(w);
	worker_note_frame(w, NULL, NULL, PACKET_NOT_IP);
	inspector_expire(w->inspector, w->now_ns, EXPIRE_BUDGET);
	inspector_stats(w->inspector, &w->counters.flows);
	inspector_fragments_stats(w->inspector, &w->counters.fragments);
	inspector_expect_stats(w->inspector, &w->counters.expect);
}

/*
 * Writing to a map by a descriptor needs no capability since 5.19 (before, CAP_BPF), sending on an
 * AF_XDP socket never: a thread that parses other people's bytes keeps none.
 */
static void drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	if (gate_map_writes_need_bpf())
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		log_warning("a worker could not drop its capabilities");
}

/*
 * Frames sent in copy mode wait in the backlog of the CPU that sent them: a worker that moved could
 * see its younger frames overtake older ones there.
 */
static void stay_on_one_cpu(const struct worker *w)
{
	cpu_set_t allowed, one;
	int nth = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	nth = (int)w->index % CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void read_orders(struct worker *w)
{
	uint64_t number = w->number;

	worker_read_orders(w);
	if (w->number == number)
		return;
	worker_tap_reload(w);
	worker_park_reload(w);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	char name[16];

	snprintf(name, sizeof(name), "weir-worker-%u", w->index);
	prctl(PR_SET_NAME, name);
	stay_on_one_cpu(w);
	drop_capabilities();
	while (!atomic_load(&w->stop)) {
		uint32_t n, done;

		wait_while_paused(w);
		read_orders(w);
		beat(w);
		n = read_all(w, worker_frame);
		w->counters.queue_frames = n;
		n += worker_tap_read(w);
		worker_park_expire(w);
		done = worker_complete(w);
		worker_kick(w);
		expire(w);
		if (!n && !done)
			sleep_for_work(w);
	}
	worker_park_end(w, WEIR_PORTS_MAX);
	worker_kick(w);
	return NULL;
}

static void worker_free(struct worker *w)
{
	if (!w)
		return;
	handover_free(w->handover);
	park_free(w->park);
	worker_tap_end(w);
	inspector_free(w->inspector);
	worker_blocks_end(w);
	post_close(&w->post);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static int inspector_open(struct worker *w)
{
	const struct policy *p = w->own.policy;
	struct inspect_settings settings = {
		.packets = p->inspect_packets,
		.limits =
			{
				.flows = FLOWS_MAX,
				.stream_bytes = p->inspect_bytes,
				.window_bytes = p->reassembly_flow,
				.stream_bytes_all = p->reassembly_total / w->own.workers,
				.idle_ns = FLOW_IDLE_NS,
			},
		.online = true,
		.names = w->own.names,
		.answered = worker_answered,
		.released = worker_hold_released,
		.told = worker_told,
		.fragmented = p->limit_fragmented / w->own.workers + 1,
	};

	w->inspector = inspector_new(&settings, w->own.signatures, w->own.registry,
				     w->own.endpoints, worker_learn, w);
	if (!w->inspector)
		return -ENOMEM;
	inspector_on_release(w->inspector, worker_released, w);
	worker_settings_apply(w);
	return 0;
}

static int worker_init(struct worker *w, const struct worker_shared *shared, uint32_t index)
{
	int err;

	w->origin = shared;
	w->index = index;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	worker_settings_begin(w, shared);
	worker_blocks_begin(w);
	err = inspector_open(w);
	if (err < 0)
		return err;
	w->handover = handover_new(gate_done(shared->gate), gate_slots(shared->gate),
				   frame_pool_size(shared->pool));
	w->park = park_new(frame_pool_size(shared->pool) / shared->workers,
			   w->shared->policy->limit_parked / shared->workers + 1);
	if (w->wake_fd < 0 || !w->handover || !w->park || !worker_tap_begin(w))
		return -ENOMEM;
	worker_tap_reload(w);
	worker_park_reload(w);
	worker_park_adopt(w);
	return post_open(&w->post, w->wake_fd);
}

int worker_start(const struct worker_shared *shared, uint32_t index, struct worker **out,
		 struct error *e)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return error_set(e, -ENOMEM, "no memory for worker %u", index);
	err = worker_init(w, shared, index);
	if (err < 0) {
		worker_free(w);
		return error_set(e, err, "no memory for worker %u", index);
	}
	err = -pthread_create(&w->thread, NULL, run, w);
	if (err < 0) {
		worker_free(w);
		return error_set(e, err, "cannot start worker %u: %s", index, strerror(-err));
	}
	*out = w;
	return 0;
}

static void wake(struct worker *w)
{
	uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

void worker_pause(struct worker *w, unsigned int ending)
{
	w->ending = ending;
	atomic_store(&w->pause, true);
	wake(w);
	pthread_mutex_lock(&w->lock);
	while (!w->paused)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void worker_resume(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->pause, false);
	pthread_cond_broadcast(&w->changed);
	while (w->paused)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void worker_stop(struct worker *w)
{
	if (!w)
		return;
	atomic_store(&w->stop, true);
	worker_resume(w);
	wake(w);
	pthread_join(w->thread, NULL);
	worker_free(w);
}

void worker_counters(const struct worker *w, struct worker_counters *out)
{
	const volatile uint64_t *from = (const volatile uint64_t *)&w->counters;
	uint64_t *to = (uint64_t *)out;

	_Static_assert(sizeof(*out) % sizeof(uint64_t) == 0, "copied word by word");
	for (size_t i = 0; i < sizeof(*out) / sizeof(uint64_t); i++)
		to[i] = from[i];
}
