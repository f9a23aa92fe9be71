/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-account-record.h"
#include "records/tess-security-record.h"
#include "xmpp/tess-stream.h"

G_BEGIN_DECLS

/**
 * tess_security_describe:
 * @info: of a stream that is open
 * @account: whose it is
 * @no_archive: the server has said that it keeps none; %FALSE also when it has said nothing yet
 * @now_us: microseconds since 1970
 *
 * How an account is connected, and what could be better. Without any secret. Any thread.
 *
 * Returns: (transfer full)
 */
TessSecurityRecord *tess_security_describe (const TessStreamInfo *info, const TessAccountRecord *account, gboolean no_archive,
                                            gint64 now_us);

G_END_DECLS
