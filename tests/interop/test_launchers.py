# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign clients and a sample window on our launchers: shows that these work when a test with Tessera fails."""

import os
import tempfile
import unittest

from tess import util
from tess.desktop import Desktop
from tess.profanity import Profanity
from tess.servers import SERVERS
from tess.wire import NS_AXOLOTL, Wire


class ProfanityWithProfanity:
    kind = None

    def test_encrypted_both_ways(self):
        with SERVERS[self.kind](users={"alice": "pa", "bob": "pb"}, friends=[("alice", "bob")]) as server, \
             Profanity("alice@localhost", "pa", server) as alice, Profanity("bob@localhost", "pb", server) as bob:
            alice.connect()
            bob.connect()
            devices = alice.omemo_generate(), bob.omemo_generate()
            self.assertRegex(alice.fingerprint(), "^[0-9a-f]{64}$")
            alice.omemo_start("bob@localhost")
            alice.say("a secret from alice")
            bob.omemo_start("alice@localhost")
            bob.see("a secret from alice")
            bob.say("a secret from bob")
            alice.see("a secret from bob")
            with Wire(server, "alice", "pa") as wire:
                self.assertEqual(wire.device_list(), [devices[0]])
                self.assertEqual(wire.device_list("bob@localhost"), [devices[1]])
                archive = wire.archive()
                self.assertEqual(sum(m.find(f"{{{NS_AXOLOTL}}}encrypted") is not None for m in archive), 2)
            there, not_there = server.holds("alice", "a secret from")
            self.assertNotEqual(there, [])
            self.assertEqual(not_there, [])


class OverProsody(ProfanityWithProfanity, unittest.TestCase):
    kind = "prosody"


class OverEjabberd(ProfanityWithProfanity, unittest.TestCase):
    kind = "ejabberd"


_WINDOW = """
import gi
gi.require_version("Gtk", "4.0")
from gi.repository import Gio, Gtk

def activate(app):
    window = Gtk.ApplicationWindow(application=app, title="A window", default_width=600, default_height=400)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    entry, said = Gtk.Entry(), Gtk.Label(label="nothing yet")
    entry.update_property([Gtk.AccessibleProperty.LABEL], ["What to say"])
    button = Gtk.Button(label="Say it")
    button.connect("clicked", lambda _b: said.set_label("said: " + entry.get_text()))
    rows = Gtk.ListBox()
    for name in ("Ann", "Ben"):
        rows.append(Gtk.Label(label=name))
    rows.connect("row-activated", lambda _l, row: said.set_label("row: " + row.get_child().get_label()))
    for child in (entry, button, said, rows):
        box.append(child)
    window.set_child(box)
    window.present()

app = Gtk.Application(application_id="org.example.Window", flags=Gio.ApplicationFlags.NON_UNIQUE)
app.connect("activate", activate)
app.run()
"""


class DesktopWithoutScreen(unittest.TestCase):
    def test_two_desktops(self):
        with Desktop(keyring="a password") as one, Desktop() as two:
            self.assertEqual(one.secrets(), [])
            apps = [desk.launch(["/usr/bin/python3", "-c", _WINDOW], "window") for desk in (one, two)]
            # By action, with letters that no keyboard of xdotool has.
            apps[0].node(None, "What to say").set_text("grüße, 世界")
            apps[0].node("button", "Say it").click()
            apps[0].node("label", "said: grüße, 世界")
            # By pointer and keys.
            apps[1].focus()
            apps[1].node(None, "What to say").click_box()
            two.type("typed words")
            apps[1].node("button", "Say it").click_box()
            apps[1].node("label", "said: typed words")
            apps[1].node("label", "Ben").click_box()
            apps[1].node("label", "row: Ben")
            self.assertEqual(apps[1].gone("label", "said: typed words"), None)
            apps[1].resize(360, 500)
            with tempfile.TemporaryDirectory() as folder:
                picture = two.screenshot(os.path.join(folder, "window.png"))
                with open(picture, "rb") as f:
                    self.assertEqual(f.read(8), b"\x89PNG\r\n\x1a\n")

    def test_nothing_stays(self):
        before = util.descendants()
        with Desktop(keyring="a password") as desk:
            desk.launch(["/usr/bin/python3", "-c", _WINDOW], "window")
            folder = desk.folder
        self.assertEqual(util.descendants(), before)
        self.assertFalse(os.path.exists(folder))
