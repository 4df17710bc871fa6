// SPDX-License-Identifier: GPL-2.0-only
/* Who is given what of a decided flow: several consumers, readers, sides, ends, other applications,
 * expected flows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/consumer.h"

extern const struct consumer consumer_second, consumer_words, consumer_other_words, consumer_old;
extern const struct reader reader_words;
#define BENCH_CONSUMERS &consumer_second, &consumer_words, &consumer_other_words, &consumer_old,
#define BENCH_READERS	&reader_words,

#include "inspect_bench.h"

/* ---- a reader of words that end with a blank, and who takes them ---- */

struct words {
	char word[2][16];
	size_t len[2];
};

struct word {
	bool client, gap, end;
	const char *text;
};

static unsigned int words_over, words_bytes;

static enum reader_guess words_guess(enum stream_side side, const uint8_t *data, size_t len)
{
	if (len < 2 || side == STREAM_SERVER)
		return READER_MAYBE;
	return data[0] == 'A' && data[1] == 'L' ? READER_YES : READER_NO;
}

static int words_read(void *state, const struct stream_event *e, reader_emit *emit, void *arg)
{
	struct words *w = state;
	struct word out = {.client = e->side == STREAM_CLIENT,
			   .gap = e->kind == STREAM_GAP,
			   .end = e->kind == STREAM_END || e->kind == STREAM_RESET,
			   .text = ""};

	if (e->kind != STREAM_DATA)
		emit(arg, &out);
	for (size_t i = 0; e->kind == STREAM_DATA && i < e->len; i++) {
		words_bytes++;
		if (e->data[i] == '?')
			return -EPROTO;
		if (e->data[i] != ' ') {
			w->word[e->side][w->len[e->side]++ % 15] = (char)e->data[i];
			continue;
		}
		w->word[e->side][w->len[e->side]] = '\0';
		w->len[e->side] = 0;
		out.text = w->word[e->side];
		emit(arg, &out);
	}
	return 0;
}

static void words_fini(void *state)
{
	(void)state;
	words_over++;
}

READER(words) = {
	.abi = READER_ABI,
	.name = "words",
	.proto = IPPROTO_TCP,
	.size = sizeof(struct words),
	.guess = words_guess,
	.read = words_read,
	.fini = words_fini,
};

/* What a consumer of words does and was given: "word>" of the client, "<word" of the server. */
struct taker {
	unsigned int wants, released;
	char text[256];
	const char *leaves; /* at that word */
	struct app_finding says;
	const char *says_at;
};
static struct taker first, other;
static struct fake second;

static void words_event(struct taker *t, const void *event, void **state,
			struct consumer_answer *answer)
{
	const struct word *word = event;
	size_t used = strlen(t->text);
	const char *text = word->gap ? "[]" : word->end ? "." : word->text;

	*state = t;
	snprintf(t->text + used, sizeof(t->text) - used, word->client ? "%s>" : "<%s", text);
	if (t->leaves && strcmp(word->text, t->leaves) == 0)
		answer->verb = CONSUMER_LEAVE;
	if (t->says_at && strcmp(word->text, t->says_at) == 0)
		answer->finding = t->says;
}

static unsigned int words_wants(const struct app_services *s, const struct flow *f)
{
	return first.wants;
}

static unsigned int other_words_wants(const struct app_services *s, const struct flow *f)
{
	return other.wants;
}

static unsigned int second_wants(const struct app_services *s, const struct flow *f)
{
	return second.reads;
}

static void words_taken(const struct app_services *s, const struct app_message *m,
			const void *event, void **state, struct consumer_answer *answer)
{
	words_event(&first, event, state, answer);
}

static void other_words_taken(const struct app_services *s, const struct app_message *m,
			      const void *event, void **state, struct consumer_answer *answer)
{
	words_event(&other, event, state, answer);
}

static void second_taken(const struct app_services *s, const struct app_message *m,
			 const void *event, void **state, struct consumer_answer *answer)
{
	fake_event(&second, s, m, event, state, answer);
}

static void taker_release(void *state)
{
	if (state)
		((struct taker *)state)->released++;
}

