// SPDX-License-Identifier: GPL-2.0-only
/* `learned: endpoints`: from the file to the time that endpoints are believed, across a reload. */
#include "unit/daemon_fixture.h"

#include "policy/draft.h"

#define MINUTE 60000000000ULL
#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"

extern SERVICE(learned);

static struct policy *said(const struct fixture *f, const char *text)
{
	struct policy *p = NULL;
	struct error e = {0};

	if (policy_parse("p.yaml", text, strlen(text), f->w.registry, &p, NULL, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

/* For how long an endpoint that is told of now is believed, in minutes. */
static uint64_t believed_minutes(struct weir *w, uint16_t port)
{
	struct weir_endpoint_key key = {.port = htons(port)};
	uint64_t now_ns = time_now_ns();
	struct weir_peer peer = {.app = 1};

	assert_int_equal(address_parse("198.51.100.7", key.peer), 0);
	assert_int_equal(endpoints_add(w->endpoints, &key, &peer), 1);
	assert_true(endpoints_find(w->endpoints, &key, now_ns, &peer));
	return (peer.expires_ns - now_ns + MINUTE / 2) / MINUTE;
}

static void a_load_changes_how_long_endpoints_are_believed(void **state)
{
	struct fixture *f = *state;
	struct policy *first = said(f, HEAD);
	struct policy *next = said(f, HEAD "learned: { endpoints: 5m }\n");
	struct host *h = &f->w.host;
	struct error e = {0};
	void *self = NULL;

	endpoints_free(f->w.endpoints);
	assert_int_equal(service_learned.open(h, first, &self, &e), 0);
	assert_int_equal(believed_minutes(&f->w, 6881), 60);
	assert_int_equal(service_learned.reload(self, next, &e), 0);
	assert_int_equal(believed_minutes(&f->w, 6882), 5);
	assert_int_equal(service_learned.reload(self, first, NULL), 0);
	assert_int_equal(believed_minutes(&f->w, 6883), 60);
	service_learned.close(self);
	f->w.endpoints = NULL;
	policy_free(first);
	policy_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_load_changes_how_long_endpoints_are_believed,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
