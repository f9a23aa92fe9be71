# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window says of the connection, in a network of its own that comes and goes, and when it says nothing."""

import ctypes
import re
import time

from gi.repository import Gio, GLib

from tess import netns, util
from tess.proxy import Proxy
from tess.util import run, wait_for
from tess.window_case import WindowCase

netns.enter()

ADDRESS = "10.9.0.1"
SAID = re.compile(r"Connecting|Not connected|cannot be reached|ended|answer|No network|Signed out|Paused")


def bring_network():
    """A way out, as the desktop sees it: an address, and a route to everywhere. It leads nowhere but here."""
    run(["ip", "address", "add", f"{ADDRESS}/24", "dev", "lo"])
    run(["ip", "route", "add", "default", "via", "10.9.0.2", "dev", "lo"])


def take_network():
    run(["ip", "route", "delete", "default"])
    run(["ip", "address", "delete", f"{ADDRESS}/24", "dev", "lo"])


class Case(WindowCase):
    def said(self):
        """What the bar says now, or None."""
        return next((l for l in self.window.labels(self.window.main) if SAID.search(l)), None)

    def wait_silence(self, seconds=30):
        wait_for(lambda: self.said() is None, "end of what the bar says", seconds, 0.05, self.window.heard)

    def wait_bar(self, pattern, button, seconds=30):
        said = self.window.wait_text(re.compile(pattern), self.window.main, seconds)
        self.window.wait_control(button, self.window.main)
        self.assertEqual(self.window.nameless(), [])
        return said


class Network(Case):
    """Alice's way to the server goes over the network that comes and goes."""

    @classmethod
    def prepare(cls):
        bring_network()
        cls.addClassCleanup(lambda: run(["ip", "address", "flush", "dev", "lo", "to", f"{ADDRESS}/24"]))
        cls.proxy = Proxy(cls.server.port, ADDRESS)
        cls.addClassCleanup(cls.proxy.close)

    @classmethod
    def sign_in(cls, **how):
        cls.window.add_account(cls.server.jid("alice"), cls.server.users["alice"], ADDRESS, cls.proxy.port, **how)

    @classmethod
    def new_window(cls):
        # Whoever sleeps is told on the system's bus; here the session's stands in for it.
        cls.settings = {"DBUS_SYSTEM_BUS_ADDRESS": cls.desk.environment()["DBUS_SESSION_BUS_ADDRESS"]}
        return super().new_window()

    def test_a_cut_passes_unseen(self):
        bob = self.chat_with("bob")
        self.window.wait_row("^bob, Online")
        before = self.proxy.connections
        seen = set()
        self.proxy.cut()
        while self.proxy.connections == before:
            seen |= {self.said(), self.window.chat()}
        ident = bob.send(self.alice, "after the cut")
        bob.wait_state(ident, "delivered")
        self.window.wait_message("after the cut", encryption=self.window.messages()[-1].encryption)
        seen |= {self.said(), self.window.chat()}
        self.assertEqual({s for s in seen if s and "bob" not in s}, set())
        self.assertFalse([s for s in seen if s and "Offline" in s], seen)

    def test_b_network_goes_and_comes(self):
        bob = self.chat_with("bob")
        take_network()
        self.wait_bar("^No network. Tessera signs in as soon as there is one.", "Retry")
        self.window.send("written without a network")
        self.assertEqual(self.window.wait_message("written without a network").state, "Waiting to be sent")
        self.window.press("Retry", self.window.main)
        self.wait_bar("^No network", "Retry")
        begun = time.monotonic()
        bring_network()
        self.wait_silence()
        print(f"# {time.monotonic() - begun:.2f} s from the network to the end of the bar", flush=True)
        bob.receive("written without a network", encryption="omemo")
        self.window.wait_message("written without a network", state="Sent")

    def test_c_start_without_network(self):
        self.window.quit()
        take_network()
        self.restart_after_quit()
        self.wait_bar("^No network", "Retry")
        bring_network()
        self.wait_silence()
        bob = self.person("bob")
        bob.wait_state(bob.send(self.alice, "are you there?"), "delivered")

    def restart_after_quit(self):
        type(self)._seen = 0
        type(self).window = self.new_window()
        self.addClassCleanup(self.window.kill)
        self.window.start()
        self.window.wait_control("New Chat")

    def test_d_after_sleep(self):
        # The wire has died in the night, and nobody says so. What wakes up asks, and takes the stream up again.
        self.chat_with("bob")
        self.proxy.hold()
        before = self.proxy.connections
        bus = Gio.DBusConnection.new_for_address_sync(self.desk.environment()["DBUS_SESSION_BUS_ADDRESS"],
                                                      Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                                                      Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.addCleanup(bus.close_sync)
        bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                      GLib.Variant("(su)", ("org.freedesktop.login1", 0)), None, Gio.DBusCallFlags.NONE, 5000, None)
        begun = time.monotonic()
        bus.emit_signal(None, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", GLib.Variant("(b)", (False,)))
        bus.flush_sync(None)
        # The old connection stays as dead as it was; the new one is let through.
        wait_for(lambda: self.proxy.connections > before, "new connection", 20, 0.02, self.window.heard)
        self.proxy.release()
        bob = self.person("bob")
        bob.wait_state(bob.send(self.alice, "good morning"), "delivered")
        print(f"# {time.monotonic() - begun:.2f} s from the end of sleep to a message", flush=True)
        self.wait_silence()


class Server(Case):
    """Nothing is between: and the desktop says that there is no network, as there is none but that to this computer."""

    def test_a_restart(self):
        bob = self.chat_with("bob")
        self.server.kill()
        self.wait_bar("^localhost cannot be reached", "Retry")
        self.window.send("written on the train")
        self.assertEqual(self.window.wait_message("written on the train").state, "Waiting to be sent")
        self.server.start()
        self.wait_silence()
        self.window.wait_message("written on the train", state="Sent")
        bob.receive("written on the train", encryption="omemo", seconds=60)

    def test_b_retry_now(self):
        self.server.kill()
        self.wait_bar("^localhost cannot be reached", "Retry")
        self.server.start()
        retry = self.window.control("Retry", self.window.main)
        if retry:
            retry.activate()    # else it has tried by itself just now
        self.wait_silence()

    def test_c_paused(self):
        bob = self.chat_with("bob")
        self.window.menu("Main Menu", "Preferences")
        dialog = self.window.dialog("Preferences")
        self.window.press("Accounts", dialog)
        switch = self.window.press("Stay online with alice@localhost", dialog)
        # It moves over first.
        switch.wait(lambda n: not n.has("checked") and not n.has("pressed"), "switch that is off")
        self.window.wait_text("Paused", dialog)
        self.window.close_dialog("Preferences")
        self.wait_bar("^Paused$", "Resume")
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.alice and o.get("presence") == "offline", "end of alice")
        self.window.send("written in the pause")
        self.assertEqual(self.window.wait_message("written in the pause").state, "Waiting to be sent")
        self.window.composer().set_text("a draft of the pause")
        # It stays so over a start.
        self.restart()
        self.window.wait_control("New Chat")
        self.wait_bar("^Paused$", "Resume")
        self.window.open_chat(self.jid("bob"))
        wait_for(lambda: self.window.composer().text() == "a draft of the pause", "draft", 10)
        self.window.composer().set_text("")
        self.window.press("Resume", self.window.main)
        self.wait_silence()
        self.window.wait_message("written in the pause", state="Sent")
        bob.receive("written in the pause", encryption="omemo", seconds=60)

    def test_d_password_changed(self):
        self.server.stop()
        self.change_password("another password")
        self.server.start()
        self.wait_bar("^Signed out. The address or the password is wrong.", "Password…")
        self.assertIsNone(self.window.control("Retry", self.window.main))
        self.window.press("Password…", self.window.main)
        dialog = self.window.dialog("Password Needed")
        self.window.fill("Password", "another password", dialog)
        self.window.press("Sign In", dialog)
        self.window.dialog_gone("Password Needed")
        self.wait_silence()

    def change_password(self, password):
        with open(self.server._file("accounts", "alice"), "w", encoding="utf-8") as f:
            f.write(f'return {{ ["password"] = "{password}" }};\n')


