/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-contacts.h"

#include "base/tess-source.h"
#include "engine/tess-engine-error.h"
#include "engine/tess-engine.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-roster.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_CONTACTS 20000
#define MAX_REQUESTS 500 /* from strangers that wait for an answer */
#define MAX_RESOURCES 50 /* of one contact */
#define MAX_ALL_RESOURCES 50000
#define MAX_ALL_STATUS_BYTES (4 * 1024 * 1024) /* of those resources; presences beyond it count without their words */
/* After what has come in already, and before the events are told: a flood of presences is one event a contact. */
#define TELL_PRIORITY (G_PRIORITY_DEFAULT + 5)

typedef struct
{
  TessContactRecord *record;
  GHashTable        *resources; /* resourcepart -> TessXepPresence */
  guint              changed;   /* its place in the array `changed`, from 1; 0: it is not there */
} Contact;

struct _TessContacts
{
  TessSession *session;
  GHashTable  *contacts; /* bare address -> Contact */
  guint        n_requests;
  guint        n_resources;
  gsize        status_bytes;
  GPtrArray   *changed;   /* of Contact, unowned, and NULL: what the model does not know yet */
  GSource     *telling;
  GHashTable  *unkept;    /* a set of bare addresses: whose presence has changed since it was stored */
  gboolean     refused;   /* the database did not take a change of the roster that is being applied */
  gboolean     uncertain; /* what stands here may not be what is stored */
  gboolean     too_many;  /* …or unusable; the person has been told */
};

static void
contact_free (Contact *self)
{
  tess_contact_record_free (self->record);
  g_hash_table_unref (self->resources);
  g_free (self);
}

static Contact *
contact_new (TessContactRecord *record)
{
  Contact *self = g_new0 (Contact, 1);

  self->record = record;
  self->resources = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) tess_xep_presence_free);
  return self;
}

static Contact *
find (TessContacts *self, const char *address)
{
  return g_hash_table_lookup (self->contacts, address);
}

/* Returns: (nullable): NULL when there are too many already. */
static Contact *
ensure (TessContacts *self, const char *address)
{
  Contact *contact = find (self, address);

  if (contact == NULL && g_hash_table_size (self->contacts) < MAX_CONTACTS + MAX_REQUESTS)
    {
      contact = contact_new (tess_contact_record_new (self->session->account->id, address));
      g_hash_table_insert (self->contacts, g_strdup (address), contact);
    }

  return contact;
}

void
tess_contacts_flush (TessContacts *self)
{
  for (guint i = 0; i < self->changed->len; i++)
    {
      Contact   *contact = g_ptr_array_index (self->changed, i);
      TessEvent *event;

      if (contact == NULL)
        continue;
      contact->changed = 0;
      event = tess_event_new (TESS_EVENT_CONTACT, self->session->account->id);
      event->contact = tess_contact_record_copy (contact->record);
      tess_event_queue_add (self->session->events, event);
    }
  g_ptr_array_set_size (self->changed, 0);
}

