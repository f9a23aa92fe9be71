# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server's archive has and the database has not: absences of many pages, new devices, chats from before, crashes."""

from tess.cases import ServerCase, on_each_server
from tess.util import wait_for


@on_each_server
class History(ServerCase):
    pairs = 12

    def user(self, jid):
        return jid.partition("@")[0]

    def login(self, peer, jid):
        return peer.login(self.user(jid), self.password(self.user(jid)))

    def presence(self, peer, jid):
        return next((c["presence"] for c in peer.ask("roster")["contacts"] if c["jid"] == jid), None)

    def fill(self, peer, other, texts):
        """Sends them one after the other, and waits until the server has all of them."""
        after = peer.mark()
        for text in texts:
            peer.command("send", other, text)
        last = peer.wait(lambda o: o.get("event") == "message" and o.get("direction") == "out" and o.get("text") == texts[-1],
                         "the last message", 120, after)
        peer.wait_state(last["id"], "sent", 120)

    def caught_up(self, peer):
        wait_for(lambda: peer.ask("gaps")["gaps"] == 0, "the end of the gaps", 120)

    def test_absence(self):
        # Several pages, plain and encrypted, both ways from another device; nothing twice, in the order of the archive.
        alice, bob, a, b = self.encrypted_pair()
        alice.send(b, "before")
        bob.receive("before")
        alice.stop()
        texts = [f"meanwhile {number}" for number in range(330)]
        self.fill(bob, a, texts)
        alice.start()
        self.login(alice, a)
        alice.receive(texts[-1])
        self.caught_up(alice)
        wait_for(lambda: len(alice.history(b)) == 331, "all messages", 60)
        history = alice.history(b)
        self.assertEqual([m["text"] for m in history], ["before"] + texts,
                         [(m["text"], m["time"]) for m in history if m["text"] == "before"] + [history[0]["time"], history[-1]["time"]])
        self.assertEqual({m["encryption"] for m in history}, {"omemo"})

    def test_killed_amid_an_absence(self):
        # kill -9 again and again while the gap is closed: it goes on where it was.
        alice, bob, a, b = self.online_pair()
        bob.encrypt(a, False)
        self.fill(bob, a, ["before"])
        alice.receive("before")
        alice.stop()
        texts = [f"meanwhile {number}" for number in range(420)]
        self.fill(bob, a, texts)
        for _ in range(4):
            alice.start()
            after = alice.mark()
            alice.try_login(self.user(a), self.password(self.user(a)))
            alice.wait(lambda o: o.get("event") == "message" and o.get("text") in texts, "some of them", 60, after)
            alice.kill()
        alice.start()
        self.login(alice, a)
        self.caught_up(alice)
        wait_for(lambda: len(alice.history(b)) == 421, "all messages", 60)
        self.assertEqual(self.texts(alice, b), ["before"] + texts)

    def test_held(self):
        # The person stops it, over a restart too, and lets it go on.
        alice, bob, a, b = self.online_pair()
        bob.encrypt(a, False)
        self.fill(bob, a, ["before"])
        alice.receive("before")
        alice.ask("gaps", "hold")
        alice.stop()
        texts = [f"meanwhile {number}" for number in range(300)]
        self.fill(bob, a, texts)
        alice.start()
        self.login(alice, a)
        alice.receive(texts[-1])
        alice.ask("gaps", "hold")
        if alice.ask("gaps")["gaps"]:
            alice.restart(hard=False)
            self.assertTrue(alice.ask("gaps")["held"])
            alice.ask("gaps", "fetch")
        self.caught_up(alice)
        wait_for(lambda: len(alice.history(b)) == 301, "all messages", 60)
        self.assertEqual(self.texts(alice, b), ["before"] + texts)

    def test_new_device(self):
        # It shows the last page of the chat at once, and the rest when somebody asks, to the beginning.
        alice, bob, a, b = self.online_pair()
        alice.encrypt(b, False)
        bob.encrypt(a, False)
        texts = [f"long ago {number}" for number in range(260)]
        for start in range(0, 260, 20):
            one, other, jid = (bob, alice, a) if start % 40 else (alice, bob, b)
            self.fill(one, jid, texts[start:start + 20])
            other.receive(texts[start + 19])
        second = self.peer(self.user(a))
        wait_for(lambda: len(second.history(b)) >= 30, "the last page", 20)
        shown = self.texts(second, b)
        self.assertEqual(shown, texts[-len(shown):])
        self.assertLess(len(shown), 200)
        older = [m["text"] for m in second.ask("catchup", b, 200, seconds=60)["messages"]]
        self.assertEqual(older, texts[-200:])
        everything = [m["text"] for m in second.ask("catchup", b, 1000, seconds=60)["messages"]]
        self.assertEqual(everything, texts)
        # Nothing of it is news, and it is all there now.
        self.assertEqual(self.texts(second, b), texts)

    def test_session_outlives_the_process(self):
        # kill -9 while something is on its way in both directions: the next process resumes the session.
        alice, bob, a, b = self.encrypted_pair()
        for round_number in range(3):
            alice.send(b, f"out {round_number}")
            bob.send(a, f"in {round_number}")
            alice.kill()
            bob.send(a, f"while it is dead {round_number}")
            alice.start()
            online = self.login(alice, a)
            self.assertTrue(online["resumed"])
            alice.receive(f"while it is dead {round_number}")
            bob.receive(f"out {round_number}")
        expected = [f"{what} {n}" for n in range(3) for what in ("out", "in", "while it is dead")]
        for peer, other in ((alice, b), (bob, a)):
            wait_for(lambda: len(peer.history(other)) == 9, "all messages")  # pylint: disable=cell-var-from-loop
            self.assertEqual(sorted(self.texts(peer, other)), sorted(expected))
        # Who was there before is there still, without being asked, and who went meanwhile is not.
        alice.kill()
        alice.start()
        self.login(alice, a)
        wait_for(lambda: self.presence(alice, b) == "online", "bob's presence")
        alice.kill()
        bob.stop()
        alice.start()
        self.assertTrue(self.login(alice, a)["resumed"])
        alice.ask("gaps")
        wait_for(lambda: self.presence(alice, b) == "offline", "bob's absence")
        # It ends in order, and then there is nothing to resume.
        alice.stop()
        alice.start()
        self.assertFalse(self.login(alice, a)["resumed"])
