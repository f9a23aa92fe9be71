/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-settings.h"

GSettings *
tess_settings_get (void)
{
  static GSettings *settings;
  static gboolean tried;

  if (!tried)
    {
      GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
      g_autoptr (GSettingsSchema) schema =
        source != NULL ? g_settings_schema_source_lookup (source, TESS_APPLICATION_ID, TRUE) : NULL;

      tried = TRUE;
      if (schema != NULL)
        settings = g_settings_new_full (schema, NULL, NULL);
      else
        g_message ("The settings schema is not installed; nothing that is set will be kept");
    }
  return settings;
}

gboolean
tess_settings_get_boolean (const char *key)
{
  GSettings *settings = tess_settings_get ();
  return settings == NULL || g_settings_get_boolean (settings, key);
}
