#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a file of Python tests and prints TAP, so that each case counts in meson.

    tests/support/tap.py tests/servers/test_login.py [NAME ...]

NAME picks cases whose name contains it. A case that is skipped counts as failed: what a test needs must be there.
"""

import importlib.util
import os
import sys
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class TapResult(unittest.TestResult):
    def __init__(self, total):
        super().__init__()
        self.number, self.total, self.bad = 0, total, 0
        self._began = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._began = time.monotonic()

    def _line(self, good, test, text=None):
        self.number += 1
        self.bad += not good
        # In TAP a '#' in a name would begin a directive.
        name = str(test.id() if hasattr(test, "id") else test).replace("#", "")
        print(f"{'ok' if good else 'not ok'} {self.number} - {name.partition('.')[2] or name}", flush=True)
        print(f"# {time.monotonic() - self._began:.1f} s", flush=True)
        for line in (text or "").splitlines():
            print(f"# {line}", flush=True)

    def _error(self, test, error):
        # A failure in setUpClass has no case of its own: it stands for all those that could not run.
        self._line(False, test, "".join(traceback.format_exception(*error)))

    def addSuccess(self, test):
        self._line(True, test)

    def addError(self, test, err):
        self._error(test, err)

    def addFailure(self, test, err):
        self._error(test, err)

    def addSkip(self, test, reason):
        self._line(False, test, f"skipped: {reason}; tests do not skip")

    def addExpectedFailure(self, test, err):
        self._line(True, test)

    def addUnexpectedSuccess(self, test):
        self._line(False, test, "succeeded although marked as an expected failure")

    def addSubTest(self, test, subtest, err):
        # A subtest that fails fails its case; its text is shown, and the case ends as not ok.
        if err is not None:
            self._error(subtest, err)


def _cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _cases(item)
        else:
            yield item


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    path = os.path.abspath(argv[1])
    sys.path.insert(0, os.path.dirname(path))
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    wanted = [c for c in _cases(unittest.defaultTestLoader.loadTestsFromModule(module))
              if len(argv) == 2 or any(word in c.id() for word in argv[2:])]
    print("TAP version 13", flush=True)
    result = TapResult(len(wanted))
    unittest.TestSuite(wanted).run(result)
    # The plan comes last: a class that could not be set up has one line instead of one a case.
    print(f"1..{result.number}", flush=True)
    from tess import util
    strays = util.end_strays()
    if strays:
        print(f"# ended what was left behind: {strays}", flush=True)
    return 1 if result.bad or not result.number else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
