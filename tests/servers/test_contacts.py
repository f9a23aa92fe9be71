# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact requests: made, accepted, refused; and presence that follows."""

from tess.cases import ServerCase, on_each_server
from tess.util import wait_for


@on_each_server
class Contacts(ServerCase):
    pairs = 12

    def requested(self):
        """A request of alice that has reached bob: (alice, bob, a, b)."""
        a, b = self.strangers()
        alice, bob = self.peer(a), self.peer(b)
        a, b = self.jid(a), self.jid(b)
        alice.command("add", b)
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == a and o.get("request"), f"request of {a}")
        return alice, bob, a, b

    def subscribed(self, peer, jid, kind, after=0):
        return peer.wait(lambda o: o.get("event") == "contact" and o.get("jid") == jid and o.get("subscription") == kind,
                         f"subscription {kind} with {jid}", after=after)

    def roster(self, peer):
        return {c["jid"]: c for c in peer.ask("roster")["contacts"]}

    def test_accept(self):
        alice, bob, a, b = self.requested()
        bob.command("accept", a)
        # Accepting asks back, and who asked first has agreed already.
        self.subscribed(alice, b, "both")
        self.subscribed(bob, a, "both")
        self.assertEqual(self.roster(alice)[b]["subscription"], "both")
        self.assertEqual(self.roster(bob)[a]["subscription"], "both")

    def test_refuse(self):
        alice, bob, a, b = self.requested()
        after = bob.mark()
        bob.command("refuse", a)
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == a and not o.get("request"), "end of the request",
                 after=after)
        self.assertNotIn(self.roster(bob).get(a, {}).get("subscription"), ("from", "both"))
        self.assertNotIn(self.roster(alice).get(b, {}).get("subscription"), ("to", "both"))

    def test_request_waits(self):
        # The request is there when its receiver comes online later.
        a, b = self.strangers()
        alice = self.peer(a)
        alice.command("add", self.jid(b))
        alice.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.jid(b), "contact in the own list")
        bob = self.peer(b)
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.jid(a) and o.get("request"), "request")
        bob.command("accept", self.jid(a))
        self.subscribed(alice, self.jid(b), "both")

    def test_roster_survives(self):
        a, b = self.friends()
        alice = self.peer(a)
        wait_for(lambda: self.jid(b) in self.roster(alice), "contact list", 20, 0.1)
        self.assertEqual(self.roster(alice)[self.jid(b)]["subscription"], "both")
        alice.restart(hard=True)
        wait_for(lambda: self.jid(b) in self.roster(alice), "contact list after a restart", 20, 0.1)
