// SPDX-License-Identifier: GPL-2.0-only
#include "app_bench.h"

/* A hub or client whose first message a signature knew. */
static struct bench *known(const char *text)
{
	struct bench *b = bench_of("directconnect", IPPROTO_TCP, 1511);

	name(b);
	message(b, text[0] != '$', text, strlen(text));
	return b;
}

static void adc_hub_tells_where_clients_wait(void **state)
{
	struct bench *b = known("HSUP ADBASE ADTIGR\n");

	assert_true(is_read(b));
	server_text(b, "ISUP ADBASE\nISID AAAB\n");
	client_text(b, "BINF AAAB IDX NIme I40.0.0.0 U45000\n");
	assert_learned(b, 0, NULL, CLIENT, 5000, WEIR_SOURCE_DC_HUB);
	server_text(b, "BINF AAAC IDY NIbob I4198.51.100.7 U4");
	server_text(b, "43881 SF1\n");
	assert_learned(b, 1, CLIENT, "198.51.100.7", 43881, WEIR_SOURCE_DC_HUB);
	server_text(b, "DCTM AAAC AAAB ADCS/0.10 43882 1234\n");
	assert_learned(b, 2, CLIENT, "198.51.100.7", 43882, WEIR_SOURCE_DC_HUB);
	client_text(b, "DCTM AAAB AAAC ADC/1.0 5001 1234\n");
	assert_learned(b, 3, NULL, CLIENT, 5001, WEIR_SOURCE_DC_HUB);
	/* Of a client that never said where it is. */
	server_text(b, "DCTM AAAD AAAB ADC/1.0 43882 1234\nDCTM AAAC AAAB ADC/1.0 80 1234\n");
	assert_int_equal(b->count, 4);
	assert_true(is_read(b));
	bench_free(b);
}

static void nmdc_hub_tells_where_clients_wait(void **state)
{
	struct bench *b = known("$Lock EXTENDEDPROTOCOL Pk=x|$HubName test|");

	assert_true(is_read(b));
	server_text(b, "$ConnectToMe me 198.51.100.7:5000|$ConnectToMe me 198.51.100.8:5001S|");
	assert_learned(b, 0, CLIENT, "198.51.100.7", 5000, WEIR_SOURCE_DC_HUB);
	assert_learned(b, 1, CLIENT, "198.51.100.8", 5001, WEIR_SOURCE_DC_HUB);
	server_text(b, "$Search 198.51.100.9:412 F?T?0?1?x|$Search Hub:bob F?T?0?1?x|");
	assert_int_equal(b->count, 2);
	/* What the client names is its own, whatever the address. */
	client_text(b, "$Search 203.0.113.9:4120 F?T?0?1?x|");
	assert_learned(b, 2, NULL, CLIENT, 4120, WEIR_SOURCE_DC_HUB);
	bench_free(b);
}

static void a_client_is_no_hub(void **state)
{
	struct bench *b = known("CSUP ADBASE ADTIGR\n");
	char file[1025];

	memset(file, 'x', 1024);
	file[1024] = '\0';
	server_text(b, "DCTM AAAC AAAB ADC/1.0 43882 1234\n");
	assert_int_equal(b->count, 0);
	for (int i = 0; i < 16; i++)
		server_text(b, file);
	assert_false(is_read(b));
	bench_free(b);
}

static void long_lines_and_odd_bytes(void **state)
{
	struct bench *b = known("HSUP ADBASE ADTIGR\n");
	char line[3000];

	memset(line, 'x', sizeof(line));
	memcpy(line, "BINF AAAC I4198.51.100.7 U443881 DE", 35);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	server_text(b, line);
	assert_int_equal(b->count, 0);
	message(b, false, "BINF\0AAAC\nBINF A\nDCTM \nD\n\n|", 27);
	server_text(b, "BINF AAAC I4 U4\nBINF AAAC I4:: U4x\nDCTM AAAC AAAB\n");
	assert_int_equal(b->count, 0);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adc_hub_tells_where_clients_wait),
		cmocka_unit_test(nmdc_hub_tells_where_clients_wait),
		cmocka_unit_test(a_client_is_no_hub),
		cmocka_unit_test(long_lines_and_odd_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
