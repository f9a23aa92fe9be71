/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-desktop"

#include "config.h"

#include "desktop/tess-desktop-error.h"

G_DEFINE_QUARK (tess - desktop - error - quark, tess_desktop_error)
