/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-login.h"

#include "base/tess-id.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_EARLY 256

static void
start_bind (TessLogin *self)
{
  g_autoptr (TessNode) iq = tess_node_new ("iq", TESS_NS_CLIENT);
  TessNode            *bind = tess_node_add (iq, "bind", TESS_NS_BIND);
  const char          *resource = tess_jid_get_resource (self->options.jid);

  if (tess_node_child (self->features, "bind", TESS_NS_BIND) == NULL)
    {
      tess_login_fail_bad_reply (self, "no resource binding");
      return;
    }
  g_free (self->iq_id);
  self->iq_id = tess_id_new ();
  tess_node_set (iq, "type", "set");
  tess_node_set (iq, "id", self->iq_id);
  if (resource != NULL && !self->resource_refused)
    tess_node_add_with_text (bind, "resource", NULL, resource);
  tess_login_send_node (self, iq);
  tess_login_enter (self, TESS_LOGIN_BIND);
}

TessStreamManagement *
tess_login_get_resumable (TessLogin *self)
{
  TessStreamManagement *resume = self->options.resume;

  if (resume == NULL || !tess_stream_management_can_resume (resume) ||
      tess_stream_management_get_address (resume) == NULL ||
      !tess_jid_bare_equal (tess_stream_management_get_address (resume), self->options.jid))
    return NULL;
  return resume;
}

static void
fill_resume (TessLogin *self, TessNode *resume)
{
  g_autofree char *h = g_strdup_printf ("%u", tess_stream_management_get_h (self->options.resume));

  tess_node_set (resume, "h", h);
  tess_node_set (resume, "previd", tess_stream_management_get_id (self->options.resume));
}

void
tess_login_add_resume (TessLogin *self, TessNode *parent)
{
  fill_resume (self, tess_node_add (parent, "resume", TESS_NS_SM));
}

static void
start_resume (TessLogin *self)
{
  g_autoptr (TessNode) resume = tess_node_new ("resume", TESS_NS_SM);

  fill_resume (self, resume);
  tess_login_send_node (self, resume);
  tess_login_enter (self, TESS_LOGIN_RESUME);
}

static void
succeed (TessLogin *self, gboolean resumed)
{
  G_GNUC_UNUSED g_autoptr (TessLogin) keep = tess_login_ref (self);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  TessStreamParts  *parts = g_new0 (TessStreamParts, 1);

  tess_login_end (self);
  tess_link_pause (self->link);
  parts->link = g_steal_pointer (&self->link);
  parts->jid = g_steal_pointer (&self->bound);
  parts->features = g_steal_pointer (&self->features);
  parts->management = g_steal_pointer (&self->management);
  parts->early = g_steal_pointer (&self->early);
  parts->acked = g_steal_pointer (&self->acked);
  parts->host = g_steal_pointer (&self->host);
  parts->result = self->result;
  memset (&self->result, 0, sizeof self->result);
  parts->direct_tls = self->direct_tls;
  parts->resumed = resumed;
  g_task_return_pointer (task, tess_stream_new_open (parts), (GDestroyNotify) tess_stream_unref);
  tess_login_unref (self); /* the task's */
}

static void
collect_tag_cb (guint64 tag, gpointer data)
{
  g_array_append_val (((TessLogin *) data)->acked, tag);
}

static void
handle_resumed (TessLogin *self, const TessNode *node)
{
  TessStreamManagement *resume = self->options.resume;
  g_autoptr (GPtrArray) unacked = NULL;
  guint32               h;

  if (g_strcmp0 (tess_node_get (node, "previd"), tess_stream_management_get_id (resume)) != 0 ||
      !tess_stream_read_h (node, &h) || !tess_stream_management_ack (resume, h, collect_tag_cb, self))
    {
      tess_stream_management_forget_id (resume);
      tess_login_fail_bad_reply (self, "a resumption that does not fit");
      return;
    }
  unacked = tess_stream_management_get_unacked_xml (resume);
  for (guint i = 0; i < unacked->len; i++)
    tess_link_write (self->link, g_ptr_array_index (unacked, i));
  if (unacked->len > 0)
    tess_link_write (self->link, "<r xmlns='" TESS_NS_SM "'/>");
  self->bound = tess_jid_ref (tess_stream_management_get_address (resume));
  self->management = tess_stream_management_ref (resume);
  succeed (self, TRUE);
}

