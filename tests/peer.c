/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include "base/tess-thread.h"

#include <glib-unix.h>

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

/* The scripted peer of src/README.md: a command a line on standard input, a JSON object a line on
 * standard output, one command after the other, over the same model that the window shows. */

#define WAIT_SECONDS 30
#define LINE_MAX_BYTES (1024 * 1024)

static void read_command (Peer *self);

/* ---- Commands, one after the other ---- */

static void
forget_command (Peer *self)
{
  for (char **word = self->words; word != NULL && *word != NULL; word++)
    explicit_bzero (*word, strlen (*word));
  g_clear_pointer (&self->words, g_strfreev);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->waits_for, g_free);
  g_clear_pointer (&self->address, g_free);
  self->connecting = FALSE;
  g_clear_pointer (&self->given, tess_credentials_free);
  g_clear_pointer (&self->subject, g_free);
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_signal_handler (&self->devices_handler, self->devices);
  g_clear_object (&self->devices);
  g_clear_pointer (&self->pages, g_ptr_array_unref);
  g_clear_pointer (&self->chats, g_ptr_array_unref);
  self->command = NULL;
  self->then = NULL;
}

static void
next (Peer *self)
{
  forget_command (self);
  if (!self->stopping)
    read_command (self);
}

gboolean
peer_running (Peer *self, const char *name)
{
  return self->command != NULL && g_str_equal (self->command->name, name);
}

/* What comes after the end is not told any more. */
void
peer_fail_about (Peer *self, const char *sentence, int code, const TessCertificate *certificate)
{
  JsonBuilder *json;

  if (!self->stopping)
    {
      json = peer_begin ("error", sentence);
      peer_put_string (json, "command", self->name);
      peer_put_trouble (json, code, certificate);
      peer_print (json);
    }
  next (self);
}

void
peer_fail (Peer *self, const char *sentence)
{
  peer_fail_about (self, sentence, -1, NULL);
}

void
peer_succeed_with (Peer *self, JsonBuilder *json)
{
  peer_print (json);
  next (self);
}

JsonBuilder *
peer_begin_reply (Peer *self)
{
  return peer_begin ("reply", self->command->name);
}

void
peer_succeed (Peer *self)
{
  peer_succeed_with (self, peer_begin_reply (self));
}

void
peer_tell (Peer *self, const char *event, JsonBuilder *json)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->events, event)) + 1;

  peer_print (json);
  if (peer_running (self, "wait") && g_str_equal (self->waits_for, event))
    peer_succeed (self);
  else
    g_hash_table_insert (self->events, (gpointer) g_intern_string (event),
                         GUINT_TO_POINTER (count));
}

/* ---- wait, help, quit ---- */

static gboolean
wait_timeout_cb (gpointer user_data)
{
  Peer *self = user_data;
  g_autofree char *sentence = g_strdup_printf ("No %s came in time.", self->waits_for);

  self->timeout = 0;
  peer_fail (self, sentence);
  return G_SOURCE_REMOVE;
}

/* Each `wait` takes one event of its name: one that came and was not taken yet, or the next. */
static void
run_wait (Peer *self, char **words)
{
  guint64 seconds = WAIT_SECONDS;
  guint count;

  if (peer_find_word (peer_event_names, words[0]) < 0)
    {
      peer_fail (self, "There is no such event.");
      return;
    }
  if (words[1] != NULL && !g_ascii_string_to_unsigned (words[1], 10, 0, 86400, &seconds, NULL))
    {
      peer_fail (self, "The seconds are a number from 0 to 86400.");
      return;
    }

  count = GPOINTER_TO_UINT (g_hash_table_lookup (self->events, words[0]));
  if (count > 0)
    {
      g_hash_table_insert (self->events, (gpointer) g_intern_string (words[0]),
                           GUINT_TO_POINTER (count - 1));
      peer_succeed (self);
      return;
    }
  self->waits_for = g_strdup (words[0]);
  self->timeout = g_timeout_add_seconds ((guint) seconds, wait_timeout_cb, self);
}

static void run_help (Peer *self, char **words);

static void
stop (Peer *self)
{
  self->stopping = TRUE;
  g_main_loop_quit (self->loop);
}

