# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyboard alone is enough: from the first start to a verified chat, without one press of the pointer."""

from tess.util import Timeout, wait_for
from tess.window_case import WindowCase


class Keyboard(WindowCase):
    signed_in = False
    friends = ("bob",)
    strangers = ()

    def focused(self):
        """The role and the name of what has the keyboard."""
        for node, role, name in self.window.app.below():
            if node.has("focused"):
                return role, name
        return None

    def tab_to(self, test, what, key="Tab", most=40):
        """Presses @key until what has the keyboard fits."""
        seen = []
        for _ in range(most):
            now = self.focused()
            if now and test(*now):
                return
            seen.append(now)
            self.desk.key(key)
        raise Timeout(f"{what} was not reached by {key}: {seen}\n{self.window.heard()}")

    def write(self, text):
        self.desk.type(text)

    def into_dialog(self, title):
        dialog = self.window.dialog(title)
        self.window.app.focus()
        dialog.wait_state("active")
        return dialog

    def back_to_main(self):
        self.window.app.focus()
        self.window.main.wait_state("active")

    def test_a_add_account(self):
        self.back_to_main()
        self.tab_to(lambda role, name: "Add Account" in name, "the button of the welcome page")
        self.desk.key("Return")
        dialog = self.into_dialog("Add Account")
        self.write("alice@localhost")
        self.desk.key("Tab")
        self.write(self.server.users["alice"])
        address = self.window.field("Address", dialog)
        wait_for(lambda: address.text() == "alice@localhost", "address in its field", 10, log=self.window.heard)
        self.assertEqual(self.window.field("Password", dialog).text(), self.server.users["alice"])
        # Advanced: unfolded by the keyboard.
        self.tab_to(lambda role, name: name == "Advanced", "the advanced part")
        self.desk.key("space")
        wait_for(lambda: self.window.field("Server", dialog).has("showing"), "unfolded part", 10, log=self.window.heard)
        self.desk.key("Tab")
        self.write("127.0.0.1")
        self.desk.key("Tab")
        self.write(str(self.server.port))
        port = self.window.field("Port", dialog)
        wait_for(lambda: port.text() == str(self.server.port), "port in its field", 10, log=self.window.heard)
        self.desk.key("Return")
        self.window.dialog_gone("Add Account", 60)
        self.window.wait_control("New Chat")

    def test_b_chat(self):
        bob = self.person("bob")
        bob.wait_devices(self.alice)
        self.back_to_main()
        self.desk.key("ctrl+n")
        self.into_dialog("New Chat")
        self.write("bob@localhost")
        self.desk.key("Return")
        self.window.dialog_gone("New Chat")
        self.window.wait_chat("bob")
        self.window.wait_security("Encrypted")
        self.back_to_main()
        # The composer has the keyboard; Enter sends, Shift and Enter begin a line.
        self.write("first line")
        self.desk.key("shift+Return")
        self.write("second line")
        self.desk.key("Return")
        bob.receive("first line\nsecond line", encryption="omemo")
        self.window.wait_message("first line\nsecond line", state="Delivered")

    def test_c_typing_anywhere_writes(self):
        bob = self.person("bob")
        self.back_to_main()
        self.tab_to(lambda role, name: "details" in name or role == "list item", "something else in the chat", "shift+Tab")
        self.write("from anywhere")
        wait_for(lambda: self.window.composer().text() == "from anywhere", "words in the composer", 10, log=self.window.heard)
        self.desk.key("Return")
        bob.receive("from anywhere")

    def test_d_search_and_back(self):
        self.back_to_main()
        self.desk.key("ctrl+f")
        self.write("bo")
        wait_for(lambda: self.window.field("Search").text() == "bo", "words in the search", 10, log=self.window.heard)
        self.desk.key("Return")
        self.window.wait_chat("bob")
        self.desk.key("ctrl+f", "Escape")
        wait_for(lambda: self.window.field("Search").text() == "", "empty search", 10, log=self.window.heard)

    def test_e_verification(self):
        self.back_to_main()
        self.desk.key("ctrl+shift+v")
        dialog = self.into_dialog("Verify ")
        self.window.wait_control("Copy the Code as Text", dialog, states=("showing", "sensitive"))
        self.tab_to(lambda role, name: name == "Copy Fingerprint", "the copy button")
        self.desk.key("space")
        self.window.wait_text("Fingerprint copied", dialog)
        # libadwaita's own way: Escape takes the word away first, then the dialog.
        self.desk.key("Escape")
        wait_for(lambda: dialog.find(name="Fingerprint copied") is None, "end of the word", 10, log=self.window.heard)
        self.desk.key("Escape")
        self.window.dialog_gone("Verify ")

    def test_f_shortcuts(self):
        self.back_to_main()
        self.desk.key("F1")
        wait_for(lambda: len(self.window.app.windows()) > 1, "shortcuts window", 20, log=self.window.heard)
        self.window.app.focus()
        for words in ("New chat", "Search", "Send", "Verify devices"):
            self.window.wait_text(words)
        self.desk.key("Escape")
        wait_for(lambda: len([w for w in self.window.app.windows() if w.has("visible")]) == 1, "closed shortcuts window", 20)

    def test_z_quit(self):
        self.back_to_main()
        self.desk.key("ctrl+q")
        self.window.ended()
        self.window.start()
        self.window.wait_control("New Chat")
