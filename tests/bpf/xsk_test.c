// SPDX-License-Identifier: GPL-2.0-only
/* AF_XDP against the kernel: frames come through in order and without a copy of ours, and whatever
 * happens to ports meanwhile, no chunk and no cookie is lost. */
#include "port_lab.h"

#include <pthread.h>

#define BATCH  64
#define WINDOW 100 /* frames of one worker under way: a veth takes 256 */

/* One worker's part of the loop: makes frames, passes them on, checks what arrives. */
struct loop {
	struct lab *lab;
	uint32_t worker;
	uint8_t steer;	 /* whom its frames are for */
	uint32_t frames; /* to make */
	uint32_t expect; /* to see at the end of the way, of whomever */
	uint32_t made, passed, seen, completed;
	uint64_t cookies;	/* sum of those of completed frames */
	atomic_uint *under_way; /* of all workers */
};

static void loop_make(struct loop *o)
{
	while (o->made < o->frames && atomic_load(o->under_way) < WINDOW) {
		if (!lab_send(o->lab, LAB_GEN, o->worker % o->lab->queues, o->worker, o->steer,
			      o->made))
			return;
		o->made++;
		atomic_fetch_add(o->under_way, 1);
	}
}

static void loop_pass(struct loop *o, uint32_t queue)
{
	struct frame f[BATCH];
	uint32_t n = xsk_receive(o->lab->ports[LAB_IN], queue, o->worker, f, BATCH);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = lab_number(o->lab, &f[i]);

		assert_int_equal(number, o->passed);
		o->passed++;
		f[i].cookie = number;
		assert_true(xsk_send(o->lab->ports[LAB_OUT], queue, o->worker, &f[i]));
	}
}

static void loop_see(struct loop *o, uint32_t queue)
{
	struct frame f[BATCH];
	uint32_t n = xsk_receive(o->lab->ports[LAB_SINK], queue, o->worker, f, BATCH);

	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(lab_number(o->lab, &f[i]), o->seen);
		o->seen++;
		frame_give(o->lab->pool, o->worker, &f[i]);
		atomic_fetch_sub(o->under_way, 1);
	}
}

static void loop_serve(struct loop *o)
{
	uint32_t cookies[BATCH];

	for (unsigned int p = LAB_GEN; p < LAB_PORTS; p++) {
		uint32_t n = xsk_complete(o->lab->ports[p], o->worker, cookies, BATCH);

		for (uint32_t i = 0; i < n; i++)
			o->cookies += cookies[i];
		o->completed += n;
		xsk_kick(o->lab->ports[p], o->worker);
	}
}

static bool loop_done(const struct loop *o)
{
	return o->made == o->frames && o->seen == o->expect &&
	       o->completed == o->frames + o->expect;
}

static void *loop_run(void *arg)
{
	struct loop *o = arg;
	uint64_t end = time_now_ns() + LAB_TIME_NS;

	while (!loop_done(o) && time_now_ns() < end) {
		loop_make(o);
		for (uint32_t q = 0; q < o->lab->queues; q++) {
			loop_pass(o, q);
			loop_see(o, q);
		}
		loop_serve(o);
		sched_yield();
	}
	return NULL;
}

static uint64_t sum_below(uint64_t n)
{
	return n * (n - 1) / 2;
}

static void loop_check(const struct loop *o)
{
	assert_int_equal(o->made, o->frames);
	assert_int_equal(o->passed, o->expect);
	assert_int_equal(o->seen, o->expect);
	assert_int_equal(o->completed, o->frames + o->expect);
	assert_int_equal(o->cookies, sum_below(o->frames) + sum_below(o->expect));
}

static void assert_nothing_lost(struct lab *l)
{
	for (unsigned int p = LAB_GEN; p < LAB_PORTS; p++) {
		struct xsk_counters x;

		assert_int_equal(xsk_sockets_counters(l->ports[p], &x), 0);
		assert_int_equal(x.rx_dropped, 0);
		assert_int_equal(x.rx_invalid, 0);
		assert_int_equal(x.tx_invalid, 0);
		assert_int_equal(x.rx_ring_full, 0);
		assert_int_equal(x.rx_fill_ring_empty, 0);
	}
}

static void loop_once(struct lab *l, uint32_t frames)
{
	atomic_uint under_way = 0;
	struct loop o = {.lab = l, .frames = frames, .expect = frames, .under_way = &under_way};

	loop_run(&o);
	loop_check(&o);
}

