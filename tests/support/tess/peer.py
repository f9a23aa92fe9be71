# SPDX-License-Identifier: GPL-3.0-or-later
"""Tessera's scripted peer, driven over its pipes.

    with Peer(server) as alice:
        alice.login("alice", "a")
        sent = alice.send("bob@localhost", "hi")
        alice.wait_state(sent, "delivered")

What this relies on, besides what its `help` says:

- `send` shows the new message at once as {"event":"message","direction":"out","jid":…,"id":…,"text":…,"state":…};
  later states come as {"event":"state","id":…,"state":…}.
- What goes wrong with an account comes as {"event":"error"|"offline","account":…,"reason":"a sentence"} or as an
  error object; both name the cause in words.
- {"event":"contact","account":…,"jid":…} tells each change of a contact, with "subscription" (none|to|from|both) and
  "request":true while that person's request waits for an answer; {"reply":"roster","contacts":[{the same}]}.
- `accept JID` and `refuse JID` answer such a request.
- A --home that has accounts already brings them online again by `login` with the same password.
"""

import json
import os
import re
import shlex
import subprocess
import time

from . import util
from .util import LineReader, Process, Timeout

# From its first state to its last a message only moves to the right.
STATES = ["waiting", "sent", "delivered", "read"]


def program():
    """The peer's path: TESSERA_PEER, or the plain build's."""
    path = os.environ.get("TESSERA_PEER")
    if not path:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        path = os.path.join(root, "build", "check", "tests", "tessera-peer")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"tessera-peer is missing at {path}; build it, or name it in TESSERA_PEER")
    return path


