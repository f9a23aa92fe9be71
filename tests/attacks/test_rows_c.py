# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows C1-C7 and C15 of the reference: who may say what. C11 and C14 are in test_rows_c_time.py."""

import re
import unittest
import xml.etree.ElementTree as ET

from rows_cde import ALICE, BOB, EVE, INCOMING, STANZA, STANZAS, RowCase, chat, each_path, over_paths
from tess.attacker import BUNDLE_NODE, LIST_NODE, device_list
from tess.evil_xml import (NS_CARBONS, NS_DISCO_INFO, NS_MAM, NS_RSM, NS_PUBSUB, NS_PUBSUB_EVENT, NS_ROSTER, NS_SID, carbon, forwarded, mam_result,
                           to_bytes)
from tess.util import wait_for

MDS, MARKERS = "urn:xmpp:mds:displayed:0", "urn:xmpp:chat-markers:0"
FORGED = chat(BOB + "/phone", "forged", to=ALICE + "/other")


def wrapped(sender, direction, stanza):
    return to_bytes(f"<message from='{sender}' to='{ALICE}' type='chat'><{direction} xmlns='{NS_CARBONS}'>") + \
        forwarded(stanza) + to_bytes(f"</{direction}></message>")


@each_path
class C1(RowCase):
    """Carbon from someone else: outer `from` is our own bare JID, or dropped; no nested forwards."""

    senders = (EVE + "/x", EVE, BOB, "a.test", ALICE + "/other")

    @over_paths(*INCOMING)
    def test_received(self, path):
        for sender in self.senders if path == "live" else self.senders[:1]:
            self.deliver(wrapped(sender, "received", FORGED), path)
        self.deliver(carbon(ALICE, ALICE + "/here", chat(BOB + "/phone", "honest", to=ALICE + "/other"), "received"))
        self.assertEqual(self.stored(), [(BOB, BOB, "honest")])

    @over_paths(*INCOMING)
    def test_sent(self, path):
        """We are made to have said something."""
        mine = chat(ALICE + "/other", "I owe you 100", to=BOB)
        for sender in self.senders if path == "live" else self.senders[:1]:
            self.deliver(wrapped(sender, "sent", mine), path)
        self.deliver(carbon(ALICE, ALICE + "/here", chat(ALICE + "/other", "honest", to=BOB), "sent"))
        self.assertEqual(self.stored(), [(BOB, ALICE, "honest")])
        self.assert_silent(EVE)

    @over_paths("carbon-received", "carbon-sent", "archive")
    def test_nested(self, path):
        """Whoever wraps a copy has had it wrapped again by our server: what is inside twice is nobody's word."""
        stanzas, outer = [], EVE + "/x" if path != "carbon-sent" else ALICE + "/other"
        for inner in (f"<received xmlns='{NS_CARBONS}'>", f"<sent xmlns='{NS_CARBONS}'>", f"<result xmlns='{NS_MAM}' id='n1'>", ""):
            name = re.match("<([a-z]+)", inner)
            end = f"</{name.group(1)}>" if name else ""
            stanzas.append(chat(outer, "outside", inner + forwarded(FORGED).decode() + end))
        self.deliver_all(stanzas, path)
        self.deliver(chat(EVE + "/x", "honest"), "live")
        self.assertEqual(self.stored(), [(EVE, EVE, "honest")])

    def test_nested_hides_nothing(self):
        """A whole page of the archive on which there is nothing to take: what Bob wrote before is asked for all the same."""
        self.alice.stop()
        self.server.page_size = 4
        self.server.archive(ALICE, chat(BOB + "/x", "honest"))
        for _ in range(9):
            self.server.archive(ALICE, chat(EVE + "/x", "outside", forwarded(FORGED).decode()))
        self.again()
        self.assertEqual(self.stored(), [(BOB, BOB, "honest")])

    def test_not_ours(self):
        """What others said to others is no copy of ours, even by our own server."""
        self.deliver(carbon(ALICE, ALICE + "/here", chat(EVE + "/x", "theirs", to=BOB), "sent"))
        self.deliver(carbon(ALICE, ALICE + "/here", chat(EVE + "/x", "theirs", to=BOB), "received"))
        self.deliver(carbon(ALICE, ALICE + "/here", chat(EVE + "/x", "theirs"), "sent"))
        self.deliver(carbon(ALICE, ALICE + "/here", chat(ALICE + "/other", "theirs", to=BOB), "received"))
        two = f"<received xmlns='{NS_CARBONS}'>{forwarded(FORGED).decode()}</received>"
        self.deliver(f"<message from='{ALICE}' to='{ALICE}/x'>{two}{two}</message>")
        self.deliver(chat(BOB + "/x", "honest"))
        self.assertEqual(self.stored(), [(BOB, BOB, "honest")])


