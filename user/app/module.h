/* SPDX-License-Identifier: GPL-2.0-only */
/* The modules that modules.c lists. */
#ifndef WEIR_APP_MODULE_H
#define WEIR_APP_MODULE_H

#include "app/app.h"

extern const struct app_module bittorrent_module; /* bittorrent.c */
extern const struct app_module ppstream_module;	  /* ppstream.c */

#endif
