/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo.h"
#include "omemo/tess-omemo-uri.h"

G_BEGIN_DECLS

/* What a code says of one device, beside what we know. The same numbers as TessCheck in records/, which the engine relies on. */
typedef enum
{
  TESS_OMEMO_CHECK_MATCHES,    /* its key is the one that we know */
  TESS_OMEMO_CHECK_VERIFIED,   /* the same, and it is verified already */
  TESS_OMEMO_CHECK_DISTRUSTED, /* the same, but the person distrusts it: a scan does not change that */
  TESS_OMEMO_CHECK_UNKNOWN,    /* we know no key under this id */
  TESS_OMEMO_CHECK_DIFFERS,    /* we know another key under this id */
  TESS_OMEMO_CHECK_LOCAL,      /* this very device */
} TessOmemoCheck;

/**
 * TessOmemoChecked:
 * @id: 0 when the code names none and no device with that key is known
 * @key: what the code says
 * @before: the trust before the code was applied
 */
typedef struct
{
  guint32             id;
  guint8              key[TESS_OMEMO_KEY_BYTES];
  TessOmemoCheck      check;
  TessOmemoTrustState before;
} TessOmemoChecked;

/**
 * tess_omemo_check_code:
 *
 * Looks, and changes nothing.
 *
 * Returns: (element-type TessOmemoChecked) (transfer full) (nullable): in the order of the code, %NULL when the store failed
 */
GArray *tess_omemo_check_code (TessOmemo *self, const TessOmemoUri *uri, GError **error);

/**
 * tess_omemo_apply_code:
 * @adopt: whether keys that are not known yet are taken from the code: the person was asked
 *
 * The person holds the code for true: in one transaction either all of its known devices are verified, or, where a key differs, none
 * is and the alarm of those that differ is raised.
 *
 * Returns: as [func@tess_omemo_check_code], with what was found before; %NULL with %TESS_OMEMO_ERROR_FOREIGN_KEY when a key to adopt is
 *   that of somebody else's device, with %TESS_OMEMO_ERROR_STORE
 */
GArray *tess_omemo_apply_code (TessOmemo *self, const TessOmemoUri *uri, gboolean adopt, GError **error);

/* Asks the list of @uri's owner anew, and the bundles of those of its devices that have no key yet. @done is called once, perhaps from
 * inside the call, with an error when that could not be asked: %G_IO_ERROR_CANCELLED when the OMEMO was freed. */
void    tess_omemo_learn_code (TessOmemo *self, const TessOmemoUri *uri, TessOmemoPublishedFunc done, gpointer user_data);

G_END_DECLS
