# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows D2, D3, D6, D7, D10 and D15 of the reference: whose a key is, what comes twice, what is answered."""

import time
import unittest

from rows_cde import ALICE, BOB, EVE, INCOMING, OMEMO, OmemoCase, chat, each_path, over_paths
from tess.attacker import BUNDLE_NODE, LIST_NODE, Attacker, device_list


def alarms(case, jid):
    return case.rows("SELECT id FROM omemo_devices WHERE address = ? AND key_alarm", jid)


@each_path
class D2(OmemoCase):
    """Another identity key under a known device id: hard error, no trust inherited, an alarm."""

    def known_bob(self):
        bob = self.bob_with_keys()
        self.say(bob, bob.message(ALICE, "I am Bob"))
        self.alice.receive("I am Bob")
        self.alice.ask("trust", BOB, 77, "verified")
        return bob

    @over_paths(*INCOMING)
    def test_exchange(self, path):
        bob = self.known_bob()
        impostor = Attacker(BOB, 77)
        self.befriend_keys(impostor)
        sent = len(self.sent_to(BOB))
        self.deliver_all([self.stanza(impostor, impostor.message(ALICE, "I am Bob too"), body="beside")], path)
        self.assertEqual(self.read(bob), ["I am Bob"])
        device = self.device(BOB, 77)
        self.assertEqual((device["fingerprint"], device["trust"]), (bob.fingerprint, "verified"))
        # Nothing goes there any more, nor in plain, until a person has looked.
        self.alice.encrypt(BOB)
        self.alice.command("send", BOB, "my secret")
        self.server.settle(ALICE)
        self.assertEqual([e for e in self.sent_to(BOB)[sent:] if e.find(f"{{{OMEMO}}}encrypted") is not None], [])
        self.assertEqual(alarms(self, BOB), [(77,)])
        self.again()
        self.assert_never_sent("my secret")
        # The true Bob is read as before; a person says that all is well, and it goes.
        self.say(bob, bob.message(ALICE, "still me"), path)
        self.assertIn("still me", self.read(bob))
        self.alice.ask("trust", BOB, 77, "verified")
        self.alice.send(BOB, "all is well")
        self.server.wait(self.written, "message to Bob")
        self.assert_never_sent("my secret")
        self.assert_never_sent("all is well")

    def test_other_device(self):
        """Bob has another device, of which nothing is wrong. Nothing goes there either until a person has looked; then only there."""
        bob = Attacker(BOB, 77)
        other = Attacker(BOB, 78)
        self.announce(bob, other)
        self.befriend_keys(bob)
        self.say(bob, bob.message(ALICE, "I am Bob"))
        self.alice.wait_devices(BOB, 2)
        impostor = Attacker(BOB, 77)
        self.befriend_keys(impostor)
        self.say(impostor, impostor.message(ALICE, "I am Bob too"))
        self.alice.encrypt(BOB)

        self.alice.wait_state(self.alice.send(BOB, "too early"), "failed")
        self.server.settle(ALICE)
        self.assertEqual(self.written(), [])
        self.alice.ask("trust", BOB, 77, "distrusted")
        self.alice.send(BOB, "to the other")
        self.server.wait(self.written, "message to the other device")
        self.assertEqual(self.readers(self.written()[0]), [78])
        self.assertEqual(other.read(self.written()[0], ALICE), "to the other")

    @over_paths("carbon-sent", "archive")
    def test_own_device(self, path):
        """The same for another device of ours."""
        own, impostor = Attacker(ALICE, 99), Attacker(ALICE, 99)
        for each in (own, impostor):
            self.befriend_keys(each)
        self.say(own, own.message(ALICE, "mine"), "carbon-sent")
        self.say(impostor, impostor.message(ALICE, "not mine"), path)
        self.assertEqual(self.read(own), ["mine"])
        self.assertEqual(self.device(ALICE, 99)["fingerprint"], own.fingerprint)
        self.assertEqual(alarms(self, ALICE), [(99,)])

    def test_bundle(self):
        """The server gives another bundle under a known id."""
        bob = self.bob_with_keys()
        self.alice.wait_devices(BOB)
        impostor = Attacker(BOB, 77)
        self.publish(BOB, BUNDLE_NODE + "77", impostor.bundle().xml())
        self.alice.encrypt(BOB)
        self.alice.stop()
        self.again()
        self.alice.command("send", BOB, "my secret")
        self.alice.ask("devices", BOB)
        self.server.wait(lambda: any(BUNDLE_NODE in str(e.attrib) or any(BUNDLE_NODE + "77" == (i.get("node") or "") for i in e.iter())
                                     for e in self.sent_to(BOB, "iq")), "question for the bundle")
        self.server.settle(ALICE)
        self.assertEqual(self.device(BOB, 77)["fingerprint"], bob.fingerprint)
        self.assertEqual([e for e in self.sent_to(BOB, "message")], [])
        self.assertEqual(alarms(self, BOB), [(77,)])
        self.assert_never_sent("my secret")


