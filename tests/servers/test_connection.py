# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost connections: resumed where the server still knows the stream, made anew where it does not; nothing is lost."""

from tess.cases import ServerCase, on_each_server
from tess.proxy import Proxy
from tess.rough_proxy import DOWN, UP, RoughProxy
from tess.util import wait_for


@on_each_server
class Connection(ServerCase):
    pairs = 12

    def proxied_pair(self):
        """Alice behind a wire that can be cut, bob directly: (alice, bob, a, b, proxy)."""
        a, b = self.friends()
        proxy = Proxy(self.server.port)
        self.addCleanup(proxy.close)
        alice = self.peer(a, port=proxy.port)
        bob = self.peer(b)
        alice.wait_devices(self.jid(b))
        bob.wait_devices(self.jid(a))
        first = alice.send(self.jid(b), "before the cut")
        bob.receive("before the cut", encryption="omemo")
        alice.wait_state(first, "delivered")
        return alice, bob, self.jid(a), self.jid(b), proxy

    def online_again(self, peer, jid, after, **fields):
        event = peer.wait(lambda o: o.get("event") == "online" and o.get("account") == jid, f"reconnection of {jid}", 60, after)
        for key, value in fields.items():
            self.assertEqual(event[key], value, f"{key} of {event}")
        return event

    def test_resumption(self):
        alice, bob, a, b, proxy = self.proxied_pair()
        after = alice.mark()
        self.assertEqual(proxy.cut(), 1)
        bob.send(a, "into the cut")
        self.online_again(alice, a, after, resumed=True)
        alice.receive("into the cut", encryption="omemo")
        alice.wait_state(alice.send(b, "after the cut"), "delivered")
        self.assertEqual(self.texts(alice, b), ["before the cut", "into the cut", "after the cut"])
        self.assertEqual(self.texts(bob, a), ["before the cut", "into the cut", "after the cut"])

    def test_sent_into_a_dead_wire(self):
        # The bytes leave, nobody gets them, the wire is cut: after the resumption they are there, once.
        alice, bob, a, b, proxy = self.proxied_pair()
        after = alice.mark()
        proxy.hold()
        idents = [alice.send(b, f"into the dead wire {n}") for n in range(5)]
        proxy.cut()
        proxy.release()
        self.online_again(alice, a, after)
        for ident in idents:
            alice.wait_state(ident, "delivered", 60)
        expected = ["before the cut"] + [f"into the dead wire {n}" for n in range(5)]
        self.assertEqual(self.texts(bob, a), expected)
        self.assertEqual(self.texts(alice, b), expected)

    def test_dead_wire_is_found(self):
        # Nobody cuts it, and TCP would try for a quarter of an hour: what is never confirmed tells.
        alice, bob, a, b, proxy = self.proxied_pair()
        after, before = alice.mark(), proxy.connections
        proxy.hold()
        ident = alice.send(b, "into the dead wire")
        alice.wait(lambda o: o.get("event") == "offline" and o.get("account") == a, "news of the dead wire", 60, after)
        wait_for(lambda: proxy.connections > before, "new connection", 20)
        proxy.release()
        self.online_again(alice, a, after, resumed=True)
        alice.wait_state(ident, "delivered", 60)
        self.assertEqual(self.texts(bob, a), ["before the cut", "into the dead wire"])

    def test_many_cuts(self):
        alice, bob, a, b, proxy = self.proxied_pair()
        expected = ["before the cut"]
        for number in range(6):
            after = alice.mark()
            alice.send(b, f"out {number}")
            bob.send(a, f"in {number}")
            proxy.cut()
            expected += [f"out {number}", f"in {number}"]
            self.online_again(alice, a, after)
        for number in range(6):
            bob.receive(f"out {number}", encryption="omemo", seconds=60)
            alice.receive(f"in {number}", encryption="omemo", seconds=60)
        for peer, other in ((alice, b), (bob, a)):
            self.assertEqual(sorted(self.texts(peer, other)), sorted(expected))

    def test_wire_down_for_a_while(self):
        alice, bob, a, b, proxy = self.proxied_pair()
        after = alice.mark()
        proxy.refuse = True
        proxy.cut()
        alice.wait(lambda o: o.get("event") == "offline" and o.get("account") == a, "news of the lost connection", after=after)
        waiting = alice.send(b, "written while it was down")
        bob.send(a, "sent while it was down")
        proxy.refuse = False
        self.online_again(alice, a, after)
        alice.receive("sent while it was down", encryption="omemo", seconds=60)
        alice.wait_state(waiting, "delivered", 60)

    def test_a_wire_that_breaks_anywhere_in_a_login(self):
        # Behind each word of either side. A broken handshake is not taken for a word of the server that only a person can answer.
        a, b = self.friends()
        wire = RoughProxy(self.server.port)
        self.addCleanup(wire.close)
        alice, jid = self.peer(a, port=wire.port), self.jid(a)
        for direction, place in [(UP, n) for n in range(2, 9)] + [(DOWN, n) for n in range(1, 9)]:
            # A new process knows no session of TLS that it could resume.
            alice.kill()
            alice.start()
            wire.shape(direction, breaks=place)
            after = alice.try_login(a, self.password(a), port=wire.port)
            alice.wait(lambda o: o.get("event") == "offline" and o["reason"], f"break behind piece {place} {direction}", after=after)
            wire.clear()
            after = alice.mark()
            alice.command("network", "on")
            self.online_again(alice, jid, after)


@on_each_server
class ServerRestart(ServerCase):
    pairs = 4

    def online_after(self, peers, marks):
        for (peer, jid), after in zip(peers, marks):
            peer.wait(lambda o, jid=jid: o.get("event") == "online" and o.get("account") == jid, f"reconnection of {jid}", 90,
                      after)

    def again(self, hard):
        alice, bob, a, b = self.encrypted_pair()
        peers = (alice, a), (bob, b)
        if hard:
            # ejabberd keeps what it was told in memory for minutes. Killed before, it forgets half of its PEP nodes and gives
            # the device list of one person to another: that is a damaged server, not a restarted one.
            marks = alice.mark(), bob.mark()
            self.server.restart()
            self.online_after(peers, marks)
        alice.wait_state(alice.send(b, "before the restart"), "delivered")
        bob.receive("before the restart", encryption="omemo")
        marks = alice.mark(), bob.mark()
        self.server.restart(hard=hard)
        self.online_after(peers, marks)
        alice.send(b, "after the restart")
        bob.receive("after the restart", encryption="omemo", seconds=60)
        bob.send(a, "here as well")
        alice.receive("here as well", encryption="omemo", seconds=60)
        for peer, other in ((alice, b), (bob, a)):
            self.assertEqual(self.texts(peer, other), ["before the restart", "after the restart", "here as well"])

    def test_restart(self):
        self.again(hard=False)

    def test_kill(self):
        self.again(hard=True)
