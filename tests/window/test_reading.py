# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read on another device, what others are told, and what is kept, here and on the server."""

import re
import sqlite3
import time

from tess.notifications import Notifications
from tess.peer import Peer
from tess.util import wait_for
from tess.window_case import WindowCase
from tess.wire import Wire


class Reading(WindowCase):
    friends = ("bob", "dave")
    strangers = ()

    @classmethod
    def prepare(cls):
        cls.notifications = Notifications(cls.desk)
        cls.addClassCleanup(cls.notifications.close)

    def preferences(self):
        self.window.menu("Main Menu", "Preferences")
        return self.window.dialog("Preferences")

    def account_settings(self):
        self.window.action("accounts")
        dialog = self.window.dialog("Preferences")
        if not self.window.control(re.compile("^Account Settings"), dialog, {"list item"}):
            self.window.expand(re.compile("alice"), dialog)
        self.window.wait_control(re.compile("^Account Settings"), dialog, {"list item"}).click_box()
        self.window.dialog("Account Settings")
        return self.window.resize("Account Settings", 480, 790)     # all of it, to be clicked at

    def close_all(self):
        for title in ("Account Settings", "Preferences"):
            if self.window.find_dialog(title):
                self.window.close_dialog(title)

    def choose(self, dialog, row, place):
        """The choice number @place, from the top, of a row that pops up."""
        combo = self.window.wait_control(row, dialog, {"list item", "combo box"})
        wait_for(lambda: combo.has("sensitive"), f"{row} that can be used", 20, 0.1, self.window.heard)
        self.window.app.focus()
        combo.click_box()
        time.sleep(0.3)     # the list has its own animation
        self.desk.key("Home")
        for _ in range(place):
            self.desk.key("Down")
        self.desk.key("Return")

    def archive_says(self):
        with Wire(self.server, "alice", self.server.users["alice"]) as wire:
            return wire.iq("get", "<prefs xmlns='urn:xmpp:mam:2'/>").find("{urn:xmpp:mam:2}prefs").get("default")

    def test_a_read_elsewhere(self):
        bob = self.chat_with("bob")
        dave = self.person("dave")
        dave.encrypt(self.alice, False)
        laptop = Peer(self.server, name="alice's laptop")
        self.addCleanup(laptop.close)
        laptop.start()
        laptop.login("alice", self.server.users["alice"])
        self.window.app.focus()
        sent = dave.send(self.alice, "read me on the laptop")
        ident = self.notifications.wait("read me on the laptop")[0]
        self.window.wait_row("dave.*1 unread message")
        laptop.receive("read me on the laptop")
        laptop.mark_read(self.jid("dave"))
        self.notifications.wait_closed(ident)
        wait_for(lambda: not any("unread" in r for r in self.window.rows()), "a list in which all is read", 20, 0.05,
                 lambda: str(self.window.rows()))
        dave.wait_state(sent, "read")
        # And the other way round: what is read in the window is read on the laptop.
        bob.encrypt(self.alice, False)
        sent = bob.send(self.alice, "read me in the window")
        self.window.open_chat(self.jid("bob"))
        self.window.app.focus()
        self.window.wait_message("read me in the window")
        bob.wait_state(sent, "read")
        laptop.wait_unread(self.jid("bob"), 0)

    def test_b_others_are_not_told(self):
        dialog = self.account_settings()
        self.assertEqual(self.window.nameless(dialog), [])
        for name in ("Tell Others When Messages Arrive", "Tell Others When You Have Read Them"):
            switch = self.window.wait_control(re.compile("^" + name), dialog, {"switch"})
            self.assertTrue(switch.has("checked") or switch.has("pressed"), name)
            switch.activate()
            switch.wait(lambda n: not n.has("checked") and not n.has("pressed"), "switch that is off")
        self.window.press("Save", dialog)
        self.window.dialog_gone("Account Settings")
        self.close_all()
        bob = self.chat_with("bob")
        self.window.app.focus()
        sent = bob.send(self.alice, "are you there at all?")
        self.window.wait_message("are you there at all?")
        self.window.send("I am")
        bob.receive("I am")
        self.assertEqual([o["state"] for o in bob.objects if o.get("id") == sent and o.get("state") in ("delivered", "read")], [])
        dialog = self.account_settings()
        switch = self.window.wait_control(re.compile("^Tell Others When You Have Read Them"), dialog, {"switch"})
        self.assertFalse(switch.has("checked") or switch.has("pressed"))
        self.close_all()

    def test_c_on_the_server(self):
        self.assertEqual(self.archive_says(), "always")
        dialog = self.account_settings()
        self.window.wait_text("Your other devices need them there", dialog)
        self.choose(dialog, re.compile("^Keep Messages on the Server"), 2)
        self.window.wait_text("Nothing", dialog)
        self.window.press("Save", dialog)
        self.window.dialog_gone("Account Settings")
        self.assertEqual(self.archive_says(), "never")
        self.close_all()
        dialog = self.account_settings()
        self.choose(dialog, re.compile("^Keep Messages on the Server"), 0)
        self.window.wait_text("Everything", dialog)
        self.window.press("Save", dialog)
        self.window.dialog_gone("Account Settings")
        self.assertEqual(self.archive_says(), "always")
        self.close_all()

    def test_d_delete_history(self):
        bob = self.chat_with("bob")
        self.window.send("to be let go of")
        bob.receive("to be let go of")
        self.window.menu("Chat Menu", "Delete History…")
        question = self.window.dialog("Delete the History With bob?")
        self.window.press("Cancel", question)
        self.window.wait_message("to be let go of")
        self.window.menu("Chat Menu", "Delete History…")
        self.window.press("Delete History", self.window.dialog("Delete the History With bob?"))
        wait_for(lambda: not self.window.messages(), "a chat without messages", 20, 0.05, lambda: str(self.window.messages()))
        self.window.wait_row("bob")
        self.window.wait_chat("bob")
        self.window.send("a new beginning")
        bob.receive("a new beginning")
        self.restart()
        self.window.open_chat(self.jid("bob"))
        self.window.wait_message("a new beginning")
        self.assertEqual([m.text for m in self.window.messages() if m.text], ["a new beginning"])

    def test_e_older_messages(self):
        bob = self.chat_with("bob")
        self.window.send("it is old by now")
        bob.receive("it is old by now")
        # With that it lies below what is looked at in the archive once more, which knows better.
        bob.send(self.jid("alice"), "so it is")
        self.window.wait_message("so it is")
        self.window.quit()
        connection = sqlite3.connect(self.window.database)
        with connection:
            connection.execute("UPDATE messages SET time_us = time_us - 40 * 86400000000 WHERE text = 'it is old by now'")
            connection.execute("DELETE FROM rechecks")
        connection.close()
        self.window.start()
        self.window.open_chat(self.jid("bob"))
        self.window.send("it is young")
        self.window.wait_message("it is old by now")
        dialog = self.preferences()
        self.choose(dialog, re.compile("^Keep Messages on This Device"), 3)
        self.window.press("Cancel", self.window.dialog("Delete Older Messages?"))
        self.window.wait_text("Forever", dialog)
        self.choose(dialog, re.compile("^Keep Messages on This Device"), 3)
        question = self.window.dialog("Delete Older Messages?")
        self.window.wait_text(re.compile("older than 30 days"), question)
        self.window.press("Delete Older Messages", question)
        wait_for(lambda: "it is old by now" not in [m.text for m in self.window.messages()], "a chat without what is old", 20, 0.05)
        self.window.wait_message("it is young")
        self.close_all()
