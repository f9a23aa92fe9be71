#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene behind tests/demo: a build, a server, two windows, and what both databases and the server hold afterwards."""

import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "demo")
# Who says what. Plain words without XML's own characters, so that they would be found in any file as they stand.
SCENE = [
    ("alice", "Did you get the key?"),
    ("bob", "Yes, the green one. It fits."),
    ("alice", "Then we meet at the lake at eight 🌅"),
    ("bob", "I bring the bread, you bring the boat."),
    ("bob", "🛶"),
]
ENCRYPTIONS = ("NOT ENCRYPTED", "OMEMO", "UNREADABLE")
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
STATES = ("received", "waiting", "sent", "delivered", "read", "failed")


def say(text=""):
    print(text, flush=True)


# -- build -----------------------------------------------------------------------------------------------------


def build():
    """Configures build/demo once, and builds the program; what the tools print is in build/demo.log."""
    log = os.path.join(ROOT, "build", "demo.log")
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    open(log, "wb").close()
    began = time.monotonic()
    options = ["-Dtests=false", "-Dbuildtype=debugoptimized"]
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        say("tests/demo: builds Tessera; the first time takes about a minute")
        shutil.rmtree(BUILD, ignore_errors=True)    # half of it from a run that was ended
        tool(["meson", "setup", BUILD, *options], log)
    tool(["ninja", "-C", BUILD], log)
    say(f"tests/demo: Tessera is built ({time.monotonic() - began:.0f} s)")


def tool(argv, log):
    from tess.util import Process, last_lines
    process = Process(argv, log=log, cwd=ROOT, env=dict(os.environ, LC_ALL="C.UTF-8"))
    try:
        if process.popen.wait() != 0:
            raise AssertionError(f"{' '.join(argv)} failed; build/demo.log ends with\n{last_lines(log, 40)}")
    finally:
        process.end()       # ninja ends its compilers itself


# -- display ---------------------------------------------------------------------------------------------------


