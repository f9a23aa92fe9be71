# SPDX-License-Identifier: GPL-3.0-or-later
"""OMEMO's behaviour towards others who behave (the reference's section "Behaviour"), sentence by sentence:

    id of a device; private halves before the bundle    Identity
    rotation of the signed prekey                        Rotation
    used prekeys replaced, no id again                   D6 in test_rows_d.py, CatchUp
    sessions only for sending; unknown sender            Sessions
    answer to an exchange; heartbeat                     Answers, D15 in test_rows_d.py for strangers
    catch-up                                             CatchUp
    repair                                               Repair, servers/test_trust.py by hand
    own devices; own id missing                          Recipients, D13 in test_rows_d_trust.py
    a device without a bundle                            Recipients
    rooms                                                not there yet

That an id is taken already is no chance that a test could wait for: /omemo/collision has it.
"""

import unittest
import xml.etree.ElementTree as ET

from rows_cde import ALICE, BOB, BUNDLE_NODE, LIST_NODE, OMEMO, OmemoCase
from tess.attacker import Attacker, device_list

ROTATION_DAYS = 7   # both: omemo/tess-omemo-private.h
HEARTBEAT = 53


def text_of(element):
    return ET.tostring(element, "unicode")


class Behaviour(OmemoCase):
    def asked_for(self, node, jid=BOB):
        """How often Alice asked @jid for @node."""
        return sum(1 for e in self.sent_to(jid, "iq") for i in e.iter() if i.tag.endswith("}items") and i.get("node") == node)

    def answered(self, attacker, count=1):
        """The first exchange of @attacker is said and answered; both sides have used the session."""
        self.say(attacker, attacker.message(ALICE, f"hello from {attacker.device}"))
        self.server.wait(lambda: len(self.written(False)) >= count, "answer to the exchange")
        self.server.settle(ALICE)
        answer = self.written(False)[count - 1]
        self.assertEqual(self.readers(answer), [attacker.device])
        self.assertIsNone(attacker.read(answer, ALICE))


class Identity(Behaviour):
    def test_private_halves_first(self):
        """The program dies as soon as its bundle is out: whoever took it can be read all the same."""
        ident, bundle = self.alice_device()
        self.alice.kill()
        self.assertTrue(1 <= ident < 2**31, ident)
        self.again()
        bob = Attacker(BOB, 77)
        self.announce(bob)
        for i, prekey in enumerate((min(bundle.prekeys), max(bundle.prekeys))):
            bob.start_session(ALICE, ident, bundle, prekey)
            self.say(bob, bob.message(ALICE, f"number {i}"))
            self.assertIn(f"number {i}", self.read(bob))
        self.assertEqual(self.alice_device()[0], ident)


class Rotation(Behaviour):
    def pass_time(self, days):
        """As if the signed prekey were older than it is."""
        database = self.database()
        with database:
            changed = database.execute("UPDATE omemo_numbers SET value = value - ? WHERE name = 'signed-prekey-time'",
                                       (days * 86400 * 10**6,)).rowcount
        database.close()
        self.assertEqual(changed, 1)
        self.again()

    def rotated(self, old):
        self.server.wait(lambda: self.alice_device()[1].signed_id != old.signed_id, "another signed prekey")
        return self.alice_device()[1]

    def say_with(self, device, bundle, text):
        bob = Attacker(BOB, device)
        self.announce(bob)
        bob.start_session(ALICE, self.alice_device()[0], bundle)
        self.say(bob, bob.message(ALICE, text))
        return self.read(bob)

    def test_previous_is_kept(self):
        first = self.alice_device()[1]
        self.pass_time(ROTATION_DAYS - 1)
        self.assertEqual(self.alice_device()[1].signed_id, first.signed_id)
        self.pass_time(1)
        second = self.rotated(first)
        self.assertEqual(second.identity, first.identity)
        self.assertIn("by the first", self.say_with(77, first, "by the first"))
        self.assertIn("by the second", self.say_with(78, second, "by the second"))
        self.pass_time(ROTATION_DAYS)
        third = self.rotated(second)
        self.assertIn("by the second, late", self.say_with(79, second, "by the second, late"))
        self.assertNotIn("by the first, too late", self.say_with(80, first, "by the first, too late"))
        self.assertIn("by the third", self.say_with(81, third, "by the third"))


