# SPDX-License-Identifier: GPL-3.0-or-later
"""What every foreign OMEMO client has to do with us, and we with it; a file of tests names the client.

    class WithDino(ForeignCase, unittest.TestCase): ...

The client has start(), stop(), close(), add_chat(), wait_published(), fingerprint(), code(), known(), wait_known(),
forget_session(), say(), see() and texts(), as dino.py says of them; and wait_empty(), as gajim.py does, if it reads such.
"""

import os
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing

from .cases import ServerCase
from .desktop import Desktop
from .servers import Prosody
from .util import wait_for
from .wire import NS_AXOLOTL, NS_CLIENT, Wire


class Sent:
    """A message as the server has it: who wrote it, for which devices, and whether these are told a new session."""

    def __init__(self, element):
        self.xml = ET.tostring(element, "unicode")
        self.body = element.findtext(NS_CLIENT + "body")
        encrypted = element.find(f"{{{NS_AXOLOTL}}}encrypted")
        self.encrypted = encrypted is not None
        self.device = self.payload = None
        self.prekey = {}
        if self.encrypted:
            header = encrypted.find(f"{{{NS_AXOLOTL}}}header")
            self.device = int(header.get("sid"))
            self.prekey = {int(k.get("rid")): k.get("prekey") in ("true", "1") for k in header.iter(f"{{{NS_AXOLOTL}}}key")}
            self.payload = encrypted.find(f"{{{NS_AXOLOTL}}}payload") is not None

    def __repr__(self):
        return f"<{'said' if self.payload else 'empty' if self.encrypted else 'plain'} of {self.device} to {self.prekey}>"


