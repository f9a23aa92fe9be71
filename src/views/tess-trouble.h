/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What a person can do about the trouble of an account's connection, at the place where it is shown. */

/* The words of the button (with a mnemonic) that leads further; NULL when there is none but trying again. (nullable) */
const char *tess_trouble_button (TessAccount *account);
/* What that button does: the certificate, the settings, the password, or what an alarm means. */
void        tess_trouble_show   (GtkWindow *parent, TessClient *client, TessAccount *account);

G_END_DECLS
