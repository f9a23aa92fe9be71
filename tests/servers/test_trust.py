# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes, decisions and one's own devices, through the scripted peer against each real server."""

import os
import subprocess

from tess.cases import ServerCase, on_each_server
from tess.util import wait_for
from tess.wire import NS_AXOLOTL, NS_PUBSUB, Wire


def flipped(uri):
    """The same code with another digit in its first fingerprint."""
    head, equals, rest = uri.partition("=")
    return head + equals + ("0" if rest[0] != "0" else "1") + rest[1:]


@on_each_server
class Trust(ServerCase):
    pairs = 30

    def seen_by(self, user, look):
        """What @look says of a bare connection of @user."""
        with Wire(self.server, user, self.password(user)) as wire:
            return look(wire)

    def code(self, peer):
        return peer.ask("uri")["uri"]

    def trusts(self, peer, jid):
        return {d["id"]: d["trust"] for d in peer.devices(jid)}

    def refused(self, peer, *words):
        with self.assertRaises(AssertionError) as caught:
            peer.ask(*words)
        return str(caught.exception)

    def test_scanned(self):
        alice, bob, a, b = self.encrypted_pair()
        code = self.code(bob)
        look = alice.ask("verify", b, code, "look")
        self.assertEqual((look["outcome"], look["applied"]), ("matches", False))
        self.assertEqual(set(self.trusts(alice, b).values()), {"trusted"})
        scanned = alice.ask("verify", b, code)
        self.assertEqual((scanned["outcome"], scanned["jid"], scanned["applied"]), ("matches", b, True))
        self.assertEqual([d["check"] for d in scanned["devices"]], ["matches"])
        self.assertEqual(set(self.trusts(alice, b).values()), {"verified"})
        self.assertEqual([d["check"] for d in alice.ask("verify", b, code)["devices"]], ["verified"])
        bob.send(a, "seen by whom I know")
        self.assertEqual(alice.receive("seen by whom I know")["trust"], "verified")

    def test_scanned_picture(self):
        alice, bob, a, b = self.encrypted_pair()
        picture = os.path.join(alice.home, "code.png")
        subprocess.run(["qrencode", "-o", picture, "-s", "6", self.code(bob)], check=True)
        codes = alice.ask("scan", picture)["codes"]
        self.assertEqual(codes, [self.code(bob)])
        self.assertTrue(alice.ask("verify", b, codes[0])["applied"])
        self.assertEqual(set(self.trusts(alice, b).values()), {"verified"})
        with open(picture, "wb") as file:
            file.write(b"no picture")
        self.assertIn("picture", self.refused(alice, "scan", picture))

    def test_marks_follow_the_decision(self):
        alice, bob, a, b = self.encrypted_pair()
        bob.send(a, "said before")
        self.assertEqual(alice.receive("said before")["trust"], "trusted")
        alice.ask("verify", b, self.code(bob))
        self.assertEqual([(m["text"], m["trust"]) for m in alice.ask("messages", b)["messages"]], [("said before", "verified")])
        alice.ask("trust", b, alice.devices(b)[0]["id"], "distrusted")
        self.assertEqual([m["trust"] for m in alice.ask("messages", b)["messages"]], ["distrusted"])

    def test_mismatch(self):
        # Nothing goes out any more until the person decides; a code that fits heals it.
        alice, bob, a, b = self.encrypted_pair()
        found = alice.ask("verify", b, flipped(self.code(bob)))
        self.assertEqual((found["outcome"], [d["check"] for d in found["devices"]]), ("mismatch", ["differs"]))
        self.assertTrue(alice.devices(b)[0]["key_alarm"])
        self.assertEqual(self.trusts(alice, b), {found["devices"][0]["id"]: "trusted"})
        self.assertIn("another key", alice.wait_state(alice.send(b, "not for this device"), "failed")["reason"])
        self.assertEqual(alice.ask("verify", b, self.code(bob))["outcome"], "matches")
        self.assertFalse(alice.devices(b)[0]["key_alarm"])
        alice.send(b, "looked at")
        bob.receive("looked at", encryption="omemo")
        self.assertEqual(self.texts(bob, a), ["looked at"])

    def test_somebody_elses(self):
        alice, bob, a, b = self.encrypted_pair()
        found = alice.ask("verify", b, self.code(alice))
        self.assertEqual((found["outcome"], found["jid"], found["applied"]), ("foreign", a, False))
        self.assertEqual(set(self.trusts(alice, b).values()), {"trusted"})
        for bad in ("", "hello", "https://example.org", "xmpp:" + b, "xmpp:" + b + "?omemo-sid-1=abc"):
            self.assertIn("code", self.refused(alice, "verify", b, bad))

    def test_not_known_yet(self):
        # Nobody has asked for Bob's devices: they are fetched. One that his server does not know is taken only when it is asked for.
        a, b = self.strangers()
        alice, bob = self.peer(a), self.peer(b)
        bob.wait_devices(self.jid(b))
        wait_for(lambda: self.seen_by(a, lambda wire: wire.device_list(self.jid(b))), "published list")
        found = alice.ask("verify", self.jid(b), self.code(bob))
        self.assertEqual((found["outcome"], found["asked"]), ("matches", True))
        strange = f"xmpp:{self.jid(b)}?omemo-sid-4711={'ab' * 32}"
        found = alice.ask("verify", self.jid(b), strange)
        self.assertEqual((found["outcome"], found["asked"]), ("unknown", True))
        self.assertNotIn(4711, self.trusts(alice, self.jid(b)))
        alice.ask("verify", self.jid(b), strange, "adopt")
        self.assertEqual(self.trusts(alice, self.jid(b))[4711], "verified")

    def test_decided_offline(self):
        alice, bob, a, b = self.encrypted_pair()
        code = self.code(bob)
        alice.ask("logout", a)
        self.assertEqual(alice.ask("verify", b, code)["outcome"], "matches")
        alice.stop()
        alice.start()
        self.assertEqual(set(self.trusts(alice, b).values()), {"verified"})

    def test_blind_for_one(self):
        # After "off" Bob's next device waits; after "default" the account's setting counts again.
        alice, bob, a, b = self.encrypted_pair()
        alice.ask("blind", b, "off")
        phone = self.peer(b.partition("@")[0], name="phone")
        new = int(phone.ask("fingerprint")["device"])
        wait_for(lambda: self.trusts(alice, b).get(new) == "undecided", "new device, undecided")
        alice.ask("blind", b, "default")
        tablet = self.peer(b.partition("@")[0], name="tablet")
        newer = int(tablet.ask("fingerprint")["device"])
        wait_for(lambda: self.trusts(alice, b).get(newer) == "trusted", "newer device, trusted")

    def test_rename(self):
        alice, bob, a, b = self.encrypted_pair()
        device = alice.devices(b)[0]["id"]
        alice.ask("rename", b, device, "Bob's  laptop ☕")
        self.assertEqual(alice.devices(b)[0]["label"], "Bob's  laptop ☕")
        self.assertIn("64", self.refused(alice, "rename", b, device, "x" * 65))
        self.assertEqual(alice.devices(b)[0]["label"], "Bob's  laptop ☕")
        alice.ask("rename", b, device)
        self.assertIsNone(alice.devices(b)[0]["label"])
        self.assertTrue(alice.devices(a)[0]["software"].startswith("Tessera"))
        self.assertIsNotNone(alice.devices(b)[0]["first_seen"])

    def test_software_of_own_devices(self):
        # What another device of ours runs is known when it has said something; nobody else's is asked for.
        a, b = self.friends()
        alice, other, bob = self.peer(a), self.peer(a, name="other"), self.peer(b)
        ident = int(other.ask("fingerprint")["device"])
        for peer, jid in ((alice, self.jid(b)), (other, self.jid(b)), (other, self.jid(a)), (bob, self.jid(a))):
            peer.wait_devices(jid)
        other.encrypt(self.jid(b))
        other.send(self.jid(b), "said by the other")
        bob.receive("said by the other", encryption="omemo")
        wait_for(lambda: [d["software"] for d in alice.devices(self.jid(a)) if d["id"] == ident] == ["Tessera"], "name of the other device")
        self.assertEqual({d["software"] for d in bob.devices(self.jid(a))}, {None})

    def test_reset_session(self):
        alice, bob, a, b = self.encrypted_pair()
        alice.send(b, "one")
        bob.receive("one")
        alice.ask("reset", b, alice.devices(b)[0]["id"])
        bob.send(a, "two")
        alice.receive("two", encryption="omemo")
        alice.send(b, "three")
        bob.receive("three", encryption="omemo")
        self.assertEqual([m["encryption"] for m in bob.history(a)], ["omemo"] * 3)
        self.assertIn("no such device", self.refused(alice, "reset", b, 4711))

    def test_remove_own_device(self):
        a, b = self.friends()
        alice, old = self.peer(a), self.peer(a, name="old")
        gone = int(old.ask("fingerprint")["device"])
        wait_for(lambda: gone in self.trusts(alice, self.jid(a)), "other device")
        old.stop()
        self.assertIn("Only another one", self.refused(alice, "remove", alice.ask("fingerprint")["device"]))
        alice.ask("remove", gone)
        self.assertEqual([d["active"] for d in alice.devices(self.jid(a)) if d["id"] == gone], [False])

        def left(wire):
            bundle = wire.iq("get", f"<pubsub xmlns='{NS_PUBSUB}'><items node='{NS_AXOLOTL}.bundles:{gone}'/></pubsub>", allow_error=True)
            return gone in wire.device_list() or bundle.get("type") == "result"

        wait_for(lambda: not self.seen_by(a, left), "list without it, and no bundle")
        # It comes back when it is used again: it is its own device that says so.
        old.start()
        old.login(a, self.password(a))
        wait_for(lambda: [d for d in alice.devices(self.jid(a)) if d["id"] == gone and d["active"]], "device that is used again")

    def test_reset_keys(self):
        alice, bob, a, b = self.encrypted_pair()
        alice.send(b, "old")
        bob.receive("old")
        bob.ask("verify", a, self.code(alice))
        before = alice.ask("fingerprint")
        alice.ask("reset-keys")
        after = alice.ask("fingerprint")
        self.assertNotEqual(before["fingerprint"], after["fingerprint"])
        self.assertNotEqual(before["device"], after["device"])

        user = a.partition("@")[0]
        wait_for(lambda: self.seen_by(user, lambda wire: wire.device_list()) == [after["device"]], "list with the new device alone")
        wait_for(lambda: [d["active"] for d in bob.devices(a) if d["id"] == before["device"]] == [False], "old device gone for Bob")
        wait_for(lambda: self.trusts(bob, a).get(after["device"]) == "undecided", "new device that Bob is asked about")
        bob.ask("verify", a, self.code(alice))
        bob.send(a, "to the new key")
        alice.receive("to the new key", encryption="omemo")
        alice.send(b, "with the new key")
        bob.receive("with the new key", encryption="omemo")
