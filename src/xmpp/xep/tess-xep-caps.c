/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-caps.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

#define SHA1_BYTES 20
#define MAX_ADDRESSES 20000
#define MAX_HASHES 2000
/* So many questions are open at a time: a login with a large roster shall not flood anybody. */
#define MAX_OPEN 16

/* The hash */

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Adds the strings sorted by octets, each with its '<'. FALSE when @unique and one is doubled. */
static gboolean
append_sorted (GString *s, GPtrArray *strings, gboolean unique)
{
  g_ptr_array_sort (strings, compare_strings);
  for (guint i = 0; i < strings->len; i++)
    {
      const char *string = g_ptr_array_index (strings, i);

      if (unique && i > 0 && g_str_equal (string, g_ptr_array_index (strings, i - 1)))
        return FALSE;
      g_string_append (s, string);
      g_string_append_c (s, '<');
    }

  return TRUE;
}

/* One that holds a separator could pass for two (the warning in section 5.1). */
static gboolean
has_any (const char *text, const char *separators)
{
  return text != NULL && strpbrk (text, separators) != NULL;
}

static gboolean
append_identities (GString *s, const GPtrArray *identities)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < identities->len; i++)
    {
      const TessDiscoIdentity *identity = g_ptr_array_index (identities, i);
      const char              *lang = identity->lang != NULL ? identity->lang : "";
      const char              *name = identity->name != NULL ? identity->name : "";

      if (has_any (identity->category, "/<") || has_any (identity->type, "/<") ||
          has_any (lang, "/<") || has_any (name, "<"))
        return FALSE;
      g_ptr_array_add (lines,
                       g_strjoin ("/", identity->category, identity->type, lang, name, NULL));
    }

  return append_sorted (s, lines, TRUE);
}

static gboolean
append_features (GString *s, const GPtrArray *features)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();

  for (guint i = 0; i < features->len; i++)
    {
      if (has_any (g_ptr_array_index (features, i), "<"))
        return FALSE;
      g_ptr_array_add (sorted, g_ptr_array_index (features, i));
    }

  return append_sorted (s, sorted, TRUE);
}

static int
compare_fields (gconstpointer a, gconstpointer b)
{
  const TessDataField *first = *(const TessDataField *const *) a;
  const TessDataField *second = *(const TessDataField *const *) b;

  return strcmp (first->var, second->var);
}

static gboolean
append_field (GString *s, const TessDataField *field)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new ();

  for (gsize i = 0; field->values[i] != NULL; i++)
    {
      if (has_any (field->values[i], "<"))
        return FALSE;
      g_ptr_array_add (values, field->values[i]);
    }
  g_string_append (s, field->var);
  g_string_append_c (s, '<');

  return append_sorted (s, values, FALSE);
}

static gboolean
append_form (GString *s, const TessDataForm *form)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new ();

  for (guint i = 0; i < form->fields->len; i++)
    {
      TessDataField *field = g_ptr_array_index (form->fields, i);

      if (field->var == NULL || has_any (field->var, "<"))
        return FALSE;
      if (!g_str_equal (field->var, "FORM_TYPE"))
        g_ptr_array_add (fields, field);
    }
  g_ptr_array_sort (fields, compare_fields);

  g_string_append (s, tess_xep_data_form_get_value (form, "FORM_TYPE"));
  g_string_append_c (s, '<');
  for (guint i = 0; i < fields->len; i++)
    if (!append_field (s, g_ptr_array_index (fields, i)))
      return FALSE;

  return TRUE;
}

static int
compare_forms (gconstpointer a, gconstpointer b)
{
  return strcmp (tess_xep_data_form_get_value (*(const TessDataForm *const *) a, "FORM_TYPE"),
                 tess_xep_data_form_get_value (*(const TessDataForm *const *) b, "FORM_TYPE"));
}

