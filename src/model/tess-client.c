/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-client-private.h"

#include "base/tess-thread.h"
#include "engine/tess-engine.h"
#include "model/tess-account-private.h"
#include "model/tess-conversation-list-private.h"
#include "model/tess-conversation-private.h"
#include "model/tess-model-util.h"
#include "model/tess-passwords.h"

#define DATABASE_NAME "tessera.db"

enum
{
  PROP_0,
  PROP_STATE,
  PROP_ERROR,
  PROP_UNREAD,
  PROP_ACCOUNTS,
  PROP_CONVERSATIONS,
  N_PROPS
};

enum
{
  MESSAGE_RECEIVED,
  CONVERSATION_READ,
  PROBLEM,
  DATABASE_FAILED,
  EVENT,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

struct _TessClient
{
  GObject parent_instance;
  TessEngine *engine;
  GObject *secrets; /* nullable */
  TessClientState state;
  GError *error; /* nullable */
  guint unread;
  gboolean in_use;
  GListStore *accounts; /* of TessAccount */
  TessConversationList *conversations;
  GHashTable *by_id;   /* conversation id -> TessConversation, owned */
  GHashTable *by_peer; /* "account address" -> TessConversation, unowned */
};

G_DEFINE_FINAL_TYPE (TessClient, tess_client, G_TYPE_OBJECT)

static void
tess_client_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessClient *self = TESS_CLIENT (object);

