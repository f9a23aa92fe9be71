/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LETTERS_ALICE "alice@a.test"
#define LETTERS_MANY "bob@b.test" /* with whom a third of all is */

/**
 * Letters:
 * @base: a database of Alice with a device of hers and sessions with all who write, as it was before any of it came
 * @archive: (element-type utf8): whole <message/> elements, the oldest first
 * @encrypted: how many of them are OMEMO
 * @first_us: when the first was sent; each later one a second after the one before
 *
 * What was said while this device was away: in some twenty chats, by people with one or two devices each and by another device of
 * Alice's own. Since she did not answer from here, no ratchet began another chain: each device's letters are one long chain.
 */
typedef struct
{
  char      *base;
  GPtrArray *archive;
  guint      encrypted;
  gint64     first_us;
} Letters;

/* @folder: where the database is put. Engine thread. */
Letters *letters_new  (const char *folder, guint count);
void     letters_free (Letters *self);

G_END_DECLS
