// SPDX-License-Identifier: GPL-2.0-only
/* Judges bytes that another protocol carries, as in a tunnel, as a stream of their own. */
#include "inspect/state.h"

/* A module that keeps something of the message for later has no later. */
static void ask_module(const struct app_services *s, const struct app_module *module,
		       const struct app_message *m, struct app_finding *finding)
{
	void *state = NULL;

	module->undecided(s, m, &state, finding);
	if (state && module->release)
		module->release(state);
}

void modules_judge(void *arg, const struct app_message *m, struct app_finding *finding)
{
	struct inspector *i = arg;
	const struct app_module **shown = i->shown[m->proto == IPPROTO_UDP];
	struct app_services services = i->services;
	struct classify_result result = {0};
	const struct classify_input in = {
		.data = m->data,
		.len = m->len,
		.proto = m->proto,
		.from_origin = m->from_origin,
		.complete = m->complete,
		.sport = m->sport,
		.dport = m->dport,
	};

	*finding = (struct app_finding){0};
	if (classify_message(i->signatures, i->scratch, &in, &result))
		*finding = (struct app_finding){
			.app = result.app,
			.method = result.method,
			.confidence = result.confidence,
		};
	services.learn = NULL;
	services.answered = NULL;
	services.tell = NULL;
	services.expect = NULL;
	services.expect_data = NULL;
	services.facts = NULL;
	for (; *shown; shown++) {
		struct app_finding answer = *finding;

		ask_module(&services, *shown, m, &answer);
		if (answer.app && answer.confidence > finding->confidence)
			*finding = answer;
	}
	/* The endpoint is the carrier's, not theirs. */
	finding->reconnect = false;
}
