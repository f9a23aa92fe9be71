# SPDX-License-Identifier: GPL-3.0-or-later
"""While nobody looks the server keeps what can wait (XEP-0352), and nothing else."""

import time
import unittest

from tess.cases import ServerCase, on_each_server
from tess.proxy import Proxy
from tess.servers import Prosody

# Longer than an acknowledgement of ours is put off (what we send brings what is kept), and than Prosody lets through
# what comes after something that could not wait.
QUIET = 2.5


class Cases(ServerCase):
    pairs = 8

    def gone(self, peer, jid, after):
        return any(o.get("event") == "contact" and o.get("jid") == jid and o.get("presence") == "offline"
                   for o in peer.objects[after:peer.mark()])

    def wait_gone(self, peer, jid, after):
        peer.wait(lambda o: o.get("event") == "contact" and o.get("jid") == jid and o.get("presence") == "offline",
                  f"news that {jid} has gone", after=after)

    def three(self):
        """Alice with two devices, and Bob, whom both have seen: (alice, other, bob, Bob's address)."""
        a, b = self.friends()
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.close)
        alice, other, bob, jid = self.peer(a, port=self.proxy.port), self.peer(a, name="other"), self.peer(b), self.jid(b)
        for peer in (alice, other):
            peer.wait(lambda o: o.get("event") == "contact" and o.get("jid") == jid and o.get("presence") == "online",
                      "Bob's presence")
        alice.wait_devices(jid)
        # Both, and not only the one that the server took first.
        bob.wait_devices(self.jid(a), 2)
        return alice, other, bob, jid

    def test_presence_waits(self):
        alice, other, bob, jid = self.three()
        alice.ask("csi", "inactive")
        time.sleep(QUIET)
        after, seen = alice.mark(), other.mark()
        bob.ask("logout", jid)
        # The other one, which is looked at, hears of it.
        self.wait_gone(other, jid, seen)
        time.sleep(QUIET)
        self.assertFalse(self.gone(alice, jid, after), "the server does not keep what can wait")
        alice.ask("csi", "active")
        self.wait_gone(alice, jid, after)

    def test_presence_waits_after_a_resumption(self):
        alice, other, bob, jid = self.three()
        alice.ask("csi", "inactive")
        after = alice.mark()
        self.proxy.cut()
        alice.wait({"event": "online", "resumed": True}, "resumption", after=after)
        time.sleep(QUIET)
        after, seen = alice.mark(), other.mark()
        bob.ask("logout", jid)
        self.wait_gone(other, jid, seen)
        time.sleep(QUIET)
        self.assertFalse(self.gone(alice, jid, after), "the server has forgotten, and was not told again")
        alice.ask("csi", "active")
        self.wait_gone(alice, jid, after)

    def test_presence_comes_while_active(self):
        alice, other, bob, jid = self.three()
        alice.ask("csi", "inactive")
        alice.ask("csi", "active")
        after, seen = alice.mark(), other.mark()
        bob.ask("logout", jid)
        self.wait_gone(other, jid, seen)
        self.wait_gone(alice, jid, after)

    def test_message_comes_at_once(self):
        alice, _other, bob, _jid = self.three()
        alice.ask("csi", "inactive")
        time.sleep(QUIET)
        a = alice.jid
        bob.encrypt(a)
        ident = bob.send(a, "while nobody looks")
        alice.receive("while nobody looks", encryption="omemo")
        bob.wait_state(ident, "delivered")


@on_each_server
class InUse(Cases):
    pass


class InUseOverSasl2(Cases, unittest.TestCase):
    """There a login that resumes is shown no features afterwards."""

    server_class = Prosody
    server_options = {"sasl2": True}
