/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules that modules.c lists. */
#ifndef WEIR_APP_MODULE_H
#define WEIR_APP_MODULE_H

#include "app/app.h"

extern const struct app_module bittorrent_module;    /* bittorrent.c */
extern const struct app_module directconnect_module; /* directconnect.c */
extern const struct app_module dns_module;	     /* dns.c */
extern const struct app_module edonkey_module;	     /* edonkey.c */
extern const struct app_module ftp_module;	     /* ftp.c */
extern const struct app_module gnutella_module;	     /* gnutella.c */
extern const struct app_module http_module;	     /* websocket.c */
extern const struct app_module irc_module;	     /* irc.c */
extern const struct app_module mail_module;	     /* mail.c */
extern const struct app_module ppstream_module;	     /* ppstream.c */
extern const struct app_module rtp_module;	     /* rtp.c */
extern const struct app_module rtsp_module;	     /* rtsp.c */
extern const struct app_module sip_module;	     /* sip.c */
extern const struct app_module soulseek_module;	     /* soulseek.c */
extern const struct app_module stun_module;	     /* stun.c */
extern const struct app_module tftp_module;	     /* tftp.c */

#endif
