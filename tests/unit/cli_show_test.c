// SPDX-License-Identifier: GPL-2.0-only
/* What the listing verbs show of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/table.h"
#include "cli/verb.h"

/* The text of one show function; the answer is stolen. free it. */
static char *shown(void (*show)(const json_t *data, FILE *out), json_t *data)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(data);
	show(data, out);
	fclose(out);
	json_decref(data);
	return text;
}

/* The n-th line of text, without its end, in a static buffer. */
static const char *line_of(const char *text, unsigned int n)
{
	static char line[512];

	while (n-- > 0 && text)
		text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
	if (!text)
		text = "";
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	return line;
}

/* Column of a header in the first line. */
static size_t column_of(const char *text, const char *header)
{
	const char *at = strstr(line_of(text, 0), header);

	assert_non_null(at);
	return (size_t)(at - line_of(text, 0));
}

static void numbers_are_short(void **state)
{
	static const struct {
		double n;
		const char *text;
	} counts[] = {{0, "0"},	       {7, "7"},	 {999, "999"},	   {999.4, "999"},
		      {999.6, "1.0k"}, {1000, "1.0k"},	 {1234, "1.2k"},   {99940, "99.9k"},
		      {99960, "100k"}, {999499, "999k"}, {999500, "1.0M"}, {1e9, "1.0G"}};
	static const struct {
		double s;
		const char *text;
	} ages[] = {{-1, "0.0s"},      {0, "0.0s"},	 {9.94, "9.9s"},   {10, "10s"},
		    {59.9, "59s"},     {60, "1m00s"},	 {3599, "59m59s"}, {3600, "1h00m"},
		    {86399, "23h59m"}, {86400, "1d00h"}, {90061, "1d01h"}};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_string_equal(human_count(counts[i].n, buf), counts[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++)
		assert_string_equal(human_age(ages[i].s, buf), ages[i].text);
	assert_string_equal(human_bytes(1500, buf), "1.5 kB");
	assert_string_equal(human_bits(12, buf), "12 bit/s");
	assert_string_equal(human_bits(2.5e6, buf), "2.5 Mbit/s");
}

static void endpoints_are_unambiguous(void **state)
{
	char buf[80];

	assert_string_equal(human_endpoint("192.0.2.1", 80, buf, sizeof(buf)), "192.0.2.1:80");
	assert_string_equal(human_endpoint("2001:db8::1", 80, buf, sizeof(buf)),
			    "[2001:db8::1]:80");
	assert_string_equal(human_endpoint("2001:db8::1", 0, buf, sizeof(buf)), "2001:db8::1");
}

static void columns_are_aligned(void **state)
{
	static const char *const headers[] = {"NAME", ">N", "X", NULL};
	struct table *t = table_new(headers);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	table_cell(t, "a");
	table_cell(t, "%d", 12345);
	table_cell(t, "last");
	table_cell(t, "ä\033[2Jb");
	table_cell(t, "1");
	table_cell(t, "l\n");
	table_cell(t, "c");
	table_cell(t, "%s", "");
	table_cell(t, "%s", "");
	table_print(t, out);
	fclose(out);
	table_free(t);
	assert_string_equal(text, "NAME        N  X\n"
				  "a       12345  last\n"
				  "ä?[2Jb      1  l?\n"
				  "c\n");
	free(text);
}

static json_t *a_flow(const char *method, int confidence, const char *source)
{
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:s, s:i, s:s, "
		"s:i}",
		"proto", "TCP", "src_ip", "10.0.0.1", "src_port", 40000, "dest_ip", "2001:db8::2",
		"dest_port", 6881, "app_proto", "bittorrent", "state", "new", "action", "reset",
		"rule", "no-p2p", "bytes_toserver", (json_int_t)1000, "bytes_toclient",
		(json_int_t)500, "age_seconds", 75.0, "idle_seconds", 3.0, "method", method,
		"confidence", confidence, "source", source, "source_expires_in_seconds", 3130);
}

