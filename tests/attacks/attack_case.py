# SPDX-License-Identifier: GPL-3.0-or-later
"""Test cases against the evil server: one server a class, a new victim a case, and what must hold afterwards."""

import atexit
import base64
import os
import re
import unittest

from tess import util
from tess.certs import Authority
from tess.evil import EvilServer
from tess.peer import Peer

ALICE, BOB, EVE = "alice@a.test", "bob@b.test", "eve@e.test"


def high_water_kib(pid):
    """VmHWM: the most memory that the process ever had, in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.M).group(1))


_made = {}


def certificate(domains=("a.test", "b.test", "e.test"), days=30):
    """(authority, (certificate, key)) of the one CA of this run; made once."""
    if "authority" not in _made:
        folder = util.temp_dir("ca")
        atexit.register(util.remove_dir, folder)
        _made["authority"] = Authority(os.path.join(folder, "ca"))
    authority = _made["authority"]
    if (domains, days) not in _made:
        _made[domains, days] = authority.issue(list(domains), days)[:2]
    return authority, _made[domains, days]


class AttackCase(unittest.TestCase):
    def new_server(self, **options):
        options.setdefault("authority", certificate()[0])
        options.setdefault("issued", certificate()[1])
        server = EvilServer(friends=[(ALICE, BOB)], **options)
        self.addCleanup(server.close)
        return server.start()

    def setUp(self):
        self.server = self.new_server()
        self.password = self.server.password(ALICE)

    def peer(self, name="alice", home=None):
        peer = Peer(self.server, name=name, home=home)
        self.addCleanup(peer.close)
        return peer.start()

    def online(self, tls="starttls"):
        """Alice's peer, logged in and caught up."""
        peer = self.peer()
        peer.login(ALICE, self.password, tls=tls)
        self.server.wait_session(ALICE)
        self.server.wait_caught_up(ALICE)
        self.server.settle(ALICE)
        return peer

    def refused(self, pattern, tls="starttls", peer=None, **how):
        """A login that fails with a sentence that matches @pattern; returns (peer, sentence)."""
        peer = peer or self.peer()
        return peer, peer.refused_login(ALICE, self.password, pattern, tls=tls, **how)

    def last(self):
        """The newest connection of the server."""
        return self.server.connections[-1]

    def assert_no_password(self):
        """Neither the password nor a PLAIN message with it ever left the machine in a form that can be read."""
        raw = self.server.raw()
        self.assertNotIn(self.password.encode(), raw)
        for text in re.findall(rb">([A-Za-z0-9+/=]{8,})<", raw):
            try:
                self.assertNotIn(self.password.encode(), base64.b64decode(text))
            except ValueError:
                pass

    def assert_no_stanza(self):
        """Nothing that only a session may send was sent on any connection."""
        for connection in self.server.connections:
            for element in connection.elements:
                self.assertFalse(element.tag.startswith("{jabber:client}"), element.tag)
                self.assertFalse(element.tag.startswith("{urn:xmpp:sm:3}"), element.tag)

    def assert_closed(self, connection, condition=None, seconds=20):
        """The peer ended the connection, with that stream error if one is named."""
        self.server.wait(lambda: connection.ended, "end of the connection by the peer", seconds)
        said = bytes(connection.raw)
        found = re.search(rb"<stream:error>\s*<([a-z-]+) ", said)
        self.assertEqual(found.group(1).decode() if found else None, condition, said[-400:])

    def assert_usable(self, peer, kept=()):
        """The peer lives, is online again, takes a message, and still has the messages @kept."""
        # The pauses grow with each stream that was spoiled: somebody presses "Retry".
        peer.command("login", ALICE, self.password)
        self.server.wait_session(ALICE, 60)
        self.server.settle(ALICE, 60)
        after = peer.mark()
        self.server.send(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='still-here'><body>still here?</body></message>")
        peer.receive("still here?", after=after)
        texts = [m["text"] for m in peer.history(BOB)]
        for text in kept:
            self.assertIn(text, texts)

    def lose_session(self):
        """Cuts the connection so that it cannot be resumed: the peer has to log in again."""
        session = self.server.wait_session(ALICE)

        def lose():
            session.id = None
            session.connection.cut()
        self.server.call(lose)

    def login_afterwards(self, peer):
        """The same peer logs in at a server that means well: it was not harmed."""
        peer.login(ALICE, self.password)
        self.server.wait_session(ALICE)

    def wait_for(self, condition, what, seconds=20):
        return util.wait_for(condition, what, seconds, log=self.server.tail)
