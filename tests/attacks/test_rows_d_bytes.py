# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows D4, D5, D8, D9 and D17 of the reference: encrypted messages of which some bytes are wrong. Eve keeps no rule."""

import unittest

from rows_cde import ALICE, BOB, EVE, EVERYWHERE, OMEMO, OmemoCase, each_path, over_paths
from tess.attacker import BUNDLE_NODE, LIST_NODE, LOW_ORDER, Attacker, LowOrder, device_list, sign


@each_path
class D4(OmemoCase):
    """Prekey message without a one-time prekey: refused."""

    @over_paths(*EVERYWHERE)
    def test_no_prekey(self, path):
        attacker = self.attacker(path, prekey=0)
        self.assert_refused(attacker, attacker.message(ALICE, "without"), path)
        other = self.attacker(path, device=8)
        self.say(other, other.message(ALICE, "with"), path)
        self.assertEqual(self.read(other), ["with"])


@each_path
class D5(OmemoCase):
    """Low-order public keys: refused before the library sees them. All else is right: the keys agree on zero with everybody."""

    @over_paths(*EVERYWHERE)
    def test_base_key(self, path):
        attackers = [self.attacker(path, base=LowOrder(point)) for point in LOW_ORDER]
        self.assert_refused(attackers[0], [a.message(ALICE, "low") for a in attackers], path)
        self.honest(path)

    @over_paths(*EVERYWHERE)
    def test_identity_key(self, path):
        refused = []
        for i, point in enumerate(LOW_ORDER):
            attacker = Attacker(ALICE if path == "carbon-sent" else EVE, 20 + i, LowOrder(point))
            attacker.start_session(ALICE, *self.alice_device())
            refused.append(attacker.message(ALICE, "low"))
        self.assert_refused(attacker, refused, path)
        self.honest(path)

    @over_paths(*EVERYWHERE)
    def test_ratchet_key(self, path):
        """In an exchange, and in a session that stands."""
        attackers = [self.attacker(path, ratchet=LowOrder(point)) for point in LOW_ORDER]
        self.assert_refused(attackers[0], [a.message(ALICE, "low") for a in attackers], path)
        attacker = self.honest(path)
        refused = []
        for point in LOW_ORDER:
            # The next step of the ratchet, with a key that agrees on zero: the root key is the session's own.
            session = attacker.session(ALICE)
            forged = attacker.start_session("x", attacker.rid(ALICE), self.alice_device()[1])
            forged.__dict__.update(session.__dict__)
            forged.ratchet, forged.pending = LowOrder(point), None
            forged.sending = forged._turn(session.their_ratchet)
            refused.append(attacker.message(ALICE, "low", keys=attacker.key_element(ALICE, bytes(32), session=forged)))
            del attacker.sessions["x", attacker.rid(ALICE)]
        self.assert_refused(attacker, refused, path)

    def honest(self, path):
        attacker = self.attacker(path, device=8)
        self.say(attacker, attacker.message(ALICE, "honest"), path)
        self.assertEqual(self.read(attacker), ["honest"])
        return attacker

    def test_bundles(self):
        """Bob's server gives bundles in which one key is of low order; they are signed as they should be."""
        bob = Attacker(BOB, 77)
        low = LOW_ORDER[2]
        bad = []
        for point in LOW_ORDER:
            bundle = bob.bundle()
            bundle.signed_key, bundle.signature = point, sign(bob.identity, b"\x05" + point)
            bad.append(bundle)
        only_low = bob.bundle()
        only_low.prekeys = {i: low for i in only_low.prekeys}
        identity = bob.bundle()
        identity.identity = low
        bad += [only_low, identity]
        self.alice.encrypt(BOB)
        for i, bundle in enumerate(bad):
            self.publish(BOB, f"{BUNDLE_NODE}{100 + i}", bundle.xml())
        self.publish(BOB, LIST_NODE, device_list(*range(100, 100 + len(bad))))
        self.server.settle(ALICE)       # a message to someone of whom no list is known yet fails at once
        self.alice.command("send", BOB, "to no weak key")

        def asked():
            return {i.get("node") for e in self.sent_to(BOB, "iq") for i in e.iter() if BUNDLE_NODE in (i.get("node") or "")}

        self.server.wait(lambda: len(asked()) == len(bad), "questions for all bundles")
        self.server.settle(ALICE)
        self.assertEqual(self.sent_to(BOB, "message"), [])
        self.assertEqual({d["fingerprint"] for d in self.alice.devices(BOB)} - {None}, set())
        self.announce(bob)
        self.alice.send(BOB, "to a strong key")
        self.server.wait(lambda: self.sent_to(BOB, "message"), "message to the honest device")
        message = self.sent_to(BOB, "message")[0]
        self.assertEqual([k.get("rid") for k in message.iter(f"{{{OMEMO}}}key")], ["77"])
        self.assertEqual(bob.read(message.find(f"{{{OMEMO}}}encrypted"), ALICE), "to a strong key")


