/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * TessCard:
 *
 * A fingerprint card: the verification code of an account and the fingerprints beneath, to be given to people. Black on white.
 */
typedef struct _TessCard TessCard;

/* @uri: the verification code; @devices: those of the account, of which the verified ones are printed. */
TessCard *tess_card_new  (const char *address, const char *uri, TessDeviceList *devices);
void      tess_card_free (TessCard *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessCard, tess_card_free)

/* The height that it takes at @width, both in points (1/72 inch). */
double    tess_card_get_height (TessCard *self, double width);
void      tess_card_draw       (TessCard *self, cairo_t *cairo, double width);
/* Writes a PNG of 144 pixels an inch, or a PDF when the name ends so. Overwrites; what stood there stays when it fails. */
gboolean  tess_card_save       (TessCard *self, GFile *file, GError **error);

G_END_DECLS
