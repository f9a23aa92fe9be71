#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the window is: tests/bench/bench_window.py BUILD [NAME...], one JSON object a line.

NAMES: start, open, memory, import, key. TESS_BENCH_MESSAGES says how many are missing for `import`. Beside each figure stands the bare limit: an empty window of GTK and libadwaita
(empty-window.c) on the same desktop in the same run, in turn with ours, medians of TESS_BENCH_ROUNDS rounds.
"""

import bisect
import itertools
import json
import os
import random
import re
import sqlite3
import statistics
import sys
import time
import xml.etree.ElementTree as ET

from bench_window_rig import ALICE, BOB, Rig, now, sentence, wait_for
from tess.attacker import BUNDLE_NODE, NS, Attacker
from tess.peer import Peer

ROUNDS = int(os.environ.get("TESS_BENCH_ROUNDS", "7"))
MESSAGES = 100000
FIRST_SECONDS = 10
QUIET = 0.4
IMPORTED = int(os.environ.get("TESS_BENCH_MESSAGES", "100000"))
PAGE = 100
FRIENDS = 20
ENCRYPTED_FRIENDS = 14      # of whom every second one has two devices
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

class Crowd:
    """Those who wrote while this device was away, and Alice's own phone: sessions with all their devices are in the home `letters`."""

    def __init__(self, rig):
        self.rig, self.devices = rig, {}
        bundles = [p for p in rig.server.published if p["jid"] == ALICE and p["node"].startswith(BUNDLE_NODE)]
        self.rid, self.bundle = int(bundles[-1]["node"][len(BUNDLE_NODE):]), bundles[-1]["payload"]
        number = itertools.count(5000)
        self.phone = Attacker(ALICE, next(number))
        for i in range(ENCRYPTED_FRIENDS):
            jid = f"friend{i}@b.test"
            self.devices[jid] = [Attacker(jid, next(number)) for _ in range(i % 2 + 1)]
        rig.copy_home("full", "letters")
        with rig.start("letters"):
            rig.server.wait_session(ALICE)
            rig.server.settle(ALICE)
            for device in [self.phone, *(d for devices in self.devices.values() for d in devices)]:
                self._exchange(device)

    def _exchange(self, device):
        """The first letter begins the session, and the answer settles it."""
        server, own = self.rig.server, device is self.phone
        device.start_session(ALICE, self.rid, self.bundle)
        stanza = self.stanza(device.jid, "friend0@b.test" if own else ALICE, self.letter(device, "the first one"), f"f{device.device}")
        server.deliver(ALICE, stanza, "carbon-sent" if own else "live")

        def answer():
            for message in reversed(server.sent_by(ALICE, "message")):
                encrypted = message.find(f"{{{NS}}}encrypted")
                if encrypted is not None and any(k.get("rid") == str(device.device) for k in encrypted.iter(f"{{{NS}}}key")):
                    return encrypted
            return None
        device.read(ET.tostring(wait_for(answer, f"answer to {device.jid}", 30), "unicode"), ALICE)

    @staticmethod
    def letter(device, text):
        return f"<body>encrypted</body>{device.message(ALICE, text)}<store xmlns='urn:xmpp:hints'/>"

    @staticmethod
    def stanza(sender, to, content, ident):
        return f"<message xmlns='jabber:client' from='{sender}/phone' to='{to}' type='chat' id='{ident}'>{content}</message>"


