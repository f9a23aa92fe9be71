/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-types.h"

G_BEGIN_DECLS

/* @payload: (nullable): the newest item's payload, borrowed; NULL without error when the node or item does not exist. */
typedef void (*TessOmemoFetchedFunc)   (const TessNode *payload, const GError *error, gpointer user_data);
typedef void (*TessOmemoPublishedFunc) (const GError *error, gpointer user_data);

/**
 * TessOmemoTransport:
 *
 * What OMEMO asks of the network, for one account: personal eventing nodes (XEP-0163) and a way to send an
 * element in a message. Each answers exactly once, also when the stream ends; never from inside the call.
 */
typedef struct
{
  /* The newest item of @jid's @node. */
  void (*fetch)   (gpointer data, TessJid *jid, const char *node, TessOmemoFetchedFunc done, gpointer user_data);
  /* Publishes to the own node with access model `open`, persistent, one item; configures the node and tries
   * once more on precondition-not-met. */
  void (*publish) (gpointer data, const char *node, const char *item_id, TessNode *payload /* transfer full */,
                   TessOmemoPublishedFunc done, gpointer user_data);
  /* Deletes the own node with all that is in it; one that is not there is no error. */
  void (*remove)  (gpointer data, const char *node, TessOmemoPublishedFunc done, gpointer user_data);

  /* Sends a message of type chat to bare @jid that holds @encrypted, a storage hint and nothing that a person sees. */
  void (*send_empty) (gpointer data, TessJid *jid, TessNode *encrypted /* transfer full */);
  /* Whether a stranger may be answered: in the roster, or written to before (D15). The own account always. */
  gboolean (*may_answer) (gpointer data, TessJid *jid);
  gboolean (*is_online)  (gpointer data);
} TessOmemoTransport;

G_END_DECLS
