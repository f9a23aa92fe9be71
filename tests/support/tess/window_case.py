# SPDX-License-Identifier: GPL-3.0-or-later
"""Test cases with one server, one desktop and one window a class; other people are scripted peers."""

import base64
import os
import shutil
import unittest

from . import util
from .desktop import Desktop
from .peer import Peer
from .servers import Prosody
from .window import Window


class WindowCase(unittest.TestCase):
    """Alice has the window; all others are peers. Cases run in the order of their names and share the window."""

    keyring = "of the test"
    size = (1100, 800)
    signed_in = True
    friends = ("bob",)
    strangers = ("carol",)
    settings = {}       # environment of the program

    @classmethod
    def setUpClass(cls):
        cls._seen = 0
        cls.folder = util.temp_dir("window")
        cls.addClassCleanup(util.remove_dir, cls.folder)
        users = {user: f"password of {user}" for user in ("alice", *cls.friends, *cls.strangers)}
        cls.server = Prosody(users=users, friends=[("alice", friend) for friend in cls.friends])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.desk = Desktop(keyring=cls.keyring, size=cls.size)
        cls.addClassCleanup(cls.desk.close)
        cls.desk.start()
        cls.prepare()
        cls.window = cls.new_window()
        cls.addClassCleanup(cls.window.kill)
        cls.window.start()
        cls._peers = {}
        if cls.signed_in:
            cls.sign_in()

    @classmethod
    def prepare(cls):
        """For what must be there before the program starts."""

    @classmethod
    def new_window(cls):
        return Window(cls.desk, ca=cls.server.ca, environment=cls.settings)

    @classmethod
    def sign_in(cls, **how):
        cls.window.add_account(cls.server.jid("alice"), cls.server.users["alice"], "127.0.0.1", cls.server.port, **how)

    @classmethod
    def person(cls, user):
        """@user, online; the same peer for all cases."""
        if user not in cls._peers:
            peer = Peer(cls.server, name=user)
            cls.addClassCleanup(peer.close)
            peer.start()
            peer.login(user, cls.server.users[user])
            cls._peers[user] = peer
        return cls._peers[user]

    @property
    def alice(self):
        return self.server.jid("alice")

    def jid(self, user):
        return self.server.jid(user)

    def chat_with(self, user):
        """Opens the chat with @user, who is online, when both know each other's devices."""
        peer = self.person(user)
        peer.wait_devices(self.alice)
        if not (self.window.chat() or "").startswith(user):
            self.window.open_chat(self.jid(user))
        self.window.wait_security("Encrypted", "Verified", "Not encrypted")
        return peer

    def tearDown(self):
        # What GTK complains about is a fault too.
        lines = self.window.complaints()
        new, type(self)._seen = lines[self._seen:], len(lines)
        if new:
            self.fail("the program's log complains:\n" + "\n".join(new[:20]))

    def picture(self, name):
        return os.path.join(self.folder, name + ".png")

    @classmethod
    def restart(cls, *arguments):
        cls.window.quit()
        cls._seen = 0
        cls.window = cls.new_window()
        cls.addClassCleanup(cls.window.kill)
        log = os.path.join(cls.desk.folder, cls.window.name + ".log")
        if os.path.exists(log):
            shutil.move(log, log + ".before")
        cls.window.start(*arguments)

    def files_with(self, text):
        """The files below the home of the desktop that hold @text, in any of the usual encodings."""
        needles = [text.encode(), text.encode("utf-16-le"), base64.b64encode(text.encode()).rstrip(b"=")]
        found = []
        for folder, _dirs, names in os.walk(self.desk.folder):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        content = f.read()
                    if any(n in content for n in needles):
                        found.append(os.path.relpath(path, self.desk.folder))
        return found