  switch (prop_id)
    {
    case PROP_STATE:
      g_value_set_int (value, (int) self->state);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_UNREAD:
      g_value_set_uint (value, self->unread);
      break;
    case PROP_ACCOUNTS:
      g_value_set_object (value, self->accounts);
      break;
    case PROP_CONVERSATIONS:
      g_value_set_object (value, self->conversations);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_client_dispose (GObject *object)
{
  TessClient *self = TESS_CLIENT (object);

  if (self->engine != NULL)
    tess_engine_stop (self->engine);
  g_clear_object (&self->engine);
  g_clear_object (&self->secrets);

  G_OBJECT_CLASS (tess_client_parent_class)->dispose (object);
}

static void
tess_client_finalize (GObject *object)
{
  TessClient *self = TESS_CLIENT (object);

  g_object_unref (self->accounts);
  g_object_unref (self->conversations);
  g_hash_table_unref (self->by_peer);
  g_hash_table_unref (self->by_id);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (tess_client_parent_class)->finalize (object);
}

static void
tess_client_class_init (TessClientClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_client_get_property;
  object_class->dispose = tess_client_dispose;
  object_class->finalize = tess_client_finalize;

  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);
  properties[PROP_UNREAD] = g_param_spec_uint ("unread", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_ACCOUNTS] =
      g_param_spec_object ("accounts", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_CONVERSATIONS] =
      g_param_spec_object ("conversations", NULL, NULL, TESS_TYPE_CONVERSATION_LIST, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[MESSAGE_RECEIVED] =
      g_signal_new ("message-received", TESS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 2, TESS_TYPE_CONVERSATION, TESS_TYPE_MESSAGE);
  signals[CONVERSATION_READ] =
      g_signal_new ("conversation-read", TESS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, TESS_TYPE_CONVERSATION);
  signals[PROBLEM] = g_signal_new ("problem", TESS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[DATABASE_FAILED] = g_signal_new ("database-failed", TESS_TYPE_CLIENT, G_SIGNAL_RUN_LAST,
                                           0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[EVENT] = g_signal_new ("event", TESS_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
tess_client_init (TessClient *self)
{
  self->in_use = TRUE;
  self->accounts = g_list_store_new (TESS_TYPE_ACCOUNT);
  self->conversations = tess_conversation_list_new ();
  self->by_id = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->by_peer = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* ---- Accounts and conversations ---- */

/* (transfer none) (nullable) */
static TessAccount *
find_account_by_id (TessClient *self, gint64 id, guint *position)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (G_LIST_MODEL (self->accounts), i);

      if (tess_account_get_id (account) == id)
        {
          if (position != NULL)
            *position = i;
          return account; /* the store keeps it */
        }
    }

  return NULL;
}

/* (transfer none) */
static TessAccount *
take_account (TessClient *self, const TessAccountRecord *record)
{
  TessAccount *account = find_account_by_id (self, record->id, NULL);

  if (account != NULL)
    {
      tess_account_update (account, record);
      return account;
    }

  account = tess_account_new (self->engine, self->secrets, record);
  g_list_store_append (self->accounts, account);
  g_object_unref (account);
  return account;
}

static char *
peer_key (gint64 account_id, const char *address)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s", account_id, address);
}

/* (transfer none) (nullable) */
static TessConversation *
find_by_peer (TessClient *self, gint64 account_id, const char *address)
{
  g_autofree char *key = peer_key (account_id, address);

  return g_hash_table_lookup (self->by_peer, key);
}

/* (transfer none) (nullable): NULL when its account is not known (any more). */
static TessConversation *
take_conversation (TessClient *self, const TessConversationRecord *record)
{
  TessConversation *conversation = tess_client_find_conversation (self, record->id);
  TessAccount *account;

  if (conversation != NULL)
    {
      guint unread = tess_conversation_get_unread (conversation);

      tess_conversation_update (conversation, record);
      if (unread > 0 && record->unread == 0)
        g_signal_emit (self, signals[CONVERSATION_READ], 0, conversation);
      return conversation;
    }

  account = find_account_by_id (self, record->account_id, NULL);
  if (account == NULL)
    return NULL;

  conversation = tess_conversation_new (account, record);
  g_hash_table_insert (self->by_id, g_memdup2 (&record->id, sizeof record->id), conversation);
  g_hash_table_insert (self->by_peer, peer_key (record->account_id, record->peer), conversation);
  tess_conversation_list_add (self->conversations, conversation);
  return conversation;
}

static void
remove_conversation (TessClient *self, TessConversation *conversation)
{
  g_autoptr (TessConversation) owned = g_object_ref (conversation);
  gint64 id = tess_conversation_get_id (conversation);
  g_autofree char *key =
      peer_key (tess_account_get_id (tess_conversation_get_account (conversation)),
                tess_conversation_get_address (conversation));

  g_hash_table_remove (self->by_peer, key);
  g_hash_table_remove (self->by_id, &id);
  tess_conversation_list_remove (self->conversations, owned);
  tess_conversation_gone (owned);
}

static void
remove_account (TessClient *self, gint64 id)
{
  g_autoptr (GPtrArray) gone = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  guint position;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (tess_account_get_id (tess_conversation_get_account (value)) == id)
      g_ptr_array_add (gone, value);
  for (guint i = 0; i < gone->len; i++)
    remove_conversation (self, gone->pdata[i]);

  if (find_account_by_id (self, id, &position) != NULL)
    g_list_store_remove (self->accounts, position);
}

static void
update_unread (TessClient *self)
{
  GHashTableIter iter;
  gpointer value;
  guint unread = 0;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    unread += tess_conversation_get_unread (value);
  if (unread == self->unread)
    return;

  self->unread = unread;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_UNREAD]);
}

/* ---- Events ---- */

static void
set_state (TessClient *self, TessClientState state, const GError *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (error != NULL || self->error != NULL)
    {
      g_clear_error (&self->error);
      self->error = error != NULL ? g_error_copy (error) : NULL;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
    }
  if (self->state != state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

static void
found_cb (const TessCredentials *kept, gpointer user_data)
{
  g_autoptr (TessAccount) account = user_data;

  tess_account_start (account, kept);
}

static void
connect_accounts (TessClient *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (G_LIST_MODEL (self->accounts), i);

      if (tess_account_get_enabled (account))
        tess_passwords_lookup (self->secrets, tess_account_get_address (account), found_cb,
                               g_object_ref (account));
    }
}

/* One notification a conversation is shown, so one of a batch is enough: a long absence may bring thousands. */
static void
announce_newest (TessClient *self, TessConversation *conversation, GPtrArray *records)
{
  for (guint i = records->len; i > 0; i--)
    {
      const TessMessageRecord *record = records->pdata[i - 1];
      g_autoptr (TessMessage) message = NULL;

      if (record->direction != TESS_MESSAGE_IN)
        continue;
      message = tess_conversation_get_message (conversation, record);
      g_signal_emit (self, signals[MESSAGE_RECEIVED], 0, conversation, message);
      return;
    }
}

static void
handle_messages (TessClient *self, const TessEvent *event)
{
  TessConversation *conversation = tess_client_find_conversation (self, event->conversation_id);

  if (conversation == NULL)
    return;

  tess_conversation_take_messages (conversation, event->messages);
  if (event->live)
    announce_newest (self, conversation, event->messages);
}

static void
handle_gone (TessClient *self, const TessEvent *event)
{
  g_autoptr (GPtrArray) conversations = tess_model_items_new ();
  GHashTableIter iter;
  gpointer value;

  /* Handlers may let one go. */
  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (event->conversation_id == 0 || tess_conversation_get_id (value) == event->conversation_id)
      g_ptr_array_add (conversations, g_object_ref (value));
  for (guint i = 0; i < conversations->len; i++)
    tess_conversation_take_gone (conversations->pdata[i], event->until_us);
}

static void
handle_contact (TessClient *self, const TessEvent *event)
{
  TessAccount *account = find_account_by_id (self, event->account_id, NULL);
  const char *address =
      event->type == TESS_EVENT_CONTACT ? event->contact->address : event->address;
  TessConversation *conversation = find_by_peer (self, event->account_id, address);
  TessContact *contact = NULL;

  if (account == NULL)
    return;

  if (event->type == TESS_EVENT_CONTACT)
    contact = tess_account_take_contact (account, event->contact);
  if (conversation != NULL)
    tess_conversation_set_contact (conversation, contact);
  if (event->type == TESS_EVENT_CONTACT_REMOVED)
    tess_account_remove_contact (account, address);
}

/* What their archive has can be had again. */
static void
reopen_conversations (TessClient *self, gint64 account_id)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->conversations));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessConversation) conversation = g_list_model_get_item (G_LIST_MODEL (self->conversations), i);

      if (tess_account_get_id (tess_conversation_get_account (conversation)) == account_id)
        tess_conversation_online (conversation);
    }
}