@each_path
class D3(OmemoCase):
    """Bob's <encrypted> relayed by Eve, or a forged sid: the session is looked up by the authenticated sender."""

    def relay(self, encrypted, path):
        self.deliver(chat(EVE + "/x", "beside", encrypted), path)

    @over_paths(*INCOMING)
    def test_exchange(self, path):
        """His first message: his key is known from his list, and nothing of it is used up by Eve."""
        bob = self.bob_with_keys()
        self.alice.wait_devices(BOB)
        first = bob.message(ALICE, "by Bob")
        before = self.omemo_dump()
        self.again()
        self.relay(first, path)
        self.relay(first.replace("sid='77'", "sid='4711'"), path)
        self.assert_silent(EVE)
        self.assertEqual(self.rows("SELECT m.encryption, m.text FROM messages m WHERE m.sender = ?", EVE), [(2, None)] * 2)
        self.assertEqual(self.omemo_dump(), before)
        self.again()
        self.say(bob, first, path)
        self.assertEqual(self.read(bob), ["by Bob"])
        self.assertEqual(self.message(BOB, "by Bob")["device"], 77)

    @over_paths(*INCOMING)
    def test_later(self, path):
        """A message of his session; and Eve has a session of her own under the same number."""
        bob, eve = self.bob_with_keys(), self.attacker(device=77)
        for each in (bob, eve):
            self.say(each, each.message(ALICE, f"first of {each.jid}"))
        self.read_answers(bob)
        later = bob.message(ALICE, "later by Bob")
        self.assertNotIn("prekey", later)
        self.relay(later, path)
        self.relay(later.replace("sid='77'", "sid='78'"), path)
        self.say(bob, later, path)
        self.assert_silent(EVE)
        self.assertEqual(self.read(eve), ["first of " + EVE])
        self.assertEqual(self.read(bob), ["first of " + BOB, "later by Bob"])

    @over_paths("carbon-sent", "archive")
    def test_as_our_own(self, path):
        """What Bob wrote, as a copy of what we sent."""
        bob = self.bob_with_keys()
        self.alice.wait_devices(BOB)
        first = bob.message(ALICE, "by Bob")
        self.deliver(chat(ALICE + "/other", "beside", first, to=BOB), path)
        self.assertEqual(self.read(bob), [])
        self.assertIsNone(self.device(ALICE, 77))
        self.say(bob, first)
        self.assertEqual([m["direction"] for m in self.alice.history(BOB) if m["text"] == "by Bob"], ["in"])

    def test_first_of_all(self):
        """Eve relays before anybody knows whose key it is: that cannot be told. When Bob's own list shows it, her claim is an alarm."""
        bob = Attacker(BOB, 77)
        self.befriend_keys(bob)
        self.relay(bob.message(ALICE, "by Bob"), "live")
        self.assertEqual(self.device(EVE, 77)["fingerprint"], bob.fingerprint)
        self.announce(bob)
        self.alice.wait_devices(BOB)
        self.assertEqual(alarms(self, EVE), [(77,)])
        self.assertEqual(alarms(self, BOB), [])

    def test_copied_bundle(self):
        """Eve publishes Bob's key as hers."""
        bob, eve = self.bob_with_keys(), Attacker(EVE, 55)
        self.alice.wait_devices(BOB)
        self.publish(EVE, BUNDLE_NODE + "55", bob.bundle().xml())
        self.publish(EVE, LIST_NODE, device_list(55))
        self.alice.encrypt(EVE)
        self.alice.command("send", EVE, "hello Eve")
        self.server.wait(lambda: any(BUNDLE_NODE + "55" == (i.get("node") or "") for e in self.sent_to(EVE, "iq") for i in e.iter()),
                         "question for the bundle")
        self.server.settle(ALICE)
        self.assertIsNone((self.device(EVE, 55) or {"fingerprint": None})["fingerprint"])
        self.assertEqual(self.sent_to(EVE, "message"), [])
        # With a key of her own she is written to.
        self.announce(eve)
        self.alice.stop()
        self.again()
        self.alice.send(EVE, "hello again")
        self.server.wait(lambda: self.sent_to(EVE, "message"), "message to Eve")
        self.assert_never_sent("hello again")

    def read_answers(self, bob):
        """What Alice sent by herself; Bob's session is answered by it."""
        self.server.wait(lambda: self.sent_to(BOB, "message"), "answer to Bob")
        for message in self.sent_to(BOB, "message"):
            encrypted = message.find(f"{{{OMEMO}}}encrypted")
            if encrypted is not None:
                bob.read(encrypted, ALICE)


