/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-account-dialog.h"
#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessWindow:
 *
 * The main window: people, one conversation; or a welcome, or what is wrong with the database.
 */
#define TESS_TYPE_WINDOW (tess_window_get_type ())
G_DECLARE_FINAL_TYPE (TessWindow, tess_window, TESS, WINDOW, AdwApplicationWindow)

GtkWidget         *tess_window_new               (GtkApplication *application, TessClient *client);
void               tess_window_open_conversation (TessWindow *self, TessConversation *conversation);
/* Finds or makes the chat and opens it. */
void               tess_window_start_chat        (TessWindow *self, TessAccount *account, const char *address);
/* As a link from outside wants it: asks, unless the chat is there already. */
void               tess_window_ask_chat          (TessWindow *self, const char *address);
/* A link that is a verification code of @address: nothing is verified before the person says so. */
void               tess_window_ask_code          (TessWindow *self, const char *address, const char *code);
TessAccountDialog *tess_window_add_account       (TessWindow *self);
void               tess_window_ask_password      (TessWindow *self, TessAccount *account);
/* Whether somebody looks at @conversation now. */
gboolean           tess_window_is_in_front       (TessWindow *self, TessConversation *conversation);
TessClient        *tess_window_get_client        (TessWindow *self); /* (transfer none) */
/* @sentence: plain text */
void               tess_window_toast             (TessWindow *self, const char *sentence);

G_END_DECLS
