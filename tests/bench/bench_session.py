#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a session comes back: tests/bench/bench_session.py BUILD [NAME...], one JSON object a line.

NAMES: outbox, resume, reconnect. Engine and model without a window (tessera-peer) against a server in this process, which is slower than
a real one: what stands beside each figure is what the same server gives a client that does nothing else. "The network is back" is what the
desktop says of it; without that a cut is tried again after a second.
"""

import os
import re
import socket
import ssl
import statistics
import sys
import time

from bench_window import report

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from tess.attacker import Attacker, NS  # noqa: E402
from tess.evil import EvilServer, Session  # noqa: E402
from tess.evil_xml import to_bytes  # noqa: E402
from tess.peer import Peer  # noqa: E402
from tess.util import wait_for  # noqa: E402
from tess.wire import Wire  # noqa: E402

ROUNDS = int(os.environ.get("TESS_BENCH_ROUNDS", "5"))
ALICE, BOB, CAROL = "alice@a.test", "bob@b.test", "carol@a.test"
CONTACTS = 100
WAITING = 1000


def now():
    return time.monotonic()


def handshake(server):
    """Seconds for TCP, STARTTLS and TLS with the same server: no login is faster."""
    began = now()
    context = ssl.create_default_context(cafile=server.ca)
    plain = socket.create_connection(("127.0.0.1", server.port), 20)

    def until(text):
        data = b""
        while text not in data:
            data += plain.recv(65536)

    plain.sendall(b"<?xml version='1.0'?><stream:stream to='a.test' version='1.0' xmlns='jabber:client' "
                  b"xmlns:stream='http://etherx.jabber.org/streams'>")
    until(b"</stream:features>")
    plain.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    until(b"<proceed")
    context.wrap_socket(plain, server_hostname="a.test").close()
    return now() - began


class Online:
    """Alice, and the moments at which the server has let her in."""

    def __init__(self, server):
        self.server, self.peer, self.opened = server, Peer(server, name="alice"), []
        for kind in ("bound", "resumed"):
            server.change(kind, self._note)

    def _note(self, _connection, text):
        self.opened.append(now())
        return text

    def __enter__(self):
        self.peer.start()
        self.login()
        return self

    def __exit__(self, *_exc):
        self.peer.close()

    def login(self):
        self.peer.login(ALICE, self.server.password(ALICE))
        self.server.wait_session(ALICE)
        self.server.settle(ALICE)

    def cut(self, lose=False):
        """The network is gone. @lose: and the server forgets the session."""
        session, after = self.server.session(ALICE), self.peer.mark()
        self.server.refuse_connections = True

        def go():
            if lose:
                session.id = None
            session.connection.cut()
        self.server.call(go)
        self.peer.wait(lambda o: o.get("event") == "offline", "end of the connection", after=after)
        return session

    def come_back(self):
        """The network is back; returns when."""
        self.server.refuse_connections = False
        at = now()
        self.peer.command("network", "on")
        return at


def put_by(server, session, stanza):
    """It came while nobody was there."""
    def go():
        session.sent += 1
        session.unacked.append(to_bytes(stanza))
    server.call(go)


# -- the first message ---------------------------------------------------------------------------------------

def bench_resume():
    """From the network's return, or from the start of a new process, to the first new message in the model."""
    cut, killed, bare = [], [], []
    with EvilServer(accounts=(ALICE, BOB), friends=((ALICE, BOB),)) as server, Online(server) as alice:
        for number in range(ROUNDS + 1):
            for times, kill in ((cut, False), (killed, True)):
                text = f"new {number} {kill}"
                stanza = f"<message from='{BOB}/phone' to='{ALICE}' type='chat' id='m{number}{kill}'><body>{text}</body></message>"
                session = server.session(ALICE)
                before = session.resumptions
                if kill:
                    alice.peer.kill()
                    server.wait(lambda: session.connection is None, "end of the connection")
                    put_by(server, session, stanza)
                    at = now()
                    alice.peer.start()
                    alice.peer.try_login(ALICE, server.password(ALICE))
                else:
                    put_by(server, alice.cut(), stanza)
                    at = alice.come_back()
                alice.peer.receive(text)
                took = now() - at
                assert session.resumptions == before + 1, "the session was not resumed"
                server.wait_session(ALICE)
                server.settle(ALICE)
                if number > 0:
                    times.append(took)
            bare.append(handshake(server))
    middle = statistics.median
    report("resume-first-message", middle(cut) * 1000, "ms", middle(bare) * 1000)
    report("resume-first-message-killed", middle(killed) * 1000, "ms", middle(bare) * 1000)


# -- a hundred contacts --------------------------------------------------------------------------------------