/* XEP-0198 section 5: the session is gone, but h may say how much of ours had arrived. */
gboolean
tess_login_take_resume_failed (TessLogin *self, const TessNode *node)
{
  TessStreamManagement *resume = self->options.resume;
  guint32               h;

  tess_stream_management_forget_id (resume);
  if (tess_stream_read_h (node, &h) && !tess_stream_management_ack (resume, h, collect_tag_cb, self))
    {
      tess_login_fail_bad_reply (self, "more acknowledged than sent");
      return FALSE;
    }
  return TRUE;
}

void
tess_login_handle_resume (TessLogin *self, const TessNode *node)
{
  if (tess_node_is (node, "resumed", TESS_NS_SM))
    {
      handle_resumed (self, node);
    }
  else if (tess_node_is (node, "failed", TESS_NS_SM))
    {
      if (tess_login_take_resume_failed (self, node))
        start_bind (self);
    }
  else
    {
      tess_login_fail_bad_reply (self, "no answer to the resumption");
    }
}

static void
start_management (TessLogin *self)
{
  if (tess_node_child (self->features, "sm", TESS_NS_SM) == NULL)
    {
      succeed (self, FALSE);
      return;
    }
  tess_link_write (self->link, "<enable xmlns='" TESS_NS_SM "' resume='true'/>");
  tess_login_enter (self, TESS_LOGIN_ENABLE);
}

/* What the authentication has not settled already (XEP-0386). */
void
tess_login_start_session (TessLogin *self)
{
  if (self->bound != NULL && self->management != NULL)
    succeed (self, FALSE);
  else if (self->bound != NULL)
    start_management (self);
  else if (tess_login_get_resumable (self) != NULL && tess_node_child (self->features, "sm", TESS_NS_SM) != NULL)
    start_resume (self);
  else
    start_bind (self);
}

static void
handle_bind_error (TessLogin *self, const TessNode *node)
{
  g_autoptr (GError) error = tess_xmpp_error_new_from_stanza (node);

  if (tess_jid_get_resource (self->options.jid) != NULL && !self->resource_refused)
    {
      self->resource_refused = TRUE;
      start_bind (self);
      return;
    }
  tess_login_fail_with (self, TESS_XMPP_ERROR_FAILED, _ ("%s refused the session (%s). Try again later."), tess_login_domain (self),
             error->message);
}

/* Attacks row B9: whoever we are bound to is who we asked to be. */
void
tess_login_handle_bind (TessLogin *self, const TessNode *node)
{
  const TessNode     *bind = tess_node_child (node, "bind", TESS_NS_BIND);
  const char         *text = tess_node_child_text (bind, "jid", TESS_NS_BIND);
  g_autoptr (TessJid) jid = NULL;

  if (!tess_node_is (node, "iq", TESS_NS_CLIENT) || g_strcmp0 (tess_node_get (node, "id"), self->iq_id) != 0)
    {
      tess_login_fail_bad_reply (self, "no answer to the binding");
      return;
    }
  if (g_strcmp0 (tess_node_get (node, "type"), "error") == 0)
    {
      handle_bind_error (self, node);
      return;
    }
  jid = tess_jid_new (text, NULL);
  if (g_strcmp0 (tess_node_get (node, "type"), "result") != 0 || jid == NULL || tess_jid_is_bare (jid) ||
      !tess_jid_bare_equal (jid, self->options.jid))
    {
      tess_login_fail_bad_reply (self, "bound to somebody else");
      return;
    }
  self->bound = g_steal_pointer (&jid);
  start_management (self);
}

void
tess_login_take_enabled (TessLogin *self, const TessNode *enabled)
{
  const char *resume = tess_node_get (enabled, "resume");
  const char *id = tess_node_get (enabled, "id");
  guint64     max = 0;

  if (g_strcmp0 (resume, "true") != 0 && g_strcmp0 (resume, "1") != 0)
    id = NULL;
  tess_node_get_uint (enabled, "max", G_MAXUINT32, &max);
  self->management = tess_stream_management_new ();
  tess_stream_management_enabled (self->management, id, (guint) max);
  tess_stream_management_set_address (self->management, self->bound);
}

void
tess_login_handle_enable (TessLogin *self, const TessNode *node)
{
  if (tess_node_is (node, "enabled", TESS_NS_SM))
    {
      tess_login_take_enabled (self, node);
      succeed (self, FALSE);
    }
  else if (tess_node_is (node, "failed", TESS_NS_SM))
    {
      succeed (self, FALSE);
    }
  else if (g_str_equal (tess_node_get_ns (node), TESS_NS_CLIENT) && g_queue_get_length (self->early) < MAX_EARLY)
    {
      g_queue_push_tail (self->early, tess_node_copy (node));
    }
  else
    {
      tess_login_fail_bad_reply (self, "no answer to stream management");
    }
}
