# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes before the camera, in pictures, as text and in links; what the dialog says of them, and what they change."""

import os
import re

from tess.desktop import Desktop
from tess.util import Process, need, run, wait_for
from tess.window import Window
from tess.window_case import WindowCase


def flipped(uri):
    """The same code with another digit in its first fingerprint."""
    head, equals, rest = uri.partition("=")
    return head + equals + ("0" if rest[0] != "0" else "1") + rest[1:]


class ScanCase(WindowCase):
    """The camera sees what stands in a file."""

    @classmethod
    def prepare(cls):
        cls.seen = os.path.join(cls.folder, "camera.png")
        cls.show_nothing()
        cls.settings = {"TESSERA_CAMERA": f"multifilesrc location={cls.seen} loop=true caps=image/png,framerate=10/1 ! pngdec ! "
                                          "identity sync=true"}

    @classmethod
    def draw(cls, text, path, *effects):
        """A picture of 640x480 with the code of @text."""
        code = path + ".code"
        run([need("qrencode"), "-s", "5", "-m", "4", "-o", code, text])
        run([need("convert"), code, *effects, "-background", "gray60", "-gravity", "center", "-extent", "640x480", "png:" + path + ".part"])
        os.replace(path + ".part", path)

    @classmethod
    def show(cls, text, *effects):
        cls.draw(text, cls.seen, *effects)

    @classmethod
    def show_nothing(cls):
        run([need("convert"), "-size", "640x480", "xc:gray30", "png:" + cls.seen + ".part"])
        os.replace(cls.seen + ".part", cls.seen)

    def code_of(self, peer):
        return peer.ask("uri")["uri"]

    def scan_pane(self):
        self.window.menu("Chat Menu", "Verify Devices…")
        dialog = self.window.dialog("Verify ")
        self.window.press("Scan", dialog)
        return dialog

    def filming(self):
        """Whether a camera of GStreamer's runs in the program."""
        names = []
        for task in os.listdir(f"/proc/{self.window.process.pid}/task"):
            try:
                with open(f"/proc/{self.window.process.pid}/task/{task}/comm", encoding="utf-8") as f:
                    names.append(f.read())
            except FileNotFoundError:
                pass
        return any(n.startswith("multifilesrc") for n in names)