@each_path
class C2(RowCase):
    """Archive result from someone else, or without an open query: dropped."""

    @over_paths(*INCOMING)
    def test_unasked(self, path):
        for sender in (EVE, EVE + "/x", ALICE, "a.test") if path == "live" else (EVE,):
            self.deliver(mam_result(sender, ALICE, "q1", "r1", "2020-01-01T00:00:00Z", FORGED), path)
            self.deliver(mam_result(sender, ALICE, None, "r2", "2020-01-01T00:00:00Z", FORGED), path)
        # A query that has ended is not open any more.
        asked = [e.find(f"{{{NS_MAM}}}query") for e in self.server.sent_by(ALICE, "iq")]
        old = [q.get("queryid") for q in asked if q is not None]
        self.assertTrue(old)
        for queryid in old[:-1] if path == "archive" else old:
            self.deliver(mam_result(ALICE, ALICE, queryid, "r3", "2020-01-01T00:00:00Z", FORGED))
        self.deliver(chat(BOB + "/x", "honest"), path)
        self.assertEqual(self.stored(), [(BOB, BOB, "honest")])

    def test_open_query(self):
        """The id of the query is known to the attacker, and the query is open."""
        self.server.archive(ALICE, chat(BOB + "/x", "first"))
        self.alice.stop()
        held = []
        self.server.change("mam-fin", lambda connection, text: held.append(text))
        self.alice.start()
        self.alice.login(ALICE, self.server.password(ALICE))
        self.server.wait(lambda: held, "question to the archive")
        asked = [e for e in self.server.sent_by(ALICE, "iq") if e.find(f"{{{NS_MAM}}}query") is not None][-1]
        queryid = asked.find(f"{{{NS_MAM}}}query").get("queryid")
        for sender in (EVE, EVE + "/x", BOB, "a.test", ALICE + "/other", "b.test"):
            self.server.send(ALICE, mam_result(sender, ALICE, queryid, "r1", "2020-01-01T00:00:00Z", FORGED))
        self.server.send(ALICE, mam_result(ALICE, ALICE, queryid + "0", "r1", "2020-01-01T00:00:00Z", FORGED))
        self.server.send(ALICE, mam_result(ALICE, ALICE, queryid, "r2", "2020-01-01T00:00:00Z", chat(BOB + "/x", "honest")))
        # The page ends, and with it the query.
        self.server.send(ALICE, f"<iq type='result' id='{asked.get('id')}'>{held[0]}</iq>")
        self.server.settle(ALICE)
        self.assertEqual({row[2] for row in self.stored()}, {"first", "honest"})

    def test_open_page_of_a_gap(self):
        """The same while an older page is under way."""
        self.alice.stop()
        self.server.page_size = 2
        for text in ("one", "two", "three", "four"):
            self.server.archive(ALICE, chat(BOB + "/x", text))
        held = []

        # The newest page ends; the older one, which may be asked for before that, does not.
        def hold(_connection, text):
            held.append(text)
            return text if len(held) == 1 else None

        self.server.change("mam-fin", hold)
        self.alice.start()
        self.alice.login(ALICE, self.server.password(ALICE))
        # The next one may be asked for before it has ended.
        self.server.wait(lambda: len(held) >= 2, "question for the older page")
        asked = next(e for e in self.server.sent_by(ALICE, "iq") if e.find(f"{{{NS_MAM}}}query") is not None
                     and e.findtext(f".//{{{NS_RSM}}}before"))
        queryid = asked.find(f"{{{NS_MAM}}}query").get("queryid")
        for sender in (EVE, EVE + "/x", BOB, "a.test", ALICE + "/other"):
            self.server.send(ALICE, mam_result(sender, ALICE, queryid, "r1", "2020-01-01T00:00:00Z", FORGED))
        self.server.send(ALICE, f"<iq type='result' id='{asked.get('id')}' from='{EVE}'>{held[1]}</iq>")
        self.server.change("mam-fin", None)
        self.server.send(ALICE, f"<iq type='result' id='{asked.get('id')}'>{held[1]}</iq>")
        self.server.settle(ALICE)
        self.assertEqual(self.texts(BOB), ["one", "two", "three", "four"])


