# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows E7-E11 of the reference, against the window itself: what others write is text, and nothing happens by itself."""

import datetime
import os
import re
import unittest

from gi.repository import GLib

from rows_cde import ALICE, BOB, EVE, chat
from tess import util
from tess.desktop import Desktop
from tess.evil import EvilServer
from tess.evil_xml import NS_ROSTER
from tess.notifications import Notifications
from tess.util import wait_for
from tess.window import Window

MARKUP = "<b>bold</b> & <span size='99999' foreground='#ffffff'>hidden</span> &amp; &#x41; <a href='file:///etc/passwd'>press</a> <unclosed"
NAME = "<b>Bob</b> & <i>Co</i> &lt;"
BIDI = "B\u202eob\u2066 \u200b\u00adgnp.exe\u200f\ufeff\U000e0041"
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
# What the program itself puts around foreign names in its sentences.
ISOLATES = re.compile("[\u2068\u2069]")


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


class MarkupNotifications(Notifications):
    """A service that parses markup, as most do."""

    def _called(self, connection, sender, path, interface, method, arguments, invocation):
        if method == "GetCapabilities":
            invocation.return_value(GLib.Variant("(as)", (["actions", "body", "body-markup", "persistence"],)))
        else:
            super()._called(connection, sender, path, interface, method, arguments, invocation)