static void
run_quit (Peer *self, char **words)
{
  stop (self);
}

static const Command commands[] = {
  { "login", 1, 18, peer_run_login, PEER_LOGIN_USAGE },
  { "logout", 1, 1, peer_run_logout, "logout JID" },
  { "security", 1, 1, peer_run_security, "security JID" },
  { "pin", 2, 2, peer_run_pin, "pin JID SHA256|off" },
  { "relax", 1, 1, peer_run_relax, "relax JID" },
  { "tell", 3, 3, peer_run_tell, "tell JID receipts|markers on|off" },
  { "archiving", 1, 2, peer_run_archiving, "archiving JID [everything|contacts|nothing]" },
  { "accounts", 0, 0, peer_run_accounts, "accounts" },
  { "cut", 0, 0, peer_run_cut, "cut" },
  { "send", 2, 2, peer_run_send, "send JID TEXT" },
  { "encrypt", 2, 2, peer_run_encrypt, "encrypt JID on|off" },
  { "history", 1, 2, peer_run_history, "history JID [COUNT]" },
  { "conversations", 0, 0, peer_run_conversations, "conversations" },
  { "mark", 1, 1, peer_run_mark, "mark JID" },
  { "clear", 1, 1, peer_run_clear, "clear JID" },
  { "forget", 1, 1, peer_run_forget, "forget DAYS" },
  { "messages", 1, 2, peer_run_history, "messages JID [COUNT]" },
  { "catchup", 1, 2, peer_run_history, "catchup JID [COUNT]" },
  { "gaps", 0, 1, peer_run_gaps, "gaps [hold|fetch]" },
  { "outbox", 0, 0, peer_run_outbox, "outbox" },
  { "draft", 1, 2, peer_run_draft, "draft JID [TEXT]" },
  { "roster", 0, 0, peer_run_roster, "roster" },
  { "add", 1, 1, peer_run_add, "add JID" },
  { "accept", 1, 1, peer_run_accept, "accept JID" },
  { "refuse", 1, 1, peer_run_refuse, "refuse JID" },
  { "remove", 1, 1, peer_run_remove, "remove JID|DEVICE" },
  { "devices", 1, 1, peer_run_devices, "devices JID" },
  { "trust", 3, 3, peer_run_trust, "trust JID DEVICE verified|trusted|undecided|distrusted" },
  { "verify", 2, 3, peer_run_verify, "verify JID URI [look|scanned|adopt]" },
  { "rename", 2, 3, peer_run_rename, "rename JID DEVICE [LABEL]" },
  { "reset", 2, 2, peer_run_reset, "reset JID DEVICE" },
  { "reset-keys", 0, 0, peer_run_reset_keys, "reset-keys" },
  { "blind", 2, 2, peer_run_blind, "blind JID on|off|default" },
  { "fingerprint", 0, 0, peer_run_fingerprint, "fingerprint" },
  { "uri", 0, 0, peer_run_uri, "uri" },
  { "scan", 1, 1, peer_run_scan, "scan FILE" },
  { "csi", 1, 1, peer_run_csi, "csi active|inactive" },
  { "network", 1, 1, peer_run_network, "network on|off" },
  { "wait", 1, 2, run_wait, "wait EVENT [SECONDS]" },
  { "help", 0, 0, run_help, "help" },
  { "quit", 0, 0, run_quit, "quit" },
};

static void
run_help (Peer *self, char **words)
{
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "commands");
  json_builder_begin_array (json);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    json_builder_add_string_value (json, commands[i].usage);
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

void
peer_answer_done (Peer *self, gboolean done, const GError *error)
{
  if (self->stopping)
    return;
  if (done)
    peer_succeed (self);
  else
    peer_fail (self, error->message);
}

/* ---- Reading ---- */

static const Command *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];

  return NULL;
}

/* A command that needs no database runs without one. */
static void
run_command (Peer *self)
{
  TessClientState state = tess_client_get_state (self->client);

  if (state == TESS_CLIENT_STARTING)
    return; /* until OPENED or OPEN_FAILED */
  if (state == TESS_CLIENT_FAILED && !peer_running (self, "help") && !peer_running (self, "quit") &&
      !peer_running (self, "wait"))
    {
      peer_fail (self, tess_client_get_error (self->client)->message);
      return;
    }
  self->command->run (self, self->words + 1);
}

