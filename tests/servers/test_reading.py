# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read on one device of a person is read on the others, and whom it is told."""

from tess.cases import ServerCase, on_each_server
from tess.util import wait_for
from tess.wire import NS_PUBSUB, Wire

NODE = "urn:xmpp:mds:displayed:0"
NS_MARKERS = "{urn:xmpp:chat-markers:0}"


@on_each_server
class Reading(ServerCase):
    pairs = 20

    def two_devices(self):
        """Alice's desktop and laptop, and Bob, all in plain text: (desktop, laptop, bob, alice's address, bob's address)."""
        a, b = self.friends()
        desktop, laptop, bob = self.peer(a), self.peer(a, name=f"{a}'s laptop"), self.peer(b)
        for peer, other in ((desktop, b), (laptop, b), (bob, a)):
            peer.encrypt(self.jid(other), False)
        return desktop, laptop, bob, self.jid(a), self.jid(b)

    def wire(self, jid):
        user = jid.partition("@")[0]
        wire = Wire(self.server, user, self.password(user))
        self.addCleanup(wire.close)
        return wire

    def places(self, jid):
        """Chat -> the archive id up to which the account's node says that it was displayed."""
        answer = self.wire(jid).iq("get", f"<pubsub xmlns='{NS_PUBSUB}'><items node='{NODE}'/></pubsub>", allow_error=True)
        return {i.get("id"): i.find(".//{urn:xmpp:sid:0}stanza-id").get("id") for i in answer.iter(f"{{{NS_PUBSUB}}}item")}

    def markers(self, jid):
        """The displayed markers in the archive of @jid."""
        return [m.find(NS_MARKERS + "displayed").get("id") for m in self.wire(jid).archive()
                if m.find(NS_MARKERS + "displayed") is not None]

    def test_live(self):
        desktop, laptop, bob, a, b = self.two_devices()
        sent = [bob.send(a, f"words {n}") for n in range(3)]
        for peer in (desktop, laptop):
            peer.receive("words 2")
            peer.wait_unread(b, 3)
        self.assertEqual(desktop.mark_read(b), 0)
        laptop.wait_unread(b, 0)
        for ident in sent:
            bob.wait_state(ident, "read")
        # One for all three.
        wait_for(lambda: self.markers(b), "a marker in the archive", 20, 0.3)
        self.assertEqual(self.markers(b), sent[-1:])
        # What comes afterwards is news.
        bob.send(a, "later words")
        laptop.receive("later words")
        laptop.wait_unread(b, 1)

    def test_was_offline(self):
        desktop, laptop, bob, a, b = self.two_devices()
        bob.send(a, "before")
        laptop.receive("before")
        laptop.stop()
        bob.send(a, "while it was away")
        desktop.receive("while it was away")
        desktop.mark_read(b)
        wait_for(lambda: b in self.places(a), "the place in the node", 20, 0.3)
        bob.send(a, "after that")
        desktop.receive("after that")
        laptop.start()
        laptop.login(a.partition("@")[0], self.password(a.partition("@")[0]))
        laptop.receive("after that")
        laptop.wait_unread(b, 1)

    def test_read_while_offline(self):
        desktop, laptop, bob, a, b = self.two_devices()
        sent = bob.send(a, "read in a tunnel")
        desktop.receive("read in a tunnel")
        laptop.wait_unread(b, 1)
        desktop.command("logout", a)
        desktop.wait({"event": "offline"}, "the end of the session")
        desktop.mark_read(b)
        self.assertEqual(laptop.unread(b), 1)
        desktop.restart()
        laptop.wait_unread(b, 0)
        bob.wait_state(sent, "read")

    def test_silent(self):
        # Bob learns nothing, Alice's other device does.
        desktop, laptop, bob, a, b = self.two_devices()
        desktop.ask("tell", a, "markers", "off")
        desktop.ask("tell", a, "receipts", "off")
        laptop.ask("tell", a, "receipts", "off")
        sent = bob.send(a, "are you there?")
        desktop.receive("are you there?")
        laptop.wait_unread(b, 1)
        desktop.mark_read(b)
        laptop.wait_unread(b, 0)
        answered = bob.send(a, "hello?")
        bob.wait_state(answered, "sent")
        desktop.receive("hello?")
        self.assertEqual(self.markers(b), [])
        self.assertEqual({o["state"] for o in bob.objects if o.get("id") in (sent, answered) and "state" in o} - {"waiting", "sent"}, set())

    def test_stranger(self):
        a, b = self.strangers()
        desktop, laptop, bob = self.peer(a), self.peer(a, name="laptop"), self.peer(b)
        bob.encrypt(self.jid(a), False)
        bob.send(self.jid(a), "you do not know me")
        for peer in (desktop, laptop):
            peer.receive("you do not know me")
        desktop.mark_read(self.jid(b))
        laptop.wait_unread(self.jid(b), 0)
        self.assertEqual(self.markers(self.jid(b)), [])

    def test_the_node_is_private_and_keeps_all(self):
        a, b = self.friends()
        others = [f"alice{n}" for n in range(4, 8)]
        alice = self.peer(a)
        for other in others:
            peer = self.peer(other)
            peer.encrypt(self.jid(a), False)
            peer.send(self.jid(a), f"from {other}")
            alice.receive(f"from {other}")
        for other in others:
            alice.mark_read(self.jid(other))
        wait_for(lambda: len(self.places(self.jid(a))) == len(others), "all places", 20, 0.3)
        with Wire(self.server, b, self.password(b)) as wire:
            answer = wire.iq("get", f"<pubsub xmlns='{NS_PUBSUB}'><items node='{NODE}'/></pubsub>", to=self.jid(a), allow_error=True)
            self.assertEqual(answer.get("type"), "error")
        config = self.wire(self.jid(a)).iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"
                                           f"<configure node='{NODE}'/></pubsub>")
        values = {f.get("var"): f.findtext("{jabber:x:data}value") for f in config.iter("{jabber:x:data}field")}
        self.assertEqual(values["pubsub#access_model"], "whitelist")
        self.assertEqual(values["pubsub#send_last_published_item"], "never")

    # -- what is kept ----------------------------------------------------------------------------------------

    def test_archiving(self):
        """Who stands in the lists of exceptions stays there, and "nothing" is nothing."""
        a, b = self.friends()
        alice, bob = self.peer(a), self.peer(b)
        jid = self.jid(a)
        self.assertEqual(alice.ask("archiving", jid)["archiving"], "everything")
        prefs = "<prefs xmlns='urn:xmpp:mam:2' default='always'><always><jid>romeo@example.org</jid></always>" \
                "<never><jid>eve@example.org</jid></never></prefs>"
        self.wire(jid).iq("set", prefs)
        for wanted in ("contacts", "nothing"):
            alice.ask("archiving", jid, wanted)
            self.assertEqual(alice.ask("archiving", jid)["archiving"], wanted)
        answer = self.wire(jid).iq("get", "<prefs xmlns='urn:xmpp:mam:2'/>").find("{urn:xmpp:mam:2}prefs")
        lists = {n: [j.text for j in answer.findall(f"{{urn:xmpp:mam:2}}{n}/{{urn:xmpp:mam:2}}jid")] for n in ("always", "never")}
        self.assertEqual(lists, {"always": ["romeo@example.org"], "never": ["eve@example.org"]})

        bob.encrypt(jid, False)
        bob.send(jid, "kept nowhere")
        alice.receive("kept nowhere")
        kept = [m.findtext("{jabber:client}body") for m in self.wire(jid).archive()]
        self.assertNotIn("kept nowhere", kept)
        alice.ask("archiving", jid, "everything")
        bob.send(jid, "kept again")
        alice.receive("kept again")
        wait_for(lambda: "kept again" in [m.findtext("{jabber:client}body") for m in self.wire(jid).archive()], "it in the archive", 20, 0.3)

    def test_cleared_stays_cleared(self):
        desktop, laptop, bob, a, b = self.two_devices()
        bob.send(a, "to be let go of")
        for peer in (desktop, laptop):
            peer.receive("to be let go of")
        desktop.ask("clear", b)
        self.assertEqual(self.texts(desktop, b), [])
        self.assertEqual(self.texts(laptop, b), ["to be let go of"])
        bob.send(a, "afterwards")
        desktop.receive("afterwards")
        desktop.restart()
        bob.send(a, "later still")
        desktop.receive("later still")
        self.assertEqual(self.texts(desktop, b), ["afterwards", "later still"])