static void test_loop_one_worker(void **state)
{
	struct lab *l = lab_new(4096, 512, 1, 1, 1);

	assert_int_equal(xsk_sockets_mode(l->ports[LAB_IN]), XSK_MODE_COPY);
	assert_int_equal(xsk_sockets_queues(l->ports[LAB_IN]), 1);
	loop_once(l, 100000);
	assert_nothing_lost(l);
	lab_audit(l);
	lab_free(l);
}

/* Each worker's frames are the other's to pass on and see, so that chunks keep changing hands. */
static void loop_crossed(uint32_t queues)
{
	struct lab *l = lab_new(8192, 512, 2, queues, queues);
	atomic_uint under_way = 0;
	struct loop o[2];
	pthread_t threads[2];

	for (uint32_t w = 0; w < 2; w++) {
		o[w] = (struct loop){.lab = l,
				     .worker = w,
				     .steer = (uint8_t)!w,
				     .frames = w ? 20000 : 80000,
				     .expect = w ? 80000 : 20000,
				     .under_way = &under_way};
		assert_int_equal(pthread_create(&threads[w], NULL, loop_run, &o[w]), 0);
	}
	for (uint32_t w = 0; w < 2; w++)
		pthread_join(threads[w], NULL);
	for (uint32_t w = 0; w < 2; w++)
		loop_check(&o[w]);
	assert_nothing_lost(l);
	lab_audit(l);
	lab_free(l);
}

static void test_loop_two_workers(void **state)
{
	loop_crossed(1);
}

static void test_loop_two_workers_two_queues(void **state)
{
	loop_crossed(2);
}

/* A worker that sleeps holds nothing up: not the fill rings, not the other's completions. */
static void test_other_worker_asleep(void **state)
{
	for (uint32_t awake = 0; awake < 2; awake++) {
		struct lab *l = lab_new(4096, 256, 2, 1, 1);
		atomic_uint under_way = 0;
		struct loop o = {.lab = l,
				 .worker = awake,
				 .steer = (uint8_t)awake,
				 .frames = 20000,
				 .expect = 20000,
				 .under_way = &under_way};

		loop_run(&o);
		loop_check(&o);
		assert_nothing_lost(l);
		lab_free(l);
	}
}

/* ---- ports that come and go ---- */

static void test_reopen(void **state)
{
	struct lab *l = lab_new(4096, 256, 1, 1, 1);

	for (unsigned int round = 0; round < 8; round++) {
		enum lab_port first = LAB_GEN + round % 4, second = LAB_GEN + (round + 2) % 4;

		loop_once(l, 500);
		lab_close(l, first);
		lab_audit(l);
		lab_close(l, second);
		lab_audit(l);
		lab_open(l, round % 2 ? first : second);
		lab_open(l, round % 2 ? second : first);
	}
	loop_once(l, 500);
	lab_free(l);
}

static uint32_t complete_all(struct lab *l, enum lab_port port, uint32_t worker, uint64_t *sum)
{
	uint32_t cookies[BATCH], n, total = 0;

	while ((n = xsk_complete(l->ports[port], worker, cookies, BATCH)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			*sum += cookies[i];
		total += n;
	}
	return total;
}

/* A link that is down keeps its frames; closed then, their cookies come by another port. */
static void test_close_with_frames_queued(void **state)
{
	struct lab *l = lab_new(1024, 128, 2, 1, 1);
	uint64_t sum = 0;

	run("ip link set out down");
	for (uint32_t i = 0; i < 100; i++)
		assert_true(lab_send(l, LAB_OUT, 0, i % 2, 0, i));
	xsk_kick(l->ports[LAB_OUT], 0);
	xsk_kick(l->ports[LAB_OUT], 1);
	assert_int_equal(complete_all(l, LAB_OUT, 0, &sum), 0);
	lab_close(l, LAB_OUT);
	lab_audit(l);
	assert_int_equal(complete_all(l, LAB_IN, 0, &sum), 50);
	assert_int_equal(complete_all(l, LAB_IN, 1, &sum), 50);
	assert_int_equal(sum, sum_below(100));
	run("ip link set out up");
	lab_open(l, LAB_OUT);
	lab_free(l);
}

/* What can leave does so before the sockets close. */
static void test_close_drains(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	struct frame f[BATCH];
	uint64_t sum = 0, end = time_now_ns() + LAB_TIME_NS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 100; i++)
		assert_true(lab_send(l, LAB_OUT, 0, 0, 0, i));
	lab_close(l, LAB_OUT);
	while (n < 100 && time_now_ns() < end) {
		uint32_t got = xsk_receive(l->ports[LAB_SINK], 0, 0, f, BATCH);

		for (uint32_t i = 0; i < got; i++) {
			assert_int_equal(lab_number(l, &f[i]), n++);
			frame_give(l->pool, 0, &f[i]);
		}
	}
	assert_int_equal(n, 100);
	assert_int_equal(complete_all(l, LAB_SINK, 0, &sum), 100);
	assert_int_equal(sum, sum_below(100));
	lab_free(l);
}