def display_of_the_person():
    """What the windows need to show on the display there is, or None without one."""
    env = {}
    wayland = os.environ.get("WAYLAND_DISPLAY")
    if wayland:
        path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), wayland)
        if os.path.exists(path):
            # The windows have a folder of their own for such sockets, so they get the whole path.
            env.update(WAYLAND_DISPLAY=os.path.abspath(path), GDK_BACKEND="wayland,x11")
    display = os.environ.get("DISPLAY")
    if display:
        authority = os.environ.get("XAUTHORITY") or os.path.expanduser("~/.Xauthority")
        if os.path.exists(authority):
            env["XAUTHORITY"] = authority
        done = subprocess.run(["xdotool", "getdisplaygeometry"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=20, check=False, env=dict(os.environ, **env))
        if done.returncode != 0:
            say(f"tests/demo: the display {display} cannot be opened")
            display = None
    if not display and "WAYLAND_DISPLAY" not in env:
        return None
    return display or "", env


# -- scene -----------------------------------------------------------------------------------------------------


class Stage:
    """The server and the two windows."""

    def __init__(self, folder, display):
        from tess.desktop import Desktop
        from tess.servers import Prosody
        from tess.window import Window
        self.passwords = {"alice": "correct horse battery", "bob": "staple and some salt"}
        self.server = Prosody(users=self.passwords, friends=[("alice", "bob")], folder=os.path.join(folder, "server"))
        self.on_display, self.folder = display is not None, folder
        where, extra = display if display else (None, {})
        self.desks, self.windows = {}, {}
        for who in self.passwords:
            desk = Desktop(keyring="only for the demo", size=(960, 680), display=where, folder=os.path.join(folder, who),
                           environment=extra)
            os.makedirs(desk.folder)
            self.desks[who] = desk
            self.windows[who] = Window(desk, ca=self.server.ca, name=f"tessera-{who}")

    def open(self):
        self.server.start()
        say(f"tests/demo: a Prosody of its own is on 127.0.0.1:{self.server.port}, with TLS and SCRAM, and a CA made for this run")
        for who, desk in self.desks.items():
            desk.start()
            self.windows[who].start()

    def play(self):
        alice, bob = self.windows["alice"], self.windows["bob"]
        for who, window in self.windows.items():
            window.add_account(self.server.jid(who), self.passwords[who], "127.0.0.1", self.server.port)
            say(f"tests/demo: {who}@localhost has signed in")
        alice.open_chat(self.server.jid("bob"))
        bob.open_chat(self.server.jid("alice"))
        for window in (alice, bob):
            window.wait_security("Encrypted", "Verified", seconds=60)
        for who, text in SCENE:
            self.windows[who].send(text)
            for window in (alice, bob):
                window.wait_message(text, seconds=60)
            self.windows[who].wait_message(text, state="Delivered", seconds=60)
        say("tests/demo: both have read what the other wrote")

    def read(self):
        """What each window shows, as {who: [text]}."""
        return {who: [m.text for m in window.messages()] for who, window in self.windows.items()}

    def pictures(self, folder):
        for who, window in self.windows.items():
            path = os.path.join(folder, f"{who}.png")
            window.screenshot(path, window.main)
            say(f"tests/demo: {who.capitalize()}'s window: {path}")

    def stay(self):
        """Returns when the person has closed both windows, or has pressed Ctrl+C."""
        say("tests/demo: the two windows are yours; close both of them, or press Ctrl+C here, to end the demo")

        asked = []
        signal.signal(signal.SIGINT, lambda number, _frame: asked.append(number))
        open(os.path.join(self.folder, "staying"), "wb").close()

        def is_open(window):
            return window.process.running() and any(node.has("visible") for node in window.app.windows())

        while not asked and any(is_open(w) for w in self.windows.values()):
            time.sleep(0.5)

    def quit(self):
        for window in self.windows.values():
            window.quit()

    def close(self):
        for desk in self.desks.values():
            desk.close()
        self.server.close()


# -- verdict ---------------------------------------------------------------------------------------------------


def history(database, scratch):
    """The messages of a database, in their order, from a copy of it: [(time, sender, text, encryption, state)]."""
    os.makedirs(scratch)
    for suffix in ("", "-wal"):
        if os.path.exists(database + suffix):
            shutil.copy(database + suffix, os.path.join(scratch, "copy.db" + suffix))
    connection = sqlite3.connect(os.path.join(scratch, "copy.db"))
    try:
        rows = connection.execute("SELECT time_us, sender, coalesce (text, ''), encryption, state FROM messages"
                                  " ORDER BY time_us, id").fetchall()
    finally:
        connection.close()
    return [(time_us, sender.partition("@")[0], text, ENCRYPTIONS[encryption], STATES[state])
            for time_us, sender, text, encryption, state in rows]


def transcript(histories):
    """Prints what was said with the encryption of each message in both databases."""
    both = {}
    for who, messages in histories.items():
        for time_us, sender, text, encryption, state in messages:
            entry = both.setdefault((sender, text), {"time": time_us, "held": {}})
            entry["held"][who] = f"{encryption}, {state}"
    width = max([len(text) for _sender, text in both] + [20])
    say()
    say(f"{'':16}{'':{width}}  {'in Alice’s database':22}  in Bob’s database")
    for (sender, text), entry in sorted(both.items(), key=lambda item: item[1]["time"]):
        clock = time.strftime("%H:%M:%S", time.localtime(entry["time"] / 1e6))
        held = [entry["held"].get(who, "MISSING") for who in ("alice", "bob")]
        say(f"{clock} {sender.capitalize():6} {text:{width}}  {held[0]:22}  {held[1]}")
    say()


def faults_of(histories, shown):
    """What is wrong with the scene's messages, as sentences."""
    faults = []
    for who in histories:
        for sender, text in SCENE:
            if text not in shown.get(who, []):
                faults.append(f"{who} does not see {text!r}")
            held = [(e, s) for _t, from_, t, e, s in histories[who] if (from_, t) == (sender, text)]
            if len(held) != 1:
                faults.append(f"{text!r} is {len(held)} times in {who}'s database")
            elif held[0][0] != "OMEMO":
                faults.append(f"{text!r} is not encrypted in {who}'s database")
    return faults


def faults_of_the_server(server, password):
    """Whether its archive holds the ciphertext, and nothing on its disk the words."""
    from tess.wire import NS_AXOLOTL, Wire
    with Wire(server, "alice", password) as wire:
        payloads = [m.findtext(f".//{{{NS_AXOLOTL}}}payload") for m in wire.archive() if m is not None]
    payloads = [p.strip() for p in payloads if p]
    stored = server.stored()
    connection = sqlite3.connect(os.path.join(server.data, "archive.sqlite"))
    try:
        archive = "\n".join(str(row[0]) for row in connection.execute("SELECT value FROM prosodyarchive"))
    finally:
        connection.close()
    faults = []
    if len(set(payloads)) < len(SCENE):
        faults.append(f"the server's archive has {len(set(payloads))} encrypted messages of {len(SCENE)}")
    if not all(p in archive for p in payloads):
        faults.append("the server's archive does not hold the ciphertext on its disk")
    for _who, text in SCENE:
        words = max(re.findall(r"[ -~]+", text), key=len, default="").strip() or text
        where = [path for path, content in stored if words.encode() in content] + (["archive"] if words in archive else [])
        if where:
            faults.append(f"the server holds the plain text {words!r} in {', '.join(where)}")
    if not faults:
        say(f"The server's archive holds {len(set(payloads))} encrypted messages, and none of the words above.")
    return faults


# -- all -------------------------------------------------------------------------------------------------------


def end_children():
    """Ends whatever is still below this process: first politely, because an X server then takes its lock with it."""
    from tess import util
    for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        deadline = time.monotonic() + seconds
        told = set()
        while time.monotonic() < deadline:
            left = util.descendants()
            for pid in left:
                try:
                    if pid not in told:
                        os.kill(pid, number)
                        told.add(pid)
                    os.waitpid(pid, os.WNOHANG)
                except (ProcessLookupError, ChildProcessError):
                    pass
            if not left:
                return
            time.sleep(0.02)


def play(options, folder):
    build()
    os.environ["TESSERA"] = os.path.join(BUILD, "src", "tessera")
    display = None if options.headless else display_of_the_person()
    stage = Stage(folder, display)
    try:
        stage.open()
        stage.play()
        shown = stage.read()
        if stage.on_display:
            stage.stay()
        else:
            pictures = os.path.abspath(options.pictures) if options.pictures else tempfile.mkdtemp(prefix="tessera-demo-pictures-")
            os.makedirs(pictures, exist_ok=True)
            stage.pictures(pictures)
        stage.quit()
        histories = {who: history(w.database, os.path.join(folder, f"copy-{who}")) for who, w in stage.windows.items()}
        transcript(histories)
        faults = faults_of(histories, shown) + faults_of_the_server(stage.server, stage.passwords["alice"])
        for fault in faults:
            say(f"tests/demo: {fault}")
        say("tests/demo: " + ("that is not as it must be" if faults else "all is as it must be"))
        return 1 if faults else 0
    finally:
        stage.close()


def supervise(argv, folder):
    """Plays in a child process, and ends with it: by itself, or at any moment by a signal. Returns the exit code.

    An exception out of a signal's handler can get lost in somebody's destructor; a process that only waits cannot.
    """
    from tess.util import Process
    process = Process([sys.executable, "-B", os.path.abspath(__file__), "--play-in", folder, *argv],
                      stdout=sys.stdout.fileno(), stderr=sys.stderr.fileno())
    ended = 0
    while process.running():
        number = signal.sigtimedwait(SIGNALS, 0.2)
        if number is None:
            continue
        ended = number.si_signo
        if ended == signal.SIGINT and os.path.exists(os.path.join(folder, "staying")):
            # The person has seen enough: that is the regular end.
            process.popen.send_signal(signal.SIGINT)
            ended = 0
        else:
            process.kill()
    if ended:
        say("\ntests/demo: ended")
        return 128 + ended
    code = process.popen.wait()
    return code if code >= 0 else 1


def main():
    parser = argparse.ArgumentParser(prog="tests/demo", description="Two people chat, end-to-end encrypted, in two Tessera windows.")
    parser.add_argument("--headless", action="store_true", help="play without a display, even where there is one")
    parser.add_argument("--pictures", metavar="DIR", help="where the pictures of the windows go (without a display)")
    parser.add_argument("--play-in", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if options.play_in:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            return play(options, options.play_in)
        except AssertionError as failure:
            say(f"tests/demo: {failure}")
            return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    folder = tempfile.mkdtemp(prefix="tess-demo-")
    os.environ["TESS_TEST_TMP"] = folder
    try:
        return supervise(sys.argv[1:], folder)
    finally:
        end_children()
        if os.environ.get("TESS_TEST_KEEP") == "1":
            say(f"tests/demo: everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
