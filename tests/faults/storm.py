# SPDX-License-Identifier: GPL-3.0-or-later
"""What the storms of this folder share: two people who write to each other in bad weather, and the judgement afterwards.

A storm is a subclass of Storm with a strike(); main() runs it and prints TAP. What must hold in the end:

- what a peer has said to have taken stands in both databases, exactly once, decrypted ("lost", "doubled", "undecryptable");
- in each database the messages of one sender stand in the order in which that sender was told to write them ("reordered").

What a peer was told and had not confirmed when it was killed may be in both databases or in neither. What the sender holds for
sent, and the archive of the other side does not have, is the server's own loss, of two kinds: "halved by the server" is what it has
put into the sender's archive and had not yet put into the other's when it was killed; "forgotten by the server" is what it has
nowhere any more. Each is a failure, but where a storm says that its server does that.
"""

import argparse
import bisect
import collections
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from tess import util  # noqa: E402
from tess.peer import Peer  # noqa: E402
from tess.servers import SERVERS  # noqa: E402
from tess.wire import Wire  # noqa: E402

ALL = 1000000
# Which order both databases are held to: "none", "sender" (that of the words of each sender) or "archive" (that, and the order of the
# account's archive). The figures tell all of it in any case.
ORDERS = ("none", "sender", "archive")
ORDER = "archive"


class Side:
    """One of the two, with what it was told to send. @wire: what it connects through, instead of the server itself."""

    def __init__(self, server, user, wire=None, env=None):
        self.server, self.user, self.password = server, user, server.users[user]
        self.jid = server.jid(user)
        self.wire = wire
        self.peer = Peer(server, name=user, env=env)
        self.other = None
        self.told = []      # texts, in order
        self.killed = 0
        self.cut_logins = 0

    @property
    def port(self):
        return self.wire.port if self.wire else None

    def tell(self, number):
        text = f"{self.user} {number}"
        self.told.append(text)
        self.peer.command("send", self.other.jid, text)

    def _own(self):
        self.peer.mark()
        return [o for o in self.peer.objects if o.get("event") == "message" and o.get("direction") == "out"]

    def taken(self):
        """text -> id of those of which the peer has said that they are stored."""
        return {o["text"]: o["id"] for o in self._own()}

    def told_id(self, text):
        """The id of a message of either."""
        return self.taken().get(text) or self.other.taken().get(text)

    def promised(self):
        """What may not be lost: nobody who was never killed has an excuse."""
        return set(self.taken()) if self.killed else set(self.told)

    def acknowledged(self):
        """The ids of those of which the peer has said that the server has them."""
        self.peer.mark()
        return {o["id"] for o in self.peer.objects if o.get("state") in ("sent", "delivered", "read")}

    def way(self, text):
        """What it said of one of its messages, and of its connection meanwhile, in words."""
        ident = self.taken().get(text)
        words, seen = [], False
        for o in self.peer.objects:
            about = o.get("event") in ("message", "state") and o.get("id") == ident
            seen = seen or about
            if about or (seen and o.get("event") in ("online", "offline")):
                words.append(o.get("state") or o["event"] + (" (resumed)" if o.get("resumed") else ""))
        return ", ".join(words[:12])

    # -- its connection --------------------------------------------------------------------------------------

    def login(self, seconds=60):
        self.peer.login(self.user, self.password, port=self.port, seconds=seconds)

    def is_online(self):
        """By the last that it said of it."""
        self.peer.mark()
        for o in reversed(self.peer.objects):
            if o.get("event") in ("online", "offline") and o.get("account") == self.jid:
                return o["event"] == "online"
        return False

    def wait_online(self, after, seconds=90):
        """The first connection behind the mark @after. It is told of the network, so that no pause between attempts is sat out."""
        self.peer.command("network", "on")
        return self.peer.wait(lambda o: o.get("event") == "online" and o.get("account") == self.jid,
                              f"reconnection of {self.jid}", seconds, after)

    def wait_sent(self, seconds=60):
        """Until the server has what it was told last."""
        event = self.peer.wait({"event": "message", "direction": "out", "text": self.told[-1]}, "word of the last message", seconds)
        self.peer.wait_state(event["id"], "sent", seconds)

    def kill_and_restart(self, dice):
        """Kills it, and starts it again; sometimes it is killed once more before it is online. Returns the kills."""
        kills = 1
        self.peer.kill()
        self.peer.start()
        while dice.random() < 0.25:
            self.peer.try_login(self.user, self.password, port=self.port)
            time.sleep(dice.uniform(0, 0.4))
            self.peer.kill()
            self.peer.start()
            kills += 1
            self.cut_logins += 1
        self.killed += kills
        self.login()
        return kills

    # -- what is held ----------------------------------------------------------------------------------------

    def history(self):
        return self.peer.history(self.other.jid, ALL)

    def is_published(self):
        """Whether the server has its device list, and the keys of each device."""
        with Wire(self.server, self.user, self.password) as wire:
            devices = wire.device_list()
            return devices and all(wire.bundle(device) is not None for device in devices)

    def archive(self):
        """The ids of the messages in the account's archive, in its order."""
        with Wire(self.server, self.user, self.password) as wire:
            return [m.get("id") for m in wire.archive() if m is not None and m.get("id")]


