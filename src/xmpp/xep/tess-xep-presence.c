/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-presence.h"

#include "xmpp/xep/tess-xep-text.h"

#define CLIENT_NS "jabber:client"
#define LOWEST_PRIORITY -128
#define HIGHEST_PRIORITY 127

static const char *const kind_names[] = {
  [TESS_XEP_PRESENCE_SUBSCRIBE] = "subscribe",
  [TESS_XEP_PRESENCE_SUBSCRIBED] = "subscribed",
  [TESS_XEP_PRESENCE_UNSUBSCRIBE] = "unsubscribe",
  [TESS_XEP_PRESENCE_UNSUBSCRIBED] = "unsubscribed",
  [TESS_XEP_PRESENCE_PROBE] = "probe",
  [TESS_XEP_PRESENCE_ERROR] = "error",
};

/* The value of <show/>; the two that have none stay NULL. */
static const char *const show_names[] = {
  [TESS_XEP_PRESENCE_CHAT] = "chat",
  [TESS_XEP_PRESENCE_AWAY] = "away",
  [TESS_XEP_PRESENCE_XA] = "xa",
  [TESS_XEP_PRESENCE_DND] = "dnd",
};

TessXepPresenceKind
tess_xep_presence_get_kind (const TessNode *presence)
{
  const char *type = tess_node_get (presence, "type");

  if (type == NULL || g_str_equal (type, "unavailable"))
    return TESS_XEP_PRESENCE_STATE;
  for (gsize i = 0; i < G_N_ELEMENTS (kind_names); i++)
    if (g_strcmp0 (type, kind_names[i]) == 0)
      return (TessXepPresenceKind) i;

  return TESS_XEP_PRESENCE_OTHER;
}

static TessXepPresenceShow
parse_show (const TessNode *presence)
{
  const char *show = tess_node_child_text (presence, "show", tess_node_get_ns (presence));

  if (tess_node_get (presence, "type") != NULL)
    return TESS_XEP_PRESENCE_UNAVAILABLE;
  for (gsize i = 0; show != NULL && i < G_N_ELEMENTS (show_names); i++)
    if (g_strcmp0 (show, show_names[i]) == 0)
      return (TessXepPresenceShow) i;

  return TESS_XEP_PRESENCE_AVAILABLE;
}

TessXepPresence *
tess_xep_presence_parse (const TessNode *presence)
{
  const char   *ns = tess_node_get_ns (presence);
  const char   *priority = NULL;
  gint64        number = 0;
  TessXepPresence *self = NULL;

  if (tess_xep_presence_get_kind (presence) != TESS_XEP_PRESENCE_STATE)
    return NULL;

  priority = tess_node_child_text (presence, "priority", ns);
  if (priority == NULL ||
      !g_ascii_string_to_signed (priority, 10, LOWEST_PRIORITY, HIGHEST_PRIORITY, &number, NULL))
    number = 0;

  self = g_new0 (TessXepPresence, 1);
  self->show = parse_show (presence);
  self->priority = (int) number;
  self->status = tess_xep_text_clip_lines (tess_node_child_text (presence, "status", ns),
                                           TESS_XEP_PRESENCE_MAX_STATUS);

  return self;
}

void
tess_xep_presence_free (TessXepPresence *self)
{
  if (self == NULL)
    return;

  g_free (self->status);
  g_free (self);
}

TessNode *
tess_xep_presence_build (TessXepPresenceShow show, const char *status, int priority, TessNode *caps)
{
  TessNode *presence = tess_node_new ("presence", CLIENT_NS);

  if (show == TESS_XEP_PRESENCE_UNAVAILABLE)
    tess_node_set (presence, "type", "unavailable");
  else if (show_names[show] != NULL)
    tess_node_add_with_text (presence, "show", NULL, show_names[show]);
  if (status != NULL && *status != '\0')
    tess_node_add_with_text (presence, "status", NULL, status);
  if (priority != 0 && show != TESS_XEP_PRESENCE_UNAVAILABLE)
    {
      g_autofree char *number =
          g_strdup_printf ("%d", CLAMP (priority, LOWEST_PRIORITY, HIGHEST_PRIORITY));

      tess_node_add_with_text (presence, "priority", NULL, number);
    }
  if (caps != NULL)
    tess_node_append (presence, caps);

  return presence;
}

TessNode *
tess_xep_presence_build_subscription (TessXepPresenceKind kind, TessJid *to)
{
  TessNode *presence = NULL;

  g_return_val_if_fail (
      kind >= TESS_XEP_PRESENCE_SUBSCRIBE && kind <= TESS_XEP_PRESENCE_UNSUBSCRIBED, NULL);

  presence = tess_node_new ("presence", CLIENT_NS);
  tess_node_set (presence, "type", kind_names[kind]);
  tess_node_set (presence, "to", tess_jid_to_bare_string (to));

  return presence;
}