static gboolean
telling_cb (gpointer user_data)
{
  TessContacts *self = user_data;

  g_source_set_ready_time (self->telling, -1);
  tess_contacts_flush (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
telling_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs telling_funcs = { .dispatch = telling_dispatch };

static void
announce (TessContacts *self, Contact *contact)
{
  if (contact->changed != 0)
    return;
  g_ptr_array_add (self->changed, contact);
  contact->changed = self->changed->len;
  if (self->changed->len == 1)
    g_source_set_ready_time (self->telling, 0);
}

static gsize
status_length (const TessXepPresence *presence)
{
  return presence != NULL && presence->status != NULL ? strlen (presence->status) : 0;
}

static void
note_unkept (TessContacts *self, Contact *contact)
{
  if (!g_hash_table_contains (self->unkept, contact->record->address))
    g_hash_table_add (self->unkept, g_strdup (contact->record->address));
}

static void
remove_resource (TessContacts *self, Contact *contact, const char *resource)
{
  const TessXepPresence *presence = g_hash_table_lookup (contact->resources, resource);

  if (presence == NULL)
    return;
  note_unkept (self, contact);
  self->status_bytes -= status_length (presence);
  self->n_resources--;
  g_hash_table_remove (contact->resources, resource);
}

static void
clear_resources (TessContacts *self, Contact *contact)
{
  GHashTableIter iter;
  gpointer       presence;

  note_unkept (self, contact);
  g_hash_table_iter_init (&iter, contact->resources);
  while (g_hash_table_iter_next (&iter, NULL, &presence))
    self->status_bytes -= status_length (presence);
  self->n_resources -= g_hash_table_size (contact->resources);
  g_hash_table_remove_all (contact->resources);
}

/* @presence: (transfer full) */
static void
set_resource (TessContacts *self, Contact *contact, const char *resource, TessXepPresence *presence)
{
  remove_resource (self, contact, resource);
  if (g_hash_table_size (contact->resources) >= MAX_RESOURCES || self->n_resources >= MAX_ALL_RESOURCES)
    {
      tess_xep_presence_free (presence);
      return;
    }
  if (self->status_bytes + status_length (presence) > MAX_ALL_STATUS_BYTES)
    g_clear_pointer (&presence->status, g_free);
  note_unkept (self, contact);
  self->status_bytes += status_length (presence);
  self->n_resources++;
  g_hash_table_insert (contact->resources, g_strdup (resource), presence);
}

static void
save (TessContacts *self, Contact *contact)
{
  g_autoptr (GError) error = NULL;

  if (!tess_store_save_contact (self->session->store, contact->record, &error))
    {
      self->refused = TRUE;
      self->uncertain = TRUE;
      tess_session_storage_failed (self->session, error);
    }
  announce (self, contact);
}

static void
forget (TessContacts *self, const char *address)
{
  g_autoptr (GError) error = NULL;
  g_autofree char   *key = g_strdup (address);
  TessEvent         *event;
  Contact           *contact = find (self, key);

  if (contact == NULL)
    return;
  if (!tess_store_remove_contact (self->session->store, self->session->account->id, key, &error))
    {
      self->refused = TRUE;
      self->uncertain = TRUE;
      tess_session_storage_failed (self->session, error);
      return;
    }

  if (contact->record->asks)
    self->n_requests--;
  if (contact->changed != 0)
    g_ptr_array_index (self->changed, contact->changed - 1) = NULL;
  clear_resources (self, contact);
  g_hash_table_remove (self->contacts, key);

  event = tess_event_new (TESS_EVENT_CONTACT_REMOVED, self->session->account->id);
  event->address = g_steal_pointer (&key);
  tess_event_queue_add (self->session->events, event);
}

static void
set_asks (TessContacts *self, Contact *contact, gboolean asks)
{
  if (contact->record->asks == asks)
    return;
  contact->record->asks = asks;
  self->n_requests += asks ? 1 : -1;
}

/* ---- The roster ---- */

static TessSubscription
subscription_from_roster (TessRosterSubscription subscription)
{
  switch (subscription)
    {
    case TESS_ROSTER_TO:
      return TESS_SUBSCRIPTION_TO;
    case TESS_ROSTER_FROM:
      return TESS_SUBSCRIPTION_FROM;
    case TESS_ROSTER_BOTH:
      return TESS_SUBSCRIPTION_BOTH;
    case TESS_ROSTER_NONE:
    case TESS_ROSTER_REMOVE:
    default:
      return TESS_SUBSCRIPTION_NONE;
    }
}

/* Said once: what the server sends of contacts is more than anybody has. */
static void
report_too_many (TessContacts *self)
{
  g_autoptr (GError) error = NULL;

  if (self->too_many)
    return;
  self->too_many = TRUE;
  error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                       _("The contact list of %s cannot be used as the server sends it. What was known of it before stays; "
                         "ask the server’s operator."),
                       self->session->account->address);
  tess_session_report (self->session, error);
}

static gboolean
is_as_known (TessContacts *self, const TessContactRecord *record, const TessRosterItem *item)
{
  return !self->uncertain && record->in_roster && record->asked == item->ask_subscribe &&
         record->subscription == subscription_from_roster (item->subscription) &&
         !(record->asks && (item->subscription == TESS_ROSTER_FROM || item->subscription == TESS_ROSTER_BOTH)) &&
         g_strcmp0 (record->name, item->name) == 0;
}

static void
apply_item (TessContacts *self, const TessRosterItem *item)
{
  const char *address = tess_jid_to_bare_string (item->jid);
  Contact    *contact;

  if (item->subscription == TESS_ROSTER_REMOVE)
    {
      contact = find (self, address);
      if (contact != NULL && contact->record->asks)
        {
          contact->record->in_roster = FALSE;
          contact->record->subscription = TESS_SUBSCRIPTION_NONE;
          save (self, contact);
        }
      else
        {
          forget (self, address);
        }
      return;
    }

  contact = ensure (self, address);
  if (contact == NULL)
    {
      report_too_many (self);
      return;
    }
  if (is_as_known (self, contact->record, item))
    return;
  contact->record->in_roster = TRUE;
  contact->record->subscription = subscription_from_roster (item->subscription);
  contact->record->asked = item->ask_subscribe;
  g_free (contact->record->name);
  contact->record->name = g_strdup (item->name);
  if (item->subscription == TESS_ROSTER_FROM || item->subscription == TESS_ROSTER_BOTH)
    set_asks (self, contact, FALSE);
  save (self, contact);
}

static void
set_version (TessContacts *self, char *version)
{
  g_free (self->session->account->roster_version);
  self->session->account->roster_version = version;
  tess_session_save_account (self->session);
}

static void
apply_roster (TessContacts *self, GPtrArray *items)
{
  g_autoptr (GHashTable) kept = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray)  gone = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter         iter;
  gpointer               address;
  gpointer               value;

  for (guint i = 0; i < items->len; i++)
    {
      const TessRosterItem *item = g_ptr_array_index (items, i);

      g_hash_table_add (kept, (gpointer) tess_jid_to_bare_string (item->jid));
      apply_item (self, item);
    }

  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, &address, &value))
    {
      Contact *contact = value;

      if (contact->record->in_roster && !g_hash_table_contains (kept, address))
        g_ptr_array_add (gone, g_strdup (address));
    }
  for (guint i = 0; i < gone->len; i++)
    forget (self, g_ptr_array_index (gone, i));
}