static void test_interface_vanishes(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	uint64_t sum = 0;

	run("ip link set out down");
	for (uint32_t i = 0; i < 20; i++)
		assert_true(lab_send(l, LAB_OUT, 0, 0, 0, i));
	run("ip link del out");
	/* Calls on what is left must not hurt until it is closed. */
	xsk_kick(l->ports[LAB_OUT], 0);
	xsk_kick(l->ports[LAB_SINK], 0);
	assert_int_equal(complete_all(l, LAB_OUT, 0, &sum), 0);
	lab_close(l, LAB_OUT);
	lab_close(l, LAB_SINK);
	assert_int_equal(complete_all(l, LAB_IN, 0, &sum), 20);
	lab_audit(l);
	lab_free(l);
}

/* ---- sending ---- */

static void test_send_ring_full(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	uint64_t sum = 0, end = time_now_ns() + LAB_TIME_NS;
	uint32_t queued = 0, completed = 0, stock;
	struct frame f;

	run("ip link set out down");
	while (lab_send(l, LAB_OUT, 0, 0, 0, queued))
		queued++;
	assert_int_equal(queued, 128);
	/* Refused, it stays the caller's. */
	stock = l->pool->stocks[0]->count;
	assert_true(frame_take(l->pool, 0, &f));
	f.len = LAB_LEN;
	assert_false(xsk_send(l->ports[LAB_OUT], 0, 0, &f));
	frame_give(l->pool, 0, &f);
	assert_int_equal(l->pool->stocks[0]->count, stock);

	run("ip link set out up");
	while (completed < queued && time_now_ns() < end) {
		xsk_kick(l->ports[LAB_OUT], 0);
		completed += complete_all(l, LAB_OUT, 0, &sum);
	}
	assert_int_equal(completed, queued);
	assert_int_equal(sum, sum_below(queued));
	assert_true(lab_send(l, LAB_OUT, 0, 0, 0, 0));
	lab_free(l);
}

/* Without carrier the device refuses every frame: dropped, and given back. */
static void test_peer_down(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	uint64_t sum = 0, end = time_now_ns() + LAB_TIME_NS;
	uint32_t completed = 0;

	run("ip link set sink down");
	for (uint32_t i = 0; i < 100; i++)
		assert_true(lab_send(l, LAB_OUT, 0, 0, 0, i));
	/* One call of the kernel's ends at each refusal, one kick does not. */
	xsk_kick(l->ports[LAB_OUT], 0);
	completed = complete_all(l, LAB_OUT, 0, &sum);
	assert_true(completed >= 32);
	while (completed < 100 && time_now_ns() < end) {
		xsk_kick(l->ports[LAB_OUT], 0);
		completed += complete_all(l, LAB_OUT, 0, &sum);
	}
	assert_int_equal(completed, 100);
	assert_int_equal(sum, sum_below(100));
	lab_free(l);
}

static void test_unsendable(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	struct xsk_counters x;
	struct frame f;

	assert_true(frame_take(l->pool, 0, &f));
	f.len = 0;
	assert_false(xsk_send(l->ports[LAB_OUT], 0, 0, &f));
	f.len = WEIR_FRAME_BYTES + 1;
	assert_false(xsk_send(l->ports[LAB_OUT], 0, 0, &f));
	f.addr += 256;
	f.len = WEIR_FRAME_BYTES - 255;
	assert_false(xsk_send(l->ports[LAB_OUT], 0, 0, &f));
	xsk_kick(l->ports[LAB_OUT], 0);
	assert_int_equal(xsk_sockets_counters(l->ports[LAB_OUT], &x), 0);
	assert_int_equal(x.tx_invalid, 0);
	frame_give(l->pool, 0, &f);
	lab_free(l);
}

