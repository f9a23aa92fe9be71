/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "base/tess-thread.h"
#include "xmpp/tess-parser.h"
#include "xmpp/tess-xmpp-error.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize   (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* GLib stops at a fatal message as a debugger wants it; libFuzzer keeps the input of an abort only. */
static void
trap_cb (int number)
{
  abort ();
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  /* What a stranger sends may be refused, but it is no reason for a critical or a warning. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  signal (SIGTRAP, trap_cb);
  tess_thread_set_role (TESS_THREAD_ENGINE);
  fuzz_set_up ();
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  fuzz_one (data, size);
  return 0;
}

guint8
fuzz_take_byte (FuzzInput *input)
{
  if (input->left == 0)
    return 0;
  input->left--;
  return *input->at++;
}

guint64
fuzz_take_number (FuzzInput *input)
{
  guint64 number = 0;

  for (guint i = 0; i < 8; i++)
    number = number << 8 | fuzz_take_byte (input);
  return number;
}

char *
fuzz_take_line (FuzzInput *input)
{
  const guint8 *end = input->left > 0 ? memchr (input->at, '\n', input->left) : NULL;
  gsize         length = end != NULL ? (gsize) (end - input->at) : input->left;
  char         *line = g_strndup ((const char *) input->at, length);

  input->at += length + (end != NULL);
  input->left -= length + (end != NULL);
  return line;
}

char *
fuzz_take_text (FuzzInput *input)
{
  char *text = g_utf8_make_valid ((const char *) input->at, (gssize) input->left);

  input->at += input->left;
  input->left = 0;
  return text;
}

void
fuzz_assert_text (const char *text, gsize max_chars)
{
  if (text == NULL)
    return;
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_cmpuint ((gsize) g_utf8_strlen (text, -1), <=, max_chars);
}

void
fuzz_assert_line (const char *text, gsize max_chars)
{
  fuzz_assert_text (text, max_chars);
  for (const char *p = text; p != NULL && *p != '\0'; p = g_utf8_next_char (p))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (p)));
}

void
fuzz_assert_written (const TessNode *node)
{
  g_autofree char     *text = tess_node_to_string (node, "jabber:client");
  g_autofree char     *again_text = NULL;
  g_autoptr (GError)   error = NULL;
  g_autoptr (TessNode) again = NULL;

  g_assert_true (g_utf8_validate (text, -1, NULL));
  again = tess_node_parse (text, -1, "jabber:client", &error);
  /* Each namespace is declared where it begins, so what was written may be longer than what was read. */
  if (again == NULL && strlen (text) > TESS_PARSER_LIMIT / 2)
    return;
  g_assert_no_error (error);
  again_text = tess_node_to_string (again, "jabber:client");
  g_assert_cmpstr (again_text, ==, text);
}
