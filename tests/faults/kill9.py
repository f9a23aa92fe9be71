#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at random moments while encrypted messages go both ways.

    tests/faults/kill9.py [N] [--server prosody|ejabberd] [--seed SEED]      100 kills on Prosody by default

Two peers write to each other; one of them, chosen anew each time, is killed at a random moment (also while it signs
in and catches up) and started again on the same home, N times. What must hold then is in storm.py. The result is printed
as TAP; the seed that it names repeats the choices, if not the moments.
"""

import sys

from storm import Storm, main


class Kill9(Storm):
    title = "kill -9"
    unit = "kills"

    def strike(self):
        return self.dice.choice(self.sides).kill_and_restart(self.dice)

    def figures(self):
        return {"kills during a login": sum(side.cut_logins for side in self.sides)}


if __name__ == "__main__":
    sys.exit(main(Kill9))