class Storm:
    """Two sides and a server. A subclass says what happens to them."""

    title = None            # what happens, for the first line
    unit = "faults"
    usual = 100             # how many by default
    server_options = {}
    server_loses = ()       # which of "halved" and "forgotten" the server does by itself
    order = ORDER

    def __init__(self, server, dice):
        self.server, self.dice, self.number = server, dice, 0
        self.sides = []

    @classmethod
    def make_server(cls, server, **more):
        return server(users={"alice": "a-secret", "bob": "b-secret"}, friends=[("alice", "bob")], offline=False,
                      **cls.server_options.get(server.kind, {}), **more)

    # -- for subclasses --------------------------------------------------------------------------------------

    def make_side(self, user):
        return Side(self.server, user)

    def begin(self):
        """Once both are online and know each other."""

    def strike(self):
        """Something happens, while both write. Returns how many of @unit it was."""
        raise NotImplementedError

    def calm(self):
        """Everything is well again, and both are online; then come the last words."""

    def figures(self):
        """More to tell at the end."""
        return {}

    def close(self):
        for side in self.sides:
            side.peer.close()

    # -- the scene -------------------------------------------------------------------------------------------

    def open(self):
        for user in ("alice", "bob"):
            self.sides.append(self.make_side(user))
        self.alice, self.bob = self.sides
        self.alice.other, self.bob.other = self.bob, self.alice
        for side in self.sides:
            side.peer.start()
            side.login()
            # One after the other: of two who publish at the same moment for the first time ejabberd refuses one now and then.
            util.wait_for(side.is_published, f"published device of {side.jid}", 40, 0.2)
        for side in self.sides:
            side.peer.wait_devices(side.other.jid)
            side.peer.encrypt(side.other.jid)
        self.begin()

    def write(self, most=4):
        """A few words of either, quickly or with a breath between."""
        for _ in range(self.dice.randint(1, most)):
            self.number += 1
            self.dice.choice(self.sides).tell(self.number)
            if self.dice.random() < 0.5:
                time.sleep(self.dice.uniform(0, 0.05))

    def write_for(self, seconds):
        """Words for about so long."""
        end = time.monotonic() + seconds
        while True:
            self.write(2)
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, self.dice.uniform(0.02, 0.25)))

    def rage(self, count, progress):
        done = 0
        while done < count:
            self.write()
            time.sleep(self.dice.uniform(0, 0.25))
            done += self.strike()
            progress(done)
        self.calm()
        # A last word of each, so that the end is one that both can see.
        for side in self.sides:
            side.told.append(f"{side.user} has finished")
            side.peer.send(side.other.jid, f"{side.user} has finished")

    def settle(self, order, seconds=120):
        """Waits until both databases hold all that was promised, in that @order; what only the server could still give is not waited
        for. Returns the two histories."""
        histories = [[], []]
        began = looked = time.monotonic()
        # Thousands of messages are not looked at all the time: what is waited for needs the processor, too.
        step = max(0.5, sum(len(side.told) for side in self.sides) / 1000)

        def settled():
            nonlocal looked
            histories[:] = [side.history() for side in self.sides]
            promised = set().union(*(side.promised() for side in self.sides))
            held = [{m["text"] for m in h} for h in histories]
            if held[0] == held[1] and promised <= held[0]:
                # Some seconds after a session was lost, or messages have crossed, the archive is looked at: that mends the order.
                return self.in_order(histories, order) or time.monotonic() - began > 20 * util.SLOW
            if time.monotonic() - began < 8 * util.SLOW or time.monotonic() - looked < 5:
                return False
            looked = time.monotonic()
            lost = self.lost_by_server(histories)
            return all(promised <= h.union(*l) for h, l in zip(held, lost))

        try:
            util.wait_for(settled, "agreement of both databases", seconds, step)
        except util.Timeout:
            pass        # the verdict says what is missing
        return histories

    def in_order(self, histories, order):
        if any(out_of_order([m["text"] for m in history], sender.told)[0] for history in histories for sender in self.sides):
            return False
        return order != "archive" or not any(out_of_order([m["id"] for m in history], side.archive())[0]
                                             for side, history in zip(self.sides, histories))

    def lost_by_server(self, histories):
        """For each side (the halved, the forgotten): texts that are not in its database, that the other side holds for sent, and
        that are not in its archive."""
        found = []
        for side, history in zip(self.sides, histories):
            held = {m["id"] for m in history}
            acknowledged, taken = side.other.acknowledged(), side.other.taken()
            missing = {text for text, ident in taken.items() if ident in acknowledged and ident not in held}
            archive = set(side.archive()) if missing else set()
            missing = {text for text in missing if taken[text] not in archive}
            kept = set(side.other.archive()) if missing else set()
            halved = {text for text in missing if taken[text] in kept}
            found.append((halved, missing - halved))
        return found


