/* SPDX-License-Identifier: GPL-2.0-only */
/* An inspector with a small signature set, two modules that do as they are told, and packets made
 * by hand. To be included by one test program each. */
#ifndef TESTS_UNIT_INSPECT_BENCH_H
#define TESTS_UNIT_INSPECT_BENCH_H

#include <stdio.h>
#include <stdlib.h>

#include "app/consumer.h"
#include "frame_build.h"
#include "inspect/inspect.h"
#include "util/util.h"

#define BENCH_SECOND UINT64_C(1000000000)
#define CLIENT	     "10.0.0.1"
#define SERVER	     "10.0.0.2"

static const char bench_yaml[] =
	"features:\n"
	"  alpha-hello: { transport: tcp, mask: { offset: 0, text: 'ALPHA' } }\n"
	"  alpha-datagram: { transport: udp, mask: { offset: 0, text: 'ALPHA' } }\n"
	"  exact: { transport: tcp, length_field: { offset: 0, bytes: 1, add: 1, min: 3, max: 9 } "
	"}\n"
	"  longer: { transport: tcp, length: { min: 20 } }\n"
	"  guess: { transport: tcp, mask: { offset: 0, text: 'GUESS' } }\n"
	"  tls: { transport: tcp, mask: { offset: 0, bytes: '16 03' } }\n"
	"  web: { transport: tcp, mask: { offset: 0, text: 'GET ' } }\n"
	"  stun: { transport: udp, mask: { offset: 0, text: 'STUN' } }\n"
	"applications:\n"
	"  alpha: { category: test, when: alpha-hello or alpha-datagram, confidence: 90 }\n"
	"  exact: { category: test, when: exact and not longer, confidence: 80 }\n"
	"  guess: { category: test, when: guess, confidence: 40 }\n"
	"  tls: { category: web, when: tls, confidence: 90 }\n"
	"  http: { category: web, when: web, confidence: 90 }\n"
	"  stun: { category: voip, when: stun, confidence: 90 }\n";

/* What a fake module and its consumer saw and what they shall say. */
struct fake {
	unsigned int undecided_calls, events, released;
	unsigned int reads;	 /* CONSUMER_*: what the consumer wants */
	const char *when;	 /* says it of messages that begin so; NULL = of all */
	struct app_finding says; /* app 0 and no veto: leaves the finding alone */
	bool veto;		 /* takes the engine's finding back */
	bool keeps_state;
	bool complete;	   /* the last message was */
	char text[256];	   /* what the consumer was given, joined: "[n]" a gap, "." an end, "!" a
			      reset */
	const char *until; /* the consumer leaves when text ends so */
	const char *only;  /* it wants the client's side alone when text ends so */
	const char *holds; /* it holds when text ends so: */
	struct consumer_answer hold;
	struct app_finding later; /* what it says when text ends with `when` */
	uint16_t learn_port;	  /* tells of 192.0.2.9, or of learn_peer, at this port */
	const char *learn_peer;
	bool learn_for_all;	       /* not for the message's receiver alone */
	enum weir_source learn_source; /* 0: the DHT */
	/* The consumer, and what it heard: */
	const struct app_expectation *expects;
	uint64_t handle;
	const char *renames;
	struct app_parent parent;
	struct {
		uint16_t port; /* expects somebody there, 0 = nobody */
		const uint32_t *addr;
		bool anyone;
	} expect;
};
static struct fake alpha, beta, only_tcp, named;

static void fake_undecided(struct fake *f, const struct app_services *s,
			   const struct app_message *m, void **state, struct app_finding *finding)
{
	f->undecided_calls++;
	f->complete = m->complete;
	if (f->keeps_state && !*state)
		*state = f;
	if (f->learn_port && s->learn) {
		struct weir_endpoint_key key = {.port = htons(f->learn_port)};

		if (!f->learn_for_all)
			memcpy(key.host, m->dst, sizeof(key.host));
		if (f->learn_peer)
			assert_int_equal(address_parse(f->learn_peer, key.peer), 0);
		else
			address_from_v4(key.peer, htonl(0xc0000209));
		s->learn(s->arg, &key, (uint16_t)app_registry_find(s->registry, "alpha"),
			 f->learn_source ? f->learn_source : WEIR_SOURCE_DHT);
	}
	if (f->expect.port)
		(void)s->expect(s->arg, m, f->expect.addr, f->expect.port, "alpha",
				f->expect.anyone);
	if (f->when && (m->len < strlen(f->when) || memcmp(m->data, f->when, strlen(f->when)) != 0))
		return;
	if (f->veto)
		finding->app = 0;
	else if (f->says.app)
		*finding = f->says;
}

static bool ends_with(const struct fake *f, const char *end)
{
	size_t used = strlen(f->text);

	return end && used >= strlen(end) && strcmp(f->text + used - strlen(end), end) == 0;
}

