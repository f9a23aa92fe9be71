# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window has to do with the desktop: notifications, running without a window, links, and databases that do not open."""

import glob
import os
import re
import sqlite3
import subprocess

from tess.desktop import Desktop
from tess.notifications import Notifications
from tess.util import wait_for
from tess.window import Window, program
from tess.window_case import WindowCase


class Background(WindowCase):
    friends = ("bob", "dave")
    strangers = ()

    @classmethod
    def prepare(cls):
        cls.notifications = Notifications(cls.desk)
        cls.addClassCleanup(cls.notifications.close)

    def test_a_chat_in_front_is_quiet(self):
        bob = self.chat_with("bob")
        self.window.app.focus()
        self.window.main.wait_state("active")
        bob.send(self.alice, "you are looking at this")
        self.window.wait_message("you are looking at this")
        dave = self.person("dave")
        dave.wait_devices(self.alice)
        dave.send(self.alice, "and this comes from the side")
        self.window.wait_text("and this comes from the side")   # in the list of chats
        ident = self.notifications.wait("and this comes from the side")[0]
        self.assertIsNone(self.notifications.find("you are looking at this"))
        # It goes away when it is read.
        self.window.open_chat(self.jid("dave"))
        self.window.app.focus()
        self.notifications.wait_closed(ident)

    def test_b_closed_window_goes_on_receiving(self):
        bob = self.chat_with("bob")
        self.window.close_window(self.window.main)
        wait_for(lambda: not any(w.has("visible") for w in self.window.app.windows()), "closed window", 20)
        bob.send(self.alice, "while the window is closed")
        ident, title, body, _actions = self.notifications.wait("while the window is closed")
        self.assertEqual((title, body), ("bob", "while the window is closed"))
        self.assertTrue(self.window.process.running())
        # Pressing it opens that chat.
        self.notifications.press(ident)
        self.window.wait_chat("bob")
        self.window.wait_message("while the window is closed")

    def test_b_of_a_burst_the_newest_stays(self):
        bob = self.chat_with("bob")
        self.window.close_window(self.window.main)
        wait_for(lambda: not any(w.has("visible") for w in self.window.app.windows()), "closed window", 20)
        for number in range(30):
            bob.send(self.alice, f"burst {number}.")
        bob.send(self.alice, "burst over")
        ident = self.notifications.wait("burst over")[0]
        told = [n for n in self.notifications.all if n[2].startswith("burst ")]
        self.assertEqual((told[-1][2], {n[0] for n in told}), ("burst over", {ident}))
        self.notifications.press(ident)
        self.window.wait_message("burst over")

    def test_c_link_on_a_running_program(self):
        self.chat_with("dave")
        before = len(self.person("bob").objects)
        self.window.run("xmpp:bob@localhost")
        self.window.wait_chat("bob")
        texts = [m.text for m in self.window.messages()]
        self.window.run("xmpp:dave@localhost?message;body=I%20owe%20you%20money")
        self.window.wait_chat("dave")
        # To somebody new it asks first.
        self.window.run("xmpp:stranger@localhost")
        dialog = self.window.dialog("Open a Chat?")
        self.assertEqual(self.window.field("Address or Name", dialog).text(), "stranger@localhost")
        self.window.close_dialog("Open a Chat?")
        self.window.run("mailto:bob@localhost")
        self.window.wait_text("This is not an address that Tessera can write to.")
        # Nothing was sent to anybody.
        self.window.open_chat(self.jid("bob"))
        self.window.wait_message(texts[-1])
        # How many rows there are above what is seen is up to the list.
        after = [m.text for m in self.window.messages()]
        both = min(len(after), len(texts))
        self.assertGreaterEqual(both, 10)
        self.assertEqual(after[-both:], texts[-both:])
        peer = self.person("bob")
        peer.mark()
        self.assertEqual([o for o in peer.objects[before:] if o.get("event") == "message"], [])
        self.assertNotIn("I owe you money", str(self.person("dave").history(self.alice)))

    def test_d_help_and_version(self):
        # Without a display, too.
        env = {k: v for k, v in self.desk.environment().items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        for argument, expected in (("--help", "xmpp:"), ("--version", "tessera ")):
            done = subprocess.run([program(), argument], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn(expected, done.stdout.decode())
        self.assertEqual(len([n for n in self.window.app.windows() if n.has("visible")]), 1)

    def test_e_background_can_be_turned_off(self):
        self.window.menu("Main Menu", "Preferences")
        dialog = self.window.dialog("Preferences")
        switch = self.window.wait_control(re.compile("^Run in the [Bb]ackground"), dialog, {"switch"})
        self.assertTrue(switch.has("checked") or switch.has("pressed"))
        switch.activate()
        switch.wait(lambda n: not n.has("checked") and not n.has("pressed"), "switch that is off")
        self.window.close_dialog("Preferences")
        self.window.close_window(self.window.main)
        self.window.ended()
        self.window.start()
        self.window.wait_control("New Chat")


class Databases(WindowCase):
    friends = ("bob",)
    strangers = ()

    def spoil(self, how):
        """Quits, spoils the database by @how(path), and starts again; returns the file's bytes."""
        self.window.quit()
        how(self.window.database)
        with open(self.window.database, "rb") as f:
            content = f.read()
        self.window.start()
        return content

    def kept(self):
        found = {}
        for path in glob.glob(self.window.database + "*"):
            with open(path, "rb") as f:
                found[path] = f.read()
        return found

    def test_a_newer(self):
        def newer(path):
            connection = sqlite3.connect(path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.commit()
            connection.close()

        def older(path):
            connection = sqlite3.connect(path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {version - 1}")
            connection.commit()
            connection.close()

        content = self.spoil(newer)
        self.window.wait_text("The Messages Cannot Be Opened")
        self.window.wait_text("The database was made by a newer version of Tessera. Update Tessera to open it.")
        self.assertEqual(self.window.nameless(), [])
        self.window.quit()
        with open(self.window.database, "rb") as f:
            self.assertEqual(f.read(), content, "the newer database was written to")
        older(self.window.database)
        self.window.start()
        self.window.wait_control("New Chat")

    def test_b_in_use(self):
        # A second session on the same files, as with a home in the network: it touches nothing.
        with Desktop(environment={"XDG_DATA_HOME": os.path.dirname(self.window.data)}) as desk, \
                Window(desk, ca=self.server.ca, name="second") as other:
            other.wait_text("The database is in use by another Tessera. Close that one first.")
            self.assertIsNone(other.control("Keep the Old File and Start Afresh"))
            other.press("Quit")
            other.ended()

    def test_c_damaged(self):
        def damage(path):
            size = os.path.getsize(path)
            with open(path, "r+b") as f:
                for place in range(4096, size, 4096):
                    f.seek(place)
                    f.write(b"\x5a" * 2048)

        content = self.spoil(damage)
        self.window.wait_text("The Messages Cannot Be Opened")
        self.window.wait_text("The database is damaged. Nothing in it was changed")
        with open(self.window.database, "rb") as f:
            self.assertEqual(f.read(), content, "the damaged database was written to before anybody was asked")
        self.window.press("Keep the Old File and Start Afresh")
        self.window.wait_text("Welcome to Tessera")
        self.assertIn(content, self.kept().values(), "the damaged database was not kept")
        self.sign_in()

    def test_d_no_database_at_all(self):
        def junk(path):
            with open(path, "wb") as f:
                f.write(b"this is no database, but perhaps somebody's letter\n" * 100)

        content = self.spoil(junk)
        self.window.wait_text("The Messages Cannot Be Opened")
        self.window.quit()
        self.assertIn(content, self.kept().values())
        self.window.start()
        self.window.press("Keep the Old File and Start Afresh")
        self.window.wait_text("Welcome to Tessera")
        self.assertIn(content, self.kept().values())
