#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the window is: tests/bench/bench_window.py BUILD [NAME...], one JSON object a line.

NAMES: start, open, memory, import, key. Beside each figure stands the bare limit: an empty window of GTK and libadwaita
(empty-window.c) on the same desktop in the same run, in turn with ours, medians of TESS_BENCH_ROUNDS rounds.
"""

import json
import os
import random
import re
import sqlite3
import statistics
import sys
import threading
import time

from bench_window_rig import ALICE, BOB, Rig, now, sentence, wait_for
from tess.peer import Peer

ROUNDS = int(os.environ.get("TESS_BENCH_ROUNDS", "7"))
MESSAGES = 100000
FIRST_SECONDS = 10
QUIET = 0.4
IMPORTED = 10000
PAGE = 100
DEVICES = 5
SENT = 200


def report(name, value, unit, bare=None, ratio_below=None, below=None, ratio=None):
    """One line; the target is on the ratio or on the value itself."""
    if ratio is None and bare:
        ratio = value / bare
    target = f"ratio < {ratio_below:g}" if ratio_below is not None else f"value < {below:g}" if below is not None else None
    ok = ratio < ratio_below if ratio_below is not None else value < below if below is not None else True

    def short(number):
        return None if number is None else float(f"{number:.4g}")

    print(json.dumps({"name": name, "value": short(value), "unit": unit, "bare": short(bare), "ratio": short(ratio), "target": target,
                      "ok": bool(ok)}), flush=True)


def quantile(values, part):
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(part * 1000) // 1000) - 1)]


# -- from the start ------------------------------------------------------------------------------------------

def bench_start(rig):
    """The first frame, the settled list, and what the first ten seconds cost; the account comes online meanwhile."""
    frames, settled, costs, first_costs = ([], []), [], ([], []), ([], [])
    for number in range(ROUNDS + 1):
        for which, start in enumerate((rig.start_empty, rig.start)):
            before = len(rig.server.connections)
            with start() as program:
                frame = program.wait_frame() - program.started
                first_cost = program.cpu_all()
                if number > 0:      # the first time it all comes from the disk
                    frames[which].append(frame)
                    first_costs[which].append(first_cost)
                    if which:
                        settled.append(program.last_frame(program.started, 0.6) - program.started)
                    if number <= 3:
                        program.sleep_until(FIRST_SECONDS)
                        costs[which].append(program.cpu_all())
                        if which:
                            assert len(rig.server.connections) > before, "the account did not come online"
    middle = statistics.median
    report("window-first-frame", middle(frames[1]) * 1000, "ms", middle(frames[0]) * 1000, ratio_below=1.3)
    report("window-list-settled", middle(settled) * 1000, "ms", middle(frames[0]) * 1000)
    report("window-first-10-s-cpu", middle(costs[1]), "CPU s", middle(costs[0]), below=0.5)


# -- memory --------------------------------------------------------------------------------------------------

def bench_memory(rig):
    """PSS, ten seconds after the start: of nothing, of an account, of an account with many messages; and after scrolling."""
    empty, bare, full, opened, scrolled = [], [], [], [], []
    for _ in range(min(ROUNDS, 3)):
        for values, start in ((empty, rig.start_empty), (bare, lambda: rig.start("bare")), (full, rig.start)):
            with start() as program:
                program.sleep_until(FIRST_SECONDS)
                values.append(program.memory()[0])
                if values is full:
                    open_first(rig, program)
                    opened.append(program.memory()[0])
                    scroll(rig, program)
                    scrolled.append(program.memory()[0])
    middle = statistics.median
    report("memory-idle", middle(bare), "MiB", middle(empty), ratio_below=1.3)
    report("memory-100000-stored", middle(full), "MiB", middle(bare), ratio_below=1.05)
    report("memory-chat-open", middle(opened), "MiB", middle(full))
    report("memory-scrolled-500", middle(scrolled), "MiB", middle(full), ratio_below=1.10)


def open_first(rig, program):
    """Opens the first conversation, Bob's; returns (when the key was pressed, when the picture was settled, CPU seconds)."""
    program.focus()
    before = program.cpu()
    at = rig.keys.press("Alt_L", "Down")
    end = program.last_frame(at, QUIET)
    assert end > at, "no chat was opened"
    return at, end, program.cpu() - before


