# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows A1 to A6: XML that no stream may hold, from a server, before and after each step of the login and on every later path."""

import itertools
import unittest

from attack_case import ALICE, BOB, AttackCase, high_water_kib
from tess.evil import PATHS
from tess.evil_xml import NS_STREAMS

HEADER = f"<stream:stream id='1' version='1.0' from='a.test' xmlns='jabber:client' xmlns:stream='{NS_STREAMS}'>"
# Where a login can be met: what the server says in place of its header, in the clear, in TLS, and after the login.
STEPS = ("header-clear", "header-tls", "header-session")
LAUGHS = "<!DOCTYPE lolz [<!ENTITY lol 'lol'>" + "".join(
    f"<!ENTITY lol{n} '{f'&lol{n - 1 if n > 1 else str()};' * 10}'>" for n in range(1, 10)) + "]>"


def message(body, sender=BOB + "/x", extra=""):
    return f"<message from='{sender}' to='{ALICE}' type='chat' id='evil'>{extra}<body>{body}</body></message>"


class Xml(AttackCase):
    def meets(self, said, condition):
        """@said in place of the header at each step: the stream ends with @condition, and nothing is sent behind it."""
        peer = self.peer()
        for step in STEPS:
            with self.subTest(step=step):
                self.server.change(step, lambda _c, _t: said)
                self.refused(condition, peer=peer)
                self.server.change(step, None)
                self.assert_closed(self.last(), condition)
                self.assert_no_password()
                self.assert_no_stanza()
        self.login_afterwards(peer)

    def wait_word(self, peer, condition, after):
        """The program says that the stream ended: who presses "Retry" before finds it online still."""
        peer.wait(lambda o: o.get("event") == "offline" and condition in o["reason"], "word of it", after=after)

    def ends(self, peer, stanza, condition, path):
        """@stanza over @path ends the stream with @condition. The peer comes back, and what it had is there."""
        before = len(self.server.connections)
        connection = self.server.connection(ALICE)
        after = peer.mark()
        if path != "resumed":
            self.server.session(ALICE).id = None    # or it would be sent again and again
        if path in ("archive", "resumed"):
            self.server.deliver(ALICE, stanza, path, settle=False)
            self.server.wait(lambda: len(self.server.connections) > before, "new connection")
            connection = self.server.connections[before]
        else:
            self.server.deliver(ALICE, stanza, path, settle=False)
        self.assert_closed(connection, condition)
        self.wait_word(peer, condition, after)
        # It was the server's doing: it takes it back.
        self.server.accounts[ALICE].archive = [e for e in self.server.accounts[ALICE].archive if b"evil" not in e[2]]
        for session in self.server.sessions(ALICE):
            session.unacked = [s for s in session.unacked if b"evil" not in s]
        self.assertIsNone(peer.process.popen.poll())

    def everywhere(self, stanza, condition, paths=("live", "archive")):
        peer = self.online()
        self.server.deliver(ALICE, message("before all that"), "live")
        for path in paths:
            with self.subTest(path=path):
                self.ends(peer, stanza, condition, path)
                self.assert_usable(peer, ["before all that"])
        self.assertNotIn("evil-body", [m["text"] for m in peer.history(BOB)])


class RowA1(Xml):
    """DOCTYPE, entities, processing instructions, comments: restricted-xml, by us and not by expat's own limits."""

    def test_doctype_at_login(self):
        self.meets("<!DOCTYPE stream>" + HEADER, "restricted-xml")

    def test_external_doctype_at_login(self):
        self.meets("<!DOCTYPE stream SYSTEM 'file:///etc/passwd'>" + HEADER, "restricted-xml")

    def test_billion_laughs_at_login(self):
        self.meets(LAUGHS + HEADER + "<stream:features>&lol9;</stream:features>", "restricted-xml")

    def test_comment_at_login(self):
        self.meets(HEADER + "<!-- hello --><stream:features/>", "restricted-xml")

    def test_processing_instruction_at_login(self):
        self.meets(HEADER + "<?php 1?><stream:features/>", "restricted-xml")

    def test_undeclared_entity_at_login(self):
        self.meets(HEADER + "<stream:features>&nbsp;</stream:features>", "restricted-xml")

    def test_comment_in_a_stanza(self):
        self.everywhere(message("evil-body<!-- hidden -->"), "restricted-xml", PATHS)

    def test_processing_instruction_in_a_stanza(self):
        self.everywhere(message("evil-body<?evil it?>"), "restricted-xml")

    def test_entity_in_a_stanza(self):
        self.everywhere(message("evil-body&lol9;"), "restricted-xml")

    def test_doctype_in_a_stanza(self):
        # Inside of a document it is no DOCTYPE at all, so it is not even XML.
        self.everywhere(LAUGHS.encode() + message("evil-body &lol9;").encode(), "not-well-formed")


