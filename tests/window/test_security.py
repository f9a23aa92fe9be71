# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose certificate nobody vouches for: refused, compared, trusted; replaced; and what is told of a connection."""

import os
import re

from tess.util import Timeout, need, run, wait_for
from tess.window import Window, plain
from tess.window_case import WindowCase


class SelfSigned(WindowCase):
    signed_in = False
    friends = ()
    strangers = ()

    @classmethod
    def prepare(cls):
        cls.replace_certificate()

    @classmethod
    def new_window(cls):
        return Window(cls.desk)     # it trusts what the system trusts

    @classmethod
    def certificate(cls):
        return os.path.join(cls.server.authority.folder, "server1.crt")

    @classmethod
    def replace_certificate(cls):
        """The server gets another certificate, signed by itself."""
        key = os.path.join(cls.server.authority.folder, "server1.key")
        run([need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
             cls.certificate(), "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        cls.server.restart(hard=True)

    @classmethod
    def openssl_fingerprint(cls):
        said = run([need("openssl"), "x509", "-in", cls.certificate(), "-noout", "-fingerprint", "-sha256"])
        return said.partition("=")[2].strip().replace(":", "").lower()

    def fingerprints(self, dialog):
        """All that a screen reader reads out in @dialog, as 64 digits each."""
        return ["".join(name.partition(": ")[2].split()) for _node, _role, name in dialog.below() if name.startswith("Fingerprint: ")]

    def focused(self):
        for node, role, name in self.window.app.below():
            if node.has("focused"):
                return role, plain(name)
        return None

    def wait_focus(self, name):
        wait_for(lambda: (self.focused() or ("", ""))[1] == name, f"keyboard on {name!r}", 20, 0.05,
                 lambda: f"{self.focused()}\n{self.window.heard()}")

    def tab_to(self, name, most=40):
        seen = []
        for _ in range(most):
            now = self.focused()
            if now and now[1] == name:
                return
            seen.append(now)
            self.desk.key("Tab")
        raise Timeout(f"{name!r} was not reached by Tab: {seen}\n{self.window.heard()}")

    def into(self, title):
        """The window @title, with the keyboard; without a window manager it has to be given, and only to what is on the screen."""
        dialog = self.window.dialog(title)

        def given():
            # GTK 4.8 does not tell of every window that it is active.
            for window in self.desk.window_ids(self.window.process.pid):
                if self.desk.xdotool("getwindowname", window).strip().startswith(title):
                    self.desk.xdotool("windowfocus", window)
            return dialog.has("active") or any(node.has("focused") for node, _role, _name in dialog.below())

        wait_for(given, f"keyboard in {title!r}", 20, 0.1, self.window.heard)
        return dialog

    def security(self):
        """Opens Connection Security from the menu of the main window."""
        self.window.menu("Main Menu", "Connection Security")
        return self.window.dialog("Connection Security")

    def alarm(self):
        return wait_for(lambda: self.window.control("Certificate…", self.window.main), "alarm below the list", 60, 0.1, self.window.heard)

    # From the first case to the third the pointer is not used.

    def test_a_refused(self):
        self.into("Tessera")
        self.tab_to("Add Account")
        self.desk.key("Return")
        dialog = self.into("Add Account")
        self.desk.type("alice@localhost")
        self.desk.key("Tab")
        self.desk.type(self.server.users["alice"])
        self.tab_to("Advanced")
        self.desk.key("space")
        wait_for(lambda: self.window.field("Server", dialog).has("showing"), "unfolded part", 10, log=self.window.heard)
        self.desk.key("Tab")
        self.desk.type("127.0.0.1")
        self.desk.key("Tab")
        self.desk.type(str(self.server.port))
        self.desk.key("Return")
        self.window.wait_text(re.compile("certificate of localhost"), dialog, 40)
        self.wait_focus("Certificate…")
        self.desk.key("Return")
        shown = self.into("Server Certificate")
        self.window.wait_text("This Server Cannot Be Verified", shown)
        self.assertEqual(self.fingerprints(shown), [self.openssl_fingerprint()])
        self.assertEqual(self.window.nameless(shown), [])
        self.wait_focus("Do Not Connect")
        self.desk.key("Return")
        self.window.dialog_gone("Server Certificate")
        self.assertIsNotNone(self.window.find_dialog("Add Account"))
        self.assertIsNone(self.window.control("New Chat"))

    def test_b_trusted(self):
        self.into("Add Account")
        self.tab_to("Certificate…")
        self.desk.key("Return")
        self.into("Server Certificate")
        self.wait_focus("Do Not Connect")
        self.desk.key("Tab")
        self.wait_focus("Trust This Certificate for alice@localhost")
        self.desk.key("Return")
        self.window.dialog_gone("Add Account", 60)
        self.window.wait_control("New Chat")

    def test_c_connection_security(self):
        self.into("Tessera")
        self.desk.key("F10")
        self.window.wait_control("Connection Security")
        for _ in range(10):
            if (self.focused() or ("", ""))[1] == "Connection Security":
                break
            self.desk.key("Down")
        self.desk.key("Return")
        dialog = self.into("Connection Security")
        self.window.wait_text("Encrypted, Trusted by You", dialog)
        self.window.wait_text(re.compile(r"^TLSv1\.3 · "), dialog)
        self.window.wait_text(re.compile(r"^SCRAM-SHA-256(-PLUS · tls-[a-z-]+)?$"), dialog)
        self.window.wait_text("The server proved that it knows your password", dialog)
        self.window.wait_text("Only you vouch for the server’s certificate.", dialog)
        self.assertEqual(self.window.nameless(dialog), [])
        self.desk.key("Escape")
        self.window.dialog_gone("Connection Security")

    def test_d_restart(self):
        self.restart()
        self.window.wait_control("New Chat")
        dialog = self.security()
        self.window.wait_text("Encrypted, Trusted by You", dialog, 60)
        self.window.close_dialog("Connection Security")

    def test_e_replaced(self):
        before = self.openssl_fingerprint()
        dialog = self.security()
        self.window.wait_text("Encrypted, Trusted by You", dialog, 60)
        self.replace_certificate()
        # It follows while it is open, without one press.
        self.window.wait_text("The Server’s Certificate Changed", dialog, 90)
        self.window.close_dialog("Connection Security")
        self.alarm().activate()
        shown = self.window.dialog("Server Certificate")
        self.window.wait_text("The Server’s Certificate Changed", shown)
        self.assertEqual(self.fingerprints(shown), [before, self.openssl_fingerprint()])
        self.assertEqual(self.window.nameless(shown), [])
        self.window.press("Trust the New Certificate…", shown)
        self.window.press("Do Not Trust")
        self.window.close_dialog("Server Certificate")
        self.alarm()

    def test_f_alarm_stays(self):
        self.restart()
        self.alarm()
        self.assertIsNone(self.window.control("Retry", self.window.main))

    def test_g_new_one_trusted(self):
        self.alarm().activate()
        shown = self.window.dialog("Server Certificate")
        self.window.press("Trust the New Certificate…", shown)
        self.window.press("Trust It")
        self.window.dialog_gone("Server Certificate")
        dialog = self.security()
        self.window.wait_text("Encrypted, Trusted by You", dialog, 60)
        self.assertIn(self.openssl_fingerprint(), self.fingerprints(dialog))
        self.window.close_dialog("Connection Security")
