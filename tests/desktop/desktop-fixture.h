/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-thread.h"

#include <gio/gio.h>

/* An asynchronous call that is waited for. */
typedef struct
{
  GAsyncResult *result;
} Wait;

/* Use as callback, with a Wait as data. */
void wait_cb (GObject *object, GAsyncResult *result, gpointer user_data);
GAsyncResult *wait_result (Wait *wait);
void wait_clear (Wait *wait);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wait, wait_clear)

/* Iterates the default context until @condition. */
#define WAIT_UNTIL(condition)                \
  G_STMT_START                               \
  {                                          \
    while (!(condition))                     \
      g_main_context_iteration (NULL, TRUE); \
  }                                          \
  G_STMT_END

/* A connection of somebody else on the bus at @address. */
GDBusConnection *bus_connect (const char *address);
void bus_own_name (GDBusConnection *bus, const char *name);
void bus_close (GDBusConnection *bus);
