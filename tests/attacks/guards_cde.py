# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards of rows C, D and E: see guards.py."""

from guards import Guard

XEP, ENGINE, OMEMO = "src/xmpp/xep/tess-xep-", "src/engine/tess-", "src/omemo/tess-omemo-"
INBOUND, DECRYPT, RATCHET = ENGINE + "inbound.c", OMEMO + "decrypt.c", OMEMO + "ratchet.c"
DEVICES, SETTLE, WIRE = OMEMO + "devices.c", OMEMO + "settle.c", OMEMO + "wire-axolotl.c"
C, TIME, D, BYTES, E = (f"test_rows_{n}.py" for n in ("c", "c_time", "d", "d_bytes", "e"))

GUARDS = [
    # -- C1 --
    Guard("C1", "a carbon is from our own bare address", XEP + "carbons.c",
          'if (!tess_router_is_own_bare (router, stanza->from) || g_strcmp0 (stanza->type, "error") == 0)',
          'if (g_strcmp0 (stanza->type, "error") == 0)', f"{C} C1.test_received_live"),
    Guard("C1", "nothing is unwrapped twice", XEP + "forward.c", "  if (forwards (message))\n    return NULL;\n", "",
          f"{C} C1.test_nested_carbon_received"),
    Guard("C1", "a copy concerns us", XEP + "carbons.c", "if (message == NULL || !concerns_us (router, direction, message))",
          "if (message == NULL)", f"{C} C1.test_not_ours"),
    Guard("C1", "one copy a message", XEP + "carbons.c",
          "if ((sent != NULL && received != NULL) ||\n"
          "      tess_node_next (wrapper, tess_node_get_name (wrapper), TESS_XEP_CARBONS_NS) != NULL)", "if (FALSE)",
          f"{C} C1.test_not_ours"),
    Guard("C1", "what is dropped of a page hides nothing behind it", ENGINE + "catch-up.c",
          "      self->first_id = g_strdup (page->first);\n      self->last_id = g_strdup (page->last);\n", "      ;\n",
          f"{C} C1.test_nested_hides_nothing"),
    # -- C2 --
    Guard("C2", "a result is from the archive that was asked", XEP + "mam.c",
          "if (query == NULL || !is_from_archive (query, stanza->from) ||", "if (query == NULL ||", f"{C} C2.test_open_query"),
    Guard("C2", "the open query is looked up by its id", XEP + "mam.c",
          "queryid != NULL ? g_hash_table_lookup (self->queries, queryid) : NULL;",
          "NULL;\n  GHashTableIter iter;\n  g_hash_table_iter_init (&iter, self->queries);\n  (void) queryid;\n"
          "  g_hash_table_iter_next (&iter, NULL, (gpointer *) &query);", f"{C} C2.test_open_query"),
    Guard("C2", "in an older page, too", XEP + "mam.c", "!is_from_archive (query, stanza->from) ||\n", "\n",
          f"{C} C2.test_open_page_of_a_gap"),
    # -- C3 --
    Guard("C3", "a push is from our own bare address", XEP + "roster.c", "if (!tess_router_is_own_bare (router, push->from))", "if (FALSE)",
          f"{C} C3.test_push_live"),
    # -- C4 --
    Guard("C4", "an answer is from whom was asked", "src/xmpp/tess-router.c",
          "if (request == NULL || !is_answer_from (self, request, stanza->from))", "if (request == NULL)",
          f"{C} C4.test_somebodys_answer_live"),
    Guard("C4", "our server does not answer for others", "src/xmpp/tess-router.c",
          "  if (request->to != NULL && !tess_router_is_own_bare (self, request->to))\n    return FALSE;\n", "",
          f"{C} C4.test_somebodys_answer_live"),
    Guard("C4", "ids are random", "src/base/tess-id.c", "  return tess_hex_encode (bytes, sizeof bytes);",
          "  static guint32 count;\n  memset (bytes, 0, sizeof bytes);\n  memcpy (bytes, &count, sizeof count);\n  count++;\n"
          "  return tess_hex_encode (bytes, sizeof bytes);", f"{C} C4.test_ids"),
    # -- C5 --
    Guard("C5", "an event is from a bare address", XEP + "pep.c", "if (!tess_jid_is_bare (stanza->from) || ", "if (",
          f"{C} C5.test_device_list_live"),
    Guard("C5", "a stranger's list is nothing to keep", "src/omemo/tess-omemo.c",
          "if (!g_str_equal (node, TESS_OMEMO_AXOLOTL_LIST_NODE) || !is_acquainted (self, bare))",
          "if (!g_str_equal (node, TESS_OMEMO_AXOLOTL_LIST_NODE))", f"{C} C5.test_device_list_live"),
    Guard("C5", "a list counts for its sender", "src/omemo/tess-omemo.c", "tess_omemo_apply_list (self, bare, ids);",
          "tess_omemo_apply_list (self, self->account, ids);", f"{C} C5.test_own_list"),
    Guard("C5", "what was read is said by our own node", XEP + "pep.c",
          "if (watcher->own_only && !tess_router_is_own_bare (self->router, stanza->from))", "if (FALSE)", f"{C} C5Displayed.test_event_live"),
    Guard("C5", "…of that chat", ENGINE + "reading.c", "return g_strcmp0 (message->peer, peer) != 0 || read_up_to (self, message, error);",
          "return read_up_to (self, message, error);", f"{C} C5Displayed.test_event_live"),
    Guard("C5", "…by an id of our own archive", XEP + "mds.c", "*id = tess_xep_sid_get_stanza_id (item->payload, by);",
          '*id = tess_node_get (tess_node_child (item->payload, "stanza-id", TESS_XEP_SID_NS), "id");', f"{C} C5Displayed.test_event_live"),
    # -- C6 --
    Guard("C6", "what was read is private", XEP + "mds.c", ".access = TESS_PEP_ACCESS_WHITELIST,", ".access = TESS_PEP_ACCESS_DEFAULT,",
          f"{C} C6.test_what_was_read"),
    Guard("C6", "…or stays here", ENGINE + "reading.c", "keeps = archived != NULL && self->private_nodes && !self->refused;",
          "keeps = archived != NULL && !self->refused;", f"{C} C6.test_what_was_read_without_publish_options"),
    Guard("C6", "published with options", XEP + "pep.c", "if (request->has_options)\n    add_options", "if (FALSE)\n    add_options",
          f"{C} C6.test_options"),
    # -- C7 --
    Guard("C7", "an id is by our own account", XEP + "sid.c",
          "if (jid == NULL || !tess_jid_is_bare (jid) || !tess_jid_bare_equal (jid, by))", "if (jid == NULL)", f"{C} C7.test_foreign_live"),
    Guard("C7", "not by a resource of it", XEP + "sid.c", "!tess_jid_is_bare (jid) || ", "", f"{C} C7.test_foreign_live"),
    Guard("C7", "one id", XEP + "sid.c", "return n_found == 1 &&", "return n_found >= 1 &&", f"{C} C7.test_doubled_live"),
    Guard("C7", "only where it is announced", INBOUND, "if (session->stamps)\n", "if (TRUE)\n",
          f"{C} C7Unannounced.test_unannounced_live"),
    Guard("C7", "what a server said holds on the next stream", "src/engine/tess-session.c",
          "  self->no_archive = FALSE;\n  g_hash_table", "  self->stamps = TRUE;\n  self->no_archive = FALSE;\n  g_hash_table",
          f"{C} C7Unannounced.test_next_session"),
    Guard("C7", "an id of the sender's is no word of ours", "src/engine/tess-inbound-page.c", "if (result->known_id != 0 || !result->outgoing || ",
          "if (result->known_id != 0 || ", f"{C} C7.test_ours"),
    # -- C11 --
    Guard("C11", "the message is one to that person", "src/store/tess-store-messages.c",
          '"WHERE account_id = ?1 AND peer = ?2) "\n                      "AND m.direction = 1',
          '"WHERE account_id = ?1 AND (peer = ?2 OR 1)) "\n                      "AND m.direction = 1', f"{TIME} C11.test_receipt_live"),
    Guard("C11", "no receipts for what is no news", INBOUND, "if (id == NULL || in->outgoing || in->source != TESS_INBOUND_LIVE ||",
          "if (id == NULL || in->outgoing ||", f"{TIME} C11.test_answers"),
    Guard("C11", "no receipts to strangers", INBOUND,
          "      !tess_session_may_answer (session, in->from))\n    return;\n\n  tess_session_send",
          "      FALSE)\n    return;\n\n  tess_session_send", f"{TIME} C11.test_answers"),
    Guard("C11", "no markers to strangers", ENGINE + "reading.c",
          "if (jid == NULL || !tess_session_may_answer (self->session, jid))", "if (jid == NULL)", f"{TIME} C11.test_displayed"),
    Guard("C11", "one of ours is out of our own copies", ENGINE + "reading.c",
          "return in->outgoing ? take_own (self, in, id) : take_theirs (self, in, id);",
          "TessInbound copy = *in;\n  if (!in->outgoing)\n    copy.to = in->from;\n"
          "  return take_own (self, &copy, id) && (in->outgoing || take_theirs (self, in, id));", f"{TIME} C11.test_read_elsewhere_live"),
    Guard("C11", "no errors out of the archive", INBOUND, "return in->source == TESS_INBOUND_ARCHIVE || take_error (session, in);",
          "return take_error (session, in);", f"{TIME} C11.test_error_in_archive"),
    # -- C14 --
    Guard("C14", "a stamp is by our server", XEP + "delay.c", "if (from == NULL || !is_believed (from, account, room) ||",
          "if (from == NULL ||", f"{TIME} C14.test_not_believed_live"),
    Guard("C14", "a live stamp is not in the future", XEP + "delay.c", "*time_us = MIN (stamp_us, now_us);\n      found = TRUE;",
          "*time_us = stamp_us;\n      found = TRUE;", f"{TIME} C14.test_future_live"),
    Guard("C14", "a wrapper's stamp is not in the future", XEP + "delay.c", "*time_us = MIN (stamp_us, now_us);\n  return TRUE;",
          "*time_us = stamp_us;\n  return TRUE;", f"{TIME} C14.test_future_archive"),
    Guard("C14", "not older than what others wrote", INBOUND, "record->time_us = MAX (record->time_us, MIN (newest, now));", "",
          f"{TIME} C14.test_silence"),
    Guard("C14", "not above what is there", INBOUND, "if (last_us != TESS_INBOUND_NO_TIME && record->time_us <= last_us)", "if (FALSE)",
          f"{TIME} C14.test_behind_the_future"),
    # -- C15 --
    Guard("C15", "small letters", "src/xmpp/tess-jid-prepare.c", "  small = map_case (narrow);", "  small = g_strdup (narrow);",
          f"{C} C15.test_prepared_live"),
    Guard("C15", "narrow letters", "src/xmpp/tess-jid-prepare.c", "g_autofree char *narrow = map_width (text);",
          "g_autofree char *narrow = g_strdup (text);", f"{C} C15.test_prepared_live"),
    Guard("C15", "a localpart is an identifier", "src/xmpp/tess-jid-prepare.c", "  if (!is_identifier (narrow))\n    return NULL;\n", "",
          f"{C} C15.test_impossible_live"),
    Guard("C15", "at most 1023 octets of a localpart", "src/xmpp/tess-jid-prepare.c",
          "strlen (composed) > TESS_JID_MAX_PART ||\n      !passes_bidi_rule", "\n      !passes_bidi_rule", f"{C} C15.test_impossible_live"),
    # -- D1 --
    Guard("D1", "blind trust only before verification", OMEMO + "trust.c", "return blind && !verified ?", "return blind ?",
          "test_rows_d_trust.py D1.test_added"),
    # -- D2 --
    Guard("D2", "a known device keeps its key", RATCHET,
          "if (self->has_known_key && memcmp (self->known_key, key, TESS_OMEMO_KEY_BYTES) != 0)", "if (FALSE)",
          f"{D} D2.test_exchange_live"),
    Guard("D2", "an alarm", DECRYPT, "    tess_omemo_address_add (self->alarms, bare, message->sid);", "    ;",
          f"{D} D2.test_exchange_live"),
    Guard("D2", "nothing goes where there is an alarm", ENGINE + "outbound.c", "      if (alarm)\n", "      if (FALSE)\n",
          f"{D} D2.test_other_device"),
    Guard("D2", "a bundle's key is compared", DEVICES, "      if (memcmp (device->key, key, TESS_OMEMO_KEY_BYTES) == 0)\n        return TRUE;",
          "      return TRUE;", f"{D} D2.test_bundle"),
    # -- D3 --
    Guard("D3", "an exchange with somebody else's key", DECRYPT, "if ((*row == NULL || !(*row)->has_key)\n", "if (FALSE\n",
          f"{D} D3.test_exchange_live"),
    Guard("D3", "a bundle with somebody else's key", DEVICES,
          "  if (!tess_omemo_check_owner (self, jid, device != NULL && device->active, key, error))\n    return FALSE;\n", "",
          f"{D} D3.test_copied_bundle"),
    Guard("D3", "a false claim is an alarm", DEVICES, "        tess_omemo_address_add (self->alarms, owner->jid, owner->id);", "        ;",
          f"{D} D3.test_first_of_all"),
    # -- D4 --
    Guard("D4", "a one-time prekey", RATCHET, "if (!pre_key_signal_message_has_pre_key_id (message))", "if (FALSE)",
          f"{BYTES} D4.test_no_prekey_live"),
    # -- D5 --
    Guard("D5", "the identity key of an exchange", RATCHET, "\n      || tess_omemo_key_is_low_order (identity)", "",
          f"{BYTES} D5.test_identity_key_live"),
    Guard("D5", "the base key of an exchange", RATCHET, "\n      || tess_omemo_key_is_low_order (self->received.base_key)", "",
          f"{BYTES} D5.test_base_key_live"),
    Guard("D5", "the ratchet key", RATCHET, "\n      || tess_omemo_key_is_low_order (key))\n    return refuse (TESS_OMEMO_ERROR_MALFORMED, \"a ratchet",
          ")\n    return refuse (TESS_OMEMO_ERROR_MALFORMED, \"a ratchet", f"{BYTES} D5.test_ratchet_key_live"),
    Guard("D5", "the bit that is ignored", WIRE, "  masked[TESS_OMEMO_KEY_BYTES - 1] &= 0x7f;", "  ", f"{BYTES} D5.test_base_key_live"),
    Guard("D5", "keys of a bundle", WIRE, " || tess_omemo_key_is_low_order (data + 1))", ")", f"{BYTES} D5.test_bundles"),
    # -- D6 --
    Guard("D6", "one bundle a batch", OMEMO + "publish.c", "if (since >= 0 && since < TESS_OMEMO_PUBLISH_EVERY_US)", "if (FALSE)",
          f"{D} D6.test_flood_live"),
    Guard("D6", "refilled", SETTLE, "  if (self->prekeys_used || self->prekeys_kept)\n    tess_omemo_refill (self);\n", "",
          f"{D} D6.test_flood_live"),
    # -- D7 --
    Guard("D7", "what was decrypted is passed over", INBOUND,
          " || g_error_matches (omemo_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_DUPLICATE)", "", f"{D} D7.test_twice_live"),
    Guard("D7", "what could not be decrypted is passed over", INBOUND,
          "(record->encryption != TESS_ENCRYPTION_NONE && !pass_over_copy (session, record, error)) ||", "",
          f"{D} D7.test_twice_live"),
    # -- D8 --
    Guard("D8", "the payload is opened before the ratchet is kept", DECRYPT,
          "  if (!open_payload (message, secret, &text, error))\n    return FALSE;\n",
          "  open_payload (message, secret, &text, NULL);\n", f"{BYTES} D8.test_payload_live"),
    # -- D9 --
    Guard("D9", "key and tag of the right length", DECRYPT,
          "if (key_size != AES_KEY_BYTES + TESS_GCM_TAG_SIZE && (key_size != AES_KEY_BYTES || message->payload != NULL))",
          "if (key_size < AES_KEY_BYTES)", f"{BYTES} D9.test_secret_live"),
    Guard("D9", "an IV of 12 or 16 bytes", WIRE, "if (size != 12 && size != 16)", "if (FALSE)", f"{BYTES} D9.test_iv_live"),
    # -- D10 --
    Guard("D10", "what is decrypted wins", INBOUND, "  taken = encrypted != NULL ? take_encrypted",
          '  taken = encrypted != NULL && tess_node_child (in->message, "body", NULL) == NULL ? take_encrypted',
          f"{D} D10.test_body_beside_live"),
    Guard("D10", "who writes encrypted is answered encrypted", INBOUND,
          "gboolean encrypts = record->encryption == TESS_ENCRYPTION_OMEMO && place->encryption == TESS_CONVERSATION_AUTOMATIC;",
          "gboolean encrypts = FALSE;",
          f"{D} D10.test_no_list_live"),
    # -- D13 --
    Guard("D13", "announced again a few times only", OMEMO + "publish.c", "if (self->announces < TESS_OMEMO_ANNOUNCES)", "if (TRUE)",
          "test_rows_d_trust.py D13.test_storm"),
    # -- D14 --
    Guard("D14", "a link only asks", "src/views/tess-verification-dialog.c", "  check (self, code, TESS_VERIFY_LOOK);\n",
          "  check (self, code, TESS_VERIFY_SCANNED);\n", "../window/test_scan.py Scan.test_e_link_asks"),
    Guard("D14", "a text was not seen", "src/views/tess-verification-dialog.c", "seen ? TESS_VERIFY_SCANNED : TESS_VERIFY_LOOK",
          "TESS_VERIFY_SCANNED", "../window/test_scan.py Scan.test_f_pasted"),
    Guard("D14", "a look changes nothing", ENGINE + "trust.c", "all = how == TESS_VERIFY_LOOK ?", "all = FALSE ?",
          "test_rows_d_trust.py D14.test_look"),
    # -- D15 --
    Guard("D15", "no answer to a stranger's exchange", SETTLE,
          "if (!may_answer (self, address->jid) || !tess_omemo_send_empty (self, address->jid, address->device))",
          "if (!tess_omemo_send_empty (self, address->jid, address->device))", f"{D} D15.test_stranger_live"),
    Guard("D15", "no question for a stranger's list", SETTLE, "      if (may_answer (self, jid)) /*", "      if (TRUE) /*",
          f"{D} D15.test_stranger_live"),
    Guard("D15", "no repair with a stranger", SETTLE, "if (!may_answer (self, address->jid) || tess_omemo_address_has (self->repaired",
          "if (tess_omemo_address_has (self->repaired", f"{D} D15.test_stranger_live"),
    # -- D17 --
    Guard("D17", "the text is UTF-8 without NUL", DECRYPT, "if (!g_utf8_validate_len (plain, length, NULL))", "if (FALSE)",
          f"{BYTES} D17.test_text_live"),
    # -- E7 --
    Guard("E7", "a message's text is escaped", "src/views/tess-text.c",
          "  g_autofree char *escaped = g_markup_escape_text (text, (gssize) length);\n  g_string_append (out, escaped);",
          "  g_string_append_len (out, text, (gssize) length);", f"{E} E7.test_texts"),
    Guard("E7", "a contact's name is escaped in a row", "src/views/tess-new-chat-dialog.c",
          "g_markup_escape_text (tess_contact_get_name (contact), -1);", "g_strdup (tess_contact_get_name (contact));",
          f"{E} E7.test_names"),
    # -- E8 --
    Guard("E8", "escaped for who parses markup", "src/views/tess-notifier.c", "return escape ? g_markup_escape_text (body, -1) : ",
          "return ", f"{E} E8.test_parsed"),
    Guard("E8", "as it is for who parses none", "src/views/tess-notifier.c", 'g_strv_contains (capabilities, "body-markup")', "TRUE",
          f"{E} E8Plain.test_plain"),
    # -- E9 --
    Guard("E9", "only these schemes", "src/views/tess-text.c", "    return uri[strlen (scheme) + 1] != '\\0';\n  return FALSE;",
          "    return uri[strlen (scheme) + 1] != '\\0';\n  return TRUE;", f"{E} E9.test_opened"),
    Guard("E9", "no user before the host", "src/views/tess-text.c", " && g_uri_get_userinfo (parsed) == NULL", "", f"{E} E9.test_opened"),
    Guard("E9", "no backslash", "src/views/tess-text.c", " && strchr (uri, '\\\\') == NULL", "", f"{E} E9.test_opened"),
    Guard("E9", "asked before it goes out", "src/tess-application.c", "else if (tess_text_link_is_allowed (uri))", "else",
          f"{E} E9.test_opened"),
    # -- E10 --
    Guard("E10", "of a link only the address is taken", "src/views/tess-text.c", 'g_strndup (path, strcspn (path, "?#"));',
          "g_strdup (path);", f"{E} E10.test_known"),
    Guard("E10", "our links are opened by us", "src/tess-application.c", "  if (address != NULL)\n    open_address (self, address, uri);\n  else if (tess_text",
          "  if (tess_text", f"{E} E10.test_known"),
    # -- E11 --
    # A contact's name is cleaned where the roster is read and again where it is shown: one of both alone is not missed here, but by
    # /xep/text and /base/text.
    Guard("E11", "notifications without direction marks", "src/views/tess-notifier.c", "g_autofree char *line = tess_text_clean_line (text);",
          "g_autofree char *line = g_strdup (text);", f"{E} E8Plain.test_bidi"),
    Guard("E11", "the address beside the name", "src/views/tess-chat-view.c",
          "  return g_strdup_printf (_(\"%1$s · %2$s\"), isolated, presence);\n}\n\nstatic void\nupdate_who",
          "  return g_steal_pointer (&presence);\n}\n\nstatic void\nupdate_who", f"{E} E11.test_look_alike"),
]