/* What concerns one account, and is nothing when that is gone. */
static void
handle_account_event (TessClient *self, const TessEvent *event)
{
  TessAccount *account = find_account_by_id (self, event->account_id, NULL);
  TessConversation *conversation;

  switch (event->type)
    {
    case TESS_EVENT_CONNECTION:
      if (account != NULL)
        tess_account_take_connection (account, event->connection);
      if (event->connection->state == TESS_CONNECTION_ONLINE)
        reopen_conversations (self, event->account_id);
      break;
    case TESS_EVENT_CATCH_UP:
      if (account != NULL)
        tess_account_take_missing (account, event);
      break;
    case TESS_EVENT_CREDENTIALS:
      if (account != NULL)
        tess_account_take_news (account, event->credentials);
      break;
    case TESS_EVENT_CONTACT:
    case TESS_EVENT_CONTACT_REMOVED:
      handle_contact (self, event);
      break;
    case TESS_EVENT_CONVERSATION_REMOVED:
      conversation = find_by_peer (self, event->account_id, event->address);
      if (conversation != NULL)
        remove_conversation (self, conversation);
      break;
    case TESS_EVENT_DEVICES:
      if (account != NULL)
        tess_account_take_devices (account, event->address, event->devices);
      break;
    case TESS_EVENT_CHAT_STATE:
      conversation = find_by_peer (self, event->account_id, event->address);
      if (conversation != NULL)
        tess_conversation_take_typing (conversation, event->typing);
      break;
    default:
      break;
    }
}

