# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows D1, D13 and D14 of the reference: devices that the server adds and takes away, and codes that nobody saw."""

from rows_cde import ALICE, BOB, OmemoCase
from tess.attacker import LIST_NODE, Attacker, device_list

ANNOUNCES = 5       # in ten minutes: omemo/tess-omemo-private.h


class D1(OmemoCase):
    """The server adds a device: never encrypted to once a key of the contact is verified; a visible event."""

    def test_added(self):
        bob, spy = Attacker(BOB, 77), Attacker(BOB, 666)
        self.announce(bob)
        self.alice.encrypt(BOB)
        self.alice.wait_devices(BOB)
        self.alice.ask("verify", BOB, f"xmpp:{BOB}?omemo-sid-77={bob.fingerprint}")
        self.announce(bob, spy)
        found = self.alice.wait_devices(BOB, 2)
        self.assertEqual({d["id"]: d["trust"] for d in found}, {77: "verified", 666: "undecided"})
        self.alice.send(BOB, "for Bob alone")
        self.server.wait(self.written, "message to Bob")
        self.assertEqual(self.readers(self.written()[0]), [77])
        self.assertEqual(bob.read(self.written()[0], ALICE), "for Bob alone")
        # Gone and back again it is not trusted more; nor is it over a restart.
        self.announce(bob)
        self.announce(bob, spy)
        self.alice.stop()
        self.again()
        self.assertEqual({d["id"]: d["trust"] for d in self.alice.devices(BOB)}, {77: "verified", 666: "undecided"})


class D13(OmemoCase):
    """Our own device taken from the list, again and again: announced again once an event, bounded; an alert."""

    def announced(self):
        """How often Alice has published her list."""
        return sum(1 for e in self.server.sent_by(ALICE, "iq")
                   for i in e.iter() if i.tag.endswith("}publish") and i.get("node") == LIST_NODE)

    def test_storm(self):
        self.alice_device()
        for event in range(ANNOUNCES - 1):
            before = self.announced()
            self.publish(ALICE, LIST_NODE, device_list(4711))
            self.server.wait(lambda n=before: self.announced() == n + 1, f"announcement after event {event}")
            self.server.settle(ALICE)
        after = self.alice.mark()
        for _ in range(10):
            self.publish(ALICE, LIST_NODE, device_list(4711))
            self.server.settle(ALICE)
        self.alice.wait(lambda o: o.get("event") == "error" and "keeps removing this device" in o["reason"], "alert", 30, after)
        self.assertEqual(self.announced(), ANNOUNCES)


class D14(OmemoCase):
    """A clicked link that would verify: always a question. The window's half of it is in window/test_scan.py."""

    def test_look(self):
        bob = Attacker(BOB, 77)
        self.announce(bob)
        self.alice.encrypt(BOB)
        self.alice.wait_devices(BOB)
        before = self.omemo_dump()
        self.again()
        for key in (bob.fingerprint, "ab" * 32):
            found = self.alice.ask("verify", BOB, f"xmpp:{BOB}?omemo-sid-77={key};omemo-sid-88={'cd' * 32}", "look")
            self.assertFalse(found["applied"])
        self.server.settle(ALICE)
        self.assertEqual([(d["id"], d["trust"], d["key_alarm"]) for d in self.alice.devices(BOB)], [(77, "trusted", False)])
        after = self.omemo_dump()
        self.assertEqual(after["omemo_devices"], before["omemo_devices"])
        self.again()

    def test_received(self):
        """A link in a message, from whomever, is text."""
        bob = self.bob_with_keys()
        self.say(bob, bob.message(ALICE, f"xmpp:{BOB}?omemo-sid-77={bob.fingerprint}"))
        self.alice.receive(f"xmpp:{BOB}?omemo-sid-77={bob.fingerprint}")
        self.assertEqual(self.device(BOB, 77)["trust"], "trusted")
