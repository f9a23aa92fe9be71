# SPDX-License-Identifier: GPL-3.0-or-later
"""OMEMO with Gajim: begun by each side, over restarts, absence and lost sessions, with two devices of ours.

Gajim 1.7.3 refuses to run as root: then it is nobody's, and the desktop's session bus lets others in.

Observed: it begins a session by itself, with an empty message, with each device that it sees and has none with; so it mends a
session that it has lost as soon as it is online, and ours are mended by our empty message. What it cannot read it shows as such.
"""

import unittest

from tess.foreign_case import ForeignCase
from tess.gajim import Gajim


class WithGajim(ForeignCase, unittest.TestCase):
    desktop_options = {"shared": True}
    greets = True

    def client(self, user):
        theirs = Gajim(self.desktop, self.jid(user), self.password(user), self.server)
        self.addCleanup(theirs.close)
        return theirs
