# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing and reading in the window, with a scripted peer as the other side on a real server."""

import re

from tess.util import wait_for
from tess.window_case import WindowCase


class Chat(WindowCase):
    friends = ("bob", "dave")
    strangers = ("carol", "erin", "frank")

    def test_a_both_ways(self):
        bob = self.chat_with("bob")
        self.window.send("a first word, with ä€😀 <&> and a comma, too")
        bob.receive("a first word, with ä€😀 <&> and a comma, too", encryption="omemo", jid=self.alice)
        sent = self.window.wait_message("a first word, with ä€😀 <&> and a comma, too", state="Delivered")
        self.assertEqual((sent.name, sent.encryption), ("You", "Encrypted, device trusted"))
        self.assertRegex(sent.time, r"^\d\d:\d\d$")
        bob.send(self.alice, "an answer, of some words")
        got = self.window.wait_message("an answer, of some words")
        self.assertEqual((got.name, got.state, got.encryption), ("bob", None, "Encrypted, device trusted"))
        self.assertEqual([m.text for m in self.window.messages()],
                         ["a first word, with ä€😀 <&> and a comma, too", "an answer, of some words"])
        self.assertEqual(self.window.wait_security("Encrypted"), "Encrypted")
        self.window.app.focus()
        self.window.wait_row(r"^bob, Online, an answer, of some words, \d\d:\d\d$")

    def test_b_states(self):
        # Sent while nobody is there, delivered when somebody is.
        dave = self.chat_with("dave")
        dave.stop()
        self.window.send("for when you come home")
        self.window.wait_message("for when you come home", state="Sent")
        wait_for(lambda: re.search(r"^dave\b.*\bOffline: details$", self.window.chat() or ""), "dave offline", 20)
        self.assertEqual(self.window.wait_message("for when you come home").state, "Sent")
        dave.start()
        dave.login("dave", self.server.users["dave"])
        dave.receive("for when you come home", encryption="omemo")
        self.window.send("now that you are here")
        self.window.wait_message("now that you are here", state="Delivered")

    def test_c_unread(self):
        self.chat_with("dave")
        bob = self.person("bob")
        for number in range(3):
            bob.send(self.alice, f"while you look elsewhere {number}")
        self.window.wait_row("^bob, Online, 3 unread messages, while you look elsewhere 2, ")
        # The newest stands first.
        self.assertRegex(self.window.rows()[0], "^bob, ")
        self.window.app.focus()
        self.window.click_row("^bob, ")
        self.window.wait_chat("bob")
        self.window.wait_message("while you look elsewhere 2")
        self.window.wait_row("^bob, Online, while you look elsewhere 2, ")
        self.assertTrue(any("New messages" == l for l in self.window.labels()))

    def test_d_encryption_off_and_on(self):
        bob = self.chat_with("bob")
        self.window.set_encryption(False)
        self.window.field("Write a message (not encrypted)")
        self.window.send("for all to read")
        bob.receive("for all to read", encryption="none")
        self.assertEqual(self.window.wait_message("for all to read").encryption, "Not encrypted")
        self.window.set_encryption(True)
        self.window.field("Write an encrypted message")
        self.window.send("between us again")
        bob.receive("between us again", encryption="omemo")
        self.window.wait_message("between us again", encryption="Encrypted, device trusted")

    def test_e_new_chat_by_address(self):
        carol = self.person("carol")
        carol.wait_devices(self.jid("carol"))
        self.window.press("New Chat")
        dialog = self.window.dialog("New Chat")
        self.assertEqual(self.window.nameless(dialog), [])
        # An address that is none is said to be none, at the place where it is written.
        before = set(self.window.labels(dialog))
        self.window.fill("Address or Name", "carol@local host", dialog)
        wait_for(lambda: set(self.window.labels(dialog)) - before, "sentence about the address", 10, log=self.window.heard)
        self.assertFalse(self.window.wait_control("Open Chat", dialog).has("sensitive"))
        self.window.fill("Address or Name", self.jid("carol"), dialog)
        self.window.press("Open Chat", dialog)
        self.window.dialog_gone("New Chat")
        self.window.wait_chat("carol")
        self.window.wait_security("Encrypted")
        self.window.send("we have not met")
        carol.receive("we have not met", encryption="omemo", jid=self.alice)
        carol.send(self.alice, "now we have")
        self.window.wait_message("now we have")

    def test_f_search(self):
        self.addCleanup(lambda: self.window.fill("Search", ""))
        self.window.fill("Search", "dav")
        wait_for(lambda: [r.partition(",")[0] for r in self.window.rows()] == ["dave"], "list of one", 10, log=self.window.heard)
        self.window.fill("Search", "nobody has this name")
        self.window.wait_text("No conversation has this in its name.")
        self.window.fill("Search", "newone@localhost")
        self.window.wait_control("Chat with newone@localhost")
        self.window.fill("Search", "")
        wait_for(lambda: len(self.window.rows()) >= 3, "whole list", 10, log=self.window.heard)

    def test_g_accept_a_request(self):
        erin = self.person("erin")
        erin.ask("add", self.alice)
        self.window.wait_text("erin@localhost")
        self.assertEqual(self.window.nameless(self.window.main), [])
        self.window.press("Accept erin")
        erin.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.alice and o.get("subscription") in ("to", "both"),
                  "accepted request")
        wait_for(lambda: self.window.control("Accept erin") is None, "end of the request", 20, log=self.window.heard)

    def test_h_refuse_a_request(self):
        frank = self.person("frank")
        frank.ask("add", self.alice)
        self.window.wait_text("frank@localhost")
        self.window.press("Refuse frank")
        wait_for(lambda: self.window.control("Refuse frank") is None, "end of the request", 20, log=self.window.heard)
        mine = [c for c in frank.ask("roster")["contacts"] if c["jid"] == self.alice]
        self.assertNotIn(mine[0]["subscription"] if mine else "none", ("to", "both"))

    def test_i_draft_is_kept(self):
        self.chat_with("bob")
        self.window.composer().set_text("half a sentence")
        self.chat_with("dave")
        self.window.wait_row("^bob, Online, Draft: half a sentence")
        self.chat_with("bob")
        wait_for(lambda: self.window.composer().text() == "half a sentence", "draft in the composer", 10)
        self.window.composer().set_text("")

    def test_x_waiting_without_a_connection(self):
        bob = self.chat_with("bob")
        self.server.kill()
        self.window.wait_control("Retry", seconds=60)
        self.window.send("written on the train")
        self.assertEqual(self.window.wait_message("written on the train").state, "Waiting to be sent")
        self.server.start()
        retry = self.window.control("Retry")
        if retry:
            retry.activate()    # else it has tried by itself just now
        self.window.wait_message("written on the train", state="Sent", seconds=60)
        bob.receive("written on the train", encryption="omemo", seconds=60)

    def test_y_history_after_a_restart(self):
        before = {}
        for user in ("bob", "carol"):
            self.window.open_chat(self.jid(user))
            wait_for(self.window.messages, f"messages of {user}", 20)
            before[user] = [m[:5] for m in self.window.messages()]
        self.restart()
        for user in ("bob", "carol"):
            self.window.open_chat(self.jid(user))
            wait_for(lambda: [m[:5] for m in self.window.messages()] == before[user], f"the same history of {user}", 20,
                     log=lambda: f"{self.window.messages()}\n{before[user]}")
