/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules that modules.c lists. */
#ifndef WEIR_APP_MODULE_H
#define WEIR_APP_MODULE_H

#include "app/app.h"

extern const struct app_module bittorrent_module;    /* bittorrent.c */
extern const struct app_module directconnect_module; /* directconnect.c */
extern const struct app_module http_module;	     /* websocket.c */
extern const struct app_module edonkey_module;	     /* edonkey.c */
extern const struct app_module ppstream_module;	     /* ppstream.c */

#endif
