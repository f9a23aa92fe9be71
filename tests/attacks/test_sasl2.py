# SPDX-License-Identifier: GPL-3.0-or-later
"""The second SASL profile with Bind 2 and tokens (XEP-0388, XEP-0386, XEP-0484): that it works, and rows B4 to B9 once more on it."""

import base64
import re
import unittest

from attack_case import ALICE, BOB, AttackCase
from tess.evil_xml import NS_FAST, NS_SASL2

UNPROVEN = "did not prove"
TOKEN = "HT-SHA-256-ENDP"


class Sasl2Case(AttackCase):
    def setUp(self):
        super().setUp()
        self.server.sasl2, self.server.list_hash = True, True

    def authenticates(self):
        return [e for c in self.server.connections for e in c.elements if e.tag == f"{{{NS_SASL2}}}authenticate"]

    def mechanisms(self):
        return [e.get("mechanism") for e in self.authenticates()]

    def again(self, peer):
        """Alice loses her session and logs in anew; the "online" event of it."""
        after = peer.mark()
        self.lose_session()
        event = peer.wait(lambda o: o.get("event") == "online", "new login", after=after)
        self.server.wait_session(ALICE)
        return event

    def refused_again(self, peer, pattern):
        after, before = peer.mark(), len(self.server.connections)
        self.lose_session()
        peer.wait(lambda o: o.get("event") == "offline" and re.search(pattern, o.get("reason") or ""), f"offline: {pattern}", after=after)
        self.server.wait(lambda: self.server.connections[before].ended, "end of the connection")
        for connection in self.server.connections[before:]:
            self.assertEqual([e.tag for e in connection.elements if e.tag.startswith("{jabber:client}")], [])
        self.assert_no_password()


class Works(Sasl2Case):
    def test_login_with_bind2(self):
        peer = self.online()
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS"])
        connection = self.last()
        for old in (b"<auth ", b"xmpp-bind", b"<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence"):
            self.assertNotIn(old, connection.raw)
        session = self.server.session(ALICE)
        self.assertTrue(session.carbons and session.managed and session.id)
        self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='m'><body>hello</body></message>", "live")
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["hello"])

    def test_resumed_within_the_login(self):
        peer = self.online()
        self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='m'><body>hello</body></message>", "resumed")
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["hello"])
        self.assertIsNotNone(self.authenticates()[-1].find("{urn:xmpp:sm:3}resume"))

    def test_without_bind2(self):
        self.server.bind2 = False
        self.online()
        self.assertIn(b"xmpp-bind", self.last().raw)

    def test_both_profiles_or_one(self):
        self.server.sasl1 = False
        self.online()
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS"])


class Tokens(Sasl2Case):
    def setUp(self):
        super().setUp()
        self.server.token_mechanisms = [TOKEN]

    def tokens(self):
        return self.server.accounts[ALICE].tokens

    def test_second_login_by_token(self):
        peer = self.online()
        self.assertEqual(len(self.tokens()), 1)
        self.assertEqual(self.again(peer)["sasl"], TOKEN)
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS", TOKEN])
        # Neither the token itself nor the password was ever sent.
        for token in self.tokens():
            self.assertNotIn(token.encode(), self.server.raw())
        self.assert_no_password()

    def test_token_that_the_server_forgot(self):
        peer = self.online()
        self.tokens().clear()
        self.assertEqual(self.again(peer)["sasl"], "SCRAM-SHA-256-PLUS")
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS", TOKEN, "SCRAM-SHA-256-PLUS"])
        # A new one was given, and is used.
        self.assertEqual(self.again(peer)["sasl"], TOKEN)

    def test_token_that_has_expired(self):
        self.server.token_expiry = "2020-01-01T00:00:00Z"
        peer = self.online()
        self.assertEqual(self.again(peer)["sasl"], "SCRAM-SHA-256-PLUS")
        self.assertNotIn(TOKEN, self.mechanisms())

    def test_server_that_does_not_know_the_token(self):
        peer = self.online()
        for wrong in (bytes(32), b"", b"\0" * 31):
            with self.subTest(wrong=wrong):
                self.server.change("token-final", lambda _c, _t, wrong=wrong: wrong)
                self.refused_again(peer, UNPROVEN)
                self.server.change("token-final", None)
                peer.login(ALICE, self.password)
                self.server.wait_session(ALICE)

    def test_proof_of_ours_sent_back(self):
        # What we said is not what the server must say.
        peer = self.online()

        def mirror(_c, _t):
            return base64.b64decode(self.authenticates()[-1].findtext(f"{{{NS_SASL2}}}initial-response")).partition(b"\0")[2]
        self.server.change("token-final", mirror)
        self.refused_again(peer, UNPROVEN)

    def test_token_is_bound(self):
        # The login of one connection, replayed to a server with another certificate, is worth nothing there.
        peer = self.online()
        self.again(peer)
        recorded = base64.b64decode(self.authenticates()[-1].findtext(f"{{{NS_SASL2}}}initial-response"))
        self.assertEqual(self.replayed(recorded), "success")
        self.server.call(lambda: setattr(self.server, "certificate_der", b"another certificate"))
        self.assertEqual(self.replayed(recorded), "not-authorized")

    def replayed(self, recorded):
        from tess.evil_sasl import Refused

        def replay():
            try:
                return self.last().login.new_mechanism(TOKEN).start(recorded)[0]
            except Refused as error:
                return str(error)
        return self.server.call(replay)

    def test_unbound_token_is_not_asked_for(self):
        self.server.token_mechanisms = ["HT-SHA-256-NONE"]
        peer = self.online()
        self.assertEqual(self.tokens(), {})
        self.again(peer)
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS"] * 2)

    def test_token_that_nobody_asked_for(self):
        self.server.token_mechanisms = []
        self.server.change("success", lambda _c, text: text.replace(
            "</success>", f"<token xmlns='{NS_FAST}' token='planted' expiry='2036-01-01T00:00:00Z'/></success>"))
        peer = self.online()
        self.server.token_mechanisms = [TOKEN]
        self.again(peer)
        self.assertNotIn(TOKEN, self.mechanisms())


