# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with a deadline, and processes that never outlive the test that started them."""

import collections
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

# A slow machine (a sanitizer, a shared runner) may stretch every deadline; no assertion is on time.
SLOW = float(os.environ.get("TESS_TEST_SLOW", "1"))

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
# What a child started and left behind (a bus's services, Erlang's helpers) comes to this process, not to init.
_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
_children = set()


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def wait_for(condition, what, seconds=20.0, step=0.02, log=None, alive=None):
    """Calls @condition until it returns something true, and returns that.

    @what ends the sentence "no ... within N s" of the failure. @log is called for the last lines to show,
    @alive is asked each round and returns a sentence when waiting has no point any more.
    """
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        reason = alive() if alive else None
        if reason is None and time.monotonic() > deadline:
            reason = f"no {what} within {seconds * SLOW:g} s"
        elif reason is not None:
            reason = f"no {what}: {reason}"
        if reason is not None:
            value = condition()
            if value:
                return value
            tail = log() if log else ""
            raise Timeout(reason + (f"\n--- last lines ---\n{tail}" if tail else ""))
        time.sleep(step)


def last_lines(path, count=30):
    """The last @count lines of the file at @path; an explanation when there is no such file."""
    try:
        with open(path, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - 64 * 1024))
            lines = f.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        return f"({path}: {error.strerror})"
    return "\n".join(line if len(line) <= 240 else line[:240] + " ..." for line in lines[-count:])


def need(program):
    """The path of @program. What is missing makes a test fail; it never makes it vanish."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise AssertionError(f"{program} is missing; run tests/setup")
    return path


def faketime_library():
    """The library of libfaketime for programs with threads, to be preloaded: their clock is what its environment says."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise AssertionError("libfaketime is missing; run tests/setup")
    return found[0]


_given_ports = set()


def free_ports(count):
    """@count loopback TCP ports that are free now; none is given twice by one process."""
    sockets, ports = [], []
    try:
        while len(ports) < count:
            s = socket.socket()
            sockets.append(s)
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            if port not in _given_ports:
                _given_ports.add(port)
                ports.append(port)
    finally:
        for s in sockets:
            s.close()
    return ports


def temp_dir(name):
    """A new private folder; short, because a Unix socket's address holds 107 bytes only."""
    return tempfile.mkdtemp(prefix=f"tess-{name}-", dir=os.environ.get("TESS_TEST_TMP"))


def remove_dir(path):
    if path and os.environ.get("TESS_TEST_KEEP") != "1":
        shutil.rmtree(path, ignore_errors=True)


class Process:
    """A child in the foreground. It ends with the test, however the test ends.

    @log is the file that takes what it prints, or None when the caller reads @stdout itself.
    """

    def __init__(self, argv, log=None, env=None, cwd=None, stdin=subprocess.DEVNULL, stdout=None, stderr=None, pass_fds=()):
        self.argv, self.log_path = argv, log
        parent = os.getpid()

        def child():
            # The signal is the kernel's: it comes also when the test itself is ended by kill -9.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(127)

        out = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.popen = subprocess.Popen(
                argv, stdin=stdin, stdout=stdout if stdout is not None else out,
                stderr=stderr if stderr is not None else out,
                env=env, cwd=cwd, preexec_fn=child, pass_fds=pass_fds, start_new_session=True)
        finally:
            if log:
                out.close()

        _children.add(self.popen.pid)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def ended(self):
        """For wait_for()'s @alive."""
        code = self.popen.poll()
        return None if code is None else f"{os.path.basename(self.argv[0])} has ended with {code}"

    def tail(self):
        return last_lines(self.log_path) if self.log_path else ""

    def kill(self):
        """kill -9, and the process is gone on return."""
        if self.running():
            self.popen.kill()
        self.popen.wait()
        _children.discard(self.popen.pid)

    def end(self, seconds=10.0):
        """SIGTERM, after a bound SIGKILL."""
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()
        _children.discard(self.popen.pid)


def keep(pid):
    """A child that is nobody's stray, though no Process; forget() it when it has ended."""
    _children.add(pid)


def forget(pid):
    _children.discard(pid)


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def descendants(of=None):
    """The ids of all processes below @of (this one by default), nearest first."""
    below = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            below.setdefault(_parent(name), []).append(int(name))
    found, queue = [], [of or os.getpid()]
    while queue:
        children = below.get(queue.pop(0), [])
        found += children
        queue += children
    return found


def end_strays():
    """Ends, by id, what ended children of this process left behind; returns their ids. Main thread, with no
    subprocess.run() under way elsewhere."""
    me, strays = os.getpid(), []
    while True:
        left = [pid for pid in descendants() if _parent(pid) == me and pid not in _children]
        if not left:
            return strays
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
            strays.append(pid)


class LineReader(threading.Thread):
    """Reads a pipe by line in a thread of its own; lines are taken under @changed."""

    def __init__(self, pipe, keep=2000):
        super().__init__(daemon=True)
        self.pipe, self.closed = pipe, False
        self.changed = threading.Condition()
        self.lines = []
        self.recent = collections.deque(maxlen=keep)
        self.start()

    def run(self):
        try:
            for raw in self.pipe:
                if not raw.endswith(b"\n"):
                    break       # cut off by kill -9 in the middle of a line
                line = raw.decode("utf-8", "replace").rstrip("\n")
                with self.changed:
                    self.lines.append(line)
                    self.recent.append(line)
                    self.changed.notify_all()
        except (OSError, ValueError):
            pass
        finally:
            with self.changed:
                self.closed = True
                self.changed.notify_all()


def run(argv, **kwargs):
    """Runs a short command to its end; what it printed is in the failure."""
    kwargs.setdefault("timeout", 60 * SLOW)
    done = subprocess.run(argv, stdin=kwargs.pop("stdin", subprocess.DEVNULL) if "input" not in kwargs else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout.decode('utf-8', 'replace')}")
    return done.stdout.decode("utf-8", "replace")