/* A device may receive on more queues than it sends on. */
static void test_send_on_every_queue(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 2, 1);
	uint64_t sum = 0, end = time_now_ns() + LAB_TIME_NS;
	uint32_t completed = 0;

	for (uint32_t i = 0; i < 64; i++)
		assert_true(lab_send(l, LAB_OUT, i % 2, 0, 0, i));
	while (completed < 64 && time_now_ns() < end) {
		xsk_kick(l->ports[LAB_OUT], 0);
		completed += complete_all(l, LAB_OUT, 0, &sum);
	}
	assert_int_equal(completed, 64);
	lab_free(l);
}

/* ---- what the kernel counts, what it refuses ---- */

static void test_counters(void **state)
{
	struct lab *l = lab_new(1024, 64, 1, 1, 1);
	uint64_t sum = 0, end = time_now_ns() + LAB_TIME_NS;
	struct xsk_counters x;

	/* Nobody reads `in`: 64 frames fit, the others are lost for want of chunks or of room. */
	for (uint32_t sent = 0, done = 0; done < 200 && time_now_ns() < end;) {
		while (sent < 200 && sent - done < 50 && lab_send(l, LAB_GEN, 0, 0, 0, sent))
			sent++;
		xsk_kick(l->ports[LAB_GEN], 0);
		done += complete_all(l, LAB_GEN, 0, &sum);
	}
	assert_int_equal(xsk_sockets_counters(l->ports[LAB_IN], &x), 0);
	assert_int_equal(x.rx_ring_full + x.rx_dropped, 200 - 64);
	assert_true(x.rx_fill_ring_empty > 0);
	lab_free(l);
}

static void test_refusals(void **state)
{
	struct lab *l = lab_new(1024, 128, 2, 1, 1);
	struct xsk_sockets *s = NULL;
	struct error e = {0};

	assert_int_equal(xsk_sockets_open(l->pool, "nosuch0", 9, 1, 2, 128, false, &s, &e),
			 -ENODEV);
	assert_non_null(strstr(e.text, "nosuch0"));
	e.text[0] = 0;
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 1, 2, 128, false, &s, &e), -EBUSY);
	assert_non_null(strstr(e.text, "another program"));
	lab_close(l, LAB_IN);
	e.text[0] = 0;
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 9, 2, 16, false, &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "9 queues"));
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 0, 2, 16, false, &s, NULL), -EINVAL);
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 1, 1, 16, false, &s, NULL), -EINVAL);
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 1, 2, 0, false, &s, NULL), -EINVAL);
	assert_int_equal(xsk_sockets_open(l->pool, "in", 9, 1, 2, 99999, false, &s, NULL), -EINVAL);
	assert_null(s);
	/* Nothing of all that is left behind. */
	lab_audit(l);
	lab_open(l, LAB_IN);
	lab_free(l);
}

static void test_generic_and_odd_ring(void **state)
{
	struct lab *l = lab_new(1024, 128, 1, 1, 1);
	struct error e = {0};

	lab_close(l, LAB_IN);
	if (xsk_sockets_open(l->pool, "in", LAB_IN, 1, 1, 100, true, &l->ports[LAB_IN], &e))
		fail_msg("%s", e.text);
	assert_int_equal(xsk_sockets_mode(l->ports[LAB_IN]), XSK_MODE_COPY);
	lab_free(l);
}

static void test_wait_released(void **state)
{
	struct lab *l = lab_new(1024, 128, 2, 1, 1);
	unsigned int ifindex = if_nametoindex("in");

	assert_int_equal(socket_wait_released(ifindex, 0), -EBUSY);
	lab_close(l, LAB_IN);
	assert_int_equal(socket_wait_released(ifindex, 0), 0);
	assert_int_equal(socket_wait_released(99999, 0), -ENODEV);
	lab_open(l, LAB_IN);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop_one_worker),
		cmocka_unit_test(test_loop_two_workers),
		cmocka_unit_test(test_loop_two_workers_two_queues),
		cmocka_unit_test(test_other_worker_asleep),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_close_with_frames_queued),
		cmocka_unit_test(test_close_drains),
		cmocka_unit_test(test_interface_vanishes),
		cmocka_unit_test(test_send_ring_full),
		cmocka_unit_test(test_peer_down),
		cmocka_unit_test(test_unsendable),
		cmocka_unit_test(test_send_on_every_queue),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_generic_and_odd_ring),
		cmocka_unit_test(test_wait_released),
	};

	return cmocka_run_group_tests_name("port_xsk", tests, NULL, NULL);
}