static void
roster_cb (const TessNode *reply, const GError *reply_error, gpointer user_data)
{
  TessContacts         *self = user_data;
  g_autoptr (GError)    error = NULL;
  g_autoptr (GPtrArray) items = NULL;
  g_autofree char      *version = NULL;

  if (reply == NULL)
    {
      if (!g_error_matches (reply_error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
        g_debug ("The roster could not be fetched: %s", reply_error->message);
      return;
    }

  items = tess_xep_roster_parse_result (reply, &version, &error);
  if (items == NULL)
    {
      if (error != NULL)
        {
          g_message ("The roster is unusable: %s", error->message);
          report_too_many (self);
        }
      return;
    }

  if (!tess_store_begin (self->session->store, &error))
    {
      self->uncertain = TRUE;
      tess_session_storage_failed (self->session, error);
      return;
    }
  self->refused = FALSE;
  apply_roster (self, items);
  /* A version says that all of it is kept; without it the server tells the whole again. */
  if (self->refused)
    {
      tess_store_rollback (self->session->store);
      self->uncertain = TRUE;
      return;
    }
  set_version (self, g_steal_pointer (&version));
  self->uncertain = !tess_store_commit (self->session->store, &error);
  if (self->uncertain)
    {
      /* Else the next that is stored of the account would say that all of it is kept. */
      g_clear_pointer (&self->session->account->roster_version, g_free);
      tess_session_storage_failed (self->session, error);
    }
}

static gboolean
push_cb (const TessStanza *stanza, gpointer user_data)
{
  TessContacts              *self = user_data;
  g_autoptr (TessRosterItem) item = NULL;
  g_autofree char           *version = NULL;

  if (!tess_xep_roster_take_push (self->session->router, stanza, &item, &version))
    return FALSE;

  self->refused = FALSE;
  apply_item (self, item);
  if (version != NULL && !self->refused)
    set_version (self, g_steal_pointer (&version));
  return TRUE;
}

/* ---- Presence ---- */

static TessPresence
availability (const TessXepPresence *presence)
{
  switch (presence->show)
    {
    case TESS_XEP_PRESENCE_CHAT:
      return TESS_PRESENCE_CHAT;
    case TESS_XEP_PRESENCE_AVAILABLE:
      return TESS_PRESENCE_ONLINE;
    case TESS_XEP_PRESENCE_AWAY:
      return TESS_PRESENCE_AWAY;
    case TESS_XEP_PRESENCE_XA:
      return TESS_PRESENCE_XA;
    case TESS_XEP_PRESENCE_DND:
      return TESS_PRESENCE_DND;
    case TESS_XEP_PRESENCE_UNAVAILABLE:
    default:
      return TESS_PRESENCE_OFFLINE;
    }
}

/* The resource with the highest priority speaks for the contact, the most available one among equals. */
static void
summarize (TessContacts *self, Contact *contact)
{
  const TessXepPresence *best = NULL;
  GHashTableIter         iter;
  gpointer               value;
  TessPresence           presence = TESS_PRESENCE_OFFLINE;
  const char            *status = NULL;

  g_hash_table_iter_init (&iter, contact->resources);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const TessXepPresence *other = value;

      if (best == NULL || other->priority > best->priority ||
          (other->priority == best->priority && availability (other) > availability (best)))
        best = other;
    }
  if (best != NULL)
    {
      presence = availability (best);
      status = best->status;
    }

  if (contact->record->presence == presence && g_strcmp0 (contact->record->status, status) == 0)
    return;
  contact->record->presence = presence;
  g_free (contact->record->status);
  contact->record->status = g_strdup (status);
  announce (self, contact);
}

/* Asking somebody what they can tells them that we are there: only those are asked who see our presence anyway. */
static gboolean
sees_us (TessContacts *self, Contact *contact, TessJid *jid)
{
  if (tess_jid_bare_equal (jid, self->session->jid))
    return TRUE;
  return contact != NULL && (contact->record->subscription == TESS_SUBSCRIPTION_FROM ||
                             contact->record->subscription == TESS_SUBSCRIPTION_BOTH);
}

static void
take_state (TessContacts *self, const TessStanza *stanza)
{
  g_autoptr (TessXepPresence) presence = tess_xep_presence_parse (stanza->node);
  Contact                    *contact = find (self, tess_jid_to_bare_string (stanza->from));
  const char                 *resource = tess_jid_get_resource (stanza->from);

  if (sees_us (self, contact, stanza->from))
    tess_xep_caps_take_presence (self->session->caps, stanza->from, stanza->node);
  if (contact == NULL || presence == NULL)
    return;

  if (resource == NULL)
    resource = "";
  if (presence->show == TESS_XEP_PRESENCE_UNAVAILABLE)
    {
      /* A bare address speaks for all its resources (RFC 6121 section 4.5.4). */
      if (*resource == '\0')
        clear_resources (self, contact);
      else
        remove_resource (self, contact, resource);
    }
  else
    {
      set_resource (self, contact, resource, g_steal_pointer (&presence));
    }
  summarize (self, contact);
}

static void
send_subscription (TessContacts *self, TessXepPresenceKind kind, TessJid *jid)
{
  tess_session_send (self->session, tess_xep_presence_build_subscription (kind, jid));
}

static void
take_request (TessContacts *self, TessJid *from)
{
  const char *address = tess_jid_to_bare_string (from);
  Contact    *contact = find (self, address);

  if (contact != NULL &&
      (contact->record->subscription != TESS_SUBSCRIPTION_NONE || contact->record->asked))
    {
      /* Whom we asked, or who is ours already, is let in without a question. */
      send_subscription (self, TESS_XEP_PRESENCE_SUBSCRIBED, from);
      return;
    }
  if (self->n_requests >= MAX_REQUESTS || (contact != NULL && contact->record->asks && !self->uncertain))
    return;

  contact = ensure (self, address);
  if (contact == NULL)
    return;
  set_asks (self, contact, TRUE);
  save (self, contact);
}

static void
withdraw_request (TessContacts *self, TessJid *from)
{
  Contact *contact = find (self, tess_jid_to_bare_string (from));

  if (contact == NULL || !contact->record->asks)
    return;
  if (contact->record->in_roster)
    {
      set_asks (self, contact, FALSE);
      save (self, contact);
    }
  else
    {
      forget (self, tess_jid_to_bare_string (from));
    }
}

static gboolean
presence_cb (const TessStanza *stanza, gpointer user_data)
{
  TessContacts *self = user_data;

  switch (tess_xep_presence_get_kind (stanza->node))
    {
    case TESS_XEP_PRESENCE_STATE:
      take_state (self, stanza);
      break;
    case TESS_XEP_PRESENCE_SUBSCRIBE:
      if (!tess_jid_bare_equal (stanza->from, self->session->jid))
        take_request (self, stanza->from);
      break;
    case TESS_XEP_PRESENCE_UNSUBSCRIBE:
      withdraw_request (self, stanza->from);
      break;
    case TESS_XEP_PRESENCE_SUBSCRIBED:
    case TESS_XEP_PRESENCE_UNSUBSCRIBED: /* the roster push that follows says it all */
    case TESS_XEP_PRESENCE_PROBE:
    case TESS_XEP_PRESENCE_ERROR:
    case TESS_XEP_PRESENCE_OTHER:
    default:
      break;
    }

  return TRUE;
}

/* ---- What a person does ---- */

typedef struct
{
  TessContacts        *contacts;
  TessContactsDoneFunc done;
  gpointer             user_data;
  TessJid             *subscribe; /* nullable: whom to ask once the roster has them */
} Change;

static void
changed_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Change            *change = user_data;
  g_autoptr (GError) translated = error != NULL ? tess_engine_error_from (error) : NULL;

  if (translated != NULL && translated->code != TESS_ENGINE_ERROR_CONNECTION)
    g_prefix_error (&translated, _("The server refused this: "));

  if (error == NULL && change->subscribe != NULL)
    {
      /* Let them see us as soon as they ask, then ask them (RFC 6121 sections 3.4 and 3.1). */
      send_subscription (change->contacts, TESS_XEP_PRESENCE_SUBSCRIBED, change->subscribe);
      send_subscription (change->contacts, TESS_XEP_PRESENCE_SUBSCRIBE, change->subscribe);
    }

  change->done (translated, change->user_data);
  g_clear_pointer (&change->subscribe, tess_jid_unref);
  g_free (change);
}