CONSUMER(second) = {
	.abi = CONSUMER_ABI,
	.name = "second",
	.wants = second_wants,
	.event = second_taken,
	.release = fake_release,
};
CONSUMER(words) = {
	.abi = CONSUMER_ABI,
	.name = "words",
	.reader = &reader_words,
	.wants = words_wants,
	.event = words_taken,
	.release = taker_release,
};
CONSUMER(other_words) = {
	.abi = CONSUMER_ABI,
	.name = "other-words",
	.reader = &reader_words,
	.wants = other_words_wants,
	.event = other_words_taken,
	.release = taker_release,
};
/* Made for another program: it must never be called. */
CONSUMER(old) = {
	.abi = CONSUMER_ABI + 1,
	.name = "old",
};

static int consumers_setup(void **state)
{
	memset(&first, 0, sizeof(first));
	memset(&other, 0, sizeof(other));
	memset(&second, 0, sizeof(second));
	words_over = words_bytes = 0;
	return bench_setup(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, consumers_setup, bench_teardown)

/* ---- several of a flow ---- */

static void a_flow_that_nobody_wants_is_not_inspected(void **state)
{
	struct bench *b = *state;

	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
	assert_false(b->out.flow->inspect);
	assert_int_equal(b->out.flow->wanted, 0);
}

/* All get all of it from the first byte on, and what is read is read once. */
static void each_is_given_everything(void **state)
{
	struct bench *b = *state;

	alpha.reads = second.reads = first.wants = other.wants = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "AL");
	send_tcp(b, true, FRAME_ACK, 500, "hi ");
	assert_int_equal(alpha.events + second.events, 0);
	assert_true(send_tcp(b, false, FRAME_ACK, 102, "PHA one")->decided_now);
	assert_string_equal(alpha.text, "ALPHA onehi ");
	send_tcp(b, false, FRAME_ACK, 109, " two ");
	send_tcp(b, true, FRAME_ACK, 503, "there ");
	assert_string_equal(alpha.text, "ALPHA onehi  two there ");
	assert_string_equal(second.text, alpha.text);
	assert_string_equal(first.text, "ALPHA><hione>two><there");
	assert_string_equal(other.text, first.text);
	assert_int_equal(words_bytes, strlen(alpha.text));
}

static void one_leaves_and_the_others_stay(void **state)
{
	struct bench *b = *state;

	alpha.reads = second.reads = first.wants = other.wants = CONSUMER_BOTH;
	alpha.until = "ALPHA ";
	first.leaves = "one";
	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA ")->decided_now);
	assert_int_equal(alpha.released, 1);
	assert_false(send_tcp(b, false, FRAME_ACK, 106, "one two ")->decided_now);
	assert_string_equal(alpha.text, "ALPHA ");
	assert_string_equal(second.text, "ALPHA one two ");
	assert_string_equal(first.text, "ALPHA>one>");
	assert_int_equal(first.released, 1);
	assert_string_equal(other.text, "ALPHA>one>two>");
	assert_int_equal(words_over, 0);
	/* The last one takes the inspection with it. */
	other.leaves = "three";
	second.until = " three ";
	assert_true(send_tcp(b, false, FRAME_ACK, 114, "three ")->decided_now);
	assert_false(b->out.flow->inspect);
	assert_int_equal(words_over, 1);
	assert_int_equal(second.released, 1);
}

/* ---- readers ---- */

static void a_reader_that_is_wrong_is_off_for_good(void **state)
{
	struct bench *b = *state;

	second.reads = first.wants = other.wants = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA ");
	send_tcp(b, false, FRAME_ACK, 106, "one ?two ");
	assert_string_equal(first.text, "ALPHA>one>");
	assert_int_equal(first.released + other.released, 2);
	assert_int_equal(words_over, 1);
	assert_true(b->out.flow->inspect);
	send_tcp(b, false, FRAME_ACK, 115, "three ");
	assert_string_equal(first.text, "ALPHA>one>");
	assert_string_equal(second.text, "ALPHA one ?two three ");
}

