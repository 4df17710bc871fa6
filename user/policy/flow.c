// SPDX-License-Identifier: GPL-2.0-only
/* The rule of a flow that user space inspects: for the workers and for captures. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "flow/flow.h"
#include "policy/policy.h"

#define GENERATION_MASK 0x7f /* of flow.traits_of */

uint32_t policy_flow_traits(const struct policy *p, const struct flow *f, unsigned int in_port,
			    const uint8_t mac[6])
{
	const bool ports = f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP;
	const struct weir_trait_facts facts = {
		.port = {ports ? ntohs(f->key.port[f->origin]) : 0,
			 ports ? ntohs(f->key.port[!f->origin]) : 0},
		.vlan = ntohs(f->key.vlan[0]),
		.proto = f->key.proto,
		.in_port = (uint8_t)in_port,
		.midstream = f->midstream,
	};

	return policy_traits(p, &facts, mac);
}

const struct weir_cell *policy_flow_cell(const struct policy *p, const struct flow *f,
					 unsigned int in_port, const uint8_t mac[6])
{
	const struct weir_subject s = {
		.app = f->app,
		.from = policy_class(p, f->key.addr[f->origin]),
		.to = policy_class(p, f->key.addr[!f->origin]),
		.traits = (uint64_t)f->traits << WEIR_GATE_TRAITS |
			  policy_flow_traits(p, f, in_port, mac),
	};

	return policy_cell(p, &s, f->confidence);
}

bool policy_flow_update(const struct policy *p, struct flow *f, bool news)
{
	const struct policy_seen seen = {
		.hostname = flow_hostname(f),
		.anomalies = f->anomalies,
		.tunnel = f->tunnel,
	};
	uint32_t before = f->traits;
	uint8_t generation = p->generation & GENERATION_MASK;

	if (!news && f->traits_of == generation)
		return false;
	f->traits_of = generation;
	/* The name may have been handed on: what it once gave stays. */
	f->traits |= policy_user_traits(p, &seen);
	return f->traits != before;
}

bool policy_flow_waits(const struct policy *p, const struct flow *f)
{
	return f->reading && !flow_hostname(f)[0] && policy_asks(p, POLICY_CONDITION_HOSTNAME);
}
