/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-uri.h"

#include "base/tess-hex.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define HEX_DIGITS (2 * TESS_OMEMO_KEY_BYTES)
#define SID_PREFIX "omemo-sid-"

/* RFC 5122 section 2.2 allows these in a localpart beside the unreserved ones; `;` too, but it parts our parameters. */
#define LOCAL_ALLOWED "!$()*+,="
/* A domainpart may be an address in brackets. */
#define DOMAIN_ALLOWED "[]:"

TessOmemoUri *
tess_omemo_uri_new (TessJid *jid)
{
  TessOmemoUri *self = g_new0 (TessOmemoUri, 1);

  self->jid = tess_jid_ref (tess_jid_get_bare (jid));
  self->devices = g_array_new (FALSE, TRUE, sizeof (TessOmemoUriDevice));
  return self;
}

/* Adds a device; the caller sees to it that each id comes once. */
void
tess_omemo_uri_add (TessOmemoUri *self, guint32 id, const guint8 *key)
{
  TessOmemoUriDevice device = { .id = id };

  memcpy (device.key, key, TESS_OMEMO_KEY_BYTES);
  g_array_append_val (self->devices, device);
}

void
tess_omemo_uri_free (TessOmemoUri *self)
{
  if (self == NULL)
    return;
  tess_jid_unref (self->jid);
  g_array_unref (self->devices);
  g_free (self);
}

/**
 * tess_omemo_uri_to_string:
 *
 * Returns: (transfer full): the text for a QR code or a link
 */
char *
tess_omemo_uri_to_string (const TessOmemoUri *self)
{
  GString *text = g_string_new ("xmpp:");
  const char *local = tess_jid_get_local (self->jid);

  if (local != NULL)
    {
      g_string_append_uri_escaped (text, local, LOCAL_ALLOWED, FALSE);
      g_string_append_c (text, '@');
    }
  g_string_append_uri_escaped (text, tess_jid_get_domain (self->jid), DOMAIN_ALLOWED, FALSE);

  for (guint i = 0; i < self->devices->len; i++)
    {
      const TessOmemoUriDevice *device = &g_array_index (self->devices, TessOmemoUriDevice, i);
      g_autofree char *hex = tess_hex_encode (device->key, TESS_OMEMO_KEY_BYTES);

      g_string_append_c (text, i == 0 ? '?' : ';');
      if (device->id == 0)
        g_string_append_printf (text, "omemo=%s", hex);
      else
        g_string_append_printf (text, SID_PREFIX "%" G_GUINT32_FORMAT "=%s", device->id, hex);
    }
  return g_string_free (text, FALSE);
}

static gboolean
parse_device_id (const char *digits, guint32 *id)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (digits, 10, 1, TESS_OMEMO_MAX_DEVICE_ID, &value, NULL))
    return FALSE;
  *id = (guint32) value;
  return TRUE;
}

static gboolean
parse_parameter (TessOmemoUri *self, const char *parameter, GError **error)
{
  const char *equals = strchr (parameter, '=');
  g_autofree char *name = NULL;
  g_autofree char *value = NULL;
  guint8 key[TESS_OMEMO_KEY_BYTES];
  guint32 id = 0;

  name = g_uri_unescape_segment (parameter, equals, NULL);
  if (name == NULL)
    return TRUE; /* not ours, whatever it is */
  if (g_str_has_prefix (name, SID_PREFIX))
    {
      if (!parse_device_id (name + strlen (SID_PREFIX), &id))
        {
          g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                               _ ("This code names a device by a number that is not possible."));
          return FALSE;
        }
    }
  else if (!g_str_equal (name, "omemo"))
    {
      return TRUE;
    }

  value = equals == NULL ? NULL : g_uri_unescape_string (equals + 1, NULL);
  if (value == NULL || strlen (value) != HEX_DIGITS || !tess_hex_decode (value, HEX_DIGITS, key))
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                           _ ("This code holds a fingerprint that is damaged or incomplete."));
      return FALSE;
    }
  for (guint i = 0; i < self->devices->len; i++)
    {
      if (g_array_index (self->devices, TessOmemoUriDevice, i).id == id)
        {
          g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                               _ ("This code names the same device twice."));
          return FALSE;
        }
    }
  if (self->devices->len >= TESS_OMEMO_URI_MAX_DEVICES)
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                           _ ("This code names more devices than a person can have."));
      return FALSE;
    }
  tess_omemo_uri_add (self, id, key);
  return TRUE;
}

static TessJid *
parse_address (const char *start, gsize length)
{
  g_autofree char *address = g_uri_unescape_segment (start, start + length, NULL);

  /* "xmpp://account/…" says which account to use and is not about a fingerprint. */
  if (address == NULL || address[0] == '/')
    return NULL;
  return tess_jid_new_bare (address, NULL);
}

TessOmemoUri *
tess_omemo_uri_parse (const char *text, GError **error)
{
  g_autoptr (TessOmemoUri) self = NULL;
  g_autoptr (TessJid) jid = NULL;
  g_autofree char *query = NULL;
  const char *rest;
  gsize length;

  if (text == NULL || strlen (text) > TESS_OMEMO_URI_MAX_BYTES || g_ascii_strncasecmp (text, "xmpp:", 5) != 0)
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                           _ ("This is not the code of an XMPP address."));
      return NULL;
    }
  rest = text + 5;
  length = strcspn (rest, "?#");
  jid = parse_address (rest, length);
  if (jid == NULL)
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                           _ ("The address in this code is not valid."));
      return NULL;
    }

  self = tess_omemo_uri_new (jid);
  rest += length;
  if (*rest == '?')
    query = g_strndup (rest + 1, strcspn (rest + 1, "#"));
  for (char *at = query; at != NULL && *at != '\0';)
    {
      gsize size = strcspn (at, ";&");
      gboolean last = at[size] == '\0';

      at[size] = '\0';
      if (!parse_parameter (self, at, error))
        return NULL;
      at += last ? size : size + 1;
    }
  if (self->devices->len == 0)
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED,
                           _ ("This code holds no fingerprint."));
      return NULL;
    }
  return g_steal_pointer (&self);
}