static void flows_show_what_they_wait_for(void **state)
{
	json_t *flow = a_flow("none", 0, "");
	char *text;

	json_object_set_new(flow, "parked",
			    json_pack("[{s:[s], s:f}]", "reasons", "scan", "seconds_left", 4.0));
	text = shown(show_flows, json_pack("{s:[o]}", "flows", flow));
	assert_non_null(strstr(text, "reset, parked 4.0s: scan  "));
	free(text);
}

static void flows_show_how_they_were_identified(void **state)
{
	char *text =
		shown(show_flows,
		      json_pack("{s:[o, o, o]}", "flows", a_flow("endpoint", 80, "http-tracker"),
				a_flow("signature", 95, ""), a_flow("none", 0, "")));
	size_t at = column_of(text, "IDENTIFIED");

	assert_string_equal(line_of(text, 1) + at, "endpoint 80% (http-tracker, 52m10s)");
	assert_string_equal(line_of(text, 2) + at, "signature 95%");
	assert_string_equal(line_of(text, 3) + at, "-");
	assert_non_null(strstr(line_of(text, 1), "TCP    10.0.0.1:40000  [2001:db8::2]:6881"));
	assert_non_null(strstr(line_of(text, 1),
			       "bittorrent   new    reset    no-p2p  1.5 kB  1m15s  3.0s"));
	free(text);
}

static void nothing_is_a_heading(void **state)
{
	char *text = shown(show_flows, json_object());

	assert_memory_equal(text, "PROTO  SOURCE", 13);
	assert_string_equal(strchr(text, '\n'), "\n");
	free(text);
	text = shown(show_modules,
		     json_pack("{s:[{s:s, s:s, s:s, s:b}]}", "modules", "name", "irc", "category",
			       "chat", "help", "expects DCC", "enabled", 0));
	assert_string_equal(strchr(text, '\n') + 1, "irc     chat      no       expects DCC\n");
	free(text);
	text = shown(show_apps, json_pack("{s:[]}", "applications"));
	assert_memory_equal(text, "APPLICATION", 11);
	free(text);
}

