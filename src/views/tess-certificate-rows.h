/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* Rows that tell of connections and certificates. What they show is foreign: never markup, one line each. */

/* A row of two lines: what it is, and @value (nullable: then the row is not visible). */
GtkWidget *tess_property_row_new (const char *title, const char *value);
void       tess_property_row_set (GtkWidget *row, const char *value);

/* A sentence with a sign before it. */
GtkWidget *tess_sentence_row_new (const char *icon, const char *style, const char *sentence);

/* A fingerprint in groups with a button that copies it; @fingerprint nullable. */
GtkWidget *tess_fingerprint_row_new (const char *title, const char *fingerprint);

/* A row for @certificate that unfolds: whose it is, who issued it, from when to when, its key and fingerprints. */
GtkWidget *tess_certificate_row_new (const TessCertificate *certificate);
/* The same rows, for a group: (element-type GtkWidget) (transfer container) */
GPtrArray *tess_certificate_rows_new (const TessCertificate *certificate, gboolean with_fingerprint);

G_END_DECLS
