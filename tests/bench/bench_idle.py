#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to do nothing, and how soon it is back: tests/bench/bench_idle.py BUILD [NAME...], one JSON object a line.

NAMES: idle, restart. `idle`: the program with five accounts on a real Prosody, its window not in front, for TESS_BENCH_IDLE_SECONDS (60).
`restart`: a real Prosody that was away for five seconds; from the moment it listens until the scripted peer is online again.
"""

import glob
import json
import os
import re
import socket
import statistics
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

ACCOUNTS = 5
SETTLE = 20
SECONDS = int(os.environ.get("TESS_BENCH_IDLE_SECONDS", "60"))
ROUNDS = int(os.environ.get("TESS_BENCH_ROUNDS", "5"))
AWAY = 5


def report(name, value, unit, below=None):
    print(json.dumps({"name": name, "value": float(f"{value:.4g}"), "unit": unit, "bare": None, "ratio": None,
                      "target": f"value < {below:g}" if below is not None else None, "ok": below is None or value < below}), flush=True)


def threads(pid):
    """name -> (CPU seconds, how often it has woken up), of all threads."""
    found = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{task}/schedstat", encoding="ascii") as f:
            cpu = int(f.read().split()[0]) / 1e9
        with open(f"{task}/status", encoding="ascii") as f:
            status = f.read()
        name = re.search(r"^Name:\s*(.*)", status, re.M).group(1)
        found[name, task] = cpu, int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M).group(1))
    return found


def connections(port):
    """How many have been made to @port and are there."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        return sum(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "01" for line in f.readlines()[1:])


def bench_idle():
    from tess.desktop import Desktop
    from tess.servers import Prosody
    from tess.window import Window

    users = {f"user{n}": f"password {n}" for n in range(ACCOUNTS)}
    pairs = [(f"user{n}", f"user{m}") for n in range(ACCOUNTS) for m in range(n)]
    with Prosody(users=users, friends=pairs) as server, Desktop(keyring="of the bench") as desk, \
            Window(desk, ca=server.ca, environment={"TESSERA_IDLE_SECONDS": "1"}) as window:
        for user, password in users.items():
            said = window.try_account(server.jid(user), password, "127.0.0.1", server.port)
            assert said is None, said
        time.sleep(SETTLE)
        assert connections(server.port) == ACCOUNTS, connections(server.port)
        before, begun = threads(window.process.pid), time.monotonic()
        time.sleep(SECONDS)
        after, wall = threads(window.process.pid), time.monotonic() - begun
        assert connections(server.port) == ACCOUNTS, connections(server.port)
    cpu = wakes = 0
    for key, (seconds, woken) in after.items():
        was = before.get(key, (0, 0))
        cpu, wakes = cpu + seconds - was[0], wakes + woken - was[1]
        if woken - was[1]:
            print(f"{key[0]}: {(seconds - was[0]) * 1000:.1f} ms, {woken - was[1]} times", file=sys.stderr)
    report("idle-5-accounts", cpu / wall, "CPU s / s", below=0.002)
    report("idle-5-accounts-wakes", wakes / wall, "1/s")


def listens_at(port):
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return time.monotonic()
        except OSError:
            time.sleep(0.005)


def bench_restart():
    from tess.peer import Peer
    from tess.servers import Prosody

    times = []
    with Prosody(users={"alice": "password of alice"}) as server, Peer(server, name="alice") as peer:
        peer.login("alice", "password of alice")
        for _ in range(ROUNDS):
            server.kill()
            time.sleep(AWAY)
            after, at = peer.mark(), []
            thread = threading.Thread(target=lambda: at.append(listens_at(server.port)))
            thread.start()
            server.start()
            peer.wait({"event": "online"}, "online", after=after)
            online = time.monotonic()
            thread.join()
            times.append(online - at[0])
    report("restart-to-online", statistics.median(times), "s", below=2)
    report("restart-to-online-max", max(times), "s", below=2)


BENCHES = {"idle": bench_idle, "restart": bench_restart}


def main():
    build = os.path.abspath(sys.argv[1])
    os.environ["TESSERA"] = os.path.join(build, "src", "tessera")
    os.environ["TESSERA_PEER"] = os.path.join(build, "tests", "tessera-peer")
    for name in sys.argv[2:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