# ---- The judgement ----

def displaced(places):
    """How few of @places must be taken out so that the others ascend."""
    tails = []
    for place in places:
        at = bisect.bisect_left(tails, place)
        tails[at:at + 1] = [place]
    return len(places) - len(tails)


def out_of_order(held, order):
    """How many of @held are not where @order has them, and the first neighbours that are the wrong way round. What only
    one of the two knows, and what comes again, is left out."""
    rank = {}
    for item in order:
        rank.setdefault(item, len(rank))
    known = list(dict.fromkeys(item for item in held if item in rank))
    wrong = [(a, b) for a, b in zip(known, known[1:]) if rank[a] > rank[b]]
    return displaced([rank[item] for item in known]), wrong[:3]


def verdict(storm, histories, order):
    """(the cases, each with what breaks it; the figures)"""
    lost, doubled, reordered, unreadable, foreign, divided, archived = [], [], [], [], [], [], []
    halved, forgotten = [], []
    moved = moved_in_archive = 0
    told = {text for side in storm.sides for text in side.told}
    promised = set().union(*(side.promised() for side in storm.sides))
    texts = [[m["text"] for m in h] for h in histories]
    for side, history, held, gone in zip(storm.sides, histories, texts, storm.lost_by_server(histories)):
        where = f"{side.user}'s database"
        missing = promised - set(held)
        places = {ident: place for place, ident in enumerate(side.archive())}
        lost += [f"{text!r} is not in {where}; place in the archive: {places.get(side.told_id(text))}; the sender said: "
                 f"{side.way(text) or side.other.way(text)}" for text in sorted(missing.difference(*gone))]
        halved += [f"{text!r} is not in {where}, and in the sender's archive only; the sender said: {side.other.way(text)}"
                   for text in sorted(missing & gone[0])]
        forgotten += [f"{text!r} is not in {where}, and in no archive; the sender said: {side.other.way(text)}"
                      for text in sorted(missing & gone[1])]
        doubled += [f"{text!r} is {n} times in {where}" for text, n in collections.Counter(held).items() if n > 1]
        unreadable += [f"{where}: {m}" for m in history if m.get("encryption") != "omemo" or m["text"] is None]
        foreign += [f"{where}: {m}" for m in history if m["text"] is not None and m["text"] not in told]
        times = {m["text"]: (m["time"], places.get(m["id"])) for m in history}
        for sender in storm.sides:
            count, wrong = out_of_order(held, sender.told)
            moved += count
            reordered += [f"{where}: {a!r} stands before {b!r}; time and place in the archive: {times[a]}, {times[b]}"
                          for a, b in wrong]
        count, wrong = out_of_order([m["id"] for m in history], places)
        moved_in_archive += count
        names = {m["id"]: m["text"] for m in history}
        archived += [f"{where}: {names[a]!r} stands before {names[b]!r}, and behind it in the archive" for a, b in wrong]
    for text in sorted((told - promised) & (set(texts[0]) ^ set(texts[1]))):
        divided.append(f"{text!r} was not confirmed, and is in one database only")
    figures = {"lost": len(lost), "doubled": len(doubled), "reordered": moved, "undecryptable": len(unreadable),
               "halved by the server": len(halved), "forgotten by the server": len(forgotten), "out of the archive's order": moved_in_archive,
               "messages": [len(h) for h in histories]}
    for kind, faults in (("halved", halved), ("forgotten", forgotten)):
        if kind in storm.server_loses:
            print(*(f"# {fault}" for fault in faults[:5]), sep="\n", end="\n" if faults else "")
    cases = [("nothing that was taken is lost", lost), ("nothing is there twice", doubled),
             ("everything is decrypted", unreadable),
             ("nothing is there that nobody wrote", foreign), ("what was not confirmed is in both or in neither", divided)]
    if "halved" not in storm.server_loses:
        cases.append(("nothing is halved by the server", halved))
    if "forgotten" not in storm.server_loses:
        cases.append(("nothing is forgotten by the server", forgotten))
    if order != "none":
        cases.append(("everything of one sender is in order", reordered))
    if order == "archive":
        cases.append(("everything is in the archive's order", archived))
    return cases, figures


