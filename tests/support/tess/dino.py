# SPDX-License-Identifier: GPL-3.0-or-later
"""Dino from Debian, a foreign OMEMO client, on a desktop of the test.

    netns.enter()                                          # it knows port 5222 only, and what the system trusts
    netns.set_authority(server.ca)
    with Dino(desktop, "bob@localhost", "b", server) as bob:
        bob.start()
        bob.wait_published()
        bob.say("alice@localhost", "hello")
        bob.see("alice@localhost", "hi back")

What it is told before it starts is written into its database: it has no other way for an account. What it says is typed
into its window; what it has read, and whom it trusts, is looked up in its databases, whose tables are those of 0.4.2.
"""

import base64
import os
import re
import sqlite3
import subprocess
import time

from gi.repository import Gio, GLib

from . import util
from .util import Process, Timeout, need, wait_for
from .wire import Wire

_NAME, _PATH = "im.dino.Dino", "/im/dino/Dino"
OMEMO = 2                                   # Dino.Entities.Encryption
AT_THE_SERVER = (1, 2, 7)                   # Dino.Entities.Message.Marked: received, read, sent
TRUST = ["verified", "trusted", "untrusted", "unknown"]
_empty = {}                                 # the tables of a Dino that has no account yet, made once a run


class Dino:
    """One Dino with its own home; one at a time on a desktop."""

    def __init__(self, desktop, jid, password, server, folder=None):
        self.desktop, self.jid, self.password, self.server = desktop, jid, password, server
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir("dino")
        self.data = os.path.join(self.folder, "data", "dino")
        os.makedirs(self.data, exist_ok=True)
        self._app = self._process = None
        if not os.path.exists(self._path("dino")):
            self._write_account()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    # -- its databases ---------------------------------------------------------------------------------------

    def _path(self, name):
        return os.path.join(self.data, name + ".db")

    def rows(self, name, question, *values):
        """What its database @name ("dino" or "omemo") holds; nothing while the table is not there yet."""
        if not os.path.exists(self._path(name)):
            return []
        database = sqlite3.connect(f"file:{self._path(name)}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if re.search("no such table|locked|unable to open", str(error)):
                return []
            raise
        finally:
            database.close()

    def change(self, name, statement, *values):
        """Changes its database, while it does not run; returns how many rows."""
        assert self._process is None, "Dino runs"
        database = sqlite3.connect(self._path(name))
        try:
            with database:
                return database.execute(statement, values).rowcount
        finally:
            database.close()

    def _write_account(self):
        if not _empty:
            self._spawn()
            wait_for(lambda: self.rows("dino", "SELECT 1 FROM _meta WHERE name = 'version'"), "database of Dino", 30, 0.05,
                     self._process.tail, self._process.ended)
            wait_for(self._answers, "Dino on the bus", 30, 0.05, self._process.tail, self._process.ended)
            self.stop()
            for name in filter(lambda n: ".db" in n, os.listdir(self.data)):
                with open(os.path.join(self.data, name), "rb") as f:
                    _empty[name] = f.read()
        for name, content in _empty.items():
            with open(os.path.join(self.data, name), "wb") as f:
                f.write(content)
        self.change("dino", "INSERT INTO account (bare_jid, resourcepart, password, alias, enabled) VALUES (?, 'dino', ?, '', 1)",
                    self.jid, self.password)

    def add_chat(self, jid):
        """An encrypted chat with @jid, before the start."""
        now = int(time.time())
        self.change("dino", "INSERT OR IGNORE INTO jid (bare_jid) VALUES (?)", jid)
        self.change("dino", "INSERT INTO conversation (account_id, jid_id, active, active_last_changed, last_active, type, "
                    "encryption, notification, send_typing, send_marker) SELECT account.id, jid.id, 1, ?, ?, 0, ?, 0, 0, 0 "
                    "FROM account, jid WHERE jid.bare_jid = ?", now, now, OMEMO, jid)

    # -- life ------------------------------------------------------------------------------------------------

    def _environment(self):
        env = self.desktop.environment()
        env.update(HOME=self.folder, XDG_DATA_HOME=os.path.join(self.folder, "data"),
                   XDG_CONFIG_HOME=os.path.join(self.folder, "config"), XDG_CACHE_HOME=os.path.join(self.folder, "cache"),
                   XDG_STATE_HOME=os.path.join(self.folder, "state"), DINO_LOG_LEVEL="DEBUG", G_MESSAGES_DEBUG="all")
        return env

    def _spawn(self):
        self.log = os.path.join(self.folder, "dino.log")
        self._process = Process([need("dino-im")], log=self.log, env=self._environment(), cwd=self.folder)

    def start(self):
        """Starts it and waits for its window; it connects by itself."""
        self._app = self.desktop.launch([need("dino-im")], "dino", environment=self._environment())
        self._process, self.log = self._app.process, self._app.process.log_path
        return self

    def _call(self, interface, method, arguments):
        # pylint: disable=protected-access
        return self.desktop._bus.call_sync(_NAME, _PATH, interface, method, arguments, None, Gio.DBusCallFlags.NO_AUTO_START,
                                           int(10000 * util.SLOW), None)

    def _answers(self):
        try:
            return self._call("org.gtk.Actions", "List", None)
        except GLib.Error:
            return None

    def action(self, name, *values):
        self._call("org.gtk.Actions", "Activate", GLib.Variant("(sava{sv})", (name, list(values), {})))

    def stop(self):
        """Ends it as a person does; its keys and sessions stay in its folder."""
        if self._process:
            try:
                self.action("quit")
                wait_for(self._process.ended, "end of Dino", 10)
            except (GLib.Error, Timeout):
                pass
            self.kill()

    def kill(self):
        """kill -9."""
        if self._process:
            self._process.kill()
            self._app = self._process = None
            util.end_strays()

    def close(self):
        self.kill()
        if self._own_folder:
            util.remove_dir(self.folder)

    def _tail(self):
        said = self.rows("dino", "SELECT jid.bare_jid, direction, encryption, marked, body FROM message JOIN jid ON "
                         "counterpart_id = jid.id ORDER BY message.id")
        known = self.rows("omemo", "SELECT address_name, device_id, trust_level, now_active FROM identity_meta")
        return f"{self._process.tail() if self._process else ''}\n--- its messages ---\n" + "\n".join(map(str, said)) + \
            "\n--- the devices that it knows ---\n" + "\n".join(map(str, known)) + f"\n--- the server ---\n{self.server.tail(10)}"

    # -- the client ------------------------------------------------------------------------------------------

    def _ended(self):
        return self._process.ended() if self._process else "Dino does not run"

    def wait_published(self):
        """Waits until the server has its device list and its bundle; returns the device id."""
        with Wire(self.server, self.jid.split("@")[0], self.password, "look") as wire:
            def published():
                device = self.device()
                return device in wire.device_list() and wire.bundle(device) is not None and device
            return wait_for(published, "device list and bundle of Dino on the server", 40, 0.1, self._tail, self._ended)

    def device(self):
        """Its own device id, or None before it has keys."""
        found = self.rows("omemo", "SELECT device_id FROM identity")
        return found[0][0] if found else None

    @staticmethod
    def _hex(public):
        key = base64.b64decode(public)
        assert len(key) == 33 and key[0] == 5, "an identity key of Dino's of another form"
        return key[1:].hex()

    def fingerprint(self):
        return self._hex(self.rows("omemo", "SELECT identity_key_public_base64 FROM identity")[0][0])

    def known(self, jid):
        """The devices of @jid that it lists now: id -> (fingerprint or None, trust)."""
        return {device: (public and self._hex(public), TRUST[trust]) for device, public, trust in self.rows(
            "omemo", "SELECT device_id, identity_key_public_base64, trust_level FROM identity_meta WHERE address_name = ? AND "
            "now_active = 1", jid)}

    def wait_known(self, jid, devices):
        """Waits until it knows the keys of exactly these @devices of @jid, and returns known()."""
        def all_known():
            found = self.known(jid)
            return set(found) == set(devices) and all(key for key, _trust in found.values()) and found
        return wait_for(all_known, f"keys of the devices {devices} of {jid} in Dino", 40, 0.1, self._tail, self._ended)

    def forget_session(self, jid, device):
        """Its session with a device is lost, while it does not run."""
        assert self.change("omemo", "DELETE FROM session WHERE name = ? AND device_id = ?", jid, device) == 1

    def said(self, jid, text, incoming):
        """How it keeps @text: (encryption, mark), or None."""
        found = self.rows("dino", "SELECT encryption, marked FROM message JOIN jid ON counterpart_id = jid.id WHERE bare_jid = ? "
                          "AND body = ? AND direction = ? ORDER BY message.id", jid, text, 0 if incoming else 1)
        assert len(found) < 2, f"Dino has {text!r} {len(found)} times\n{self._tail()}"
        return found[0] if found else None

    def texts(self, jid):
        """All that it has in the chat, in the order in which it took it."""
        return [row[0] for row in self.rows("dino", "SELECT body FROM message JOIN jid ON counterpart_id = jid.id WHERE "
                                            "bare_jid = ? ORDER BY message.id", jid)]

    def see(self, jid, text):
        """Waits until it has read @text of @jid, encrypted."""
        encryption, _mark = wait_for(lambda: self.said(jid, text, True), f"message {text!r} in Dino", 40, 0.05, self._tail,
                                     self._ended)
        assert encryption == OMEMO, f"{text!r} reached Dino with encryption {encryption}\n{self._tail()}"

    def open(self, jid):
        """Brings the chat with @jid before the person; returns where to type."""
        ident = wait_for(lambda: self.rows("dino", "SELECT conversation.id FROM conversation JOIN jid ON jid_id = jid.id WHERE "
                                           "bare_jid = ?", jid), f"chat with {jid} in Dino", 30, 0.1, self._tail, self._ended)[0][0]
        self.action("open-conversation", GLib.Variant("i", ident))
        return self._app.node("text box", states=("editable", "showing"))

    def say(self, jid, text):
        """Types @text in the chat with @jid, and waits until the server has it, encrypted.

        What Dino does not know to be with the server when it ends, it sends again at the next start, under the same id.
        """
        field = self.open(jid)
        self._app.focus()
        field.set_text(text)
        wait_for(lambda: field.text() == text, "text in Dino's composer", 10, 0.05, self._app.tree)
        self.desktop.key("Return")

        def taken():
            said = self.said(jid, text, False)
            return said if said and said[1] in AT_THE_SERVER else None

        encryption, _mark = wait_for(taken, f"message {text!r} of Dino", 30, 0.05, self._tail, self._ended)
        assert encryption == OMEMO, f"Dino sent {text!r} with encryption {encryption}\n{self._tail()}"

    def code(self, _jid):
        """What the QR code says that it shows of its own keys."""
        self.action("accounts")
        own = self._app.node("label", re.compile("^Own fingerprint"))
        own.parent.node("button", "GtkImage").click()
        keys = self._app.node("dialog", "OMEMO Key Management")
        keys.node("label", "Own key").parent.node("button", "GtkMenuButton").click_box()
        picture = os.path.join(self.folder, "code.png")

        def read():
            self.desktop.screenshot(picture)
            done = subprocess.run([need("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            return done.stdout.decode().strip()

        found = wait_for(read, "QR code on Dino's screen", 30, 0.2, self._app.tree, self._ended)
        self.desktop.key("Escape")
        for name in ("OMEMO Key Management", "Accounts"):
            self._app.node("dialog", name).node("button", "Close").click()
            self._app.gone("dialog", name)
        return found
