#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments while encrypted messages go both ways.

    tests/faults/kill9.py [N] [--server prosody|ejabberd] [--seed SEED]      100 kills on Prosody by default

Two peers write to each other; one of them, chosen anew each time, is killed at a random moment (also while it signs
in and catches up) and started again on the same home, N times. What a peer has said to have taken must in the end
stand in both databases exactly once, decrypted. What it was told but had not confirmed when it died may be in both
or in neither. The result is printed as TAP; the seed that it names repeats the choices, if not the moments.
"""

import argparse
import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from tess import util  # noqa: E402
from tess.peer import Peer  # noqa: E402
from tess.servers import SERVERS  # noqa: E402


class Side:
    """One of the two, with what it was told to send."""

    def __init__(self, server, user, password):
        self.server, self.user, self.password = server, user, password
        self.jid = server.jid(user)
        self.peer = Peer(server, name=user)
        self.other = None
        self.told = []      # texts, in order
        self.cut_logins = 0

    def tell(self, number):
        text = f"{self.user} {number}"
        self.told.append(text)
        self.peer.command("send", self.other.jid, text)

    def taken(self):
        """The texts of which the peer has said that they are stored."""
        self.peer.mark()
        return {o["text"] for o in self.peer.objects if o.get("event") == "message" and o.get("direction") == "out"}

    def kill_and_restart(self, dice):
        """Kills it, and starts it again; sometimes it is killed once more before it is online. Returns the kills."""
        kills = 1
        self.peer.kill()
        self.peer.start()
        while dice.random() < 0.25:
            self.peer.try_login(self.user, self.password)
            time.sleep(dice.uniform(0, 0.4))
            self.peer.kill()
            self.peer.start()
            kills += 1
            self.cut_logins += 1
        self.peer.login(self.user, self.password, seconds=60)
        return kills

    def history(self):
        return self.peer.history(self.other.jid, 1000000)


def storm(alice, bob, kills, seed, progress):
    """Runs the scene until all kills are done."""
    dice = random.Random(seed)
    for side in (alice, bob):
        side.peer.start()
        side.peer.login(side.user, side.password)
    for side in (alice, bob):
        side.peer.wait_devices(side.other.jid)
        side.peer.encrypt(side.other.jid)
    number = done = 0
    while done < kills:
        for _ in range(dice.randint(1, 4)):
            side = dice.choice((alice, bob))
            number += 1
            side.tell(number)
            if dice.random() < 0.5:
                time.sleep(dice.uniform(0, 0.05))
        time.sleep(dice.uniform(0, 0.25))
        done += dice.choice((alice, bob)).kill_and_restart(dice)
        progress(done)
    # A last word of each, so that the end is one that both can see.
    for side in (alice, bob):
        side.peer.send(side.other.jid, f"{side.user} has finished")
        side.told.append(f"{side.user} has finished")


def settle(alice, bob, seconds=120):
    """Waits until both databases hold all that was taken, on both sides; returns the two histories."""
    histories = [[], []]

    def same():
        histories[:] = [alice.history(), bob.history()]
        a, b = ({m["text"] for m in h} for h in histories)
        return a == b and alice.taken() | bob.taken() <= a

    try:
        util.wait_for(same, "agreement of both databases", seconds, 0.5)
    except util.Timeout:
        pass        # the verdict below says what is missing
    return histories


def verdict(alice, bob, histories):
    """(what must hold, list of what breaks it) for each promise."""
    lost, twice, unreadable, foreign, divided = [], [], [], [], []
    told = set(alice.told) | set(bob.told)
    taken = alice.taken() | bob.taken()
    counts = [collections.Counter(m["text"] for m in h) for h in histories]
    for where, history, count in zip(("alice's", "bob's"), histories, counts):
        lost += [f"{text!r} is not in {where} database" for text in sorted(taken - set(count))]
        twice += [f"{text!r} is {n} times in {where} database" for text, n in count.items() if n > 1]
        unreadable += [f"{where}: {m}" for m in history if m.get("encryption") != "omemo"]
        foreign += [f"{where}: {m}" for m in history if m.get("text") not in told]
    for text in sorted((told - taken) & (set(counts[0]) ^ set(counts[1]))):
        divided.append(f"{text!r} was not confirmed, and is in one database only")
    return [("nothing that was taken is lost", lost), ("nothing is there twice", twice),
            ("everything is encrypted", unreadable), ("nothing is undecryptable or unknown", foreign),
            ("what was not confirmed is in both or in neither", divided)]


def main():
    parser = argparse.ArgumentParser(description="kill -9 while encrypted messages go both ways")
    parser.add_argument("kills", nargs="?", type=int, default=100, metavar="N")
    parser.add_argument("--server", choices=sorted(SERVERS), default="prosody")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print("TAP version 13", flush=True)
    print(f"# {options.kills} kills on {options.server}, seed {seed}", flush=True)
    began, last = time.monotonic(), [0]

    def progress(done):
        if done - last[0] >= 10:
            last[0] = done
            print(f"# {done} kills after {time.monotonic() - began:.0f} s", flush=True)

    cases = []
    with SERVERS[options.server](users={"alice": "a-secret", "bob": "b-secret"}, friends=[("alice", "bob")],
                                 offline=False) as server:
        alice, bob = sides = [Side(server, user, server.users[user]) for user in ("alice", "bob")]
        alice.other, bob.other = bob, alice
        try:
            storm(alice, bob, options.kills, seed, progress)
            cases.append((f"{options.kills} kills", []))
            histories = settle(*sides)
            cases += verdict(*sides, histories)
            print(f"# {len(histories[0])} messages, {sum(s.cut_logins for s in sides)} kills during a login", flush=True)
        except AssertionError as failure:
            cases.append(("the peers come back after each kill", str(failure).splitlines()))
        finally:
            for side in sides:
                side.peer.close()
    for number, (name, faults) in enumerate(cases, 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults[:60]:
            print(f"# {fault}")
    print(f"1..{len(cases)}")
    return 1 if any(faults for _name, faults in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
