// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"
#include "cli/verb.h"

#define NS_PER_S 1000000000ull

static bool is_prefix(const struct call *c, const char *what, const char *text)
{
	unsigned int bits;
	uint32_t addr[4];

	if (prefix_parse(text, addr, &bits) == 0)
		return true;
	cli_usage(
		c,
		"%s%s is not an IPv4 or IPv6 address, nor a prefix without bits beyond its length",
		what, text);
	return false;
}

/* What is blocked, of the call; NULL after a text to stderr. */
static json_t *block_args(const struct call *c)
{
	const char *port = call_value(c, "--port"), *to = call_value(c, "--to");
	const char *app = call_value(c, "--app");
	unsigned long number = 0;
	json_t *args;
	char *end;

	if (!is_prefix(c, "", c->args[0]) || (to && !is_prefix(c, "--to: ", to)))
		return NULL;
	if (port) {
		number = strtoul(port, &end, 10);
		if (*port < '0' || *port > '9' || *end || number < 1 || number > 65535) {
			cli_usage(c, "--port: expected 1 to 65535, not %s", port);
			return NULL;
		}
	}
	args = json_pack("{s:s, s:i}", "address", c->args[0], "port", (int)number);
	if (to)
		json_object_set_new(args, "to", json_string(to));
	if (app)
		json_object_set_new(args, "application", json_string(app));
	return args;
}

int cli_block(const struct call *c)
{
	const char *time = call_value(c, "--for");
	json_auto_t *data = NULL;
	uint64_t ns = 0;
	json_t *args;

	if (time && (duration_parse(time, &ns) < 0 || ns == 0))
		return cli_usage(c, "--for: expected a time as 30s, 10m or 2h, not %s", time);
	args = block_args(c);
	if (!args)
		return CLI_USAGE;
	/* A part of a second counts as one: never shorter than asked. */
	json_object_set_new(args, "seconds",
			    json_integer((json_int_t)(ns / NS_PER_S + (ns % NS_PER_S > 0))));
	return cli_ask(c, "block", args, &data);
}

int cli_unblock(const struct call *c)
{
	json_auto_t *data = NULL;
	json_t *args = block_args(c);

	return args ? cli_ask(c, "unblock", args, &data) : CLI_USAGE;
}

void show_blocks(const json_t *data, FILE *out)
{
	static const char *const headers[] = {"ADDRESS",     "TO",	    ">PORT",
					      "APPLICATION", ">EXPIRES IN", NULL};
	struct table *t = table_new(headers);
	const json_t *block;
	size_t i;

	json_array_foreach(json_object_get(data, "blocks"), i, block)
	{
		const json_t *expires = json_object_get(block, "expires_in_seconds");
		char age[HUMAN_MAX];

		table_cell(t, "%s", json_text(block, "address"));
		table_cell(t, "%s", json_text(block, "to"));
		if (json_number(block, "port"))
			table_cell(t, "%lld", (long long)json_number(block, "port"));
		else
			table_cell(t, "all");
		table_cell(t, "%s",
			   json_text(block, "application")[0] ? json_text(block, "application")
							      : "all");
		table_cell(t, "%s",
			   json_is_number(expires) ? human_age(json_number_value(expires), age)
						   : "never");
	}
	table_print(t, out);
	table_free(t);
}

int cli_blocks(const struct call *c)
{
	return cli_list(c, "blocks", NULL, show_blocks);
}