class Archive:
    """What was missed, which the server gives when it is let: a third with Bob, the others with twenty people; half of it OMEMO. Four of
    ten are Alice's own, from her phone."""

    def __init__(self, rig, crowd, count):
        rng, begin = random.Random(815), time.time() - count
        self.rig, self.count, self.results, self.chats = rig, count, [], {}
        for i in range(count):
            peer = BOB if rng.random() < 0.3 else f"friend{rng.randrange(FRIENDS)}@b.test"
            ours, text = rng.random() < 0.4, f"~{i} {sentence(rng)}"
            devices = crowd.devices.get(peer)
            device = None if devices is None else crowd.phone if ours else rng.choice(devices)
            content = f"<body>{text}</body>" if device is None else crowd.letter(device, text)
            content += f"<stanza-id xmlns='urn:xmpp:sid:0' by='{ALICE}' id='x-{i:08}'/>"
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + i))
            stanza = crowd.stanza(ALICE if ours else peer, peer if ours else ALICE, content, f"m-{i:08x}")
            self.chats.setdefault(peer, []).append(i)
            self.results.append(
                f"<message from='{ALICE}' to='{ALICE}/SESSION'><result xmlns='urn:xmpp:mam:2' queryid='QUERY' id='x-{i:08}'><forwarded "
                f"xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='{stamp}'/>{stanza}</forwarded></result></message>")
        self.all = range(count)

    def close(self):
        """Nobody is let."""
        self.waiting, self.open, self.given, self.asked = [], False, False, []

    def handle(self, connection, element):
        """In the server's thread."""
        self.asked.append(now())
        if not self.open:
            self.waiting.append((connection, element))
            return None
        return self._answer(connection, element)

    def _answer(self, connection, element):
        query = element.find("{urn:xmpp:mam:2}query")
        fields = {f.get("var"): f.findtext("{jabber:x:data}value") for f in query.iter("{jabber:x:data}field")}
        rsm = query.find("{http://jabber.org/protocol/rsm}set")
        after, before = (rsm.find(f"{{http://jabber.org/protocol/rsm}}{name}") for name in ("after", "before"))
        most = min(int(rsm.findtext("{http://jabber.org/protocol/rsm}max")), PAGE)
        chat = self.chats.get(fields["with"], []) if "with" in fields else self.all
        start, end = 0, len(chat)
        if after is not None and after.text:
            start = bisect.bisect_right(chat, int(after.text[2:]))
        if before is not None and before.text:
            end = bisect.bisect_left(chat, int(before.text[2:]))
        if before is not None:
            start = max(start, end - most)
        end = min(end, start + most)
        session = connection.session
        data = "".join(self.results[chat[i]] for i in range(start, end))
        data = data.replace("SESSION", session.full.partition("/")[2]).replace("QUERY", query.get("queryid") or "").encode()
        if session.managed:
            session.sent += end - start
            session.unacked += [b""] * (end - start)
        connection.write(data)
        complete = start == 0 if before is not None else end == len(chat)
        self.given = self.given or (chat is self.all and start == 0)
        ends = f"<first>x-{chat[start]:08}</first><last>x-{chat[end - 1]:08}</last>" if end > start else ""
        return (f"<fin xmlns='urn:xmpp:mam:2'{' complete=' + repr('true') if complete else ''}><set xmlns='http://jabber.org/protocol/rsm'>"
                f"{ends}<count>{len(chat)}</count></set></fin>")

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


def bench_import(rig):
    """With Bob's chat open: from the answer to the first question until all is stored and drawn."""
    stalls, worst, costs, walls, frames, screens, before, after = [], [], [], [], [], [], [], []
    archive = Archive(rig, Crowd(rig), IMPORTED)
    for number in range(min(ROUNDS, 2)):
        home = f"import{number}"
        rig.copy_home("letters", home)
        db = sqlite3.connect(rig.database(home))
        with db:
            db.execute("UPDATE accounts SET archive_id = ''")
        db.close()
        archive.close()
        rig.server.iq_handlers[("set", "urn:xmpp:mam:2")] = archive.handle
        with rig.start(home) as program:
            wait_for(lambda: archive.waiting, "question to the archive", 30, 0.05)
            open_first(rig, program)
            program.sleep_until(FIRST_SECONDS)
            before.append(program.memory()[0])
            at, cost, asked = now(), program.cpu(), len(archive.asked)
            archive.let()
            # The newest page is stored before anything else is asked for; the next frame shows it.
            wait_for(lambda: len(archive.asked) > asked, "next question", 30, 0.01)
            wait_for(lambda: archive.given, "last page", 600, 0.05)
            end = program.idle(QUIET)
            costs.append(program.cpu() - cost)
            walls.append(end - at)
            screens.append(min(f[1] for f in program.events("frame") if f[0] >= archive.asked[asked]) - at)
            during = [s for s in program.events("stall") if at <= s[0] <= end]
            stalls += [s[1] for s in during if s[1] >= 0.001]
            worst.append(max(s[1] for s in during))
            frames += [s[2] for s in during if s[2] >= 0.001]
            time.sleep(QUIET)
            after.append(program.memory()[0])
        del rig.server.iq_handlers[("set", "urn:xmpp:mam:2")]
        assert stored(rig, home) == IMPORTED, f"{stored(rig, home)} of {IMPORTED} are stored"
    middle = statistics.median
    report("import-window-stall-p99", quantile(stalls, 0.99) * 1000, "ms", below=16)
    report("import-window-stall-max", max(worst) * 1000, "ms", below=50)
    report("import-window-stall-cpu-p99", quantile(frames, 0.99) * 1000, "ms")
    report("import-window-stall-cpu-max", max(frames) * 1000, "ms")
    report("import-window-messages", IMPORTED / middle(walls), "messages/s")
    report("import-window-cpu", middle(costs), "CPU s")
    report("first-screen", middle(screens) * 1000, "ms", below=1000)
    report("memory-caught-up", middle(after), "MiB", middle(before), ratio_below=1.2)


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