static void
handle_event (TessClient *self, const TessEvent *event)
{
  switch (event->type)
    {
    case TESS_EVENT_OPENED:
      set_state (self, TESS_CLIENT_READY, NULL);
      connect_accounts (self);
      break;
    case TESS_EVENT_OPEN_FAILED:
      set_state (self, TESS_CLIENT_FAILED, event->error);
      g_signal_emit (self, signals[DATABASE_FAILED], 0);
      break;
    case TESS_EVENT_ACCOUNT:
      take_account (self, event->account);
      break;
    case TESS_EVENT_ACCOUNT_REMOVED:
      remove_account (self, event->account_id);
      break;
    case TESS_EVENT_CONVERSATION:
      take_conversation (self, event->conversation);
      break;
    case TESS_EVENT_MESSAGES:
      handle_messages (self, event);
      break;
    case TESS_EVENT_MESSAGES_GONE:
      handle_gone (self, event);
      break;
    case TESS_EVENT_PROBLEM:
      g_signal_emit (self, signals[PROBLEM], 0, event->error->message);
      break;
    case TESS_EVENT_STOPPED:
      set_state (self, TESS_CLIENT_STOPPED, NULL);
      break;
    default:
      handle_account_event (self, event);
    }
}

void
tess_client_handle_events (TessClient *self, GPtrArray *events)
{
  g_autoptr (TessClient) alive G_GNUC_UNUSED = g_object_ref (self);

  TESS_ASSERT_MAIN ();
  tess_conversation_list_freeze (self->conversations);
  for (guint i = 0; i < events->len; i++)
    {
      handle_event (self, events->pdata[i]);
      g_signal_emit (self, signals[EVENT], 0, events->pdata[i]);
    }
  tess_conversation_list_thaw (self->conversations);
  update_unread (self);
}

static void
events_cb (GPtrArray *events, gpointer user_data)
{
  tess_client_handle_events (user_data, events);
}

/* ---- Life ---- */

TessClient *
tess_client_new (const char *data_dir, const char *ca_file, gpointer secrets)
{
  g_autofree char *database = NULL;
  TessClient *self;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (data_dir != NULL, NULL);

  /* What goes wrong here the store will say when it opens the file. */
  g_mkdir_with_parents (data_dir, 0700);
  database = g_build_filename (data_dir, DATABASE_NAME, NULL);

  self = g_object_new (TESS_TYPE_CLIENT, NULL);
  self->secrets = secrets != NULL ? g_object_ref (secrets) : NULL;
  self->engine = tess_engine_new (database, ca_file, events_cb, self);
  return self;
}

void
tess_client_start (TessClient *self)
{
  g_return_if_fail (TESS_IS_CLIENT (self));

  tess_engine_start (self->engine);
}

void
tess_client_stop (TessClient *self)
{
  g_return_if_fail (TESS_IS_CLIENT (self));

  tess_engine_stop (self->engine);
  set_state (self, TESS_CLIENT_STOPPED, NULL);
}

TessClientState
tess_client_get_state (TessClient *self)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), TESS_CLIENT_STOPPED);

  return self->state;
}

const GError *
tess_client_get_error (TessClient *self)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), NULL);

  return self->error;
}

GListModel *
tess_client_get_accounts (TessClient *self)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), NULL);

  return G_LIST_MODEL (self->accounts);
}

TessConversationList *
tess_client_get_conversations (TessClient *self)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), NULL);

  return self->conversations;
}

