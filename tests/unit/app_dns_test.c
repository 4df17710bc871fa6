// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "proto/dns.h"
#include "unit/consume.h"
#include "util/util.h"

struct bench {
	const struct app_module *module;
	struct app_registry *registry;
	struct app_services services;
	struct flow flow;
	struct consume consume;
	uint8_t proto;
	unsigned int questions, answers;
	struct app_dns question, answer; /* the last ones */
	uint32_t to[4];			 /* who got it */
};

static void answered(void *arg, const struct app_message *m, const struct app_dns *answer)
{
	struct bench *b = arg;

	if (answer->query) {
		b->questions++;
		b->question = *answer;
		return;
	}
	b->answers++;
	b->answer = *answer;
	memcpy(b->to, m->dst, sizeof(b->to));
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->module = app_module_find("dns");
	assert_non_null(b->module);
	b->registry = app_registry_new();
	assert_true(app_registry_add(b->registry, "dns", "network") > 0);
	b->services =
		(struct app_services){.registry = b->registry, .answered = answered, .arg = b};
	/* A signature has named the application. */
	b->consume = (struct consume){
		.module = b->module,
		.flow = &b->flow,
		.finding = {.app = (uint16_t)app_registry_find(b->registry, "dns"),
			    .method = WEIR_METHOD_SIGNATURE,
			    .confidence = 95},
	};
	b->proto = IPPROTO_UDP;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	consume_end(&b->consume);
	app_registry_free(b->registry);
	free(b);
	return 0;
}

/* The client is 10.0.0.1. At its exact size on the heap, so that a read beyond it shows under ASan.
 */
static void say(struct bench *b, bool back, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct app_message m = {
		.flow = &b->flow,
		.data = copy,
		.len = len,
		.dir = back,
		.proto = b->proto,
		.from_origin = !back,
		.sport = back ? 53 : 4000,
		.dport = back ? 4000 : 53,
	};

	memcpy(copy, data, len);
	address_from_v4(m.src, htonl(back ? 0x0a000035 : 0x0a000001));
	address_from_v4(m.dst, htonl(back ? 0x0a000001 : 0x0a000035));
	consume_show(&b->consume, &b->services, &m);
	free(copy);
}

/* ---- messages ---- */

struct message {
	uint8_t at[1024];
	size_t len;
};

static void put(struct message *m, const void *from, size_t len)
{
	memcpy(m->at + m->len, from, len);
	m->len += len;
}

static void put16(struct message *m, unsigned int v)
{
	const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(m, bytes, 2);
}

static void put_name(struct message *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		m->at[m->len++] = (uint8_t)n;
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	m->at[m->len++] = 0;
}

static struct message message(uint16_t id, bool response, const char *name, uint16_t type,
			      uint16_t answers)
{
	struct message m = {.len = 0};

	put16(&m, id);
	put16(&m, response ? 0x8180 : 0x0100);
	put16(&m, 1);
	put16(&m, answers);
	put16(&m, 0);
	put16(&m, 0);
	put_name(&m, name);
	put16(&m, type);
	put16(&m, 1);
	return m;
}

/* owner NULL: a pointer to the question's name. */
static void put_record(struct message *m, const char *owner, uint16_t type, uint16_t ttl,
		       const void *data, size_t len)
{
	if (owner)
		put_name(m, owner);
	else
		put16(m, 0xc00c);
	put16(m, type);
	put16(m, 1);
	put16(m, 0);
	put16(m, ttl);
	put16(m, (unsigned int)len);
	put(m, data, len);
}

static void put_alias(struct message *m, const char *owner, const char *target)
{
	struct message name = {.len = 0};

	put_name(&name, target);
	put_record(m, owner, 5, 10, name.at, name.len);
}

static const uint8_t web[] = {192, 0, 2, 80};

static void a_question_is_told_once(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "WWW.example.org", 28, 0);

	say(b, false, q.at, q.len);
	say(b, false, q.at, q.len);
	assert_int_equal(b->questions, 1);
	assert_int_equal(b->question.id, 7);
	assert_int_equal(b->question.type, 28);
	assert_int_equal(b->question.count, 0);
	assert_int_equal(b->question.flags & 0x8000, 0);
	assert_string_equal(b->question.name, "www.example.org");
	assert_int_equal(b->answers, 0);
}

static void an_answer_names_an_address(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "WWW.example.org", 1, 0);
	struct message a = message(7, true, "www.Example.org", 1, 1);
	uint32_t want[4];

	put_record(&a, NULL, 1, 300, web, 4);
	say(b, false, q.at, q.len);
	assert_int_equal(b->consume.reading, 1);
	say(b, true, a.at, a.len);
	assert_int_equal(b->answers, 1);
	assert_int_equal(b->answer.flags & 0x8000, 0x8000);
	assert_string_equal(b->answer.name, "www.example.org");
	assert_int_equal(b->answer.count, 1);
	assert_int_equal(b->answer.record[0].ttl_seconds, 300);
	address_from_v4(want, htonl(0xc0000250));
	assert_memory_equal(b->answer.record[0].address, want, 16);
	address_from_v4(want, htonl(0x0a000001));
	assert_memory_equal(b->to, want, 16);
	/* Once. */
	say(b, true, a.at, a.len);
	assert_int_equal(b->answers, 1);
}