static void what_does_not_look_like_it_is_not_read(void **state)
{
	struct bench *b = *state;

	first.wants = CONSUMER_BOTH;
	send_handshake(b);
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "GET / ")->decided_now);
	assert_false(b->out.flow->inspect);
	assert_int_equal(words_bytes, 0);
}

/* ---- the order of a stream ---- */

/* Wherever the bytes are cut, and whichever direction comes first. */
static void cut_at_every_byte(void **state)
{
	static const char client[] = "ALPHA one two ", server[] = "un deux ";

	for (size_t cut = 5; cut < sizeof(client) - 1; cut++) {
		struct bench *b;
		char piece[16];

		bench_teardown(state);
		consumers_setup(state);
		b = *state;
		alpha.reads = first.wants = CONSUMER_BOTH;
		send_handshake(b);
		if (cut & 1)
			send_tcp(b, true, FRAME_ACK, 500, server);
		snprintf(piece, sizeof(piece), "%.*s", (int)cut, client);
		send_tcp(b, false, FRAME_ACK, 100, piece);
		if (!(cut & 1))
			send_tcp(b, true, FRAME_ACK, 500, server);
		/* Behind what is yet to come, and twice. */
		send_tcp(b, false, FRAME_ACK, 100 + (uint32_t)cut, client + cut);
		send_tcp(b, false, FRAME_ACK, 100 + (uint32_t)cut, client + cut);
		assert_int_equal(words_bytes, sizeof(client) + sizeof(server) - 2);
		assert_int_equal(strlen(alpha.text), words_bytes);
	}
}

static void gaps_are_told_to_all(void **state)
{
	struct bench *b = *state;
	char text[1001];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	second.reads = first.wants = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA ");
	send_tcp(b, false, FRAME_ACK, 206, "BBBB ");
	assert_string_equal(second.text, "ALPHA ");
	second.until = "BBBB ";
	send_tcp(b, false, FRAME_ACK, 1200, text);
	assert_string_equal(second.text, "ALPHA [100]BBBB ");
	assert_string_equal(first.text, "ALPHA>[]>BBBB>");
}

static void the_beginning_was_not_seen(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_BOTH;
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPHA")->decided_now);
	send_tcp(b, true, FRAME_ACK, 500, "hi");
	assert_string_equal(alpha.text, "[0]ALPHA[0]hi");
}

/* ---- ends ---- */

static void a_fin_is_told_where_it_is(void **state)
{
	struct bench *b = *state;

	alpha.reads = first.wants = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA ");
	send_tcp(b, false, FRAME_ACK | FRAME_FIN, 109, NULL);
	assert_string_equal(alpha.text, "ALPHA ");
	send_tcp(b, false, FRAME_ACK, 106, "on ");
	assert_string_equal(alpha.text, "ALPHA on .");
	assert_string_equal(first.text, "ALPHA>on>.>");
	send_tcp(b, true, FRAME_ACK | FRAME_FIN, 500, "by");
	assert_string_equal(alpha.text, "ALPHA on .by.");
	/* Nothing more. */
	send_tcp(b, false, FRAME_ACK, 109, "late");
	send_tcp(b, true, FRAME_ACK | FRAME_FIN, 502, NULL);
	assert_string_equal(alpha.text, "ALPHA on .by.");
}

static void a_fin_before_the_decision(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK | FRAME_FIN, 104, "A");
	assert_true(send_tcp(b, false, FRAME_ACK, 100, "ALPH")->decided_now);
	assert_string_equal(alpha.text, "ALPHA.");
}

static void a_reset_out_of_place_is_none(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA ");
	send_tcp(b, true, FRAME_ACK, 500, "x");
	send_tcp(b, true, FRAME_RST, 900000, NULL);
	send_tcp(b, true, FRAME_ACK, 501, "y");
	assert_string_equal(alpha.text, "ALPHA xy");
}

static void a_reset_in_its_place_ends_all(void **state)
{
	struct bench *b = *state;

	alpha.reads = first.wants = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA ");
	send_tcp(b, false, FRAME_RST, 106, NULL);
	assert_string_equal(alpha.text, "ALPHA !");
	assert_string_equal(first.text, "ALPHA>.>");
	assert_int_equal(alpha.released, 1);
	send_tcp(b, false, FRAME_ACK, 106, "more");
	assert_string_equal(alpha.text, "ALPHA !");
}

