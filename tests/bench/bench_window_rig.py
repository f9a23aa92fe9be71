# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench_window.py stands on: a desktop, a server, a database with many messages, and programs that a probe watches."""

import ctypes
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from tess import util  # noqa: E402
from tess.desktop import Desktop  # noqa: E402
from tess.evil import EvilServer  # noqa: E402
from tess.util import wait_for  # noqa: E402
from tess.window import APPLICATION_ID, Window, program, program_environment  # noqa: E402

ALICE, BOB, CAROL = "alice@a.test", "bob@b.test", "carol@b.test"
OTHERS = 20
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def now():
    """Seconds of CLOCK_MONOTONIC, the clock of the probe."""
    return time.monotonic_ns() / 1e9


# -- texts ---------------------------------------------------------------------------------------------------

WORDS = ("the a and of to in on for with is was not yet again when then there here we you they me us it this that shall could would "
         "meet bring read write walk train river café book evening morning tomorrow monday friday station garden bridge ticket "
         "coffee tea bread cheese apple photo message key fingerprint device window answer question really perhaps fine good late "
         "early before after five seven quarter straße größer naïve über côté mañana").split()


def sentence(rng):
    """One message as people write them: mostly a line, now and then a paragraph, a link, a smile."""
    count = min(max(int(rng.lognormvariate(2.0, 0.8)), 1), 120)
    text = " ".join(rng.choice(WORDS) for _ in range(count)).capitalize()
    chance = rng.random()
    if chance < 0.03:
        text += f" https://example.org/{rng.choice(WORDS)}/{rng.randrange(10000)}"
    elif chance < 0.06:
        text += "\n" + " ".join(rng.choice(WORDS) for _ in range(8))
    elif chance < 0.12:
        text += " " + rng.choice("😀👍🎉❤🚲")
    return text + rng.choice(".?!…") if chance > 0.2 else text


