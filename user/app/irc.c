// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRC: connections between clients (DCC) are offered in messages that the server relays
 * ("Client-to-Client Protocol and Direct Client Connections", IRCv3). The client that offers one
 * listens for a client of which only the nick is known, so its own port is expected to be called by
 * any host. Messages of a server about other hosts are not trusted.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "app/consumer.h"
#include "app/module.h"
#include "proto/irc.h"
#include "util/util.h"

struct irc_line {
	const struct app_services *s;
	const struct app_message *m;
};

/* Returns the end of the argument (a file name, which may be quoted), or NULL. */
static const char *skip_argument(const char *p)
{
	const char *end = *p == '"' ? strchr(p + 1, '"') : strchr(p, ' ');

	if (!end)
		return NULL;
	if (*p == '"')
		end++;
	return *end == ' ' ? end + 1 : NULL;
}

/* An IPv4 address is one decimal number, an IPv6 address has its usual text form. */
static bool parse_address(const char **p, uint32_t addr[4])
{
	const char *at = *p;
	int64_t number = text_number(&at, UINT32_MAX);

	if (number < 0 || *at != ' ')
		return text_address(p, " ", addr) == 0;
	address_from_v4(addr, htonl((uint32_t)number));
	*p = at;
	return true;
}

/* Type, argument, address, port. Port 0 is a reverse offer: the answer contains the port. */
static void offer(const struct irc_line *l, const char *p)
{
	static const char *const types[] = {"SEND ", "CHAT ", "TSEND ", "XMIT "};
	const char *rest = NULL;
	uint32_t addr[4];
	int64_t port;

	for (size_t i = 0; i < ARRAY_SIZE(types) && !rest; i++)
		rest = text_after(p, types[i]);
	rest = rest ? skip_argument(rest) : NULL;
	if (!rest || !parse_address(&rest, addr) || *rest++ != ' ')
		return;
	port = text_number(&rest, UINT16_MAX);
	if (port > 0 && (*rest == ' ' || !*rest))
		(void)l->s->expect(l->s->arg, l->m, addr, (uint16_t)port, "irc", l->m->from_origin);
}

static void irc_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	struct irc_line l = {.s = s, .m = m};
	const struct irc_event *e = event;
	const char *p;

	(void)state;
	if (!s->expect || e->kind == IRC_ENCRYPTED) {
		answer->verb = CONSUMER_LEAVE;
		return;
	}
	p = e->ctcp && strcasecmp(e->command, "PRIVMSG") == 0 ? text_after(e->ctcp, "DCC ") : NULL;
	if (p)
		offer(&l, p);
}

static unsigned int irc_wants(const struct app_services *s, const struct flow *f)
{
	return s->expect && f->key.proto == IPPROTO_TCP && f->method == WEIR_METHOD_SIGNATURE
		       ? CONSUMER_BOTH
		       : 0;
}

CONSUMER(irc) = {
	.abi = CONSUMER_ABI,
	.name = "irc",
	.help = "connections between clients that are offered",
	.module = "irc",
	.reader = &reader_irc,
	.wants = irc_wants,
	.event = irc_event,
};

const struct app_module irc_module = {
	.name = "irc",
	.category = "chat",
	.help = "expects the connections of DCC",
};