class ForeignCase(ServerCase):
    server_class = Prosody
    desktop_options = {}
    pairs = 20
    reads_empty = True          # whether a message without payload moves the client's session on
    greets = False              # whether the client begins a session by itself, with an empty message, when it sees a device

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.server.close)
        cls.desktop = Desktop(**cls.desktop_options)
        cls.addClassCleanup(cls.desktop.close)
        cls.desktop.start()

    def client(self, user):
        """The foreign client of @user, not started; it ends with the case."""
        raise NotImplementedError

    def pair(self):
        """Both online, both know the other's device: (peer, client, our address, theirs)."""
        a, b = self.friends()
        theirs = self.client(b)
        theirs.add_chat(self.jid(a))
        ours = self.peer(a)
        theirs.start()
        self.device = theirs.wait_published()
        ours.wait_devices(self.jid(b))
        theirs.wait_known(self.jid(a), [self.own(ours)])
        if self.greets:
            theirs.wait_empty(1)        # our answer
        return ours, theirs, self.jid(a), self.jid(b)

    def talking(self):
        """As pair(), with a message and an answer behind them."""
        ours, theirs, a, b = self.pair()
        ours.send(b, "a first word")
        theirs.see(a, "a first word")
        self.they_say(theirs, ours, a, "a first answer")
        return ours, theirs, a, b

    @staticmethod
    def own(peer):
        return int(peer.ask("fingerprint")["device"])

    def they_say(self, theirs, ours, a, text, after=0):
        theirs.say(a, text)
        return ours.receive(text, encryption="omemo", after=after)

    def wire(self, jid):
        """All messages of the account as its server has them, oldest first."""
        user = jid.split("@")[0]
        with Wire(self.server, user, self.password(user), "look") as wire:
            return [Sent(element) for element in wire.archive()]

    def encrypted_wire(self, jid, *texts):
        """As wire(), without receipts and the like; no body is plain, and none of @texts can be read anywhere."""
        found = self.wire(jid)
        for sent in found:
            self.assertTrue(sent.encrypted or sent.body is None, sent.xml)
            for text in texts:
                self.assertNotIn(text, sent.xml)
        self.assertTrue(any(sent.payload for sent in found), found)
        return [sent for sent in found if sent.encrypted]

    def of(self, found, device, payload=True):
        return [sent for sent in found if sent.device == device and sent.payload == payload]

    @staticmethod
    def lose_session(peer, jid):
        """Our sessions with @jid are lost, while the peer does not run."""
        with closing(sqlite3.connect(os.path.join(peer.home, "data", "tessera", "tessera.db"))) as database, database:
            assert database.execute("DELETE FROM omemo_sessions WHERE address = ?", (jid,)).rowcount == 1

    # -- the cases -------------------------------------------------------------------------------------------

    def test_we_begin(self):
        ours, theirs, a, b = self.pair()
        me = self.own(ours)
        ours.send(b, "first of ours")
        theirs.see(a, "first of ours")
        self.they_say(theirs, ours, a, "first of theirs")
        ours.send(b, "second of ours")
        theirs.see(a, "second of ours")
        self.they_say(theirs, ours, a, "second of theirs")
        texts = ["first of ours", "first of theirs", "second of ours", "second of theirs"]
        self.assertEqual(self.texts(ours, b), texts)
        self.assertEqual(theirs.texts(a), texts)
        found = self.encrypted_wire(b, *texts)
        # Their answer ends our prekeys; they never needed any.
        self.assertEqual([sent.prekey[self.device] for sent in self.of(found, me)], [not self.greets, False])
        self.assertEqual([sent.prekey[me] for sent in self.of(found, self.device)], [False, False])

    def test_they_begin(self):
        ours, theirs, a, b = self.pair()
        me = self.own(ours)
        self.they_say(theirs, ours, a, "first of theirs")
        # Our empty message answers by itself.
        wait_for(lambda: self.of(self.wire(b), me, payload=False), "empty message of ours", 20, 0.1, ours._tail)
        self.they_say(theirs, ours, a, "second of theirs")
        ours.send(b, "first of ours")
        theirs.see(a, "first of ours")
        self.they_say(theirs, ours, a, "third of theirs")
        texts = ["first of theirs", "second of theirs", "first of ours", "third of theirs"]
        self.assertEqual(self.texts(ours, b), texts)
        # An empty message is nothing that a person sees.
        self.assertEqual(theirs.texts(a), texts)
        found = self.encrypted_wire(b, *texts)
        self.assertEqual([sent.prekey[me] for sent in self.of(found, self.device)],
                         [not self.greets, not self.reads_empty, False])
        self.assertEqual([sent.prekey[self.device] for sent in self.of(found, me)], [False])
        self.assertEqual([sent.prekey for sent in self.of(found, me, payload=False)], [{self.device: False}])

    def test_restarts(self):
        ours, theirs, a, b = self.talking()
        ours.restart(hard=True)
        for number in range(2):
            ours.send(b, f"ours after our restart {number}")
            self.they_say(theirs, ours, a, f"theirs after our restart {number}")
            theirs.see(a, f"ours after our restart {number}")
        theirs.stop()
        theirs.start()
        for number in range(2):
            ours.send(b, f"ours after their restart {number}")
            self.they_say(theirs, ours, a, f"theirs after their restart {number}")
            theirs.see(a, f"ours after their restart {number}")
        texts = ["a first word", "a first answer"] + [f"{who} after {whose} restart {number}" for whose in ("our", "their")
                                                      for number in range(2) for who in ("ours", "theirs")]
        self.assertEqual(sorted(self.texts(ours, b)), sorted(texts), ours._tail())
        self.assertEqual(sorted(theirs.texts(a)), sorted(texts), theirs._tail())
        self.assertFalse(any(sent.prekey[self.device] for sent in self.of(self.encrypted_wire(b), self.own(ours))[1:]))

    def test_offline(self):
        ours, theirs, a, b = self.talking()
        theirs.stop()
        missed = [f"while they are gone {number}" for number in range(3)]
        for text in missed:
            ours.wait_state(ours.send(b, text), "sent")
        theirs.start()
        for text in missed:
            theirs.see(a, text)
        self.they_say(theirs, ours, a, "they are back")
        ours.kill()
        late = [f"while we are gone {number}" for number in range(3)]
        for text in late:
            theirs.say(a, text)
        wait_for(lambda: len(self.of(self.wire(a), self.device)) == 5, "messages in our archive", 20, 0.1, theirs._tail)
        after = ours.mark()
        ours.restart()
        for text in late:
            ours.receive(text, encryption="omemo", after=after)
        ours.send(b, "we are back")
        theirs.see(a, "we are back")
        texts = ["a first word", "a first answer", *missed, "they are back", *late, "we are back"]
        self.assertEqual(self.texts(ours, b), texts)
        self.assertEqual(theirs.texts(a), texts)

    def test_new_device(self):
        # All of ours is lost, and we log in as a new device.
        ours, theirs, a, b = self.talking()
        old = self.own(ours)
        ours.close()
        ours = self.peer(a.split("@")[0])
        new = self.own(ours)
        self.assertNotEqual(old, new)
        theirs.wait_known(a, [old, new])
        ours.wait_devices(b)
        self.they_say(theirs, ours, a, "to the new device")
        ours.send(b, "from the new device")
        theirs.see(a, "from the new device")
        self.they_say(theirs, ours, a, "and once more")
        found = self.encrypted_wire(b, "new device")
        self.assertEqual(set(self.of(found, self.device)[-1].prekey) - {self.device}, {old, new})

    def test_their_new_device(self):
        # The same with all of theirs.
        ours, theirs, a, b = self.talking()
        old = self.device
        theirs.close()
        theirs = self.client(b.split("@")[0])
        theirs.add_chat(a)
        theirs.start()
        new = theirs.wait_published()
        self.assertNotEqual(old, new)
        self.assertEqual({d["id"] for d in ours.wait_devices(b, 2)}, {old, new})
        theirs.wait_known(a, [self.own(ours)])
        ours.send(b, "to your new device")
        theirs.see(a, "to your new device")
        self.they_say(theirs, ours, a, "from my new device")
        ours.send(b, "and once more")
        theirs.see(a, "and once more")
        found = self.encrypted_wire(b, "new device")
        self.assertEqual(set(self.of(found, self.own(ours))[-1].prekey), {old, new})

    def test_we_reset_the_session(self):
        # By hand, though nothing is wrong: what is under way in the old session is read, and what follows in the new one.
        ours, theirs, a, b = self.talking()
        me = self.own(ours)
        ours.ask("reset", b, self.device)
        self.they_say(theirs, ours, a, "in the one or the other")
        ours.send(b, "in the new one")
        theirs.see(a, "in the new one")
        self.they_say(theirs, ours, a, "in the new one, too")
        ours.send(b, "and so on")
        theirs.see(a, "and so on")
        found = self.encrypted_wire(b, "in the", "and so on")
        self.assertIn({self.device: True}, [sent.prekey for sent in self.of(found, me, payload=False)])
        self.assertFalse(self.of(found, me)[-1].prekey[self.device])
        self.assertEqual(theirs.texts(a), self.texts(ours, b))

    def test_they_lose_the_session(self):
        ours, theirs, a, b = self.talking()
        theirs.stop()
        theirs.forget_session(a, self.own(ours))
        ours.wait_state(ours.send(b, "not to be read any more"), "sent")
        theirs.start()
        if self.greets:
            theirs.wait_empty(2)
        # A new session begins, by itself or with what they say; only what was under way in the old one is lost.
        self.they_say(theirs, ours, a, "where are we")
        ours.send(b, "here again")
        theirs.see(a, "here again")
        self.they_say(theirs, ours, a, "all is well")
        self.assertNotIn("not to be read any more", theirs.texts(a))
        self.encrypted_wire(b, "to be read", "where are we", "here again", "all is well")

    def test_we_lose_the_session(self):
        ours, theirs, a, b = self.talking()
        ours.stop()
        self.lose_session(ours, b)
        after = ours.mark()
        ours.restart()
        theirs.say(a, "not to be read by us")
        ours.wait({"event": "message", "direction": "in", "jid": b, "encryption": "unreadable"}, "placeholder", after=after)
        me = self.own(ours)
        wait_for(lambda: [sent for sent in self.of(self.wire(b), me, payload=False) if sent.prekey == {self.device: True}],
                 "empty message of ours that begins a session", 20, 0.1, ours._tail)
        if self.reads_empty:
            theirs.wait_empty(2 if self.greets else 1)
        else:
            # Only what a person says repairs it then.
            ours.send(b, "what did you say")
            theirs.see(a, "what did you say")
        self.they_say(theirs, ours, a, "something else")
        ours.send(b, "now I can read it")
        theirs.see(a, "now I can read it")
        self.they_say(theirs, ours, a, "all is well")
        found = self.of(self.encrypted_wire(b, "to be read", "something else", "all is well"), me)
        self.assertFalse(found[-1].prekey[self.device])

    def test_two_devices(self):
        ours, theirs, a, b = self.pair()
        other = self.peer(a.split("@")[0], name="other")
        both = {self.own(ours), self.own(other)}
        theirs.wait_known(a, both)
        other.wait_devices(b)
        ours.wait_devices(a, 2)
        other.wait_devices(a, 2)
        theirs.say(a, "to both of you")
        ours.receive("to both of you", encryption="omemo", jid=b)
        other.receive("to both of you", encryption="omemo", jid=b)
        ours.send(b, "from the one")
        theirs.see(a, "from the one")
        other.carbon("from the one", encryption="omemo")
        other.send(b, "from the other")
        theirs.see(a, "from the other")
        ours.carbon("from the other", encryption="omemo")
        texts = ["to both of you", "from the one", "from the other"]
        for peer in (ours, other):
            self.assertEqual(self.texts(peer, b), texts)
        self.assertEqual(theirs.texts(a), texts)
        found = self.encrypted_wire(b, *texts)
        self.assertEqual(set(self.of(found, self.device)[0].prekey) - {self.device}, both)

    def test_fingerprints(self):
        ours, theirs, a, b = self.pair()
        mine = ours.ask("fingerprint")
        self.assertEqual(theirs.known(a), {int(mine["device"]): (mine["fingerprint"], "trusted")})
        found = ours.devices(b)
        self.assertEqual([(d["id"], d["fingerprint"], d["trust"]) for d in found], [(self.device, theirs.fingerprint(), "trusted")])
        self.assertEqual(ours.ask("uri")["uri"], f"xmpp:{a}?omemo-sid-{mine['device']}={mine['fingerprint']}")
        code = theirs.code(a)
        self.assertEqual(code, f"xmpp:{b}?omemo-sid-{self.device}={theirs.fingerprint()}")
        scanned = ours.ask("verify", b, code)
        self.assertEqual((scanned["outcome"], scanned["jid"], scanned["applied"]), ("matches", b, True))
        self.assertEqual([d["trust"] for d in ours.devices(b)], ["verified"])
        theirs.say(a, "seen and known")
        self.assertEqual(ours.receive("seen and known", encryption="omemo")["trust"], "verified")
