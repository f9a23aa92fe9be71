# SPDX-License-Identifier: GPL-3.0-or-later
"""The floods in the sizes of the check; whole ones by tests/attacks/floods.py --full."""

import unittest

from floods import Floods  # noqa: F401 (found by the runner)

if __name__ == "__main__":
    unittest.main()
