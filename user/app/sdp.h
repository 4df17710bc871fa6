/* SPDX-License-Identifier: GPL-2.0-only */
/* Session descriptions (RFC 4566, RFC 8866) in a stream of lines: where their sender receives
 * media. */
#ifndef WEIR_APP_SDP_H
#define WEIR_APP_SDP_H

#include "app/app.h"

/* Media of one description that are expected at most. */
#define SDP_MEDIA_MAX 8

struct sdp {
	bool in_media;	  /* after the first m= */
	bool has_address; /* address of the session is known */
	bool has_media_address;
	uint8_t media; /* count so far */
	bool secure;   /* the current media are SRTP (RFC 3711) */
	uint16_t port; /* port of the current media, host order; 0: nothing to expect */
	uint32_t address[4];
	uint32_t media_address[4];
};

/* Reads a line of a message that m's sender sent. s->expect must be set. */
void sdp_line(struct sdp *d, const struct app_services *s, const struct app_message *m,
	      const char *line);

#endif
