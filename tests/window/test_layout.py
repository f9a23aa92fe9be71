# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control has a name and a role, and everything fits into 360 pixels."""

from tess.desktop import WINDOW
from tess.util import Timeout, wait_for
from tess.window_case import WindowCase

LONG = "averylongwordwithoutanyspaceinit" * 6


class Layout(WindowCase):
    friends = ("bob", "dave")
    strangers = ()

    def to_list(self):
        back = self.window.control("Back to the Conversations")
        if back:
            back.activate()
        wait_for(lambda: any(r.startswith("bob") for r in self.window.rows()), "list", 10, log=self.window.heard)

    def test_a_names(self):
        bob = self.chat_with("bob")
        self.window.send("hello, see https://example.org/a/long/path and tell me")
        bob.receive("hello, see https://example.org/a/long/path and tell me")
        bob.send(self.alice, LONG)
        self.window.wait_message(LONG)
        self.assertEqual(self.window.nameless(), [])

    def test_b_dialogs(self):
        self.chat_with("bob")
        for title, way in (("Add Account", lambda: self.window.menu("Main Menu", "Add Account…")),
                           ("Preferences", lambda: self.window.menu("Main Menu", "Preferences")),
                           ("New Chat", lambda: self.window.press("New Chat")),
                           ("Verify ", lambda: self.window.menu("Chat Menu", "Verify Devices…")),
                           ("Contact Details", lambda: self.window.menu("Chat Menu", "Contact Details"))):
            with self.subTest(title):
                way()
                dialog = self.window.dialog(title)
                self.assertEqual(self.window.nameless(dialog), [])
                self.window.close_dialog(title)

    def assert_fits(self, width, node):
        """Nothing of @node is wider than @width pixels, as soon as it has stopped sliding."""
        def too_wide():
            _x, _y, own, _h = node.box(WINDOW)
            return ([f"the window itself: {own}"] if own > width else []) + self.window.wider_than(width, node)

        try:
            wait_for(lambda: not too_wide(), "layout that fits", 5, 0.1)
        except Timeout:
            self.fail(f"wider than {width}: " + "\n".join(too_wide()))

    def test_c_360_pixels(self):
        self.chat_with("bob")
        self.window.app.resize(360, 640)
        self.window.wait_control("Back to the Conversations")
        self.window.wait_message(LONG)
        self.assert_fits(360, self.window.main)
        self.assertEqual(self.window.nameless(), [])
        self.to_list()
        self.assert_fits(360, self.window.main)

    def test_d_dialogs_in_360_pixels(self):
        self.to_list()
        for title, way in (("Add Account", lambda: self.window.menu("Main Menu", "Add Account…")),
                           ("Preferences", lambda: self.window.menu("Main Menu", "Preferences")),
                           ("New Chat", lambda: self.window.press("New Chat"))):
            with self.subTest(title):
                way()
                dialog = self.window.resize(title, 360, 640)
                self.assert_fits(360, dialog)
                self.window.close_dialog(title)

    def test_e_verification_in_360_pixels(self):
        self.to_list()
        self.window.click_row("^bob")
        for title, item in (("Verify ", "Verify Devices…"), ("Contact Details", "Contact Details")):
            with self.subTest(title):
                self.window.menu("Chat Menu", item)
                dialog = self.window.resize(title, 360, 640)
                self.assert_fits(360, dialog)
                self.window.close_dialog(title)
