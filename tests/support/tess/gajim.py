# SPDX-License-Identifier: GPL-3.0-or-later
"""Gajim from Debian with its OMEMO plugin, a foreign OMEMO client, on a desktop of the test.

    desktop = Desktop(shared=True)                         # it refuses to run as root, so it may be another user's
    with Gajim(desktop, "bob@localhost", "b", server) as bob:
        bob.add_chat("alice@localhost")
        bob.start()
        bob.wait_published()
        bob.say("alice@localhost", "hello")
        bob.see("alice@localhost", "hi back")

Its account is written into its settings before it starts; it is spoken to by its remote interface on the bus; what it has
read, and whom it trusts, is looked up in its databases. Tables and names are those of 1.7.3, and 2.9.0 of the plugin.
"""

import json
import os
import sqlite3
import ssl
import subprocess

from gi.repository import Gio, GLib

from . import util
from .util import Process, need, run, wait_for
from .wire import Wire

_NAME, _PATH, _REMOTE = "org.gajim.Gajim", "/org/gajim/dbus/RemoteObject", "org.gajim.dbus.RemoteInterface"
_ACCOUNT = "test"
_NOBODY = 65534
TRUST = ["untrusted", "verified", "undecided", "trusted"]
RECEIVED, SENT = 4, 6                       # gajim.common.const.KindConstant
# A plugin of ours offers the remote interface at once (Gajim's own setting does so five seconds after its start), and opens
# the dialog with the keys, which else hangs on a button of the open chat.
_PLUGIN = """
from gajim.plugins import GajimPlugin as _Plugin

class Remote(_Plugin):
    def init(self):
        self.description, self.config_dialog, self.events_handlers, self.gui_extension_points = "", None, {}, {}

    def activate(self):
        from gajim.common.dbus.remote_control import GajimRemote
        from gi.repository import Gio, GLib
        from gajim.common import app
        self.remote = GajimRemote()
        action = Gio.SimpleAction.new("show-keys", GLib.VariantType("(ss)"))
        action.connect("activate", self.show)
        app.app.add_action(action)

    def show(self, _action, parameter):
        from types import SimpleNamespace
        from gajim.common import app
        account, jid = parameter.unpack()
        contact = app.get_client(account).get_module("Contacts").get_contact(jid)
        app.plugin_manager.get_active_plugin("omemo")._show_fingerprint_window(
            SimpleNamespace(account=account, contact=contact, is_groupchat=False))
"""
_MANIFEST = {"name": "remote", "short_name": "remote", "description": "for tests", "authors": [], "homepage": "",
             "config_dialog": False, "version": "1.0", "requirements": ["gajim>=1.7"], "platforms": ["linux"]}
# With the libraries of the plugin itself: its own keys, and the identity key behind each of its sessions.
_KEYS = """
import binascii, json, sqlite3, sys
from axolotl.state.sessionrecord import SessionRecord
database = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=10)
jid = sys.argv[2:]
trust = {bytes(key): level for key, level in database.execute(
    "SELECT public_key, trust FROM identities WHERE recipient_id = ?", jid)}
known = {}
for device, record in database.execute("SELECT device_id, record FROM sessions WHERE recipient_id = ? AND active = 1", jid):
    key = SessionRecord(serialized=record).getSessionState().getRemoteIdentityKey().getPublicKey().serialize()
    known[device] = (binascii.hexlify(key).decode(), trust.get(bytes(key)))
print(json.dumps(known))
"""