TessAccount *
tess_client_find_account (TessClient *self, const char *address)
{
  guint n;

  g_return_val_if_fail (TESS_IS_CLIENT (self), NULL);

  n = g_list_model_get_n_items (G_LIST_MODEL (self->accounts));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (G_LIST_MODEL (self->accounts), i);

      if (g_strcmp0 (tess_account_get_address (account), address) == 0)
        return account; /* the store keeps it */
    }

  return NULL;
}

TessConversation *
tess_client_find_conversation (TessClient *self, gint64 conversation_id)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), NULL);

  return g_hash_table_lookup (self->by_id, &conversation_id);
}

/* ---- Requests ---- */

static void
set_aside_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  char *kept = tess_engine_set_aside_finish (TESS_ENGINE (source), result, &error);

  if (kept != NULL)
    g_task_return_pointer (task, kept, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
tess_client_set_aside_async (TessClient *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_set_aside_async);
  tess_engine_set_aside_async (self->engine, cancellable, set_aside_cb, task);
}

char *
tess_client_set_aside_finish (TessClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  TessCredentials *credentials;
  TessAccount *account;
  gboolean kept;
} Addition;

static void
addition_free (gpointer data)
{
  Addition *self = data;

  tess_credentials_free (self->credentials);
  g_clear_object (&self->account);
  g_free (self);
}

static void
addition_kept_cb (gboolean kept, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Addition *addition = g_task_get_task_data (task);

  addition->kept = kept;
  g_task_return_pointer (task, g_object_ref (addition->account), g_object_unref);
}

static void
account_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessAccountRecord) record = NULL;
  TessClient *self = g_task_get_source_object (task);
  Addition *addition = g_task_get_task_data (task);
  TessAccount *account;

  record = tess_engine_add_account_finish (TESS_ENGINE (source), result, &error);
  if (record == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  /* It is there now, whatever becomes of the password, and whoever cancels. */
  g_task_set_check_cancellable (task, FALSE);
  account = take_account (self, record);
  addition->account = g_object_ref (account);
  tess_account_added (account, addition->credentials, addition_kept_cb, g_steal_pointer (&task));
}

void
tess_client_add_account_async (TessClient *self,
                               const TessAccountRecord *setup,
                               const TessCredentials *credentials,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (TessAccountRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GTask) task = NULL;
  g_autofree char *prepared = NULL;
  Addition *addition;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));
  g_return_if_fail (setup->id == 0 && credentials != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_add_account_async);
  addition = g_new0 (Addition, 1);
  addition->credentials = tess_credentials_copy (credentials);
  g_task_set_task_data (task, addition, addition_free);

  if (!tess_engine_check_address (setup->address, &prepared, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  record = tess_account_record_copy (setup);
  tess_model_set_string (&record->address, prepared);
  tess_engine_add_account_async (self->engine, record, credentials, cancellable, account_added_cb,
                                 g_steal_pointer (&task));
}

TessAccount *
tess_client_add_account_finish (TessClient *self,
                                GAsyncResult *result,
                                gboolean *password_kept,
                                GError **error)
{
  Addition *addition;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  addition = g_task_get_task_data (G_TASK (result));
  if (password_kept != NULL)
    *password_kept = addition->kept;
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  TessCredentials *credentials;
  TessCertificate *certificate;
} ReadCertificate;

static void
read_certificate_free (gpointer data)
{
  ReadCertificate *self = data;

  tess_credentials_free (self->credentials);
  tess_certificate_free (self->certificate);
  g_free (self);
}

static void
certificate_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  ReadCertificate *read = g_new0 (ReadCertificate, 1);

  read->credentials =
      tess_engine_read_certificate_finish (TESS_ENGINE (source), result, &read->certificate, &error);
  if (read->credentials != NULL)
    {
      g_task_return_pointer (task, read, read_certificate_free);
      return;
    }
  read_certificate_free (read);
  g_task_return_error (task, g_steal_pointer (&error));
}

void
tess_client_read_certificate_async (TessClient *self,
                                    GBytes *data,
                                    const char *passphrase,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_read_certificate_async);
  tess_engine_read_certificate_async (self->engine, data, passphrase, cancellable, certificate_read_cb, task);
}