static void fake_expect(struct fake *f, const struct app_services *s, const struct app_message *m)
{
	(void)s->parent(s->arg, m->flow, &f->parent);
	if (f->expects)
		f->handle = s->expect_data(s->arg, m, f->expects);
	f->expects = NULL;
	if (f->renames && f->handle)
		s->expect_name(s->arg, f->handle, f->renames);
}

static void fake_event(struct fake *f, const struct app_services *s, const struct app_message *m,
		       const struct stream_event *e, void **state, struct consumer_answer *answer)
{
	size_t used = strlen(f->text), room = sizeof(f->text) - used;

	f->events++;
	if (!*state)
		*state = f;
	fake_expect(f, s, m);
	if (stream_has_bytes(e)) {
		assert_int_equal(m->len, e->len);
		snprintf(f->text + used, room, "%.*s", (int)m->len, (const char *)m->data);
	} else {
		assert_null(m->data);
		if (e->kind == STREAM_GAP)
			snprintf(f->text + used, room, "[%u]", (unsigned int)e->len);
		else
			snprintf(f->text + used, room, e->kind == STREAM_END ? "." : "!");
	}
	if (ends_with(f, f->until))
		answer->verb = CONSUMER_LEAVE;
	if (ends_with(f, f->only))
		answer->sides = CONSUMER_CLIENT;
	if (ends_with(f, f->holds)) {
		f->hold.sides = answer->sides;
		f->hold.handle = answer->handle;
		*answer = f->hold;
	}
	if (f->later.app && ends_with(f, f->when))
		answer->finding = f->later;
}

static void alpha_undecided(const struct app_services *s, const struct app_message *m, void **state,
			    struct app_finding *finding)
{
	fake_undecided(&alpha, s, m, state, finding);
}

static void beta_undecided(const struct app_services *s, const struct app_message *m, void **state,
			   struct app_finding *finding)
{
	fake_undecided(&beta, s, m, state, finding);
}

static void only_tcp_undecided(const struct app_services *s, const struct app_message *m,
			       void **state, struct app_finding *finding)
{
	fake_undecided(&only_tcp, s, m, state, finding);
}

static void named_undecided(const struct app_services *s, const struct app_message *m, void **state,
			    struct app_finding *finding)
{
	fake_undecided(&named, s, m, state, finding);
}

static void fake_release(void *state)
{
	((struct fake *)state)->released++;
}

static const struct app_module alpha_module = {
	.name = "alpha",
	.undecided = alpha_undecided,
	.release = fake_release,
};
static const struct app_module beta_module = {
	.name = "beta",
	.undecided = beta_undecided,
	.release = fake_release,
};
/* TCP's alone, and where the engine named it. */
static const struct app_module only_tcp_module = {
	.name = "gamma",
	.proto = IPPROTO_TCP,
	.undecided = only_tcp_undecided,
};
static const struct app_module named_module = {
	.name = "omega",
	.only_named = true,
	.undecided = named_undecided,
};

/* In place of the program's own table. */
const struct app_module *const *app_modules(void)
{
	static const struct app_module *const modules[] = {&alpha_module, &beta_module,
							   &only_tcp_module, &named_module, NULL};

	return modules;
}

const struct app_module *app_module_find(const char *name)
{
	return strcmp(name, "alpha") == 0  ? &alpha_module
	       : strcmp(name, "beta") == 0 ? &beta_module
					   : NULL;
}

static unsigned int alpha_wants(const struct app_services *s, const struct flow *f)
{
	return alpha.reads;
}

static void alpha_event(const struct app_services *s, const struct app_message *m,
			const void *event, void **state, struct consumer_answer *answer)
{
	fake_event(&alpha, s, m, event, state, answer);
}

static CONSUMER(alpha) = {
	.abi = CONSUMER_ABI,
	.name = "alpha",
	.module = "alpha",
	.wants = alpha_wants,
	.event = alpha_event,
	.release = fake_release,
};

#ifndef BENCH_CONSUMERS /* a test's own, besides */
#define BENCH_CONSUMERS
#endif
#ifndef BENCH_READERS
#define BENCH_READERS
#endif
/* In place of the program's own tables. */
const struct consumer *const consumers[] = {&consumer_alpha, BENCH_CONSUMERS NULL};
const struct reader *const readers[] = {BENCH_READERS NULL};

struct bench {
	struct app_registry *registry;
	struct signatures *signatures;
	struct endpoints *endpoints;
	struct inspector *inspector;
	struct inspect_outcome out;
	uint64_t now_ns;
	unsigned int learned; /* calls of the learn callback */
	struct weir_peer last_learned;
};

static void bench_learn(void *arg, const struct weir_endpoint_key *key,
			const struct weir_peer *peer)
{
	struct bench *b = arg;

	b->learned++;
	b->last_learned = *peer;
}

static struct signatures *bench_signatures(struct app_registry *r, const char *yaml)
{
	char path[] = "/tmp/weir-inspect-XXXXXX";
	const char *paths[] = {path};
	struct signatures *s = NULL;
	struct error e = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
	close(fd);
	if (signatures_load(paths, 1, r, &s, &e) < 0)
		print_message("%s\n", e.text);
	unlink(path);
	assert_non_null(s);
	return s;
}

