# SPDX-License-Identifier: GPL-3.0-or-later
"""One's own devices in the window: names, an end, new keys, a card to give away; and what is chosen for new devices of others."""

import os
import re

from tess.peer import Peer
from tess.util import need, run, wait_for
from tess.window_case import WindowCase
from tess.wire import Wire


class Devices(WindowCase):
    friends = ("bob", "carol", "dave")

    def own_devices(self):
        self.window.action("accounts")
        dialog = self.window.dialog("Preferences")
        if not self.window.control("Devices", dialog, {"list item"}):
            self.window.expand(re.compile("alice"), dialog)
        self.window.wait_control("Devices", dialog, {"list item"}).click_box()
        self.window.dialog("Your Devices")
        return self.window.resize("Your Devices", 440, 790)     # all of it, to be clicked at

    def close_all(self):
        self.window.close_dialog("Your Devices")
        self.window.close_dialog("Preferences")

    def row(self, device, dialog):
        return self.window.wait_control(re.compile(device), dialog, {"list item"})

    def test_a_name_and_end(self):
        other = self.person("alice")        # another device of ours
        ident = other.ask("fingerprint")["device"]
        dialog = self.own_devices()
        self.row(f"^Device {ident}, Trusted", dialog)
        self.row("^This device, Device .*Tessera", dialog)
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.menu(re.compile("^Menu of "), "Rename…", self.row(f"^Device {ident}", dialog))
        question = self.window.dialog("Rename Device")
        self.window.fill("Name of the Device", "Old laptop", question)
        self.window.press("Rename", question)
        row = self.row(f"^Old laptop, Trusted · Device {ident}", dialog)
        other.stop()        # else it would come back at once
        self.window.menu(re.compile("^Menu of "), "Remove…", row)
        question = self.window.dialog("Remove ")
        self.window.press("Remove Device", question)
        self.window.wait_text("1 device no longer in use", dialog)
        self.close_all()
        bob = self.person("bob")
        wait_for(lambda: [d["active"] for d in bob.devices(self.alice) if d["id"] == ident] in ([], [False]), "device that is gone for bob")

    def test_b_card(self):
        dialog = self.own_devices()
        for ending in ("png", "pdf"):
            path = os.path.join(self.folder, "card." + ending)
            self.window.wait_control("Save Fingerprint Card…", dialog, {"list item"}).click_box()
            chooser = self.window.dialog("Save Fingerprint Card")
            self.desk.xdotool("key", "ctrl+a")
            self.desk.xdotool("type", "--delay", "20", path)
            wait_for(lambda p=path: any(p in (n.text() or "") for n, role, _name in chooser.below() if "text" in role), "path that was typed", 20)
            self.window.press("Save", chooser)
            self.window.wait_text("The card was saved.", dialog)
        code = self.person("bob").wait_devices(self.alice)
        uri = run([need("zbarimg"), "--raw", "--quiet", os.path.join(self.folder, "card.png")]).split()[-1]
        own = next(d for d in code if d["active"])
        self.assertEqual(uri, f"xmpp:{self.alice}?omemo-sid-{own['id']}={own['fingerprint']}")
        with open(os.path.join(self.folder, "card.pdf"), "rb") as f:
            self.assertEqual(f.read(5), b"%PDF-")
        self.close_all()

    def test_c_new_keys(self):
        bob = self.chat_with("bob")
        bob.ask("verify", self.alice, f"xmpp:{self.alice}?" + ";".join(
            f"omemo-sid-{d['id']}={d['fingerprint']}" for d in bob.devices(self.alice) if d["active"] and d["fingerprint"]))
        before = {d["id"] for d in bob.devices(self.alice) if d["active"]}
        dialog = self.own_devices()
        self.window.wait_control("Make New Keys…", dialog, {"list item"}).click_box()
        self.window.press("Cancel", self.window.dialog("Make New Keys?"))
        self.window.wait_control("Make New Keys…", dialog, {"list item"}).click_box()
        self.window.press("Throw Away the Old Keys", self.window.dialog("Make New Keys?"))
        self.window.wait_text("This device has new keys.", dialog)
        self.close_all()

        def fresh():
            active = {d["id"]: d["trust"] for d in bob.devices(self.alice) if d["active"]}
            return active if active and not before & set(active) else None

        self.assertEqual(set(wait_for(fresh, "new device, seen by bob").values()), {"undecided"})
        self.window.send("with new keys")
        self.assertEqual(bob.receive("with new keys", encryption="omemo")["trust"], "undecided")

    def test_d_ask_me(self):
        carol = self.chat_with("carol")
        self.window.press(re.compile(": details$"))
        dialog = self.window.dialog("Contact Details")
        combo = self.window.wait_control("New Devices", dialog, {"list item", "combo box"})
        self.window.app.focus()
        combo.click_box()
        self.desk.key("Down")
        self.desk.key("Down")
        self.desk.key("Return")
        self.window.wait_text("Ask Me", dialog)
        self.window.close_dialog("Contact Details")
        phone = Peer(self.server, name="carol-phone")
        self.addCleanup(phone.close)
        phone.start()
        phone.login("carol", self.server.users["carol"])
        self.window.wait_security("Check devices")
        self.window.wait_text("carol has a new device. It gets no messages until you decide about it.")
        self.window.press("Trust")
        self.window.wait_security("Encrypted")
        self.window.press("Undo")
        self.window.wait_security("Check devices")
        self.window.press("Don’t Trust")
        self.window.wait_security("Encrypted")
        # What the lock of a message tells: device and fingerprint.
        carol.send(self.alice, "look at my lock")
        self.window.wait_message("look at my lock")
        self.window.press(re.compile("^Encrypted, device trusted"))
        own = carol.ask("fingerprint")
        self.window.wait_text(f"Device {own['device']} · Trusted")
        wait_for(lambda: self.window.fingerprint(self.window.app) == own["fingerprint"], "fingerprint in the popover")

    def test_e_left_out(self):
        # A device in the list that has no keys: the message goes to the others, and the chat says so.
        dave = self.chat_with("dave")
        own = int(dave.ask("fingerprint")["device"])
        with Wire(self.server, "dave", self.server.users["dave"]) as wire:
            wire.publish_device_list([own, 4711])
        self.window.send("to whoever can read it")
        dave.receive("to whoever can read it", encryption="omemo")
        self.window.wait_text("1 device of dave gets no messages: its app has published no keys that can be used.")
        self.window.press("Look at Devices…")
        dialog = self.window.dialog("Verify ")
        self.window.wait_text("It gets no messages: its app has published no keys that can be used.", dialog)
        self.window.close_dialog("Verify ")
        self.window.press("Hide")
        wait_for(lambda: not any("gets no messages" in label for label in self.window.labels()), "end of the banner", 20)
