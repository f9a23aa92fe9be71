# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows B1 to B10: connection and login. Whatever the server or somebody on the wire does, no password and no stanza goes where it must
not, and the same peer logs in at a server that means well afterwards."""

import base64
import glob
import hashlib
import os
import re
import signal
import sqlite3
import time
import unittest

from attack_case import ALICE, BOB, AttackCase, certificate
from tess import util
from tess.certs import Authority
from tess.evil_xml import NS_SASL, NS_STREAMS, stream_error

UNPROVEN = "did not prove"
CHANGED = "changed what the server offers"
PLAIN_ONLY = f"<stream:features><mechanisms xmlns='{NS_SASL}'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
HEADER = f"<?xml version='1.0'?><stream:stream from='a.test' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='{NS_STREAMS}'>"


class LoginCase(AttackCase):
    def auths(self):
        return [e for c in self.server.connections for e in c.elements if e.tag == f"{{{NS_SASL}}}auth"]

    def responses(self):
        return [e for c in self.server.connections for e in c.elements if e.tag == f"{{{NS_SASL}}}response"]

    def first_message(self):
        return base64.b64decode(self.auths()[-1].text).decode()

    def assert_nothing_in_the_clear(self, connection):
        """Before TLS only a header, which does not say who we are, and the wish for TLS."""
        self.assertNotIn(b"alice", connection.clear)
        self.assertRegex(connection.clear.decode(), r"^(<\?xml[^>]*>)?<stream:stream [^>]*>(<starttls [^>]*/>)?"
                         r"(<stream:error>.*</stream:error>)?(</stream:stream>)?$")

    def weakened(self, peer, pattern):
        """Alice is known and loses her connection; the next login must fail like that. Returns its connection."""
        after, before = peer.mark(), len(self.server.connections)
        self.lose_session()
        peer.wait(lambda o: o.get("event") == "offline" and re.search(pattern, o.get("reason") or "", re.I), f"offline: {pattern}",
                  after=after)
        self.assert_no_password()
        connection = self.server.connections[before]
        self.server.wait(lambda: connection.ended, "end of the connection")
        return connection


class RowB1(LoginCase):
    """STARTTLS is missing: nothing is authenticated without TLS."""

    def test_no_starttls(self):
        self.server.starttls = False
        peer, _said = self.refused("no encryption")
        self.assert_nothing_in_the_clear(self.last())
        self.server.starttls = True
        self.login_afterwards(peer)

    def test_mechanisms_in_the_clear(self):
        self.server.change("features-clear", lambda _c, _t: PLAIN_ONLY)
        self.refused("no encryption")
        self.assert_nothing_in_the_clear(self.last())

    def test_login_and_session_in_the_clear(self):
        # As if TLS and the login had happened already.
        self.server.change("features-clear", lambda _c, _t: "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
                           f"<sm xmlns='urn:xmpp:sm:3'/></stream:features><success xmlns='{NS_SASL}'/>")
        self.refused("no encryption")
        self.assert_nothing_in_the_clear(self.last())

    def test_starttls_refused(self):
        self.server.change("proceed", lambda _c, _t: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
        self.refused("refused to encrypt")
        self.assert_nothing_in_the_clear(self.last())

    def test_starttls_answered_by_features(self):
        self.server.on("starttls", lambda c, _e: c.write(PLAIN_ONLY) or True)
        self.refused("refused to encrypt")
        self.assert_nothing_in_the_clear(self.last())

    def test_lost_at_the_second_login(self):
        peer = self.online()
        self.server.starttls = False
        connection = self.weakened(peer, "no encryption")
        self.assert_nothing_in_the_clear(connection)


class RowB2(LoginCase):
    """Bytes behind <proceed/>, and features that were said in the clear, count for nothing."""

    def test_bytes_behind_proceed(self):
        peer = self.peer()
        for more in (HEADER + PLAIN_ONLY, PLAIN_ONLY, f"<success xmlns='{NS_SASL}'/>", "<", "\n", " ", "x"):
            with self.subTest(more=more):
                self.server.change("proceed", lambda _c, text, more=more: text + more)
                self.refused("tampered|no server may send", peer=peer)
                connection = self.last()
                self.server.wait(lambda: connection.ended, "end of the connection")
                self.assert_nothing_in_the_clear(connection)
                self.assertEqual(self.auths(), [])
        self.server.change("proceed", None)
        self.login_afterwards(peer)

    def test_features_of_the_clear_are_forgotten(self):
        # What stood beside <starttls/> in the clear: a weaker mechanism, a session. In TLS there is something else.
        self.server.change("features-clear", lambda _c, text: text.replace(
            "</stream:features>", PLAIN_ONLY[len("<stream:features>"):-len("</stream:features>")] +
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"))
        peer = self.peer()
        event = peer.login(ALICE, self.password)
        self.assertEqual(event["sasl"], "SCRAM-SHA-256-PLUS")
        self.assert_no_password()

    def test_no_features_in_tls(self):
        self.server.change("features-clear", lambda _c, text: text.replace("</stream:features>", PLAIN_ONLY[len("<stream:features>"):]))
        self.server.change("features-tls", lambda _c, _t: "<stream:features/>")
        self.refused("no way to log in")
        self.assertEqual(self.auths(), [])
        self.assert_no_password()


class RowB3(LoginCase):
    """A certificate must be of the domain of the address, whatever host was asked."""

    def wrong(self, pattern, domains=None, days=30, authority=None):
        trusted = certificate()[0]
        issued = (authority or trusted).issue(list(domains or ["a.test"]), days)[:2]
        for tls in ("starttls", "direct"):
            with self.subTest(tls=tls):
                self.server = self.new_server(issued=issued)
                self.password = self.server.password(ALICE)
                self.refused(pattern, tls=tls)
                # Not a byte of ours went through that TLS.
                for connection in self.server.connections:
                    self.assertEqual(bytes(connection.raw), connection.clear)
                    self.assert_nothing_in_the_clear(connection)

    def test_another_host(self):
        self.wrong("not valid for a.test", ["other.test"])

    def test_the_host_that_was_asked(self):
        # As the target of an SRV record that somebody forged: right for where we went, wrong for whom we seek.
        issued = certificate()[0].issue(["localhost", "127.0.0.1", "xmpp.provider.test"])[:2]
        self.server = self.new_server(issued=issued)
        for tls, port in (("starttls", self.server.port), ("direct", self.server.tls_port)):
            with self.subTest(tls=tls):
                peer = self.peer()
                after = peer.mark()
                peer.command("login", ALICE, self.server.password(ALICE), "--server", f"localhost:{port}", "--tls", tls,
                             "--ca", self.server.ca)
                said = peer.wait(lambda o: "error" in o or o.get("event") == "online", "end of the login", after=after)
                self.assertRegex(said.get("error", ""), "not valid for a.test")
        for connection in self.server.connections:
            self.assertEqual(bytes(connection.raw), connection.clear)

    def test_names_that_only_look_right(self):
        self.wrong("not valid for a.test", ["x.a.test", "*.a.test", "a.test.evil.test", "aa.test", "*.test", "*"])

    def test_expired(self):
        self.wrong("expired", days=-1)

    def test_unknown_authority(self):
        folder = util.temp_dir("ca")
        self.addCleanup(util.remove_dir, folder)
        self.wrong("authority", authority=Authority(folder + "/other", "Another CA"))

    def test_self_signed(self):
        folder = util.temp_dir("self")
        self.addCleanup(util.remove_dir, folder)
        util.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a.test",
                  "-addext", "subjectAltName=DNS:a.test", "-keyout", folder + "/key", "-out", folder + "/crt", "-days", "30"])

        class SelfSigned:
            @staticmethod
            def issue(_domains, _days):
                return folder + "/crt", folder + "/key"
        self.wrong("authority|cannot be trusted", authority=SelfSigned)

    def pinned(self, column):
        """Alice, who stopped; her account pins the fingerprint of what her server shows from now on. Returns (peer, pin)."""
        folder = util.temp_dir("self")
        self.addCleanup(util.remove_dir, folder)
        util.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other.test",
                  "-keyout", folder + "/key", "-out", folder + "/crt", "-days", "30"])
        peer = self.online()
        peer.stop()
        self.server.use_certificate(None, issued=(folder + "/crt", folder + "/key"))
        pin = hashlib.sha256(self.server.certificate_der).hexdigest()
        path, = glob.glob(os.path.join(peer.home, "data", "**", "*.db"), recursive=True)
        with sqlite3.connect(path) as database:
            database.execute(f"UPDATE accounts SET {column} = ?", (pin,))
        database.close()
        peer.start()
        return peer

    def test_pinned(self):
        # A person has seen the fingerprint of a certificate that is wrong in every way, and trusts exactly that one.
        peer = self.pinned("pin")
        self.login_afterwards(peer)

    def test_another_than_the_pinned_one(self):
        # A perfect one is none the better for it: that is an alarm.
        peer = self.pinned("pin")
        self.server.use_certificate(None, issued=certificate()[1])
        before = len(self.server.connections)
        self.refused("another certificate than the one that you trusted", peer=peer)
        for connection in self.server.connections[before:]:
            self.assertEqual(bytes(connection.raw), connection.clear)

    def test_changed_under_a_known_account(self):
        peer = self.online()
        self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='k'><body>kept</body></message>", "live")
        self.server.use_certificate(None, issued=certificate()[0].issue(["other.test"])[:2])
        connection = self.weakened(peer, "not valid for a.test")
        self.assertEqual(bytes(connection.raw), connection.clear)
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["kept"])


class RowB4(LoginCase):
    """Once SCRAM has worked, PLAIN is never used again."""

    def test_only_plain_at_the_second_login(self):
        peer = self.online()
        self.server.mechanisms, self.server.binding_types = ["PLAIN"], None
        self.weakened(peer, "did before")
        self.assertEqual([a.get("mechanism") for a in self.auths()], ["SCRAM-SHA-256-PLUS"])

    def test_only_plain_after_a_restart(self):
        peer = self.online()
        self.server.mechanisms, self.server.binding_types = ["PLAIN", "DIGEST-MD5", "LOGIN", "ANONYMOUS"], None
        peer.stop()
        peer.start()
        self.refused("did before", peer=peer)
        self.assertEqual([a.get("mechanism") for a in self.auths()], ["SCRAM-SHA-256-PLUS"])
        self.assert_no_password()

    def test_where_nothing_was_bound(self):
        # SCRAM without channel binding counts as well, at once and after a restart.
        self.server.mechanisms, self.server.binding_types = ["SCRAM-SHA-256"], None
        peer = self.online()
        self.server.mechanisms = ["PLAIN"]
        self.weakened(peer, "in the clear, which it did not do before")
        peer.stop()
        peer.start()
        self.refused("in the clear, which it did not do before", peer=peer)
        self.assertEqual([a.get("mechanism") for a in self.auths()], ["SCRAM-SHA-256"])
        self.assert_no_password()

    def test_scram_that_always_fails(self):
        # The list is as before, but the server takes nothing but PLAIN.
        peer = self.online()
        before = len(self.auths())
        self.server.on("auth", lambda c, _e: c.write(f"<failure xmlns='{NS_SASL}'><invalid-mechanism/></failure>") or True)
        self.weakened(peer, "refused every way")
        self.assertNotIn("PLAIN", [a.get("mechanism") for a in self.auths()[before:]])

    def test_plain_where_there_was_never_more(self):
        # The guard is against weakening, not against a server of which nobody knew more: there TLS protects it.
        self.server.mechanisms, self.server.binding_types = ["PLAIN"], None
        self.assertEqual(self.peer().login(ALICE, self.password)["sasl"], "PLAIN")


class RowB5(LoginCase):
    """The list of mechanisms is signed by the server (XEP-0474): a list that was changed on the way is found out."""

    def setUp(self):
        super().setUp()
        self.server.list_hash = True

    def tampered(self, change):
        self.server.change("features-tls", lambda _c, text: change(text))
        peer, _said = self.refused(f"{CHANGED}|{UNPROVEN}")
        self.assertEqual(self.responses(), [])      # the proof was not given to whoever changed it
        self.assert_no_password()
        self.server.change("features-tls", None)
        self.login_afterwards(peer)

    def test_as_it_was(self):
        self.assertEqual(self.peer().login(ALICE, self.password)["sasl"], "SCRAM-SHA-256-PLUS")

    def test_mechanism_added(self):
        self.tampered(lambda text: text.replace("<mechanism>PLAIN", "<mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN"))

    def test_mechanism_removed(self):
        self.server.mechanisms = ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        self.tampered(lambda text: text.replace("<mechanism>SCRAM-SHA-512-PLUS</mechanism>", ""))

    def test_binding_type_removed(self):
        self.server.binding_types = ["tls-server-end-point", "x-another"]
        self.tampered(lambda text: text.replace("<channel-binding type='x-another'/>", ""))

    def test_hash_of_something_else(self):
        for wrong in ("h=", "h=AAAA", "h=" + base64.b64encode(bytes(32)).decode(), "h=?"):
            with self.subTest(wrong=wrong):
                self.server.change("scram-first", lambda _c, text, wrong=wrong: re.sub(r"h=.*", wrong, text))
                self.refused(f"{CHANGED}|{UNPROVEN}")
                self.assertEqual(self.responses(), [])


class RowB6(LoginCase):
    """Channel binding that somebody strips (RFC 5802 section 6, XEP-0440)."""

    def test_mechanisms_stripped(self):
        self.server.change("features-tls", lambda _c, text: text.replace("<mechanism>SCRAM-SHA-256-PLUS</mechanism>", ""))
        self.refused(CHANGED)
        self.assertEqual(self.auths(), [])

    def test_types_stripped(self):
        # -PLUS is still there: whatever is done, "we did not see it" would be a lie.
        self.server.change("features-tls", lambda _c, text: re.sub(r"<sasl-channel-binding.*</sasl-channel-binding>", "", text))
        peer = self.peer()
        after = peer.try_login(ALICE, self.password)
        peer.wait(lambda o: "error" in o or o.get("event") == "online", "end of the login", after=after)
        for auth in self.auths():
            self.assertNotEqual(base64.b64decode(auth.text)[:1], b"y")

    def test_both_stripped(self):
        # Only the server can tell, because "y" says that we could have bound; it refuses, and nothing weaker follows.
        self.server.change("features-tls", lambda _c, text: re.sub(r"<sasl-channel-binding.*</sasl-channel-binding>", "", text)
                           .replace("<mechanism>SCRAM-SHA-256-PLUS</mechanism>", ""))
        self.refused("password is wrong")
        self.assertTrue(self.first_message().startswith("y,,"))
        self.assertEqual([a.get("mechanism") for a in self.auths()], ["SCRAM-SHA-256"])
        self.assert_no_password()

    def test_server_without_any(self):
        # Neither -PLUS nor types: "y", and such a server is taken at its word.
        self.server.mechanisms, self.server.binding_types = ["SCRAM-SHA-256"], None
        self.assertEqual(self.peer().login(ALICE, self.password)["sasl"], "SCRAM-SHA-256")
        self.assertTrue(self.first_message().startswith("y,,"))

    def test_gone_at_the_second_login(self):
        # The first login was bound: a server that never heard of binding is somebody else.
        peer = self.online()
        self.server.mechanisms, self.server.binding_types = ["SCRAM-SHA-256", "PLAIN"], None
        before = len(self.auths())
        self.weakened(peer, "did before")
        self.assertEqual(len(self.auths()), before)

    def test_binding_of_another_connection(self):
        # Somebody in the middle with a certificate of his own: his binding is not the server's.
        self.server.call(lambda: setattr(self.server, "certificate_der", b"another certificate"))
        self.refused("password is wrong")


class RowB7(LoginCase):
    """Who does not know the password cannot pass as the server; before its proof is checked not a stanza goes out."""

    def refuses(self, kind, change, answered):
        """@kind changed by @change: refused. @answered: whether our proof was due by then."""
        self.server.change(kind, change)
        peer, _said = self.refused(UNPROVEN)
        self.server.change(kind, None)
        connection = self.last()
        self.server.wait(lambda: connection.ended, "end of the connection")
        self.assertEqual(len(self.responses()), int(answered))
        self.assert_no_password()
        self.assert_no_stanza()
        # Behind the login no stream was opened.
        self.assertEqual(bytes(connection.raw[len(connection.clear):]).count(b"<stream:stream"), 1)
        self.login_afterwards(peer)

    def test_success_without_signature(self):
        self.refuses("success", lambda _c, _t: f"<success xmlns='{NS_SASL}'/>", True)

    def test_success_with_an_empty_signature(self):
        self.refuses("scram-final", lambda _c, _t: "v=", True)

    def test_success_of_another_form(self):
        self.refuses("scram-final", lambda _c, text: text[2:], True)

    def test_wrong_signature(self):
        self.refuses("scram-final", lambda _c, _t: "v=" + base64.b64encode(bytes(32)).decode(), True)

    def test_signature_with_one_bit_changed(self):
        def flip(_c, text):
            data = bytearray(base64.b64decode(text[2:]))
            data[-1] ^= 1
            return "v=" + base64.b64encode(bytes(data)).decode()
        self.refuses("scram-final", flip, True)

    def test_half_a_signature(self):
        self.refuses("scram-final", lambda _c, text: "v=" + base64.b64encode(base64.b64decode(text[2:])[:16]).decode(), True)

    def test_success_before_the_challenge(self):
        self.refuses("challenge", lambda _c, _t: f"<success xmlns='{NS_SASL}'/>", False)

    def test_success_before_the_challenge_with_a_signature(self):
        signature = base64.b64encode(b"v=" + base64.b64encode(bytes(32))).decode()
        self.refuses("challenge", lambda _c, _t: f"<success xmlns='{NS_SASL}'>{signature}</success>", False)

    def test_success_with_features_at_once(self):
        # Everything that would tempt a client to go on before it has looked at the signature.
        def eager(_c, _t):
            return f"<success xmlns='{NS_SASL}'/>" + HEADER + "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" \
                "</stream:features>"
        self.refuses("success", eager, True)

    def test_foreign_nonce(self):
        self.refuses("scram-first", lambda _c, text: re.sub(r"r=[^,]*", "r=somebody-elses-nonce", text), False)

    def test_nonce_that_is_only_ours(self):
        def only_ours(_c, text):
            ours = re.search(r"r=([^,]*)", self.first_message()).group(1)
            return re.sub(r"r=[^,]*", "r=" + ours, text)
        self.refuses("scram-first", only_ours, False)

    def test_mandatory_extension_in_front(self):
        self.refuses("scram-first", lambda _c, text: "m=must," + text, False)

    def test_mandatory_extension_behind(self):
        self.refuses("scram-first", lambda _c, text: text + ",m=must", False)

    def test_empty_salt(self):
        self.refuses("scram-first", lambda _c, text: re.sub(r"s=[^,]*", "s=", text), False)

    def test_salt_that_is_no_base64(self):
        self.refuses("scram-first", lambda _c, text: re.sub(r"s=[^,]*", "s=!!!!", text), False)

    def test_no_salt(self):
        self.refuses("scram-first", lambda _c, text: re.sub(r"s=[^,]*,", "", text), False)

    def test_challenge_that_is_no_text(self):
        self.refuses("challenge", lambda _c, _t: f"<challenge xmlns='{NS_SASL}'>{base64.b64encode(bytes([255, 0, 254])).decode()}"
                     "</challenge>", False)

    def test_second_challenge(self):
        # The same challenge once more instead of an end: the proof is given once.
        told = []
        self.server.change("challenge", lambda _c, text: told.append(text) or text)
        self.refuses("success", lambda _c, _t: told[0], True)


class RowB8(LoginCase):
    """The number of iterations: 4,096 to 10,000,000; derived beside everything else, and not for ever."""

    def say(self, number):
        self.server.change("scram-first", lambda _c, text: re.sub(r"i=[^,]*", f"i={number}", text))

    def test_unreasonable_numbers(self):
        peer = self.peer()
        for number in ("1", "0", "4095", "10000001", "4294967295", "4294967297", "18446744073709555712", "-4096", "4e6", " 4096",
                       "+4096", "", "4096x"):
            with self.subTest(number=number):
                self.say(number)
                self.refused(UNPROVEN, peer=peer)
                self.assertEqual(self.responses(), [])
        self.say("4096")
        self.login_afterwards(peer)

    def test_many(self):
        self.say("100000")
        self.peer().login(ALICE, self.password)

    def deriving(self):
        """Alice, known to her peer, who derives for a long time now."""
        peer = self.online()
        self.server.deliver(ALICE, f"<message from='{BOB}/x' to='{ALICE}' type='chat' id='k'><body>kept</body></message>", "live")
        asked = []
        self.server.change("scram-first", lambda _c, text: asked.append(1) or re.sub(r"i=[^,]*", "i=10000000", text))
        before = len(self.responses())
        self.lose_session()
        self.server.wait(lambda: asked, "challenge")
        return peer, before

    def assert_rests(self, peer):
        """It stops working on it, long before it could have ended: by its own clock of the CPU, not by the time that passes."""
        def ticks():
            with open(f"/proc/{peer.process.pid}/stat", encoding="utf-8") as f:
                return sum(map(int, f.read().rpartition(")")[2].split()[11:13]))
        begin, seen = ticks(), [-1, 0]

        def rests():
            now = ticks()
            seen[:] = [now, seen[1] + 1 if now == seen[0] else 0]
            return seen[1] > 15
        self.wait_for(rests, "rest", 60)
        self.assertLess(seen[0] - begin, 0.8 * os.sysconf("SC_CLK_TCK"))

    def test_everything_else_goes_on(self):
        peer, before = self.deriving()
        # The one is answered by the main thread, the other by the engine's; the challenge may need a moment to arrive.
        for _ in range(10):
            self.assertEqual(peer.ask("accounts")["accounts"][0]["connection"], "connecting")
            self.assertEqual([m["text"] for m in peer.history(BOB)], ["kept"])
            time.sleep(0.05)
        self.assertEqual(len(self.responses()), before, "the derivation was over before anything else was answered")

    def test_cancelled(self):
        peer, before = self.deriving()
        peer.ask("logout", ALICE)
        self.assertEqual(peer.ask("accounts")["accounts"][0]["connection"], "offline")
        self.assert_rests(peer)
        connection = self.last()
        self.server.wait(lambda: connection.ended, "end of the connection")
        self.assertEqual(len(self.responses()), before)
        self.server.change("scram-first", None)
        self.login_afterwards(peer)

    def test_stopped(self):
        peer, before = self.deriving()
        peer.process.popen.send_signal(signal.SIGTERM)
        self.wait_for(lambda: peer.process.popen.poll() is not None, "end of the peer")
        self.assertEqual(peer.process.popen.poll(), 0)
        self.assertEqual(len(self.responses()), before)


class RowB9(LoginCase):
    """Whom the server says we are, and where it sends us."""

    def bound_to(self, jid):
        self.server.change("bound", lambda c, text: text.replace(f"<jid>{c.session.full}</jid>", jid))
        peer, _said = self.refused("does not understand")
        connection = self.last()
        self.server.wait(lambda: connection.ended, "end of the connection")
        # Only the binding itself was sent.
        self.assertEqual([e.tag for e in connection.elements if e.tag.startswith("{jabber:client}")], ["{jabber:client}iq"])
        self.assertNotIn(b"<enable", connection.raw)
        self.server.change("bound", None)
        self.login_afterwards(peer)

    def test_bound_to_somebody_else(self):
        self.bound_to("<jid>eve@a.test/x</jid>")

    def test_bound_to_another_domain(self):
        self.bound_to("<jid>alice@e.test/x</jid>")

    def test_bound_to_a_bare_address(self):
        self.bound_to("<jid>alice@a.test</jid>")

    def test_bound_to_a_look_alike(self):
        self.bound_to("<jid>\u0430lice@a.test/x</jid>")

    def test_bound_to_nobody(self):
        self.bound_to("")

    def test_other_host_before_tls(self):
        other = self.new_server()
        self.server.change("features-clear", lambda _c, _t: stream_error("see-other-host", f"127.0.0.1:{other.port}"))
        self.refused("see-other-host")
        self.assertEqual(other.connections, [])
        self.assert_nothing_in_the_clear(self.last())

    def test_other_host_after_tls(self):
        other = self.new_server()
        other.accounts[ALICE].password = self.password
        self.server.change("features-tls", lambda _c, _t: stream_error("see-other-host", f"127.0.0.1:{other.port}"))
        self.peer().login(ALICE, self.password)
        self.assertIsNotNone(other.wait_session(ALICE))
        self.assertEqual(self.auths(), [])

    def test_other_host_without_end(self):
        self.server.change("features-tls", lambda _c, _t: stream_error("see-other-host", f"127.0.0.1:{self.server.port}"))
        peer, _said = self.refused("see-other-host")
        self.assertEqual(len(self.server.connections), 4)       # the first, and three more
        self.assertEqual(self.auths(), [])
        self.server.change("features-tls", None)
        self.login_afterwards(peer)

    def test_other_host_of_another_identity(self):
        other = self.new_server(issued=certificate()[0].issue(["b.test"])[:2])
        self.server.change("features-tls", lambda _c, _t: stream_error("see-other-host", f"127.0.0.1:{other.port}"))
        self.refused("not valid for a.test")
        for connection in other.connections:
            self.assertEqual(bytes(connection.raw), connection.clear)

    def test_other_host_that_is_none(self):
        peer = self.peer()
        for host in ("", ":", "a" * 300, "[::1", "127.0.0.1:99999", "127.0.0.1:0x50", "\n"):
            with self.subTest(host=host[:20]):
                self.server.change("features-tls", lambda _c, _t, host=host: stream_error("see-other-host", host))
                self.refused(r".", peer=peer)
                self.assertEqual(self.auths(), [])


class RowB10(LoginCase):
    """Acknowledgements of what was never sent; what was not acknowledged is kept, and arrives later."""

    def unacknowledged(self):
        """(peer, id): Alice wrote to Bob, and the server lost it without a word."""
        peer = self.online()
        self.server.acknowledge = False

        def lose(connection, element):
            connection.session.handled -= 1
            self.lost = element.get("id")
            return True
        self.lost = None
        self.server.on("message", lose)
        peer.encrypt(BOB, False)
        ident = peer.send(BOB, "kept for later")
        self.server.wait(lambda: self.lost == ident, "message")
        return peer, ident

    def assert_arrives(self, peer, ident):
        """It is sent again, once, and only then said to be sent."""
        before = len(self.server.sent_by(ALICE, "message"))
        self.assertNotIn("sent", [o.get("state") for o in peer.objects if o.get("id") == ident])
        self.server.acknowledge = True
        self.server.on("message", None)
        peer.wait_state(ident, "sent", 60)
        self.server.settle(ALICE)
        again = [e.get("id") for e in self.server.sent_by(ALICE, "message")[before:]]
        self.assertEqual(again.count(ident), 1)
        self.assertEqual([m["text"] for m in peer.history(BOB)], ["kept for later"])

    def claims(self, number):
        peer, ident = self.unacknowledged()
        connection = self.server.connection(ALICE)
        self.server.inject(ALICE, f"<a xmlns='urn:xmpp:sm:3' h='{number}'/>")
        self.assert_closed(connection, "undefined-condition")
        self.assert_arrives(peer, ident)

    def wait_refused(self, number):
        """The connection of that number ends, and no stanza was sent on it: the session was not taken up."""
        self.server.wait(lambda: len(self.server.connections) > number and self.server.connections[number].ended, "end of the resumption")
        self.assertEqual([e.tag for e in self.server.connections[number].elements if e.tag.startswith("{jabber:client}")], [])

    def test_more_than_was_sent(self):
        self.claims(100000)

    def test_the_largest(self):
        self.claims(4294967295)

    def test_less_than_before(self):
        self.claims(0)

    def test_no_number(self):
        self.claims("many")

    def test_too_long_a_number(self):
        self.claims(2 ** 32 + 3)

    def test_more_at_the_resumption(self):
        peer, ident = self.unacknowledged()
        self.server.change("resumed", lambda c, text: re.sub(r"h='\d+'", f"h='{c.session.handled + 1000}'", text))
        before = len(self.server.connections)
        self.server.cut(ALICE)
        self.wait_refused(before)
        self.server.change("resumed", None)
        self.assert_arrives(peer, ident)

    def in_another_process(self, claim):
        """The one that sent it is killed; the next one takes up its session, and the server says that it has handled what @claim makes
        of what it has."""
        peer, ident = self.unacknowledged()
        self.server.change("resumed", lambda c, text: re.sub(r"h='\d+'", f"h='{claim(c.session.handled)}'", text))
        before = len(self.server.connections)
        peer.kill()
        peer.start()
        peer.try_login(ALICE, self.password)
        self.wait_refused(before)
        self.server.change("resumed", None)
        self.assert_arrives(peer, ident)

    def test_more_in_another_process(self):
        self.in_another_process(lambda handled: handled + 100000000)

    def test_less_in_another_process(self):
        self.in_another_process(lambda _handled: 0)

    def test_more_at_a_failed_resumption(self):
        peer, ident = self.unacknowledged()
        self.server.change("resume-failed", lambda _c, text: text.replace("<failed ", "<failed h='4000000000' "))
        before = len(self.server.connections)
        self.lose_session()
        self.wait_refused(before)
        self.server.change("resume-failed", None)
        self.assert_arrives(peer, ident)

    def test_resumption_of_another_session(self):
        peer, ident = self.unacknowledged()
        self.server.change("resumed", lambda _c, text: re.sub(r"previd='[^']*'", "previd='another'", text))
        before = len(self.server.connections)
        self.server.cut(ALICE)
        self.wait_refused(before)
        self.server.change("resumed", None)
        self.assert_arrives(peer, ident)


if __name__ == "__main__":
    unittest.main()
