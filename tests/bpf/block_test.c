// SPDX-License-Identifier: GPL-2.0-only
/* What `weir block` shuts out: prefixes, pairs, ports, applications. */
#include "bpf/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct shape tcp = {DATA};

static void prefix_put(const char *text, uint32_t addr[4], uint8_t *bits)
{
	unsigned int length;

	assert_int_equal(prefix_parse(text, addr, &length), 0);
	*bits = (uint8_t)length;
}

static struct policy_block block(const char *from, const char *to, uint16_t port, uint16_t app)
{
	struct policy_block b = {
		.block = {.to_bits = WEIR_BLOCK_ONE_SIDE, .port = htons(port), .app = app}};

	prefix_put(from, b.block.from, &b.block.from_bits);
	if (to)
		prefix_put(to, b.block.to, &b.block.to_bits);
	return b;
}
#define ANY WEIR_BLOCK_ANY_APP

/* Host A is 10.0.0.1, host B 10.0.0.2; `.a`, `.b` move them by as many. */
static void prefixes(void **state)
{
	struct rig *r = *state;
	struct policy_block blocks[] = {
		block("10.0.0.64/26", NULL, 0, ANY), block("10.0.0.96/27", NULL, 80, ANY),
		block("10.0.0.0/29", NULL, 25, ANY), block("::/0", NULL, 443, ANY)};

	rig_blocks(r, blocks, 4);
	SEND(r, DROP_BLOCKED, DATA, .a = 64);
	SEND(r, DROP_BLOCKED, DATA, .b = 100);
	SEND(r, DROP_BLOCKED, UDP, .b = 100, .a = 100);
	SEND(r, PUNTED, DATA, .sport = 1);
	SEND(r, DROP_BLOCKED, DATA, .dport = 25);
	SEND(r, DROP_BLOCKED, DATA, .sport = 25);
	SEND(r, PUNTED, DATA, .dport = 25, .a = 20, .b = 20);
	SEND(r, DROP_BLOCKED, DATA, .ip = 6, .dport = 443);
	SEND(r, PUNTED, DATA, .ip = 6, .dport = 444);
	SEND(r, PUNTED, DATA, .dport = 443);
}

/* From one side to the other: who opens it counts, and the other's port. */
static void pairs(void **state)
{
	struct rig *r = *state;
	struct policy_block blocks[] = {block("10.0.0.0/28", "10.0.0.2", 80, ANY),
					block("10.0.0.32/28", "10.0.0.0/24", 0, ANY)};

	rig_blocks(r, blocks, 2);
	SEND(r, DROP_BLOCKED, DATA);
	SEND(r, PUNTED, DATA, .dport = 81);
	SEND(r, PUNTED, DATA, .b = 1);
	SEND(r, PUNTED, DATA, .a = 20);
	/* Opened by B. */
	SEND(r, PUNTED, DATA, BACK, .sport = 7);
	SEND(r, DROP_BLOCKED, DATA, .a = 33);
	SEND(r, DROP_BLOCKED, UDP, .a = 33, .b = 9);
	SEND(r, PUNTED, DATA, .b = 33, .sport = 8);
}

static void of_one_application(void **state)
{
	struct rig *r = *state;
	struct policy_block blocks[] = {block("10.0.0.0/24", NULL, 0, RIG_WEB)};
	struct weir_flow flow;

	rig_blocks(r, blocks, 1);
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, DROP_BLOCKED, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_true(flow.flags & WEIR_FLOW_BLOCKED);
	rig_identify(r, &(struct shape){UDP, .sport = 4}, RIG_PING);
	SEND(r, REDIRECTED, UDP, .sport = 4);
	/* A peer that is known to be the application's: at the first packet. */
	rig_reconnect(r, RIG_WEB, rig_soon(), 0);
	SEND(r, DROP_BLOCKED, .tcp_flags = SHAPE_SYN, .sport = 5);
	rig_blocks(r, NULL, 0);
	r->ctl->generation += 2;
	SEND(r, REDIRECTED, DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(prefixes),
		RIG_TEST(pairs),
		RIG_TEST(of_one_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
