# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripted peer is told by other tests of the network, and asked of what waits."""

from tess.cases import ServerCase, on_each_server
from tess.rough_proxy import RoughProxy


@on_each_server
class ScriptedPeer(ServerCase):
    pairs = 10

    def online_again(self, peer, jid, after):
        return peer.wait({"event": "online", "account": jid}, f"reconnection of {jid}", 60, after)

    def test_help(self):
        words = [line.split(" ")[0] for line in self.peer().ask("help")["commands"]]
        for name in ("network", "cut", "outbox", "draft"):
            self.assertIn(name, words)

    def test_cut(self):
        alice, bob, a, b = self.encrypted_pair()
        after = alice.mark()
        self.assertEqual(alice.ask("cut")["connections"], 1)
        sent = alice.send(b, "written into the cut")
        # Nobody said goodbye: the server still knows the stream.
        self.assertTrue(self.online_again(alice, a, after)["resumed"])
        alice.wait_state(sent, "delivered")
        self.assertEqual(self.texts(bob, a), ["written into the cut"])
        self.assertEqual(self.peer().ask("cut")["connections"], 0)

    def test_a_dead_wire_is_found_when_the_network_changes(self):
        # By itself the client asks after two and a half minutes of silence: longer than this waits.
        told = []
        for user, word in zip(self.friends(), ("off", "on")):
            wire = RoughProxy(self.server.port)
            self.addCleanup(wire.close)
            peer = self.peer(user, port=wire.port)
            after = peer.mark()
            self.assertEqual(wire.drop("server"), 1)
            peer.ask("network", word)
            told.append((peer, self.jid(user), after))
        for peer, jid, after in told:
            peer.wait({"event": "offline", "account": jid}, "end of the dead connection", 60, after)
            self.online_again(peer, jid, after)

    def test_outbox(self):
        a, b = self.friends()
        alice = self.peer(a)
        b = self.jid(b)
        alice.encrypt(b)
        # Bob has no device.
        failed = alice.send(b, "to nobody's device")
        alice.wait_state(failed, "failed")
        alice.encrypt(self.jid(a), False)
        alice.wait_state(alice.send(self.jid(a), "to myself"), "sent")
        alice.command("logout", self.jid(a))
        waiting = alice.send(b, "once there is a network")
        left = alice.ask("outbox")["messages"]
        self.assertEqual([(m["id"], m["jid"], m["text"], m["state"]) for m in left],
                         [(failed, b, "to nobody's device", "failed"), (waiting, b, "once there is a network", "waiting")])
        self.assertIn("no device", left[0]["reason"])
        self.assertIsNone(left[1]["reason"])

    def test_draft(self):
        a, b = self.friends()
        alice, b = self.peer(a), self.jid(b)
        self.assertIsNone(alice.ask("draft", b)["draft"])
        self.assertEqual(alice.ask("draft", b, "half a sen"), {"reply": "draft", "jid": b, "draft": "half a sen"})
        # What was answered is stored.
        alice.restart(hard=True)
        self.assertEqual(alice.ask("draft", b)["draft"], "half a sen")
        self.assertIsNone(alice.ask("draft", b, "")["draft"])
        alice.restart(hard=True)
        self.assertIsNone(alice.ask("draft", b)["draft"])