class Sessions(Behaviour):
    def test_not_for_a_list(self):
        """Bob has a device more: nothing is asked of him and nothing sent, until there is something to say."""
        bob, other = Attacker(BOB, 77), Attacker(BOB, 78)
        self.announce(bob)
        self.announce(bob, other)
        self.assert_silent(BOB)
        self.alice.encrypt(BOB)
        self.alice.send(BOB, "now")
        self.server.wait(lambda: self.written(), "message to Bob")
        said = self.written()[0]
        self.assertEqual(self.readers(said)[:2], [77, 78])
        self.assertEqual([b.read(said, ALICE) for b in (bob, other)], ["now", "now"])
        self.assertEqual(self.written(False), [])

    def test_unknown_sender(self):
        """A device that was not in the list when it was asked for: it is asked for again, and the device is answered."""
        bob, new = Attacker(BOB, 77), Attacker(BOB, 78)
        self.announce(bob)
        self.befriend_keys(bob)
        self.answered(bob)
        before = self.asked_for(LIST_NODE)
        # Without the push that would tell of it.
        pep = self.server.accounts[BOB].pep
        for node, payload in ((LIST_NODE, device_list(77, 78)), (BUNDLE_NODE + "78", new.bundle().xml())):
            self.server.call(pep.setdefault(node, {}).update, {"current": payload})
        self.befriend_keys(new)
        self.say(new, new.message(ALICE, "from the new one"))
        self.assertIn("from the new one", self.read(new))
        self.server.wait(lambda: self.asked_for(LIST_NODE) > before, "question for the list")
        self.assertEqual({d["id"] for d in self.alice.wait_devices(BOB, 2)}, {77, 78})
        self.alice.encrypt(BOB)
        self.alice.send(BOB, "to both")
        self.server.wait(lambda: self.written(), "message to Bob")
        self.assertEqual(new.read(self.written()[0], ALICE), "to both")


class Answers(Behaviour):
    def test_exchange(self):
        """One empty message answers the exchange, and no more follow."""
        bob = self.bob_with_keys()
        self.answered(bob)
        for i in range(3):
            self.say(bob, bob.message(ALICE, f"more {i}"))
        self.assertEqual(self.read(bob)[-1], "more 2")
        self.server.settle(ALICE)
        self.assertEqual(len(self.written(False)), 1)

    def test_heartbeat(self):
        """A chain of 53 messages without an answer gets one, and as many later another: the first may have been lost."""
        bob = self.bob_with_keys()
        self.answered(bob)

        def chain(count):
            for i in range(count):
                self.server.deliver(ALICE, self.stanza(bob, bob.message(ALICE, f"m{i}")), "live", settle=False)
            self.server.settle(ALICE)
            return len(self.written(False)) - 1

        self.assertEqual(chain(HEARTBEAT - 1), 0)
        chain(1)
        self.server.wait(lambda: len(self.written(False)) == 2, "heartbeat")
        self.assertEqual(chain(HEARTBEAT - 1), 1)
        chain(1)
        self.server.wait(lambda: len(self.written(False)) == 3, "second heartbeat")
        self.assertIsNone(bob.read(self.written(False)[1], ALICE))
        self.assertIsNone(bob.read(self.written(False)[2], ALICE))
        self.assertEqual(chain(HEARTBEAT - 1), 2)
        self.assertEqual(len(self.read(bob)), 3 * HEARTBEAT)


