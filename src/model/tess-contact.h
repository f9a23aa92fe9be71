/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-contact-record.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * TessContact:
 *
 * Properties (read-only, notifying): `address`, `name` (never empty: the roster's, else the local part of the address), `color`
 * (uint 0xRRGGBB of XEP-0392 over the bare address), `presence` (TessPresence), `status` (nullable), `subscription`
 * (TessSubscription), `in-roster`, `asks` (waits for our answer), `asked`.
 * Names are plain text with control and bidi characters stripped (attacks row E11).
 */
#define TESS_TYPE_CONTACT (tess_contact_get_type ())
G_DECLARE_FINAL_TYPE (TessContact, tess_contact, TESS, CONTACT, GObject)

const char      *tess_contact_get_address      (TessContact *self);
const char      *tess_contact_get_name         (TessContact *self);
guint            tess_contact_get_color        (TessContact *self);
TessPresence     tess_contact_get_presence     (TessContact *self);
const char      *tess_contact_get_status       (TessContact *self);
TessSubscription tess_contact_get_subscription (TessContact *self);
gboolean         tess_contact_get_in_roster    (TessContact *self);
gboolean         tess_contact_get_asks         (TessContact *self);
gboolean         tess_contact_get_asked        (TessContact *self);

G_END_DECLS