void
tess_contacts_change (TessContacts        *self,
                      TessJid             *jid,
                      int                  action,
                      const char          *name,
                      TessContactsDoneFunc done,
                      gpointer             user_data)
{
  TessSession       *session = self->session;
  g_autoptr (GError) error = NULL;
  Contact           *contact = find (self, tess_jid_to_bare_string (jid));
  Change            *change;

  if (!tess_session_is_online (session))
    {
      error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_OFFLINE,
                           _("This needs a connection. Try again when %s is online."),
                           session->account->address);
      done (error, user_data);
      return;
    }

  if (action == TESS_CONTACT_REFUSE)
    {
      send_subscription (self, TESS_XEP_PRESENCE_UNSUBSCRIBED, jid);
      withdraw_request (self, jid);
      done (NULL, user_data);
      return;
    }

  change = g_new0 (Change, 1);
  change->contacts = self;
  change->done = done;
  change->user_data = user_data;

  switch ((TessContactAction) action)
    {
    case TESS_CONTACT_REMOVE:
      tess_xep_roster_remove (session->router, jid, changed_cb, change);
      break;
    case TESS_CONTACT_RENAME:
      tess_xep_roster_set (session->router, jid, name, NULL, changed_cb, change);
      break;
    case TESS_CONTACT_ADD:
    case TESS_CONTACT_ACCEPT:
      if (contact != NULL && contact->record->asks)
        {
          set_asks (self, contact, FALSE);
          save (self, contact);
        }
      if (name == NULL && contact != NULL)
        name = contact->record->name;
      change->subscribe = tess_jid_ref (tess_jid_get_bare (jid));
      tess_xep_roster_set (session->router, jid, name, NULL, changed_cb, change);
      break;
    case TESS_CONTACT_REFUSE:
    default:
      g_assert_not_reached ();
    }
}