class RowA2(Xml):
    """Another encoding, broken UTF-8, surrogates, NUL: not-well-formed."""

    def test_another_encoding_at_login(self):
        self.meets(b"<?xml version='1.0' encoding='ISO-8859-1'?>" + HEADER.encode(), "not-well-formed")

    def test_utf16_at_login(self):
        self.meets(HEADER.encode("utf-16"), "not-well-formed")

    def test_utf16_without_mark_at_login(self):
        self.meets(HEADER.encode("utf-16-le"), "not-well-formed")

    def test_nul_at_login(self):
        self.meets(HEADER.encode() + b"<stream:features>\0</stream:features>", "not-well-formed")

    def test_broken_utf8_in_a_stanza(self):
        self.everywhere(message("evil-body XX").encode().replace(b"XX", b"\xc3("), "not-well-formed", PATHS)

    def test_overlong_utf8_in_a_stanza(self):
        self.everywhere(message("evil-body XX").encode().replace(b"XX", b"\xc0\xbc"), "not-well-formed")

    def test_surrogates_in_a_stanza(self):
        self.everywhere(message("evil-body \ud83d\ude00"), "not-well-formed")

    def test_surrogate_by_number_in_a_stanza(self):
        self.everywhere(message("evil-body &#xD800;"), "not-well-formed")

    def test_nul_in_a_stanza(self):
        self.everywhere(message("evil-body \0"), "not-well-formed")

    def test_nul_by_number_in_a_stanza(self):
        self.everywhere(message("evil-body &#0;"), "not-well-formed")


class RowA3(Xml):
    """A separator inside of a namespace name: a payload cannot claim a namespace that it does not have."""

    def test_separators_in_a_namespace(self):
        peer = self.online()
        # Joined by any of these, namespace and name would read as a body of jabber:client.
        for separator in (" ", "|", ":", "}", "#", "\t", "&#10;", "^", "!", "\x7f"):
            ns = f"jabber:client{separator}body"
            self.server.send(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='s'><x xmlns='{ns}'>joined-evil</x></message>")
            self.server.send(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='s'><y:body xmlns:y='{ns}'>joined-evil"
                             "</y:body></message>")
        self.assert_usable(peer)
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["still here?"])
        self.assertEqual(len(self.server.connections), 1)       # nothing of it is an error

    def test_forbidden_separator(self):
        # XML 1.0 has no U+0001, not even as a reference: what Tessera joins names with cannot come from outside.
        for text in ("&#1;", "\x01"):
            with self.subTest(text=repr(text)):
                self.setUp()
                self.everywhere(f"<message from='{BOB}/x' to='{ALICE}' id='evil'><x xmlns='jabber:client{text}body'/></message>",
                                "not-well-formed")

    def test_a_body_of_another_namespace(self):
        peer = self.online()
        for path in PATHS:
            with self.subTest(path=path):
                self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='other'>"
                                    "<body xmlns='jabber:server'>evil-body</body></message>", path)
                self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='none'>"
                                    "<body xmlns=''>evil-body</body></message>", path)
        self.assertEqual(peer.history(BOB), [])


class RowA4(Xml):
    """Fragments of tags inside of attributes and text stay text."""

    def test_tags_in_text_and_attributes(self):
        peer = self.online()
        inner = f"</body></message><message from='{BOB}' id='inner'><body>evil-body</body></message>"
        escaped = inner.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&apos;")
        for path in PATHS:
            with self.subTest(path=path):
                sender, to = (ALICE + "/y", BOB) if path == "carbon-sent" else (BOB + "/x", ALICE)
                self.server.deliver(ALICE, f"<message from='{sender}' to='{to}' type='chat' id='{path}'><thread parent='{escaped}'>"
                                    f"{escaped}</thread><body>{escaped}</body></message>", path)
                texts = [m["text"] for m in peer.history(BOB)]
                self.assertEqual(texts, [inner] * (PATHS.index(path) + 1))

    def test_cdata(self):
        peer = self.online()
        self.server.deliver(ALICE, message("<![CDATA[</body><body>evil]]>"), "live")
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["</body><body>evil"])


class RowA5(Xml):
    """A tag that is split at every byte: it is understood at once, and never in quadratic time."""

    def test_split_at_every_byte(self):
        peer = self.online()
        stanza = message("split ä€😀 &amp; whole", extra="<thread>t</thread>").encode()
        for count in range(3):
            self.server.pour(ALICE, [stanza[i:i + 1] for i in range(len(stanza))], counted=1).result(60)
        self.server.settle(ALICE)
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["split ä€😀 & whole"] * 3)

    def test_login_split_at_every_byte(self):
        # Each answer of the login in TLS comes byte by byte.
        def slowly(connection, text):
            data = text if isinstance(text, bytes) else text.encode()
            for i in range(len(data)):
                connection.write(data[i:i + 1])

        for kind in ("header-tls", "features-tls", "challenge", "success", "header-session", "features-session", "bound", "enabled"):
            self.server.change(kind, slowly)
        peer = self.peer()
        peer.login(ALICE, self.password)
        self.server.wait_session(ALICE)

    def test_a_large_tag_in_small_pieces(self):
        # Just below the limit, 64 bytes at a time: an own look at each piece would be 2^14 looks at up to a MiB, minutes of work.
        peer = self.online()
        text = "a" * (1000 * 1024)
        stanza = message("long", extra=f"<x xmlns='e:x' a='{text}'/>").encode()
        self.server.pour(ALICE, [stanza[i:i + 64] for i in range(0, len(stanza), 64)], counted=1).result(60)
        self.server.settle(ALICE, 20)
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["long"])


