#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad network while encrypted messages go both ways.

    tests/faults/network.py [N] [--server prosody|ejabberd] [--seed SEED]      100 faults on Prosody by default

Each of two peers has a wire of its own, in a process of its own. A fault befalls one of them, or both at once, for a
random time, also while a peer signs in and catches up:

    cut         the connection is reset, perhaps several times, perhaps with nothing to connect to for a while
    half-open   nothing passes and nothing is closed; then it is dropped at one end only, which the other end never hears,
                or it goes on
    delayed     50 to 300 ms each way
    throttled   2 KB/s
    one-way     bytes pass only up, or only down; then it is cut
    sliced      each byte in a write of its own

Where it is the client that hears nothing any more, it has to find that by itself: it is only told, as the desktop would
tell it, that the network has changed. What must hold afterwards is in storm.py.
"""

import collections
import sys

from storm import Side, Storm, main
from tess.rough_proxy import DOWN, UP, RoughProxy


class Network(Storm):
    title = "a bad network"
    unit = "faults"
    # So short that some connections come back as the session that they were, and others as a new one.
    server_options = {"prosody": {"smacks_seconds": 1}, "ejabberd": {"resume_seconds": 1}}

    def __init__(self, server, dice):
        super().__init__(server, dice)
        self.count = collections.Counter()

    def make_side(self, user):
        return Side(self.server, user, wire=RoughProxy(self.server.port))

    def close(self):
        super().close()
        for side in self.sides:
            side.wire.close()

    def figures(self):
        resumed = [o["resumed"] for side in self.sides for o in side.peer.objects if o.get("event") == "online"]
        return {"faults": dict(sorted(self.count.items())), "resumed": resumed.count(True), "new": resumed.count(False)}

    def strike(self):
        sides = self.sides if self.dice.random() < 0.2 else [self.dice.choice(self.sides)]
        marks = [side.peer.mark() for side in sides]
        fault = self.dice.choice((self.cut, self.half_open, self.delayed, self.throttled, self.one_way, self.sliced))
        self.count[fault.__name__] += len(sides)
        lost = fault(sides)
        # Sometimes the next one befalls it before it has come back.
        if self.dice.random() < 0.8:
            self.heal(sides, marks, lost)
        return len(sides)

    def heal(self, sides, marks, lost):
        for side in sides:
            side.wire.clear()
        for side, mark in zip(sides, marks):
            if side in lost or not side.is_online():
                side.wait_online(mark)

    def calm(self):
        for side in self.sides:
            side.wire.clear()
        for side in self.sides:
            # A connection that is dead at its end only looks alive: it is probed, and what follows is answered on a live one.
            side.peer.command("network", "on")
        for side in self.sides:
            if not side.is_online():
                side.wait_online(side.peer.mark())

    # -- the faults; each returns the sides that have lost a connection ---------------------------------------

    def cut(self, sides):
        lost = set()
        for _ in range(self.dice.choice((1, 1, 1, 2))):
            refused = self.dice.random() < 0.4
            for side in sides:
                side.wire.refuse(refused)
                if side.wire.cut():
                    lost.add(side)
            self.write_for(self.dice.uniform(0, 2) if refused else self.dice.uniform(0, 0.4))
        return lost

    def half_open(self, sides):
        for side in sides:
            side.wire.both(flows=False)
        self.write_for(self.dice.uniform(0, 1.0))
        lost, end = set(), self.dice.choice(("client", "client", "server", "neither"))
        for side in sides:
            if end != "neither" and side.wire.drop(end):
                lost.add(side)
            side.wire.clear()
        self.write_for(self.dice.uniform(0, 0.3))
        return lost

    def delayed(self, sides):
        for side in sides:
            side.wire.both(delay=self.dice.uniform(0.05, 0.3))
        self.write_for(self.dice.uniform(0.3, 1.2))
        return self.perhaps_cut(sides)

    def throttled(self, sides):
        for side in sides:
            side.wire.both(rate=2048)
        self.write_for(self.dice.uniform(0.3, 1.2))
        return self.perhaps_cut(sides)

    def sliced(self, sides):
        for side in sides:
            side.wire.both(sliced=True)
        self.write_for(self.dice.uniform(0.3, 1.2))
        return self.perhaps_cut(sides)

    def one_way(self, sides):
        lost = set()
        for side in sides:
            side.wire.shape(self.dice.choice((UP, DOWN)), flows=False)
        self.write_for(self.dice.uniform(0.1, 0.8))
        for side in sides:
            if side.wire.cut():
                lost.add(side)
            side.wire.clear()
        return lost

    def perhaps_cut(self, sides):
        """In the middle of it, and then it goes on a little, so that a login meets it too."""
        lost = set()
        if self.dice.random() < 0.4:
            lost = {side for side in sides if side.wire.cut()}
            self.write_for(self.dice.uniform(0.1, 0.6))
        return lost


if __name__ == "__main__":
    sys.exit(main(Network))
