/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

#include <glib.h>

G_BEGIN_DECLS

/* What a target defines. fuzz_set_up() runs once, before the first input. A property that does not hold is a failed
 * g_assert: libFuzzer keeps the input then. */
void fuzz_set_up (void);
void fuzz_one    (const guint8 *data, gsize size);

/* The input, read from its front. Reading beyond its end gives 0 and "". */
typedef struct
{
  const guint8 *at;
  gsize         left;
} FuzzInput;

guint8  fuzz_take_byte  (FuzzInput *input);
guint64 fuzz_take_number (FuzzInput *input); /* eight bytes */
/* Up to the next line feed, which is dropped, or to the end; ends at a NUL too. Any bytes. (transfer full) */
char   *fuzz_take_line  (FuzzInput *input);
/* All that is left, with U+FFFD for what is not UTF-8. (transfer full) */
char   *fuzz_take_text  (FuzzInput *input);

/* Text that a reader handed out: UTF-8 (NULL is fine), of at most so many characters. */
void fuzz_assert_text  (const char *text, gsize max_chars);
/* UTF-8 of one line without control characters. */
void fuzz_assert_line  (const char *text, gsize max_chars);
/* An element writes as XML that reads as the same element. */
void fuzz_assert_written (const TessNode *node);

G_END_DECLS