static const struct inspect_settings bench_settings = {
	.packets = 4,
	.limits = {.flows = 16,
		   .stream_bytes = 1024,
		   .stream_bytes_all = 8192,
		   .idle_ns = 300 * BENCH_SECOND},
	.endpoint_ttl_ns = 600 * BENCH_SECOND,
};

/* A new inspector in place of the bench's. */
static void bench_restart(struct bench *b, const struct inspect_settings *settings)
{
	inspector_free(b->inspector);
	b->inspector =
		inspector_new(settings, b->signatures, b->registry, b->endpoints, bench_learn, b);
	assert_non_null(b->inspector);
}

/* As a worker has it: what the gate numbers is told with a punt. */
_unused_ static void bench_go_online(struct bench *b)
{
	struct inspect_settings settings = bench_settings;

	settings.online = true;
	bench_restart(b, &settings);
}

static int bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	memset(&alpha, 0, sizeof(alpha));
	memset(&beta, 0, sizeof(beta));
	memset(&only_tcp, 0, sizeof(only_tcp));
	memset(&named, 0, sizeof(named));
	b->registry = app_registry_new();
	b->signatures = bench_signatures(b->registry, bench_yaml);
	b->endpoints = endpoints_new(16, 600 * BENCH_SECOND);
	bench_restart(b, &bench_settings);
	/* Capture time is far from CLOCK_MONOTONIC. */
	b->now_ns = 1700000000 * BENCH_SECOND;
	*state = b;
	return 0;
}

static int bench_teardown(void **state)
{
	struct bench *b = *state;

	inspector_free(b->inspector);
	endpoints_free(b->endpoints);
	signatures_free(b->signatures);
	app_registry_free(b->registry);
	free(b);
	return 0;
}

_unused_ static uint16_t app_of(const struct bench *b, const char *name)
{
	int app = app_registry_find(b->registry, name);

	assert_true(app > 0);
	return (uint16_t)app;
}

static struct inspect_outcome *send_frame(struct bench *b, const uint8_t *frame, size_t len,
					  const struct weir_punt *punt)
{
	struct packet p;
	enum packet_status status = packet_decode(frame, len, PACKET_LINK_ETHERNET, &p);

	b->now_ns += 1000000;
	inspector_packet(b->inspector, &p, status, punt, b->now_ns, &b->out);
	return &b->out;
}

static struct inspect_outcome *send_spec(struct bench *b, const struct frame_spec *s,
					 const struct weir_punt *punt)
{
	uint8_t frame[FRAME_MAX];

	return send_frame(b, frame, frame_build(frame, s), punt);
}

static struct frame_spec spec_of(uint8_t proto, bool back, const char *text)
{
	return (struct frame_spec){
		.src = back ? SERVER : CLIENT,
		.dst = back ? CLIENT : SERVER,
		.proto = proto,
		.sport = back ? 80 : 4000,
		.dport = back ? 4000 : 80,
		.payload = text,
		.len = text ? strlen(text) : 0,
	};
}

/* TCP between CLIENT:4000 and SERVER:80. */
_unused_ static struct inspect_outcome *send_tcp(struct bench *b, bool back, uint8_t flags,
						 uint32_t seq, const char *text)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, back, text);

	s.flags = flags;
	s.seq = seq;
	return send_spec(b, &s, NULL);
}

_unused_ static struct inspect_outcome *send_udp(struct bench *b, bool back, const char *text)
{
	struct frame_spec s = spec_of(IPPROTO_UDP, back, text);

	return send_spec(b, &s, NULL);
}

/* The client's first byte has number 100, the server's 500. */
_unused_ static void send_handshake(struct bench *b)
{
	send_tcp(b, false, FRAME_SYN, 99, NULL);
	send_tcp(b, true, FRAME_SYN | FRAME_ACK, 499, NULL);
	send_tcp(b, false, FRAME_ACK, 100, NULL);
}

/* A segment, with what the gate says of it. */
_unused_ static struct inspect_outcome *punt_tcp(struct bench *b, const struct weir_punt *punt,
						 bool back, uint32_t seq, const char *text)
{
	struct frame_spec s = spec_of(IPPROTO_TCP, back, text);

	s.flags = FRAME_ACK;
	s.seq = seq;
	return send_spec(b, &s, punt);
}

/* Which of its flow's ends the client is. */
_unused_ static uint8_t client_side(void)
{
	uint32_t client[4], server[4];

	address_parse(CLIENT, client);
	address_parse(SERVER, server);
	return weir_side_before(client, htons(4000), server, htons(80)) ? 0 : 1;
}

/* A flow that alpha's consumer takes. */
_unused_ static void begin_inspection(struct bench *b)
{
	alpha.says = (struct app_finding){
		.app = app_of(b, "alpha"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 95};
	alpha.reads = CONSUMER_BOTH;
	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
	assert_true(b->out.flow->inspect);
	assert_string_equal(alpha.text, "ALPHA");
	alpha.text[0] = '\0';
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
