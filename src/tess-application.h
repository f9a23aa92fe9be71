/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessApplication:
 *
 * The composition root: client, window, notifications, secrets, network. One instance a session.
 *
 * Environment: `TESSERA_CA_FILE`, certificates to trust instead of the system's.
 */
#define TESS_TYPE_APPLICATION (tess_application_get_type ())
G_DECLARE_FINAL_TYPE (TessApplication, tess_application, TESS, APPLICATION, AdwApplication)

TessApplication *tess_application_new (void);

G_END_DECLS