/* Answers of another make are shown as far as they can be, never read beyond. */
static void nonsense_is_survived(void **state)
{
	static void (*const shows[])(const json_t *, FILE *) = {
		show_status, show_ports,  show_policy,	show_flows,
		show_apps,   show_blocks, show_modules,
	};
	static const char *const answers[] = {
		"null",
		"[]",
		"7",
		"{\"flows\":7,\"ports\":{},\"rules\":\"x\"}",
		"{\"flows\":[7,null,[],{}],\"ports\":[null,{\"rates\":7}],\"blocks\":[{}],"
		"\"applications\":[[]],\"rules\":[null],\"degraded\":[\"x\"]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(shows); i++)
		for (size_t k = 0; k < ARRAY_SIZE(answers); k++)
			free(shown(shows[i], json_loads(answers[k], JSON_DECODE_ANY, NULL)));
}

static void blocks_show_when_they_end(void **state)
{
	char *text =
		shown(show_blocks,
		      json_pack("{s:[{s:s, s:i, s:f}, {s:s, s:i, s:n}, {s:s, s:s, s:i, s:s, s:n}]}",
				"blocks", "address", "192.0.2.1", "port", 80, "expires_in_seconds",
				75.0, "address", "192.0.2.2", "port", 0, "expires_in_seconds",
				"address", "10.0.0.0/8", "to", "::/0", "port", 7, "application",
				"irc", "expires_in_seconds"));

	assert_string_equal(line_of(text, 1), "192.0.2.1           80  all               1m15s");
	assert_string_equal(line_of(text, 2), "192.0.2.2          all  all               never");
	assert_string_equal(line_of(text, 3), "10.0.0.0/8  ::/0     7  irc               never");
	free(text);
}

static void policy_shows_hits_and_the_default(void **state)
{
	char *text = shown(show_policy,
			   json_pack("{s:s, s:i, s:s, s:i, s:[{s:s, s:s, s:i, s:i}]}", "path", "/p",
				     "generation", 3, "default", "pass", "default_hits", 9, "rules",
				     "name", "no-p2p", "action", "drop", "hits", 12, "line", 4));

	assert_memory_equal(text, "/p, generation 3", 16);
	assert_non_null(strstr(text, "\nno-p2p   drop      12     4\n"));
	assert_non_null(strstr(text, "\ndefault  pass       9     -\n"));
	free(text);
}

static json_t *a_status(json_int_t time_ns, json_int_t frames, json_int_t bytes)
{
	return json_pack("{s:I, s:[{s:s, s:s, s:b, s:b, s:I, s:I, s:s}], s:[s]}", "time_ns",
			 time_ns, "ports", "name", "lan", "hook", "native", "present", 1, "enabled",
			 1, "rx_frames", frames, "rx_bytes", bytes, "degraded", "slow", "degraded",
			 "port lan: slow");
}

static double rate_of(const json_t *status, const char *key)
{
	const json_t *port = json_array_get(json_object_get(status, "ports"), 0);

	return json_real_number(json_object_get(port, "rates"), key);
}

static void rates_come_from_two_answers(void **state)
{
	json_t *before = a_status(1000000000, 100, 1000), *after = a_status(1500000000, 600, 2000);
	json_t *again = a_status(2000000000, 50, 10);
	char *text;

	status_add_rates(before, after);
	assert_true(rate_of(after, "rx_frames_per_second") == 1000);
	assert_true(rate_of(after, "rx_bits_per_second") == 16000);
	assert_true(rate_of(after, "tx_frames_per_second") == 0);
	assert_true(rate_of(after, "over_seconds") == 0.5);
	/* Counters that began again give no rate, and neither do two answers of one moment. */
	status_add_rates(after, again);
	assert_true(rate_of(again, "rx_frames_per_second") == 0);
	status_add_rates(again, again);
	assert_true(rate_of(again, "rx_frames_per_second") == 0);
	text = shown(show_status, json_incref(after));
	assert_non_null(strstr(text, "degraded: port lan: slow\n"));
	assert_non_null(strstr(text, "1.0k"));
	assert_non_null(strstr(text, "16.0 kbit/s"));
	free(text);
	json_decref(before);
	json_decref(after);
	json_decref(again);
}

static json_t *a_top(json_int_t time_ns, json_int_t web, json_int_t p2p)
{
	return json_pack("{s:I, s:[{s:s, s:s, s:I, s:i}, {s:s, s:s, s:I, s:i}]}", "time_ns",
			 time_ns, "applications", "application", "http", "category", "",
			 "bytes_toclient", web, "flows", 2, "application", "bittorrent", "category",
			 "p2p", "bytes_toserver", p2p, "flows", 1);
}

static void top_is_sorted_by_rate(void **state)
{
	json_t *before = a_top(0, 1000000, 0), *after = a_top(2000000000, 1000500, 250000);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	show_top(before, after, 0, out);
	fclose(out);
	assert_memory_equal(line_of(text, 1), "bittorrent   p2p  ", 18);
	assert_non_null(strstr(line_of(text, 1), " 1.0 Mbit/s  "));
	assert_memory_equal(line_of(text, 2), "http         -    ", 18);
	assert_non_null(strstr(line_of(text, 2), " 2.0 kbit/s  "));
	free(text);
	out = open_memstream(&text, &len);
	show_top(before, after, 1, out);
	fclose(out);
	assert_null(strstr(text, "http"));
	free(text);
	json_decref(before);
	json_decref(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(endpoints_are_unambiguous),
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(flows_show_how_they_were_identified),
		cmocka_unit_test(flows_show_what_they_wait_for),
		cmocka_unit_test(nothing_is_a_heading),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(blocks_show_when_they_end),
		cmocka_unit_test(policy_shows_hits_and_the_default),
		cmocka_unit_test(rates_come_from_two_answers),
		cmocka_unit_test(top_is_sorted_by_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