def bench_reconnect():
    """100 contacts instead of 100 rooms, which there are none of yet: from the network's return to all presences, and to online."""
    people = [f"friend{i}@b.test" for i in range(CONTACTS)]
    new, online, resumed, bare = [], [], [], []
    with EvilServer(accounts=(ALICE, *people), friends=[(ALICE, p) for p in people]) as server:
        def populate():
            for person in people:
                session = Session(server.accounts[person], "phone")
                session.available, session.presence = True, f"<presence from='{person}/phone'><show>away</show></presence>"
                server.accounts[person].sessions.append(session)
        server.call(populate)
        with Online(server) as alice:
            for number in range(ROUNDS + 1):
                alice.cut(lose=True)
                after = alice.peer.mark()
                at = alice.come_back()
                alice.peer.wait(lambda o: o.get("event") == "online", "login", after=after)
                came = now() - at
                there, place = set(), [after]

                def all_there():
                    alice.peer.mark()
                    for o in alice.peer.objects[place[0]:]:
                        if o.get("event") == "contact" and o.get("presence") == "away":
                            there.add(o["jid"])
                    place[0] = len(alice.peer.objects)
                    return len(there) == CONTACTS
                wait_for(all_there, "presences", 30, 0.002)
                took = now() - at
                server.wait_session(ALICE)
                server.settle(ALICE)
                alice.cut()
                after = alice.peer.mark()
                at = alice.come_back()
                alice.peer.wait(lambda o: o.get("event") == "online", "resumption", after=after)
                if number > 0:
                    new.append(took)
                    online.append(came)
                    resumed.append(now() - at)
                server.settle(ALICE)
                bare.append(handshake(server))
    middle = statistics.median
    report("reconnect-100", middle(new), "s", middle(bare), below=2)
    report("reconnect-100-online", middle(online), "s", middle(bare))
    report("reconnect-100-resumed", middle(resumed), "s", middle(bare))


# -- the outbox ----------------------------------------------------------------------------------------------

def add_device(server, alice):
    """One of Bob's, with which Alice has a session."""
    device = Attacker(BOB, 4711)

    def publish():
        server.services.publish(BOB, f"{NS}.bundles:4711", device.bundle().xml())
        server.services.publish(BOB, f"{NS}.devicelist", device.list())
    server.call(publish)
    alice.peer.wait_devices(BOB)
    alice.peer.encrypt(BOB)
    alice.peer.wait_state(alice.peer.send(BOB, "the first one"), "sent")


def bare_flush(server, stanzas):
    """Seconds in which the same server takes the same stanzas from somebody who only writes them."""
    with Wire(server, "carol", server.password(CAROL)) as wire:
        data = "".join(stanzas)
        began = now()
        wire.send(data)
        wire.iq("get", "<ping xmlns='urn:xmpp:ping'/>")
        return now() - began


def bench_outbox():
    """Half of what waits is OMEMO for one device, half in plain: from the login to the last stanza at the server, and to the states."""
    last, stored, bare, cost = [], [], [], []
    with EvilServer(accounts=(ALICE, BOB, CAROL), friends=((ALICE, BOB), (ALICE, CAROL))) as server, \
            Online(server) as alice:
        arrived = []
        server.on("message", lambda c, e: arrived.append(now()) if c.account.jid == ALICE else None)
        add_device(server, alice)
        alice.peer.encrypt(CAROL, False)
        for number in range(min(ROUNDS, 3)):
            alice.cut(lose=number % 2 == 1)
            after = alice.peer.mark()
            for i in range(WAITING):
                alice.peer.command("send", CAROL if i % 2 else BOB, f"{number}-{i}: shall we meet at the river at five? Bring the book.")
            waiting = set()

            def told(state, found):
                alice.peer.mark()
                for o in alice.peer.objects[after:]:
                    if o.get("event") in ("message", "state") and o.get("state") == state:
                        found.add(o["id"])
                return len(found) >= WAITING
            wait_for(lambda: told("waiting", waiting), "waiting messages", 120, 0.1)
            arrived.clear()
            alice.opened.clear()
            used = cpu(alice.peer.process.pid)
            alice.come_back()
            sent = set()
            wait_for(lambda: told("sent", sent), "acknowledged messages", 120, 0.005)
            end = now()
            assert sent >= waiting and len(arrived) == WAITING, f"{len(arrived)} of {WAITING} came"
            last.append(arrived[-1] - alice.opened[0])
            stored.append(end - alice.opened[0])
            cost.append(cpu(alice.peer.process.pid) - used)
            raw = bytes(alice.server.session(ALICE).connection.raw).decode()
            stanzas = re.findall(r"<message .*?</message>", raw, re.S)[-WAITING:]
            server.settle(ALICE)
            bare.append(bare_flush(server, stanzas))
    middle = statistics.median
    report("outbox-flush", middle(last), "s", middle(bare))
    report("outbox-flush-acknowledged", middle(stored), "s", middle(bare))
    report("outbox-flush-cpu", middle(cost), "CPU s")


def cpu(pid):
    """Seconds on a processor so far, of all threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


BENCHES = {"outbox": bench_outbox, "resume": bench_resume, "reconnect": bench_reconnect}


def main():
    build, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or list(BENCHES)
    os.environ["TESSERA_PEER"] = os.path.join(build, "tests", "tessera-peer")
    for name in names:
        BENCHES[name]()


if __name__ == "__main__":
    main()
