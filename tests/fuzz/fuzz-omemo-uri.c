/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "base/tess-hex.h"
#include "omemo/tess-omemo-uri.h"

#include <string.h>

/* A verification URI: any bytes.
 *
 * - What was read is the same when it is written and read again, and is then written the same.
 * - A device is named once and by a possible number; an error is a sentence. */

void
fuzz_set_up (void)
{
}

static void
check_hex (const char *text)
{
  gsize              length = MIN (strlen (text), 64);
  g_autofree guint8 *bytes = g_malloc (length / 2 + 1);
  g_autofree char   *again = NULL;
  g_autofree char   *lower = NULL;

  if (!tess_hex_decode (text, length, bytes))
    return;
  again = tess_hex_encode (bytes, length / 2);
  lower = g_ascii_strdown (text, (gssize) length);
  g_assert_cmpstr (again, ==, lower);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput               input = { data, size };
  g_autofree char        *text = g_strndup ((const char *) data, size);
  g_autofree char        *line = fuzz_take_line (&input);
  g_autoptr (GError)      error = NULL;
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_parse (text, &error);
  g_autoptr (TessOmemoUri) again = NULL;
  g_autofree char        *written = NULL;
  g_autofree char        *rewritten = NULL;

  check_hex (line);
  g_assert_true ((uri == NULL) == (error != NULL));
  if (uri == NULL)
    {
      g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return;
    }
  g_assert_true (tess_jid_is_bare (uri->jid));
  g_assert_cmpuint (uri->devices->len, >, 0);
  for (guint i = 0; i < uri->devices->len; i++)
    {
      g_assert_cmpuint (g_array_index (uri->devices, TessOmemoUriDevice, i).id, <=, TESS_OMEMO_MAX_DEVICE_ID);
      for (guint j = 0; j < i; j++)
        g_assert_cmpuint (g_array_index (uri->devices, TessOmemoUriDevice, i).id, !=,
                          g_array_index (uri->devices, TessOmemoUriDevice, j).id);
    }

  written = tess_omemo_uri_to_string (uri);
  g_assert_true (g_str_is_ascii (written));
  g_assert_cmpuint (strlen (written), <=, TESS_OMEMO_URI_MAX_BYTES);
  again = tess_omemo_uri_parse (written, &error);
  g_assert_no_error (error);
  g_assert_true (tess_jid_equal (again->jid, uri->jid));
  g_assert_cmpmem (uri->devices->data, uri->devices->len * sizeof (TessOmemoUriDevice), again->devices->data,
                   again->devices->len * sizeof (TessOmemoUriDevice));
  rewritten = tess_omemo_uri_to_string (again);
  g_assert_cmpstr (rewritten, ==, written);
}
