# SPDX-License-Identifier: GPL-3.0-or-later
"""What Tessera's tests stand on: real servers, real clients, a desktop without a screen."""