class Peer:
    """One tessera-peer with its own home. @env: more for its environment."""

    def __init__(self, server=None, home=None, name="peer", env=None):
        self.server, self.name, self.env = server, name, dict(env or {})
        self._own_home = home is None
        self.home = home or util.temp_dir("peer")
        self.log = os.path.join(self.home, "stderr.log")
        self.objects = []       # everything printed since the first start, in order
        self.process = None
        self._reader = None
        self._logins = []
        self._parsed = 0

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_exc):
        self.close()

    # -- life ------------------------------------------------------------------------------------------------

    def start(self):
        assert self.process is None, "the peer runs already"
        os.makedirs(self.home, exist_ok=True)
        env = dict(os.environ, HOME=self.home, GSETTINGS_BACKEND="memory", LC_ALL="C.UTF-8", NO_AT_BRIDGE="1")
        for leak in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            env.pop(leak, None)
        # No session bus: the peer must neither find nor start one.
        env["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
        env.update(self.env)
        self.process = Process([program(), "--home", self.home], log=self.log, env=env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        self._reader = LineReader(self.process.popen.stdout)
        self._parsed = 0
        return self

    def kill(self):
        """kill -9; what it printed before is kept in `objects`."""
        if self.process:
            self.process.kill()
            self._drain()
            self.process = None

    def stop(self, seconds=20):
        """End of input: it closes its streams and stops cleanly, with exit code 0."""
        if self.process:
            try:
                self.process.popen.stdin.close()
            except BrokenPipeError:
                pass
            try:
                code = self.process.popen.wait(seconds * util.SLOW)
            except subprocess.TimeoutExpired:
                raise Timeout(f"{self.name} did not stop within {seconds} s of the end of its input{self._tail()}") from None
            self._drain()
            self.process.end()
            self.process = None
            if code != 0:
                raise AssertionError(f"{self.name} stopped with {code}{self._tail()}")

    def restart(self, hard=True):
        """Starts it anew on the same home, after kill -9 or a clean end, and logs in again as before."""
        self.kill() if hard else self.stop()
        self.start()
        for arguments in list(self._logins):
            self.login(*arguments)
        return self

    def close(self):
        self.kill()
        if self._own_home:
            util.remove_dir(self.home)

    def _drain(self):
        self._reader.join(5)
        self._parse()

    # -- words -----------------------------------------------------------------------------------------------

    def command(self, *words):
        """Sends one command; words are quoted as a shell's."""
        line = " ".join(shlex.quote(str(w)) for w in words)
        try:
            self.process.popen.stdin.write(line.encode() + b"\n")
            self.process.popen.stdin.flush()
        except (BrokenPipeError, AttributeError):
            raise AssertionError(f"{self.name} does not run any more{self._tail()}") from None

    def _parse(self):
        with self._reader.changed:
            lines = self._reader.lines[self._parsed:]
            self._parsed += len(lines)
        for line in lines:
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise AssertionError(f"{self.name} printed what is no JSON object: {line[:300]!r}")
            self.objects.append(value)

    def mark(self):
        """A place in the output; wait() looks behind it."""
        if self._reader:
            self._parse()
        return len(self.objects)

    def _tail(self):
        last = "\n".join(json.dumps(o, ensure_ascii=False)[:300] for o in self.objects[-25:])
        server = self.server.tail(10) if hasattr(self.server, "tail") else ""
        return f"\n--- {self.name} printed last ---\n{last}\n--- its stderr ---\n{util.last_lines(self.log, 15)}" \
               f"\n--- the server ---\n{server}"

    def wait(self, wanted, what, seconds=30, after=0):
        """The first object behind mark @after for which @wanted (a predicate, or a dict of fields) is true."""
        test = wanted if callable(wanted) else lambda o: all(o.get(k) == v for k, v in wanted.items())
        deadline, position = time.monotonic() + seconds * util.SLOW, after
        while True:
            self._parse()
            while position < len(self.objects):
                if test(self.objects[position]):
                    return self.objects[position]
                position += 1
            left = deadline - time.monotonic()
            with self._reader.changed:
                if self._parsed == len(self._reader.lines):
                    if self._reader.closed:
                        raise Timeout(f"{self.name}: no {what}: it has ended with {self.process.popen.poll()}{self._tail()}")
                    if left <= 0:
                        raise Timeout(f"{self.name}: no {what} within {seconds * util.SLOW:g} s{self._tail()}")
                    self._reader.changed.wait(left)

    def ask(self, *words, seconds=30):
        """Sends a command that has a reply, and returns it; an error object fails."""
        after = self.mark()
        self.command(*words)
        answer = self.wait(lambda o: o.get("reply") == words[0] or ("error" in o and o.get("command") == words[0]),
                           f"reply to {words[0]}", seconds, after)
        if "error" in answer:
            raise AssertionError(f"{self.name}: {' '.join(map(str, words))}: {answer['error']}{self._tail()}")
        return answer

    # -- an account ------------------------------------------------------------------------------------------

    def try_login(self, user, password, server=None, ca=None, tls="starttls", port=None, options=()):
        """Sends the login command, without a password for None; returns the mark before it."""
        server = server or self.server
        port = port or (server.tls_port if tls == "direct" else server.port)
        words = ["login", server.jid(user), *([password] if password is not None else []),
                 "--server", f"127.0.0.1:{port}", "--tls", tls]
        ca = server.ca if ca is None else ca
        after = self.mark()
        self.command(*words, *(["--ca", ca] if ca else []), *options)
        return after

    def login(self, user, password, server=None, ca=None, tls="starttls", port=None, seconds=40, options=()):
        """Logs in and returns the "online" event."""
        after = self.try_login(user, password, server, ca, tls, port, options)
        jid = (server or self.server).jid(user)
        arguments = (user, password, server, ca, tls, port, 40, options)
        if arguments not in self._logins:
            self._logins.append(arguments)
        self.jid = jid
        event = self.wait(lambda o: (o.get("event") == "online" and o.get("account") == jid)
                          or ("error" in o and o.get("command") == "login"), f"login of {jid}", seconds, after)
        if "error" in event:
            raise AssertionError(f"login of {jid}: {event['error']}{self._tail()}")
        return event

    def refused_login(self, user, password, pattern, seconds=40, **how):
        """A login that must fail for a reason that matches @pattern; returns the sentence."""
        after = self.try_login(user, password, **how)
        event = self.wait(lambda o: "error" in o or o.get("event") in ("error", "online")
                          or (o.get("event") == "offline" and o.get("reason")), "end of the login", seconds, after)
        said = event.get("error") if "error" in event else event.get("reason") or json.dumps(event)
        if event.get("event") == "online":
            raise AssertionError(f"the login was not refused: {event}")
        if not re.search(pattern, said, re.I):
            raise AssertionError(f"the reason {said!r} does not match /{pattern}/{self._tail()}")
        if password and password in self.everything():
            raise AssertionError("the password was printed")
        self.refusal = event
        return said

    def everything(self):
        """All it ever printed, as one text."""
        self._parse()
        return json.dumps(self.objects, ensure_ascii=False) + util.last_lines(self.log, 10000)

    # -- messages --------------------------------------------------------------------------------------------

    def send(self, jid, text, seconds=30):
        """Sends @text and returns the message's id as soon as the peer has taken it."""
        after = self.mark()
        self.command("send", jid, text)
        event = self.wait(lambda o: (o.get("event") == "message" and o.get("direction") == "out" and o.get("text") == text)
                          or ("error" in o and o.get("command") == "send"), f"sent message {text!r}", seconds, after)
        if "error" in event:
            raise AssertionError(f"send: {event['error']}{self._tail()}")
        return event["id"]

    def wait_state(self, ident, state, seconds=30):
        """Waits until the message @ident has reached @state or a later one; "failed" is later than none."""
        enough = STATES[STATES.index(state):] if state in STATES else [state]
        return self.wait(lambda o: o.get("event") in ("state", "message") and o.get("id") == ident
                         and o.get("state") in enough, f"state {state} of message {ident}", seconds)

    def receive(self, text, seconds=30, after=0, **fields):
        """Waits for a message with @text that came in; @fields are compared afterwards, to name what differs."""
        event = self.wait(lambda o: o.get("event") == "message" and o.get("direction") == "in" and o.get("text") == text,
                          f"message {text!r}", seconds, after)
        for key, value in fields.items():
            if event.get(key) != value:
                raise AssertionError(f"{self.name}: {key} of {text!r} is {event.get(key)!r}, not {value!r}{self._tail()}")
        return event

    def carbon(self, text, seconds=30, after=0, **fields):
        """Waits for a message with @text that another device of this account has sent."""
        event = self.wait(lambda o: o.get("event") == "message" and o.get("direction") == "out" and o.get("text") == text,
                          f"copy of {text!r}", seconds, after)
        for key, value in fields.items():
            if event.get(key) != value:
                raise AssertionError(f"{self.name}: {key} of {text!r} is {event.get(key)!r}, not {value!r}{self._tail()}")
        return event

    def history(self, jid, count=1000):
        """The last @count messages of the conversation, oldest first, from the database."""
        return self.ask("history", jid, count)["messages"]

    def mark_read(self, jid):
        """Reads all that is there of a chat, as the window does, and returns how many are unread then."""
        return self.ask("mark", jid)["unread"]

    def unread(self, jid):
        """How many messages of a chat are unread; None when there is no such chat."""
        return next((c["unread"] for c in self.ask("conversations")["conversations"] if c["jid"] == jid), None)

    def wait_unread(self, jid, count, seconds=30):
        util.wait_for(lambda: self.unread(jid) == count, f"{count} unread of {jid}", seconds, 0.2, self._tail)

    def encrypt(self, jid, on=True):
        self.command("encrypt", jid, "on" if on else "off")

    def devices(self, jid):
        return self.ask("devices", jid)["devices"]

    def wait_devices(self, jid, count=1, seconds=30):
        """Waits until at least @count devices of @jid are known with their keys: the list names them, the bundles follow."""
        def known():
            found = [d for d in self.devices(jid) if d["fingerprint"]]
            return found if len(found) >= count else None

        return util.wait_for(known, f"{count} device(s) of {jid} with their keys", seconds, 0.2, self._tail)