/* ---- Life ---- */

TessContacts *
tess_contacts_new (TessSession *session, GError **error)
{
  g_autoptr (GPtrArray) stored = NULL;
  TessContacts         *self;

  stored = tess_store_list_contacts (session->store, session->account->id, error);
  if (stored == NULL)
    return NULL;

  self = g_new0 (TessContacts, 1);
  self->session = session;
  self->unkept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->contacts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify) contact_free);
  self->changed = g_ptr_array_new ();
  self->telling = g_source_new (&telling_funcs, sizeof (GSource));
  g_source_set_static_name (self->telling, "TessContacts");
  g_source_set_priority (self->telling, TELL_PRIORITY);
  tess_source_attach (self->telling, telling_cb, self);
  for (guint i = 0; i < stored->len; i++)
    {
      TessContactRecord *record = tess_contact_record_copy (g_ptr_array_index (stored, i));

      if (record->asks)
        self->n_requests++;
      g_hash_table_insert (self->contacts, g_strdup (record->address), contact_new (record));
    }

  tess_router_add_handler (session->router, TESS_STANZA_PRESENCE, 0, NULL, NULL, presence_cb, self);
  tess_router_add_handler (session->router, TESS_STANZA_IQ_SET, 0, "query", TESS_XEP_ROSTER_NS,
                           push_cb, self);

  return self;
}