class CatchUp(Behaviour):
    def test_all_then_answers(self):
        """Two that drew the same prekey are both read, out of an archive of several pages; then each is answered once, and one bundle goes
        out without the prekey."""
        first, second = Attacker(BOB, 77), Attacker(BOB, 78)
        self.announce(first, second)
        ident, bundle = self.alice_device()
        prekey = min(bundle.prekeys)
        node = BUNDLE_NODE + str(ident)
        before = self.count_published(node)
        self.alice.stop()
        for bob in (first, second):
            bob.start_session(ALICE, ident, bundle, prekey)
        for i in range(60):
            for bob in (first, second):
                self.server.archive(ALICE, self.stanza(bob, bob.message(ALICE, f"{bob.device}: {i}")))
        began = len(self.server.sent_by(ALICE))
        self.again()
        self.server.wait(lambda: prekey not in self.alice_device()[1].prekeys, "bundle without the prekey")
        self.server.wait(lambda: len(self.written(False)) == 2, "two answers")
        self.server.settle(ALICE)
        self.assertEqual(sorted(self.read(first)), sorted(f"{d}: {i}" for d in (77, 78) for i in range(60)))
        self.assertEqual(sorted(r for m in self.written(False) for r in self.readers(m)), [77, 78])
        for bob in (first, second):
            self.assertIsNone(bob.read(next(m for m in self.written(False) if self.readers(m) == [bob.device]), ALICE))
        self.assertEqual(self.count_published(node), before + 1)
        new = self.alice_device()[1]
        self.assertEqual(len(new.prekeys), len(bundle.prekeys))
        self.assertEqual(sorted(set(new.prekeys) - set(bundle.prekeys)), [max(bundle.prekeys) + 1])
        # Nothing of it before the last page was asked for.
        order = ["mam" if "urn:xmpp:mam:2" in text_of(e) else "answer" if e.tag.endswith("}message") else
                 "bundle" if f"node=\"{node}\"" in text_of(e) and "publish" in text_of(e) else ""
                 for e in self.server.sent_by(ALICE)[began:]]
        last_page = max(i for i, kind in enumerate(order) if kind == "mam")
        self.assertLess(last_page, min(i for i, kind in enumerate(order) if kind in ("answer", "bundle")))


class Repair(Behaviour):
    def test_once_a_run(self):
        """What no session decrypts is shown as that and mended by one new session, which is not tried again before the next start."""
        bob = self.bob_with_keys()
        self.answered(bob)

        def broken(text):
            self.say(bob, bob.message(ALICE, text, mac=lambda m: bytes(8)))
            self.server.settle(ALICE)
            return [m for m in self.alice.history(BOB) if m["encryption"] == "unreadable"]

        self.assertEqual(len(broken("one")), 1)
        self.server.wait(lambda: len(self.written(False)) == 2, "new session")
        repair = self.written(False)[1]
        self.assertEqual([k.get("prekey") for k in repair.iter(f"{{{OMEMO}}}key")], ["true"])
        self.assertEqual(len(broken("two")), 2)
        self.assertEqual(len(self.written(False)), 2)
        # He takes it, and all is well.
        self.assertIsNone(bob.read(repair, ALICE))
        self.say(bob, bob.message(ALICE, "again"))
        self.assertEqual(self.read(bob)[-1], "again")
        self.alice.stop()
        self.again()
        self.assertEqual(len(broken("three")), 3)
        self.server.wait(lambda: len(self.written(False)) == 3, "another new session")


class Recipients(Behaviour):
    def test_own_devices(self):
        """All of them but the one that writes."""
        bob, tablet = Attacker(BOB, 77), Attacker(ALICE, 4711)
        ident, _bundle = self.alice_device()
        self.announce(bob)
        self.publish(ALICE, BUNDLE_NODE + "4711", tablet.bundle().xml())
        self.publish(ALICE, LIST_NODE, device_list(4711, ident))
        self.server.settle(ALICE)
        self.alice.encrypt(BOB)
        self.alice.send(BOB, "to all")
        self.server.wait(lambda: self.written(), "message to Bob")
        said = self.written()[0]
        self.assertEqual(self.readers(said), [77, 4711])
        self.assertEqual([bob.read(said, ALICE), tablet.read(said, ALICE)], ["to all", "to all"])

    def test_without_bundle(self):
        """One of Bob's devices cannot be written to: it is named, and the others get the message."""
        bob = Attacker(BOB, 77)
        self.announce(bob)
        self.publish(BOB, LIST_NODE, device_list(77, 78))
        self.server.settle(ALICE)
        self.alice.encrypt(BOB)
        self.alice.send(BOB, "to one")
        self.server.wait(lambda: self.written(), "message to Bob")
        said = self.written()[0]
        self.assertEqual(self.readers(said), [77])
        self.assertEqual(bob.read(said, ALICE), "to one")
        self.assertEqual({d["id"]: d["no_bundle"] for d in self.alice.devices(BOB)}, {77: False, 78: True})


if __name__ == "__main__":
    unittest.main()
