/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-signs.h"

#include <glib/gi18n.h>

const char *
tess_sign_security_icon (TessSecurity security)
{
  switch (security)
    {
    case TESS_SECURITY_VERIFIED:
      return "tess-verified-symbolic";
    case TESS_SECURITY_ENCRYPTED:
    case TESS_SECURITY_CHECKING:
      return "tess-lock-symbolic";
    case TESS_SECURITY_UNDECIDED:
    case TESS_SECURITY_NO_DEVICES:
      return "tess-lock-dot-symbolic";
    case TESS_SECURITY_ALARM:
      return "tess-warning-symbolic";
    case TESS_SECURITY_PLAIN:
    default:
      return "tess-lock-open-symbolic";
    }
}

const char *
tess_sign_security_word (TessSecurity security)
{
  switch (security)
    {
    case TESS_SECURITY_VERIFIED:
      return _("Verified");
    case TESS_SECURITY_ENCRYPTED:
      return _("Encrypted");
    case TESS_SECURITY_CHECKING:
      return _("Checking…");
    case TESS_SECURITY_UNDECIDED:
      return _("Check devices");
    case TESS_SECURITY_NO_DEVICES:
      return _("No devices");
    case TESS_SECURITY_ALARM:
      return _("Key changed");
    case TESS_SECURITY_PLAIN:
    default:
      return _("Not encrypted");
    }
}

const char *
tess_sign_security_sentence (TessSecurity security)
{
  switch (security)
    {
    case TESS_SECURITY_VERIFIED:
      return _("Messages are encrypted, and every device that can read them is verified.");
    case TESS_SECURITY_ENCRYPTED:
      return _("Messages are encrypted. At least one device that can read them was not verified yet.");
    case TESS_SECURITY_CHECKING:
      return _("Messages are encrypted. Tessera is asking for the devices of the other side.");
    case TESS_SECURITY_UNDECIDED:
      return _("A device waits for your decision. It gets no messages until then.");
    case TESS_SECURITY_NO_DEVICES:
      return _("The other side has no device that can read encrypted messages.");
    case TESS_SECURITY_ALARM:
      return _("The key of a device changed. Nothing is sent until you have looked at it.");
    case TESS_SECURITY_PLAIN:
    default:
      return _("The servers in between can read these messages.");
    }
}

const char *
tess_sign_security_class (TessSecurity security)
{
  switch (security)
    {
    case TESS_SECURITY_VERIFIED:
      return "tess-good";
    case TESS_SECURITY_UNDECIDED:
    case TESS_SECURITY_NO_DEVICES:
      return "tess-caution";
    case TESS_SECURITY_ALARM:
      return "tess-danger";
    case TESS_SECURITY_PLAIN:
    case TESS_SECURITY_ENCRYPTED:
    case TESS_SECURITY_CHECKING:
    default:
      return NULL;
    }
}

const char *
tess_sign_trust_icon (TessTrust trust)
{
  switch (trust)
    {
    case TESS_TRUST_VERIFIED:
      return "tess-verified-symbolic";
    case TESS_TRUST_BLIND:
      return "tess-lock-symbolic";
    case TESS_TRUST_DISTRUSTED:
      return "tess-warning-symbolic";
    case TESS_TRUST_UNDECIDED:
    default:
      return "tess-lock-dot-symbolic";
    }
}

const char *
tess_sign_trust_word (TessTrust trust)
{
  switch (trust)
    {
    case TESS_TRUST_VERIFIED:
      return _("Verified");
    case TESS_TRUST_BLIND:
      return _("Trusted");
    case TESS_TRUST_DISTRUSTED:
      return _("Distrusted");
    case TESS_TRUST_UNDECIDED:
    default:
      return _("Undecided");
    }
}

const char *
tess_sign_trust_class (TessTrust trust)
{
  switch (trust)
    {
    case TESS_TRUST_VERIFIED:
      return "tess-good";
    case TESS_TRUST_UNDECIDED:
      return "tess-caution";
    case TESS_TRUST_DISTRUSTED:
      return "tess-danger";
    case TESS_TRUST_BLIND:
    default:
      return NULL;
    }
}

const char *
tess_sign_state_icon (TessMessageState state)
{
  switch (state)
    {
    case TESS_MESSAGE_WAITING:
      return "tess-waiting-symbolic";
    case TESS_MESSAGE_SENT:
      return "tess-sent-symbolic";
    case TESS_MESSAGE_DELIVERED:
      return "tess-delivered-symbolic";
    case TESS_MESSAGE_READ:
      return "tess-read-symbolic";
    case TESS_MESSAGE_FAILED:
      return "tess-failed-symbolic";
    case TESS_MESSAGE_RECEIVED:
    default:
      return NULL;
    }
}

const char *
tess_sign_state_word (TessMessageState state)
{
  switch (state)
    {
    case TESS_MESSAGE_WAITING:
      return _("Waiting to be sent");
    case TESS_MESSAGE_SENT:
      return _("Sent");
    case TESS_MESSAGE_DELIVERED:
      return _("Delivered");
    case TESS_MESSAGE_READ:
      return _("Read");
    case TESS_MESSAGE_FAILED:
      return _("Not sent");
    case TESS_MESSAGE_RECEIVED:
    default:
      return NULL;
    }
}

const char *
tess_sign_message_icon (TessEncryption encryption, TessTrust trust)
{
  if (encryption == TESS_ENCRYPTION_NONE)
    return "tess-lock-open-symbolic";
  if (encryption == TESS_ENCRYPTION_UNREADABLE)
    return "tess-lock-symbolic";
  return tess_sign_trust_icon (trust);
}

const char *
tess_sign_message_word (TessEncryption encryption, TessTrust trust)
{
  if (encryption == TESS_ENCRYPTION_NONE)
    return _("Not encrypted");
  if (encryption == TESS_ENCRYPTION_UNREADABLE)
    return _("Encrypted, cannot be read");
  switch (trust)
    {
    case TESS_TRUST_VERIFIED:
      return _("Encrypted, device verified");
    case TESS_TRUST_BLIND:
      return _("Encrypted, device trusted");
    case TESS_TRUST_DISTRUSTED:
      return _("Encrypted, device distrusted");
    case TESS_TRUST_UNDECIDED:
    default:
      return _("Encrypted, device undecided");
    }
}

const char *
tess_sign_message_class (TessEncryption encryption, TessTrust trust)
{
  if (encryption != TESS_ENCRYPTION_OMEMO)
    return NULL;
  return tess_sign_trust_class (trust);
}

const char *
tess_sign_presence_word (TessPresence presence)
{
  switch (presence)
    {
    case TESS_PRESENCE_ONLINE:
    case TESS_PRESENCE_CHAT:
      return _("Online");
    case TESS_PRESENCE_AWAY:
      return _("Away");
    case TESS_PRESENCE_XA:
      return _("Away for long");
    case TESS_PRESENCE_DND:
      return _("Do not disturb");
    case TESS_PRESENCE_OFFLINE:
    default:
      return _("Offline");
    }
}