TessCredentials *
tess_client_read_certificate_finish (TessClient *self,
                                     GAsyncResult *result,
                                     TessCertificate **certificate,
                                     GError **error)
{
  ReadCertificate *read;
  TessCredentials *credentials;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  read = g_task_propagate_pointer (G_TASK (result), error);
  if (read == NULL)
    return NULL;
  credentials = g_steal_pointer (&read->credentials);
  if (certificate != NULL)
    *certificate = g_steal_pointer (&read->certificate);
  read_certificate_free (read);
  return credentials;
}

static void
secrets_checked_cb (gboolean available, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  g_task_return_boolean (task, available);
}

void
tess_client_check_secrets_async (TessClient *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_check_secrets_async);
  tess_passwords_check (self->secrets, secrets_checked_cb, task);
}

gboolean
tess_client_check_secrets_finish (TessClient *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
account_removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  TessClient *self = g_task_get_source_object (task);
  TessAccount *account = g_task_get_task_data (task);

  if (!tess_engine_remove_account_finish (TESS_ENGINE (source), result, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  tess_passwords_clear (self->secrets, tess_account_get_address (account), TESS_N_SECRETS, NULL, NULL);
  remove_account (self, tess_account_get_id (account));
  update_unread (self);
  g_task_return_boolean (task, TRUE);
}

void
tess_client_remove_account_async (TessClient *self,
                                  TessAccount *account,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));
  g_return_if_fail (TESS_IS_ACCOUNT (account));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_remove_account_async);
  g_task_set_task_data (task, g_object_ref (account), g_object_unref);
  tess_engine_remove_account_async (self->engine, tess_account_get_id (account), cancellable,
                                    account_removed_cb, task);
}

gboolean
tess_client_remove_account_finish (TessClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
chat_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversationRecord) record = NULL;
  TessClient *self = g_task_get_source_object (task);
  TessConversation *conversation = NULL;

  record = tess_engine_open_conversation_finish (TESS_ENGINE (source), result, &error);
  if (record != NULL)
    {
      /* An event that says more of it may have come first: that one counts. */
      conversation = tess_client_find_conversation (self, record->id);
      if (conversation == NULL)
        conversation = take_conversation (self, record);
    }

  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (conversation == NULL) /* its account was removed meanwhile */
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The account is gone");
  else
    g_task_return_pointer (task, g_object_ref (conversation), g_object_unref);
}

void
tess_client_open_chat_async (TessClient *self,
                             TessAccount *account,
                             const char *address,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *prepared = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));
  g_return_if_fail (TESS_IS_ACCOUNT (account));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_client_open_chat_async);
  if (!tess_engine_check_address (address, &prepared, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    tess_engine_open_conversation_async (self->engine, tess_account_get_id (account), prepared,
                                         cancellable, chat_opened_cb, g_steal_pointer (&task));
}

TessConversation *
tess_client_open_chat_finish (TessClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
tess_client_set_history_days (TessClient *self, guint days)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  tess_engine_set_history_days (self->engine, days);
}

void
tess_client_network_changed (TessClient *self, gboolean available)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  tess_engine_network_changed (self->engine, available);
}

void
tess_client_set_in_use (TessClient *self, gboolean in_use)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CLIENT (self));

  if (self->in_use == !!in_use)
    return;
  self->in_use = !!in_use;
  tess_engine_set_in_use (self->engine, self->in_use);
}

gboolean
tess_client_get_in_use (TessClient *self)
{
  g_return_val_if_fail (TESS_IS_CLIENT (self), FALSE);

  return self->in_use;
}

char *
tess_client_check_address (const char *text)
{
  g_autoptr (GError) error = NULL;

  if (tess_engine_check_address (text, NULL, &error))
    return NULL;
  return g_strdup (error->message);
}