def scroll(rig, program):
    """Backwards through 500 messages and more. About ten rows are on a page of the window."""
    for _ in range(75):
        at = rig.keys.press("Prior")
        program.last_frame(at, 0.06)
    program.last_frame(now(), QUIET)


# -- a long chat ---------------------------------------------------------------------------------------------

def bench_open(rig):
    """From the key to the last frame, the first time after a start and then from chat to chat."""
    first, first_cost, later, later_cost = [], [], [], []
    for _ in range(min(ROUNDS, 5)):
        with rig.start() as program:
            program.last_frame(program.wait_frame(), 0.6)
            at, end, cost = open_first(rig, program)
            first.append(end - at)
            first_cost.append(cost)
            for _turn in range(3):
                program.last_frame(rig.keys.press("Alt_L", "Down"), QUIET)
                before = program.cpu()
                at = rig.keys.press("Alt_L", "Up")
                end = program.last_frame(at, QUIET)
                later.append(end - at)
                later_cost.append(program.cpu() - before)
    middle = statistics.median
    report("open-chat-first", middle(first) * 1000, "ms", below=100)
    report("open-chat-first-cpu", middle(first_cost), "CPU s", below=0.1)
    report("open-chat", middle(later) * 1000, "ms", below=100)
    report("open-chat-cpu", middle(later_cost), "CPU s", below=0.1)


# -- an archive while the window is open ---------------------------------------------------------------------

class Archive:
    """Ten thousand messages that the server gives when it is let: eight of ten with Bob, the others with twenty people."""

    def __init__(self, rig):
        rng, begin = random.Random(815), time.time() - IMPORTED
        self.rig, self.stanzas, self.waiting, self.open, self.given = rig, [], [], False, False
        for i in range(IMPORTED):
            peer = BOB if i % 5 else f"friend{i // 5 % 20}@b.test"
            ours = rng.random() < 0.4
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + i))
            self.stanzas.append(
                f"<message from='{ALICE}' to='{ALICE}/SESSION'><result xmlns='urn:xmpp:mam:2' queryid='QUERY' id='x-{i:08}'><forwarded "
                f"xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='{stamp}'/><message xmlns='jabber:client' "
                f"from='{ALICE if ours else peer}/phone' to='{peer if ours else ALICE}' type='chat' id='m-{i:08x}'><body>~{i} "
                f"{sentence(rng)}</body><stanza-id xmlns='urn:xmpp:sid:0' by='{ALICE}' id='x-{i:08}'/></message></forwarded></result>"
                f"</message>")

    def handle(self, connection, element):
        """In the server's thread."""
        if not self.open:
            self.waiting.append((connection, element))
            return None
        return self._answer(connection, element)

    def _answer(self, connection, element):
        query = element.find("{urn:xmpp:mam:2}query")
        rsm = query.find("{http://jabber.org/protocol/rsm}set")
        after = rsm.find("{http://jabber.org/protocol/rsm}after")
        before = rsm.find("{http://jabber.org/protocol/rsm}before")
        most = min(int(rsm.find("{http://jabber.org/protocol/rsm}max").text), PAGE)
        start = int(after.text[2:]) + 1 if after is not None and after.text else IMPORTED - most if before is not None else 0
        page, session = self.stanzas[start:start + most], connection.session
        data = [text.replace("SESSION", session.full.partition("/")[2]).replace("QUERY", query.get("queryid") or "").encode()
                for text in page]
        if session.managed:
            session.sent += len(data)
            session.unacked += data
        connection.write(b"".join(data))
        self.given = self.given or start + most >= IMPORTED
        complete = " complete='true'" if start + most >= IMPORTED else ""
        return (f"<fin xmlns='urn:xmpp:mam:2'{complete}><set xmlns='http://jabber.org/protocol/rsm'><first>x-{start:08}</first>"
                f"<last>x-{start + len(page) - 1:08}</last></set></fin>")

    def let(self):
        """Answers what has been asked, and all that will be."""
        def go():
            self.open = True
            for connection, element in self.waiting:
                if not connection.ended and connection.session is not None:
                    payload = self._answer(connection, element)
                    connection.session.send(f"<iq type='result' id='{element.get('id')}' from='{ALICE}' "
                                            f"to='{connection.session.full}'>{payload}</iq>")
            self.waiting = []
        self.rig.server.call(go)


