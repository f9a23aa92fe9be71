#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that jump while encrypted messages go both ways.

    tests/faults/clock.py [N] [--server prosody|ejabberd] [--seed SEED]      100 jumps on Prosody by default

Each of two peers has a clock of its own (libfaketime, told by a file that it reads again and again; the monotonic clock goes on as
it does on a machine that is awake). Each time one of the two, or both:

    jumps       to a time up to ten years away, forwards or backwards, while it is online; perhaps its connection is cut then
    starts      with such a clock, after a kill -9
    sleeps      for hours: it is stopped (SIGSTOP), its connection dies without a word, the other goes on writing, its clock goes on
                by hours, and it continues (SIGCONT); it hears of the network as after a sleep

or its clock is set right. The servers' clocks are right all the time, and their certificates are good for a century.
"""

import atexit
import collections
import datetime
import os
import signal
import sys

from storm import Side, Storm, main
from tess import util
from tess.certs import Authority
from tess.rough_proxy import RoughProxy

YEARS = 10
HOUR, YEAR = 3600, 365 * 86400
# The certificates must be good whatever a clock says.
SINCE = datetime.date(2000, 1, 1)


class Clock:
    """A clock that can be set, for one process."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        self.offset = 0
        self.set(0)

    def set(self, offset):
        """By so many seconds from the right time."""
        self.offset = offset
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write(f"{offset:+d}\n")
        os.replace(self.path + ".new", self.path)

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.offset)

    def env(self):
        return {"LD_PRELOAD": util.faketime_library(), "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


class Clocks(Storm):
    title = "clocks that jump"
    unit = "jumps"
    server_options = {"ejabberd": {"says_time": True}}

    def __init__(self, server, dice):
        super().__init__(server, dice)
        self.count = collections.Counter()
        self.folder = util.temp_dir("clocks")
        self.clocks = {}

    @classmethod
    def make_server(cls, server):
        folder = util.temp_dir("clock-ca")
        atexit.register(util.remove_dir, folder)
        return super().make_server(server, authority=Authority(folder, since=SINCE, days=36500), cert_days=36400)

    def make_side(self, user):
        folder = os.path.join(self.folder, user)
        os.makedirs(folder)
        self.clocks[user] = Clock(folder)
        return Side(self.server, user, wire=RoughProxy(self.server.port), env=self.clocks[user].env())

    def close(self):
        super().close()
        for side in self.sides:
            side.wire.close()
        util.remove_dir(self.folder)

    def figures(self):
        return {"jumps": dict(sorted(self.count.items()))}

    def strike(self):
        sides = self.sides if self.dice.random() < 0.2 else [self.dice.choice(self.sides)]
        way = self.dice.choice((self.jumps, self.jumps, self.starts, self.sleeps, self.set_right))
        self.count[way.__name__] += len(sides)
        for side in sides:
            way(side)
        self.write()
        return len(sides)

    def jump(self, side):
        self.clocks[side.user].set(self.dice.choice((-1, 1)) * self.dice.choice((self.dice.randint(1, 7 * 86400),
                                                                              self.dice.randint(YEAR, YEARS * YEAR))))

    def jumps(self, side):
        after = side.peer.mark()
        self.jump(side)
        self.write()
        if self.dice.random() < 0.5 and side.wire.cut():
            self.write(2)
            side.wait_online(after)

    def set_right(self, side):
        self.clocks[side.user].set(0)
        self.write()

    def starts(self, side):
        side.peer.kill()
        side.killed += 1
        self.jump(side)
        side.other.tell(f"{self.number} meanwhile")
        side.peer.start()
        side.login()
        # That this clock is the peer's: else nothing here would prove anything.
        security = util.wait_for(lambda: side.peer.ask("security", side.jid)["security"], f"how {side.jid} is connected", 60)
        since = datetime.datetime.fromisoformat(security["since"])
        shown = self.clocks[side.user].now()
        if abs((since - shown).total_seconds()) > HOUR:
            raise AssertionError(f"the clock of {side.user} shows {since} instead of {shown}")

    def sleeps(self, side):
        after = side.peer.mark()
        os.kill(side.peer.process.pid, signal.SIGSTOP)
        try:
            # Sometimes the server hears of it, sometimes it goes on for long to write to somebody who is not there.
            side.wire.drop("client" if self.dice.random() < 0.5 else "server")
            for n in range(self.dice.randint(1, 5)):
                side.other.tell(f"{self.number} in the night {n}")
            self.clocks[side.user].set(self.clocks[side.user].offset + self.dice.randint(1, 14) * HOUR)
        finally:
            os.kill(side.peer.process.pid, signal.SIGCONT)
        side.wait_online(after)


if __name__ == "__main__":
    sys.exit(main(Clocks))