@each_path
class C3(RowCase):
    """Roster push from someone else: no change; absent `from` and own bare JID both work."""

    @staticmethod
    def push(sender, item, ident="push1"):
        mark = f" from='{sender}'" if sender else ""
        return f"<iq type='set' id='{ident}' to='{ALICE}/x'{mark}><query xmlns='{NS_ROSTER}'>{item}</query></iq>"

    @over_paths(*STANZA)
    def test_push(self, path):
        for i, sender in enumerate((EVE, EVE + "/x", BOB, "a.test", "e.test", ALICE + "/other")):
            self.deliver(self.push(sender, f"<item jid='{EVE}' subscription='both' name='Mother'/>", f"p{i}"), path)
            self.deliver(self.push(sender, f"<item jid='{BOB}' subscription='remove'/>", f"r{i}"), path)
        self.assertIsNone(self.contact(EVE))
        self.assertEqual(self.contact(BOB)["subscription"], "both")
        # Nobody is told that it was done.
        self.assertEqual([e.get("id") for e in self.server.sent_by(ALICE, "iq") if e.get("type") == "result"], [])

        self.deliver(self.push(None, "<item jid='carol@c.test' subscription='to' name='Carol'/>", "h1"), path)
        self.deliver(self.push(ALICE, "<item jid='dave@d.test' subscription='from'/>", "h2"), path)
        self.assertEqual((self.contact("carol@c.test")["subscription"], self.contact("carol@c.test")["name"]), ("to", "Carol"))
        self.assertEqual(self.contact("dave@d.test")["subscription"], "from")
        self.assertEqual({e.get("id") for e in self.server.sent_by(ALICE, "iq") if e.get("type") == "result"}, {"h1", "h2"})
        stored = {jid for (jid,) in self.rows("SELECT address FROM contacts WHERE in_roster")}
        self.assertEqual(stored, {BOB, "carol@c.test", "dave@d.test"})

    def test_wrapped(self):
        """An IQ has no business in a copy or an archive."""
        push = self.push(ALICE, f"<item jid='{EVE}' subscription='both'/>")
        for path in ("carbon-received", "archive"):
            self.deliver(push, path)
        self.assertIsNone(self.contact(EVE))
        self.assertIsNotNone(self.contact(BOB))


