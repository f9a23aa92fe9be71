/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- A connection that breaks ---- */

static gboolean
is_connection (int fd)
{
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  int type = 0;
  socklen_t type_length = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM &&
         getpeername (fd, (struct sockaddr *) &peer, &length) == 0 &&
         (peer.ss_family == AF_INET || peer.ss_family == AF_INET6);
}

/* The kernel takes the connection away, as when an address goes: both ends get a reset, and nobody said goodbye. The engine
 * has no request for that, and it must not notice who did it. The descriptor stays the engine's. */
static gboolean
break_connection (int fd)
{
  const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

  return connect (fd, &nowhere, sizeof nowhere) == 0;
}

void
peer_run_cut (Peer *self, char **words)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;
  guint count = 0;
  JsonBuilder *json;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      int fd = (int) g_ascii_strtoll (name, NULL, 10);

      if (is_connection (fd) && break_connection (fd))
        count++;
    }

  json = peer_begin_reply (self);
  peer_put_int (json, "connections", count);
  peer_succeed_with (self, json);
}
