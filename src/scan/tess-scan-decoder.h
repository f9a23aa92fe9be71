/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TESS_SCAN_MAX_SIDE 16384              /* pixels */
#define TESS_SCAN_MAX_PIXELS (40 * 1000 * 1000)
#define TESS_SCAN_MAX_TEXT 4096               /* bytes of one code: a QR code holds 2953 */
#define TESS_SCAN_TURNS 36                    /* frames of a whole look */

typedef enum
{
  TESS_SCAN_QUICK,    /* one pass: for one of many frames, where the next one is a second chance */
  TESS_SCAN_THOROUGH, /* all that helps, some dozen passes: for a picture that comes alone */
} TessScanEffort;

/**
 * TessScanDecoder:
 *
 * Finds QR codes in grey pictures (zbar). One thread at a time. Codes may be turned, bright on dark, blurred and noisy.
 */
typedef struct _TessScanDecoder TessScanDecoder;

TessScanDecoder *tess_scan_decoder_new  (void);
void             tess_scan_decoder_free (TessScanDecoder *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessScanDecoder, tess_scan_decoder_free)

/**
 * tess_scan_decoder_decode:
 * @grey: @height rows of @width bytes, black is 0, each @stride bytes after the one before
 *
 * With %TESS_SCAN_QUICK each call looks in one way, in turn: six frames of a camera see what is small or middling, dark or bright, and
 * %TESS_SCAN_TURNS also a large code that leans away.
 *
 * Returns: (transfer full) (array zero-terminated=1): the texts of all codes that were found, each once; empty for none, and for a
 *   picture without pixels or beyond the limits. Only valid UTF-8 of at most %TESS_SCAN_MAX_TEXT bytes comes out.
 */
char **tess_scan_decoder_decode (TessScanDecoder *self, const guint8 *grey, guint width, guint height, gsize stride, TessScanEffort effort);

G_END_DECLS