static void a_flow_that_is_forgotten_is_told_of(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_BOTH;
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA");
	inspector_expire(b->inspector, b->now_ns + 400 * BENCH_SECOND, 10);
	assert_string_equal(alpha.text, "ALPHA!");
	assert_int_equal(alpha.released, 1);
}

/* ---- sides ---- */

static void the_union_of_sides_is_wanted(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_CLIENT;
	second.reads = CONSUMER_BOTH;
	second.until = "hi";
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA");
	assert_int_equal(b->out.flow->wanted, CONSUMER_BOTH);
	assert_true(send_tcp(b, true, FRAME_ACK, 500, "hi")->decided_now);
	assert_int_equal(b->out.flow->wanted, CONSUMER_CLIENT);
	assert_false(send_tcp(b, true, FRAME_ACK, 502, "unheard")->decided_now);
	send_tcp(b, false, FRAME_ACK, 105, "x");
	assert_string_equal(alpha.text, "ALPHAx");
	assert_string_equal(second.text, "ALPHAhi");
}

static void a_side_can_be_given_up(void **state)
{
	struct bench *b = *state;

	alpha.reads = CONSUMER_BOTH;
	alpha.only = "hi";
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALPHA");
	assert_true(send_tcp(b, true, FRAME_ACK, 500, "hi")->decided_now);
	assert_int_equal(b->out.flow->wanted, CONSUMER_CLIENT);
	send_tcp(b, true, FRAME_ACK, 502, "unheard");
	send_tcp(b, false, FRAME_ACK, 105, "x");
	assert_string_equal(alpha.text, "ALPHAhix");
}

/* ---- another application ---- */