def stored(rig, home):
    """The program has ended: it lets nobody else read."""
    db = sqlite3.connect(f"file:{rig.database(home)}?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM messages WHERE archive_id LIKE 'x-%'").fetchone()[0]
    finally:
        db.close()


def spin(stop, found):
    """What the machine takes away from a thread that only looks at the clock."""
    last = longest = now()
    longest = 0.0
    while not stop.is_set():
        at = now()
        longest, last = max(longest, at - last), at
    found.append(longest)


def bench_import(rig):
    stalls, worst, costs, walls, frames = [], [], [], [], []
    for number in range(min(ROUNDS, 3)):
        home = f"import{number}"
        rig.copy_home("full", home)
        db = sqlite3.connect(rig.database(home))
        with db:
            db.execute("UPDATE accounts SET archive_id = ''")
        db.close()
        archive = Archive(rig)
        rig.server.iq_handlers[("set", "urn:xmpp:mam:2")] = archive.handle
        with rig.start(home) as program:
            wait_for(lambda: archive.waiting, "question to the archive", 30, 0.05)
            open_first(rig, program)
            at, cost = now(), program.cpu()
            archive.let()
            wait_for(lambda: archive.given, "last page", 120, 0.02)
            end = program.idle(QUIET)
            costs.append(program.cpu() - cost)
            walls.append(end - at)
            during = [s for s in program.events("stall") if s[0] >= at]
            stalls += [s[1] for s in during if s[1] >= 0.001]
            worst.append(max(s[1] for s in during))
            frames += [s[2] for s in during if s[2] >= 0.001]
        del rig.server.iq_handlers[("set", "urn:xmpp:mam:2")]
        assert stored(rig, home) == IMPORTED, "not all was stored"
    report("import-window-stall-p99", quantile(stalls, 0.99) * 1000, "ms", below=16)
    report("import-window-stall-max", max(worst) * 1000, "ms", below=50)
    report("import-window-stall-cpu-p99", quantile(frames, 0.99) * 1000, "ms")
    report("import-window-stall-cpu-max", max(frames) * 1000, "ms")
    report("import-window-messages", IMPORTED / statistics.median(walls), "messages/s")
    report("import-window-cpu", statistics.median(costs), "CPU s")


# -- a key ---------------------------------------------------------------------------------------------------

def bench_key(rig):
    """From Return in the composer to the bytes on the socket, for a person with five devices."""
    peers = []
    try:
        for number in range(DEVICES):
            peer = Peer(rig.server, name=f"bob{number}")
            peers.append(peer)
            peer.start()
            peer.login(BOB, rig.server.password(BOB))
        wait_for(lambda: len(set(re.findall(r"device id=['\"](\d+)", str(rig.server.published[-1])))) >= 1, "devices", 30)
        rig.copy_home("full", "key")
        times = []
        with rig.start("key") as program:
            program.last_frame(program.wait_frame(), 0.6)
            open_first(rig, program)
            time.sleep(3)
            before = len(rig.server.sent_by(ALICE, "message"))
            for number in range(SENT + 10):
                for key in "hello":
                    rig.keys.press(key)
                program.last_frame(now(), 0.05)
                at = rig.keys.press("Return")
                found = wait_for(lambda: [t for t, size in program.events("send") if t >= at and size > 900], "message on the wire", 20,
                                 0.02)
                if number >= 10:    # the first ones build the sessions
                    times.append(found[0] - at)
            sent = rig.server.sent_by(ALICE, "message")[before:]
            keys = [len(m.findall(".//{eu.siacs.conversations.axolotl}key")) for m in sent]
            assert sorted(keys)[-SENT] >= DEVICES, f"encrypted to {keys[-5:]} devices"
    finally:
        for peer in peers:
            peer.close()
    report("key-to-wire-p50", quantile(times, 0.5) * 1000, "ms")
    report("key-to-wire-p99", quantile(times, 0.99) * 1000, "ms", below=10)


BENCHES = {"start": bench_start, "open": bench_open, "memory": bench_memory, "import": bench_import, "key": bench_key}


def main():
    build, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or list(BENCHES)
    try:
        # What is measured goes before what else this machine does; both sides inherit it.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError:
        print("bench_window.py: other programs may disturb the measurement", file=sys.stderr)
    with Rig(build, MESSAGES) as rig:
        for name in names:
            BENCHES[name](rig)


if __name__ == "__main__":
    main()