def fill(path, count):
    """@count messages with Bob, and 500 with each of OTHERS more people, read and done, into a database that the program made."""
    rng, db = random.Random(4711), sqlite3.connect(path)
    end = int(time.time() * 1e6) - 3600 * 10**6
    account, = db.execute("SELECT id FROM accounts").fetchone()

    def talk(peer, messages, last):
        row = db.execute("SELECT id FROM conversations WHERE peer = ?", (peer,)).fetchone()
        ident = row[0] if row else db.execute("INSERT INTO conversations (account_id, peer, created_us) VALUES (?, ?, ?)",
                                              (account, peer, last)).lastrowid
        times, at, ours = [], last, False
        for _ in range(messages):
            times.append(at)
            at -= int(rng.expovariate(1 / 400e6)) + 1000000

        def rows():
            nonlocal ours
            for number, at in enumerate(reversed(times)):
                ours = ours if rng.random() < 0.5 else not ours
                yield (account, ident, ALICE if ours else peer, int(ours), 4 if ours else 0, 1, f"{ident}-{number}",
                       f"#{number} {sentence(rng)}", at, 0 if ours else 815, 0)
        db.execute("UPDATE conversations SET read_time_us = ?, read_id = ? WHERE id = ?", (last + 1, 2**60, ident))
        db.executemany("INSERT INTO messages (account_id, conversation_id, sender, direction, state, encryption, stanza_id, text, "
                       "time_us, device, receipt_wanted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())

    with db:
        for i in range(OTHERS):
            talk(f"friend{i}@b.test", 500, end - (i + 2) * 3600 * 10**6)
        talk(CAROL, 500, end - 3600 * 10**6)
        talk(BOB, count, end)
    db.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    db.close()


# -- X keys --------------------------------------------------------------------------------------------------

class Keys:
    """Keys that are pressed at a known moment, without a process in between."""

    def __init__(self, display):
        self._x, self._test = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XStringToKeysym.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        assert self._display.value, display

    def code(self, name):
        return self._x.XKeysymToKeycode(self._display, ctypes.c_ulong(self._x.XStringToKeysym(name.encode())))

    def press(self, *names):
        """Holds all but the last, presses that; returns when."""
        codes, at = [self.code(name) for name in names], now()
        for code in codes:
            self._test.XTestFakeKeyEvent(self._display, code, 1, ctypes.c_ulong(0))
        for code in reversed(codes):
            self._test.XTestFakeKeyEvent(self._display, code, 0, ctypes.c_ulong(0))
        self._x.XFlush(self._display)
        return at

    def close(self):
        self._x.XCloseDisplay(self._display)


# -- a program that is watched -------------------------------------------------------------------------------

class Watched:
    """A program with the probe in it. All times are seconds of now()."""

    def __init__(self, rig, argv, data=None, probe=True):
        self.rig = rig
        self.events_path = os.path.join(rig.desk.folder, f"probe-{time.monotonic_ns()}")
        self.log = os.path.join(rig.desk.folder, "watched.log")
        env = dict(rig.desk.environment(), **program_environment(), TESSERA_CA_FILE=rig.server.ca)
        if probe:
            env.update(LD_PRELOAD=rig.probe, TESS_PROBE=self.events_path)
        if data:
            env["XDG_DATA_HOME"] = data
        reading, writing = os.pipe()

        def child():
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.write(writing, str(time.monotonic_ns()).encode())    # the last thing before exec()

        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(argv, env=env, cwd=rig.desk.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          preexec_fn=child)
        os.close(writing)
        self.started = int(os.read(reading, 64)) / 1e9
        os.close(reading)

    @property
    def pid(self):
        return self.popen.pid

    def events(self, kind):
        """What the probe has told: a list of tuples; times in seconds."""
        found = []
        try:
            with open(self.events_path, encoding="ascii") as f:
                for line in f:
                    words = line.split()
                    if words and words[0] == kind and line.endswith("\n"):
                        if kind == "send":
                            found.append((int(words[1]) / 1e9, int(words[2])))
                        else:
                            found.append(tuple(int(w) / 1e9 for w in words[1:]))
        except FileNotFoundError:
            pass
        return found

    def wait_frame(self):
        wait_for(lambda: self.events("frame"), "frame", 30, 0.01, lambda: util.last_lines(self.log))
        return self.events("frame")[0][1]

    def last_frame(self, since, quiet):
        """When the last frame was painted before @quiet seconds without one; @since when none was."""
        while True:
            last = max([frame[1] for frame in self.events("frame") if frame[1] >= since], default=since)
            if now() - max(last, since) >= quiet:
                return last
            time.sleep(0.05)

    def cpu(self):
        """Seconds on a processor so far, of all threads that are there."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[0])
            except OSError:
                pass
        return total / 1e9

    def idle(self, seconds):
        """Waits until it has done next to nothing for @seconds; returns since when."""
        at, used = now(), self.cpu()
        while now() - at < seconds:
            time.sleep(0.02)
            cost = self.cpu()
            if cost - used > 0.002:
                at, used = now(), cost
        return at

    def cpu_all(self):
        """As cpu(), with the threads that have ended; in ticks of 10 ms."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            words = f.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """(PSS, private) in MiB."""
        sizes = {}
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as f:
            for line in f:
                words = line.split()
                if words[-1] == "kB":
                    sizes[words[0]] = int(words[1]) / 1024
        return sizes["Pss:"], sizes["Private_Clean:"] + sizes["Private_Dirty:"]

    def sleep_until(self, seconds):
        """Until @seconds after its start."""
        time.sleep(max(0.0, self.started + seconds - now()))

    def focus(self):
        """Gives it the keyboard, and waits until it has drawn itself so."""
        at = now()
        self.rig.desk.focus(self.pid)
        self.last_frame(at, 0.3)

    def end(self):
        """As a person ends it: what was killed looks through its database at the next start."""
        if self.popen.args[0] == program():
            subprocess.run(["/usr/bin/gapplication", "action", APPLICATION_ID, "quit"], env=self.rig.desk.environment(), check=False)
        else:
            self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.end()


# -- all together --------------------------------------------------------------------------------------------

class Rig:
    """Alice's account on a server of this process, and homes of hers: `bare` with nothing stored, `full` with many messages."""

    def __init__(self, build, messages):
        self.build, self.messages = build, messages
        self.probe = os.path.join(build, "tests", "bench", "bench-window-probe.so")
        self.empty = os.path.join(build, "tests", "bench", "empty-window")
        os.environ["TESSERA"] = os.path.join(build, "src", "tessera")
        os.environ["TESSERA_PEER"] = os.path.join(build, "tests", "tessera-peer")
        self.server = EvilServer(accounts=(ALICE, BOB, CAROL), friends=((ALICE, BOB), (ALICE, CAROL)))
        self.desk = Desktop(keyring="of the bench", size=(1100, 800))

    def __enter__(self):
        try:
            self.server.start()
            self.desk.start()
            # A caret that blinks and a mark that fades are pictures that never settle.
            with open(os.path.join(self.desk.home, ".config", "gtk-4.0", "settings.ini"), "a", encoding="utf-8") as f:
                f.write("gtk-cursor-blink=0\ngtk-enable-animations=0\n")
            self.keys = Keys(self.desk.display)
            self._make_homes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc):
        self.desk.close()
        self.server.close()

    def home(self, name):
        return os.path.join(self.desk.folder, "data-" + name)

    def database(self, name):
        return os.path.join(self.home(name), "tessera", "tessera.db")

    def copy_home(self, name, new):
        shutil.copytree(self.home(name), self.home(new))

    def _make_homes(self):
        window = Window(self.desk, ca=self.server.ca, environment={"XDG_DATA_HOME": self.home("bare")})
        window.start()
        window.add_account(ALICE, self.server.password(ALICE), "127.0.0.1", self.server.port)
        window.wait_online()
        wait_for(lambda: len(self.server.published) >= 2, "published bundle", 30)
        window.quit()
        self.copy_home("bare", "full")
        fill(self.database("full"), self.messages)

    def start(self, home="full", probe=True):
        """Tessera; the programs of a rig run one at a time."""
        return Watched(self, [program()], self.home(home), probe)

    def start_empty(self, probe=True):
        return Watched(self, [self.empty], probe=probe)


__all__ = ["ALICE", "APPLICATION_ID", "BOB", "CAROL", "ROOT", "Rig", "Watched", "now", "sentence", "util", "wait_for"]
