# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rows C and D stand on: alice@a.test is the real program, all others are the test.

Bob is in Alice's contact list, Eve is a stranger. A case is marked with the paths on which its stanza can arrive:

    @over_paths(*INCOMING)
    def test_x(self, path): ...

makes one case of it a path, by @each_path on the class.
"""

import glob
import os
import sqlite3
import unittest
import xml.etree.ElementTree as ET

from tess.attacker import BUNDLE_NODE, LIST_NODE, NS as OMEMO, Attacker, Bundle
from tess.evil import EvilServer
from tess.peer import Peer

ALICE, BOB, EVE = "alice@a.test", "bob@b.test", "eve@e.test"
# What others write can come on these; what an own other client writes comes as a copy of what it sent, too.
INCOMING = ("live", "carbon-received", "archive", "resumed")
OUTGOING = ("carbon-sent", "archive")
STANZA = ("live", "resumed")
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def over_paths(*paths):
    def mark(function):
        function.paths = paths
        return function
    return mark


def each_path(case):
    for name, function in list(vars(case).items()):
        for path in getattr(function, "paths", ()):
            def run(self, function=function, path=path):
                function(self, path)
            run.__doc__ = function.__doc__
            setattr(case, f"{name}_{path.replace('-', '_')}", run)
        if hasattr(function, "paths"):
            delattr(case, name)
    return case


def chat(sender, text, inner="", ident=None, to=ALICE, kind="chat"):
    """A message; @text None for none."""
    body = f"<body>{text}</body>" if text is not None else ""
    mark = f" id='{ident}'" if ident else ""
    return f"<message from='{sender}' to='{to}' type='{kind}'{mark}>{body}{inner}</message>"


class RowCase(unittest.TestCase):
    """Alice is online and has caught up."""

    friends = ((ALICE, BOB),)
    options = {}

    def setUp(self):
        self.server = EvilServer(friends=self.friends)
        self.addCleanup(self.server.close)
        for name, value in self.options.items():
            setattr(self.server, name, value)
        self.prepare()
        self.server.start()
        self.alice = Peer(self.server, name="alice")
        self.addCleanup(self.alice.close)
        self.alice.start()
        self.online()

    def prepare(self):
        """For what must be there before Alice comes."""

    def online(self):
        self.alice.login(ALICE, self.server.password(ALICE))
        self.server.wait_session(ALICE)
        self.server.wait_caught_up(ALICE)
        self.server.settle(ALICE)

    def tearDown(self):
        # The server's own faults are faults of the test.
        self.assertEqual(self.server.errors, [])

    # -- what comes ----------------------------------------------------------------------------------------------

    def deliver(self, stanza, path="live", **how):
        self.server.deliver(ALICE, stanza, path, **how)

    def deliver_all(self, stanzas, path="live"):
        """One after the other; into the archive together, of which the program is told once."""
        stanzas = list(stanzas)
        if path == "archive":
            self.server.wait_caught_up(ALICE)
            for stanza in stanzas[:-1]:
                self.server.archive(ALICE, stanza)
            stanzas = stanzas[-1:]
        for stanza in stanzas:
            self.deliver(stanza, path)

    # -- what the program says of it -----------------------------------------------------------------------------

    def texts(self, jid):
        """Of the conversation with @jid, in its order."""
        return [m["text"] for m in self.alice.history(jid)]

    def message(self, jid, text):
        found = [m for m in self.alice.history(jid) if m["text"] == text]
        self.assertEqual(len(found), 1, f"messages {text!r} with {jid}")
        return found[0]

    def contact(self, jid):
        found = [c for c in self.alice.ask("roster")["contacts"] if c["jid"] == jid]
        return found[0] if found else None

    def device(self, jid, ident):
        found = [d for d in self.alice.devices(jid) if d["id"] == ident]
        return found[0] if found else None

    # -- what its database holds ---------------------------------------------------------------------------------

    def database(self):
        """Stops the program, whose database is locked while it runs, and opens it."""
        if self.alice.process is not None:
            self.alice.stop()
        files = [f for f in glob.glob(os.path.join(self.alice.home, "data", "tessera", "*"))
                 if open(f, "rb").read(6) == b"SQLite"]
        self.assertEqual(len(files), 1, files)
        return sqlite3.connect(files[0])

    def rows(self, query, *values):
        database = self.database()
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def stored(self):
        """(peer, sender, text) of all messages, in the order in which they came."""
        return self.rows("SELECT c.peer, m.sender, m.text FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                         "ORDER BY m.id")

    def omemo_dump(self):
        """All that OMEMO keeps, as text that can be compared."""
        tables = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'omemo_%'")]
        self.assertGreaterEqual(len(tables), 5)
        return {table: sorted(map(repr, self.rows(f"SELECT * FROM {table}"))) for table in tables}

    def again(self):
        """Starts the program anew after its database was looked at."""
        self.alice.start()
        self.online()

    # -- what the server got -------------------------------------------------------------------------------------

    def sent_to(self, jid, name=None):
        """All that Alice sent to @jid, under whatever resource."""
        return [e for e in self.server.sent_by(ALICE, name) if (e.get("to") or "").partition("/")[0] == jid]

    def count_published(self, node):
        """How often anybody published an item of @node."""
        return sum(1 for p in self.server.published if p["node"] == node)

    def assert_silent(self, *jids):
        """Nothing of ours has gone there: no answer, no question."""
        for jid in jids:
            self.assertEqual([ET.tostring(e, "unicode") for e in self.sent_to(jid)], [])

    def assert_never_sent(self, text):
        self.assertNotIn(text.encode(), self.server.raw())

    # -- people with keys ----------------------------------------------------------------------------------------

    def publish(self, jid, node, payload):
        self.server.call(self.server.services.publish, jid, node, payload)

    def announce(self, *attackers):
        """Bundles and lists of @attackers, as their servers would have them."""
        lists = {}
        for attacker in attackers:
            self.publish(attacker.jid, BUNDLE_NODE + str(attacker.device), attacker.bundle().xml())
            lists.setdefault(attacker.jid, []).append(attacker.device)
        for jid, devices in lists.items():
            self.publish(jid, LIST_NODE, f"<list xmlns='{OMEMO}'>" + "".join(f"<device id='{d}'/>" for d in devices) + "</list>")
        self.server.settle(ALICE)

    def alice_device(self):
        """(id, Bundle) as published."""
        pep = self.server.accounts[ALICE].pep

        def published():
            return next((n for n in pep if n.startswith(BUNDLE_NODE)), None)

        self.server.wait(lambda: published() and LIST_NODE in pep, "device of alice")
        node = published()
        return int(node[len(BUNDLE_NODE):]), Bundle.parse(list(pep[node].values())[-1])

    def befriend_keys(self, attacker, prekey=None):
        """A session of @attacker with Alice, not used yet."""
        device, bundle = self.alice_device()
        return attacker.start_session(ALICE, device, bundle, prekey)

    def bob_with_keys(self, device=77):
        bob = Attacker(BOB, device)
        self.announce(bob)
        self.befriend_keys(bob)
        return bob


# Also out of a copy of what another client of ours sent: one that has been taken over.
EVERYWHERE = INCOMING + ("carbon-sent",)


class OmemoCase(RowCase):
    def attacker(self, path="live", prekey=None, device=7, **pairs):
        """Eve with a session that was not used yet; on the way of our own copies, an own device."""
        attacker = Attacker(ALICE if path == "carbon-sent" else EVE, device)
        ident, bundle = self.alice_device()
        attacker.start_session(ALICE, ident, bundle, prekey, **pairs)
        return attacker

    @staticmethod
    def stanza(attacker, encrypted, body=None, sender=None, ident=None, inner=""):
        sender = sender or attacker.jid
        return chat(f"{sender}/other", body, encrypted + inner, to=BOB if sender == ALICE else ALICE, ident=ident)

    def say(self, attacker, encrypted, path="live", **how):
        self.deliver(self.stanza(attacker, encrypted, **how), path)

    def peer_of(self, attacker):
        return BOB if attacker.jid == ALICE else attacker.jid

    def written(self, payload=True):
        """<encrypted/> of what Alice sent to Bob, with a text or without."""
        found = [e.find(f"{{{OMEMO}}}encrypted") for e in self.sent_to(BOB, "message")]
        return [e for e in found if e is not None and (e.find(f"{{{OMEMO}}}payload") is not None) == payload]

    @staticmethod
    def readers(encrypted):
        """The devices that @encrypted has a key for, in their order."""
        return sorted(int(k.get("rid")) for k in encrypted.iter(f"{{{OMEMO}}}key"))

    def read(self, attacker):
        """What could be read of the conversation in which @attacker's messages stand."""
        return [m["text"] for m in self.alice.history(self.peer_of(attacker)) if m["encryption"] == "omemo"]

    def assert_refused(self, attacker, encrypted, path):
        """Nothing of @encrypted is kept: the ratchet, the prekeys, the devices are as before. @encrypted: one, or a list."""
        encrypted = [encrypted] if isinstance(encrypted, str) else encrypted
        readable = self.read(attacker)
        before = self.omemo_dump()
        self.again()
        self.deliver_all([self.stanza(attacker, e, body="beside") for e in encrypted], path)
        self.assertEqual(self.read(attacker), readable)
        self.assertNotIn("beside", self.texts(self.peer_of(attacker)))
        self.assertEqual(self.omemo_dump(), before)
        self.again()
