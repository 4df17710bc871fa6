/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FTP control connections (RFC 959, 1123, 2428, 4217): commands and replies. A side that is never
 * given, or begins late, is coped with: lines need nothing of what came before them.
 */
#ifndef WEIR_PROTO_FTP_H
#define WEIR_PROTO_FTP_H

#include "proto/lines.h"
#include "proto/reader.h"

/* Commands that are told by number: those that matter for data connections. */
#define FTP_VERBS(X)                                                                               \
	X(USER)                                                                                    \
	X(PORT)                                                                                    \
	X(EPRT)                                                                                    \
	X(PASV)                                                                                    \
	X(EPSV)                                                                                    \
	X(RETR)                                                                                    \
	X(STOR)                                                                                    \
	X(APPE)                                                                                    \
	X(STOU)                                                                                    \
	X(REST)                                                                                    \
	X(RNFR)                                                                                    \
	X(RNTO)                                                                                    \
	X(LIST)                                                                                    \
	X(NLST)                                                                                    \
	X(MLSD)                                                                                    \
	X(ABOR)                                                                                    \
	X(AUTH)

enum ftp_verb {
	FTP_OTHER,
#define X(name) FTP_##name,
	FTP_VERBS(X)
#undef X
};

enum ftp_kind {
	FTP_COMMAND,
	FTP_REPLY,  /* the last line of a reply */
	FTP_SECURE, /* what follows is encrypted; nothing more comes */
};

struct ftp_event {
	uint8_t kind;	  /* enum ftp_kind */
	uint8_t side;	  /* enum stream_side */
	uint8_t verb;	  /* COMMAND: enum ftp_verb */
	bool addressed;	  /* addr is valid: PORT, EPRT, 227 */
	uint16_t code;	  /* REPLY */
	uint16_t port;	  /* PORT, EPRT, 227, 229: host order; 0: none that can be read */
	uint32_t addr[4]; /* network order, v4-mapped */
	const char *text; /* COMMAND: its argument; REPLY: what follows the code. Terminated; valid
			     during the call */
};

struct ftp_control {
	struct lines lines[2]; /* by enum stream_side */
	uint16_t more;	       /* code of the reply of several lines that is being read, or 0 */
	bool auth;	       /* AUTH was sent */
	bool secure;
};
_Static_assert(sizeof(struct ftp_control) < 2560, "stated size");

/* Its state is struct ftp_control, its events struct ftp_event. */
extern const struct reader reader_ftp;

#endif