class WindowRows(unittest.TestCase):
    """Alice has the window on the evil server; programs for all kinds of links write down what they were asked to open."""

    service = Notifications
    schemes = ("http", "https", "mailto", "xmpp", "geo", "file", "smb", "javascript", "data", "ftp", "ssh", "tel", "vnc", "about", "apt")

    @classmethod
    def setUpClass(cls):
        cls.folder = util.temp_dir("rows")
        cls.addClassCleanup(util.remove_dir, cls.folder)
        cls.server = EvilServer(friends=[(ALICE, BOB)])
        cls.addClassCleanup(cls.server.close)
        cls.server.accounts[ALICE].roster[BOB]["name"] = NAME
        cls.server.accounts[ALICE].roster["dave@d.test"] = {"jid": "dave@d.test", "subscription": "both", "name": BIDI}
        cls.server.start()
        cls.desk = Desktop(keyring="of the test", size=(1100, 800))
        cls.addClassCleanup(cls.desk.close)
        cls.desk.start()
        cls.install_handlers()
        cls.notifications = cls.service(cls.desk)
        cls.addClassCleanup(cls.notifications.close)
        cls.window = Window(cls.desk, ca=cls.server.ca)
        cls.addClassCleanup(cls.window.kill)
        cls.window.start()
        cls.window.add_account(ALICE, cls.server.password(ALICE), "127.0.0.1", cls.server.port)
        cls.server.wait_session(ALICE)
        cls.server.wait_caught_up(ALICE)
        for jid in (BOB, "dave@d.test"):
            cls.server.deliver(ALICE, chat(jid + "/x", "begin"), "live")
            cls.window.wait_row("begin")

    @classmethod
    def install_handlers(cls):
        cls.opened_file = os.path.join(cls.folder, "opened")
        data = os.path.join(cls.desk.home, ".local", "share", "applications")
        config = os.path.join(cls.desk.home, ".config")
        for folder in (data, config):
            os.makedirs(folder, exist_ok=True)
        script = os.path.join(cls.folder, "opener")
        with open(script, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{cls.opened_file}'\n")
        os.chmod(script, 0o700)
        kinds = ";".join([f"x-scheme-handler/{s}" for s in cls.schemes] + ["text/plain", "inode/directory", "application/octet-stream"])
        with open(os.path.join(data, "opener.desktop"), "w", encoding="utf-8") as f:
            f.write(f"[Desktop Entry]\nType=Application\nName=Opener\nExec={script} %u\nMimeType={kinds};\n")
        with open(os.path.join(config, "mimeapps.list"), "w", encoding="utf-8") as f:
            f.write("[Default Applications]\n" + "".join(f"{k}=opener.desktop\n" for k in kinds.split(";")))

    def opened(self):
        try:
            with open(self.opened_file, encoding="utf-8") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def tearDown(self):
        self.assertEqual(self.window.complaints(), [])
        self.assertEqual(self.server.errors, [])

    def deliver(self, stanza, path="live", **how):
        self.server.deliver(ALICE, stanza, path, **how)

    def open(self, address, name):
        """Opens the chat with somebody who is called @name."""
        self.window.run("xmpp:" + address)
        wait_for(lambda: (self.window.chat() or "").startswith(name), f"chat with {name}", 20, 0.05, self.window.heard)

    def names(self):
        """All that a screen reader says of the window, in one list."""
        return [name for _node, _role, name in self.window.app.below() if name]

    def stanzas(self):
        """What the program has sent to anybody but itself: messages, presence with an addressee, requests that change something."""
        return [e for e in self.server.sent_by(ALICE) if e.tag.endswith("message") or (e.tag.endswith("presence") and e.get("to"))
                or (e.tag.endswith("iq") and e.get("type") == "set" and any(c.tag.endswith("query") and ("roster" in c.tag or "register" in c.tag)
                                                                              for c in e))]


class E7(WindowRows):
    """Pango markup in names and texts: plain text everywhere."""

    def test_texts(self):
        self.open(BOB, NAME)
        for path in ("live", "carbon-received", "archive", "resumed"):
            self.deliver(chat(BOB + "/x", escaped(f"{MARKUP} {path}")), path)
            self.window.wait_message(f"{MARKUP} {path}")
        # And in the list of conversations, where the last text stands.
        self.window.wait_row(re.escape("<b>bold</b> & <span"))

    def test_names(self):
        """Of a contact, in each place that shows it."""
        self.deliver(chat(BOB + "/x", "hello"))
        self.window.wait_row("^" + re.escape(NAME))
        self.open(BOB, NAME)
        self.window.press("New Chat")
        dialog = self.window.dialog("New Chat")
        wait_for(lambda: any(n.startswith(f"{NAME}, {BOB}") for n in self.names()), "contact with its name", 20, 0.05, self.window.heard)
        self.window.close_dialog("New Chat")
        self.assertIsNotNone(dialog)
        self.window.press(re.compile(r": details$"))
        wait_for(lambda: NAME in self.names(), "details with the name", 20, 0.05, self.window.heard)
        wait_for(lambda: any(BOB in n for n in self.names()), "details with the address", 20, 0.05, self.window.heard)
        self.desk.key("Escape")

    def test_status_and_strangers(self):
        """What a contact says of itself, a stranger's resource and request, a server's text of an error."""
        self.deliver(f"<presence from='{BOB}/{escaped('<b>x</b>')}'><status>{escaped('<i>busy</i> & so')}</status></presence>")
        self.deliver(f"<presence from='{EVE}' type='subscribe'><status>{escaped(MARKUP)}</status>"
                     f"<nick xmlns='http://jabber.org/protocol/nick'>{escaped('<big>Mother</big>')}</nick></presence>")
        wait_for(lambda: any(EVE in n for n in self.names()), "request with the address", 20, 0.05, self.window.heard)
        self.assertFalse([n for n in self.names() if re.search(r"\bMother\b", n) and EVE not in n and "<big>" not in n])
        self.deliver(chat(EVE + "/" + escaped("<b>y</b>"), escaped("by a stranger <b>")))
        self.window.wait_row(re.escape("by a stranger <b>"))


class E8(WindowRows):
    """Markup in notifications: escaped where the server parses markup."""

    service = MarkupNotifications

    def body(self, text):
        return escaped(text).replace(">", "&gt;")

    def test_parsed(self):
        self.deliver(chat(EVE + "/x", "the first, that asks"))
        self.window.wait_row("the first, that asks")
        for path in ("live", "resumed"):
            self.deliver(chat(BOB + "/x", escaped(f"<b>{path}</b> & <img src='http://e.test/x'/>")), path)
            found = wait_for(lambda path=path: next((n for n in self.notifications.all if path in n[2]), None), "notification", 20)
            self.assertEqual(found[2], self.body(f"<b>{path}</b> & <img src='http://e.test/x'/>"))
            # A title is never parsed: it is the name as it is.
            self.assertEqual(found[1], NAME)


class E8Plain(WindowRows):
    """A service that parses none gets the text as it is."""

    def test_plain(self):
        self.deliver(chat(BOB + "/x", escaped("<b>fat</b> & thin")))
        found = wait_for(lambda: next((n for n in self.notifications.all if "fat" in n[2]), None), "notification", 20)
        self.assertEqual((found[1], found[2]), (NAME, "<b>fat</b> & thin"))

    def test_bidi(self):
        """E11 in a notification: what turns its surroundings around is not in it."""
        self.deliver(chat("dave@d.test/x", "pay \u202e001 to \u2066me\u200b"))
        found = wait_for(lambda: next((n for n in self.notifications.all if "pay" in n[2]), None), "notification", 20)
        self.assertIsNone(INVISIBLE.search(found[1] + found[2]), found)
        self.assertIn("gnp.exe", found[1])


class E9(WindowRows):
    """`file:`, `smb:`, `javascript:`, `data:`, `http://user@host` links: only http, https, mailto, xmpp, geo open."""

    bad = ("file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "smb://e.test/share", "javascript:alert(1)", "data:text/html,x",
           "ftp://e.test/x", "ssh://e.test", "tel:+123", "vnc://e.test", "about:blank", "apt:evil", "http://user@e.test/",
           "https://bank.test@e.test/", "https://bank.test:pw@e.test/",
           "https://bank.test\\@e.test/", "https://bank.test/\\e.test", "http:///path", "https://",
           " file:///etc/passwd", "//e.test/x", "/etc/passwd", "", "https", "\u202ehttps://e.test", "mailto:", "geo:")
    pressed = ("file:///etc/passwd", "smb://e.test/share", "javascript:alert(1)", "data:text/html,x", "http://user@e.test/",
               "https://bank.test:pw@e.test/", "ssh://e.test", "vnc://e.test")
    good = ("https://example.org/a?b=c#d", "http://example.org", "mailto:bob@b.test", "geo:1,2", "HTTPS://example.org/loud")

    def test_opened(self):
        for uri in self.bad:
            self.window.action("open-link", GLib.Variant("s", uri))
        for uri in self.good:
            self.window.action("open-link", GLib.Variant("s", uri))
        # Each starts a program of its own, so that they come in any order.
        wait_for(lambda: len(self.opened()) >= len(self.good), "opened links", 20, 0.05, lambda: str(self.opened()))
        self.assertEqual(sorted(self.opened()), sorted(self.good))

    def press(self, text):
        """Clicks into the middle of a message that is @text and nothing else."""
        row = self.window.wait_message(text).node
        wait_for(lambda: row.find("label", text), f"text {text!r}", 20).click_box()

    def test_pressed(self):
        """In a message, over each way: pressing what is no harmless link does nothing."""
        self.open(BOB, NAME)
        before = self.opened()
        for i, path in enumerate(("live", "carbon-received", "archive", "resumed")):
            for text in self.pressed[i::4]:
                self.deliver(chat(BOB + "/x", escaped(text)), path)
                self.press(text)
            good = f"https://example.org/pressed/{path}"
            self.deliver(chat(BOB + "/x", good), path if path != "archive" else "live")
            self.press(good)
            # The programs start in any order, but the last link was pressed after all others.
            wait_for(lambda good=good: good in self.opened(), f"program for {good}", 20, 0.05, lambda: str(self.opened()))
        self.assertEqual([u for u in self.opened()[len(before):] if "/pressed/" not in u], [])


class E10(WindowRows):
    """`xmpp:` links that send, remove, register, unsubscribe: always asked; never by themselves."""

    queries = ("message;body=I%20owe%20you", "message;type=chat;body=x", "remove", "unsubscribe", "subscribe", "register", "unregister",
               "roster;name=Mother;group=x", "command;node=x;action=execute", "sendfile", "recvfile", "join", "invite;jid=eve@e.test",
               "probe", "vcard", "pubsub;action=subscribe;node=x", "omemo-sid-77=" + "ab" * 32, "disco;type=set")

    def test_known(self):
        """To somebody who is in the list: his chat opens, and nothing else."""
        self.open("dave@d.test", "B")
        self.server.settle(ALICE)
        before = len(self.stanzas())
        for query in self.queries:
            self.window.action("open-link", GLib.Variant("s", f"xmpp:{BOB}?{query}"))
        wait_for(lambda: (self.window.chat() or "").startswith(NAME), "chat with Bob", 20, 0.05, self.window.heard)
        # They are ours to open: no other program is asked to do what we would not.
        self.window.action("open-link", GLib.Variant("s", "https://example.org/last"))
        wait_for(lambda: "https://example.org/last" in self.opened(), "program for the last link", 20, 0.05, lambda: str(self.opened()))
        self.assertEqual([u for u in self.opened() if u.startswith("xmpp:")], [])
        self.open("dave@d.test", "B")
        self.window.run(f"xmpp:{BOB}?message;body=I%20owe%20you%20money")
        wait_for(lambda: (self.window.chat() or "").startswith(NAME), "chat with Bob", 20, 0.05, self.window.heard)
        self.assertEqual(self.window.composer().text(), "")
        self.server.settle(ALICE)
        self.assertEqual([e.attrib for e in self.stanzas()[before:]], [])
        self.assertEqual(self.server.accounts[ALICE].roster[BOB]["subscription"], "both")
        self.assertNotIn(b"I owe you", self.server.raw())

    def test_unknown(self):
        """To somebody new it asks first, with the address to be seen; closed, nothing has happened."""
        self.server.settle(ALICE)
        before = len(self.stanzas())
        for query in ("", "?subscribe", "?message;body=x", "?register"):
            self.window.run("xmpp:mallory@e.test" + query)
            dialog = self.window.dialog("Open a Chat?")
            self.assertEqual(self.window.field("Address or Name", dialog).text(), "mallory@e.test")
            self.window.close_dialog("Open a Chat?")
            self.window.dialog_gone("Open a Chat?")
        self.server.settle(ALICE)
        self.assertEqual([e.attrib for e in self.stanzas()[before:]], [])
        self.assertNotIn("mallory@e.test", self.server.accounts[ALICE].roster)
        self.assertNotIn(b"mallory", self.server.raw())
        self.assertFalse([r for r in self.window.rows() if "mallory" in r])


class E11(WindowRows):
    """Bidi and invisible characters in names: stripped, isolated; the JID is always to be seen."""

    def test_contact(self):
        for path in ("live", "carbon-received", "archive", "resumed"):
            self.deliver(chat("dave@d.test/x", f"hello {path}"), path, stamp=datetime.datetime.now(datetime.timezone.utc).isoformat())
            row = self.window.wait_row(re.escape(f"hello {path}"))
            self.assertIsNone(INVISIBLE.search(ISOLATES.sub("", row)), repr(row))
        self.open("dave@d.test", "B")
        said = [n for n in self.names() if "gnp" in n]
        self.assertTrue(said)
        for name in said:
            self.assertIsNone(INVISIBLE.search(ISOLATES.sub("", name)), repr(name))
        self.window.press(re.compile(r": details$"))
        wait_for(lambda: any("dave@d.test" in n for n in self.names()), "address of Dave", 20, 0.05, self.window.heard)
        self.desk.key("Escape")

    def test_look_alike(self):
        """Somebody calls himself as Bob is called: the address tells them apart."""
        push = f"<iq type='set' id='p1'><query xmlns='{NS_ROSTER}'><item jid='{EVE}' subscription='both' name='{escaped(NAME)}'/></query></iq>"
        self.deliver(push)
        self.deliver(chat(EVE + "/x", "it is me"))
        self.deliver(chat(BOB + "/x", "no, me"))
        self.window.wait_row("no, me")
        self.window.run(f"xmpp:{EVE}")
        self.window.wait_message("it is me")
        # In the chat itself, and in the details.
        wait_for(lambda: any(n.endswith(": details") and EVE in n for n in self.names()), "address beside the name", 20, 0.05, self.window.heard)
        self.assertTrue(any(EVE in n and not n.endswith(": details") and n != NAME for n in self.names()), self.window.heard())
        self.window.press(re.compile(r": details$"))
        wait_for(lambda: any(EVE in n for n in self.names()), "address of Eve", 20, 0.05, self.window.heard)
        self.desk.key("Escape")


if __name__ == "__main__":
    unittest.main()
