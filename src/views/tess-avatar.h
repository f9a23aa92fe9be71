/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessAvatar:
 *
 * A disc in a person's XEP-0392 colour with their initials, and a dot for their presence. (AdwAvatar cannot be given a colour.)
 * Properties: `name`, `color` (uint 0xRRGGBB), `size` (int, px), `presence` (int, a TessPresence; -1 for no dot). For the eye only:
 * what stands beside it names the person.
 */
#define TESS_TYPE_AVATAR (tess_avatar_get_type ())
G_DECLARE_FINAL_TYPE (TessAvatar, tess_avatar, TESS, AVATAR, GtkWidget)

GtkWidget *tess_avatar_new          (int size);
void       tess_avatar_set_person   (TessAvatar *self, const char *name, guint color);
void       tess_avatar_set_presence (TessAvatar *self, int presence);

G_END_DECLS