class InFront(Case):
    """Whose window is not in front is told what can wait when it comes to the front again (XEP-0352)."""

    settings = {"TESSERA_IDLE_SECONDS": "1"}

    def leave(self):
        """Another program's window takes the focus."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XDefaultRootWindow.restype = x11.XCreateSimpleWindow.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.desk.display.encode()))
        self.addCleanup(x11.XCloseDisplay, display)
        root, zero = ctypes.c_ulong(x11.XDefaultRootWindow(display)), ctypes.c_ulong(0)
        other = ctypes.c_ulong(x11.XCreateSimpleWindow(display, root, 0, 0, 10, 10, 0, zero, zero))
        x11.XMapWindow(display, other)
        x11.XSync(display, 0)
        x11.XSetInputFocus(display, other, 1, zero)
        x11.XSync(display, 0)

    def test_in_front(self):
        bob = self.chat_with("bob")
        self.window.app.focus()
        self.window.wait_row("^bob, Online")
        self.leave()
        # Longer than the window, and than the acknowledgements that would bring what is kept.
        time.sleep(4 * util.SLOW)
        bob.ask("logout", self.jid("bob"))
        time.sleep(2)
        self.assertTrue([r for r in self.window.rows() if r.startswith("bob, Online")], self.window.rows())
        self.window.app.focus()
        self.window.wait_row("^bob, Offline|^bob, (?!Online)")
        # What is written comes at once all the same.
        self.leave()
        time.sleep(4 * util.SLOW)
        carol = self.person("carol")
        carol.send(self.alice, "can you hear me?")
        self.window.wait_row("can you hear me")
