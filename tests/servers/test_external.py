# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in by a certificate of one's own (SASL EXTERNAL, XEP-0178), to servers that verify it."""

import os
import shutil
import unittest

from tess import util
from tess.certs import Authority
from tess.peer import Peer
from tess.servers import Ejabberd, Prosody

REFUSED = r"^localhost refused your certificate for this account\. Choose another one, or enter the password\.$"
PASSPHRASE = "opens the certificate"


class External:
    """What holds on each server."""

    server_class = None

    @classmethod
    def setUpClass(cls):
        cls.folder = util.temp_dir("external")
        cls.authority = Authority(os.path.join(cls.folder, "ca"))
        cls.stranger = Authority(os.path.join(cls.folder, "stranger"), "Somebody else's CA")
        cls.server = cls.server_class(users={"alice": "secret-of-alice", "bob": "secret-of-bob"}, authority=cls.authority,
                                      certificates=True)
        try:
            cls.server.start()
            cls.alice = cls.authority.issue_client(["alice@localhost"])
            cls.bob = cls.authority.issue_client(["bob@localhost"])
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        util.remove_dir(cls.folder)

    def peer(self):
        peer = Peer(self.server)
        self.addCleanup(peer.close)
        return peer.start()

    def refused(self, path, pattern, *options, code="client-certificate"):
        """The peer that was refused with this certificate and no password."""
        peer = self.peer()
        peer.refused_login("alice", None, pattern, options=("--certificate", path, *options))
        self.assertEqual(peer.refusal["code"], code)
        return peer

    def assert_by_certificate(self, peer, event):
        self.assertEqual(event["sasl"], "EXTERNAL")
        security = peer.ask("security", peer.jid)["security"]
        self.assertEqual(security["sasl"], "EXTERNAL")
        self.assertIsNone(security["binding"])
        self.assertFalse({"no-binding", "password-sent"} & set(security["advice"]))

    def test_pem(self):
        for tls in ("starttls", "direct"):
            with self.subTest(tls=tls):
                peer = self.peer()
                event = peer.login("alice", None, tls=tls, options=("--certificate", self.alice[2]))
                self.assert_by_certificate(peer, event)
                peer.stop()

    def test_pkcs12(self):
        path = self.authority.pack(self.alice, PASSPHRASE)
        peer = self.peer()
        event = peer.login("alice", None, options=("--certificate", path, "--passphrase", PASSPHRASE))
        self.assert_by_certificate(peer, event)
        self.assertNotIn(PASSPHRASE, peer.everything())

    def test_restart(self):
        # The certificate is kept, the file and its passphrase are needed no more.
        path = os.path.join(self.folder, "away.p12")
        shutil.move(self.authority.pack(self.alice, PASSPHRASE), path)
        peer = self.peer()
        peer.login("alice", None, options=("--certificate", path, "--passphrase", PASSPHRASE))
        os.unlink(path)
        kept = os.path.join(peer.home, "credentials")
        util.wait_for(lambda: os.path.exists(kept), "credentials", 10)
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        with open(kept, encoding="utf-8") as file:
            self.assertNotIn(PASSPHRASE, file.read())
        peer.stop()
        peer.start()
        self.assert_by_certificate(peer, peer.login("alice", None))

    def test_passphrase(self):
        path = self.authority.pack(self.alice, PASSPHRASE)
        peer = self.refused(path, r"passphrase does not fit", "--passphrase", "certainly-not-it", code="passphrase-needed")
        self.assertNotIn("certainly-not-it", peer.everything())
        self.refused(path, r"protected by a passphrase", code="passphrase-needed")
        # It goes on with the right one.
        peer.login("alice", None, options=("--certificate", path, "--passphrase", PASSPHRASE))

    def test_of_somebody_else(self):
        self.refused(self.bob[2], REFUSED)

    def test_unknown_authority(self):
        self.refused(self.stranger.issue_client(["alice@localhost"])[2], REFUSED)

    def test_expired(self):
        self.refused(self.authority.issue_client(["alice@localhost"], days=-1)[2], REFUSED)


class ExternalOnEjabberd(External, unittest.TestCase):
    """It takes passwords too."""

    server_class = Ejabberd

    def refusals(self):
        """How often it has looked at a certificate and refused it."""
        return util.last_lines(self.server.log, 10000).count("Failed c2s EXTERNAL authentication")

    def test_falls_back(self):
        for name, issued in (("somebody else", self.bob), ("unknown authority", self.stranger.issue_client(["alice@localhost"]))):
            with self.subTest(of=name):
                peer = self.peer()
                before = self.refusals()
                event = peer.login("alice", "secret-of-alice", options=("--certificate", issued[2]))
                self.assertRegex(event["sasl"], r"^SCRAM-")
                # The log comes a little later.
                util.wait_for(lambda count=before: self.refusals() > count, "refusal of the certificate", log=self.server.tail)
                peer.stop()

    def test_first_of_both(self):
        peer = self.peer()
        event = peer.login("alice", "secret-of-alice", options=("--certificate", self.alice[2]))
        self.assert_by_certificate(peer, event)

    def test_both_refused(self):
        peer = self.peer()
        peer.refused_login("alice", "certainly-not-it", r"password is wrong", options=("--certificate", self.bob[2]))


class ExternalOnProsody(External, unittest.TestCase):
    """With mod_auth_ccert: certificates only. Debian's mod_client_certs, for both, does not load in its Prosody 0.12."""

    server_class = Prosody

    def test_expired(self):
        # Prosody 0.12 answers <false/>, which RFC 6120 does not know (util/sasl/external.lua says "false" for "failure").
        peer = self.peer()
        peer.refused_login("alice", None, r"answer that Tessera does not understand",
                           options=("--certificate", self.authority.issue_client(["alice@localhost"], days=-1)[2]))

    def test_no_password(self):
        # What a person reads must not be about a wrong password.
        peer = self.peer()
        peer.refused_login("alice", "secret-of-alice", r"no way to log in|certificate")
