/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Every message is a translated sentence or two for a person. */
typedef enum
{
  TESS_SCAN_ERROR_NO_CODE,    /* the picture shows no QR code */
  TESS_SCAN_ERROR_UNREADABLE, /* no picture, or a broken one */
  TESS_SCAN_ERROR_TOO_LARGE,
  TESS_SCAN_ERROR_NO_CAMERA,  /* none there, or not for us */
  TESS_SCAN_ERROR_CAMERA,     /* it does not work, or another program has it */
  TESS_SCAN_ERROR_NO_SCREEN,  /* the desktop gives no picture of the screen */
} TessScanError;

#define TESS_SCAN_ERROR (tess_scan_error_quark ())
GQuark tess_scan_error_quark (void);

G_END_DECLS
