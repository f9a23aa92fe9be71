# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard: the lines of the source that answer an attack, and what they look like when they are taken out.

`tests/attacks/take-out` reads the tables of all `guards_*.py` (each has a list GUARDS), takes the guards out one at a time, and runs
the test that must fail without them.
"""

import dataclasses
import glob
import importlib.util
import os

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass(frozen=True)
class Guard:
    """@row: of reference/attacks.md. @name: the guard in a few words, unique within its row. @file: below the root of the tree.
    @old: text that stands there exactly once. @new: what it becomes. @test: "FILE.py" in this folder, or "FILE.py CASE": the case
    (or a part of its name) that must fail then."""

    row: str
    name: str
    file: str
    old: str
    new: str
    test: str


def load():
    """All guards, by file and in their order."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "guards_*.py"))):
        name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.GUARDS
    return found
