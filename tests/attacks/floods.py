#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floods of a hostile server, in full: a JSON object a line with what was sent, what it cost, and the bound.

    tests/attacks/floods.py --full [NAME...]        1 GiB, 10^6 presences, 10^5 of the others: some minutes
    tests/attacks/floods.py [NAME...]               as the check runs them

During each flood the peer is asked for its accounts again and again (the main thread answers that) and for a conversation (the engine's
thread does); afterwards it is still the same process, online again, with the messages that it had. Memory is the most that the process
ever had (VmHWM) beyond what it had before the flood.
"""

import itertools
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
from attack_case import ALICE, BOB, EVE, AttackCase, high_water_kib  # noqa: E402

MIB = 1024 * 1024
# What a flood may cost beyond what the peer has already.
BOUND_KIB = 64 * 1024
AXOLOTL = "eu.siacs.conversations.axolotl"


def batches(items, size=500):
    """Joins many small stanzas to few writes."""
    items = iter(items)
    while part := "".join(itertools.islice(items, size)):
        yield part


class Floods(AttackCase):
    full = False

    def size(self, full, quick):
        return full if self.full else quick

    def begin(self):
        peer = self.online()
        self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='k'><body>kept</body></message>", "live")
        self.before = high_water_kib(peer.process.pid)
        self.process = peer.process.pid
        self.began = time.monotonic()
        self.longest = 0.0
        return peer

    def answering(self, peer, until, what, seconds=900):
        """Asks the peer again and again until @until() is true; each answer must come, and at least one while it goes on."""
        answered, deadline = 0, time.monotonic() + seconds
        while not until() or not answered:
            asked = time.monotonic()
            peer.ask("accounts")
            self.longest = max(self.longest, time.monotonic() - asked)
            if answered % 8 == 0:
                self.assertEqual([m["text"] for m in peer.history(BOB)][:1], ["kept"])
            answered += 1
            self.assertLess(time.monotonic(), deadline, f"no end of {what}\n{self.server.tail()}")
            time.sleep(0.01)
        return answered

    def end(self, peer, name, sent, usable=True, **more):
        """The same process, within the bound, online, with what it had."""
        spent = time.monotonic() - self.began
        self.assertIsNone(peer.process.popen.poll())
        self.assertEqual(peer.process.pid, self.process)
        if usable:
            self.assert_usable(peer, ["kept"])
        grown = high_water_kib(peer.process.pid) - self.before
        print("# " + json.dumps({"flood": name, "sent": sent, "seconds": round(spent, 1), "grown_kib": grown, "before_kib": self.before,
                                 "bound_kib": BOUND_KIB, "longest_answer_ms": round(self.longest * 1000), **more}), flush=True)
        self.assertLess(grown, BOUND_KIB)

    def pour(self, peer, name, chunks, counted, number, whole=True, **more):
        """Stanzas that are all taken on one connection: the peer says so."""
        before = len(self.server.connections)
        done = self.server.pour(ALICE, chunks, counted=counted, whole=whole)
        self.answering(peer, done.done, name)
        self.server.settle(ALICE, 600)
        self.assertEqual(len(self.server.connections), before)
        self.end(peer, name, {"stanzas": number, "bytes": done.result(1)}, **more)

    # -- bytes ---------------------------------------------------------------------------------------------------

    def test_endless_element(self):
        peer = self.begin()
        connection = self.server.connection(ALICE)
        count = 1024 * MIB // 65536
        done = self.server.pour(ALICE, itertools.chain(["<message><body>"], itertools.repeat("a" * 65536, count)))
        self.answering(peer, lambda: done.done() and connection.ended, "the element", 120)
        self.assert_closed(connection, "policy-violation")
        self.assertLess(done.result(1), 64 * MIB)       # it was ended long before
        self.end(peer, "endless element", {"bytes": done.result(1)})

    def test_large_stanzas(self):
        # Each as large as is left out without an end: a GiB of them.
        peer, number = self.begin(), self.size(64, 4)
        stanza = [f"<message from='{EVE}/x' to='{ALICE}'><body>"] + ["a" * 65536] * 254 + ["</body></message>"]
        self.pour(peer, "large stanzas", itertools.chain.from_iterable(itertools.repeat(stanza, number)), number, number, False)

    # -- stanzas -------------------------------------------------------------------------------------------------

    def test_presences_of_a_contact(self):
        peer, number = self.begin(), self.size(1000000, 20000)
        self.pour(peer, "presences of a contact", batches(
            f"<presence from='{BOB}/{n}' to='{ALICE}'><status>status {n}</status></presence>" for n in range(number)), number, number)

    def test_presences_of_strangers(self):
        peer, number = self.begin(), self.size(1000000, 20000)
        self.pour(peer, "presences of strangers", batches(
            f"<presence from='stranger{n}@e.test/x' to='{ALICE}'/>" for n in range(number)), number, number)

    def test_requests_of_strangers(self):
        peer, number = self.begin(), self.size(100000, 2000)
        self.pour(peer, "contact requests of strangers", batches(
            f"<presence from='stranger{n}@e.test' to='{ALICE}' type='subscribe'/>" for n in range(number)), number, number)

    def test_roster_pushes(self):
        peer, number = self.begin(), self.size(100000, 2000)
        self.pour(peer, "roster pushes", batches(
            f"<iq type='set' id='p{n}'><query xmlns='jabber:iq:roster'><item jid='c{n}@e.test' name='c{n}' subscription='both'/></query>"
            "</iq>" for n in range(number)), number, number)

    def roster(self, number):
        peer = self.begin()
        items = "".join(f"<item jid='c{n}@e.test' name='c{n}'/>" for n in range(number))
        self.server.iq_handlers["get", "jabber:iq:roster"] = lambda c, e: \
            setattr(c.session, "interested", True) or f"<query xmlns='jabber:iq:roster'>{items}</query>"
        before = len(self.server.connections)
        self.lose_session()
        self.answering(peer, lambda: len(self.server.connections) > before and self.server.session(ALICE), "the login")
        self.server.wait_session(ALICE)
        self.server.settle(ALICE, 300)
        self.assertEqual(len(self.server.connections), before + 1)      # one login was enough
        self.end(peer, f"roster of {number}", {"stanzas": 1, "bytes": len(items)})

    def test_roster_of_a_hundred_thousand(self):
        # Beyond the limit of a stanza: it is left out, and the contacts stay as they were.
        self.roster(100000)

    def test_roster_within_the_limit(self):
        self.roster(self.size(20000, 5000))

    def test_iqs(self):
        peer, number = self.begin(), self.size(1000000, 20000)
        self.pour(peer, "IQs", batches(
            f"<iq type='get' id='q{n}' from='{EVE}/x' to='{ALICE}/r'><query xmlns='e:q'/></iq>" for n in range(number)), number, number)

    def test_pings(self):
        peer, number = self.begin(), self.size(100000, 10000)
        self.pour(peer, "pings", batches(
            f"<iq type='get' id='q{n}' from='{EVE}/x' to='{ALICE}/r'><ping xmlns='urn:xmpp:ping'/></iq>" for n in range(number)),
            number, number)

    def test_messages_of_a_stranger(self):
        peer, number = self.begin(), self.size(20000, 1000)
        self.pour(peer, "messages of a stranger", batches(
            f"<message from='{EVE}/x' to='{ALICE}' type='chat' id='m{n}'><body>message {n}</body>"
            "<request xmlns='urn:xmpp:receipts'/></message>" for n in range(number)), number, number)

    # -- servers that do not listen ------------------------------------------------------------------------------

    def test_never_acknowledged(self):
        # Each IQ is answered, the answer is read, and never acknowledged: the stream ends before memory does.
        peer, number = self.begin(), self.size(1000000, 200000)
        connection = self.server.connection(ALICE)
        self.server.acknowledge = False
        done = self.server.pour(ALICE, batches(
            f"<iq type='get' id='q{n}' from='{EVE}/x' to='{ALICE}/r'><query xmlns='e:q'/></iq>" for n in range(number)), number, whole=True)
        self.answering(peer, lambda: done.done() and connection.ended, "what is never acknowledged", 120)
        self.assert_closed(connection, "resource-constraint")
        self.server.acknowledge = True
        self.end(peer, "never acknowledged", {"bytes": done.result(1)})

    def test_never_read(self):
        # Nobody reads the answers: no more questions are taken, until somebody does. Without XEP-0198, whose own bound comes first.
        self.server.management = False
        peer, number = self.peer(), self.size(1000000, 200000)
        peer.login(ALICE, self.password)
        self.server.wait_session(ALICE)
        self.server.wait_caught_up(ALICE)
        self.before, self.process, self.began, self.longest = high_water_kib(peer.process.pid), peer.process.pid, time.monotonic(), 0.0
        connection, answers = self.server.connection(ALICE), [0]

        def count(_connection, element):
            answers[0] += element.get("type") == "error"
            return True
        self.server.on("iq", count)
        self.server.call(lambda: connection.transport.pause_reading())
        done = self.server.pour(ALICE, batches(
            (f"<iq type='get' id='q{n}' from='{EVE}/x' to='{ALICE}/r'><query xmlns='e:q'/></iq>" for n in range(number)), 50), whole=True)
        seen = [-1, 0]

        def stalled():
            seen[:] = [connection.sent_bytes, seen[1] + 1 if connection.sent_bytes == seen[0] else 0]
            return seen[1] > 30
        while not stalled():
            peer.ask("accounts")
            time.sleep(0.01)
        self.assertFalse(done.done() or connection.ended, "all of it was taken, and the answers are in memory")
        self.end(peer, "never read", {"bytes": connection.sent_bytes}, usable=False)
        self.server.call(lambda: connection.transport.resume_reading())
        self.server.wait(done.done, "rest of it", 600)
        self.server.wait(lambda: answers[0] == number, "all answers", 600)

    # -- encryption ----------------------------------------------------------------------------------------------

    def devices(self, number, name):
        peer = self.begin()
        devices = "".join(f"<device id='{n}'/>" for n in range(1, number + 1))
        payload = f"<list xmlns='{AXOLOTL}'>{devices}</list>"
        before = len(self.server.connections)
        self.server.call(self.server.services.publish, BOB, f"{AXOLOTL}.devicelist", payload)
        self.server.settle(ALICE, 300)
        self.answering(peer, lambda: True, name)
        self.assertEqual(len(self.server.connections), before)
        # As an answer too, with which each new session begins.
        self.lose_session()
        self.answering(peer, lambda: len(self.server.connections) > before and self.server.session(ALICE), "the login")
        self.server.wait_session(ALICE)
        self.server.settle(ALICE, 300)
        self.assertLessEqual(len(peer.devices(BOB)), 256)
        asked = [e for e in self.server.sent_by(ALICE, "iq") if e.get("to") == BOB and ".bundles:" in "".join(
            i.get("node") or "" for i in e.iter("{http://jabber.org/protocol/pubsub}items"))]
        self.assertLess(len(asked), 1000)       # it does not ask for a hundred thousand bundles
        self.end(peer, name, {"devices": number, "bytes": len(payload)}, bundles_asked=len(asked))

    def test_device_list(self):
        self.devices(100000, "device list of 100,000")

    def test_device_list_within_the_limit(self):
        self.devices(30000, "device list of 30,000")

    def test_bundle(self):
        peer = self.begin()
        before = len(self.server.connections)
        key = "A" * 44
        bundle = f"<bundle xmlns='{AXOLOTL}'><signedPreKeyPublic signedPreKeyId='1'>{key}</signedPreKeyPublic><identityKey>" \
                 f"{'A' * (10 * MIB)}</identityKey></bundle>"
        self.server.call(self.server.services.publish, BOB, f"{AXOLOTL}.bundles:77", bundle)
        self.server.call(self.server.services.publish, BOB, f"{AXOLOTL}.devicelist", f"<list xmlns='{AXOLOTL}'><device id='77'/></list>")
        peer.encrypt(BOB)
        peer.send(BOB, "to a device with a bundle of 10 MiB")
        # The answer is left out, and whoever waited for it is told: what cannot be encrypted for anybody is not sent.
        self.server.wait(lambda: any("bundles:77" in (i.get("node") or "") for e in self.server.sent_by(ALICE, "iq")
                                     for i in e.iter("{http://jabber.org/protocol/pubsub}items")), "question for the bundle")
        self.server.settle(ALICE, 60)
        self.answering(peer, lambda: True, "the bundle")
        self.assertEqual(len(self.server.connections), before)
        self.assertEqual(self.server.sent_by(ALICE, "message"), [])
        self.end(peer, "bundle of 10 MiB", {"bytes": len(bundle)})


def main():
    import unittest
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    Floods.full = "--full" in sys.argv
    os.environ.setdefault("TESS_TEST_SLOW", "4" if Floods.full else "1")
    cases = [n for n in unittest.defaultTestLoader.getTestCaseNames(Floods) if not words or any(w in n for w in words)]
    result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(Floods(n) for n in cases))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