/* Takes @line. GLib's own errors repeat the line, and with it perhaps a password. */
static void
take_line (Peer *self, char *line)
{
  G_GNUC_UNUSED g_autofree char *owned = line;
  g_autofree char *usage = NULL;
  g_autoptr (GError) error = NULL;
  int count = 0;
  gboolean good = g_utf8_validate (line, -1, NULL);

  if (good)
    {
      g_autofree char *stripped = g_strstrip (g_strdup (line));

      self->name = g_strndup (stripped, strcspn (stripped, " \t"));
      explicit_bzero (stripped, strlen (stripped));
      good = g_shell_parse_argv (line, &count, &self->words, &error);
    }
  explicit_bzero (line, strlen (line));
  if (g_error_matches (error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
    {
      next (self);
      return;
    }
  if (!good)
    {
      peer_fail (self, error != NULL ? "The quotes do not match." : "The line is not UTF-8.");
      return;
    }

  self->command = find_command (self->words[0]);
  if (self->command == NULL)
    peer_fail (self, "There is no such command; try help.");
  else if (count - 1 < self->command->least || count - 1 > self->command->most)
    {
      usage = g_strdup_printf ("It goes: %s", self->command->usage);
      peer_fail (self, usage);
    }
  else
    run_command (self);
}

/* The first line of what was read, (transfer full) (nullable). */
static char *
take_input (Peer *self)
{
  const char *end = memchr (self->input->str, '\n', self->input->len);
  gsize length = end != NULL ? (gsize) (end - self->input->str) : self->input->len;
  char *line;

  if (end == NULL && (!self->ended || length == 0))
    return NULL;

  line = g_strndup (self->input->str, length);
  explicit_bzero (self->input->str, length);
  g_string_erase (self->input, 0, (gssize) (end != NULL ? length + 1 : length));
  return line;
}

static gboolean
input_cb (int fd, GIOCondition condition, gpointer user_data)
{
  Peer *self = user_data;
  char bytes[4096];
  gssize count = read (fd, bytes, sizeof bytes);

  if (count < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  self->reader = 0;
  if (count > 0)
    g_string_append_len (self->input, bytes, count);
  self->ended = count <= 0 || self->input->len > LINE_MAX_BYTES;
  explicit_bzero (bytes, sizeof bytes);
  read_command (self);
  return G_SOURCE_REMOVE;
}

static gboolean
read_command_cb (gpointer user_data)
{
  Peer *self = user_data;
  char *line = take_input (self);

  self->reader = 0;
  if (line != NULL)
    take_line (self, line);
  else if (self->ended)
    stop (self);
  else
    self->reader = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, input_cb, self);
  return G_SOURCE_REMOVE;
}

/* In a turn of its own, so that a thousand commands in one read are no thousand calls deep. */
static void
read_command (Peer *self)
{
  self->reader = g_idle_add_full (G_PRIORITY_DEFAULT, read_command_cb, self, NULL);
}

/* ---- The model ---- */

static void
event_cb (TessClient *client, const TessEvent *event, Peer *self)
{
  switch (event->type)
    {
    case TESS_EVENT_CONVERSATION:
      if (tess_client_get_state (client) == TESS_CLIENT_STARTING &&
          event->conversation->last != NULL)
        self->stored = MAX (self->stored, event->conversation->last->id);
      break;
    case TESS_EVENT_MESSAGES:
      for (guint i = 0; i < event->messages->len; i++)
        peer_tell_message (self, event->messages->pdata[i], TRUE);
      break;
    case TESS_EVENT_CONNECTION:
      peer_connection_changed (self, event->account_id);
      break;
    case TESS_EVENT_CREDENTIALS:
      {
        const char *address = peer_account_address (self, event->account_id);

        if (address != NULL)
          {
            peer_keep (self, address, event->credentials);
            peer_tell_credentials (self, address, event->credentials);
          }
      }
      break;
    case TESS_EVENT_CONTACT:
      if (tess_client_get_state (client) != TESS_CLIENT_STARTING)
        peer_tell_contact (self, event);
      break;
    case TESS_EVENT_CONTACT_REMOVED:
      peer_tell_contact (self, event);
      break;
    case TESS_EVENT_DEVICES:
      peer_tell_devices (self, event);
      break;
    case TESS_EVENT_PROBLEM:
      peer_tell_error (self, peer_account_address (self, event->account_id), event->error);
      break;
    case TESS_EVENT_OPEN_FAILED:
      peer_tell_error (self, NULL, event->error);
      break;
    default:
      break;
    }

  /* A command may have come before the database was open. */
  if ((event->type == TESS_EVENT_OPENED || event->type == TESS_EVENT_OPEN_FAILED) &&
      self->command != NULL)
    {
      g_clear_pointer (&self->address, g_free);
      run_command (self);
    }
}

void
peer_start_client (Peer *self)
{
  self->client = tess_client_new (self->data_dir, self->ca_file, NULL);
  g_signal_connect (self->client, "event", G_CALLBACK (event_cb), self);
  tess_client_start (self->client);
}

static gboolean
signal_cb (gpointer user_data)
{
  stop (user_data);
  return G_SOURCE_CONTINUE;
}

/* Everything of GLib and its libraries goes below @home too; before anything has asked for it. */
static char *
move_in (const char *home)
{
  static const char *const dirs[][2] = {
    { "XDG_DATA_HOME", "data" },
    { "XDG_CONFIG_HOME", "config" },
    { "XDG_CACHE_HOME", "cache" },
    { "XDG_STATE_HOME", "state" },
  };
  g_autofree char *full = g_canonicalize_filename (home, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (dirs); i++)
    {
      g_autofree char *path = g_build_filename (full, dirs[i][1], NULL);

      g_setenv (dirs[i][0], path, TRUE);
    }
  return g_build_filename (full, "data", "tessera", NULL);
}

static gboolean
parse_arguments (Peer *self, int *argc, char ***argv)
{
  g_autofree char *home = NULL;
  g_autoptr (GError) error = NULL;
  GOptionEntry entries[] = {
    { "home", 0, 0, G_OPTION_ARG_FILENAME, &home, "Keep everything under DIR", "DIR" },
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &self->ca_file, "Trust the certificates in FILE", "FILE" },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- a scripted Tessera; `help` lists the commands");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error) || home == NULL || *argc > 1)
    {
      g_printerr ("tessera-peer: %s\n",
                  error != NULL ? error->message : "it goes: tessera-peer --home DIR [--ca FILE]");
      return FALSE;
    }

  self->home = g_canonicalize_filename (home, NULL);
  self->data_dir = move_in (home);
  if (self->ca_file == NULL)
    self->ca_file = g_strdup (g_getenv ("TESSERA_CA_FILE"));
  return TRUE;
}

static void
finish (Peer *self)
{
  self->stopping = TRUE;
  forget_command (self);
  tess_client_stop (self->client);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&self->client);
  g_clear_handle_id (&self->reader, g_source_remove);
  g_string_free (self->input, TRUE);
  g_hash_table_unref (self->told);
  g_hash_table_unref (self->seen);
  g_hash_table_unref (self->events);
  g_main_loop_unref (self->loop);
  g_free (self->account);
}

int
main (int argc, char **argv)
{
  Peer self = { NULL };
  guint handlers[2];

  setlocale (LC_ALL, "");
  g_log_writer_default_set_use_stderr (TRUE);
  if (!parse_arguments (&self, &argc, &argv))
    return 2;

  tess_thread_set_role (TESS_THREAD_MAIN);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.events = g_hash_table_new (g_str_hash, g_str_equal);
  self.input = g_string_new (NULL);
  handlers[0] = g_unix_signal_add (SIGTERM, signal_cb, &self);
  handlers[1] = g_unix_signal_add (SIGINT, signal_cb, &self);
  peer_start_client (&self);
  read_command (&self);

  if (!self.stopping)
    g_main_loop_run (self.loop);

  g_source_remove (handlers[0]);
  g_source_remove (handlers[1]);
  finish (&self);
  g_free (self.home);
  g_free (self.data_dir);
  g_free (self.ca_file);
  return 0;
}
