# SPDX-License-Identifier: GPL-3.0-or-later
"""OMEMO with Profanity: first message and answer, begun by each side, with our kill -9 and restart in between."""

from tess.cases import ServerCase, on_each_server
from tess.profanity import Profanity


@on_each_server
class WithProfanity(ServerCase):
    pairs = 8

    def pair(self):
        """Our peer and their client online, both with keys: (peer, profanity, our address, theirs)."""
        a, b = self.friends()
        theirs = Profanity(self.jid(b), self.password(b), self.server)
        self.addCleanup(theirs.close)
        theirs.start()
        theirs.connect()
        device = theirs.omemo_generate()
        ours = self.peer(a)
        known = ours.wait_devices(self.jid(b))
        self.assertEqual([d["id"] for d in known], [device])
        self.assertEqual(known[0]["fingerprint"], theirs.fingerprint())
        return ours, theirs, self.jid(a), self.jid(b)

    def test_we_begin(self):
        ours, theirs, a, b = self.pair()
        ours.send(b, "first word from us")
        theirs.omemo_start(a)
        theirs.see("first word from us")
        ours.restart(hard=True)
        theirs.say("first answer from them")
        ours.receive("first answer from them", encryption="omemo", jid=b)
        sent = ours.send(b, "second word from us")
        theirs.see("second word from us")
        ours.wait_state(sent, "sent")
        self.assertEqual(self.texts(ours, b), ["first word from us", "first answer from them", "second word from us"])

    def test_they_begin(self):
        ours, theirs, a, b = self.pair()
        theirs.omemo_start(a)
        theirs.say("first word from them")
        ours.receive("first word from them", encryption="omemo", jid=b)
        ours.restart(hard=True)
        ours.send(b, "first answer from us")
        theirs.see("first answer from us")
        theirs.say("second word from them")
        ours.receive("second word from them", encryption="omemo", jid=b)
        self.assertEqual(self.texts(ours, b), ["first word from them", "first answer from us", "second word from them"])

    def test_they_write_while_we_are_dead(self):
        ours, theirs, a, b = self.pair()
        theirs.omemo_start(a)
        theirs.say("before")
        ours.receive("before", encryption="omemo")
        ours.kill()
        for number in range(3):
            theirs.say(f"while dead {number}")
        after = ours.mark()
        ours.restart()
        for number in range(3):
            ours.receive(f"while dead {number}", encryption="omemo", after=after)
        ours.send(b, "alive again")
        theirs.see("alive again")
        self.assertEqual(self.texts(ours, b), ["before", "while dead 0", "while dead 1", "while dead 2", "alive again"])

    def test_they_restart(self):
        ours, theirs, a, b = self.pair()
        ours.send(b, "before their restart")
        theirs.omemo_start(a)
        theirs.see("before their restart")
        theirs.say("mine too")
        ours.receive("mine too", encryption="omemo")
        theirs.stop()
        theirs.start()
        theirs.connect()
        theirs.omemo_start(a)
        theirs.say("with the old keys")
        ours.receive("with the old keys", encryption="omemo")
        ours.send(b, "and back")
        theirs.see("and back")