class RowA6(Xml):
    """Endless text, depth and attributes: 64 KiB before the login, 1 MiB after it, 64 deep, 128 attributes."""

    def endless(self, start, chunk, chunks=1024):
        """Something without end at each step of the login: refused after 64 KiB and not much more."""
        peer = self.peer()
        for step in STEPS[:2]:
            with self.subTest(step=step):
                poured = []

                def begin(connection, _text):
                    poured.append(connection)
                    connection.write(start)
                    for _ in range(chunks):
                        connection.write(chunk)

                self.server.change(step, begin)
                self.refused("policy-violation", peer=peer)
                self.server.change(step, None)
                self.assert_closed(poured[0], "policy-violation")
                self.assert_no_password()
        self.login_afterwards(peer)

    def test_endless_text_at_login(self):
        self.endless(HEADER + "<stream:features><x>", "a" * 1024)

    def test_endless_attribute_at_login(self):
        self.endless(HEADER + "<stream:features x='", "a" * 1024)

    def test_endless_name_at_login(self):
        self.endless("<stream", "a" * 1024)

    def test_endless_depth_at_login(self):
        self.endless(HEADER, "<a>" * 300)

    def test_limit_before_login(self):
        # A header and features of a little less than 64 KiB are taken.
        self.server.change("features-tls", lambda _c, text: text.replace("</stream:features>",
                                                                         f"<x xmlns='e:x'>{'a' * 60000}</x></stream:features>"))
        peer = self.peer()
        peer.login(ALICE, self.password)

    def test_largest_that_is_taken(self):
        peer = self.online()
        for path in PATHS:
            with self.subTest(path=path):
                sender, to = (ALICE + "/y", BOB) if path == "carbon-sent" else (BOB + "/x", ALICE)
                self.server.deliver(ALICE, f"<message from='{sender}' to='{to}' type='chat' id='{path}'><body>{path}</body>"
                                    f"<x xmlns='e:x'>{'a' * (1020 * 1024)}</x></message>", path)
                self.assertIn(path, [m["text"] for m in peer.history(BOB)])

    def too_much(self, stanza):
        """A whole stanza beyond a limit is left out, wherever it comes from; the stream and what comes behind it go on."""
        peer = self.online()
        self.server.deliver(ALICE, message("before all that"), "live")
        for path in PATHS:
            with self.subTest(path=path):
                before = len(self.server.connections)
                self.server.deliver(ALICE, stanza, path)
                self.server.deliver(ALICE, message(f"behind {path}"), "live")
                self.assertEqual([m["text"] for m in peer.history(BOB)][-1], f"behind {path}")
                self.assertEqual(len(self.server.connections), before + (path in ("archive", "resumed")))
        self.assertEqual([m["text"] for m in peer.history(BOB)],
                         ["before all that"] + [f"behind {path}" for path in PATHS])

    def test_stanza_of_two_mebibytes(self):
        self.too_much(message("evil-body" + "a" * (2 * 1024 * 1024)))

    def test_depth(self):
        self.too_much(message("evil-body", extra="<a>" * 50000 + "</a>" * 50000))

    def test_attributes(self):
        self.too_much(message("evil-body", extra="<x xmlns='e:x' " + " ".join(f"a{n}='1'" for n in range(20000)) + "/>"))

    def test_attributes_of_the_stanza(self):
        self.too_much(message("evil-body").replace("id='evil'", " ".join(f"a{n}='1'" for n in range(20000))))

    def test_elements(self):
        self.too_much(message("evil-body", extra="<a/>" * 70000))

    def test_endless_stanza(self):
        # The bound of what is left out: then the stream ends.
        peer = self.online()
        self.server.deliver(ALICE, message("before all that"), "live")
        before = high_water_kib(peer.process.pid)
        for start, chunk in (("<message><body>", "a" * 65536), ("<message a='", "a" * 65536), ("<message>", "<a>" * 20000),
                             ("<message", " b='1'" * 10000), ("<", "m" * 65536)):
            with self.subTest(start=start):
                connection = self.server.connection(ALICE)
                after = peer.mark()
                self.server.inject(ALICE, start)
                written = self.server.pour(ALICE, itertools.repeat(chunk)).result(120)
                self.assert_closed(connection, "policy-violation")
                self.wait_word(peer, "policy-violation", after)
                self.assertLess(written, 64 * 1024 * 1024)
                self.assert_usable(peer, ["before all that"])
                self.assertLess(high_water_kib(peer.process.pid) - before, 64 * 1024)


if __name__ == "__main__":
    unittest.main()
