/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-engine-error.h"

#include "engine/tess-engine.h"
#include "omemo/tess-omemo-types.h"
#include "store/tess-store.h"
#include "xmpp/tess-xmpp-error.h"

typedef struct
{
  TessCertificate *certificate; /* nullable: that was refused */
} TessEngineErrorPrivate;

static void
tess_engine_error_private_init (TessEngineErrorPrivate *priv)
{
}

static void
tess_engine_error_private_copy (const TessEngineErrorPrivate *source, TessEngineErrorPrivate *copy)
{
  copy->certificate = tess_certificate_copy (source->certificate);
}

static void
tess_engine_error_private_clear (TessEngineErrorPrivate *priv)
{
  tess_certificate_free (priv->certificate);
}

/* Registered by the main thread before the engine thread begins: see tess_engine_class_init (). */
G_DEFINE_EXTENDED_ERROR (TessEngineError, tess_engine_error)

typedef struct
{
  int from;
  int to;
} Translation;

static const Translation xmpp_codes[] = {
  { TESS_XMPP_ERROR_INVALID_ADDRESS, TESS_ENGINE_ERROR_INVALID_ADDRESS },
  { TESS_XMPP_ERROR_NO_SUCH_SERVER, TESS_ENGINE_ERROR_NO_SUCH_SERVER },
  { TESS_XMPP_ERROR_UNREACHABLE, TESS_ENGINE_ERROR_UNREACHABLE },
  { TESS_XMPP_ERROR_REFUSED, TESS_ENGINE_ERROR_UNREACHABLE },
  { TESS_XMPP_ERROR_NO_TLS, TESS_ENGINE_ERROR_NO_TLS },
  { TESS_XMPP_ERROR_BAD_CERTIFICATE, TESS_ENGINE_ERROR_BAD_CERTIFICATE },
  { TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED },
  { TESS_XMPP_ERROR_PROXY, TESS_ENGINE_ERROR_PROXY },
  { TESS_XMPP_ERROR_CLIENT_CERTIFICATE, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE },
  { TESS_XMPP_ERROR_WEAKENED, TESS_ENGINE_ERROR_WEAKENED },
  { TESS_XMPP_ERROR_NO_MECHANISM, TESS_ENGINE_ERROR_NO_MECHANISM },
  { TESS_XMPP_ERROR_NOT_AUTHORIZED, TESS_ENGINE_ERROR_NOT_AUTHORIZED },
  { TESS_XMPP_ERROR_ACCOUNT_DISABLED, TESS_ENGINE_ERROR_NOT_AUTHORIZED },
  { TESS_XMPP_ERROR_SERVER_UNPROVEN, TESS_ENGINE_ERROR_SERVER_UNPROVEN },
  { TESS_XMPP_ERROR_CONFLICT, TESS_ENGINE_ERROR_CONFLICT },
  { TESS_XMPP_ERROR_STREAM, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_CLOSED, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_TIMEOUT, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_NOT_WELL_FORMED, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_RESTRICTED_XML, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_TOO_LARGE, TESS_ENGINE_ERROR_CONNECTION },
  { TESS_XMPP_ERROR_ITEM_NOT_FOUND, TESS_ENGINE_ERROR_NOT_FOUND },
};

static const Translation store_codes[] = {
  { TESS_STORE_ERROR_FAILED, TESS_ENGINE_ERROR_DATABASE },
  { TESS_STORE_ERROR_DAMAGED, TESS_ENGINE_ERROR_DATABASE_DAMAGED },
  { TESS_STORE_ERROR_NEWER, TESS_ENGINE_ERROR_DATABASE_NEWER },
  { TESS_STORE_ERROR_FULL, TESS_ENGINE_ERROR_DATABASE_FULL },
  { TESS_STORE_ERROR_READ_ONLY, TESS_ENGINE_ERROR_DATABASE },
  { TESS_STORE_ERROR_IN_USE, TESS_ENGINE_ERROR_DATABASE_IN_USE },
  { TESS_STORE_ERROR_EXISTS, TESS_ENGINE_ERROR_EXISTS },
};

static const Translation omemo_codes[] = {
  { TESS_OMEMO_ERROR_NO_DEVICES, TESS_ENGINE_ERROR_NO_DEVICES },
  { TESS_OMEMO_ERROR_NEEDS_DECISION, TESS_ENGINE_ERROR_NEEDS_DECISION },
  { TESS_OMEMO_ERROR_STORE, TESS_ENGINE_ERROR_DATABASE },
  { TESS_OMEMO_ERROR_FOREIGN_KEY, TESS_ENGINE_ERROR_BAD_CODE },
  { TESS_OMEMO_ERROR_MALFORMED, TESS_ENGINE_ERROR_BAD_CODE },
};

static int
translate (const Translation *table, gsize length, int code)
{
  for (gsize i = 0; i < length; i++)
    if (table[i].from == code)
      return table[i].to;

  return TESS_ENGINE_ERROR_FAILED;
}

GError *
tess_engine_error_from (const GError *error)
{
  int     code = TESS_ENGINE_ERROR_FAILED;
  GError *translated;

  if (error->domain == TESS_ENGINE_ERROR ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (error);

  if (error->domain == TESS_XMPP_ERROR)
    code = translate (xmpp_codes, G_N_ELEMENTS (xmpp_codes), error->code);
  else if (error->domain == TESS_STORE_ERROR)
    code = translate (store_codes, G_N_ELEMENTS (store_codes), error->code);
  else if (error->domain == TESS_OMEMO_ERROR)
    code = translate (omemo_codes, G_N_ELEMENTS (omemo_codes), error->code);

  translated = g_error_new_literal (TESS_ENGINE_ERROR, code, error->message);
  tess_engine_error_get_private (translated)->certificate =
    tess_certificate_copy (tess_xmpp_error_get_certificate (error));

  return translated;
}

const TessCertificate *
tess_engine_error_get_certificate (const GError *error)
{
  if (error == NULL || error->domain != TESS_ENGINE_ERROR)
    return NULL;
  return tess_engine_error_get_private (error)->certificate;
}

void
tess_engine_propagate (GError **dest, GError *error)
{
  if (dest != NULL)
    *dest = tess_engine_error_from (error);
  g_error_free (error);
}
