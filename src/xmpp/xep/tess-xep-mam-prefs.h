/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

/* What the own account's archive keeps of messages with whoever stands in neither of its lists (XEP-0441). */
typedef enum
{
  TESS_MAM_KEEP_ALWAYS,
  TESS_MAM_KEEP_ROSTER, /* with contacts only */
  TESS_MAM_KEEP_NEVER,
} TessMamKeep;

/**
 * TessMamPrefsFunc:
 * @keep: what the archive keeps now; nothing when there is an error
 * @error: (nullable): %TESS_XMPP_ERROR_STANZA with the condition `feature-not-implemented` or `service-unavailable`, when the server does
 * not let itself be asked
 *
 * Called exactly once.
 */
typedef void (*TessMamPrefsFunc) (TessMamKeep keep, const GError *error, gpointer user_data);

/* Asks what is kept. Engine thread. */
void tess_xep_mam_prefs_get (TessRouter *router, TessMamPrefsFunc done, gpointer user_data);

/* Asks first, and then for another default: who stands in the lists "always" and "never" stays there. Engine thread. */
void tess_xep_mam_prefs_set (TessRouter *router, TessMamKeep keep, TessMamPrefsFunc done, gpointer user_data);

G_END_DECLS