/* Section 5.4, items 5 and 6: which forms count. FALSE when one makes the whole ill-formed. */
static gboolean
collect_form (GPtrArray *forms, TessDataForm *form)
{
  const TessDataField *type = tess_xep_data_form_get (form, "FORM_TYPE");

  if (type == NULL || type->values[0] == NULL || g_strcmp0 (type->type, "hidden") != 0)
    return TRUE;
  for (gsize i = 1; type->values[i] != NULL; i++)
    if (!g_str_equal (type->values[0], type->values[i]))
      return FALSE;
  if (has_any (type->values[0], "<"))
    return FALSE;

  g_ptr_array_add (forms, form);
  return TRUE;
}

static gboolean
append_forms (GString *s, const GPtrArray *all)
{
  g_autoptr (GPtrArray) forms = g_ptr_array_new ();

  for (guint i = 0; i < all->len; i++)
    if (!collect_form (forms, g_ptr_array_index (all, i)))
      return FALSE;
  g_ptr_array_sort (forms, compare_forms);

  for (guint i = 0; i < forms->len; i++)
    {
      if (i > 0 && compare_forms (&forms->pdata[i - 1], &forms->pdata[i]) == 0)
        return FALSE;
      if (!append_form (s, g_ptr_array_index (forms, i)))
        return FALSE;
    }

  return TRUE;
}

char *
tess_xep_caps_hash (const TessDiscoInfo *info)
{
  g_autoptr (GString)   s = g_string_new (NULL);
  g_autoptr (GChecksum) checksum = NULL;
  guint8                digest[SHA1_BYTES];
  gsize                 length = sizeof digest;

  if (!append_identities (s, info->identities) || !append_features (s, info->features) ||
      !append_forms (s, info->forms))
    return NULL;

  checksum = g_checksum_new (G_CHECKSUM_SHA1);
  g_checksum_update (checksum, (const guchar *) s->str, (gssize) s->len);
  g_checksum_get_digest (checksum, digest, &length);

  return g_base64_encode (digest, length);
}

TessNode *
tess_xep_caps_build (TessDisco *disco)
{
  g_autofree char *ver = tess_xep_caps_hash (tess_xep_disco_get_own (disco));
  TessNode        *c = tess_node_new ("c", TESS_XEP_CAPS_NS);

  tess_node_set (c, "hash", "sha-1");
  tess_node_set (c, "node", tess_xep_disco_get_own_node (disco));
  tess_node_set (c, "ver", ver);

  return c;
}

/* What others can */

struct _TessCaps
{
  TessDisco   *disco;
  TessCapsFunc changed;
  gpointer     user_data;
  GHashTable  *addresses; /* TessJid -> Address */
  GHashTable  *verified;  /* ver -> TessDiscoInfo */
  GHashTable  *searches;  /* key -> Search */
  GQueue       waiting;   /* searches that no question is open for */
  guint        n_open;
};

/* What stands behind one announced hash; each address that announces it is in `askable` until it
 * was asked. */
typedef struct
{
  TessCaps   *caps;
  char       *key;
  char       *node;    /* what to ask for */
  char       *ver;     /* nullable: NULL for a hash that we cannot compute */
  GHashTable *askable; /* a set of TessJid */
  TessJid    *asked;   /* nullable: who is asked just now */
  guint       question;
} Search;

typedef struct
{
  char          *key;  /* of its search */
  TessDiscoInfo *info; /* nullable */
} Address;

static void ask_next (TessCaps *self);

static void
address_free (gpointer data)
{
  Address *address = data;

  g_free (address->key);
  tess_xep_disco_info_unref (address->info);
  g_free (address);
}

static void
search_free (gpointer data)
{
  Search *search = data;

  tess_xep_disco_cancel (search->caps->disco, search->question);
  g_hash_table_unref (search->askable);
  g_clear_pointer (&search->asked, tess_jid_unref);
  g_free (search->key);
  g_free (search->node);
  g_free (search->ver);
  g_free (search);
}

