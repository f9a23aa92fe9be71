/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "records/tess-account-record.h"
#include "records/tess-contact-record.h"
#include "records/tess-conversation-record.h"
#include "records/tess-device-record.h"
#include "records/tess-message-record.h"

#include <string.h>

/* Each text field by its place, so that a copy that shares one is found: equal text, another
 * address. A record that grows by a field grows a line here. */
typedef struct
{
  const char *name;
  gsize offset;
} Field;

#define FIELD(type, field)               \
  {                                      \
#field, G_STRUCT_OFFSET(type, field) \
  }

typedef gpointer (*CopyFunc) (gconstpointer record);

static char **
field_of (gpointer record, const Field *field)
{
  return G_STRUCT_MEMBER_P (record, field->offset);
}

static void
fill_texts (gpointer record, const Field *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      char **text = field_of (record, &fields[i]);

      g_free (*text);
      *text = g_strdup_printf ("text of %s ✓", fields[i].name);
    }
}

/* Frees @record before it looks at the copy. */
static gpointer
check_copy (gpointer record,
            gsize size,
            const Field *fields,
            gsize n_fields,
            CopyFunc copy,
            GDestroyNotify free_func)
{
  g_autofree guint8 *before = g_memdup2 (record, size);
  gpointer made = copy (record);

  g_assert_true (made != record);
  for (gsize i = 0; i < n_fields; i++)
    {
      char **mine = field_of (made, &fields[i]), **its = field_of (record, &fields[i]);

      g_test_message ("%s", fields[i].name);
      g_assert_true (*mine != *its || *its == NULL);
      g_assert_cmpstr (*mine, ==, *its);
    }
  g_assert_cmpmem (record, size, before, size);
  free_func (record);
  for (gsize i = 0; i < n_fields; i++)
    {
      g_autofree char *expected = g_strdup_printf ("text of %s ✓", fields[i].name);

      if (*field_of (made, &fields[i]) != NULL)
        g_assert_cmpstr (*field_of (made, &fields[i]), ==, expected);
    }

  return made;
}

/* As it is with nothing but what new () sets, then with every text. */
static gpointer
check_record (gpointer record,
              gsize size,
              const Field *fields,
              gsize n_fields,
              CopyFunc copy,
              GDestroyNotify free_func)
{
  gpointer bare = copy (record);

  for (gsize i = 0; i < n_fields; i++)
    g_assert_cmpstr (*field_of (bare, &fields[i]), ==, *field_of (record, &fields[i]));
  free_func (bare);
  fill_texts (record, fields, n_fields);

  return check_copy (record, size, fields, n_fields, copy, free_func);
}

#define CHECK_RECORD(record, type, fields, copy, free_func)                            \
  check_record (record, sizeof (type), fields, G_N_ELEMENTS (fields), (CopyFunc) copy, \
                (GDestroyNotify) free_func)

static void
test_account (void)
{
  static const Field fields[] = { FIELD (TessAccountRecord, address),
                                  FIELD (TessAccountRecord, name), FIELD (TessAccountRecord, host),
                                  FIELD (TessAccountRecord, roster_version),
                                  FIELD (TessAccountRecord, archive_id) };
  TessAccountRecord *record = tess_account_record_new ("alice@example.org");
  g_autoptr (TessAccountRecord) copy = NULL;

  g_assert_cmpstr (record->address, ==, "alice@example.org");
  g_assert_cmpint (record->id, ==, 0);
  g_assert_true (record->enabled);
  g_assert_true (record->blind_trust);
  g_assert_false (record->scram_seen);
  g_assert_cmpint (record->tls, ==, TESS_ACCOUNT_TLS_AUTOMATIC);
  record->id = G_MAXINT64;
  record->port = 65535;
  record->tls = TESS_ACCOUNT_TLS_STARTTLS;
  record->enabled = record->blind_trust = FALSE;
  record->scram_seen = TRUE;
  copy = CHECK_RECORD (record, TessAccountRecord, fields, tess_account_record_copy,
                       tess_account_record_free);
  g_assert_cmpint (copy->id, ==, G_MAXINT64);
  g_assert_cmpuint (copy->port, ==, 65535);
  g_assert_cmpint (copy->tls, ==, TESS_ACCOUNT_TLS_STARTTLS);
  g_assert_false (copy->enabled || copy->blind_trust);
  g_assert_true (copy->scram_seen);
}

