# SPDX-License-Identifier: GPL-3.0-or-later
"""SASL2, Bind 2 and tokens with a real server: Prosody with the modules of Debian's prosody-modules."""

import unittest

from tess.peer import Peer
from tess.proxy import Proxy
from tess.servers import Prosody


class Sasl2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Prosody(users={"alice": "secret-of-alice", "bob": "secret-of-bob"}, friends=[("alice", "bob")], sasl2=True)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def peer(self):
        peer = Peer(self.server)
        self.addCleanup(peer.close)
        return peer.start()

    def test_bind2(self):
        # The server makes the resource of the tag, and binds within the login.
        event = self.peer().login("alice", "secret-of-alice")
        self.assertEqual(event["sasl"], "SCRAM-SHA-256-PLUS")
        self.assertFalse(event["resumed"])

    def test_wrong_password(self):
        self.peer().refused_login("alice", "certainly-not-it", r"password")

    def test_token(self):
        # The first login is by the password, the next by the token that it brought: with the same certainty about the server.
        with Proxy(self.server.port) as wire:
            alice = self.peer()
            first = alice.login("alice", "secret-of-alice", port=wire.port)
            self.assertEqual(first["sasl"], "SCRAM-SHA-256-PLUS")
            after = len(alice.objects)
            self.assertGreater(wire.cut(), 0)
            second = alice.wait(lambda o: o.get("event") == "online", "the second login", 60, after)
            self.assertEqual(second["sasl"], "HT-SHA-256-EXPR")
            # The session went on, and messages with it.
            bob = self.peer()
            bob.login("bob", "secret-of-bob")
            sent = bob.send(self.server.jid("alice"), "after the token")
            bob.wait_state(sent, "delivered")


class Weakened(unittest.TestCase):
    """A server that goes back to less than it once had."""

    def setUp(self):
        self.server = Prosody(users={"alice": "secret-of-alice"}, sasl2=True)
        self.addCleanup(self.server.close)
        self.server.start()

    def reconfigure(self, old, new):
        with open(self.server.config, encoding="utf-8") as f:
            text = f.read()
        self.assertIn(old, text)
        with open(self.server.config, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        self.server.restart()

    def test_no_binding_any_more(self):
        with Peer(self.server) as alice:
            first = alice.login("alice", "secret-of-alice")
            self.assertEqual(first["sasl"], "SCRAM-SHA-256-PLUS")
            after = len(alice.objects)
            # Debian's Prosody alone cannot bind to TLS 1.3: as if somebody had taken it out of what is offered.
            self.reconfigure(', "sasl2", "sasl2_bind2", "sasl2_fast", "tess_sasl2"', "")
            end = alice.wait(lambda o: o.get("event") == "online" or "tie the login" in str(o.get("reason")), "a refusal", 60, after)
            self.assertNotEqual(end["event"], "online")

    def test_tls_1_2(self):
        # Another type to bind to is as good; and a token for the one is none for the other.
        with Peer(self.server) as alice:
            first = alice.login("alice", "secret-of-alice")
            self.assertEqual(first["tls"], "TLSv1.3")
            after = len(alice.objects)
            self.reconfigure("ssl = { certificate", 'ssl = { protocol = "tlsv1_2", certificate')
            second = alice.wait(lambda o: o.get("event") == "online", "the second login", 60, after)
            self.assertEqual((second["tls"], second["sasl"]), ("TLSv1.2", "SCRAM-SHA-256-PLUS"))
            after = len(alice.objects)
            self.server.restart()
            third = alice.wait(lambda o: o.get("event") == "online", "the third login", 60, after)
            self.assertEqual((third["tls"], third["sasl"]), ("TLSv1.2", "HT-SHA-256-UNIQ"))
