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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_closed_sockets_had_is_lost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
