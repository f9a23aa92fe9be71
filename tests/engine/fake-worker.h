/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* An engine thread without network, cryptography and database, linked in the place of engine/tess-worker.c. What the
 * requests make it do:
 *
 * - SEND answers with the message; the text "hold" keeps the answer back, "fail" answers with an error, "twice" answers twice,
 *   and to a request that nobody made.
 * - CLOSE_CONVERSATION answers all that was held back.
 * - RETRY tells a MESSAGES event of conversation 7 with one message of that id.
 * - NETWORK_CHANGED tells one MESSAGES event of conversation 7 with FAKE_BATCH messages.
 * - LOAD_PAGE gives pages of FAKE_HISTORY messages with the ids 1 … FAKE_HISTORY and the times id * 1000.
 * - ADD_ACCOUNT refuses the password "wrong"; each account gets the id FAKE_ACCOUNT.
 * - OPEN_CONVERSATION gives FAKE_CONVERSATION.
 * - LOAD_DEVICES gives three; SET_TRUST tells them again.
 * - A cancellation is told as a CHAT_STATE event, the request's id as its account_id.
 * - Stopping takes some turns of the loop and tells a CONNECTION event first.
 */

#define FAKE_HISTORY 330
#define FAKE_BATCH 500
#define FAKE_ACCOUNT 1
#define FAKE_CONVERSATION 7
