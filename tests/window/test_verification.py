# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and fingerprints: the code is read back from the screen, and trust is given in the window."""

import re

from tess.util import need, run, wait_for
from tess.window_case import WindowCase


class Verification(WindowCase):
    friends = ("bob", "dave")

    def test_a_code(self):
        bob = self.chat_with("bob")
        device = bob.wait_devices(self.alice)[0]
        uri = f"xmpp:{self.alice}?omemo-sid-{device['id']}={device['fingerprint']}"
        dialog = self.window.open_verification()
        self.assertEqual(self.window.nameless(dialog), [])
        # What stands in digits, what the code says, and what the other side has, are one.
        self.assertEqual(self.window.fingerprint(dialog), device["fingerprint"])
        self.window.wait_text(f"This device · {device['id']}", dialog)
        self.assertEqual(self.window.read_codes(self.picture("code")), uri)
        groups = [l for l in self.window.labels(dialog) if re.fullmatch("[0-9a-f]{8}", l)]
        self.assertEqual("".join(groups[:8]), device["fingerprint"])
        for button, said in (("Copy the Code as Text", "Code copied as text"), ("Copy Fingerprint", "Fingerprint copied")):
            self.window.press(button, dialog)
            self.window.wait_text(said, dialog)
        self.window.close_dialog("Verify ")

    def devices_pane(self):
        self.window.menu("Chat Menu", "Verify Devices…")
        dialog = self.window.dialog("Verify ")
        self.window.press("Scan", dialog)
        self.window.wait_control("Compare by Hand", dialog, {"list item"}).click_box()
        self.window.wait_text(re.compile("read their fingerprints to you"), dialog)
        return dialog

    def choose_trust(self, dialog, device, word):
        self.window.menu(re.compile(f"^Menu of Device {device}$|^Device Menu$"), word, dialog)

    def test_b_verify_by_hand(self):
        bob = self.chat_with("bob")
        mine = self.window.wait_security("Encrypted")
        self.assertEqual(mine, "Encrypted")
        own = bob.ask("fingerprint")
        dialog = self.devices_pane()
        device = re.search(r"\d{4,}", next(n for _n, r, n in dialog.below() if r == "list item" and n.startswith("Device ")))[0]
        # The fingerprint that stands there is that which bob reads out.
        self.assertIn(self.window.fingerprint(self.window.wait_control(re.compile(f"^Device {device}"), dialog, {"list item"})),
                      str(own))
        self.choose_trust(dialog, device, "Verified")
        self.window.wait_control(re.compile(f"^Device {device}, Verified"), dialog, {"list item"})
        self.window.close_dialog("Verify ")
        self.window.wait_security("Verified")
        self.window.send("from face to face")
        bob.receive("from face to face", encryption="omemo")
        bob.send(self.alice, "you are you")
        self.window.wait_message("you are you", encryption="Encrypted, device verified")

    def test_c_distrust(self):
        dave = self.chat_with("dave")
        self.window.send("before")
        dave.receive("before", encryption="omemo")
        dialog = self.devices_pane()
        device = re.search(r"\d{4,}", next(n for _n, r, n in dialog.below() if r == "list item" and n.startswith("Device ")))[0]
        self.choose_trust(dialog, device, "Distrusted")
        self.window.wait_control(re.compile(f"^Device {device}, Distrusted"), dialog, {"list item"})
        self.window.close_dialog("Verify ")
        # There is nobody left who may read it: it stays here, and is said so.
        self.window.send("not for this device")
        wait_for(lambda: any(m.text == "not for this device" and (m.state or "").startswith(("Not sent", "Waiting"))
                             for m in self.window.messages()), "message that is not sent", 20,
                 log=lambda: str(self.window.messages()))

    def test_d_details(self):
        self.chat_with("bob")
        self.window.press(re.compile(": details$"))
        dialog = self.window.dialog("Contact Details")
        self.window.wait_text("bob@localhost", dialog)
        self.window.wait_text("You see each other's presence.", dialog)
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.close_dialog("Contact Details")

    def test_e_own_devices(self):
        bob = self.person("bob")
        device = bob.wait_devices(self.alice)[0]
        self.window.menu("Main Menu", "Preferences")
        dialog = self.window.dialog("Preferences")
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.close_dialog("Preferences")
        self.assertRegex(device["fingerprint"], "^[0-9a-f]{64}$")


class Dark(WindowCase):
    """The code stays black on white where all else is dark."""

    settings = {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}

    def test_code(self):
        bob = self.chat_with("bob")
        device = bob.wait_devices(self.alice)[0]
        self.window.open_verification()
        path = self.picture("dark")
        self.assertEqual(self.window.read_codes(path),
                         f"xmpp:{self.alice}?omemo-sid-{device['id']}={device['fingerprint']}")
        # Most of it is dark.
        mean = float(run([need("convert"), path, "-crop", "300x60+20+4", "-colorspace", "Gray", "-format", "%[fx:mean]", "info:"]))
        self.assertLess(mean, 0.5)