static void aliases_are_followed(void **state)
{
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
	struct bench *b = *state;
	struct message q = message(7, false, "www.example.org", 28, 0);
	struct message a = message(7, true, "www.example.org", 28, 4);

	put_alias(&a, "b.example.net", "c.example.net");
	put_record(&a, "other.example", 28, 9, six, 16);
	put_record(&a, "C.example.net", 28, 9, six, 16);
	put_alias(&a, NULL, "b.example.net");
	say(b, false, q.at, q.len);
	say(b, true, a.at, a.len);
	assert_int_equal(b->answer.count, 3);
	assert_string_equal(b->answer.record[0].target, "b.example.net");
	assert_string_equal(b->answer.record[1].target, "c.example.net");
	assert_memory_equal(b->answer.record[2].address, six, 16);
}

/* Poison: nothing was asked, or something else, or by somebody else. */
static void answers_to_no_question(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint16_t id;
		const char *name;
		uint16_t type;
		bool back;
	} table[] = {
		{8, "www.example.org", 1, true},
		{7, "www.example.com", 1, true},
		{7, "www.example.org", 28, true},
		{7, "www.example.org", 1, false},
	};
	struct message q = message(7, false, "www.example.org", 1, 0);

	say(b, false, q.at, q.len);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct message a = message(table[i].id, true, table[i].name, table[i].type, 1);

		put_record(&a, NULL, 1, 300, web, 4);
		say(b, table[i].back, a.at, a.len);
		assert_int_equal(b->answers, 0);
	}
}

static void an_alias_loop_ends(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "a.example", 1, 0);
	struct message a = message(7, true, "a.example", 1, 2);

	put_alias(&a, "a.example", "b.example");
	put_alias(&a, "b.example", "a.example");
	say(b, false, q.at, q.len);
	say(b, true, a.at, a.len);
	assert_int_equal(b->answers, 1);
	assert_int_equal(b->answer.count, 8);
}

/* Every beginning of an answer, and every byte of it turned. */
static void broken_answers(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "www.example.org", 1, 0);
	struct message a = message(7, true, "www.example.org", 1, 2);

	put_alias(&a, NULL, "b.example.net");
	put_record(&a, "b.example.net", 1, 300, web, 4);
	for (size_t n = 0; n < a.len; n++) {
		struct message bad = a;

		say(b, false, q.at, q.len);
		b->answer.count = 0;
		say(b, true, a.at, n);
		assert_true(b->answer.count < 2);
		bad.at[n] ^= 0xff;
		say(b, false, q.at, q.len);
		say(b, true, bad.at, bad.len);
	}
}

static void names(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, at;
		const char *name; /* NULL: broken */
		size_t end;
	} table[] = {
		{"............\1A\2bC\0", 18, 12, "a.bc", 18},
		{"............\1a\0\1b\xc0\x0c", 19, 15, "b.a", 19},
		{"............\1a.\0", 16, 12, NULL, 0},    /* a label beyond the end */
		{"............\3a.b\0", 17, 12, "a?b", 17}, /* its dot is none */
		{"............\1\x01\0", 15, 12, "?", 15},
		{"............\0", 13, 12, "", 13},
		{"............\xc0\x0c", 14, 12, NULL, 0},	/* to itself */
		{"............\xc0\x0e\1a\0", 17, 12, NULL, 0}, /* forwards */
		{"............\1a\xc0\x0c", 16, 12, NULL, 0},	/* a loop */
		{"............\xc0\x00\1a\0", 17, 12, NULL, 0}, /* into the header */
		{"............\1a\xc0", 15, 12, NULL, 0},
		{"............\x40", 13, 12, NULL, 0},
		{"............\1a", 14, 12, NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t *copy = malloc(table[i].len);
		char name[NAME_TEXT_MAX + 1];
		size_t at = table[i].at;

		memcpy(copy, table[i].bytes, table[i].len);
		assert_int_equal(dns_read_name(copy, table[i].len, &at, name),
				 table[i].name != NULL);
		if (table[i].name) {
			assert_string_equal(name, table[i].name);
			assert_int_equal(at, table[i].end);
		}
		free(copy);
	}
}

static void the_longest_name(void **state)
{
	char name[NAME_TEXT_MAX + 1];
	uint8_t bytes[400];
	size_t at = 12;

	memset(bytes, 1, sizeof(bytes)); /* labels of one byte, which is 1 */
	bytes[12 + 2 * 127] = 0;
	assert_true(dns_read_name(bytes, sizeof(bytes), &at, name));
	assert_int_equal(strlen(name), 253);
	at = 12;
	bytes[12 + 2 * 127] = 1;
	bytes[12 + 2 * 128] = 0;
	assert_false(dns_read_name(bytes, sizeof(bytes), &at, name));
}

