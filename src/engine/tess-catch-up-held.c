/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-catch-up-held.h"

#include "engine/tess-inbound.h"

#define PAGE 100
/* Through what was put by, before the rest of it is given up. */
#define MAX_HELD_PASSES 20

/* In the transaction of its page, before it: one that still cannot be read is put by anew. */
static gboolean
release_cb (gpointer user_data, GError **error)
{
  GPtrArray   *held = ((gpointer *) user_data)[1];
  TessSession *session = ((gpointer *) user_data)[0];

  for (guint i = 0; i < held->len; i++)
    if (!tess_store_release (session->store, ((const TessHeld *) g_ptr_array_index (held, i))->id, error))
      return FALSE;
  return TRUE;
}

/* @last: what cannot be read now never will be. */
static gboolean
store_held_page (TessSession *session, GPtrArray *held, gboolean last)
{
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_inbound_archived_free);
  gpointer              both[] = { session, held };
  TessInboundPage       page;
  gboolean              taken;

  for (guint i = 0; i < held->len; i++)
    {
      const TessHeld      *one = g_ptr_array_index (held, i);
      TessInboundArchived *result = g_new0 (TessInboundArchived, 1);

      result->id = g_strdup (one->archive_id);
      result->time_us = one->time_us;
      result->message = tess_node_parse (one->xml, -1, "jabber:client", NULL);
      if (result->message != NULL)
        g_ptr_array_add (results, result);
      else
        tess_inbound_archived_free (result);
    }
  tess_inbound_page_init (&page, G_MININT64, G_MAXINT64);
  page.placed = TRUE;
  page.hold = !last;
  page.begin = release_cb;
  page.user_data = both;
  taken = tess_inbound_take_page (session, results, &page, TRUE);
  tess_inbound_page_clear (&page);
  return taken;
}

/* All that was put by up to @until_id, by their places. FALSE: the database failed. */
static gboolean
release_up_to (TessSession *session, gint64 until_id, gboolean last)
{
  for (;;)
    {
      g_autoptr (GError)    error = NULL;
      g_autoptr (GPtrArray) held = tess_store_list_held (session->store, session->account->id, until_id, PAGE, &error);

      if (held != NULL && held->len == 0)
        return TRUE;
      if (held == NULL)
        tess_session_storage_failed (session, error);
      if (held == NULL || !store_held_page (session, held, last))
        return FALSE;
    }
}

/* What could not be read before older letters had come. Their order is that of their places, and may not be that in which they were
 * written, when a server's clock was set back: as long as some can be read the others are tried again. */
gboolean
tess_catch_up_release_held (TessSession *session)
{
  gint64   before = G_MAXINT64;
  gboolean last = FALSE;

  for (guint pass = 0;; pass++)
    {
      g_autoptr (GError) error = NULL;
      gint64             last_id;
      gint64             count = tess_store_count_held (session->store, session->account->id, &last_id, &error);

      if (count == 0)
        return TRUE;
      if (count < 0)
        {
          tess_session_storage_failed (session, error);
          return FALSE;
        }
      last = last || count >= before || pass >= MAX_HELD_PASSES;
      before = count;
      if (!release_up_to (session, last_id, last))
        return FALSE;
    }
}