@each_path
class C4(RowCase):
    """IQ answer with a guessed id from someone else: matched by id AND sender; ids of 96 random bits."""

    def hold(self, wanted):
        """Requests for which @wanted is true are kept back."""
        held = []

        def keep(_connection, element):
            if element.get("type") in ("get", "set") and wanted(element):
                held.append(element)
                return True
            return False

        self.server.on("iq", keep)
        return held

    @over_paths(*STANZA)
    def test_somebodys_answer(self, path):
        held = self.hold(lambda e: e.get("to") == BOB and LIST_NODE.encode() in ET.tostring(e))
        self.alice.command("send", BOB, "hello Bob")
        self.server.wait(lambda: held, "question to Bob")

        def answer(sender, *devices):
            head = f"<iq type='result' id='{held[-1].get('id')}' to='{ALICE}/x'" + (f" from='{sender}'" if sender else "")
            return (f"{head}><pubsub xmlns='{NS_PUBSUB}'><items node='{LIST_NODE}'><item id='current'>{device_list(*devices)}"
                    "</item></items></pubsub></iq>")

        for sender in (EVE, EVE + "/x", BOB + "/x", "b.test", "a.test", ALICE, None):
            self.deliver(answer(sender, 666), path)
            self.deliver(f"<iq type='error' id='{held[-1].get('id')}'" + (f" from='{sender}'" if sender else "") +
                         f"><error type='cancel'><item-not-found xmlns='{STANZAS}'/></error></iq>", path)
        self.assertIsNone(self.device(BOB, 666))
        self.deliver(answer(BOB, 77), path)
        self.assertIsNotNone(self.device(BOB, 77))
        self.assertIsNone(self.device(BOB, 666))
        self.assert_never_sent("hello Bob")

    @over_paths(*STANZA)
    def test_own_servers_answer(self, path):
        """The contact list was asked of the own account: Eve may not tell it."""
        self.alice.stop()
        held = self.hold(lambda e: e.find(f"{{{NS_ROSTER}}}query") is not None)
        self.alice.start()
        self.alice.login(ALICE, self.server.password(ALICE))
        self.server.wait(lambda: held, "question for the contacts")
        self.server.wait_session(ALICE)

        def answer(sender, item):
            mark = f" from='{sender}'" if sender else ""
            return f"<iq type='result' id='{held[-1].get('id')}'{mark}><query xmlns='{NS_ROSTER}'>{item}</query></iq>"

        for sender in (EVE, "e.test", BOB, ALICE + "/other", "a.test/x"):
            self.deliver(answer(sender, f"<item jid='{EVE}' subscription='both'/>"), path)
        self.assertIsNone(self.contact(EVE))
        self.deliver(answer(ALICE, f"<item jid='{BOB}' subscription='to'/>"), path)
        self.assertEqual(self.contact(BOB)["subscription"], "to")

    def test_wrapped(self):
        """An answer is no message: in a copy it is none."""
        held = self.hold(lambda e: e.get("to") == BOB)
        self.alice.command("send", BOB, "hello Bob")
        self.server.wait(lambda: held, "question to Bob")
        self.deliver(f"<iq type='result' id='{held[-1].get('id')}' from='{BOB}' to='{ALICE}'><pubsub xmlns='{NS_PUBSUB}'>"
                     f"<items node='{LIST_NODE}'><item id='current'>{device_list(666)}</item></items></pubsub></iq>", "carbon-received")
        self.assertIsNone(self.device(BOB, 666))

    def test_ids(self):
        for i in range(8):
            self.alice.command("send", f"carol{i}@b.test", "hello")
        self.alice.ask("devices", BOB)
        self.server.settle(ALICE)
        ids = [e.get("id") for e in self.server.sent_by(ALICE, "iq") if e.get("type") in ("get", "set")]
        self.assertGreater(len(ids), 8)
        self.assertEqual(len(set(ids)), len(ids))
        for ident in ids:
            # 96 bits: 24 hexadecimal digits, or 16 letters of base64.
            self.assertGreaterEqual(len(ident), 24 if re.fullmatch("[0-9a-f]+", ident) else 16)
        # No common beginning, no counter.
        for place in range(min(map(len, ids))):
            self.assertGreater(len({ident[place] for ident in ids}), 1, f"all ids have the same at {place}")


@each_path
class C5(RowCase):
    """PEP event for a private node from someone else: device lists count for their sender only."""

    @staticmethod
    def event(sender, *devices, kind="headline", inner=None):
        return (f"<message from='{sender}' to='{ALICE}' type='{kind}'><event xmlns='{NS_PUBSUB_EVENT}'><items node='{LIST_NODE}'>"
                f"<item id='current' publisher='{BOB}'>{inner or device_list(*devices)}</item></items></event></message>")

    @over_paths(*INCOMING)
    def test_device_list(self, path):
        own, _bundle = self.alice_device()
        lists = self.count_published(LIST_NODE)
        senders = (EVE, EVE + "/x", "a.test", BOB + "/x", "b.test", ALICE + "/other")
        self.deliver_all([self.event(s, 666) for s in (senders if path == "live" else (EVE, BOB + "/x"))], path)
        if path in ("carbon-received", "archive"):
            # What a PEP service says comes from it alone, not out of a copy.
            self.deliver(self.event(BOB, 667), path)
        self.assertIsNone(self.device(BOB, 666))
        self.assertIsNone(self.device(BOB, 667))
        self.assertEqual([d["id"] for d in self.alice.devices(ALICE)], [own])
        # The own list was not believed to be changed either, so nothing was announced again.
        self.assertEqual(self.count_published(LIST_NODE), lists)
        self.assertEqual(self.rows("SELECT address, id FROM omemo_devices WHERE address = ?", EVE), [])
        self.again()
        self.deliver(self.event(BOB, 77), "resumed" if path == "resumed" else "live")
        self.assertIsNotNone(self.device(BOB, 77))

    def test_own_list(self):
        """Only we say which devices we have."""
        self.deliver(self.event(EVE, 4711))
        self.deliver(self.event(BOB, 4711))
        self.assertIsNone(self.device(ALICE, 4711))
        self.deliver(self.event(ALICE, 4712, self.alice_device()[0]))
        self.assertIsNotNone(self.device(ALICE, 4712))


