# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of SASL, as the evil server speaks it: right unless a test changes what is said."""

import base64
import hashlib
import hmac
import os

HASHES = {"SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}


class Refused(Exception):
    """The login fails; the text is the condition of RFC 6120 section 6.5."""


def b64(data):
    return base64.b64encode(data).decode()


def server_end_point(certificate_der):
    """tls-server-end-point (RFC 5929 section 4.1) of a certificate that is signed with SHA-256, as the tests' are."""
    return hashlib.sha256(certificate_der).digest()


def announced_hash(mechanisms, bindings, algorithm):
    """What XEP-0474 hashes: both lists sorted, their parts joined by 0x1e, the lists by 0x1f."""
    text = "\x1e".join(sorted(mechanisms))
    if bindings:
        text += "\x1f" + "\x1e".join(sorted(bindings))
    return b64(hashlib.new(algorithm, text.encode()).digest())


class Plain:
    """PLAIN; @password_of maps a user's name to the password, or None."""

    def __init__(self, password_of):
        self.password_of = password_of
        self.user = None

    def start(self, initial):
        parts = initial.split(b"\0")
        if len(parts) != 3:
            raise Refused("malformed-request")
        self.user = parts[1].decode()
        if self.password_of(self.user) != parts[2].decode():
            raise Refused("not-authorized")
        return "success", None


class External:
    """EXTERNAL (RFC 4422 appendix A): the certificate of the client, as ssl's getpeercert() gives it, names the account."""

    def __init__(self, certificate):
        self.certificate, self.user = certificate, None

    def start(self, initial):
        names = [v for part in (self.certificate or {}).get("subject", ()) for k, v in part if k == "commonName"]
        wanted = initial.decode() or (names[0] if names else "")
        if wanted not in names:
            raise Refused("not-authorized")
        self.user = wanted.partition("@")[0]
        return "success", None


class Token:
    """A token of XEP-0484, by HT-SHA-256-*; @tokens_of(user) are those that are good. The proof of ours is "token-final"."""

    BINDINGS = {"EXPR": "tls-exporter", "UNIQ": "tls-unique", "ENDP": "tls-server-end-point", "NONE": None}

    def __init__(self, mechanism, tokens_of, bindings, change):
        self.tokens_of, self.change, self.user = tokens_of, change, None
        kind = self.BINDINGS[mechanism.rpartition("-")[2]]
        self.binding = bindings[kind] if kind else b""

    def start(self, initial):
        user, _, proof = initial.partition(b"\0")
        self.user = user.decode()
        for token in self.tokens_of(self.user):
            if hmac.compare_digest(hmac.new(token.encode(), b"Initiator" + self.binding, "sha256").digest(), proof):
                return "success", self.change("token-final",
                                              hmac.new(token.encode(), b"Responder" + self.binding, "sha256").digest())
        raise Refused("not-authorized")


class Scram:
    """One SCRAM login. @change(kind, text) may replace each message of ours ("scram-first", "scram-final").

    What the client signs is what it was really sent, so that a login with a changed challenge works unless the client itself
    looks. @bindings: type -> its data.
    """

    def __init__(self, mechanism, password_of, change, bindings, iterations=4096, salt=None, extensions="", offers_plus=False):
        self.mechanism, self.change = mechanism, change
        self.plus = mechanism.endswith("-PLUS")
        self.algorithm = HASHES[mechanism[len("SCRAM-"):].removesuffix("-PLUS")]
        self.password_of, self.bindings, self.iterations = password_of, bindings, iterations
        self.salt = os.urandom(16) if salt is None else salt
        self.extensions, self.offers_plus = extensions, offers_plus
        self.user = self.gs2 = None
        self.state = "new"

    def _hmac(self, key, text):
        return hmac.new(key, text.encode(), self.algorithm).digest()

    def start(self, initial):
        text = initial.decode()
        flag, _authzid, bare = text.split(",", 2)
        self.gs2 = text[:len(text) - len(bare)]
        if self.plus != flag.startswith("p="):
            raise Refused("malformed-request")
        # RFC 5802 section 6: the client could bind and did not see that we can.
        if flag == "y" and self.offers_plus:
            raise Refused("not-authorized")
        if self.plus and flag[2:] not in self.bindings:
            raise Refused("not-authorized")
        self.binding = self.bindings[flag[2:]] if self.plus else b""
        self.flag = flag
        fields = dict(p.split("=", 1) for p in bare.split(","))
        self.user = fields["n"].replace("=2C", ",").replace("=3D", "=")
        self.client_nonce, self.client_first = fields["r"], bare
        first = f"r={fields['r']}{os.urandom(12).hex()},s={b64(self.salt)},i={self.iterations}{self.extensions}"
        self.first = self.change("scram-first", first)
        self.state = "first"
        return "challenge", self.first

    def answer(self, response):
        if self.state != "first":
            return "success", None
        text = response.decode()
        without, _, proof = text.rpartition(",p=")
        fields = dict(p.split("=", 1) for p in without.split(","))
        if fields["c"] != b64(self.gs2.encode() + self.binding):
            raise Refused("not-authorized")
        password = self.password_of(self.user)
        if password is None:
            raise Refused("not-authorized")
        # The numbers that were said count, whatever they should have been.
        told = dict(p.split("=", 1) for p in self.first.split(",") if "=" in p)
        if fields["r"] != told.get("r"):
            raise Refused("not-authorized")
        salted = hashlib.pbkdf2_hmac(self.algorithm, password.encode(), base64.b64decode(told.get("s", "")),
                                     max(1, min(int(told.get("i", "4096")), 100000)))
        message = f"{self.client_first},{self.first},{without}"
        key = self._hmac(salted, "Client Key")
        stored = hashlib.new(self.algorithm, key).digest()
        expected = bytes(a ^ b for a, b in zip(key, self._hmac(stored, message)))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            raise Refused("not-authorized")
        self.state = "done"
        final = "v=" + b64(self._hmac(self._hmac(salted, "Server Key"), message))
        return "success", self.change("scram-final", final)