class Scan(ScanCase):
    friends = ("bob", "carol", "dave", "erin", "frank", "grace", "heidi")
    strangers = ()

    def test_a_camera(self):
        bob = self.chat_with("bob")
        self.show_nothing()
        dialog = self.scan_pane()
        wait_for(self.filming, "camera", 20)
        self.window.wait_text(re.compile("^Point the camera at the code that the app of bob"), dialog)
        self.assertEqual(self.window.nameless(dialog), [])
        # Turned, blurred, too bright: as a phone is held.
        self.show(self.code_of(bob), "-background", "white", "-rotate", "11", "-blur", "0x1", "-level", "-20%,110%")
        self.window.wait_text("This is bob. 1 device verified.", dialog)
        wait_for(lambda: not self.filming(), "camera that is off", 20)
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.close_dialog("Verify ")
        self.window.wait_security("Verified")
        self.window.send("to whom I have seen")
        bob.receive("to whom I have seen", encryption="omemo")

    def test_b_undo(self):
        carol = self.chat_with("carol")
        self.show(self.code_of(carol))
        dialog = self.scan_pane()
        self.window.wait_text("This is carol. 1 device verified.", dialog)
        self.window.press("Undo", dialog)
        self.window.wait_text("Taken back", dialog)
        self.window.close_dialog("Verify ")
        self.window.wait_security("Encrypted")

    def test_c_somebody_elses(self):
        self.person("bob")
        self.chat_with("carol")
        self.show("https://example.org/not-a-code")
        dialog = self.scan_pane()
        self.window.wait_text("This is not the code of an XMPP address.", dialog)
        self.show(self.code_of(self.person("bob")))     # the camera goes on
        self.window.wait_text(f"This code belongs to {self.jid('bob')}, not to carol.", dialog)
        self.window.wait_text("Nothing was verified.", dialog)
        self.window.press("Scan Again", dialog)
        self.show(self.code_of(self.person("carol")))
        self.window.wait_text("This is carol. 1 device verified.", dialog)
        self.window.close_dialog("Verify ")

    def test_d_mismatch(self):
        dave = self.chat_with("dave")
        self.show(flipped(self.code_of(dave)))
        dialog = self.scan_pane()
        self.window.wait_text("WARNING: the code shows another key than the one that the messages of dave came with.", dialog)
        self.window.close_dialog("Verify ")
        self.window.wait_security("Key changed")
        dialog = self.scan_pane()
        self.window.press("Distrust This Device", dialog)
        self.window.wait_text("The device is distrusted: it gets no messages any more.", dialog)
        self.window.close_dialog("Verify ")
        dave.send(self.alice, "from a device that is distrusted")
        self.window.wait_message("from a device that is distrusted", encryption="Encrypted, device distrusted")

    def test_e_link_asks(self):
        # Attacks rows D14 and E10: nothing is verified by a link alone, and nothing rings.
        erin = self.chat_with("erin")
        code = self.code_of(erin)
        self.window.run(code)
        dialog = self.window.dialog("Verify ")
        self.window.wait_text("Verify 1 device of erin?", dialog)
        self.assertEqual(self.window.fingerprint(dialog), code.rpartition("=")[2])
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.close_dialog("Verify ")
        self.window.wait_security("Encrypted")
        self.window.run(flipped(code))
        dialog = self.window.dialog("Verify ")
        self.window.wait_text(re.compile("^WARNING: the code shows another key"), dialog)
        self.assertIsNone(self.window.control("Distrust This Device", dialog))
        self.window.close_dialog("Verify ")
        self.window.wait_security("Encrypted")
        erin.send(self.alice, "press this: " + code)
        self.window.wait_message("press this: " + code)
        self.window.wait_security("Encrypted")
        self.window.run(code)
        dialog = self.window.dialog("Verify ")
        self.window.press("Verify", dialog)
        self.window.wait_text("This is erin. 1 device verified.", dialog)
        self.window.close_dialog("Verify ")
        self.window.wait_security("Verified")

    def clipboard(self, *what):
        """Puts something on the clipboard: it stands there while the process lives."""
        process = Process([need("xclip"), "-quiet", "-selection", "clipboard", *what], env=self.desk.environment(),
                          log=os.path.join(self.folder, "xclip.log"))
        self.addCleanup(process.end)

    def test_f_pasted(self):
        # As text it is asked about, as a picture it was seen.
        frank = self.chat_with("frank")
        self.show_nothing()
        text = os.path.join(self.folder, "code.txt")
        with open(text, "w", encoding="utf-8") as f:
            f.write(self.code_of(frank) + "\n")
        picture = os.path.join(self.folder, "frank.png")
        self.draw(self.code_of(frank), picture, "-negate")
        dialog = self.scan_pane()
        self.clipboard("-i", text)
        wait_for(lambda: self.paste(dialog, "Verify 1 device of frank?"), "question", 30)
        self.window.press("Do Nothing", dialog)
        self.window.wait_security("Encrypted")
        dialog = self.scan_pane()
        self.clipboard("-t", "image/png", "-i", picture)
        wait_for(lambda: self.paste(dialog, "This is frank. 1 device verified."), "result", 30)
        self.window.close_dialog("Verify ")
        self.window.wait_security("Verified")

    def paste(self, dialog, expected):
        """The desktop may not know of the new owner yet: so again until it does."""
        row = self.window.control("Paste a Picture or the Code as Text", dialog, {"list item"})
        if row:
            row.click_box()
        try:
            return self.window.wait_text(expected, dialog, 3)
        except AssertionError:
            return None

    def test_g_by_hand(self):
        grace = self.chat_with("grace")
        self.show_nothing()
        dialog = self.scan_pane()
        self.window.wait_control("Compare by Hand", dialog, {"list item"}).click_box()
        self.window.press("They Match", dialog)
        self.window.wait_control(re.compile(r"^Device \d+, Verified"), dialog, {"list item"})
        self.window.press("Undo", dialog)
        self.window.wait_control(re.compile(r"^Device \d+, Trusted"), dialog, {"list item"})
        self.window.press("They Differ", dialog)
        self.window.wait_control(re.compile(r"^Device \d+, Distrusted"), dialog, {"list item"})
        self.window.close_dialog("Verify ")
        grace.send(self.alice, "marked afterwards")
        self.window.wait_message("marked afterwards", encryption="Encrypted, device distrusted")

    def test_h_file(self):
        heidi = self.chat_with("heidi")
        self.show_nothing()
        dialog = self.scan_pane()
        for name, text, said in (("nothing.png", None, re.compile("^No QR code was found in this picture")),
                                 ("heidi.png", self.code_of(heidi), "This is heidi. 1 device verified.")):
            path = os.path.join(self.folder, name)
            if text:
                self.draw(text, path)
            else:
                run([need("convert"), "-size", "200x200", "xc:white", path])
            self.window.wait_control("Open a Picture…", dialog, {"list item"}).click_box()
            chooser = self.window.dialog("Open a Picture of the Code")
            self.desk.xdotool("type", "--delay", "20", path)
            wait_for(lambda p=path: any(p in (n.text() or "") for n, role, _name in chooser.below() if "text" in role), "path that was typed", 20)
            self.window.press("Open", chooser)
            self.window.wait_text(said, dialog)
        self.window.close_dialog("Verify ")
        self.window.wait_security("Verified")


