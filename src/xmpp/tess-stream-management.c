/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-stream-management.h"

#include <string.h>

typedef struct
{
  char   *xml; /* NULL: something that another process sent and did not keep */
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
  gboolean restored; /* how much another process sent after the last in `unacked` is not known */
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
  return (sent->xml != NULL ? strlen (sent->xml) : 0) + sizeof *sent + sizeof (GList) + 3 * 2 * sizeof (gpointer);
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

void
tess_stream_management_restore (TessStreamManagement *self, const char *id, guint max_seconds, guint32 handled, guint32 acked)
{
  tess_stream_management_enabled (self, id, max_seconds);
  self->handled = handled;
  self->acked = acked;
  self->restored = TRUE;
}

gboolean
tess_stream_management_restore_sent (TessStreamManagement *self, guint32 sequence, const char *xml, guint64 tag)
{
  guint32 ahead = sequence - self->acked - self->unacked.length; /* 1: the next one */

  if (!self->restored || ahead == 0 || ahead > TESS_STREAM_MANAGEMENT_MAX_LOST)
    return FALSE;
  for (; ahead > 1; ahead--)
    {
      Sent *lost = g_new0 (Sent, 1);

      self->unconfirmed += cost_of (lost);
      g_queue_push_tail (&self->unacked, lost);
    }
  tess_stream_management_sent (self, xml, tag);

  return TRUE;
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

guint32
tess_stream_management_get_sent (TessStreamManagement *self)
{
  return self->acked + self->unacked.length;
}

guint32
tess_stream_management_get_acked (TessStreamManagement *self)
{
  return self->acked;
}

guint
tess_stream_management_get_max_seconds (TessStreamManagement *self)
{
  return self->max_seconds;
}

gboolean
tess_stream_management_ack (TessStreamManagement *self, guint32 h, TessAckedFunc acked, gpointer user_data)
{
  guint32 count = h - self->acked; /* modulo 2^32: a smaller h is a huge one, and refused as well */

  if (count > self->unacked.length)
    {
      /* What another process sent after what is known here, it may have left behind unacknowledged. */
      if (!self->restored || count - self->unacked.length > TESS_STREAM_MANAGEMENT_MAX_LOST)
        return FALSE;
      count = self->unacked.length;
    }

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

/* What cannot be sent again is not counted as sent again either. From then on all that is sent is known. */
static void
drop_lost (TessStreamManagement *self)
{
  GList *next;

  self->restored = FALSE;
  for (GList *l = self->unacked.head; l != NULL; l = next)
    {
      Sent *sent = l->data;

      next = l->next;
      if (sent->xml != NULL)
        continue;
      self->unconfirmed -= cost_of (sent);
      sent_free (sent);
      g_queue_delete_link (&self->unacked, l);
    }
}

void
tess_stream_management_foreach_unacked (TessStreamManagement *self, TessUnackedFunc func, gpointer user_data)
{
  guint32 sequence = self->acked;

  for (const GList *l = self->unacked.head; l != NULL; l = l->next)
    {
      sequence++;
      if (((const Sent *) l->data)->tag != 0)
        func (sequence, ((const Sent *) l->data)->tag, user_data);
    }
}

GPtrArray *
tess_stream_management_get_unacked_xml (TessStreamManagement *self)
{
  GPtrArray *xml = g_ptr_array_new_full (self->unacked.length, g_free);

  drop_lost (self);
  for (const GList *l = self->unacked.head; l != NULL; l = l->next)
    g_ptr_array_add (xml, g_strdup (((const Sent *) l->data)->xml));

  return xml;
}
