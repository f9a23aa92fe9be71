# SPDX-License-Identifier: GPL-3.0-or-later
"""Test cases that run against each real server, with peers that end with their case."""

import sys
import unittest

from .peer import Peer
from .servers import SERVERS

_PAIRS = 12


class ServerCase:
    """One server a class; each case takes people of its own from it, so that no case meets another's leftovers.

    Use with @on_each_server, which makes one unittest class a server of it.
    """

    server_class = None
    server_options = {}
    pairs = _PAIRS

    @classmethod
    def setUpClass(cls):
        names = [f"{who}{n}" for n in range(cls.pairs) for who in ("alice", "bob")]
        cls.server = cls.server_class(users={name: f"password of {name}" for name in names},
                                      friends=[(f"alice{n}", f"bob{n}") for n in range(0, cls.pairs, 2)],
                                      **cls.server_options)
        cls._friends = iter(range(0, cls.pairs, 2))
        cls._strangers = iter(range(1, cls.pairs, 2))
        try:
            cls.server.start()
        except BaseException:
            cls.server.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def friends(self):
        """Two users who are in each other's contact list."""
        n = next(self._friends)
        return f"alice{n}", f"bob{n}"

    def strangers(self):
        """Two users who do not know each other."""
        n = next(self._strangers)
        return f"alice{n}", f"bob{n}"

    def password(self, user):
        return self.server.users[user]

    def jid(self, user):
        return self.server.jid(user)

    def peer(self, user=None, name=None, **login):
        """A running peer, logged in as @user if given; it ends with the case."""
        peer = Peer(self.server, name=name or user or "peer")
        self.addCleanup(peer.close)
        peer.start()
        if user:
            peer.login(user, self.password(user), **login)
        return peer

    def online_pair(self):
        """Two friends online: (alice, bob, alice's address, bob's address)."""
        a, b = self.friends()
        return self.peer(a), self.peer(b), self.jid(a), self.jid(b)

    def encrypted_pair(self):
        """As online_pair(), with encryption on between the two and their devices known."""
        alice, bob, a, b = self.online_pair()
        alice.wait_devices(b)
        bob.wait_devices(a)
        alice.encrypt(b)
        bob.encrypt(a)
        return alice, bob, a, b

    def texts(self, peer, jid):
        """The texts of a conversation as the database has them, in its order."""
        return [m["text"] for m in peer.history(jid)]


def on_each_server(case):
    """Makes CaseOnProsody and CaseOnEjabberd out of @case, in its module."""
    module = sys.modules[case.__module__]
    for kind, server in SERVERS.items():
        name = f"{case.__name__}On{kind.capitalize()}"
        setattr(module, name, type(name, (case, unittest.TestCase),
                                   {"server_class": server, "__module__": case.__module__, "__doc__": case.__doc__}))
    return case
