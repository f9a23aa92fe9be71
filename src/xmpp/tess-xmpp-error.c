/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-xmpp-error.h"

#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_PUBSUB_ERRORS "http://jabber.org/protocol/pubsub#errors"
#define LONGEST_TEXT 512

typedef struct
{
  char            *condition;
  char            *kind;
  TessCertificate *certificate;
} TessXmppErrorPrivate;

static void
tess_xmpp_error_private_init (TessXmppErrorPrivate *priv)
{
}

static void
tess_xmpp_error_private_copy (const TessXmppErrorPrivate *source, TessXmppErrorPrivate *copy)
{
  copy->condition = g_strdup (source->condition);
  copy->kind = g_strdup (source->kind);
  copy->certificate = tess_certificate_copy (source->certificate);
}

static void
tess_xmpp_error_private_clear (TessXmppErrorPrivate *priv)
{
  g_free (priv->condition);
  g_free (priv->kind);
  tess_certificate_free (priv->certificate);
}

G_DEFINE_EXTENDED_ERROR (TessXmppError, tess_xmpp_error)

static const char *
find_condition (const TessNode *error)
{
  for (TESS_NODE_EACH (child, error, NULL, NS_STANZAS))
    if (!tess_node_is (child, "text", NS_STANZAS))
      return tess_node_get_name (child);

  return "undefined-condition";
}

static int
code_of (const TessNode *error, const char *condition)
{
  if (tess_node_child (error, "precondition-not-met", NS_PUBSUB_ERRORS) != NULL)
    return TESS_XMPP_ERROR_PRECONDITION;
  if (g_str_equal (condition, "item-not-found"))
    return TESS_XMPP_ERROR_ITEM_NOT_FOUND;

  return TESS_XMPP_ERROR_STANZA;
}

GError *
tess_xmpp_error_new_from_stanza (const TessNode *stanza)
{
  const TessNode       *node = tess_node_child (stanza, "error", tess_node_get_ns (stanza));
  const char           *condition = find_condition (node);
  const char           *text = tess_node_child_text (node, "text", NS_STANZAS);
  const char           *kind = node != NULL ? tess_node_get (node, "type") : NULL;
  g_autofree char      *start = NULL;
  TessXmppErrorPrivate *priv;
  GError               *error;

  if (text != NULL && *text != '\0')
    {
      start = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), LONGEST_TEXT));
      error = g_error_new (TESS_XMPP_ERROR, code_of (node, condition), "%s: %s", condition, start);
    }
  else
    {
      error = g_error_new_literal (TESS_XMPP_ERROR, code_of (node, condition), condition);
    }
  priv = tess_xmpp_error_get_private (error);
  priv->condition = g_strdup (condition);
  priv->kind = g_strdup (kind);

  return error;
}

const char *
tess_xmpp_error_get_condition (const GError *error)
{
  if (error == NULL || error->domain != TESS_XMPP_ERROR)
    return NULL;
  return tess_xmpp_error_get_private (error)->condition;
}

const char *
tess_xmpp_error_get_kind (const GError *error)
{
  if (error == NULL || error->domain != TESS_XMPP_ERROR)
    return NULL;
  return tess_xmpp_error_get_private (error)->kind;
}

const TessCertificate *
tess_xmpp_error_get_certificate (const GError *error)
{
  if (error == NULL || error->domain != TESS_XMPP_ERROR)
    return NULL;
  return tess_xmpp_error_get_private (error)->certificate;
}

void
tess_xmpp_error_set_certificate (GError *error, TessCertificate *certificate)
{
  TessXmppErrorPrivate *priv = tess_xmpp_error_get_private (error);

  tess_certificate_free (priv->certificate);
  priv->certificate = certificate;
}
