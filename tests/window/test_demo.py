# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/demo as a person runs it: without a display, on one, and ended half-way."""

import os
import re
import shutil
import signal
import tempfile
import time
import unittest

from tess import util
from tess.desktop import Desktop
from tess.util import Process, need, run, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, "tests", "demo")


def processes_with(text):
    """The ids of all processes that have @text in their command line or environment."""
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) != os.getpid():
            for part in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{pid}/{part}", "rb") as f:
                        if text.encode() in f.read():
                            found.append(int(pid))
                            break
                except OSError:
                    pass
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        # All that the demo and its children make goes here, so that what is left can be seen.
        self.folder = tempfile.mkdtemp(prefix="demo-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.temporary = os.path.join(self.folder, "tmp")
        self.home = os.path.join(self.folder, "home")
        for path in (self.temporary, self.home):
            os.makedirs(path)
        self.env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "TESSERA", "TESS_TEST_TMP")}
        self.env.update(TMPDIR=self.temporary, HOME=self.home, LC_ALL="C.UTF-8", CCACHE_DIR=os.path.expanduser("~/.cache/ccache"))
        self.log = os.path.join(self.folder, "log")

    def start(self, *arguments):
        process = Process([DEMO, *arguments], log=self.log, env=self.env, cwd=self.folder)
        self.addCleanup(process.end, 30)
        return process

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def nothing_left(self, *kept):
        wait_for(lambda: not processes_with(self.temporary), "end of all its processes", 10,
                 log=lambda: str([run(["ps", "-o", "pid,args", "-p", str(p)]) for p in processes_with(self.temporary)]))
        self.assertEqual(os.listdir(self.temporary), list(kept))
        self.assertEqual(os.listdir(self.home), [])

    def test_a_without_a_display(self):
        pictures = os.path.join(self.folder, "pictures")
        process = self.start("--pictures", pictures)
        process.popen.wait(timeout=400 * util.SLOW)
        said = self.said()
        self.assertEqual(process.popen.returncode, 0, said)
        for name in ("alice.png", "bob.png"):
            path = os.path.join(pictures, name)
            self.assertIn(path, said)
            width, height, colors = map(int, run([need("convert"), path, "-format", "%w %h %k", "info:"]).split())
            self.assertGreater(width, 500)
            self.assertGreater(height, 400)
            self.assertGreater(colors, 50, "the picture is empty")
        lines = re.findall(r"^\d\d:\d\d:\d\d (Alice|Bob) +(.*?)  +(\S.*?)  +(\S.*)$", said, re.M)
        self.assertEqual([l[0] for l in lines], ["Alice", "Bob", "Alice", "Bob", "Bob"], said)
        self.assertTrue(all("OMEMO" in cell for l in lines for cell in l[2:]), said)
        self.assertIn("The server's archive holds 5 encrypted messages, and none of the words above.", said)
        self.nothing_left()

    def test_b_on_a_display(self):
        # The windows stay until the person closes both. Nothing there is focused, and no pointer is moved.
        with Desktop(size=(1400, 900)) as desk:
            self.env["DISPLAY"] = desk.display
            def pointer():
                return desk.xdotool("getmouselocation").split()[:2]

            before = pointer()
            process = self.start()
            wait_for(lambda: "the two windows are yours" in self.said(), "end of the scene", 400, 0.2, self.said, process.ended)
            self.assertEqual(pointer(), before)
            windows = [w for w in desk.window_ids() if "Tessera" in desk.xdotool("getwindowname", w)]
            self.assertEqual(len(windows), 2)
            for window in windows:
                self.assertIsNone(process.popen.poll())
                # By hand now, each on its own.
                desk.xdotool("windowfocus", "--sync", window)
                desk.key("ctrl+w")
            process.popen.wait(timeout=60 * util.SLOW)
        self.assertEqual(process.popen.returncode, 0, self.said())
        self.assertIn("all is as it must be", self.said())
        self.nothing_left()

    def test_c_ended_half_way(self):
        # At each step one: by Ctrl+C or by SIGTERM, nothing stays.
        for number, (words, sign) in enumerate([("Tessera is built", signal.SIGTERM), ("a Prosody of its own", signal.SIGINT),
                                                ("alice@localhost has signed in", signal.SIGTERM)]):
            with self.subTest(words):
                open(self.log, "wb").close()
                process = self.start()
                wait_for(lambda words=words: words in self.said(), words, 400, 0.02, self.said, process.ended)
                time.sleep(0.1 * number)    # not always at the very line
                process.popen.send_signal(sign)
                process.popen.wait(timeout=60 * util.SLOW)
                self.assertEqual(process.popen.returncode, 128 + sign, self.said())
                self.nothing_left()
