# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in, and being refused, with a cause that a person can act on."""

import hashlib
import os
import socket
import ssl
import unittest

from tess import util
from tess.cases import ServerCase, on_each_server
from tess.certs import Authority
from tess.peer import Peer
from tess.servers import SERVERS


@on_each_server
class Login(ServerCase):
    pairs = 18

    def test_starttls(self):
        a, _b = self.strangers()
        event = self.peer().login(a, self.password(a), tls="starttls")
        self.assertRegex(event["tls"], r"^TLSv1\.[23]$")
        self.assertRegex(event["sasl"], r"^SCRAM-SHA-(1|256|512)(-PLUS)?$")
        self.assertFalse(event["resumed"])

    def test_direct_tls(self):
        a, _b = self.strangers()
        event = self.peer().login(a, self.password(a), tls="direct")
        self.assertRegex(event["tls"], r"^TLSv1\.[23]$")
        self.assertRegex(event["sasl"], r"^SCRAM-SHA-(1|256|512)(-PLUS)?$")

    def test_best_mechanism(self):
        # Prosody keeps one hash. Neither binds to TLS 1.3 here: Prosody 0.12 does not offer it, and ejabberd 23.01 offers
        # -PLUS there without XEP-0440 and means tls-unique, which TLS 1.3 has not.
        a, _b = self.strangers()
        event = self.peer().login(a, self.password(a))
        expected = {"prosody": "SCRAM-SHA-256", "ejabberd": "SCRAM-SHA-512"}[self.server.kind]
        self.assertEqual(event["sasl"], expected)

    def test_wrong_password(self):
        a, _b = self.friends()
        peer = self.peer()
        said = peer.refused_login(a, "certainly-not-it", r"password")
        self.assertNotIn("certainly-not-it", said)
        # The peer goes on: the right password helps.
        peer.login(a, self.password(a))

    def test_no_such_account(self):
        self.peer().refused_login("nobody", "whatever-it-is", r"password|account|address")

    def test_unknown_authority(self):
        a, _b = self.friends()
        other = Authority(os.path.join(self.server.folder, "other-ca"), "Somebody else's CA")
        said = self.peer().refused_login(a, self.password(a), r"certificate", ca=other.ca)
        self.assertRegex(said, self.server.domain)

    def test_no_authority_given(self):
        # Without --ca the system's authorities count, and they do not know this one.
        a, _b = self.friends()
        self.peer().refused_login(a, self.password(a), r"certificate", ca="")

    def test_unknown_authority_direct_tls(self):
        a, _b = self.friends()
        other = Authority(os.path.join(self.server.folder, "third-ca"), "Somebody else's CA")
        self.peer().refused_login(a, self.password(a), r"certificate", ca=other.ca, tls="direct")

    def test_security(self):
        a, _b = self.strangers()
        peer = self.peer()
        peer.login(a, self.password(a))
        told = peer.ask("security", peer.jid)
        security = told["security"]
        own = security["chain"][0]
        self.assertIn(self.server.domain, own["names"])
        self.assertRegex(own["fingerprint"], r"^[0-9a-f]{64}$")
        self.assertEqual(own["fingerprint"], self.fingerprint())
        self.assertEqual(own["faults"], [])
        self.assertIn(security["sasl"], security["mechanisms"])
        self.assertEqual(security["host"], "127.0.0.1")
        self.assertFalse(security["direct"])
        self.assertIsNone(security["proxy"])
        self.assertIn("PLAIN", security["mechanisms"])
        self.assertTrue(told["scram_seen"])
        self.assertEqual("no-binding" in security["advice"], security["binding"] is None)
        self.assertTrue({"plain-offered", "list-unproven"} <= set(security["advice"]))
        self.assertFalse({"password-sent", "pinned", "weak-key", "old-hash", "no-management", "no-archive"}
                         & set(security["advice"]))
        self.assertNotIn(self.password(a), peer.everything())

    def fingerprint(self, of=None):
        """What the server shows, without any of our own code."""
        pem = ssl.get_server_certificate(("127.0.0.1", (of or self.server).tls_port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def test_pin(self):
        # Refused with all that a person has to know; pinned it is good enough; another one is an alarm.
        a, _b = self.strangers()
        peer = self.peer()
        peer.refused_login(a, self.password(a), r"certificate", ca="")
        self.assertEqual(peer.refusal["code"], "bad-certificate")
        shown = peer.refusal["certificate"]
        self.assertEqual(shown["fingerprint"], self.fingerprint())
        self.assertIn(self.server.domain, shown["names"])
        self.assertIn("unknown-issuer", shown["faults"])
        peer.login(a, self.password(a), ca="", options=("--pin", shown["fingerprint"]))
        told = peer.ask("security", peer.jid)
        self.assertEqual(told["pin"], shown["fingerprint"])
        self.assertIn("pinned", told["security"]["advice"])

        after = peer.mark()
        peer.ask("pin", peer.jid, "0" * 64)
        alarm = peer.wait({"event": "offline", "code": "certificate-changed"}, "alarm", after=after)
        self.assertEqual(alarm["certificate"]["fingerprint"], shown["fingerprint"])
        self.assertIn("not-pinned", alarm["certificate"]["faults"])
        after = peer.mark()
        peer.ask("pin", peer.jid, shown["fingerprint"])
        peer.wait({"event": "online", "account": peer.jid}, "connection with the right pin", after=after)

    def test_key_instead_of_password(self):
        a, _b = self.strangers()
        peer = self.peer()
        peer.login(a, self.password(a), options=("--keep-key",))
        if self.server.kind == "ejabberd":
            # It keeps the password itself, and salts it anew each time: a key would be good for one login only.
            peer.wait(lambda o: o.get("event") == "error" and "password itself" in o["reason"], "word about the password")
            self.assertFalse(peer.ask("security", peer.jid)["keep_key"])
            self.assertNotIn('"credentials"', peer.everything())
            return
        peer.wait({"event": "credentials", "key": "new"}, "key to keep")
        kept = os.path.join(peer.home, "credentials")
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        with open(kept, encoding="utf-8") as file:
            self.assertNotIn(self.password(a), file.read())
        peer.stop()
        peer.start()
        event = peer.login(a, None)
        self.assertRegex(event["sasl"], r"^SCRAM-")

    def test_remembered_key(self):
        a, _b = self.strangers()
        peer = self.peer()
        peer.login(a, self.password(a), options=("--remember-key",))
        told = peer.ask("security", peer.jid)
        self.assertEqual(told["server_key"], told["security"]["chain"][0]["key_fingerprint"])

    def test_proxy_that_is_not_there(self):
        a, _b = self.strangers()
        peer = self.peer()
        port = util.free_ports(1)[0]
        peer.refused_login(a, self.password(a), r"proxy", options=("--proxy", f"socks5://127.0.0.1:{port}"))
        self.assertEqual(peer.refusal["code"], "proxy")


class OtherServers(unittest.TestCase):
    """Servers that nobody should sign in to; each has its own, on both kinds."""

    def refused(self, pattern, **options):
        for kind, server_class in SERVERS.items():
            with self.subTest(server=kind), server_class(users={"alice": "secret-of-alice"}, **options) as server, \
                 Peer(server) as peer:
                peer.refused_login("alice", "secret-of-alice", pattern)
                # It must not have come so far as to show the password to anybody.
                log = util.last_lines(server.log, 10000)
                self.assertNotRegex(log, r"Authenticated as|Accepted c2s .* authentication")

    def test_no_tls(self):
        self.refused(r"TLS|encrypt|secure", tls=False)

    def test_certificate_of_another_host(self):
        self.refused(r"certificate", cert_domains=["other.example"])

    def test_expired_certificate(self):
        self.refused(r"certificate", cert_days=-1)

    def test_nobody_listens(self):
        class Nothing:
            domain, ca, port, tls_port = "localhost", "", util.free_ports(1)[0], None

            def jid(self, user):
                return f"{user}@localhost"

        with Peer(Nothing()) as peer:
            peer.refused_login("alice", "secret-of-alice", r"reach|connect|refused|server", ca="")

    def test_listens_and_says_nothing(self):
        class Silent:
            domain, ca, tls_port = "localhost", "", None

            def jid(self, user):
                return f"{user}@localhost"

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = Silent()
            server.port = listener.getsockname()[1]
            with Peer(server) as peer:
                # It gives up within a bound of its own.
                peer.refused_login("alice", "secret-of-alice", r"answer|time|respon|reach|connect", seconds=120, ca="")
