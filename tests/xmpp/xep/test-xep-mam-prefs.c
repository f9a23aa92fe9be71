/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-mam-prefs.h"

typedef struct
{
  guint       calls;
  TessMamKeep keep;
  GError     *error;
} Answer;

static void
done_cb (TessMamKeep keep, const GError *error, gpointer user_data)
{
  Answer *answer = user_data;

  answer->calls++;
  answer->keep = keep;
  g_clear_error (&answer->error);
  if (error != NULL)
    answer->error = g_error_copy (error);
}

#define GET "<iq type='get'><prefs xmlns='urn:xmpp:mam:2'/></iq>"
#define LISTS "<always><jid>romeo@a.test</jid></always><never><jid>eve@e.test</jid></never>"
#define PREFS(value, lists) "<prefs xmlns='urn:xmpp:mam:2' default='" value "'>" lists "</prefs>"

static void
test_get (XepFixture *self, gconstpointer data)
{
  Answer answer = { 0 };

  tess_xep_mam_prefs_get (self->router, done_cb, &answer);
  xep_assert_sent (self, 1, GET);
  xep_answer (self, xep_last_sent (self), NULL, PREFS ("roster", LISTS));
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_no_error (answer.error);
  g_assert_cmpint (answer.keep, ==, TESS_MAM_KEEP_ROSTER);

  tess_xep_mam_prefs_get (self->router, done_cb, &answer);
  xep_answer (self, xep_last_sent (self), NULL, PREFS ("sometimes", ""));
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
  tess_xep_mam_prefs_get (self->router, done_cb, &answer);
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
  tess_xep_mam_prefs_get (self->router, done_cb, &answer);
  xep_answer_error (self, xep_last_sent (self), NULL,
                    "<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_STANZA);
  g_assert_cmpuint (answer.calls, ==, 4);
  g_clear_error (&answer.error);
}

/* The lists stay as they are. */
static void
test_set (XepFixture *self, gconstpointer data)
{
  Answer answer = { 0 };

  tess_xep_mam_prefs_set (self->router, TESS_MAM_KEEP_NEVER, done_cb, &answer);
  xep_assert_sent (self, 1, GET);
  xep_answer (self, xep_last_sent (self), NULL, PREFS ("always", LISTS));
  xep_assert_sent (self, 2, "<iq type='set'>" PREFS ("never", LISTS) "</iq>");
  xep_answer (self, xep_last_sent (self), NULL, PREFS ("never", LISTS));
  g_assert_no_error (answer.error);
  g_assert_cmpint (answer.keep, ==, TESS_MAM_KEEP_NEVER);

  tess_xep_mam_prefs_set (self->router, TESS_MAM_KEEP_ALWAYS, done_cb, &answer);
  xep_answer (self, xep_last_sent (self), NULL, PREFS ("never", ""));
  xep_assert_sent (self, 4, "<iq type='set'>" PREFS ("always", "<always/><never/>") "</iq>");
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_cmpint (answer.keep, ==, TESS_MAM_KEEP_ALWAYS);
  g_assert_cmpuint (answer.calls, ==, 2);

  /* Nothing is set where nothing could be read: the lists would be lost. */
  tess_xep_mam_prefs_set (self->router, TESS_MAM_KEEP_NEVER, done_cb, &answer);
  xep_answer_error (self, xep_last_sent (self), NULL,
                    "<error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_STANZA);
  g_assert_cmpuint (self->sent->len, ==, 5);
  g_clear_error (&answer.error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  xep_test_add ("/xep/mam-prefs/get", test_get);
  xep_test_add ("/xep/mam-prefs/set", test_set);

  return g_test_run ();
}
