/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-session-keep.h"

#include "engine/tess-contacts.h"
#include "engine/tess-outbound.h"

gboolean
tess_session_count (TessSession *self, gboolean one_more, GError **error)
{
  TessStreamManagement *management = self->stream != NULL ? tess_stream_get_management (self->stream) : NULL;

  if (!self->lasting || management == NULL)
    return TRUE;
  return tess_contacts_keep (self->contacts, error) &&
         tess_store_count_stream (self->store, self->account->id, tess_stream_management_get_h (management) + (one_more ? 1 : 0),
                                  tess_stream_management_get_acked (management), g_get_real_time (), error);
}

static gboolean
keep_count (gpointer user_data, GError **error)
{
  return tess_session_count (user_data, FALSE, error);
}

/* At each presence that comes in: so it does not wait for the disk. */
void
tess_session_keep_count (TessSession *self)
{
  g_autoptr (GError) error = NULL;
  gboolean           kept;

  if (!self->lasting)
    return;
  kept = tess_store_set_hasty (self->store, TRUE, &error) && tess_store_transact (self->store, keep_count, self, &error);
  if (!tess_store_set_hasty (self->store, FALSE, kept ? &error : NULL) || !kept)
    g_warning ("The session with the server cannot be kept: %s", error->message);
}

static gboolean
end_stream (gpointer user_data, GError **error)
{
  TessSession *self = user_data;

  return tess_store_end_stream (self->store, self->account->id, error);
}

void
tess_session_forget_stream (TessSession *self)
{
  g_autoptr (GError) error = NULL;

  self->lasting = FALSE;
  self->inherited = FALSE;
  if (!tess_store_transact (self->store, end_stream, self, &error))
    g_warning ("The session with the server cannot be forgotten: %s", error->message);
}

void
tess_session_remember_stream (TessSession *self)
{
  TessStreamManagement *management = tess_stream_get_management (self->stream);
  g_autoptr (GError)    error = NULL;
  TessStreamRecord      record = { 0 };

  if (management == NULL || !tess_stream_management_can_resume (management))
    return;
  record.session = (char *) tess_stream_management_get_id (management);
  record.max_seconds = tess_stream_management_get_max_seconds (management);
  record.address = (char *) tess_jid_to_string (tess_stream_get_jid (self->stream));
  record.handled = tess_stream_management_get_h (management);
  record.acked = tess_stream_management_get_acked (management);
  record.saved_us = g_get_real_time ();
  self->lasting = tess_store_set_stream (self->store, self->account->id, &record, &error);
  if (error != NULL)
    g_warning ("The session with the server cannot be kept: %s", error->message);
}

/* @acked: modulo 2^32 */
static int
compare_sequences (gconstpointer a, gconstpointer b, gpointer acked)
{
  guint32 first = (guint32) (*(const TessOutboxItem *const *) a)->sequence - GPOINTER_TO_UINT (acked);
  guint32 second = (guint32) (*(const TessOutboxItem *const *) b)->sequence - GPOINTER_TO_UINT (acked);

  return (gint32) first < (gint32) second ? -1 : (gint32) first > (gint32) second;
}

/* What another process left behind. It may have ended between the server's acknowledgement and what follows from it. FALSE: it is of no
 * use. */
static gboolean
restore_outbox (TessSession *self, TessStreamManagement *management, GError **error)
{
  g_autoptr (GPtrArray) items = tess_store_list_outbox (self->store, self->account->id, error);
  guint32               acked = tess_stream_management_get_acked (management);

  if (items == NULL)
    return FALSE;
  g_ptr_array_sort_with_data (items, compare_sequences, GUINT_TO_POINTER (acked));
  for (guint i = 0; i < items->len; i++)
    {
      const TessOutboxItem *item = g_ptr_array_index (items, i);

      if (item->sequence < 0)
        continue;
      if ((gint32) ((guint32) item->sequence - acked) <= 0)
        tess_outbound_acked (self->outbound, item->message_id);
      else if (!tess_stream_management_restore_sent (management, (guint32) item->sequence, item->xml, (guint64) item->message_id))
        return FALSE;
    }
  return TRUE;
}

gboolean
tess_session_inherit_stream (TessSession *self, GError **error)
{
  g_autoptr (GError)               local_error = NULL;
  g_autoptr (TessStreamRecord)     record = tess_store_get_stream (self->store, self->account->id, &local_error);
  g_autoptr (TessStreamManagement) management = NULL;
  g_autoptr (TessJid)              full = NULL;

  if (record != NULL)
    full = tess_jid_new (record->address, NULL);
  if (full != NULL)
    {
      management = tess_stream_management_new ();
      tess_stream_management_restore (management, record->session, record->max_seconds, record->handled, record->acked);
      tess_stream_management_set_address (management, full);
      if (restore_outbox (self, management, &local_error))
        {
          self->management = g_steal_pointer (&management);
          self->inherited = TRUE;
        }
    }
  if (local_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
