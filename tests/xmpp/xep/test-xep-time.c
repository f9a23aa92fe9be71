/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-time.h"

typedef struct
{
  guint  calls;
  gint64 time_us;
  int    code; /* 0: no error */
} Answer;

static void
time_cb (gint64 time_us, const GError *error, gpointer user_data)
{
  Answer *answer = user_data;

  answer->calls++;
  answer->time_us = time_us;
  answer->code = error != NULL ? error->code : 0;
}

static const TessNode *
ask (XepFixture *self, Answer *answer)
{
  g_autoptr (TessJid) server = tess_jid_new ("a.test", NULL);

  tess_xep_time_query (self->router, server, time_cb, answer);
  return xep_last_sent (self);
}

static void
test_answered (XepFixture *self, gconstpointer data)
{
  Answer          answer = { 0 };
  const TessNode *request = ask (self, &answer);

  xep_assert_sent (self, 1, "<iq xmlns='jabber:client' type='get' to='a.test'><time xmlns='urn:xmpp:time'/></iq>");
  xep_answer (self, request, "a.test",
              "<time xmlns='urn:xmpp:time'><tzo>+02:00</tzo><utc>2026-11-29T12:00:00.250Z</utc></time>");
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpint (answer.code, ==, 0);
  g_assert_cmpint (answer.time_us, ==, G_GINT64_CONSTANT (1795953600250000));
}

/* C4: from somebody else it is none. */
static void
test_from_another (XepFixture *self, gconstpointer data)
{
  Answer          answer = { 0 };
  const TessNode *request = ask (self, &answer);

  xep_answer (self, request, "e.test", "<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>2036-01-01T00:00:00Z</utc></time>");
  g_assert_cmpuint (answer.calls, ==, 0);
  tess_router_fail_all (self->router);
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpint (answer.code, ==, TESS_XMPP_ERROR_CLOSED);
  g_assert_cmpint (answer.time_us, ==, 0);
}

static void
test_bad (XepFixture *self, gconstpointer data)
{
  static const char *const payloads[] = {
    "",
    "<time xmlns='urn:xmpp:time'/>",
    "<time xmlns='urn:xmpp:time'><utc/></time>",
    "<time xmlns='urn:xmpp:time'><utc>noon</utc></time>",
    "<time xmlns='urn:xmpp:time'><utc>1970-01-01T00:00:00Z</utc></time>",
    "<time xmlns='urn:xmpp:time'><utc>1914-07-28T00:00:00Z</utc></time>",
    "<time xmlns='urn:xmpp:time'><utc>10000-01-01T00:00:00Z</utc></time>",
    "<time xmlns='urn:xmpp:time'><utc xmlns='other'>2026-11-29T12:00:00Z</utc></time>",
    "<time xmlns='jabber:iq:time'><utc>2026-11-29T12:00:00Z</utc></time>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++)
    {
      Answer          answer = { 0 };
      const TessNode *request = ask (self, &answer);

      xep_answer (self, request, "a.test", payloads[i]);
      g_assert_cmpuint (answer.calls, ==, 1);
      g_assert_cmpint (answer.code, ==, TESS_XMPP_ERROR_BAD_REPLY);
      g_assert_cmpint (answer.time_us, ==, 0);
    }
}

static void
test_refused (XepFixture *self, gconstpointer data)
{
  Answer          answer = { 0 };
  const TessNode *request = ask (self, &answer);

  xep_answer_error (self, request, "a.test",
                    "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpint (answer.code, !=, 0);
  g_assert_cmpint (answer.time_us, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  xep_test_add ("/xep-time/answered", test_answered);
  xep_test_add ("/xep-time/from-another", test_from_another);
  xep_test_add ("/xep-time/bad", test_bad);
  xep_test_add ("/xep-time/refused", test_refused);
  return g_test_run ();
}
