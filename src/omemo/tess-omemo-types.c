/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-types.h"

G_DEFINE_QUARK (tess-omemo-error-quark, tess_omemo_error)

/**
 * tess_omemo_device_new:
 * @jid: the owner; its bare address is kept
 * @id: 1 … 2^31 - 1
 *
 * Returns: (transfer full): an undecided device without a key
 */
TessOmemoDevice *
tess_omemo_device_new (TessJid *jid, guint32 id)
{
  TessOmemoDevice *self = g_new0 (TessOmemoDevice, 1);

  self->jid = tess_jid_ref (tess_jid_get_bare (jid));
  self->id = id;
  return self;
}

TessOmemoDevice *
tess_omemo_device_copy (const TessOmemoDevice *self)
{
  TessOmemoDevice *copy = g_memdup2 (self, sizeof *self);

  copy->jid = tess_jid_ref (self->jid);
  return copy;
}

void
tess_omemo_device_free (TessOmemoDevice *self)
{
  if (self == NULL)
    return;
  tess_jid_unref (self->jid);
  g_free (self);
}
