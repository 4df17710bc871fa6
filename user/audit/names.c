// SPDX-License-Identifier: GPL-2.0-only
/* Numbers of events as the words of EVE, and times. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/parts.h"
#include "util/util.h"
#include "weir/policy.h"
#include "weir/reason.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static const char *const types[EVE_TYPE_COUNT] = {
#define X(id, name, help) [EVE_##id] = name,
	EVE_TYPES(X)
#undef X
};

const char *eve_type_name(enum eve_type type)
{
	return types[type];
}

enum eve_type eve_type_find(const char *name)
{
	for (unsigned int i = 0; i < EVE_TYPE_COUNT; i++)
		if (strcmp(types[i], name) == 0)
			return (enum eve_type)i;
	return EVE_TYPE_COUNT;
}

int64_t eve_flow_id(uint64_t id)
{
	return (int64_t)(id & 0x7ffffffffffff);
}

bool eve_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

const char *eve_protocol(uint8_t proto, char buf[EVE_PROTOCOL_MAX])
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{IPPROTO_TCP, "TCP"},
		{IPPROTO_UDP, "UDP"},
		{IPPROTO_ICMP, "ICMP"},
		{IPPROTO_ICMPV6, "IPv6-ICMP"},
		{IPPROTO_IGMP, "IGMP"},
		{IPPROTO_SCTP, "SCTP"},
		{IPPROTO_GRE, "GRE"},
		{IPPROTO_ESP, "ESP"},
		{IPPROTO_AH, "AH"},
		{IPPROTO_IPIP, "IP-in-IP"},
		{IPPROTO_IPV6, "IPv6"},
		{IPPROTO_DCCP, "DCCP"},
		{IPPROTO_UDPLITE, "UDPLite"},
		{IPPROTO_EGP, "EGP"},
		{IPPROTO_RSVP, "RSVP"},
		{IPPROTO_PIM, "PIM"},
		{IPPROTO_COMP, "IPComp"},
		{88, "EIGRP"},
		{89, "OSPF"},
		{97, "ETHERIP"},
		{112, "VRRP"},
		{113, "PGM"},
		{115, "L2TP"},
		{133, "FC"},
		{137, "MPLS-in-IP"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].proto == proto)
			return names[i].name;
	snprintf(buf, EVE_PROTOCOL_MAX, "%u", proto);
	return buf;
}

int64_t eve_clock_offset(int64_t before)
{
	struct timespec real;
	int64_t offset;

	clock_gettime(CLOCK_REALTIME, &real);
	offset = (int64_t)real.tv_sec * NS_PER_S + real.tv_nsec - (int64_t)time_now_ns();
	return offset - before < NS_PER_MS && before - offset < NS_PER_MS ? before : offset;
}

const char *eve_timestamp(const struct eve *e, uint64_t time_ns, char buf[EVE_TIMESTAMP_MAX])
{
	int64_t real_ns = (int64_t)time_ns + e->clock_offset_ns;
	char date[24], zone[8];
	time_t seconds;
	struct tm tm;

	if (real_ns < 0)
		real_ns = 0;
	seconds = real_ns / NS_PER_S;
	localtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf, EVE_TIMESTAMP_MAX, "%s.%06u%s", date,
		 (unsigned int)(real_ns % NS_PER_S / 1000), zone);
	return buf;
}

const char *name_of_reason(uint8_t reason)
{
	static const char *const names[] = {
#define X(id, kind, name, help) [WEIR_REASON_##id] = name,
		WEIR_REASONS(X)
#undef X
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

const char *name_of_drop(uint8_t reason)
{
	switch (reason) {
	case WEIR_REASON_DROP_MALFORMED:
		return "decode error";
	case WEIR_REASON_DROP_TUNNEL:
		return "tunnel packet drop";
	case WEIR_REASON_DROP_ICMP_ERROR:
		return "flow drop";
	default:
		return "rules";
	}
}

const char *name_of_action(uint8_t action)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_ACTION_##id] = name,
		WEIR_ACTIONS(X)
#undef X
	};

	return action < ARRAY_SIZE(names) ? names[action] : "unknown";
}

const char *name_of_method(uint8_t method)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_METHOD_##id] = name,
		WEIR_METHODS(X)
#undef X
	};

	return method < ARRAY_SIZE(names) ? names[method] : "unknown";
}
