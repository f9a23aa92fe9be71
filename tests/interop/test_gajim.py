# SPDX-License-Identifier: GPL-3.0-or-later
"""OMEMO with Gajim: begun by each side, over restarts, absence and lost sessions, with two devices of ours.

Gajim 1.7.3 refuses to run as root: then it is nobody's, and the desktop's session bus lets others in.
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
