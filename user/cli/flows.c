// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

#define FLOWS_LIMIT_MAX 100000

/* "endpoint 80% (http-tracker, 52m10s)", "-" when nothing is known. */
static void identified_cell(struct table *t, const json_t *flow)
{
	const char *source = json_text(flow, "source"), *method = json_text(flow, "method");
	long long confidence = json_number(flow, "confidence");
	char left[HUMAN_MAX];

	if (confidence == 0)
		table_cell(t, "-");
	else if (source[0])
		table_cell(t, "%s %lld%% (%s, %s)", method, confidence, source,
			   human_age(json_real_number(flow, "source_expires_in_seconds"), left));
	else
		table_cell(t, "%s %lld%%", method, confidence);
}

/* "pass"; "undecided, parked 4s: scan" */
static void verdict_cell(struct table *t, const json_t *flow)
{
	const json_t *parked = json_array_get(json_object_get(flow, "parked"), 0);
	const char *reason =
		json_string_value(json_array_get(json_object_get(parked, "reasons"), 0));
	char left[HUMAN_MAX];

	if (reason)
		table_cell(t, "%s, parked %s: %s", json_text(flow, "action"),
			   human_age(json_real_number(parked, "seconds_left"), left), reason);
	else
		table_cell(t, "%s", json_text(flow, "action"));
}

static void flow_row(struct table *t, const json_t *flow)
{
	char source[80], dest[80], bytes[HUMAN_MAX], age[HUMAN_MAX], idle[HUMAN_MAX];
	const char *rule = json_text(flow, "rule");

	table_cell(t, "%s", json_text(flow, "proto"));
	table_cell(t, "%s",
		   human_endpoint(json_text(flow, "src_ip"), json_number(flow, "src_port"), source,
				  sizeof(source)));
	table_cell(t, "%s",
		   human_endpoint(json_text(flow, "dest_ip"), json_number(flow, "dest_port"), dest,
				  sizeof(dest)));
	table_cell(t, "%s", json_text(flow, "app_proto"));
	table_cell(t, "%s", json_text(flow, "state"));
	verdict_cell(t, flow);
	table_cell(t, "%s", rule[0] ? rule : "-");
	table_cell(t, "%s",
		   human_bytes((double)(json_number(flow, "bytes_toserver") +
					json_number(flow, "bytes_toclient")),
			       bytes));
	table_cell(t, "%s", human_age(json_real_number(flow, "age_seconds"), age));
	table_cell(t, "%s", human_age(json_real_number(flow, "idle_seconds"), idle));
	identified_cell(t, flow);
	table_cell(t, "%s", json_text(flow, "hostname"));
}

void show_flows(const json_t *data, FILE *out)
{
	static const char *const headers[] = {
		"PROTO",  "SOURCE", "DESTINATION", "APPLICATION", "STATE",    "VERDICT", "RULE",
		">BYTES", ">AGE",   ">IDLE",	   "IDENTIFIED",  "HOSTNAME", NULL};
	struct table *t = table_new(headers);
	const json_t *flow;
	size_t i;

	json_array_foreach(json_object_get(data, "flows"), i, flow) flow_row(t, flow);
	table_print(t, out);
	table_free(t);
	/* Talk, not a result. */
	if (json_flag(data, "more"))
		fprintf(stderr, "weir: there are more; --limit shows up to %d\n", FLOWS_LIMIT_MAX);
}

int cli_flows(const struct call *c)
{
	const char *app = call_value(c, "--app"), *address = call_value(c, "--address");
	const char *limit = call_value(c, "--limit");
	json_int_t count = 0;
	uint32_t addr[4];
	json_t *args;

	if (call_has(c, "--user"))
		return cli_usage(c, "--user: not yet supported");
	if (address && address_parse(address, addr) < 0)
		return cli_usage(c, "--address: %s is not an IPv4 or IPv6 address", address);
	if (limit) {
		char *end;

		count = strtoll(limit, &end, 10);
		if (*limit < '0' || *limit > '9' || *end || count < 1 || count > FLOWS_LIMIT_MAX)
			return cli_usage(c, "--limit: expected 1 to %d, not %s", FLOWS_LIMIT_MAX,
					 limit);
	}
	args = json_pack("{s:s*, s:s*}", "app", app, "address", address);
	if (limit)
		json_object_set_new(args, "limit", json_integer(count));
	if (call_has(c, "--all"))
		json_object_set_new(args, "all", json_true());
	return cli_list(c, "flows", args, show_flows);
}