static void
set_info (TessCaps *self, TessJid *jid, const char *key, TessDiscoInfo *info)
{
  Address *address = g_hash_table_lookup (self->addresses, jid);

  /* It may have gone or announced something else since. */
  if (address == NULL || !g_str_equal (address->key, key) || address->info != NULL)
    return;
  address->info = tess_xep_disco_info_ref (info);
  if (self->changed != NULL)
    self->changed (jid, info, self->user_data);
}

/* Ends the search with an answer that is proved: it holds for all who announced it. */
static void
finish_search (TessCaps *self, Search *search, TessDiscoInfo *info)
{
  g_autofree char       *key = g_strdup (search->key);
  g_autoptr (GHashTable) askable = g_hash_table_ref (search->askable);
  g_autoptr (GList)      everybody = g_hash_table_get_keys (askable);

  if (g_hash_table_size (self->verified) < MAX_HASHES)
    g_hash_table_insert (self->verified, g_strdup (search->ver), tess_xep_disco_info_ref (info));
  g_hash_table_remove (self->searches, key);
  for (GList *jid = everybody; jid != NULL; jid = jid->next)
    set_info (self, jid->data, key, info);
}

static void
found_cb (TessDiscoInfo *info, const GError *error, gpointer user_data)
{
  Search             *search = user_data;
  TessCaps           *self = search->caps;
  g_autoptr (TessJid) asked = g_steal_pointer (&search->asked);
  g_autofree char    *key = g_strdup (search->key);
  g_autofree char    *ver = info != NULL && search->ver != NULL ? tess_xep_caps_hash (info) : NULL;
  gboolean            proved = ver != NULL && g_str_equal (ver, search->ver);

  search->question = 0;
  self->n_open--;
  if (info == NULL)
    g_debug ("No capabilities: %s", error->message);

  if (proved)
    finish_search (self, search, info);
  else if (g_hash_table_size (search->askable) > 0)
    g_queue_push_tail (&self->waiting, search); /* somebody else may tell the truth */
  else
    g_hash_table_remove (self->searches, key);

  /* What one says of itself holds for itself. */
  if (info != NULL)
    set_info (self, asked, key, info);
  /* Without a stream there is nobody to ask. */
  if (!g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    ask_next (self);
}

static void
ask_next (TessCaps *self)
{
  while (self->n_open < MAX_OPEN && !g_queue_is_empty (&self->waiting))
    {
      Search          *search = g_queue_pop_head (&self->waiting);
      g_autofree char *key = g_strdup (search->key);
      GHashTableIter   iter;
      gpointer         jid = NULL;
      guint            question = 0;

      g_hash_table_iter_init (&iter, search->askable);
      if (!g_hash_table_iter_next (&iter, &jid, NULL))
        {
          g_hash_table_remove (self->searches, key);
          continue;
        }
      search->asked = tess_jid_ref (jid);
      g_hash_table_iter_remove (&iter);
      self->n_open++;
      question = tess_xep_disco_query (self->disco, search->asked, search->node, found_cb, search);
      /* A stream that is gone may have answered already. */
      if (g_hash_table_lookup (self->searches, key) == search && search->asked != NULL)
        search->question = question;
    }
}

static Search *
search_new (TessCaps *self, const char *key, const char *node, const char *ver, gboolean provable)
{
  Search *search = g_new0 (Search, 1);

  search->caps = self;
  search->key = g_strdup (key);
  search->node = g_strconcat (node, "#", ver, NULL);
  search->ver = provable ? g_strdup (ver) : NULL;
  search->askable =
      g_hash_table_new_full (tess_jid_hash, tess_jid_equal, (GDestroyNotify) tess_jid_unref, NULL);
  g_hash_table_insert (self->searches, search->key, search);
  g_queue_push_tail (&self->waiting, search);

  return search;
}

static void
forget_address (TessCaps *self, TessJid *jid)
{
  g_autoptr (TessJid) kept = tess_jid_ref (jid);
  Address            *address = g_hash_table_lookup (self->addresses, jid);
  Search             *search = NULL;
  gboolean            known = FALSE;

  if (address == NULL)
    return;

  search = g_hash_table_lookup (self->searches, address->key);
  if (search != NULL)
    g_hash_table_remove (search->askable, jid);
  known = address->info != NULL;
  g_hash_table_remove (self->addresses, jid);
  if (known && self->changed != NULL)
    self->changed (kept, NULL, self->user_data);
}

/* The first letter keeps apart the hashes that all share and those that hold for one address. */
static char *
make_key (TessJid *from, const char *ver, gboolean provable)
{
  return provable ? g_strconcat ("=", ver, NULL)
                  : g_strconcat ("@", tess_jid_to_string (from), " ", ver, NULL);
}

TessCaps *
tess_xep_caps_new (TessDisco *disco, TessCapsFunc changed, gpointer user_data)
{
  TessCaps *self = g_new0 (TessCaps, 1);

  self->disco = disco;
  self->changed = changed;
  self->user_data = user_data;
  self->addresses = g_hash_table_new_full (tess_jid_hash, tess_jid_equal,
                                           (GDestroyNotify) tess_jid_unref, address_free);
  self->verified = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                          (GDestroyNotify) tess_xep_disco_info_unref);
  self->searches = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, search_free);
  g_queue_init (&self->waiting);

  return self;
}

