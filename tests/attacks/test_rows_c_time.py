# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows C11 and C14 of the reference: what a third party says of messages and of times."""

import unittest

from rows_cde import ALICE, BOB, EVE, INCOMING, STANZAS, RowCase, chat, each_path, over_paths
from tess import util
from tess.util import wait_for

RECEIPTS, MARKERS, DELAY = "urn:xmpp:receipts", "urn:xmpp:chat-markers:0", "urn:xmpp:delay"


def received(ident):
    return f"<received xmlns='{RECEIPTS}' id='{ident}'/>"


def marker(name, ident):
    return f"<{name} xmlns='{MARKERS}' id='{ident}'/>"


def bounce(sender, ident):
    return chat(sender, None, f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>", ident=ident, kind="error")


@each_path
class C11(RowCase):
    """Receipts, markers, errors from a third party: must come from that message's recipient; none sent to strangers or for
    archive results."""

    third = (EVE + "/x", "b.test", "a.test", ALICE + "/other", "carol@b.test/x", BOB.upper().replace("BOB", "BOB1") + "/x")

    def sent(self, text="hello"):
        self.alice.encrypt(BOB, False)
        ident = self.alice.send(BOB, text)
        self.alice.wait_state(ident, "sent")
        return ident

    def state(self, text="hello"):
        return self.message(BOB, text)["state"]

    def claims(self, path, make):
        """@make of each third party; where that takes long, of two."""
        self.deliver_all([make(s) for s in (self.third if path == "live" else self.third[:2])], path)

    @over_paths(*INCOMING)
    def test_receipt(self, path):
        ident = self.sent()
        self.claims(path, lambda sender: chat(sender, None, received(ident)))
        self.deliver(chat(BOB + "/x", None, received("another")), path)
        self.assertEqual(self.state(), "sent")
        self.deliver(chat(BOB + "/x", None, received(ident)), path)
        self.assertEqual(self.state(), "delivered")

    @over_paths(*INCOMING)
    def test_marker(self, path):
        ident = self.sent()
        for name in ("received", "displayed", "acknowledged"):
            self.claims(path, lambda sender, name=name: chat(sender, None, marker(name, ident)))
        self.assertEqual(self.state(), "sent")
        self.deliver(chat(BOB + "/x", None, marker("received", ident)), path)
        self.assertEqual(self.state(), "delivered")
        self.deliver(chat(BOB + "/x", None, marker("displayed", ident)), path)
        self.assertEqual(self.state(), "read")

    @over_paths("live", "carbon-received", "resumed")
    def test_error(self, path):
        ident = self.sent()
        self.claims(path, lambda sender: bounce(sender, ident))
        self.assertEqual(self.state(), "sent")
        self.deliver(bounce(BOB, ident), path)
        self.assertEqual(self.state(), "failed")

    def test_error_in_archive(self):
        """What went wrong was told when it went wrong."""
        ident = self.sent()
        self.deliver_all([bounce(EVE + "/x", ident), bounce(BOB, ident)], "archive")
        self.assertEqual(self.state(), "sent")

    def test_own_copy(self):
        """A copy of what another client of ours sent to Bob says nothing of what Bob did."""
        ident = self.sent()
        self.deliver(chat(ALICE + "/other", None, received(ident), to=BOB), "carbon-sent")
        self.deliver(chat(ALICE + "/other", None, marker("displayed", ident), to=BOB), "carbon-sent")
        self.assertEqual(self.state(), "sent")

    def test_one_is_for_all_before(self):
        """…and not for what came after it, nor for what was for somebody else."""
        first, second, third = (self.sent(text) for text in ("first", "second", "third"))
        self.deliver_all([chat(sender, None, marker("displayed", third)) for sender in self.third])
        self.assertEqual([self.state(text) for text in ("first", "second", "third")], ["sent"] * 3)
        self.deliver(chat(BOB + "/x", None, marker("displayed", second)))
        self.assertEqual([self.state(text) for text in ("first", "second", "third")], ["read", "read", "sent"])

    @over_paths("live", "carbon-received", "archive", "resumed")
    def test_read_elsewhere(self, path):
        """What another client of ours has displayed is said by our own server alone."""
        self.deliver(chat(BOB + "/x", "words", ident="m1"))
        own = marker("displayed", "m1")
        self.deliver_all([chat(sender, None, own) for sender in (EVE + "/x", BOB + "/x")], path)
        if path == "live":
            self.deliver(chat(ALICE + "/other", None, own))
            self.deliver(chat(ALICE + "/other", None, own, to=EVE), "carbon-sent")
        self.assertEqual(self.alice.unread(BOB), 1)
        self.deliver(chat(ALICE + "/other", None, own, to=BOB), "carbon-sent")
        self.alice.wait_unread(BOB, 0)

    def test_displayed(self):
        """Who is told that something was read: those whom we know."""
        for sender, name in ((EVE, "e1"), (BOB, "b1")):
            self.deliver(chat(sender + "/x", "words", f"<markable xmlns='{MARKERS}'/>", ident=name))
        self.assertEqual(self.alice.mark_read(EVE), 0)
        self.assertEqual(self.alice.mark_read(BOB), 0)
        wait_for(lambda: self.sent_to(BOB, "message"), "a marker", 20, 0.1)
        displayed = [e.find(f"{{{MARKERS}}}displayed") for e in self.sent_to(BOB, "message")]
        self.assertEqual([d.get("id") for d in displayed], ["b1"])
        self.server.settle(ALICE)
        # Her devices were asked for when the chat was opened, and nothing was said to her.
        self.assertEqual(self.sent_to(EVE, "message"), [])

    def test_answers(self):
        """Who is told that something arrived: those whom we know, and only as it arrives."""
        request = f"<request xmlns='{RECEIPTS}'/><markable xmlns='{MARKERS}'/>"
        for path in ("live", "carbon-received", "archive"):
            self.deliver(chat(EVE + "/x", f"hers {path}", request, ident=f"e-{path}"), path)
        for path in ("carbon-received", "archive"):
            self.deliver(chat(BOB + "/x", f"his {path}", request, ident=f"b-{path}"), path)
        self.assert_silent(EVE)
        self.assertEqual(self.sent_to(BOB, "message"), [])
        for path in ("live", "resumed"):
            self.deliver(chat(BOB + "/x", f"his {path}", request, ident=f"b-{path}"), path)
        self.deliver(chat(EVE + "/x", "hers resumed", request, ident="e-resumed"), "resumed")
        receipts = [e.find(f"{{{RECEIPTS}}}received") for e in self.sent_to(BOB, "message")]
        self.assertEqual([r.get("id") for r in receipts if r is not None], ["b-live", "b-resumed"])
        self.assert_silent(EVE)

    @over_paths(*INCOMING)
    def test_typing(self, path):
        """That a stranger types is nobody's news."""
        self.deliver(chat(EVE + "/x", None, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"), path)
        self.deliver(chat(BOB + "/x", "honest"), "live")
        self.assertEqual({row[0] for row in self.rows("SELECT peer FROM conversations")}, {BOB})
        self.assert_silent(EVE)


def delayed(sender, text, stamp, by=None, **how):
    mark = f" from='{by}'" if by else ""
    return chat(sender, text, f"<delay xmlns='{DELAY}'{mark} stamp='{stamp}'/>", **how)


OLD, FAR = "2001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


@each_path
class C14(RowCase):
    """Delay stamps from strangers or from the year 9999: only own server and room believed; the future clamped. And what senders
    write in the name of our server hides nothing."""

    def order(self, jid):
        return [(m["text"], m["time"]) for m in self.alice.history(jid)]

    def assert_last(self, jid, text):
        """@text stands at the end, and its time is not before that of what came before."""
        order = self.order(jid)
        self.assertEqual(order[-1][0], text)
        self.assertEqual([time for _text, time in order], sorted(time for _text, time in order))

    def wait_for_order(self, jid, texts):
        util.wait_for(lambda: self.texts(jid) == texts, f"order {texts}", 20)

    def unread(self, jid):
        return self.rows("SELECT unread FROM conversations WHERE peer = ?", jid)[0][0]

    @over_paths(*INCOMING)
    def test_not_believed(self, path):
        """By the sender, by nobody, by another server."""
        for i, by in enumerate((BOB, None, EVE, "b.test", "e.test", "a.test/x", ALICE + "/other", "x.a.test")):
            if path != "archive" or i < 2:
                self.deliver(delayed(BOB + "/x", f"old {i}", OLD, by), path)
                self.assert_last(BOB, f"old {i}")
                self.assertGreater(self.message(BOB, f"old {i}")["time"], "2026")

    @over_paths(*INCOMING)
    def test_future(self, path):
        before = self.server_now()
        for by in (None, "a.test", ALICE):
            self.deliver(delayed(BOB + "/x", f"far by {by}", FAR, by), path, stamp=FAR if path in ("archive", "carbon-received") else None)
            self.assertLess(self.message(BOB, f"far by {by}")["time"], "9999")
        self.deliver(chat(BOB + "/x", "afterwards"), "live")
        self.assert_last(BOB, "afterwards")
        self.assertGreaterEqual(self.message(BOB, "afterwards")["time"], before)

    @staticmethod
    def server_now():
        import datetime
        return datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M")

    @over_paths("live", "carbon-received", "resumed")
    def test_in_our_servers_name(self, path):
        """Eve writes a stamp of our server into what she sends: it stands where it came, and is new."""
        self.deliver(chat(EVE + "/x", "first"), "live")
        self.deliver(chat(BOB + "/x", "between"), "live")
        for by in ("a.test", ALICE, "A.TEST"):
            self.deliver(delayed(EVE + "/x", f"by {by}", OLD, by), path)
            self.assert_last(EVE, f"by {by}")
        between = self.message(BOB, "between")["time"]
        for by in ("a.test", ALICE, "A.TEST"):
            self.assertGreaterEqual(self.message(EVE, f"by {by}")["time"], between)
        self.assertEqual(self.unread(EVE), 4)

    def test_silence(self):
        """Nor can it be put into a silence of its own conversation, while others talked."""
        self.deliver(chat(BOB + "/x", "today"), "live")
        self.deliver(delayed("carol@c.test/x", "I told you last year", "2025-11-21T00:00:00Z", "a.test"))
        self.assertGreaterEqual(self.message("carol@c.test", "I told you last year")["time"], self.message(BOB, "today")["time"])

    def test_kept_for_us(self):
        """What our server has kept while we were away has the time at which it was sent."""
        self.alice.stop()
        kept = []

        def welcome(connection, element):
            if not kept and element.get("to") is None and element.get("type") is None:
                kept.append(1)
                for hour, sender in ((1, BOB), (2, EVE), (3, BOB)):
                    connection.session.send(delayed(sender + "/x", f"at {hour}", f"2020-01-01T0{hour}:00:00Z", "a.test"))
            return False

        self.server.on("presence", welcome)
        self.again()
        self.assertEqual([(t, time[:13]) for t, time in self.order(BOB)], [("at 1", "2020-01-01T01"), ("at 3", "2020-01-01T03")])
        self.assertEqual(self.message(EVE, "at 2")["time"][:13], "2020-01-01T02")

    def test_behind_ones_own(self):
        """What was kept stands above what we wrote meanwhile, which is sent after it, and has not been read for that."""
        self.alice.encrypt(BOB, False)
        self.alice.ask("logout", ALICE)
        self.alice.command("send", BOB, "written offline")
        kept = []

        def welcome(connection, element):
            if not kept and element.get("to") is None and element.get("type") is None:
                kept.append(1)
                connection.session.send(delayed(BOB + "/x", "kept", OLD, "a.test"))
            return False

        self.server.on("presence", welcome)
        self.online()
        self.wait_for_order(BOB, ["kept", "written offline"])
        self.assertEqual(self.unread(BOB), 1)

    def test_behind_the_future(self):
        """A clock that was ahead has put what we wrote years ahead: what comes then stands behind it, and has not been read."""
        self.alice.encrypt(BOB, False)
        self.alice.wait_state(self.alice.send(BOB, "mine"), "sent")
        database = self.database()
        with database:
            database.execute("UPDATE messages SET time_us = 4070908800000000")
            database.execute("UPDATE conversations SET read_time_us = 4070908800000000, read_id = (SELECT max (id) FROM messages)")
        database.close()
        self.server.call(self.server.accounts[ALICE].archive.clear)
        self.again()
        self.deliver(chat(BOB + "/x", "his"))
        self.assertEqual(self.texts(BOB), ["mine", "his"])
        self.assertEqual(self.unread(BOB), 1)

    @over_paths("archive")
    def test_archive(self, path):
        """The archive's stamp is believed, what stands inside is not."""
        self.deliver(delayed(BOB + "/x", "archived", "2030-01-01T00:00:00Z", "a.test"), path, stamp="2020-05-05T05:05:05Z")
        self.assertEqual(self.message(BOB, "archived")["time"][:19], "2020-05-05T05:05:05")
        self.deliver(delayed(BOB + "/x", "older inside", OLD, "a.test"), path, stamp="2020-05-05T05:05:06Z")
        self.assertEqual(self.message(BOB, "older inside")["time"][:19], "2020-05-05T05:05:06")


if __name__ == "__main__":
    unittest.main()