class Attacks(Sasl2Case):
    def refuses(self, kind, change, pattern):
        self.server.change(kind, change)
        peer, _said = self.refused(pattern)
        self.server.change(kind, None)
        connection = self.last()
        self.server.wait(lambda: connection.ended, "end of the connection")
        self.assert_no_password()
        self.assertEqual([e.tag for e in connection.elements if e.tag.startswith("{jabber:client}")], [])
        self.login_afterwards(peer)

    def test_b5_mechanism_added(self):
        self.refuses("features-tls", lambda _c, text: text.replace("<mechanism>PLAIN", "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN"),
                     "changed what the server offers")

    def test_b6_binding_stripped(self):
        self.refuses("features-tls", lambda _c, text: text.replace("<mechanism>SCRAM-SHA-256-PLUS</mechanism>", ""),
                     "changed what the server offers")

    def test_b7_success_without_signature(self):
        self.refuses("success", lambda _c, text: re.sub(r"<additional-data>.*</additional-data>", "", text), UNPROVEN)

    def test_b7_wrong_signature(self):
        self.refuses("scram-final", lambda _c, _t: "v=" + base64.b64encode(bytes(32)).decode(), UNPROVEN)

    def test_b7_success_before_the_challenge(self):
        self.refuses("challenge", lambda _c, _t: f"<success xmlns='{NS_SASL2}'><authorization-identifier>{ALICE}"
                     "</authorization-identifier></success>", UNPROVEN)

    def test_b9_logged_in_as_somebody_else(self):
        for name in ("eve@a.test/x", "alice@e.test/x", "", "alice@a.test"):
            with self.subTest(name=name):
                self.refuses("success", lambda _c, text, name=name: re.sub(
                    r"<authorization-identifier>.*</authorization-identifier>",
                    f"<authorization-identifier>{name}</authorization-identifier>", text), "does not understand")

    def test_b10_resumption_that_nobody_asked_for(self):
        self.refuses("success", lambda _c, text: re.sub(r"<bound .*</bound>", "<resumed xmlns='urn:xmpp:sm:3' previd='x' h='0'/>", text),
                     "does not understand")

    def test_b4_only_plain_at_the_second_login(self):
        peer = self.online()
        self.server.mechanisms, self.server.binding_types, self.server.list_hash = ["PLAIN"], None, False
        self.refused_again(peer, "did before")
        self.assertEqual(self.mechanisms(), ["SCRAM-SHA-256-PLUS"])

    def test_sasl2_stripped(self):
        # Somebody who takes the second profile away gains nothing: the first is as strong.
        self.server.change("features-tls", lambda _c, text: re.sub(r"<authentication .*</authentication>", "", text))
        self.assertEqual(self.peer().login(ALICE, self.password)["sasl"], "SCRAM-SHA-256-PLUS")


if __name__ == "__main__":
    unittest.main()