void
tess_xep_caps_free (TessCaps *self)
{
  if (self == NULL)
    return;

  g_queue_clear (&self->waiting);
  g_hash_table_unref (self->searches);
  g_hash_table_unref (self->addresses);
  g_hash_table_unref (self->verified);
  g_free (self);
}

static void
remember (TessCaps *self, TessJid *from, const char *node, const char *ver, gboolean provable)
{
  g_autofree char *key = make_key (from, ver, provable);
  Address         *address = g_hash_table_lookup (self->addresses, from);
  TessDiscoInfo   *info = provable ? g_hash_table_lookup (self->verified, ver) : NULL;
  Search          *search = NULL;

  if (address != NULL && g_str_equal (address->key, key))
    return;
  forget_address (self, from);
  if (g_hash_table_size (self->addresses) >= MAX_ADDRESSES)
    return;

  address = g_new0 (Address, 1);
  address->key = g_strdup (key);
  g_hash_table_insert (self->addresses, tess_jid_ref (from), address);
  if (info != NULL)
    {
      set_info (self, from, key, info);
      return;
    }

  search = g_hash_table_lookup (self->searches, key);
  if (search == NULL && g_hash_table_size (self->searches) < MAX_HASHES)
    search = search_new (self, key, node, ver, provable);
  if (search == NULL)
    return;
  g_hash_table_add (search->askable, tess_jid_ref (from));
  ask_next (self);
}

void
tess_xep_caps_take_presence (TessCaps *self, TessJid *from, const TessNode *presence)
{
  const TessNode *c = tess_node_child (presence, "c", TESS_XEP_CAPS_NS);
  const char     *type = tess_node_get (presence, "type");
  const char     *hash = c != NULL ? tess_node_get (c, "hash") : NULL;
  const char     *node = c != NULL ? tess_node_get (c, "node") : NULL;
  const char     *ver = c != NULL ? tess_node_get (c, "ver") : NULL;

  if (type != NULL && !g_str_equal (type, "unavailable"))
    return;
  /* Without a hash it is the form from before 2008, which proves nothing. */
  if (type != NULL || hash == NULL || !tess_xep_text_is_id (node) || !tess_xep_text_is_id (ver))
    forget_address (self, from);
  else
    remember (self, from, node, ver, g_str_equal (hash, "sha-1"));
}

TessDiscoInfo *
tess_xep_caps_get (TessCaps *self, TessJid *full)
{
  const Address *address = g_hash_table_lookup (self->addresses, full);

  return address != NULL ? address->info : NULL;
}

void
tess_xep_caps_clear_presence (TessCaps *self)
{
  g_queue_clear (&self->waiting);
  g_hash_table_remove_all (self->searches);
  g_hash_table_remove_all (self->addresses);
  self->n_open = 0;
}