@each_path
class C5Displayed(RowCase):
    """The node that says what we have read is our own one."""

    @staticmethod
    def event(sender, ident, chat_with=BOB, by=ALICE):
        return (f"<message from='{sender}' to='{ALICE}' type='headline'><event xmlns='{NS_PUBSUB_EVENT}'><items node='{MDS}'>"
                f"<item id='{chat_with}'><displayed xmlns='{MDS}'><stanza-id xmlns='{NS_SID}' id='{ident}' by='{by}'/></displayed>"
                "</item></items></event></message>")

    @over_paths(*INCOMING)
    def test_event(self, path):
        for number in range(3):
            self.deliver(chat(BOB + "/x", f"words {number}", stamp(ALICE, f"s{number}")))
        senders = (EVE, EVE + "/x", BOB, BOB + "/x", "a.test", "b.test", ALICE + "/other")
        self.deliver_all([self.event(s, "s2") for s in (senders if path == "live" else (EVE, BOB))], path)
        # Of our own node: a message that is in no chat of that name, and an id that somebody else gave.
        self.deliver(self.event(ALICE, "s2", EVE))
        self.deliver(self.event(ALICE, "s2", by=BOB))
        self.deliver(self.event(ALICE, "unknown"))
        self.assertEqual(self.alice.unread(BOB), 3)
        self.deliver(self.event(ALICE, "s1"))
        self.alice.wait_unread(BOB, 1)
        self.deliver(self.event(ALICE, "s0"))
        self.assertEqual(self.alice.unread(BOB), 1)


class C6(RowCase):
    """Private nodes published open: only with publish-options, `whitelist`."""

    def read(self):
        self.deliver(chat(BOB + "/x", "words", f"<markable xmlns='{MARKERS}'/>" + stamp(ALICE, "s1"), ident="m1"))
        self.assertEqual(self.alice.mark_read(BOB), 0)
        # Bob is told first, the node behind that.
        wait_for(lambda: self.sent_to(BOB, "message"), "a marker", 20, 0.1)
        self.server.settle(ALICE)

    def test_what_was_read(self):
        self.read()
        published = [p for p in self.server.published if p["node"] == MDS]
        self.assertNotEqual(published, [])
        for one in published:
            self.assertEqual(one["options"].get("pubsub#access_model"), "whitelist")

    def test_what_was_read_without_publish_options(self):
        self.alice.stop()
        self.server.account_features = ["urn:xmpp:mam:2", "urn:xmpp:sid:0"]
        self.again()
        self.read()
        self.assertEqual([p["node"] for p in self.server.published if p["node"] == MDS], [])

    def test_options(self):
        self.alice_device()
        self.alice.encrypt(BOB)
        self.server.settle(ALICE)
        self.assertGreaterEqual(len(self.server.published), 2)
        for published in self.server.published:
            with self.subTest(node=published["node"]):
                self.assertIsNotNone(published["options"], "without options the server decides who reads it")
                access = published["options"].get("pubsub#access_model")
                public = published["node"] == LIST_NODE or published["node"].startswith(BUNDLE_NODE)
                self.assertEqual(access, "open" if public else "whitelist")

    def test_without_publish_options(self):
        """A server that does not know the options gets nothing that others must not read."""
        self.alice.stop()
        self.server.account_features = ["urn:xmpp:mam:2", "urn:xmpp:sid:0"]
        before = len(self.server.published)
        self.again()
        for published in self.server.published[before:]:
            self.assertTrue(published["node"] == LIST_NODE or published["node"].startswith(BUNDLE_NODE), published["node"])


def stamp(by, ident):
    return f"<stanza-id xmlns='{NS_SID}' by='{by}' id='{ident}'/>"


