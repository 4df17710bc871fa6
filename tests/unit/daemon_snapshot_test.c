// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's numbers where ports open and close. */
#include "unit/daemon_fixture.h"

static void check_flight(struct fixture *f, int in_flight, int lost)
{
	json_t *data = ask(query_status, f, NULL);
	const json_t *port = json_array_get(json_object_get(data, "ports"), 0);

	assert_int_equal(int_at(port, "in_flight"), in_flight);
	assert_int_equal(int_at(json_object_get(port, "reasons"), "punt_lost"), lost);
	json_decref(data);
}

/* Also when new ones were opened since. */
static void what_closed_sockets_had_is_lost(void **state)
{
	struct fixture *f = *state;
	struct weir_counter *c = f->gate.counters[2];

	c[WEIR_REASON_PUNTED].segments = 100;
	c[WEIR_REASON_DROP_PUNT_LOST].segments = 5;
	f->worker.counters.reasons[2][WEIR_REASON_REINJECTED] = 88;
	f->worker.counters.reasons[2][WEIR_REASON_MADE_RESET] = 3;
	check_flight(f, 7, 5);
	f->w.ports[2].attached = false;
	check_flight(f, 0, 12);
	snapshot_settle(&f->w, 2);
	f->w.ports[2].attached = true;
	c[WEIR_REASON_PUNTED].segments = 104;
	check_flight(f, 4, 12);
}

/* Frames that a killed daemon held are told as stale, once. */
static void what_died_with_a_daemon_is_stale(void **state)
{
	struct fixture *f = *state;
	struct weir_counter *c = f->gate.counters[2];
	json_t *data;

	f->w.adopted = true;
	f->w.worker_count = 0;
	c[WEIR_REASON_PUNTED].segments = 100;
	c[WEIR_REASON_DROP_PUNT_LOST].segments = 5;
	f->gate.ended[WEIR_WORKERS_MAX * WEIR_PORTS_MAX] = 1;
	f->gate.ended[2] = 60;
	f->gate.ended[3 * WEIR_PORTS_MAX + 2] = 31;
	snapshot_begin(&f->w);
	check_flight(f, 0, 5);
	data = ask(query_status, f, NULL);
	assert_int_equal(int_at(json_object_get(json_array_get(json_object_get(data, "ports"), 0),
						"reasons"),
				"stale"),
			 4);
	json_decref(data);
	/* The next one starts anew. */
	f->w.stale_before[2] = 0;
	c[WEIR_REASON_PUNTED].segments = 102;
	f->gate.ended[2] += 2;
	snapshot_begin(&f->w);
	assert_int_equal(f->w.stale_before[2], 0);
	/* A gate that kept no such counts. */
	memset(f->gate.ended, 0, sizeof(f->gate.ended));
	snapshot_begin(&f->w);
	assert_int_equal(f->w.stale_before[2], 0);
	check_flight(f, 0, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_closed_sockets_had_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(what_died_with_a_daemon_is_stale, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
