/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessThreadRole:
 * @TESS_THREAD_NONE: a thread that owns nothing: workers of a pool, helpers of a test
 * @TESS_THREAD_MAIN: owns the model and the views
 * @TESS_THREAD_ENGINE: owns the network, the cryptography and the database
 */
typedef enum
{
  TESS_THREAD_NONE,
  TESS_THREAD_MAIN,
  TESS_THREAD_ENGINE,
} TessThreadRole;

/**
 * tess_thread_set_role:
 * @role: what the calling thread owns from now on
 *
 * Any thread, for itself. A test that drives one room in one thread may change its role as it goes.
 */
void           tess_thread_set_role (TessThreadRole role);
TessThreadRole tess_thread_get_role (void);

void tess_thread_assert_failed (const char *function, TessThreadRole wanted) G_GNUC_NORETURN;

/* Kept in release builds: an object touched on the wrong thread is corrupted silently otherwise. */
#define TESS_ASSERT_MAIN() TESS_ASSERT_ROLE_ (TESS_THREAD_MAIN)
#define TESS_ASSERT_ENGINE() TESS_ASSERT_ROLE_ (TESS_THREAD_ENGINE)

#define TESS_ASSERT_ROLE_(role)                                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    if (G_UNLIKELY (tess_thread_get_role () != (role)))                                            \
      tess_thread_assert_failed (G_STRFUNC, (role));                                               \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
