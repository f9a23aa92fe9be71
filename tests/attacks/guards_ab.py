# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards of the rows A and B, and of the floods."""

from guards import Guard

_PARSER, _LINK, _STREAM = "src/xmpp/tess-parser.c", "src/xmpp/tess-link.c", "src/xmpp/tess-stream.c"
_LOGIN, _BIND, _TLS = "src/xmpp/tess-login.c", "src/xmpp/tess-login-bind.c", "src/xmpp/tess-tls.c"
_SASL, _CHOOSE, _MANAGEMENT = "src/xmpp/tess-sasl.c", "src/xmpp/tess-sasl-choose.c", "src/xmpp/tess-stream-management.c"


def _a(row, name, old, new, test, file=_PARSER):
    return Guard(row, name, file, old, new, "test_rows_a.py Row" + test)


def _b(row, name, file, old, new, test):
    return Guard(row, name, file, old, new, "test_rows_b.py Row" + test)


GUARDS = [
    _a("A1", "no comments", "comment_cb (void *data, const XML_Char *text)\n{\n  restricted (data);",
       "comment_cb (void *data, const XML_Char *text)\n{", "A1.test_comment_in_a_stanza"),
    _a("A1", "no processing instructions", "instruction_cb (void *data, const XML_Char *target, const XML_Char *text)\n{\n  restricted (data);",
       "instruction_cb (void *data, const XML_Char *target, const XML_Char *text)\n{", "A1.test_processing_instruction_at_login"),
    _a("A1", "no DOCTYPE", "int internal)\n{\n  restricted (data);", "int internal)\n{", "A1.test_doctype_at_login"),
    _a("A1", "an entity is restricted XML", "    case XML_ERROR_UNDEFINED_ENTITY:\n", "", "A1.test_undeclared_entity_at_login"),
    _a("A1", "the error is said", 'condition = "restricted-xml";', 'condition = "not-well-formed";', "A1.test_comment_at_login", _LINK),
    _a("A2", "no other encoding", "if (encoding != NULL && g_ascii_strcasecmp (encoding, \"UTF-8\") != 0)", "if (FALSE)",
       "A2.test_another_encoding_at_login"),
    _a("A3", "the separator is no character of XML", "#define SEPARATOR '\\001'", "#define SEPARATOR '|'", "A3.test_separators_in_a_namespace"),
    _a("A5", "the end of a tag is noticed", "|| self->token_ends ||", "||", "A5.test_a_large_tag_in_small_pieces"),
    _a("A6", "64 deep", "if (self->depth >= TESS_PARSER_MAX_DEPTH)", "if (FALSE)", "A6.test_depth"),
    _a("A6", "128 attributes", "          too_large (self, \"attributes of an element\", TESS_PARSER_MAX_ATTRIBUTES);\n          return FALSE;",
       "          break;", "A6.test_attributes"),
    _a("A6", "65,536 elements", "else if (++self->elements > TESS_PARSER_MAX_ELEMENTS)", "else if (FALSE)", "A6.test_elements"),
    _a("A6", "1 MiB", "if (self->progress - self->boundary > self->limit)\n    too_large", "if (FALSE)\n    too_large",
       "A6.test_stanza_of_two_mebibytes"),
    _a("A6", "64 KiB before the login", "#define TESS_PARSER_LIMIT_BEFORE_LOGIN (64 * 1024)",
       "#define TESS_PARSER_LIMIT_BEFORE_LOGIN (4 * 1024 * 1024)", "A6.test_endless_text_at_login", "src/xmpp/tess-parser.h"),
    _a("A6", "what is too large is left out", "limit >= TESS_PARSER_LIMIT ? TESS_PARSER_PATIENCE : 0", "0",
       "A6.test_stanza_of_two_mebibytes", _LINK),
    _a("A6", "what is left out counts", "  else if (self->parts->management != NULL)\n    count_handled (self);\n}\n\nstatic void\nlink_event_cb",
       "}\n\nstatic void\nlink_event_cb", "A6.test_depth", _STREAM),
    _a("A6", "what is left out has a depth", "if (self->depth >= SKIP_DEPTH)", "if (FALSE)", "A6.test_endless_stanza"),
    _a("A6", "what is left out has an end", "if (self->error == NULL && self->given - self->boundary > longest)", "if (FALSE)",
       "A6.test_endless_stanza"),
    _a("A6", "a tag has an end", "if (self->error == NULL && self->given - self->progress > self->limit)", "if (FALSE)",
       "A6.test_endless_stanza"),

    _b("B1", "no login without STARTTLS", _LOGIN, "if (tess_node_child (self->features, \"starttls\", TESS_NS_TLS) == NULL)",
       "if (FALSE)", "B1.test_no_starttls"),
    _b("B1", "no login in the clear", _LOGIN, "  if (!self->encrypted)\n    start_tls (self);\n  else if", "  if",
       "B1.test_mechanisms_in_the_clear"),
    _b("B1", "a refusal is one", _LOGIN, "if (!tess_node_is (node, \"proceed\", TESS_NS_TLS))", "if (FALSE)", "B1.test_starttls_refused"),
    _b("B2", "nothing behind proceed", _LOGIN,
       "if (!tess_link_is_drained (self->link))\n    {\n      tess_login_fail_with (self, TESS_XMPP_ERROR_NO_TLS,",
       "if (FALSE)\n    {\n      tess_login_fail_with (self, TESS_XMPP_ERROR_NO_TLS,", "B2.test_bytes_behind_proceed"),
    _b("B3", "a certificate that is wrong is refused", _TLS, "self->refused = read->faults != TESS_CERTIFICATE_FINE;",
       "self->refused = FALSE;", "B3.test_expired"),
    _b("B3", "the name is the domain of the address", _TLS,
       "tess_certificate_names_service (certificate, self->domain, self->ascii))", "TRUE)", "B3.test_the_host_that_was_asked"),
    _b("B4", "never PLAIN after SCRAM", _CHOOSE, "if (options->scram_seen && find (options, TESS_SASL_SCRAM, NULL) == NULL)",
       "if (FALSE)", "B4.test_where_nothing_was_bound"),
    _b("B5", "the list is the signed one", _SASL, "if (!check_list (self, parts[i]))", "if (FALSE)", "B5.test_mechanism_added"),
    _b("B6", "the lists do not contradict", _CHOOSE, "if (is_contradictory (options, plus))", "if (FALSE)", "B6.test_mechanisms_stripped"),
    _b("B6", "y is said", _CHOOSE, "choice->unseen = options->n_bindings > 0 && !plus;", "choice->unseen = FALSE;",
       "B6.test_both_stripped"),
    _b("B6", "bound once, bound always", _CHOOSE, "if (options->binding_seen)", "if (FALSE)", "B6.test_gone_at_the_second_login"),
    _b("B7", "the nonce is ours and more", _SASL, "if (!is_good_nonce (self, parts[0] + 2) || ", "if (", "B7.test_foreign_nonce"),
    _b("B7", "the nonce has a part of the server's", _SASL, " || strlen (nonce) == strlen (self->nonce))", ")",
       "B7.test_nonce_that_is_only_ours"),
    _b("B7", "no empty salt", _SASL, "salt == NULL || salt_length == 0 ||", "salt == NULL ||", "B7.test_empty_salt"),
    _b("B7", "no mandatory extension", _SASL, "if (g_str_has_prefix (parts[i], \"m=\"))", "if (FALSE)",
       "B7.test_mandatory_extension_behind"),
    _b("B7", "the signature is compared", _SASL, "!tess_equal_constant_time (signature, self->server_signature, size))", "FALSE)",
       "B7.test_signature_with_one_bit_changed"),
    _b("B7", "a success is signed", _SASL, "        return unproven (self, error, \"a success without a signature\");",
       "        return TRUE;", "B7.test_success_without_signature"),
    _b("B7", "no success before the challenge", _SASL, "return unproven (self, error, \"a success too early\");",
       "self->state = STATE_DONE;", "B7.test_success_before_the_challenge"),
    _b("B8", "4,096 iterations at least", "src/xmpp/tess-sasl.h", "#define TESS_SASL_MIN_ITERATIONS 4096",
       "#define TESS_SASL_MIN_ITERATIONS 0", "B8.test_unreasonable_numbers"),
    _b("B8", "10,000,000 iterations at most", "src/xmpp/tess-sasl.h", "#define TESS_SASL_MAX_ITERATIONS 10000000",
       "#define TESS_SASL_MAX_ITERATIONS 20000000", "B8.test_unreasonable_numbers"),
    _b("B8", "derived in a thread", _SASL, "g_task_run_in_thread (task, derive_in_thread);",
       "derive_in_thread (task, NULL, derivation, cancellable);", "B8.test_everything_else_goes_on"),
    _b("B8", "cancelled", _SASL, "key->salt_length, key->iterations, cancellable, salted);", "key->salt_length, key->iterations, NULL, salted);",
       "B8.test_cancelled"),
    _b("B9", "bound to whom we asked for", _BIND, "      !tess_jid_bare_equal (jid, self->options.jid))\n    {\n      tess_login_fail_bad_reply",
       "      FALSE)\n    {\n      tess_login_fail_bad_reply", "B9.test_bound_to_somebody_else"),
    _b("B9", "bound to a full address", _BIND, "jid == NULL || tess_jid_is_bare (jid) ||\n      !tess_jid_bare_equal (jid, self->options.jid))\n    {\n      tess_login_fail_bad_reply (self, \"bound",
       "jid == NULL ||\n      !tess_jid_bare_equal (jid, self->options.jid))\n    {\n      tess_login_fail_bad_reply (self, \"bound",
       "B9.test_bound_to_a_bare_address"),
    _b("B9", "no other host before TLS", _LOGIN, "text == NULL || !self->encrypted || ", "text == NULL || ",
       "B9.test_other_host_before_tls"),
    _b("B9", "three hops", _LOGIN, "self->hops >= MAX_HOPS", "self->hops >= 5", "B9.test_other_host_without_end"),
    _b("B10", "no more than was sent", _MANAGEMENT, "  if (count > self->unacked.length)\n    return FALSE;",
       "  if (count > self->unacked.length)\n    count = self->unacked.length;", "B10.test_more_than_was_sent"),
    _b("B10", "no more at the resumption", _BIND,
       "!tess_stream_read_h (node, &h) || !tess_stream_management_ack (resume, h, collect_tag_cb, self))",
       "(tess_stream_read_h (node, &h) && !tess_stream_management_ack (resume, h, collect_tag_cb, self) && FALSE))",
       "B10.test_more_at_the_resumption"),
    _b("B10", "the session that was asked for", _BIND,
       "if (g_strcmp0 (tess_node_get (node, \"previd\"), tess_stream_management_get_id (resume)) != 0 ||\n      ", "if (",
       "B10.test_resumption_of_another_session"),

    Guard("floods", "nothing is read while the queue is full", _LINK, " || self->queue->len > FULL_QUEUE)", ")",
          "test_floods.py never_read"),
    Guard("floods", "what is never acknowledged ends it", _STREAM, "> MAX_UNCONFIRMED)", "> G_MAXSIZE - 1)",
          "test_floods.py never_acknowledged"),
]
