/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-stream-management.h"

#include <string.h>

typedef struct
{
  char   *xml;
  guint64 tag;
} Sent;

struct _TessStreamManagement
{
  guint    ref_count;
  char    *id; /* NULL: cannot be resumed */
  guint    max_seconds;
  TessJid *address;
  guint32  handled;
  guint32  acked; /* how many of ours the server has taken, modulo 2^32 */
  GQueue   unacked; /* of Sent, the oldest first */
  gsize    unconfirmed; /* bytes in it of those without a tag */
};

static void
sent_free (gpointer data)
{
  Sent *sent = data;

  g_free (sent->xml);
  g_free (sent);
}

/* What a stanza takes while it is kept. */
static gsize
cost_of (const Sent *sent)
{
  return strlen (sent->xml) + sizeof *sent + sizeof (GList) + 3 * 2 * sizeof (gpointer);
}

TessStreamManagement *
tess_stream_management_new (void)
{
  TessStreamManagement *self = g_new0 (TessStreamManagement, 1);

  self->ref_count = 1;
  g_queue_init (&self->unacked);

  return self;
}

TessStreamManagement *
tess_stream_management_ref (TessStreamManagement *self)
{
  self->ref_count++;
  return self;
}

void
tess_stream_management_unref (TessStreamManagement *self)
{
  if (self == NULL || --self->ref_count > 0)
    return;

  g_queue_clear_full (&self->unacked, sent_free);
  g_clear_pointer (&self->address, tess_jid_unref);
  g_free (self->id);
  g_free (self);
}

void
tess_stream_management_enabled (TessStreamManagement *self, const char *id, guint max_seconds)
{
  g_free (self->id);
  self->id = g_strdup (id);
  self->max_seconds = max_seconds;
  self->handled = 0;
  self->acked = 0;
}

gboolean
tess_stream_management_can_resume (TessStreamManagement *self)
{
  return self->id != NULL;
}

const char *
tess_stream_management_get_id (TessStreamManagement *self)
{
  return self->id;
}

void
tess_stream_management_forget_id (TessStreamManagement *self)
{
  g_clear_pointer (&self->id, g_free);
}

void
tess_stream_management_set_address (TessStreamManagement *self, TessJid *full)
{
  tess_jid_ref (full);
  g_clear_pointer (&self->address, tess_jid_unref);
  self->address = full;
}

TessJid *
tess_stream_management_get_address (TessStreamManagement *self)
{
  return self->address;
}

void
tess_stream_management_sent (TessStreamManagement *self, const char *xml, guint64 tag)
{
  Sent *sent = g_new0 (Sent, 1);

  sent->xml = g_strdup (xml);
  sent->tag = tag;
  if (tag == 0)
    self->unconfirmed += cost_of (sent);
  g_queue_push_tail (&self->unacked, sent);
}

void
tess_stream_management_handled (TessStreamManagement *self)
{
  self->handled++;
}

guint32
tess_stream_management_get_h (TessStreamManagement *self)
{
  return self->handled;
}

guint
tess_stream_management_get_unacked (TessStreamManagement *self)
{
  return self->unacked.length;
}

gsize
tess_stream_management_get_unconfirmed (TessStreamManagement *self)
{
  return self->unconfirmed;
}

gboolean
tess_stream_management_ack (TessStreamManagement *self, guint32 h, TessAckedFunc acked, gpointer user_data)
{
  guint32 count = h - self->acked; /* modulo 2^32: a smaller h is a huge one, and refused as well */

  if (count > self->unacked.length)
    return FALSE;

  self->acked = h;
  tess_stream_management_ref (self);
  for (guint32 i = 0; i < count; i++)
    {
      Sent   *sent = g_queue_pop_head (&self->unacked);
      guint64 tag = sent->tag;

      if (tag == 0)
        self->unconfirmed -= cost_of (sent);
      sent_free (sent);
      if (tag != 0 && acked != NULL)
        acked (tag, user_data);
    }
  tess_stream_management_unref (self);

  return TRUE;
}

GPtrArray *
tess_stream_management_get_unacked_xml (TessStreamManagement *self)
{
  GPtrArray *xml = g_ptr_array_new_full (self->unacked.length, g_free);

  for (const GList *l = self->unacked.head; l != NULL; l = l->next)
    g_ptr_array_add (xml, g_strdup (((const Sent *) l->data)->xml));

  return xml;
}