class Gajim:
    """One Gajim with its own folder; one at a time on a desktop."""

    def __init__(self, desktop, jid, password, server, folder=None):
        self.desktop, self.jid, self.password, self.server = desktop, jid, password, server
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir("gajim")
        self.config = os.path.join(self.folder, "gajim")
        self.log = os.path.join(self.folder, "gajim.log")
        self._process = None
        self._chats = {}
        if not os.path.exists(self.config):
            self._write_account()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    # -- its settings and databases --------------------------------------------------------------------------

    def _write_account(self):
        os.makedirs(os.path.join(self.config, "cert_store"))
        # It asks a person about a certificate that the system does not trust, and keeps it here.
        with open(os.path.join(self.config, "cert_store", "server"), "w", encoding="ascii") as f:
            f.write(ssl.get_server_certificate(("127.0.0.1", self.server.tls_port)))
        plugin = os.path.join(self.config, "plugins", "remote")
        os.makedirs(plugin)
        with open(os.path.join(plugin, "__init__.py"), "w", encoding="ascii") as f:
            f.write(_PLUGIN)
        with open(os.path.join(plugin, "plugin-manifest.json"), "w", encoding="ascii") as f:
            json.dump(_MANIFEST, f)
        settings = {"app": {"use_keyring": False, "check_for_update": False, "plugins_update_check": False,
                            "show_notifications": False, "sounds_on": False, "use_speller": False, "ask_online_status": False,
                            "enable_file_preview": False},
                    "plugins": {"omemo": {"active": True}, "remote": {"active": True}},
                    "soundevents": {}, "status_presets": {}, "proxies": {},
                    "workspaces": {"w": {"name": "chats", "color": "rgb(0, 0, 0)", "avatar_sha": None, "chats": []}}}
        database = sqlite3.connect(os.path.join(self.config, "settings.sqlite"))
        with database:
            database.executescript("CREATE TABLE settings (name TEXT UNIQUE, settings TEXT); PRAGMA user_version = 5; "
                                   "CREATE TABLE account_settings (account TEXT UNIQUE, settings TEXT);")
            database.executemany("INSERT INTO settings VALUES (?, ?)", [(n, json.dumps(v)) for n, v in settings.items()])
            database.execute("INSERT INTO account_settings VALUES (?, ?)", (_ACCOUNT, self._account()))
        database.close()

    def _account(self):
        name, _at, domain = self.jid.partition("@")
        return json.dumps({"account": {"active": True, "name": name, "hostname": domain, "resource": "gajim",
                                       "password": self.password, "savepass": True, "account_label": _ACCOUNT,
                                       "use_custom_host": True, "custom_host": "127.0.0.1", "custom_port": self.server.port,
                                       "custom_type": "START TLS", "autoconnect": True, "restore_last_status": False},
                           "contact": self._chats, "group_chat": {}})

    def add_chat(self, jid):
        """An encrypted chat with @jid, before the start."""
        self._chats[jid] = {"encryption": "OMEMO"}
        self.change("settings.sqlite", "UPDATE account_settings SET settings = ?", self._account())

    def _path(self, name):
        return os.path.join(self.config, name)

    @property
    def _omemo(self):
        return f"omemo_{self.jid}.db"

    def rows(self, name, question, *values):
        """What its database @name holds; nothing while the table is not there yet."""
        if not os.path.exists(self._path(name)):
            return []
        database = sqlite3.connect(f"file:{self._path(name)}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(question, values).fetchall()
        except sqlite3.OperationalError as error:
            if any(text in str(error) for text in ("no such table", "locked", "unable to open")):
                return []
            raise
        finally:
            database.close()

    def change(self, name, statement, *values):
        """Changes its database, while it does not run; returns how many rows."""
        assert self._process is None, "Gajim runs"
        database = sqlite3.connect(self._path(name))
        try:
            with database:
                return database.execute(statement, values).rowcount
        finally:
            database.close()

    # -- life ------------------------------------------------------------------------------------------------

    def _give_away(self):
        """All of its folder to the user that it runs as, who comes as far as there; returns what starts it as that user."""
        if os.geteuid() != 0:
            return []
        for parent in (self.desktop.folder, self.folder):
            while not os.stat(parent).st_mode & 0o001:
                os.chmod(parent, os.stat(parent).st_mode | 0o011)
                parent = os.path.dirname(parent)
        for folder, _folders, names in os.walk(self.folder):
            for name in [".", *names]:
                os.chown(os.path.join(folder, name), _NOBODY, _NOBODY)
        return [need("setpriv"), f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs",
                "--pdeathsig=KILL"]

    def start(self):
        """Starts it and waits until it answers on the bus and is online."""
        runtime = os.path.join(self.folder, "run")
        os.makedirs(runtime, mode=0o700, exist_ok=True)
        env = self.desktop.environment()
        env.update(HOME=self.folder, XDG_RUNTIME_DIR=runtime, XDG_CONFIG_HOME=os.path.join(self.folder, "config"),
                   XDG_DATA_HOME=os.path.join(self.folder, "data"), XDG_CACHE_HOME=os.path.join(self.folder, "cache"),
                   XDG_STATE_HOME=os.path.join(self.folder, "state"), TMPDIR=runtime, NO_AT_BRIDGE="1", GSETTINGS_BACKEND="memory",
                   PYTHONDONTWRITEBYTECODE="1")
        env.pop("AT_SPI_BUS_ADDRESS", None)
        argv = [need("gajim"), "--config-path", self.config, "--loglevel", "gajim.p.omemo=DEBUG"]
        self._process = Process([*self._give_away(), *argv], log=self.log, env=env, cwd=self.folder)
        wait_for(lambda: self._status() == "online", "Gajim online", 60, 0.1, self._tail, self._ended)
        return self

    def _call(self, method, arguments=None):
        # pylint: disable=protected-access
        return self.desktop._bus.call_sync(_NAME, _PATH, _REMOTE, method, arguments, None, Gio.DBusCallFlags.NO_AUTO_START,
                                           int(10000 * util.SLOW), None).unpack()[0]

    def _status(self):
        try:
            return self._call("get_status", GLib.Variant("(s)", (_ACCOUNT,)))
        except GLib.Error:
            return None

    def stop(self):
        """Goes offline and ends; its keys and sessions stay in its folder."""
        if self._process:
            self._call("change_status", GLib.Variant("(sss)", ("offline", "", _ACCOUNT)))
            wait_for(lambda: self._status() == "offline", "Gajim offline", 20, 0.05, self._tail, self._ended)
            self._process.end(20)
            self.kill()

    def kill(self):
        """kill -9."""
        if self._process:
            self._process.kill()
            self._process = None
            util.end_strays()

    def close(self):
        self.kill()
        if self._own_folder:
            util.remove_dir(self.folder)

    def _ended(self):
        return self._process.ended() if self._process else "Gajim does not run"

    def _tail(self):
        said = self.rows("logs.db", "SELECT jid, kind, encryption, message FROM logs JOIN jids USING (jid_id) ORDER BY log_line_id")
        known = self.rows(self._omemo, "SELECT recipient_id, device_id, active FROM sessions")
        return f"{util.last_lines(self.log)}\n--- its messages ---\n" + "\n".join(map(str, said)) + \
            "\n--- its sessions ---\n" + "\n".join(map(str, known)) + f"\n--- the server ---\n{self.server.tail(10)}"

    # -- the client ------------------------------------------------------------------------------------------

    def device(self):
        """Its own device id, or None before it has keys."""
        found = self.rows(self._omemo, "SELECT device_id FROM secret")
        return found[0][0] if found else None

    def code(self, jid):
        """What the QR code says that it shows of its own keys, in the dialog with those of @jid."""
        # pylint: disable=protected-access
        self.desktop._bus.call_sync(_NAME, "/org/gajim/Gajim", "org.gtk.Actions", "Activate",
                                    GLib.Variant("(sava{sv})", ("show-keys", [GLib.Variant("(ss)", (_ACCOUNT, jid))], {})), None,
                                    Gio.DBusCallFlags.NO_AUTO_START, int(10000 * util.SLOW), None)
        # It is on the screen from this file.
        picture = os.path.join(self.folder, "run", f"omemo_{self.jid}.png")

        def read():
            done = subprocess.run([need("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            return done.stdout.decode().strip()

        return wait_for(read, "QR code of Gajim", 30, 0.1, self._tail, self._ended)

    def fingerprint(self):
        key = bytes(self.rows(self._omemo, "SELECT public_key FROM secret")[0][0])
        assert len(key) == 33 and key[0] == 5, "an identity key of Gajim's of another form"
        return key[1:].hex()

    def wait_published(self):
        """Waits until the server has its device list and its bundle; returns the device id."""
        with Wire(self.server, self.jid.split("@")[0], self.password, "look") as wire:
            def published():
                device = self.device()
                return device in wire.device_list() and wire.bundle(device) is not None and device
            return wait_for(published, "device list and bundle of Gajim on the server", 40, 0.1, self._tail, self._ended)

    def known(self, jid):
        """The devices of @jid that it has a session with: id -> (fingerprint, trust)."""
        found = json.loads(run(["/usr/bin/python3", "-c", _KEYS, self._path(self._omemo), jid]))
        return {int(device): (key[2:], TRUST[trust]) for device, (key, trust) in found.items()}

    def wait_known(self, jid, devices):
        """Waits until it has sessions with exactly these @devices of @jid, and returns known()."""
        wait_for(lambda: {row[0] for row in self.rows(self._omemo, "SELECT device_id FROM sessions WHERE recipient_id = ? AND "
                                                      "active = 1", jid)} == set(devices),
                 f"sessions of Gajim with the devices {devices} of {jid}", 40, 0.1, self._tail, self._ended)
        return self.known(jid)

    def wait_empty(self, count):
        """Waits until it has read @count messages without payload, in all its runs."""
        def read():
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read().count("Decrypted Key Exchange Message") >= count
        wait_for(read, f"{count} empty message(s) in Gajim", 40, 0.1, self._tail, self._ended)

    def forget_session(self, jid, device):
        """Its session with a device is lost, while it does not run."""
        assert self.change(self._omemo, "DELETE FROM sessions WHERE recipient_id = ? AND device_id = ?", jid, device) == 1

    def said(self, jid, text, kind):
        """How it keeps @text: (encryption,), or None."""
        found = self.rows("logs.db", "SELECT additional_data FROM logs JOIN jids USING (jid_id) WHERE jid = ? AND message = ? AND "
                          "kind = ?", jid, text, kind)
        assert len(found) < 2, f"Gajim has {text!r} {len(found)} times\n{self._tail()}"
        return found[0] if found else None

    def texts(self, jid):
        return [row[0] for row in self.rows("logs.db", "SELECT message FROM logs JOIN jids USING (jid_id) WHERE jid = ? AND "
                                            "kind IN (?, ?) ORDER BY log_line_id", jid, RECEIVED, SENT)]

    def _wait_said(self, jid, text, kind):
        found = wait_for(lambda: self.said(jid, text, kind), f"message {text!r} in Gajim", 40, 0.05, self._tail, self._ended)
        assert "OMEMO" in (found[0] or ""), f"{text!r} is in Gajim with {found[0]!r}\n{self._tail()}"

    def see(self, jid, text):
        """Waits until it has read @text of @jid, encrypted."""
        self._wait_said(jid, text, RECEIVED)

    def say(self, jid, text):
        """Sends @text to @jid, and waits until Gajim has encrypted it."""
        assert self._call("send_chat_message", GLib.Variant("(sss)", (jid, text, _ACCOUNT))), self._tail()
        self._wait_said(jid, text, SENT)
