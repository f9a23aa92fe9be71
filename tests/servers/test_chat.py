# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between two peers and between the devices of one person, plain and encrypted."""

import contextlib
import os
import sqlite3

from tess.cases import ServerCase, on_each_server
from tess.util import wait_for
from tess.wire import NS_AXOLOTL, Wire


@on_each_server
class Chat(ServerCase):
    pairs = 28

    def test_plain_both_ways(self):
        alice, bob, a, b = self.online_pair()
        alice.encrypt(b, False)
        bob.encrypt(a, False)
        sent = alice.send(b, "plain from alice: ä€😀 <&>'\"")
        bob.receive("plain from alice: ä€😀 <&>'\"", encryption="none", jid=a)
        alice.wait_state(sent, "delivered")
        answer = bob.send(a, "plain from bob")
        alice.receive("plain from bob", encryption="none", jid=b)
        bob.wait_state(answer, "delivered")
        for peer, other in ((alice, b), (bob, a)):
            self.assertEqual(self.texts(peer, other), ["plain from alice: ä€😀 <&>'\"", "plain from bob"])

    def test_encrypted_both_ways(self):
        alice, bob, a, b = self.encrypted_pair()
        for number in range(3):
            text = f"secret words {number}: ä€😀 <&>"
            sent = alice.send(b, text)
            event = bob.receive(text, encryption="omemo", jid=a)
            self.assertIn(event["device"], [d["id"] for d in bob.devices(a)])
            alice.wait_state(sent, "delivered")
            sent = bob.send(a, "answer to " + text)
            alice.receive("answer to " + text, encryption="omemo", jid=b)
            bob.wait_state(sent, "delivered")
        self.assertEqual(self.texts(alice, b), self.texts(bob, a))
        self.assertEqual({m["encryption"] for m in alice.history(b)}, {"omemo"})

    def test_encryption_is_on_by_default(self):
        # Both have devices by then, and nobody has said "encrypt".
        alice, bob, a, b = self.online_pair()
        alice.wait_devices(b)
        bob.wait_devices(a)
        alice.send(b, "encrypted without a word")
        bob.receive("encrypted without a word", encryption="omemo")

    def test_never_plain_by_itself(self):
        # Bob has never had a device: what was to be encrypted is not sent, and says why; without encryption it is sent.
        a, b = self.friends()
        alice = self.peer(a)
        alice.encrypt(self.jid(b))
        event = alice.wait_state(alice.send(self.jid(b), "secretword"), "failed")
        self.assertIn("no device", event["reason"])
        alice.encrypt(self.jid(b), False)
        alice.wait_state(alice.send(self.jid(b), "plainword"), "sent")
        secret, plain = self.server.holds("secretword", "plainword")
        self.assertEqual(secret, [])
        self.assertNotEqual(plain, [])

    def test_nothing_is_sent_under_an_alarm(self):
        # The alarm is put where a changed key would put it; a person's decision about the device ends it.
        alice, bob, a, b = self.encrypted_pair()
        alice.wait_state(alice.send(b, "before"), "delivered")
        device = alice.devices(b)[0]["id"]
        alice.stop()
        database = os.path.join(alice.home, "data", "tessera", "tessera.db")
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE omemo_devices SET key_alarm = 1 WHERE address = ?", (b,))
        alice.start()
        alice.login(a.partition("@")[0], self.password(a.partition("@")[0]))
        event = alice.wait_state(alice.send(b, "under the alarm"), "failed")
        self.assertIn("another key", event["reason"])
        alice.command("trust", b, device, "trusted")
        alice.wait_state(alice.send(b, "after the decision"), "delivered")
        self.assertEqual(self.texts(bob, a), ["before", "after the decision"])

    def test_nobody_there(self):
        a, _b = self.friends()
        alice = self.peer(a)
        nobody = f"nobody@{self.server.domain}"
        alice.encrypt(nobody, False)
        event = alice.wait_state(alice.send(nobody, "is there anybody"), "failed")
        self.assertIn(nobody, event["reason"])
        self.assertIn("Check the address", event["reason"])

    def test_server_holds_no_plain_text(self):
        alice, bob, a, b = self.encrypted_pair()
        sent = alice.send(b, "nobody else may read this sentence")
        bob.receive("nobody else may read this sentence", encryption="omemo")
        alice.wait_state(sent, "delivered")
        alice.encrypt(b, False)
        open_one = alice.send(b, "everybody may read that sentence")
        bob.receive("everybody may read that sentence", encryption="none")
        alice.wait_state(open_one, "delivered")
        with Wire(self.server, a.split("@")[0], self.password(a.split("@")[0])) as wire:
            self.assertGreaterEqual(sum(m.find(f"{{{NS_AXOLOTL}}}encrypted") is not None for m in wire.archive()), 1)
        alice.stop()
        bob.stop()
        secret, public = self.server.holds("nobody else may read this", "everybody may read that")
        self.assertEqual(secret, [])
        # The archive does keep messages; else the line above would prove nothing.
        self.assertNotEqual(public, [])

    def test_states(self):
        a, b = self.friends()
        alice = self.peer(a)
        alice.encrypt(self.jid(b), False)
        sent = alice.send(self.jid(b), "are you there?")
        alice.wait_state(sent, "sent")
        # Nobody was there yet: delivered comes with the receipt of a device.
        self.assertNotIn("delivered", [o.get("state") for o in alice.objects if o.get("id") == sent])
        bob = self.peer(b)
        bob.receive("are you there?")
        states = [o["state"] for o in alice.objects if o.get("id") == sent and "state" in o]
        self.assertEqual(states[:1], ["waiting"])
        self.assertIn("sent", states)

    def test_own_second_device(self):
        alice, bob, a, b = self.online_pair()
        laptop = self.peer(a.split("@")[0], name="alice's laptop")
        for peer in (alice, laptop):
            peer.wait_devices(a, 2)
        bob.wait_devices(a, 2)
        for peer in (alice, laptop):
            peer.wait_devices(b)
        # What one device of alice sends shows on the other, readable, as her own.
        sent = alice.send(b, "from the first device")
        bob.receive("from the first device", encryption="omemo")
        laptop.carbon("from the first device", encryption="omemo", jid=b)
        alice.wait_state(sent, "delivered")
        # What bob sends reaches both.
        bob.send(a, "to both devices")
        for peer in (alice, laptop):
            peer.receive("to both devices", encryption="omemo", jid=b)
        laptop.send(b, "from the second device")
        bob.receive("from the second device", encryption="omemo")
        alice.carbon("from the second device", encryption="omemo", jid=b)
        expected = ["from the first device", "to both devices", "from the second device"]
        for peer, other in ((alice, b), (laptop, b), (bob, a)):
            self.assertEqual(self.texts(peer, other), expected)

    def test_offline_then_archive(self):
        alice, bob, a, b = self.encrypted_pair()
        first = alice.send(b, "while both are here")
        bob.receive("while both are here", encryption="omemo")
        alice.wait_state(first, "delivered")
        bob.stop()
        texts = [f"while bob is away {n}" for n in range(12)]
        for text in texts:
            alice.wait_state(alice.send(b, text), "sent")
        bob.start()
        after = bob.mark()
        bob.login(b.split("@")[0], self.password(b.split("@")[0]))
        for text in texts:
            bob.receive(text, after=after, encryption="omemo")
        self.assertEqual(self.texts(bob, a), ["while both are here"] + texts)
        # And once more: nothing comes twice.
        bob.restart(hard=False)
        bob.send(a, "I have read it all")
        alice.receive("I have read it all")
        self.assertEqual(self.texts(bob, a), ["while both are here"] + texts + ["I have read it all"])

    def test_first_message_while_offline(self):
        # The very first message, with a key exchange in it, waits in the archive.
        a, b = self.friends()
        alice, bob = self.peer(a), self.peer(b)
        alice.wait_devices(self.jid(b))
        bob.stop()
        alice.encrypt(self.jid(b))
        alice.wait_state(alice.send(self.jid(b), "a first word into the void"), "sent")
        bob.start()
        bob.login(b, self.password(b))
        bob.receive("a first word into the void", encryption="omemo")
        bob.send(self.jid(a), "caught it")
        alice.receive("caught it", encryption="omemo")

    def test_written_offline(self):
        # Written without a connection: it waits, and goes out with the next one.
        alice, bob, a, b = self.encrypted_pair()
        first = alice.send(b, "connected")
        bob.receive("connected", encryption="omemo")
        alice.wait_state(first, "delivered")
        after = alice.mark()
        alice.command("logout", a)
        alice.wait({"event": "offline", "account": a}, "end of the connection", after=after)
        waiting = alice.send(b, "written on the train")
        alice.restart(hard=True)
        bob.receive("written on the train", encryption="omemo")
        alice.wait_state(waiting, "delivered")
        self.assertEqual(self.texts(bob, a), ["connected", "written on the train"])

    def test_trust_and_uri(self):
        alice, bob, a, b = self.encrypted_pair()
        uri = bob.ask("uri")["uri"]
        device = alice.wait_devices(b)[0]
        self.assertEqual(uri, f"xmpp:{b}?omemo-sid-{device['id']}={device['fingerprint']}")
        self.assertRegex(device["fingerprint"], "^[0-9a-f]{64}$")
        for trust in ("verified", "distrusted", "trusted"):
            alice.command("trust", b, device["id"], trust)
            wait_for(lambda trust=trust: [d["trust"] for d in alice.devices(b)] == [trust], f"device that is {trust}", 20, 0.1)