static void the_application_changes_and_all_stay(void **state)
{
	struct bench *b = *state;

	first.wants = other.wants = CONSUMER_BOTH;
	first.says_at = "two";
	first.says = (struct app_finding){
		.app = app_of(b, "exact"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 99};
	send_handshake(b);
	assert_false(send_tcp(b, false, FRAME_ACK, 100, "ALPHA one ")->changed);
	/* Whoever joins now has not seen the beginning. */
	second.reads = CONSUMER_BOTH;
	alpha.reads = CONSUMER_BOTH;
	assert_true(send_tcp(b, false, FRAME_ACK, 110, "two ")->changed);
	assert_true(b->out.decided_now);
	assert_int_equal(b->out.flow->app, app_of(b, "exact"));
	assert_int_equal(b->out.flow->method, WEIR_METHOD_HANDSHAKE);
	send_tcp(b, false, FRAME_ACK, 114, "three ");
	assert_string_equal(first.text, "ALPHA>one>two>three>");
	assert_string_equal(other.text, first.text);
	/* It was asked at the first decision, and wanted nothing. */
	assert_string_equal(second.text, "");
	/* It is not for this application. */
	assert_string_equal(alpha.text, "");
	/* Said again, it is no change. */
	assert_false(send_tcp(b, false, FRAME_ACK, 120, "two ")->decided_now);
}

static void who_is_for_the_new_application_joins(void **state)
{
	struct bench *b = *state;

	first.wants = CONSUMER_BOTH;
	first.says_at = "two";
	first.says = (struct app_finding){
		.app = app_of(b, "alpha"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 99};
	alpha.reads = CONSUMER_BOTH;
	beta.says = (struct app_finding){
		.app = app_of(b, "exact"), .method = WEIR_METHOD_HANDSHAKE, .confidence = 99};
	send_handshake(b);
	send_tcp(b, false, FRAME_ACK, 100, "ALone ");
	assert_int_equal(b->out.flow->app, app_of(b, "exact"));
	assert_true(send_tcp(b, false, FRAME_ACK, 106, "two ")->changed);
	send_tcp(b, false, FRAME_ACK, 110, "three ");
	send_tcp(b, true, FRAME_ACK, 500, "hi");
	assert_string_equal(alpha.text, "[0]three [0]hi");
}

/* ---- expected flows ---- */

static void an_expected_flow_is_read_from_its_first_byte(void **state)
{
	struct bench *b = *state;
	const struct app_expectation e = {.port = 5000,
					  .app = "alpha",
					  .inspect = true,
					  .name = "first.txt",
					  .user = "anonymous"};
	struct frame_spec s;

	alpha.expects = &e;
	alpha.reads = CONSUMER_BOTH;
	send_udp(b, false, "ALPHA");
	alpha.text[0] = '\0';
	assert_int_not_equal(alpha.handle, 0);
	assert_int_equal(b->last_learned.flags, WEIR_PEER_INSPECT);
	s = spec_of(IPPROTO_TCP, true, NULL);
	s.sport = 20;
	s.dport = 5000;
	s.flags = FRAME_SYN;
	s.seq = 499;
	assert_true(send_spec(b, &s, NULL)->decided_now);
	assert_int_equal(b->out.flow->method, WEIR_METHOD_ENDPOINT);
	assert_true(b->out.flow->expected);
	assert_true(b->out.flow->inspect);
	s.flags = FRAME_ACK;
	s.seq = 500;
	s.payload = "content";
	s.len = 7;
	send_spec(b, &s, NULL);
	assert_string_equal(alpha.text, "content");
	assert_string_equal(alpha.parent.name, "first.txt");
	assert_string_equal(alpha.parent.user, "anonymous");
	assert_int_equal(alpha.parent.handle, alpha.handle);
	/* Named when it has begun. */
	alpha.renames = "second.txt";
	s.seq = 507;
	send_spec(b, &s, NULL);
	send_spec(b, &s, NULL);
	s.seq = 514;
	send_spec(b, &s, NULL);
	assert_string_equal(alpha.parent.name, "second.txt");
}

/* As the gate has it: it decides by the expectation, and the daemon sees the flow first then. */
static void the_gate_decides_an_expected_flow(void **state)
{
	struct bench *b = *state;
	const struct app_expectation e = {.port = 80, .app = "alpha", .inspect = true, .name = "x"};
	uint8_t client = client_side();
	struct weir_punt punt = {
		.flow_id = 42,
		.number = 1,
		.isn = 99,
		.app = app_of(b, "alpha"),
		.flags = WEIR_PUNT_INSPECT | WEIR_PUNT_ISN |
			 (client ? WEIR_PUNT_DIR | WEIR_PUNT_ORIGIN : 0),
	};

	alpha.expects = &e;
	alpha.reads = CONSUMER_BOTH;
	send_udp(b, true, "ALPHA");
	alpha.text[0] = '\0';
	/* Its second segment is the first that comes. */
	punt_tcp(b, &punt, false, 105, "two");
	punt.number = 2;
	assert_string_equal(alpha.text, "");
	punt_tcp(b, &punt, false, 100, "_one_");
	assert_string_equal(alpha.text, "_one_two");
	assert_true(b->out.flow->expected);
	assert_string_equal(alpha.parent.name, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flow_that_nobody_wants_is_not_inspected),
		TEST(each_is_given_everything),
		TEST(one_leaves_and_the_others_stay),
		TEST(a_reader_that_is_wrong_is_off_for_good),
		TEST(what_does_not_look_like_it_is_not_read),
		TEST(cut_at_every_byte),
		TEST(gaps_are_told_to_all),
		TEST(the_beginning_was_not_seen),
		TEST(a_fin_is_told_where_it_is),
		TEST(a_fin_before_the_decision),
		TEST(a_reset_out_of_place_is_none),
		TEST(a_reset_in_its_place_ends_all),
		TEST(a_flow_that_is_forgotten_is_told_of),
		TEST(the_union_of_sides_is_wanted),
		TEST(a_side_can_be_given_up),
		TEST(the_application_changes_and_all_stay),
		TEST(who_is_for_the_new_application_joins),
		TEST(an_expected_flow_is_read_from_its_first_byte),
		TEST(the_gate_decides_an_expected_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
