/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-id.h"

#include "base/tess-hex.h"

#include <sys/random.h>

#define ID_BYTES 12

char *
tess_id_new (void)
{
  guint8 bytes[ID_BYTES];

  /* Up to 256 bytes are never cut short once the kernel's pool is ready (getrandom(2)). */
  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("The kernel gives no random numbers");

  return tess_hex_encode (bytes, sizeof bytes);
}