@each_path
class C7(RowCase):
    """Foreign or doubled stanza-id: trusted only by own account; never deduplicated by origin-id."""

    def ids(self):
        return dict(self.rows("SELECT text, archive_id FROM messages"))

    @over_paths("live", "carbon-received", "resumed")
    def test_foreign(self, path):
        for i, by in enumerate((EVE, BOB, "a.test", ALICE + "/x", "b.test", "@")):
            # Each twice: were it believed, the second would be taken for the first.
            self.deliver(chat(BOB + "/x", f"one {i}", stamp(by, f"s{i}")), path)
            self.deliver(chat(BOB + "/x", f"two {i}", stamp(by, f"s{i}")), path)
        ids = self.ids()
        self.assertEqual(len(ids), 12)
        self.assertEqual(set(ids.values()), {None})

    @over_paths("live", "carbon-received", "resumed")
    def test_own(self, path):
        self.deliver(chat(BOB + "/x", "one", stamp(EVE, "e1") + stamp(ALICE, "s1")), path)
        self.deliver(chat(BOB + "/x", "one again", stamp(ALICE, "s1")), path)
        self.assertEqual(self.ids(), {"one": "s1"})

    @over_paths("live", "carbon-received", "resumed")
    def test_doubled(self, path):
        """Two by the own account: one of them was written by somebody else."""
        self.deliver(chat(BOB + "/x", "honest", stamp(ALICE, "s1")), path)
        self.deliver(chat(BOB + "/x", "two ids", stamp(ALICE, "s1") + stamp(ALICE, "s2")), path)
        self.deliver(chat(BOB + "/x", "ids two", stamp(ALICE, "s2") + stamp(ALICE, "s1")), path)
        self.assertEqual(self.ids(), {"honest": "s1", "two ids": None, "ids two": None})

    @over_paths(*INCOMING)
    def test_origin_id(self, path):
        """Who repeats an id of his own is heard each time."""
        origin = f"<origin-id xmlns='{NS_SID}' id='o1'/>"
        self.deliver_all([chat(BOB + "/x", t, origin, ident="o1") for t in ("one", "two", "three")] +
                         [chat(EVE + "/x", "four", origin, ident="o1")], path)
        self.assertEqual([row[2] for row in self.stored()], ["one", "two", "three", "four"])

    @over_paths("archive")
    def test_archive(self, path):
        """In the archive its own id counts, not what stands in the message."""
        self.deliver(chat(BOB + "/x", "one", stamp(ALICE, "s1") + stamp(EVE, "s2")), path)
        known = self.server.accounts[ALICE].archive[-1][0]
        self.assertEqual(self.ids(), {"one": known})

    def test_ours(self):
        """Bob takes the id of what we wrote to him: his words are not taken for ours, whose place in the archive is not known yet."""
        self.alice.encrypt(BOB, False)
        ident = self.alice.send(BOB, "mine")
        self.alice.wait_state(ident, "sent")
        self.server.call(self.server.accounts[ALICE].archive.clear)
        self.deliver(chat(BOB + "/x", "his", ident=ident), "archive")
        self.assertEqual(sorted(row[1:] for row in self.stored()), [(ALICE, "mine"), (BOB, "his")])

    def test_known_to_all(self):
        """Bob hides what comes by the id of what has come: he can hide his own words only, where the server takes such ids off."""
        self.deliver(chat(EVE + "/x", "hers", stamp(ALICE, "s1")))
        self.deliver(chat(BOB + "/x", "his"))
        self.assertEqual(self.ids(), {"hers": "s1", "his": None})


@each_path
class C7Unannounced(RowCase):
    """A server that does not say that it takes forged ids off is not believed."""

    options = {"account_features": ["http://jabber.org/protocol/pubsub#publish-options"]}

    @over_paths("live", "carbon-received", "resumed")
    def test_unannounced(self, path):
        self.deliver(chat(BOB + "/x", "one", stamp(ALICE, "s1")), path)
        self.deliver(chat(EVE + "/x", "two", stamp(ALICE, "s1")), path)
        self.assertEqual(dict(self.rows("SELECT text, archive_id FROM messages")), {"one": None, "two": None})

    def test_next_session(self):
        """On a new stream the question is not answered yet: what was true before holds."""
        session = self.server.session(ALICE)
        held = []

        def keep(_connection, element):
            asked = element.find(f"{{{NS_DISCO_INFO}}}query") is not None and element.get("to") in (None, ALICE)
            held.extend([element] if asked else [])
            return asked

        def lose():
            session.id = None
            session.connection.cut()

        self.server.on("iq", keep)
        self.server.call(lose)
        self.server.wait(lambda: held and (s := self.server.session(ALICE)) and s is not session and s.available, "new session")
        for text in ("one", "two"):
            self.deliver(chat(BOB + "/x", text, stamp(ALICE, "s1")))
        self.assertEqual(dict(self.rows("SELECT text, archive_id FROM messages")), {"one": None, "two": None})