void
tess_contacts_free (TessContacts *self)
{
  if (self == NULL)
    return;
  tess_source_clear (&self->telling);
  g_ptr_array_unref (self->changed);
  g_hash_table_unref (self->unkept);
  g_hash_table_unref (self->contacts);
  g_free (self);
}

void
tess_contacts_online (TessContacts *self)
{
  const char     *version = NULL;
  const TessNode *features = tess_stream_get_features (self->session->stream);

  if (tess_node_child (features, "ver", TESS_XEP_ROSTER_VER_NS) != NULL)
    version = self->session->account->roster_version != NULL && !self->uncertain
                  ? self->session->account->roster_version
                  : "";
  tess_xep_roster_get (self->session->router, version, roster_cb, self);
}

/* An answer is given once: one that was not stored does not come again with the session. */
void
tess_contacts_resumed (TessContacts *self)
{
  if (self->uncertain)
    tess_contacts_online (self);
}

void
tess_contacts_offline (TessContacts *self)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Contact *contact = value;

      if (g_hash_table_size (contact->resources) == 0)
        continue;
      clear_resources (self, contact);
      summarize (self, contact);
    }
  g_hash_table_remove_all (self->unkept); /* what was stored of them goes with the session */
  tess_xep_caps_clear_presence (self->session->caps);
}

static gboolean
keep_contact (TessContacts *self, const char *address, GError **error)
{
  const Contact *contact = find (self, address);
  GHashTableIter iter;
  gpointer       resource;
  gpointer       value;

  if (!tess_store_remove_presences (self->session->store, self->session->account->id, address, error))
    return FALSE;
  if (contact == NULL)
    return TRUE;
  g_hash_table_iter_init (&iter, contact->resources);
  while (g_hash_table_iter_next (&iter, &resource, &value))
    {
      const TessXepPresence *presence = value;
      TessPresenceRecord     record = { (char *) address, resource, presence->show, presence->priority, presence->status };

      if (!tess_store_set_presence (self->session->store, self->session->account->id, &record, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
tess_contacts_keep (TessContacts *self, GError **error)
{
  GHashTableIter iter;
  gpointer       address;

  if (g_hash_table_size (self->unkept) == 0)
    return TRUE;
  g_hash_table_iter_init (&iter, self->unkept);
  while (g_hash_table_iter_next (&iter, &address, NULL))
    if (!keep_contact (self, address, error))
      return FALSE;
  /* When the commit fails the stream ends, and with it the session that they belong to. */
  g_hash_table_remove_all (self->unkept);
  return TRUE;
}

void
tess_contacts_inherit (TessContacts *self)
{
  g_autoptr (GError)    error = NULL;
  g_autoptr (GPtrArray) presences = tess_store_list_presences (self->session->store, self->session->account->id, &error);

  if (presences == NULL)
    g_warning ("Who is there is not known: %s", error->message);
  for (guint i = 0; presences != NULL && i < presences->len; i++)
    {
      const TessPresenceRecord *record = g_ptr_array_index (presences, i);
      Contact                  *contact = find (self, record->address);
      TessXepPresence          *presence;

      /* What the server has said on the stream meanwhile is newer. */
      if (contact == NULL || g_hash_table_contains (contact->resources, record->resource))
        continue;
      presence = g_new0 (TessXepPresence, 1);
      presence->show = record->show;
      presence->priority = record->priority;
      presence->status = g_strdup (record->status);
      set_resource (self, contact, record->resource, presence);
      summarize (self, contact);
    }
}

const TessContactRecord *
tess_contacts_find (TessContacts *self, const char *address)
{
  Contact *contact = find (self, address);

  return contact != NULL ? contact->record : NULL;
}

GPtrArray *
tess_contacts_list_addresses (TessContacts *self)
{
  GPtrArray     *addresses = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer       address;
  gpointer       contact;

  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, &address, &contact))
    if (((const Contact *) contact)->record->in_roster)
      g_ptr_array_add (addresses, g_strdup (address));

  return addresses;
}

void
tess_contacts_announce (TessContacts *self)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    announce (self, value);
  tess_contacts_flush (self);
}
