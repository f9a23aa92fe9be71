# SPDX-License-Identifier: GPL-3.0-or-later
"""Tessera's window as a person meets it: what can be pressed and read in it, by the words that a screen reader says.

    with Desktop(keyring="secret") as desk, Window(desk, ca=server.ca) as window:
        window.add_account("alice@localhost", "password", "127.0.0.1", server.port)
        window.open_chat("bob@localhost")
        window.send("hi")
        window.wait_message("hi", state="Delivered").encryption

Everything goes through AT-SPI, so that it works also on the display of a person whose pointer and focus are elsewhere.
What needs the pointer or the keyboard says so; it belongs on a display of its own.
"""

import collections
import glob
import os
import re
import subprocess

from gi.repository import Gio, GLib

from . import util
from .desktop import WINDOW, Node
from .util import Timeout, need, run, wait_for

APPLICATION_ID = "im.tessera.Tessera"
APPLICATION_PATH = "/im/tessera/Tessera"
# What a person can press, fill in, or choose; each must have a name.
CONTROLS = {"button", "push button", "toggle button", "check box", "radio button", "switch", "text box", "entry", "password text",
            "search box", "spin button", "combo box", "list item", "menu item", "tab", "slider", "link"}
PRESSABLE = {"button", "push button", "toggle button", "check box", "switch", "tab", "menu item", "link", "radio button"}
SECURITY = ("Verified", "Encrypted", "Checking…", "Check devices", "No devices", "Key changed", "Not encrypted")
# How a row of the chat is read out: name, time, text, state, encryption.
_ROW = re.compile(r"(?P<name>.*?), (?P<time>\d{1,2}:\d\d(?: [AP]M)?), (?P<text>.*?)"
                  r"(?:, (?P<state>Waiting to be sent|Sent|Delivered|Read|Not sent(?:: .*)?))?"
                  r", (?P<encryption>Not encrypted|Encrypted, cannot be read|Encrypted, device [a-z]+)", re.S)

Message = collections.namedtuple("Message", "name time text state encryption node")


def program():
    """The program's path: TESSERA, or the plain build's."""
    path = os.environ.get("TESSERA")
    if not path:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        path = os.path.join(root, "build", "check", "src", "tessera")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"tessera is missing at {path}; build it, or name it in TESSERA")
    return path


def program_environment():
    """What a program that is not installed needs to find its settings."""
    data = os.path.join(os.path.dirname(os.path.dirname(program())), "data")
    return {"GSETTINGS_SCHEMA_DIR": data} if glob.glob(os.path.join(data, "gschemas.compiled")) else {}


def plain(name):
    """A name as one reads it. GTK 4.8 gives a button with a mnemonic both its labels: "_Sign In Sign In"."""
    half = (len(name) - 2) // 2
    if half > 0 and name[half + 1:half + 2] == " " and name[:half + 1].replace("_", "", 1) == name[half + 2:]:
        return name[half + 2:]
    return name.replace("_", "", 1)


def is_named(name):
    """Whether somebody gave this name; GTK 4.8 says the type where nobody did."""
    return bool(name.strip()) and not re.fullmatch(r"(Gtk|Adw|Tess|Gdk)[A-Z]\w*", name)


