/* SPDX-License-Identifier: GPL-2.0-only */
/* A signature set from a text, and messages to it. */
#ifndef TEST_CLASSIFY_FIXTURE_H
#define TEST_CLASSIFY_FIXTURE_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "classify/set.h"

struct fixture {
	struct app_registry *r;
	struct signatures *s;
	struct classify_scratch *c;
	struct classify_result result;
};

static inline void fixture_open(struct fixture *f, const char *yaml)
{
	struct error e = {""};

	*f = (struct fixture){.r = app_registry_new()};
	if (signatures_parse("test.yaml", yaml, strlen(yaml), f->r, &f->s, &e) < 0)
		fail_msg("%s", e.text);
	f->c = classify_scratch_new(f->s);
	assert_non_null(f->c);
}

static inline void fixture_close(struct fixture *f)
{
	classify_scratch_free(f->c);
	signatures_free(f->s);
	app_registry_free(f->r);
}

static inline const char *run(struct fixture *f, const struct classify_input *in)
{
	bool found = classify_message(f->s, f->c, in, &f->result);

	assert_int_equal(found, f->result.app != 0);
	assert_false(found && f->result.pending);
	return app_registry_get(f->r, f->result.app)->name;
}

/* A datagram of the side that began. */
static inline const char *udp(struct fixture *f, const void *data, size_t len)
{
	struct classify_input in = {data, len, IPPROTO_UDP, true, true, 1111, 2222};

	return run(f, &in);
}

/* The beginning of a stream that goes on. */
static inline const char *tcp(struct fixture *f, const char *text)
{
	struct classify_input in = {
		(const uint8_t *)text, strlen(text), IPPROTO_TCP, true, false, 1111, 2222};

	return run(f, &in);
}

#endif
