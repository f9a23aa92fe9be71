# SPDX-License-Identifier: GPL-3.0-or-later
"""An OMEMO 0.3 endpoint (eu.siacs.conversations.axolotl) that can do each step wrong.

    mallory = Attacker("eve@e.test", 7)
    mallory.start_session(ALICE, alice_device, alice_bundle)          # X3DH against a published bundle
    stanza = mallory.message(ALICE, "hello")                          # what an honest client would send
    stanza = mallory.message(ALICE, "hello", mac=lambda m: bytes(8))  # and what none would

The ratchet is the Signal protocol's version 3 (X3DH, double ratchet, protobuf by hand), on python3-cryptography for
X25519, AES, HMAC and HKDF. Signatures are XEdDSA in plain integers: a bundle is signed once a test. Nothing here is
constant in time and no key is kept from anybody: it is the attacker's.
"""

import base64
import hashlib
import hmac as hmac_module
import itertools
import os
import xml.etree.ElementTree as ET

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

NS = "eu.siacs.conversations.axolotl"
LIST_NODE = NS + ".devicelist"
BUNDLE_NODE = NS + ".bundles:"
VERSION = 0x33      # of messages: made by version 3, and no older one understood
DJB = b"\x05"

# The points of order 1, 2, 4 and 8 of Curve25519 and its twist, and those that reduce to them, little-endian.
LOW_ORDER = [bytes.fromhex(text) for text in (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080")]


# ---- Primitives ----

def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode("".join(text.split()))


def mac_of(key, data):
    return hmac_module.new(key, data, hashlib.sha256).digest()


def hkdf(secret, salt, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


class Pair:
    """A Curve25519 pair: `public` is 32 bytes, `serial` has 0x05 in front."""

    def __init__(self, private=None):
        self._key = X25519PrivateKey.from_private_bytes(private) if private else X25519PrivateKey.generate()
        raw = serialization.Encoding.Raw
        self.private = self._key.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        self.public = self._key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        self.serial = DJB + self.public

    def agree(self, public):
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            return bytes(32)    # a point of low order: that is what such an agreement yields


class LowOrder:
    """A public key that agrees with everybody on zero, as if it were a pair: what is computed with it is right."""

    def __init__(self, point):
        self.public, self.serial = point, DJB + point

    def agree(self, _public):
        return bytes(32)


_P = 2 ** 255 - 19
_Q = 2 ** 252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_BY = 4 * pow(5, _P - 2, _P) % _P


def _recover_x(y):
    xx = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(xx, (_P + 3) // 8, _P)
    if (x * x - xx) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    return _P - x if x & 1 else x


def _add(a, b):
    a1, b1 = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    c, d = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = b1 - a1, d - c, d + c, b1 + a1
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(n):
    """n times the base point: (encoded without sign, sign)."""
    x = _recover_x(_BY)
    point, result = (x, _BY, 1, x * _BY % _P), (0, 1, 1, 0)
    while n:
        if n & 1:
            result = _add(result, point)
        point, n = _add(point, point), n >> 1
    inverse = pow(result[2], _P - 2, _P)
    return result[1] * inverse % _P, result[0] * inverse % _P & 1


def sign(pair, message):
    """XEdDSA over @message with a Curve25519 pair."""
    scalar = int.from_bytes(pair.private, "little") & ~7 & (2 ** 254 - 1) | 2 ** 254
    y, negative = _multiply(scalar)
    if negative:
        scalar = _Q - scalar % _Q
    public = y.to_bytes(32, "little")
    r = int.from_bytes(hashlib.sha512(b"\xfe" + b"\xff" * 31 + pair.private + message + os.urandom(64)).digest(), "little") % _Q
    ry, rx = _multiply(r)
    big_r = (ry | rx << 255).to_bytes(32, "little")
    h = int.from_bytes(hashlib.sha512(big_r + public + message).digest(), "little") % _Q
    return big_r + ((r + h * scalar) % _Q).to_bytes(32, "little")


# ---- Protobuf ----

def varint(value):
    out = bytearray()
    while True:
        out.append(value & 0x7f | (0x80 if value > 0x7f else 0))
        value >>= 7
        if not value:
            return bytes(out)


def protobuf(fields):
    """@fields: (number, int or bytes), in the order of the list; a value of None is left out."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif value is not None:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def read_protobuf(data):
    """number -> the last value."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(data):
        tag = number()
        value = number()
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        found[tag >> 3] = value
    return found


# ---- Bundles ----

class Bundle:
    """What somebody published; parse() reads the element."""

    def __init__(self, identity, signed_id, signed_key, signature, prekeys):
        self.identity, self.signed_id, self.signed_key, self.signature = identity, signed_id, signed_key, signature
        self.prekeys = dict(prekeys)    # id -> 32 bytes

    @classmethod
    def parse(cls, element):
        if isinstance(element, (str, bytes)):
            element = ET.fromstring(element)
        if element.tag != f"{{{NS}}}bundle":
            element = element.find(f".//{{{NS}}}bundle")

        def key(name):
            return unb64(element.find(f"{{{NS}}}{name}").text)

        signed = element.find(f"{{{NS}}}signedPreKeyPublic")
        prekeys = {int(p.get("preKeyId")): unb64(p.text)[1:] for p in element.iter(f"{{{NS}}}preKeyPublic")}
        return cls(key("identityKey")[1:], int(signed.get("signedPreKeyId")), unb64(signed.text)[1:],
                   key("signedPreKeySignature"), prekeys)

    def xml(self):
        prekeys = "".join(f"<preKeyPublic preKeyId='{i}'>{b64(DJB + k)}</preKeyPublic>" for i, k in self.prekeys.items())
        return (f"<bundle xmlns='{NS}'><signedPreKeyPublic signedPreKeyId='{self.signed_id}'>{b64(DJB + self.signed_key)}"
                f"</signedPreKeyPublic><signedPreKeySignature>{b64(self.signature)}</signedPreKeySignature>"
                f"<identityKey>{b64(DJB + self.identity)}</identityKey><prekeys>{prekeys}</prekeys></bundle>")


def device_list(*ids):
    return f"<list xmlns='{NS}'>" + "".join(f"<device id='{i}'/>" for i in ids) + "</list>"


# ---- The ratchet ----

class Chain:
    def __init__(self, key, index=0):
        self.key, self.index = key, index

    def step(self):
        """(cipher key, MAC key, IV) of this message; moves on."""
        seed = mac_of(self.key, b"\x01")
        self.key, self.index = mac_of(self.key, b"\x02"), self.index + 1
        keys = hkdf(seed, bytes(32), b"WhisperMessageKeys", 80)
        return keys[:32], keys[32:64], keys[64:]


_turn = itertools.count()


class BadMessage(Exception):
    """What came cannot be decrypted here."""


class Session:
    """One double ratchet. Messages of a chain that were passed over can be read later."""

    def __init__(self, identity, their_identity):
        self.identity, self.their_identity = identity, their_identity   # Pair, 32 bytes
        self.root, self.sending, self.receiving = None, None, {}
        self.ratchet, self.their_ratchet, self.previous = None, None, 0
        self.skipped = {}
        self.pending = None     # of an exchange that nobody answered yet: fields of the prekey message

    def _turn(self, their_ratchet):
        secret = hkdf(self.ratchet.agree(their_ratchet), self.root, b"WhisperRatchet", 64)
        self.root = secret[:32]
        return Chain(secret[32:])

    @classmethod
    def start(cls, identity, bundle, prekey=None, base=None, ratchet=None):
        """@prekey: the id of the one-time prekey; 0 for none, None for any. Any pair may be a LowOrder."""
        self = cls(identity, bundle.identity)
        base = base or Pair()
        if prekey is None:
            # Another one each time: of two exchanges with one prekey only the first can be read.
            prekey = list(bundle.prekeys)[next(_turn) % len(bundle.prekeys)]
        secret = b"\xff" * 32 + identity.agree(bundle.signed_key) + base.agree(bundle.identity) + base.agree(bundle.signed_key)
        if prekey:
            secret += base.agree(bundle.prekeys[prekey])
        keys = hkdf(secret, bytes(32), b"WhisperText", 64)
        self.root = keys[:32]
        self.receiving[bundle.signed_key] = Chain(keys[32:])
        self.ratchet, self.their_ratchet = ratchet or Pair(), bundle.signed_key
        self.sending = self._turn(bundle.signed_key)
        self.pending = {"prekey": prekey or None, "base": base.serial, "signed": bundle.signed_id}
        return self

    @classmethod
    def accept(cls, identity, message, signed_prekey, prekeys):
        """The other side of an exchange. @message: the fields of a prekey message."""
        their_identity, base = message[3][1:], message[2][1:]
        self = cls(identity, their_identity)
        secret = (b"\xff" * 32 + signed_prekey.agree(their_identity) + identity.agree(base) + signed_prekey.agree(base))
        if 1 in message:
            secret += prekeys[message[1]].agree(base)
        keys = hkdf(secret, bytes(32), b"WhisperText", 64)
        self.root, self.sending, self.ratchet = keys[:32], Chain(keys[32:]), signed_prekey
        return self

    def encrypt(self, secret, counter=None, identity=None, ratchet_key=None, mac=None, registration=1):
        """What goes into <key/>: (bytes, whether it is a prekey message). Every part can be another."""
        index = self.sending.index
        cipher_key, mac_key, iv = self.sending.step()
        padder = PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(cipher_key), modes.CBC(iv)).encryptor()
        cipher = encryptor.update(padder.update(secret) + padder.finalize()) + encryptor.finalize()
        inner = bytes([VERSION]) + protobuf([(1, ratchet_key or self.ratchet.serial),
                                             (2, index if counter is None else counter), (3, self.previous), (4, cipher)])
        tag = mac_of(mac_key, self.identity.serial + DJB + self.their_identity + inner)[:8]
        inner += mac(tag) if mac else tag
        if self.pending is None:
            return inner, False
        return self.exchange(inner, identity, registration=registration), True

    def exchange(self, inner, identity=None, base=None, prekey=None, registration=1):
        """@inner as a prekey message; also with another identity, base key or prekey than it was made with."""
        return bytes([VERSION]) + protobuf([
            (1, self.pending["prekey"] if prekey is None else prekey), (2, base or self.pending["base"]),
            (3, identity or self.identity.serial), (4, inner), (5, registration), (6, self.pending["signed"])])

    def skip(self, count):
        """Goes @count messages ahead, as if they had been lost."""
        for _ in range(count):
            self.sending.step()

    def decrypt(self, data):
        fields = read_protobuf(data[1:-8])
        their_ratchet, counter = fields[1][1:], fields.get(2, 0)
        if their_ratchet not in self.receiving:
            self.receiving[their_ratchet] = self._turn(their_ratchet)
            self.previous = max(0, self.sending.index - 1) if self.sending else 0
            self.ratchet = Pair()
            self.sending = self._turn(their_ratchet)
        chain = self.receiving[their_ratchet]
        while chain.index < counter:
            index = chain.index
            self.skipped[their_ratchet, index] = chain.step()
        if chain.index == counter:
            keys = chain.step()
        else:
            keys = self.skipped.pop((their_ratchet, counter), None)
            if keys is None:
                raise BadMessage("read before")
        tag = mac_of(keys[1], DJB + self.their_identity + self.identity.serial + data[:-8])[:8]
        if tag != data[-8:]:
            raise BadMessage("the MAC is wrong")
        decryptor = Cipher(algorithms.AES(keys[0]), modes.CBC(keys[2])).decryptor()
        padded = decryptor.update(fields[4]) + decryptor.finalize()
        self.pending = None
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()


# ---- The endpoint ----

class Attacker:
    """One device @device of @jid. Pass @identity (a Pair) to have the key of another of one's devices."""

    def __init__(self, jid, device, identity=None):
        self.jid, self.device = jid, device
        self.identity = identity or Pair()
        self.signed_id, self.signed_prekey = 9, Pair()
        self.prekeys = {i: Pair() for i in range(1, 21)}
        self.sessions = {}      # (jid, device) -> Session

    @property
    def fingerprint(self):
        return self.identity.public.hex()

    # -- what is published --

    def bundle(self, identity=None):
        """Signed by @identity (a Pair), the own one by default."""
        identity = identity or self.identity
        return Bundle(identity.public, self.signed_id, self.signed_prekey.public,
                      sign(identity, self.signed_prekey.serial), {i: p.public for i, p in self.prekeys.items()})

    def list(self, *more):
        return device_list(self.device, *more)

    # -- sending --

    def start_session(self, jid, device, bundle, prekey=None, **pairs):
        """@bundle: a Bundle, or its element. @pairs: as in Session.start(). Returns the session."""
        if not isinstance(bundle, Bundle):
            bundle = Bundle.parse(bundle)
        self.sessions[jid, device] = session = Session.start(self.identity, bundle, prekey, **pairs)
        return session

    def session(self, jid, device=None):
        found = [s for (j, d), s in self.sessions.items() if j == jid and device in (None, d)]
        assert len(found) == 1, f"{len(found)} sessions with {jid}"
        return found[0]

    def rid(self, jid):
        return next(d for j, d in self.sessions if j == jid)

    def key_element(self, jid, secret, session=None, rid=None, key=None, **defects):
        """A <key/> that carries @secret; @defects as in Session.encrypt(). @key: these bytes instead: (bytes, prekey)."""
        session = session or self.session(jid)
        data, prekey = key or session.encrypt(secret, **defects)
        mark = " prekey='true'" if prekey else ""
        return f"<key rid='{rid or self.rid(jid)}'{mark}>{b64(data)}</key>"

    def message(self, jid, text, sid=None, iv_length=12, secret=None, payload=None, keys=None, **defects):
        """<encrypted/> with @text (str, or any bytes). @secret: what the ratchet carries, a function of the right one;
        @payload: a function of the right ciphertext, None for no <payload/> when @text is None; @keys: the <key/>
        elements as they are; the rest as in key_element()."""
        aes_key, iv = os.urandom(16), os.urandom(iv_length)
        cipher, tag = b"", b""
        if text is not None:
            plain = text.encode() if isinstance(text, str) else text
            if iv_length >= 8:
                sealed = AESGCM(aes_key).encrypt(iv, plain, None)
                cipher, tag = sealed[:-16], sealed[-16:]
            else:
                cipher, tag = os.urandom(len(plain)), os.urandom(16)
        carried = aes_key + (tag or bytes(16))
        if secret:
            carried = secret(carried)
        if payload:
            cipher = payload(cipher)
        if keys is None:
            keys = self.key_element(jid, carried, **defects)
        body = f"<payload>{b64(cipher)}</payload>" if text is not None else ""
        return (f"<encrypted xmlns='{NS}'><header sid='{sid or self.device}'>{keys}<iv>{b64(iv)}</iv></header>{body}"
                "</encrypted>")

    # -- receiving --

    def read(self, encrypted, sender):
        """The text of <encrypted/> (element or text) by @sender; None for an empty message, BadMessage otherwise."""
        if isinstance(encrypted, str):
            encrypted = ET.fromstring(encrypted)
        header = encrypted.find(f"{{{NS}}}header")
        sid = int(header.get("sid"))
        for key in header.iter(f"{{{NS}}}key"):
            if int(key.get("rid")) == self.device:
                secret = self._open(unb64(key.text), key.get("prekey") in ("true", "1"), sender, sid)
                break
        else:
            raise BadMessage("not for this device")
        payload = encrypted.find(f"{{{NS}}}payload")
        if payload is None:
            return None
        try:
            return AESGCM(secret[:16]).decrypt(unb64(header.find(f"{{{NS}}}iv").text), unb64(payload.text) + secret[16:],
                                               None).decode()
        except InvalidTag:
            raise BadMessage("the payload's tag is wrong") from None

    def _open(self, data, prekey, sender, sid):
        session = self.sessions.get((sender, sid))
        if not prekey:
            if session is None:
                raise BadMessage("no session")
            return session.decrypt(data)
        fields = read_protobuf(data[1:])
        # The same exchange is repeated in each message until it is answered.
        if session is None or getattr(session, "accepted", None) != fields[2]:
            session = Session.accept(self.identity, fields, self.signed_prekey, self.prekeys)
            session.accepted = fields[2]
            self.sessions[sender, sid] = session
        return session.decrypt(fields[4])