class TwoWindows(ScanCase):
    """Two of us verify each other by what stands on the screen."""

    friends = ("bob",)
    strangers = ()

    def test_each_other(self):
        with Desktop(keyring="of bob", size=self.size) as desk, Window(desk, ca=self.server.ca, name="tessera-bob") as bob:
            bob.add_account(self.jid("bob"), self.server.users["bob"], "127.0.0.1", self.server.port)
            self.window.open_chat(self.jid("bob"))
            self.window.wait_security("Encrypted")
            self.window.send("Is it you?")
            bob.open_chat(self.alice)
            bob.wait_message("Is it you?", encryption="Encrypted, device trusted")
            # Bob shows, Alice's camera sees Bob's screen.
            theirs = self.picture("bob-shows")
            bob.screenshot(theirs, bob.open_verification())
            run([need("convert"), theirs, "-resize", "640x640", "png:" + self.seen + ".part"])
            os.replace(self.seen + ".part", self.seen)
            dialog = self.scan_pane()
            self.window.wait_text("This is bob. 1 device verified.", dialog)
            # Alice shows, Bob pastes a picture of her screen.
            self.window.press("Done", dialog)
            self.window.dialog_gone("Verify ")
            mine = self.picture("alice-shows")
            self.window.screenshot(mine, self.window.open_verification())
            owner = Process([need("xclip"), "-quiet", "-selection", "clipboard", "-t", "image/png", "-i", mine],
                            env=desk.environment(), log=os.path.join(self.folder, "xclip.log"))
            self.addCleanup(owner.end)
            other = bob.dialog("Verify ")
            bob.press("Scan", other)

            def read():
                row = bob.control("Paste a Picture or the Code as Text", other, {"list item"})
                if row:
                    row.click_box()
                try:
                    return bob.wait_text("This is alice. 1 device verified.", other, 3)
                except AssertionError:
                    return None

            wait_for(read, "Alice, verified by Bob", 30)
            bob.close_dialog("Verify ")
            self.window.close_dialog("Verify ")
            self.window.wait_security("Verified")
            bob.wait_security("Verified")
            bob.send("It is.")
            self.window.wait_message("It is.", encryption="Encrypted, device verified")
            bob.quit()