static void
test_contact (void)
{
  static const Field fields[] = { FIELD (TessContactRecord, address),
                                  FIELD (TessContactRecord, name),
                                  FIELD (TessContactRecord, status) };
  TessContactRecord *record = tess_contact_record_new (7, "bob@example.org");
  g_autoptr (TessContactRecord) copy = NULL;

  g_assert_cmpint (record->account_id, ==, 7);
  g_assert_cmpstr (record->address, ==, "bob@example.org");
  record->subscription = TESS_SUBSCRIPTION_BOTH;
  record->in_roster = record->asked = record->asks = TRUE;
  record->presence = TESS_PRESENCE_DND;
  copy = CHECK_RECORD (record, TessContactRecord, fields, tess_contact_record_copy,
                       tess_contact_record_free);
  g_assert_cmpint (copy->account_id, ==, 7);
  g_assert_cmpint (copy->subscription, ==, TESS_SUBSCRIPTION_BOTH);
  g_assert_cmpint (copy->presence, ==, TESS_PRESENCE_DND);
  g_assert_true (copy->in_roster && copy->asked && copy->asks);
}

static void
test_device (void)
{
  static const Field fields[] = { FIELD (TessDeviceRecord, address),
                                  FIELD (TessDeviceRecord, fingerprint) };
  TessDeviceRecord *record = tess_device_record_new (7, "bob@example.org", 0x7fffffff);
  g_autoptr (TessDeviceRecord) copy = NULL;

  g_assert_cmpint (record->trust, ==, TESS_TRUST_UNDECIDED);
  g_assert_null (record->fingerprint);
  record->trust = TESS_TRUST_VERIFIED;
  record->active = record->own = record->local = record->key_alarm = TRUE;
  record->first_seen_us = G_MAXINT64;
  record->last_seen_us = 5;
  copy = CHECK_RECORD (record, TessDeviceRecord, fields, tess_device_record_copy,
                       tess_device_record_free);
  g_assert_cmpint (copy->account_id, ==, 7);
  g_assert_cmpuint (copy->id, ==, 0x7fffffff);
  g_assert_cmpint (copy->trust, ==, TESS_TRUST_VERIFIED);
  g_assert_true (copy->active && copy->own && copy->local && copy->key_alarm);
  g_assert_cmpint (copy->first_seen_us, ==, G_MAXINT64);
  g_assert_cmpint (copy->last_seen_us, ==, 5);
}

static const Field message_fields[] = {
  FIELD (TessMessageRecord, peer),      FIELD (TessMessageRecord, from),
  FIELD (TessMessageRecord, stanza_id), FIELD (TessMessageRecord, archive_id),
  FIELD (TessMessageRecord, text),      FIELD (TessMessageRecord, error)
};