def evidence(storm):
    """What each side says of what it could not send."""
    found = []
    for side in storm.sides:
        try:
            found += [f"{side.user}'s outbox: {m}" for m in side.peer.ask("outbox")["messages"]]
        except AssertionError as failure:
            found += str(failure).splitlines()[:3]
    return found[:20]


# ---- The program ----

def main(kind):
    """Runs a storm of @kind, a subclass of Storm, as the words of the command say. Returns the exit code."""
    parser = argparse.ArgumentParser(description=kind.title + " while encrypted messages go both ways")
    parser.add_argument("count", nargs="?", type=int, default=kind.usual, metavar="N")
    parser.add_argument("--server", choices=sorted(SERVERS), default="prosody")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--order", choices=ORDERS, default=kind.order, help="which order both databases are held to")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print("TAP version 13", flush=True)
    print(f"# {kind.title}: {options.count} {kind.unit} on {options.server}, seed {seed}", flush=True)
    began, last = time.monotonic(), [0]

    def progress(done):
        if done - last[0] >= 10:
            last[0] = done
            print(f"# {done} {kind.unit} after {time.monotonic() - began:.0f} s", flush=True)

    cases = []
    with kind.make_server(SERVERS[options.server]) as server:
        storm = kind(server, random.Random(seed))
        try:
            storm.open()
            storm.rage(options.count, progress)
            cases.append((f"{options.count} {kind.unit}", []))
            judged, figures = verdict(storm, storm.settle(options.order), options.order)
            print(f"# {json.dumps(dict(figures, **storm.figures(), seed=seed))}", flush=True)
            if any(faults for _name, faults in judged):
                judged.append(("what was left", evidence(storm)))
            cases += judged
        except AssertionError as failure:
            cases.append((f"the peers come through {kind.title}", str(failure).splitlines()))
        finally:
            storm.close()
    for number, (name, faults) in enumerate(cases, 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults[:60]:
            print(f"# {fault}")
    print(f"1..{len(cases)}")
    return 1 if any(faults for _name, faults in cases) else 0