@each_path
class D6(OmemoCase):
    """All prekeys consumed: refilled and published once a batch, rate-limited."""

    @over_paths("live", "archive", "carbon-received")
    def test_flood(self, path):
        ident, bundle = self.alice_device()
        self.assertEqual(len(bundle.prekeys), 100)
        node = BUNDLE_NODE + str(ident)

        before, began = self.count_published(node), time.monotonic()
        stanzas = []
        for i, prekey in enumerate(bundle.prekeys):
            attacker = Attacker(EVE, 1000 + i)
            attacker.start_session(ALICE, ident, bundle, prekey)
            stanzas.append(self.stanza(attacker, attacker.message(ALICE, f"number {i}")))
        if path == "archive":
            self.deliver_all(stanzas, path)
        else:
            for stanza in stanzas[:-1]:
                self.server.deliver(ALICE, stanza, path, settle=False)
            self.deliver(stanzas[-1], path)
        self.server.wait(lambda: not set(bundle.prekeys) & set(self.alice_device()[1].prekeys), "bundle with new prekeys")
        new = self.alice_device()[1]
        self.assertEqual(len(new.prekeys), 100)
        self.assertGreater(min(new.prekeys), max(bundle.prekeys))
        # One at once, and then one in ten seconds, however slow the machine is.
        self.assertLessEqual(self.count_published(node) - before, 2 + (time.monotonic() - began) // 10)
        self.assert_silent(EVE)
        self.assertEqual(len(self.read(attacker)), 100)
        # Nor one for each of those that come one by one, where each could be answered before the next.
        for i, prekey in enumerate(sorted(new.prekeys)[:10]):
            attacker = Attacker(EVE, 2000 + i)
            attacker.start_session(ALICE, ident, new, prekey)
            self.say(attacker, attacker.message(ALICE, f"slowly {i}"))
        self.assertLessEqual(self.count_published(node) - before, 2 + (time.monotonic() - began) // 10)
        # Whoever comes now finds one.
        late = Attacker(EVE, 5000)
        late.start_session(ALICE, ident, new, max(new.prekeys))
        self.say(late, late.message(ALICE, "late"))
        self.assertIn("late", self.read(late))


@each_path
class D7(OmemoCase):
    """The same stanza live and in the archive: one row, silently."""

    @over_paths(*INCOMING)
    def test_twice(self, path):
        """Live, and then on each way again: an exchange, a later message, and what cannot be read."""
        bob = self.bob_with_keys()
        broken = bob.message(ALICE, "broken", mac=lambda _mac: bytes(8))
        stanzas = [self.stanza(bob, bob.message(ALICE, "one"), ident="i1"), self.stanza(bob, bob.message(ALICE, "two"), ident="i2"),
                   self.stanza(bob, broken, ident="i3"), self.stanza(bob, bob.message(ALICE, "three"), ident="i4")]
        for stanza in stanzas:
            self.deliver(stanza)
        self.assertEqual(self.texts(BOB), ["one", "two", None, "three"])
        mark = self.alice.mark()
        for _ in range(1 if path == "archive" else 2):
            self.deliver_all(stanzas, path)
        self.deliver(self.stanza(bob, bob.message(ALICE, "four")))
        self.alice.receive("four")
        told = [o.get("text") for o in self.alice.objects[mark:] if o.get("event") == "message"]
        self.assertEqual(told, ["four"])
        self.assertEqual(self.texts(BOB), ["one", "two", None, "three", "four"])

    def test_archive_first(self):
        bob = self.bob_with_keys()
        stanza = self.stanza(bob, bob.message(ALICE, "one"), ident="i1")
        self.deliver(stanza, "archive")
        for path in ("live", "carbon-received", "resumed"):
            self.deliver(stanza, path)
        self.assertEqual(self.texts(BOB), ["one"])

    def test_others_unreadable(self):
        """An id hides nothing but what the same person sent and nobody can read."""
        bob, eve = self.bob_with_keys(), self.attacker()
        for each in (bob, eve):
            self.say(each, each.message(ALICE, "broken", mac=lambda _mac: bytes(8)), ident="same")
        self.say(bob, bob.message(ALICE, "readable"), ident="same")
        self.deliver(chat(BOB + "/x", "plain", ident="same"))
        self.assertEqual(self.texts(BOB), [None, "readable", "plain"])
        self.assertEqual(self.texts(EVE), [None])


@each_path
class D10(OmemoCase):
    """Plain body in an encrypted chat; body beside <encrypted>: decrypted text wins; plain text marked on the message; we never
    fall back to plain by ourselves."""

    @over_paths(*INCOMING)
    def test_body_beside(self, path):
        bob = self.bob_with_keys()
        self.deliver_all([self.stanza(bob, bob.message(ALICE, "secret"), body="forged", inner="<subject>forged</subject>"),
                          self.stanza(bob, bob.message(ALICE, "broken", mac=lambda m: bytes(8)), body="forged"),
                          self.stanza(bob, f"<encrypted xmlns='{OMEMO}'><header sid='77'/><payload>AAAA</payload></encrypted>", body="forged"),
                          self.stanza(bob, f"<encrypted xmlns='{OMEMO}'/>", body="forged"),
                          chat(BOB + "/x", "plain")], path)
        found = [(m["text"], m["encryption"]) for m in self.alice.history(BOB)]
        self.assertIn(("secret", "omemo"), found)
        self.assertIn(("plain", "none"), found)
        self.assertNotIn("forged", [text for text, _encryption in found])

    @over_paths(*INCOMING)
    def test_no_way_back(self, path):
        """Bob wrote encrypted; then somebody writes plain as Bob. We answer encrypted."""
        bob = self.bob_with_keys()
        self.say(bob, bob.message(ALICE, "secret"), path)
        self.deliver(chat(BOB + "/x", "let us talk plainly"), path)
        self.assertEqual(self.message(BOB, "let us talk plainly")["encryption"], "none")
        self.alice.send(BOB, "my answer")
        self.server.wait(self.written, "answer")
        self.assert_never_sent("my answer")

    def test_devices_gone(self):
        """All of Bob's devices vanish from his list: nothing goes in plain instead."""
        bob = self.bob_with_keys()
        self.say(bob, bob.message(ALICE, "secret"))
        self.alice.receive("secret")
        self.publish(BOB, LIST_NODE, device_list())
        self.server.settle(ALICE)
        self.alice.command("send", BOB, "to nobody")
        self.server.settle(ALICE)
        self.assertIn(self.message(BOB, "to nobody")["state"], ("waiting", "failed"))
        self.assert_never_sent("to nobody")
        self.announce(bob)
        self.assert_never_sent("to nobody")

    @over_paths(*INCOMING)
    def test_no_list(self, path):
        """Who wrote encrypted and shows no device, or whose server hides them, is not answered in plain."""
        eve = self.attacker()
        self.say(eve, eve.message(ALICE, "hello"), path)
        self.assertEqual(self.read(eve), ["hello"])
        self.alice.send(EVE, "who are you")
        self.server.wait(lambda: self.sent_to(EVE, "iq"), "question for the devices")
        self.server.settle(ALICE)
        self.assertIn(self.message(EVE, "who are you")["state"], ("waiting", "failed"))
        self.assert_never_sent("who are you")

    @over_paths(*INCOMING)
    def test_stranger(self, path):
        """Who wrote encrypted is answered encrypted."""
        eve = self.attacker()
        self.announce(eve)
        self.say(eve, eve.message(ALICE, "hello"), path)
        self.alice.send(EVE, "who are you")
        self.server.wait(lambda: self.sent_to(EVE, "message"), "answer")
        self.assert_never_sent("who are you")
        texts = [eve.read(e.find(f"{{{OMEMO}}}encrypted"), ALICE) for e in self.sent_to(EVE, "message")]
        self.assertIn("who are you", texts)


@each_path
class D15(OmemoCase):
    """Prekey message from a stranger: no automatic answer."""

    @over_paths(*INCOMING)
    def test_stranger(self, path):
        extras = "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><active xmlns='http://jabber.org/protocol/chatstates'/>"
        eve = self.attacker()
        self.announce(eve)
        stanzas = [self.stanza(eve, eve.message(ALICE, f"hello {i}"), ident=f"i{i}", inner=extras) for i in range(3)]
        stanzas += [self.stanza(eve, eve.message(ALICE, None), ident="empty"),
                    self.stanza(eve, eve.message(ALICE, "bad", mac=lambda m: bytes(8)), ident="bad"),
                    self.stanza(eve, eve.message(ALICE, "unknown", sid=9), ident="unknown")]
        self.deliver_all(stanzas, path)
        # Asked before her chat is opened: who looks at it is asked for her keys.
        self.assert_silent(EVE)
        self.assertEqual([text for peer, _sender, text in self.stored() if peer == EVE][:3], ["hello 0", "hello 1", "hello 2"])
        self.again()
        # The same of a friend is answered: a session that he can use.
        bob = self.bob_with_keys()
        self.say(bob, bob.message(ALICE, "hello"), path)
        self.server.wait(lambda: self.sent_to(BOB, "message"), "answer to Bob")
        self.assertIsNone(bob.read(self.sent_to(BOB, "message")[0].find(f"{{{OMEMO}}}encrypted"), ALICE))
        self.assert_silent(EVE)

    @over_paths(*INCOMING)
    def test_long_chain(self, path):
        """Nor does a heartbeat go there, that a chain of 53 messages has."""
        eve = self.attacker()
        self.deliver_all([self.stanza(eve, eve.message(ALICE, f"m{i}")) for i in range(60 if path != "resumed" else 3)] +
                         [self.stanza(eve, eve.message(ALICE, "last"))], path)
        self.assert_silent(EVE)
        self.assertIn("last", [text for _peer, _sender, text in self.stored()])
        self.assert_silent(EVE)


if __name__ == "__main__":
    unittest.main()
