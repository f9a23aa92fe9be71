/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

G_BEGIN_DECLS

/* What of a message decides with which others it stands. */
typedef struct
{
  gboolean         outgoing;
  gint64           time_us;
  TessEncryption   encryption;
  TessTrust        trust;
  guint32          device;
  TessMessageState state;
} TessGroupingKey;

#define TESS_GROUPING_GAP_US (5 * 60 * G_USEC_PER_SEC)

void     tess_grouping_key_init (TessGroupingKey *key, TessMessage *message);
/* Whether @next continues the group of @previous, so that time and lock stand once. */
gboolean tess_grouping_joins    (const TessGroupingKey *previous, const TessGroupingKey *next);

G_END_DECLS
