/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the person, or blind trust, decided of a device. Kept in the database: the numbers stay. */
typedef enum
{
  TESS_TRUST_UNDECIDED,
  TESS_TRUST_BLIND,
  TESS_TRUST_VERIFIED,
  TESS_TRUST_DISTRUSTED,
} TessTrust;

/**
 * TessDeviceRecord:
 * @address: of the owner, bare
 * @id: 1 … 2^31 - 1
 * @fingerprint: (nullable): 64 lower-case hexadecimal digits; %NULL while the key is not known
 * @active: whether the owner's newest list has it
 * @own: it belongs to the account itself
 * @local: it is this very device
 * @key_alarm: another key was offered under its id
 * @no_bundle: its server showed no usable keys in this connection, and there is no session: it is left out
 * @label: (nullable): what the person calls it
 * @software: (nullable): what it says that it is
 * @first_seen_us: microseconds since 1970
 * @last_seen_us: 0 for never
 */
typedef struct
{
  gint64    account_id;
  char     *address;
  guint32   id;
  char     *fingerprint;
  TessTrust trust;
  gboolean  active;
  gboolean  own;
  gboolean  local;
  gboolean  key_alarm;
  gboolean  no_bundle;
  char     *label;
  char     *software;
  gint64    first_seen_us;
  gint64    last_seen_us;
} TessDeviceRecord;

TessDeviceRecord *tess_device_record_new  (gint64 account_id, const char *address, guint32 id);
TessDeviceRecord *tess_device_record_copy (const TessDeviceRecord *self);
void              tess_device_record_free (TessDeviceRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessDeviceRecord, tess_device_record_free)

G_END_DECLS
