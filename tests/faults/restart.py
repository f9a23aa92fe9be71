#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server goes and comes back while encrypted messages go both ways.

    tests/faults/restart.py [N] [--server prosody|ejabberd] [--seed SEED]      100 restarts on Prosody by default

Each time it is killed (kill -9), or stopped in order, or stopped and robbed of what it kept of the sessions, while both write;
sometimes one of the two has lost its connection just before, so that the server still holds something for it. What the two can do
(XEP-0198):

- Prosody has the sessions in its memory. Stopped in order it hands out what it had not delivered, and writes down how much it
  has handled of each client: the next login hears that instead of a resumption. Killed it writes down nothing.
- ejabberd has them in its memory, too, and writes down nothing; stopped in order it says so to its clients.

Neither acknowledges a message before it is in the archive: so that this holds for ejabberd too, its archive is in SQLite here (in
its own database one kill in six takes messages along that it had acknowledged). But a message goes into the sender's archive first
and into the other's a little later, and the end can come between: a kill of either, and with ejabberd an orderly stop, in which it
still takes messages for a quarter of a second and passes none on. Then the sender finds in the archive what nobody else ever gets,
and holds it for sent. That is counted by itself ("halved by the server", see storm.py), and is a failure only where the server has
no such excuse.
"""

import collections
import sys

from storm import Storm, main


class Restart(Storm):
    title = "a server that restarts"
    unit = "restarts"
    server_options = {"ejabberd": {"durable": True}}

    def __init__(self, server, dice):
        super().__init__(server, dice)
        self.count = collections.Counter()

    @property
    def server_loses(self):
        return ("halved",) if self.count["killed"] or self.server.kind == "ejabberd" else ()

    def figures(self):
        return {"restarts": dict(sorted(self.count.items()))}

    def begin(self):
        # What is made once (device lists, bundles, sessions) is on disk before the first kill. ejabberd keeps it in memory for
        # minutes: killed before, it gives the device list of one person to another, and that is a damaged server.
        for side in self.sides:
            side.peer.wait_state(side.peer.send(side.other.jid, f"{side.user} begins"), "delivered")
            side.told.append(f"{side.user} begins")
        self.restart(self.server.stop)

    def strike(self):
        way = self.dice.choice(("killed", "stopped", "robbed"))
        if self.dice.random() < 0.3:
            self.dice.choice(self.sides).peer.command("cut")
            self.write(2)
        self.restart(self.server.kill if way == "killed" else self.server.stop, way == "robbed")
        self.count[way] += 1
        return 1

    def restart(self, end, robbed=False):
        marks = [side.peer.mark() for side in self.sides]
        end()
        if robbed:
            self.server.forget_sessions()
        self.write_for(self.dice.uniform(0, 0.6))
        self.server.start()
        if self.dice.random() < 0.5:
            self.write()
        for side, mark in zip(self.sides, marks):
            side.wait_online(mark)
        # Sometimes the next one comes before they have caught up.
        if self.dice.random() < 0.7:
            for side in self.sides:
                side.wait_sent()


if __name__ == "__main__":
    sys.exit(main(Restart))
