# SPDX-License-Identifier: GPL-3.0-or-later
"""OMEMO with Dino: begun by each side, over restarts, absence and lost sessions, with two devices of ours.

Dino 0.4.2 knows port 5222 only and trusts what the system trusts: it gets a network and mounts of its own.

Observed: it passes over a message without payload, so that an empty answer of ours does not end its prekeys, and an empty
repair of ours mends nothing; the next message that a person writes does both. It never mends a session by itself: what it
cannot read is lost without a word, and the next message that it sends begins a new session if it has none.
"""

from tess import netns

netns.enter()

import unittest  # noqa: E402

from tess.dino import Dino  # noqa: E402
from tess.foreign_case import ForeignCase  # noqa: E402


class WithDino(ForeignCase, unittest.TestCase):
    server_options = {"at": 5222}
    reads_empty = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        netns.set_authority(cls.server.ca)

    def client(self, user):
        theirs = Dino(self.desktop, self.jid(user), self.password(user), self.server)
        self.addCleanup(theirs.close)
        return theirs
