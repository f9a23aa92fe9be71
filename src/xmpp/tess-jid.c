/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-jid.h"

#include "xmpp/tess-jid-prepare.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Preparing can shorten a text; nothing sensible is longer than this before it. */
#define LONGEST_INPUT (4 * 3 * TESS_JID_MAX_PART)

struct _TessJid
{
  gatomicrefcount ref_count;
  char           *local;    /* NULL: none */
  char           *domain;
  char           *resource; /* NULL: none */
  char           *bare;
  char           *full;     /* is bare without a resource */
  TessJid        *bare_jid; /* NULL: this one is bare */
};

static TessJid *
take_parts (char *local, char *domain, char *resource)
{
  TessJid *self = g_new0 (TessJid, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->local = local;
  self->domain = domain;
  self->resource = resource;
  self->bare = local != NULL ? g_strconcat (local, "@", domain, NULL) : g_strdup (domain);
  if (resource != NULL)
    {
      self->full = g_strconcat (self->bare, "/", resource, NULL);
      self->bare_jid = take_parts (g_strdup (local), g_strdup (domain), NULL);
    }
  else
    {
      self->full = self->bare;
    }

  return self;
}

static TessJid *
refuse (GError **error, const char *text)
{
  if (text != NULL && g_utf8_validate (text, -1, NULL) && strlen (text) <= TESS_JID_MAX_PART)
    g_set_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_INVALID_ADDRESS,
                 _ ("“%s” is not a valid address. An address looks like name@example.org."), text);
  else
    g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_INVALID_ADDRESS,
                         _ ("This is not a valid address. An address looks like name@example.org."));
  return NULL;
}

TessJid *
tess_jid_new (const char *text, GError **error)
{
  g_autofree char *bare = NULL;
  g_autofree char *local = NULL;
  g_autofree char *domain = NULL;
  g_autofree char *resource = NULL;
  const char      *slash;
  char            *at;

  if (text == NULL || strlen (text) > LONGEST_INPUT || !g_utf8_validate (text, -1, NULL))
    return refuse (error, text);

  /* RFC 7622 section 3.2: the first slash ends the address, the first at sign before it the localpart. */
  slash = strchr (text, '/');
  bare = slash != NULL ? g_strndup (text, (gsize) (slash - text)) : g_strdup (text);
  at = strchr (bare, '@');
  if (at != NULL)
    *at = '\0';

  if (slash != NULL && slash[1] != '\0')
    resource = tess_jid_prepare_resource (slash + 1);
  if (at != NULL && *bare != '\0')
    local = tess_jid_prepare_local (bare);
  if (*(at != NULL ? at + 1 : bare) != '\0')
    domain = tess_jid_prepare_domain (at != NULL ? at + 1 : bare);
  if (domain == NULL || (slash != NULL && resource == NULL) || (at != NULL && local == NULL))
    return refuse (error, text);

  return take_parts (g_steal_pointer (&local), g_steal_pointer (&domain), g_steal_pointer (&resource));
}

TessJid *
tess_jid_new_bare (const char *text, GError **error)
{
  g_autoptr (TessJid) self = tess_jid_new (text, error);

  if (self == NULL)
    return NULL;
  if (self->resource != NULL)
    return refuse (error, text);

  return g_steal_pointer (&self);
}

TessJid *
tess_jid_with_resource (const TessJid *self, const char *resource, GError **error)
{
  g_autofree char *prepared = NULL;

  if (resource != NULL && *resource != '\0' && strlen (resource) <= LONGEST_INPUT &&
      g_utf8_validate (resource, -1, NULL))
    prepared = tess_jid_prepare_resource (resource);
  if (prepared == NULL)
    return refuse (error, NULL);

  return take_parts (g_strdup (self->local), g_strdup (self->domain), g_steal_pointer (&prepared));
}

TessJid *
tess_jid_get_bare (TessJid *self)
{
  return self->bare_jid != NULL ? self->bare_jid : self;
}

const char *
tess_jid_get_local (const TessJid *self)
{
  return self->local;
}

const char *
tess_jid_get_domain (const TessJid *self)
{
  return self->domain;
}

const char *
tess_jid_get_resource (const TessJid *self)
{
  return self->resource;
}

gboolean
tess_jid_is_bare (const TessJid *self)
{
  return self->resource == NULL;
}

const char *
tess_jid_to_string (const TessJid *self)
{
  return self->full;
}

const char *
tess_jid_to_bare_string (const TessJid *self)
{
  return self->bare;
}

guint
tess_jid_hash (gconstpointer jid)
{
  return g_str_hash (((const TessJid *) jid)->full);
}

gboolean
tess_jid_equal (gconstpointer a, gconstpointer b)
{
  return a == b || g_str_equal (((const TessJid *) a)->full, ((const TessJid *) b)->full);
}

gboolean
tess_jid_bare_equal (const TessJid *a, const TessJid *b)
{
  return a != NULL && b != NULL && g_str_equal (a->bare, b->bare);
}

TessJid *
tess_jid_ref (TessJid *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tess_jid_unref (TessJid *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->bare_jid, tess_jid_unref);
  if (self->full != self->bare)
    g_free (self->full);
  g_free (self->bare);
  g_free (self->local);
  g_free (self->domain);
  g_free (self->resource);
  g_free (self);
}
