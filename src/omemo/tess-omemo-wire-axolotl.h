/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-types.h"

G_BEGIN_DECLS

/*
 * eu.siacs.conversations.axolotl on the wire (XEP-0384 0.3.0): elements to plain structs and back. No state, no
 * ratchet, any thread. Every number and length that comes from outside is bounded here, and no key of low order
 * passes (attacks rows D5, D9).
 */

#define TESS_OMEMO_AXOLOTL_NS "eu.siacs.conversations.axolotl"
#define TESS_OMEMO_AXOLOTL_LIST_NODE TESS_OMEMO_AXOLOTL_NS ".devicelist"
#define TESS_OMEMO_AXOLOTL_BUNDLE_PREFIX TESS_OMEMO_AXOLOTL_NS ".bundles:"

#define TESS_OMEMO_MAX_DEVICES 256         /* of one list */
#define TESS_OMEMO_MAX_KEY_ELEMENTS 4096   /* of one message: a large room */
#define TESS_OMEMO_MAX_OWN_KEYS 4          /* elements with our own rid that are tried */
#define TESS_OMEMO_MAX_KEY_DATA 1024       /* a decoded <key/>, in bytes */
#define TESS_OMEMO_MAX_PREKEYS 1024        /* of one bundle */
#define TESS_OMEMO_MAX_PREKEY_ID 0xfffffe  /* 0xffffff is a last resort to libsignal, which never removes it */
#define TESS_OMEMO_SIGNATURE_BYTES 64
#define TESS_OMEMO_SERIAL_KEY_BYTES (TESS_OMEMO_KEY_BYTES + 1) /* 0x05 in front */

typedef struct
{
  guint32 id;
  guint8  key[TESS_OMEMO_KEY_BYTES];
} TessOmemoPublicPrekey;

typedef struct
{
  guint8  identity[TESS_OMEMO_KEY_BYTES];
  guint32 signed_id;
  guint8  signed_key[TESS_OMEMO_KEY_BYTES];
  guint8  signature[TESS_OMEMO_SIGNATURE_BYTES];
  GArray *prekeys; /* of TessOmemoPublicPrekey */
} TessOmemoBundle;

TessOmemoBundle *tess_omemo_bundle_new   (void);
void             tess_omemo_bundle_free  (TessOmemoBundle *self);
gboolean         tess_omemo_bundle_equal (const TessOmemoBundle *a, const TessOmemoBundle *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoBundle, tess_omemo_bundle_free)

typedef struct
{
  guint32  rid;
  gboolean prekey; /* a PreKeySignalMessage, a SignalMessage otherwise */
  GBytes  *data;   /* 1 … TESS_OMEMO_MAX_KEY_DATA bytes */
} TessOmemoWireKey;

typedef struct
{
  guint32    sid;
  GPtrArray *keys;    /* of TessOmemoWireKey; after parsing only those for the asking device */
  guint8     iv[16];
  gsize      iv_length; /* 12 or 16; 0 without one */
  GBytes    *payload; /* nullable: an empty message */
} TessOmemoWireMessage;

TessOmemoWireMessage *tess_omemo_wire_message_new     (guint32 sid);
void                  tess_omemo_wire_message_add_key (TessOmemoWireMessage *self, guint32 rid, gboolean prekey,
                                                       GBytes *data);
void                  tess_omemo_wire_message_free    (TessOmemoWireMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoWireMessage, tess_omemo_wire_message_free)

/* Whether a public key is one of the points of small order, whatever the bit that is ignored (attacks row D5). */
gboolean tess_omemo_key_is_low_order (const guint8 key[TESS_OMEMO_KEY_BYTES]);

/* Base64 (RFC 4648 section 4) with white space between. NULL for anything else and for more than @max bytes. */
GBytes *tess_omemo_base64_decode (const char *text, gsize max);

/* (transfer full) (element-type guint32): each id once, impossible ones left out, at most TESS_OMEMO_MAX_DEVICES.
 * @list nullable: no devices. */
GArray   *tess_omemo_axolotl_parse_list  (const TessNode *list);
TessNode *tess_omemo_axolotl_build_list  (GArray *ids);

/* NULL with %TESS_OMEMO_ERROR_MALFORMED. Single bad prekeys are left out; none at all is an error. The signature
 * is not looked at. */
TessOmemoBundle *tess_omemo_axolotl_parse_bundle (const TessNode *bundle, GError **error);
TessNode        *tess_omemo_axolotl_build_bundle (const TessOmemoBundle *bundle);
/* (transfer full): the node of a device's bundle. */
char            *tess_omemo_axolotl_bundle_node  (guint32 device);

/* Reads <encrypted/> for device @rid. NULL with %TESS_OMEMO_ERROR_MALFORMED. No key for us is not an error here. */
TessOmemoWireMessage *tess_omemo_axolotl_parse_message (const TessNode *encrypted, guint32 rid, GError **error);
TessNode             *tess_omemo_axolotl_build_message (const TessOmemoWireMessage *message);

G_END_DECLS