static void
test_message (void)
{
  TessMessageRecord *record = tess_message_record_new ();
  g_autoptr (TessMessageRecord) copy = NULL;

  record->id = 1;
  record->account_id = 2;
  record->conversation_id = 3;
  record->direction = TESS_MESSAGE_OUT;
  record->state = TESS_MESSAGE_FAILED;
  record->encryption = TESS_ENCRYPTION_OMEMO;
  record->time_us = G_MININT64;
  record->device = G_MAXUINT32;
  record->trust = TESS_TRUST_DISTRUSTED;
  record->receipt_wanted = TRUE;
  copy = CHECK_RECORD (record, TessMessageRecord, message_fields, tess_message_record_copy,
                       tess_message_record_free);
  g_assert_cmpint (copy->id, ==, 1);
  g_assert_cmpint (copy->account_id, ==, 2);
  g_assert_cmpint (copy->conversation_id, ==, 3);
  g_assert_cmpint (copy->direction, ==, TESS_MESSAGE_OUT);
  g_assert_cmpint (copy->state, ==, TESS_MESSAGE_FAILED);
  g_assert_cmpint (copy->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_cmpint (copy->time_us, ==, G_MININT64);
  g_assert_cmpuint (copy->device, ==, G_MAXUINT32);
  g_assert_cmpint (copy->trust, ==, TESS_TRUST_DISTRUSTED);
  g_assert_true (copy->receipt_wanted);
}

static void
test_conversation (void)
{
  static const Field fields[] = { FIELD (TessConversationRecord, peer),
                                  FIELD (TessConversationRecord, draft) };
  TessConversationRecord *record = tess_conversation_record_new (7, "bob@example.org");
  g_autoptr (TessConversationRecord) copy = NULL;
  g_autofree char *expected = g_strdup_printf ("text of %s ✓", "text");

  g_assert_null (record->last);
  record->id = 8;
  record->encryption = TESS_CONVERSATION_PLAIN;
  record->unread = G_MAXUINT;
  record->security = TESS_SECURITY_ALARM;
  record->last = tess_message_record_new ();
  fill_texts (record->last, message_fields, G_N_ELEMENTS (message_fields));
  record->last->id = 9;
  copy = CHECK_RECORD (record, TessConversationRecord, fields, tess_conversation_record_copy,
                       tess_conversation_record_free);
  g_assert_cmpint (copy->id, ==, 8);
  g_assert_cmpint (copy->account_id, ==, 7);
  g_assert_cmpint (copy->encryption, ==, TESS_CONVERSATION_PLAIN);
  g_assert_cmpuint (copy->unread, ==, G_MAXUINT);
  g_assert_cmpint (copy->security, ==, TESS_SECURITY_ALARM);
  /* The original, its last message with it, is gone. */
  g_assert_cmpint (copy->last->id, ==, 9);
  g_assert_cmpstr (copy->last->text, ==, expected);
}

static void
test_null (void)
{
  tess_account_record_free (NULL);
  tess_contact_record_free (NULL);
  tess_conversation_record_free (NULL);
  tess_device_record_free (NULL);
  tess_message_record_free (NULL);
}

/* The numbers that are kept in databases: they never change. */
static void
test_numbers (void)
{
  g_assert_cmpint (TESS_MESSAGE_IN, ==, 0);
  g_assert_cmpint (TESS_MESSAGE_OUT, ==, 1);
  g_assert_cmpint (TESS_MESSAGE_RECEIVED, ==, 0);
  g_assert_cmpint (TESS_MESSAGE_WAITING, ==, 1);
  g_assert_cmpint (TESS_MESSAGE_SENT, ==, 2);
  g_assert_cmpint (TESS_MESSAGE_DELIVERED, ==, 3);
  g_assert_cmpint (TESS_MESSAGE_READ, ==, 4);
  g_assert_cmpint (TESS_MESSAGE_FAILED, ==, 5);
  g_assert_cmpint (TESS_ENCRYPTION_NONE, ==, 0);
  g_assert_cmpint (TESS_ENCRYPTION_OMEMO, ==, 1);
  g_assert_cmpint (TESS_ENCRYPTION_UNREADABLE, ==, 2);
  g_assert_cmpint (TESS_TRUST_UNDECIDED, ==, 0);
  g_assert_cmpint (TESS_TRUST_BLIND, ==, 1);
  g_assert_cmpint (TESS_TRUST_VERIFIED, ==, 2);
  g_assert_cmpint (TESS_TRUST_DISTRUSTED, ==, 3);
  g_assert_cmpint (TESS_SUBSCRIPTION_NONE, ==, 0);
  g_assert_cmpint (TESS_SUBSCRIPTION_TO, ==, 1);
  g_assert_cmpint (TESS_SUBSCRIPTION_FROM, ==, 2);
  g_assert_cmpint (TESS_SUBSCRIPTION_BOTH, ==, 3);
  g_assert_cmpint (TESS_CONVERSATION_AUTOMATIC, ==, 0);
  g_assert_cmpint (TESS_CONVERSATION_ENCRYPTED, ==, 1);
  g_assert_cmpint (TESS_CONVERSATION_PLAIN, ==, 2);
  g_assert_cmpint (TESS_ACCOUNT_TLS_AUTOMATIC, ==, 0);
  g_assert_cmpint (TESS_ACCOUNT_TLS_DIRECT, ==, 1);
  g_assert_cmpint (TESS_ACCOUNT_TLS_STARTTLS, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/records/account", test_account);
  g_test_add_func ("/records/contact", test_contact);
  g_test_add_func ("/records/conversation", test_conversation);
  g_test_add_func ("/records/device", test_device);
  g_test_add_func ("/records/message", test_message);
  g_test_add_func ("/records/null", test_null);
  g_test_add_func ("/records/numbers", test_numbers);

  return g_test_run ();
}
