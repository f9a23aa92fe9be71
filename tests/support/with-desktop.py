#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a desktop of its own (Xvfb, session bus, accessibility bus): tests/support/with-desktop.py CMD ...

For suites in C that open windows. The exit code is the command's.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tess.desktop import Desktop  # noqa: E402


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with Desktop() as desk:
        code = subprocess.run(sys.argv[1:], env=desk.environment(), stdin=subprocess.DEVNULL, check=False).returncode
    # A signal as a shell tells it.
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
