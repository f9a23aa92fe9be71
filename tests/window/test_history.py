# SPDX-License-Identifier: GPL-3.0-or-later
"""A chat from before this device: the last page at once, the rest by scrolling or by a date, and where one reads over a restart."""

import contextlib
import os
import shutil
import sqlite3

from tess.peer import Peer
from tess.util import wait_for
from tess.window_case import WindowCase

TEXTS = [f"long ago {number}" for number in range(240)]


class History(WindowCase):
    strangers = ()

    @classmethod
    def prepare(cls):
        with Peer(cls.server, name="other-device") as other, Peer(cls.server, name="bob-before") as bob:
            other.login("alice", cls.server.users["alice"])
            bob.login("bob", cls.server.users["bob"])
            a, b = cls.server.jid("alice"), cls.server.jid("bob")
            other.encrypt(b, False)
            bob.encrypt(a, False)
            for start in range(0, len(TEXTS), 20):
                one, two, jid = (bob, other, a) if start % 40 else (other, bob, b)
                for text in TEXTS[start:start + 20]:
                    one.command("send", jid, text)
                two.receive(TEXTS[start + 19])
            # All of it is read there, and said so to other devices before it goes.
            last = bob.wait(lambda o: o.get("event") == "message" and o.get("text") == TEXTS[-1], "the last message")
            other.ask("mark", b)
            bob.wait_state(last["id"], "read")
            other.stop()

    def texts(self):
        return [m.text for m in self.window.messages()]

    def at_end(self):
        return self.kept() is None

    def scroll_to(self, text):
        # The pointer away from the row: its tooltip is a window, too.
        self.window.composer().click_box()
        self.window.app.focus()

        def there():
            if text in self.texts():
                return True
            self.desk.key("Page_Up")
            return False
        wait_for(there, f"{text!r}, page by page", 60, 0.05, lambda: f"the first is {self.texts()[:1]}")

    def test_a_last_page(self):
        # The chat of a roster contact is there with its last page, and is not news.
        self.window.wait_row(f"^bob, .*{TEXTS[-1]}")
        self.window.app.focus()
        self.window.click_row("^bob, ")
        self.window.wait_chat("bob")
        self.window.wait_message(TEXTS[-1])
        shown = self.texts()
        self.assertEqual(shown, TEXTS[-len(shown):])
        wait_for(self.at_end, "the end")
        self.assertNotIn("New messages", self.window.labels())

    def test_b_scrolling(self):
        # Older pages come as one scrolls: from the database, then from the archive, down to the first word.
        self.window.app.focus()
        self.scroll_to(TEXTS[0])
        shown = self.texts()
        self.assertEqual(shown, TEXTS[:len(shown)])
        wait_for(lambda: not self.at_end(), "the way to the end")

    def test_c_date(self):
        # From the end to a date: the first message of that day is at the top. Today is where the calendar stands.
        self.window.press("To the Newest Message")
        self.window.wait_message(TEXTS[-1])
        wait_for(self.at_end, "the end")
        self.window.menu("Chat Menu", "Go to a Date…")
        dialog = self.window.dialog("Go to a Date")
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.press("Go", dialog)
        self.window.wait_message(TEXTS[0])
        wait_for(lambda: not self.at_end(), "the way to the end")

    def test_d_place_over_a_restart(self):
        # Where one read is where one reads on; the end is one press away.
        self.window.app.focus()
        self.window.press("To the Newest Message")
        self.window.wait_message(TEXTS[-1])
        self.scroll_to(TEXTS[150])
        wait_for(lambda: not self.at_end(), "a place amid the history")
        wait_for(lambda: self.kept() in TEXTS, "the place in the database")
        place = self.kept()
        self.restart()
        self.window.wait_online()
        self.window.wait_row("^bob, ")
        if not (self.window.chat() or "").startswith("bob"):
            self.window.click_row("^bob, ")
        self.window.wait_chat("bob")
        self.window.wait_message(place)
        wait_for(lambda: self.kept() == place, "the place again")
        self.window.press("To the Newest Message")
        self.window.wait_message(TEXTS[-1])
        wait_for(lambda: self.kept() is None, "the end in the database")

    def kept(self):
        """The text of the message that is kept as the reader's place; None for the end."""
        # The program has it for itself: a copy is read, which may be torn while it writes.
        copy = os.path.join(self.folder, "copy.db")
        for suffix in ("", "-wal"):
            shutil.copyfile(self.window.database + suffix, copy + suffix)
        try:
            with contextlib.closing(sqlite3.connect(copy)) as database:
                rows = database.execute("SELECT m.text FROM conversations c LEFT JOIN messages m ON m.id = c.place_id").fetchall()
        except sqlite3.DatabaseError:
            return "torn"
        return rows[0][0] if rows else None