/* Two messages in three segments; the first segment is shown as a stream that grows. */
static void over_tcp(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "www.example.org", 1, 0);
	struct message a = message(7, true, "www.example.org", 1, 1), wire = {.len = 0};

	b->proto = IPPROTO_TCP;
	put_record(&a, NULL, 1, 300, web, 4);
	put16(&wire, (unsigned int)q.len);
	put(&wire, q.at, q.len);
	say(b, false, wire.at, 5);
	say(b, false, wire.at + 5, wire.len - 5);
	wire.len = 0;
	put16(&wire, 0);
	put16(&wire, (unsigned int)a.len);
	put(&wire, a.at, a.len);
	say(b, true, wire.at, 3);
	say(b, true, wire.at + 3, 20);
	assert_int_equal(b->answers, 0);
	say(b, true, wire.at + 23, wire.len - 23);
	assert_int_equal(b->answers, 1);
	assert_int_equal(b->answer.count, 1);
}

static void zone_transfers_are_not_read(void **state)
{
	struct bench *b = *state;
	static const uint8_t nothing[2 * 255];

	b->proto = IPPROTO_TCP;
	say(b, false, nothing, sizeof(nothing));
	assert_int_equal(b->consume.reading, 1);
	say(b, true, nothing, 2);
	assert_int_equal(b->consume.reading, 0);
}

static void what_is_on_other_ports_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct message q = message(7, false, "www.example.org", 1, 0);
	struct app_message m = {
		.flow = &b->flow, .data = q.at, .len = q.len, .proto = IPPROTO_UDP, .dport = 5353};

	consume_show(&b->consume, &b->services, &m);
	assert_int_equal(b->consume.reading, 0);
	assert_int_equal(b->questions, 0);
}

static void count_message(void *arg, const void *event)
{
	const struct dns_event *e = event;

	assert_string_equal(e->question.name, "www.example.org");
	assert_true(e->question.response && e->question.id == 7 && e->question.answers == 1);
	++*(unsigned int *)arg;
}

/* Nothing tells where the next message begins. */
static void a_gap_ends_it(void **state)
{
	struct bench *b = *state;
	struct app_message m = {.flow = &b->flow, .proto = IPPROTO_TCP};

	b->proto = IPPROTO_TCP;
	say(b, false, (const uint8_t *)"\0", 1);
	assert_int_equal(b->consume.reading, 1);
	consume_event(&b->consume, &b->services, &m,
		      (struct stream_event){.kind = STREAM_GAP, .len = 10});
	assert_int_equal(b->consume.reading, 1); /* the other side goes on */
	m.from_origin = true;
	consume_event(&b->consume, &b->services, &m,
		      (struct stream_event){.kind = STREAM_GAP, .len = 10});
	assert_int_equal(b->consume.reading, 0);
}

/* Whatever the cuts, two messages and one that is longer than what is kept. */
static void every_cut_over_tcp(void **state)
{
	static uint8_t wire[2 + DNS_MESSAGE_MAX + 1 + 2 * 520];
	struct message a = message(7, true, "www.example.org", 1, 1);
	size_t len = 0;

	put_record(&a, NULL, 1, 300, web, 4);
	for (int i = 0; i < 2; i++) {
		wire[len + 1] = (uint8_t)a.len;
		memcpy(wire + len + 2, a.at, a.len);
		len += 2 + a.len;
		if (i)
			break;
		wire[len] = (DNS_MESSAGE_MAX + 1) >> 8;
		wire[len + 1] = (DNS_MESSAGE_MAX + 1) & 255;
		len += 2 + DNS_MESSAGE_MAX + 1;
	}
	for (size_t cut = 0; cut <= len; cut += cut < 60 || cut > len - 60 ? 1 : 97)
		for (size_t piece = 1; piece < 2000; piece += 640) {
			struct dns_stream d = {0};
			unsigned int seen = 0;

			for (size_t at = 0, n; at < len; at += n) {
				struct stream_event e = {.kind = STREAM_DATA};

				n = at < cut ? cut - at : len - at;
				n = n < piece ? n : piece;
				e.data = wire + at;
				e.len = n;
				assert_int_equal(reader_dns.read(&d, &e, count_message, &seen), 0);
			}
			assert_int_equal(seen, 2);
			reader_dns.fini(&d);
		}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_told_once),
		TEST(an_answer_names_an_address),
		TEST(aliases_are_followed),
		TEST(answers_to_no_question),
		TEST(an_alias_loop_ends),
		TEST(broken_answers),
		TEST(names),
		TEST(the_longest_name),
		TEST(over_tcp),
		TEST(zone_transfers_are_not_read),
		TEST(what_is_on_other_ports_is_left_alone),
		TEST(a_gap_ends_it),
		TEST(every_cut_over_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