class Window:
    """One running Tessera on @desktop; @ca: the CA's certificate file to trust besides the system's."""

    def __init__(self, desktop, ca=None, environment=None, arguments=(), name="tessera"):
        self.desktop, self.name, self.arguments = desktop, name, list(arguments)
        # On a desktop without a window manager no window is in front: that is for the tests that are about it.
        self.environment = {**program_environment(), "TESSERA_IDLE_SECONDS": "86400", **(environment or {})}
        if ca:
            self.environment["TESSERA_CA_FILE"] = ca
        self.app = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exc):
        self.kill()

    # -- life ------------------------------------------------------------------------------------------------

    def start(self, *arguments):
        """Starts the program and waits for its window."""
        assert self.app is None or not self.app.process.running(), "it runs already"
        self.app = self.desktop.launch([program(), *self.arguments, *arguments], self.name, environment=self.environment)
        return self

    @property
    def process(self):
        return self.app.process

    @property
    def data(self):
        """Where it keeps its database."""
        return os.path.join(self.desktop.home, ".local", "share", "tessera")

    @property
    def database(self):
        return os.path.join(self.data, "tessera.db")

    def log(self):
        """All that it has printed."""
        with open(self.process.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def complaints(self):
        """The lines in which a library complains about the program."""
        return [line for line in self.log().splitlines() if re.search(r"-(CRITICAL|WARNING) \*\*|CRITICAL|runtime error", line)
                and "org.freedesktop.Notifications was not provided" not in line]

    def action(self, name, parameter=None):
        """One of the application's actions, as a launcher or a notification calls it."""
        # pylint: disable=protected-access
        self.desktop._bus.call_sync(APPLICATION_ID, APPLICATION_PATH, "org.gtk.Actions", "Activate",
                                    GLib.Variant("(sava{sv})", (name, [parameter] if parameter is not None else [], {})),
                                    None, Gio.DBusCallFlags.NO_AUTO_START, 10000, None)

    def run(self, *arguments):
        """Runs the program a second time on this desktop, to its end; returns what it printed."""
        return run([program(), *arguments], env=dict(self.desktop.environment(), **self.environment), cwd=self.desktop.home)

    def quit(self, seconds=20):
        """Quits by its own action, and asserts that it ended well."""
        if self.app and self.process.running():
            self.action("quit")
            self.ended(seconds)

    def ended(self, seconds=20):
        wait_for(lambda: not self.process.running(), "end of Tessera", seconds, 0.05, self.process.tail)
        code = self.process.popen.returncode
        self.process.end()
        if code != 0:
            raise AssertionError(f"Tessera ended with {code}\n{self.process.tail()}")

    def kill(self):
        if self.app:
            self.app.kill()

    # -- finding ---------------------------------------------------------------------------------------------

    def control(self, name, within=None, roles=PRESSABLE, states=("showing",)):
        """The control that reads as @name (text or compiled expression) now, or None."""
        for node, role, own in (within or self.app).below():
            own = plain(own)
            if role in roles and (name.search(own) if isinstance(name, re.Pattern) else own == name) and node.has(*states):
                # A menu button is two: the outer one has the name, the inner one can be pressed.
                if roles is not PRESSABLE or node.actions()[:1] in (["Click"], ["Toggle"]):
                    return Node(self.desktop, node.bus_name, node.path)
        return None

    def wait_control(self, name, within=None, roles=PRESSABLE, seconds=20, states=("showing",)):
        shown = name.pattern if isinstance(name, re.Pattern) else name
        return wait_for(lambda: self.control(name, within, roles, states), f"control {shown!r}", seconds, 0.05,
                        self.heard)

    def press(self, name, within=None, seconds=20):
        """Presses the control that reads as @name, as soon as it can be pressed."""
        node = self.wait_control(name, within, seconds=seconds, states=("showing", "sensitive"))
        if not node.activate():
            raise AssertionError(f"{node!r} does nothing when pressed\n{self.app.tree()}")
        return node

    def field(self, name, within=None, seconds=20):
        """The entry whose name begins with @name, also one in a part that is folded up."""
        return self.wait_control(re.compile("^" + re.escape(name)), within, {"text box", "entry", "password text", "search box"},
                                 seconds, ("visible",))

    def fill(self, name, text, within=None):
        node = self.field(name, within)
        node.wait(lambda n: n.has("sensitive"), f"{name!r} to be sensitive")
        node.set_text(text)
        return node

    def heard(self):
        """All that a screen reader could say now, and the end of the log: for failures."""
        lines = []
        for node, role, name in self.app.below():
            if is_named(name) and node.has("showing"):
                text = node.text() if role in ("text box", "search box") else ""
                lines.append(f"{role} {name!r}" + ("" if node.has("sensitive") else " (insensitive)") + (f" text={text!r}" if text else ""))
        return "\n".join(lines) + "\n" + self.process.tail()

    def labels(self, within=None):
        """The texts that are showing."""
        return [name for node, role, name in (within or self.app).below() if role in ("label", "alert") and name and node.has("showing")]

    def wait_text(self, text, within=None, seconds=20):
        """Waits until a label that contains @text (or matches the compiled expression) is showing; returns the whole."""
        test = text.search if isinstance(text, re.Pattern) else lambda label: text in label
        return wait_for(lambda: next((l for l in self.labels(within) if test(l)), None),
                        f"label {getattr(text, 'pattern', text)!r}", seconds, 0.05,
                        self.heard)

    def dialog(self, title, seconds=20):
        """The dialog whose title is @title, or begins with it."""
        return wait_for(lambda: self.find_dialog(title), f"dialog {title!r}", seconds, 0.05,
                        self.heard)

    def find_dialog(self, title):
        try:
            return next((w for w in self.app.windows() if w.name.startswith(title) and w.has("visible")), None)
        except GLib.Error:
            return None

    def dialog_gone(self, title, seconds=20):
        wait_for(lambda: self.find_dialog(title) is None, f"end of the dialog {title!r}", seconds, 0.05,
                 self.heard)

    def close_dialog(self, title):
        """Closes it as its close button does."""
        self.close_window(self.dialog(title))
        self.dialog_gone(title)

    @staticmethod
    def close_window(node):
        actions = node.actions()
        node.call("org.a11y.atspi.Action", "DoAction", GLib.Variant("(i)", (actions.index("window.close"),)))

    @property
    def main(self):
        """The window with the chats."""
        return self.dialog("Tessera")

    def menu(self, button, item, within=None):
        """Opens the menu behind @button and presses @item."""
        self.press(button, within)
        self.press(item)

    def expand(self, name, within=None):
        """Unfolds the part that is named @name. Needs the pointer: GTK 4.8 gives it no action."""
        self.wait_control(name, within, {"list item"}).click_box()

    def nameless(self, within=None):
        """The controls that are showing and have no name of their own, as texts."""
        found, inside = [], {}
        for node, role, name in (within or self.app).below():
            parents = inside.get(node.path, ())
            for child in node.children():
                inside[child.path] = parents + ((role, name),)
            if role not in CONTROLS or is_named(name) or not node.has("showing"):
                continue
            # What GTK's and libadwaita's own widgets are made of: their outer widget has the name that is read.
            if any(r in ("combo box", "text box", "search box", "spin button", "switch") and is_named(n) for r, n in parents[-7:]):
                continue
            if parents and parents[-1][1] == "AdwToastWidget":
                continue    # its cross
            if role == "list item" and any(r == "list item" and is_named(n) for _n, r, n in node.below(4)):
                continue    # the frame of an expander row
            found.append(f"{role} {name!r} below {' / '.join(f'{r} {n!r}' for r, n in parents[-4:])}")
        return found

    # -- accounts --------------------------------------------------------------------------------------------

    def account_dialog(self):
        """The open account dialog; opens it from the welcome page or the menu."""
        found = self.find_dialog("Add Account")
        if found is None:
            button = wait_for(lambda: self.control("Add Account") or self.control("Main Menu"), "way to add an account", 20, 0.05,
                              self.heard)
            button.activate()
            if plain(button.name) == "Main Menu":
                self.press("Add Account…")
            found = self.dialog("Add Account")
        return found

    def try_account(self, address, password, server=None, port=None, seconds=40):
        """Fills in the account dialog and signs in: None when that worked, else the sentences that the dialog shows."""
        dialog = self.account_dialog()
        self.fill("Address", address, dialog)
        self.fill("Password", password, dialog)
        self.fill("Server", server or "", dialog)
        self.fill("Port", str(port or ""), dialog)
        before = set(self.labels(dialog))
        self.press("Sign In", dialog)

        def over():
            if self.find_dialog("Add Account") is None:
                return [True]
            if self.control("Cancel", dialog):
                return None
            new = [l for l in self.labels(dialog) if l not in before and l not in ("Signing in…", "Cancel")]
            # The buttons beside a sentence may be there before it.
            return new if any(l.endswith(".") for l in new) else None

        said = wait_for(over, "end of signing in", seconds, 0.05, self.heard)
        return None if said == [True] else " ".join(said)

    def add_account(self, address, password, server=None, port=None, seconds=40):
        said = self.try_account(address, password, server, port, seconds)
        if said is not None:
            raise AssertionError(f"{address} was not added: {said}\n{self.process.tail()}")
        self.wait_control("New Chat", seconds=seconds)
        return self

    def wait_online(self, seconds=30):
        """Waits until nothing is said about the connection: it is there."""
        wait_for(lambda: not any(re.search(r"Connecting|Not connected|Retry|Password…", l) for l in self.labels(self.main)),
                 "connection", seconds, 0.1, self.heard)

    # -- chats -----------------------------------------------------------------------------------------------

    def open_chat(self, address, seconds=20):
        """Opens the chat with @address through the dialog for a new one, which finds one that is there already."""
        self.press("New Chat")
        dialog = self.dialog("New Chat")
        self.fill("Address or Name", address, dialog)
        self.press("Open Chat", dialog)
        self.dialog_gone("New Chat")
        self.wait_chat(address, seconds)

    def chat(self):
        """What the header of the open chat says, or None: "Bob, Online: details"."""
        node = self.control(re.compile(r": details$"))
        return node.name if node else None

    def wait_chat(self, address, seconds=20):
        """Waits until the chat with @address is the open one."""
        who = address.partition("@")[0]
        wait_for(lambda: re.match(re.escape(who), self.chat() or "", re.I), f"chat with {address}", seconds, 0.05,
                 self.heard)

    def composer(self):
        return self.field("Write ")

    def send(self, text):
        """Writes @text into the composer and presses "Send"."""
        composer = self.composer()
        composer.set_text(text)
        self.press("Send")
        composer.wait(lambda n: n.text() == "", "empty composer")

    def messages(self):
        """The rows of the open chat, oldest first, as a screen reader says them."""
        rows = []
        node = self.app.find("list", "Messages", states=("visible",))
        for child, role, name in node.below(1) if node else ():
            match = _ROW.fullmatch(name) if role == "list item" else None
            if match:
                rows.append(Message(node=child, **match.groupdict()))
            elif role == "list item":
                raise AssertionError(f"a message is read out as {name!r}")
        return rows

    def wait_message(self, text, seconds=30, **fields):
        """Waits for the message @text in the open chat, with these @fields; of `state` a later one will do."""
        order = ["Waiting to be sent", "Sent", "Delivered", "Read"]

        def good(message):
            for key, value in fields.items():
                own = getattr(message, key)
                if key == "state" and value in order and own in order:
                    if order.index(own) < order.index(value):
                        return False
                elif own != value:
                    return False
            return True

        def look():
            return next((m for m in self.messages() if m.text == text and good(m)), None)

        return wait_for(look, f"message {text!r} {fields or ''}", seconds, 0.05,
                        lambda: "\n".join(str(m[:5]) for m in self.messages()) + "\n" + self.process.tail())

    def rows(self):
        """The list of conversations as a screen reader says it."""
        node = self.app.find("list", "Conversations", states=("visible",))
        return [name for _n, role, name in node.below(1) if role == "list item"] if node else []

    def wait_row(self, pattern, seconds=30):
        """Waits until a conversation in the list reads as @pattern; returns the text."""
        return wait_for(lambda: next((r for r in self.rows() if re.search(pattern, r)), None), f"conversation {pattern!r}", seconds,
                        0.05, lambda: "\n".join(self.rows()) + "\n" + self.process.tail())

    def click_row(self, pattern):
        """Opens a conversation from the list. Needs the pointer: GTK 4.8 gives a row no action."""
        self.wait_control(re.compile(pattern), self.app.node("list", "Conversations"), {"list item"}).click_box()

    # -- encryption ------------------------------------------------------------------------------------------

    def security(self):
        """The word of the lock."""
        node = self.control(re.compile("^(" + "|".join(map(re.escape, SECURITY)) + ")$"))
        return node.name if node else None

    def wait_security(self, *words, seconds=30):
        return wait_for(lambda: (lambda w: w if w in words else None)(self.security()), f"lock that says {' or '.join(words)}", seconds,
                        0.05, self.heard)

    def set_encryption(self, on):
        """Turns encryption on or off behind the lock."""
        lock = self.press(re.compile("^(" + "|".join(map(re.escape, SECURITY)) + ")$"))
        switch = self.wait_control("Encrypt Messages", roles={"switch", "toggle button", "check box"})
        if ("checked" in switch.states() or "pressed" in switch.states()) != on:
            switch.activate()
        lock.activate()     # which closes it again
        if on:
            wait_for(lambda: self.security() not in (None, "Not encrypted"), "encryption", 20, 0.05)
        else:
            self.wait_security("Not encrypted")

    def open_verification(self):
        """Opens the verification dialog from the chat's menu; returns it when the code is there."""
        self.menu("Chat Menu", "Verify Devices…")
        dialog = self.dialog("Verify ")
        self.wait_control("Copy the Code as Text", dialog, states=("showing", "sensitive"))
        return dialog

    def fingerprint(self, within):
        """The first fingerprint that is shown in @within, as 64 hexadecimal digits."""
        node = within.node(None, re.compile("^Fingerprint: "))
        return "".join(node.name.partition(": ")[2].split())

    # -- looks -----------------------------------------------------------------------------------------------

    def resize(self, title, width, height):
        """Gives the window or dialog @title this size, as far as its content lets it, and waits until it is laid out."""
        def own_id():
            return next((i for i in self.desktop.window_ids(self.process.pid)
                         if self.desktop.xdotool("getwindowname", i).startswith(title)), None)

        node, xid = self.dialog(title), wait_for(own_id, f"window {title!r} on the screen", 20, 0.05)
        self.desktop.xdotool("windowmove", xid, 0, 0)
        self.desktop.xdotool("windowsize", xid, width, height)
        boxes = [None]

        def settled():
            boxes.append(node.box(WINDOW))
            return boxes[-1][2] <= width or boxes[-10:] == [boxes[-1]] * 10     # or it stays too wide

        wait_for(settled, "layout", 20, 0.1)
        return node

    def wider_than(self, width, within=None):
        """What stands out of a window of @width pixels, as texts."""
        found = []
        for node, role, name in (within or self.main).below():
            try:
                x, _y, w, _h = node.box(WINDOW)
            except GLib.Error:
                continue
            if w > 0 and node.has("showing") and (x < -60 or x + w > width + 60) and role not in ("window",):
                found.append(f"{role} {name!r}: {x} to {x + w}")
        return found

    def screenshot(self, path, node=None):
        """Saves a PNG of the screen, or of what @node, a window, covers of it."""
        return self.desktop.screenshot(path, self._inside_frame(node) if node else None)

    def _inside_frame(self, node):
        """The box of a window on the screen. Without a window manager GTK draws a frame of some pixels around it, which the
        box that it tells does not count."""
        left, top, width, height = node.screen_box()
        window = self.desktop.window_ids(self.desktop.pid_of(node.bus_name))[-1]
        shape = self.desktop.xdotool("getwindowgeometry", "--shell", window)
        whole = [int(re.search(rf"^{side}=(\d+)", shape, re.M).group(1)) for side in ("WIDTH", "HEIGHT")]
        return left + (whole[0] - width) // 2, top + (whole[1] - height) // 2, width, height

    def read_codes(self, path):
        """The codes that a phone would read in the picture at @path, a line each."""
        self.screenshot(path)
        done = subprocess.run([need("zbarimg"), "--raw", "--quiet", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=60 * util.SLOW, check=False)
        return done.stdout.decode("utf-8", "replace").strip()


__all__ = ["Window", "Message", "Timeout", "plain", "program", "program_environment", "is_named", "util"]
