/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Each comes with a sentence for a person. */
typedef enum
{
  TESS_DESKTOP_ERROR_FAILED,
  TESS_DESKTOP_ERROR_NO_SECRET_SERVICE, /* nothing on the session bus keeps passwords */
  TESS_DESKTOP_ERROR_LOCKED,            /* the keyring is locked, and the person closed the question for its password */
  TESS_DESKTOP_ERROR_TIMED_OUT,         /* the service is there, but does not answer */
  TESS_DESKTOP_ERROR_REFUSED,           /* the person, or a rule of the system, said no */
} TessDesktopError;

#define TESS_DESKTOP_ERROR (tess_desktop_error_quark ())
GQuark tess_desktop_error_quark (void);

G_END_DECLS
