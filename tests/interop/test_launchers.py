# SPDX-License-Identifier: GPL-3.0-or-later
"""The foreign client with itself: shows that servers and launchers work when a test with Tessera fails."""

import unittest

from tess.profanity import Profanity
from tess.servers import SERVERS
from tess.wire import NS_AXOLOTL, Wire


class ProfanityWithProfanity:
    kind = None

    def test_encrypted_both_ways(self):
        with SERVERS[self.kind](users={"alice": "pa", "bob": "pb"}, friends=[("alice", "bob")]) as server, \
             Profanity("alice@localhost", "pa", server) as alice, Profanity("bob@localhost", "pb", server) as bob:
            alice.connect()
            bob.connect()
            devices = alice.omemo_generate(), bob.omemo_generate()
            self.assertRegex(alice.fingerprint(), "^[0-9a-f]{64}$")
            alice.omemo_start("bob@localhost")
            alice.say("a secret from alice")
            bob.omemo_start("alice@localhost")
            bob.see("a secret from alice")
            bob.say("a secret from bob")
            alice.see("a secret from bob")
            with Wire(server, "alice", "pa") as wire:
                self.assertEqual(wire.device_list(), [devices[0]])
                self.assertEqual(wire.device_list("bob@localhost"), [devices[1]])
                archive = wire.archive()
                self.assertEqual(sum(m.find(f"{{{NS_AXOLOTL}}}encrypted") is not None for m in archive), 2)
            there, not_there = server.holds("alice", "a secret from")
            self.assertNotEqual(there, [])
            self.assertEqual(not_there, [])


class OverProsody(ProfanityWithProfanity, unittest.TestCase):
    kind = "prosody"


class OverEjabberd(ProfanityWithProfanity, unittest.TestCase):
    kind = "ejabberd"