@each_path
class D8(OmemoCase):
    """Counter far ahead; bad MAC: refused, database byte for byte as before."""

    @over_paths(*EVERYWHERE)
    def test_mac_of_exchange(self, path):
        attacker = self.attacker(path)
        flips = [attacker.message(ALICE, "bad", mac=lambda m, i=i: bytes([m[0] ^ 1 << i]) + m[1:]) for i in range(3)]
        flips += [attacker.message(ALICE, "bad", mac=lambda m: m[:7] + bytes([m[7] ^ 0x80])),
                  attacker.message(ALICE, "bad", mac=lambda m: b""), attacker.message(ALICE, "bad", mac=lambda m: m + b"\0")]
        self.assert_refused(attacker, flips, path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["good"])

    @over_paths(*EVERYWHERE)
    def test_mac_of_session(self, path):
        attacker = self.attacker(path)
        self.say(attacker, attacker.message(ALICE, "first"), path)
        attacker.session(ALICE).pending = None
        bad = attacker.message(ALICE, "bad", mac=lambda m: bytes(8))
        self.assertNotIn("prekey", bad)
        counter = attacker.message(ALICE, "bad", counter=7)     # another number than the MAC was made for
        self.assert_refused(attacker, [bad, counter], path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["first", "good"])

    @over_paths(*EVERYWHERE)
    def test_far_ahead(self, path):
        attacker = self.attacker(path)
        self.say(attacker, attacker.message(ALICE, "first"), path)
        session = attacker.session(ALICE)
        near = attacker.message(ALICE, "near")
        session.skip(2100)
        far = attacker.message(ALICE, "far")
        self.assert_refused(attacker, [far, attacker.message(ALICE, "endless", counter=2 ** 32 - 1)], path)
        self.say(attacker, near, path)
        self.assertEqual(self.read(attacker), ["first", "near"])

    @over_paths(*EVERYWHERE)
    def test_payload(self, path):
        """The ratchet is right, what it opens was changed."""
        attacker = self.attacker(path)
        self.say(attacker, attacker.message(ALICE, "first"), path)
        self.assert_refused(attacker, [attacker.message(ALICE, "changed", payload=lambda c: bytes([c[0] ^ 1]) + c[1:]),
                                       attacker.message(ALICE, "changed", payload=lambda c: c[:-1]),
                                       attacker.message(ALICE, "changed", payload=lambda c: c + b"x"),
                                       attacker.message(ALICE, "changed", secret=lambda s: s[:31] + bytes([s[31] ^ 1]))], path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["first", "good"])


@each_path
class D9(OmemoCase):
    """Wrong key, tag or IV lengths: refused."""

    @over_paths(*EVERYWHERE)
    def test_secret(self, path):
        attacker = self.attacker(path)
        bad = [attacker.message(ALICE, "bad", secret=lambda s, n=n: (s + bytes(64))[:n]) for n in (0, 1, 15, 16, 17, 24, 31, 33, 48, 64)]
        # A tag that is left on the payload, as old clients did: it is not authenticated by the ratchet.
        self.assert_refused(attacker, bad, path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["good"])

    @over_paths(*EVERYWHERE)
    def test_tag_on_payload(self, path):
        attacker = self.attacker(path)
        kept = {}

        def cut(secret):
            kept["tag"] = secret[16:]
            return secret[:16]

        self.assert_refused(attacker, attacker.message(ALICE, "bad", secret=cut, payload=lambda c: c + kept["tag"]), path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["good"])

    @over_paths(*EVERYWHERE)
    def test_iv(self, path):
        attacker = self.attacker(path)
        bad = [attacker.message(ALICE, "bad", iv_length=n) for n in (0, 1, 8, 11, 13, 15, 17, 32)]
        none = attacker.message(ALICE, "bad")
        start, end = none.index("<iv>"), none.index("</iv>") + 5
        self.assert_refused(attacker, bad + [none[:start] + none[end:]], path)
        self.say(attacker, attacker.message(ALICE, "sixteen", iv_length=16), path)
        self.say(attacker, attacker.message(ALICE, "twelve"), path)
        self.assertEqual(self.read(attacker), ["sixteen", "twelve"])

    @over_paths(*EVERYWHERE)
    def test_key_element(self, path):
        """What is in <key/> is no message of the ratchet, or far too long, or not in base64."""
        attacker = self.attacker(path)
        rid = attacker.rid(ALICE)
        bad = [attacker.message(ALICE, "bad", key=(data, prekey)) for prekey in (True, False)
               for data in (b"3", b"3" * 9, b"\x33" + bytes(200), bytes(1024), bytes(1025), bytes(5000))]
        bad += [attacker.message(ALICE, "bad", keys=f"<key rid='{rid}'>{text}</key>") for text in ("", "?", "A", "AAAA=AAA", "\u00e4")]
        bad += [attacker.message(ALICE, "bad", keys=f"<key rid='{rid}'>MwoB</key>" * 50)]
        self.assert_refused(attacker, bad, path)
        self.say(attacker, attacker.message(ALICE, "good"), path)
        self.assertEqual(self.read(attacker), ["good"])


@each_path
class D17(OmemoCase):
    """NUL or broken UTF-8 inside the decrypted text: refused."""

    bad = (b"a\0b", b"\0", b"a\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"good \xe2\x82")

    @over_paths(*EVERYWHERE)
    def test_text(self, path):
        attacker = self.attacker(path)
        self.assert_refused(attacker, [attacker.message(ALICE, text) for text in self.bad], path)
        self.deliver_all([self.stanza(attacker, attacker.message(ALICE, text)) for text in ("good \U0001f600", "\ufffd", "tab\tand\nline")],
                         path)
        self.assertEqual(self.read(attacker), ["good \U0001f600", "\ufffd", "tab\tand\nline"])


if __name__ == "__main__":
    unittest.main()
