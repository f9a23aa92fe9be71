# SPDX-License-Identifier: GPL-3.0-or-later
"""Profanity from Debian, the foreign OMEMO client, driven in a terminal of its own.

    with Profanity("bob@localhost", "b", server) as bob:
        bob.connect()
        bob.omemo_on("alice@localhost")
        bob.say("hello")
        bob.see("hi back")
"""

import os
import re

from . import util
from .util import Process, Timeout, need, run, wait_for
from .wire import Wire

_COLUMNS, _LINES = 220, 60


class Profanity:
    """One Profanity with its own home and its own tmux server. Reads the screen as a person does."""

    def __init__(self, jid, password, server, folder=None):
        self.jid, self.password, self.server = jid, password, server
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir("prof")
        self.socket = os.path.join(self.folder, "tmux")
        self._tmux = None
        self._write_configuration()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_exc):
        self.close()

    def _write_configuration(self):
        config = os.path.join(self.folder, "config", "profanity")
        data = os.path.join(self.folder, "data", "profanity")
        os.makedirs(config, exist_ok=True)
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(config, "profrc"), "w", encoding="utf-8") as f:
            f.write("[connection]\nautoping=0\nautoping.timeout=0\nreconnect=2\naccount=\n"
                    f"tls.certpath={self.server.capath}\n"
                    "[ui]\nsplash=false\nbeep=false\nflash=false\noccupants=false\nroster=false\nwrap=true\n"
                    "[logging]\nchlog=true\n[omemo]\nlog=on\npolicy=manual\ntrustmode=blind\n")
        name, value = self.jid, self.password
        # %profanity% has no quoting of its own in this file beyond GKeyFile's.
        with open(os.path.join(data, "accounts"), "w", encoding="utf-8") as f:
            f.write(f"[{name}]\nenabled=true\njid={self.jid}\nresource=profanity\npassword={value}\n"
                    f"server=127.0.0.1\nport={self.server.port}\ntls.policy=force\nomemo.policy=manual\n"
                    "presence.last=online\npresence.login=online\n")
        self.log = os.path.join(self.folder, "profanity.log")

    # -- life ------------------------------------------------------------------------------------------------

    def start(self):
        env = dict(os.environ, HOME=self.folder, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8",
                   XDG_CONFIG_HOME=os.path.join(self.folder, "config"), XDG_DATA_HOME=os.path.join(self.folder, "data"),
                   XDG_CACHE_HOME=os.path.join(self.folder, "cache"), XDG_RUNTIME_DIR=self.folder)
        for leak in ("TMUX", "TMUX_PANE", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
            env.pop(leak, None)
        tmux = need("tmux")
        conf = os.path.join(self.folder, "tmux.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write("set -g history-limit 5000\nset -g remain-on-exit on\nset -s escape-time 0\n")
        # -D keeps the tmux server in the foreground: a child of ours, ended by its id.
        self._tmux = Process([tmux, "-D", "-S", self.socket, "-f", conf], log=os.path.join(self.folder, "tmux.log"), env=env)
        wait_for(lambda: os.path.exists(self.socket), "tmux", 10, alive=self._tmux.ended, log=self._tmux.tail)
        self._call("new-session", "-d", "-s", "p", "-x", str(_COLUMNS), "-y", str(_LINES), need("profanity"),
                   "-l", "DEBUG", "-f", self.log)
        self.see(r"Profanity|Type '/help'|/connect", "Profanity's first screen")
        return self

    def stop(self):
        """Ends Profanity as a person does; its keys and sessions stay in its folder."""
        if self._tmux:
            try:
                self.command("/quit")
                wait_for(self._dead, "end of Profanity", 10)
            except (Timeout, AssertionError):
                pass
            self.kill()

    def kill(self):
        """kill -9 for Profanity and its terminal."""
        if self._tmux:
            for pid in util.descendants(self._tmux.pid):
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
            self._tmux.kill()
            self._tmux = None
            util.end_strays()
            try:
                os.unlink(self.socket)
            except FileNotFoundError:
                pass

    def close(self):
        self.kill()
        if self._own_folder:
            util.remove_dir(self.folder)

    def _dead(self):
        return self._call("list-panes", "-t", "p", "-F", "#{pane_dead}").strip() == "1"

    # -- keys and screen -------------------------------------------------------------------------------------

    def _call(self, *arguments):
        return run([need("tmux"), "-S", self.socket, *arguments], timeout=20)

    def command(self, text):
        """Types @text and Enter."""
        self._call("send-keys", "-t", "p", "-l", "--", text)
        self._call("send-keys", "-t", "p", "Enter")

    def screen(self):
        """What is to be read in the window that is open; lines broken by the terminal are joined."""
        return self._call("capture-pane", "-p", "-J", "-t", "p")

    def see(self, pattern, what=None, seconds=30):
        """Waits until the screen shows @pattern, a regular expression; returns the match."""
        return wait_for(lambda: re.search(pattern, self.screen()), what or f"/{pattern}/ on Profanity's screen", seconds,
                        0.1, self._tail)

    def _tail(self):
        try:
            screen = re.sub(r"\n{2,}", "\n", self.screen())
        except AssertionError as error:
            screen = str(error)
        return screen + "\n--- its log ---\n" + util.last_lines(self.log, 20) + "\n--- the server ---\n" + self.server.tail(10)

    # -- the client ------------------------------------------------------------------------------------------

    def connect(self):
        self.command("/win console")
        self.command(f"/connect {self.jid}")
        self.see(r"logged in successfully", "login of Profanity")
        return self

    def omemo_generate(self):
        """Makes the device's keys, once a folder, and waits until the server has them; returns the device id."""
        # With Prosody this client publishes its device list only where one exists already.
        with Wire(self.server, self.jid.split("@")[0], self.password, "prepare") as wire:
            if not wire.device_list():
                wire.publish_device_list()
            self.command("/win console")
            self.command("/omemo gen")
            match = self.see(r"materials generated\. Your Device ID is (\d+)", "OMEMO keys of Profanity", 60)
            device = int(match.group(1))
            wait_for(lambda: device in wire.device_list() and wire.bundle(device) is not None,
                     "device list and bundle of Profanity on the server", 30, 0.1, self._tail)
        return device

    def fingerprint(self):
        self.command("/win console")
        self.command("/clear")
        self.command("/omemo fingerprint")
        match = self.see(r"[Yy]our OMEMO fingerprint:?\s+([0-9a-fA-F-]{64,80})", "fingerprint of Profanity")
        return match.group(1).replace("-", "").lower()

    def chat(self, jid):
        """Opens the chat with @jid."""
        self.command(f"/msg {jid}")
        self.see(re.escape(jid), f"chat with {jid}")

    def omemo_start(self, jid):
        """Opens the chat with @jid, turns OMEMO on in it, and waits for a session with one of its devices."""
        self.command(f"/omemo start {jid}")
        self.see(r"\[OMEMO\]", f"OMEMO in the chat with {jid}", 40)
        self.wait_log(rf"(Starting device session for|session with) {re.escape(jid)} (with )?device \d+",
                      f"OMEMO session with {jid}")

    def wait_log(self, pattern, what=None, seconds=30):
        """Waits for @pattern in Profanity's own debug log; returns the match."""
        return wait_for(lambda: re.search(pattern, self.log_text()), what or f"/{pattern}/ in Profanity's log", seconds,
                        0.1, self._tail)

    def say(self, text):
        """Sends @text in the chat that is open, and waits until the screen shows it."""
        self.command(text)
        self.see(re.escape(text))

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()