LONG = "l" * 1024


@each_path
class C15(RowCase):
    """JID look-alikes, unprepared JIDs, over 1023 octets: prepared before comparing and storing; refused when they cannot be."""

    @over_paths(*INCOMING)
    def test_prepared(self, path):
        self.deliver_all([chat("BOB@B.TEST/Phone", "capitals"), chat("\uff42\uff4f\uff42@b.test/x", "wide letters")], path)
        self.assertEqual(self.stored(), [(BOB, BOB, "capitals"), (BOB, BOB, "wide letters")])

    @over_paths(*INCOMING)
    def test_look_alikes(self, path):
        """Another letter is another person."""
        jids = ("b\u043eb@b.test", "bob@b.t\u0435st", "b0b@b.test")
        self.deliver_all([chat(j + "/x", f"by {j}") for j in jids] + [chat(BOB + "/x", "honest")], path)
        stored = self.stored()
        self.assertEqual(len(stored), 4)
        self.assertEqual(len({peer for peer, _sender, _text in stored}), 4)
        self.assertEqual([text for peer, _sender, text in stored if peer == BOB], ["honest"])

    @over_paths(*INCOMING)
    def test_impossible(self, path):
        bad = ("bob@@b.test", "bo b@b.test/x", "@b.test", "bob@", "bob@b.test/", LONG + "@b.test/x", f"bob@{'d' * 1024}/x",
               f"bob@b.test/{'r' * 1024}", "bob&#x202e;@b.test", "bob@b..test", "bob@b.test/\ue000", "bo&apos;b@b.test")
        self.deliver_all([chat(b, f"by {b[:20]}") for b in bad] + [chat(BOB + "/x", "honest")], path)
        self.assertEqual([row for row in self.stored() if row[0] != BOB], [])
        self.assertIn((BOB, BOB, "honest"), self.stored())

    @over_paths("carbon-sent", "archive")
    def test_addressee(self, path):
        """What an own device sent, as it wrote the address."""
        self.deliver_all([chat(ALICE + "/other", "capitals", to="BOB@b.test"), chat(ALICE + "/other", "long", to=LONG + "@b.test")],
                         path)
        self.assertEqual(self.stored(), [(BOB, ALICE, "capitals")])

    @over_paths(*STANZA)
    def test_roster(self, path):
        push = C3.push
        self.deliver(push(ALICE, "<item jid='CAROL@c.test' subscription='to'/>", "h1"), path)
        self.deliver(push(ALICE, f"<item jid='{LONG}@c.test' subscription='to'/>", "h2"), path)
        self.deliver(push(ALICE, "<item jid='ca rol@c.test' subscription='to'/>", "h3"), path)
        self.deliver(push(ALICE, "<item subscription='to'/>", "h4"), path)
        self.assertEqual({c["jid"] for c in self.alice.ask("roster")["contacts"]}, {BOB, "carol@c.test"})
        stored = {jid for (jid,) in self.rows("SELECT address FROM contacts")}
        self.assertEqual(stored, {BOB, "carol@c.test"})

    @over_paths(*STANZA)
    def test_presence(self, path):
        self.deliver("<presence from='BOB@B.test/x'><show>dnd</show></presence>", path)
        self.assertEqual(self.contact(BOB)["presence"], "dnd")
        self.deliver(f"<presence from='{LONG}@b.test/x'/>", path)
        self.deliver(f"<presence from='{LONG}@b.test' type='subscribe'/>", path)
        self.assertEqual({c["jid"] for c in self.alice.ask("roster")["contacts"]}, {BOB})

    def test_what_a_person_writes(self):
        for bad in ("bob@@b.test", LONG + "@b.test", "@b.test", "", "bob@b.test\u202e"):
            after = self.alice.mark()
            self.alice.command("send", bad, "hello")
            error = self.alice.wait(lambda o: "error" in o, "refusal", after=after)
            self.assertEqual(error["command"], "send")
        self.alice.encrypt("BOB@B.test", False)
        self.alice.send("BOB@B.TEST", "hello")
        self.assertEqual(self.texts(BOB), ["hello"])
        self.server.wait(lambda: self.sent_to(BOB, "message"), "message to the prepared address")


if __name__ == "__main__":
    unittest.main()
