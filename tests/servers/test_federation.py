# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers that know each other by DNS only, and talk over TLS: alice is at the one, bob at the other."""

import os
import unittest

os.environ.setdefault("TESS_SERVER_LOG", "debug")     # the servers' own words say how they proved themselves

from tess import netns, util
from tess.certs import Authority
from tess.peer import Peer
from tess.servers import Ejabberd, Prosody

netns.enter()

ONE, TWO = "one.example", "two.example"
PAIRS = 5


class Federated:
    """The first server is always a Prosody: it tells most of what it does."""

    second = None
    proof = None        # what the servers believe: "dialback" or "certificates"

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(util.end_strays)
        cls.dns = netns.Dns({ONE: "127.0.0.1", TWO: "127.0.0.1"})
        cls.addClassCleanup(cls.dns.close)
        shared = None
        if cls.proof == "certificates":
            folder = util.temp_dir("ca")
            cls.addClassCleanup(util.remove_dir, folder)
            shared = Authority(os.path.join(folder, "ca"))
        friends = [(f"alice{n}@{ONE}", f"bob{n}@{TWO}") for n in range(0, PAIRS, 2)]
        cls.one = cls.server(Prosody, ONE, "alice", [(a.partition("@")[0], b) for a, b in friends], shared)
        cls.two = cls.server(cls.second, TWO, "bob", [(a, b.partition("@")[0]) for a, b in friends], shared)
        cls.capture = netns.Capture("lo")
        cls.addClassCleanup(cls.capture.close)
        cls._friends, cls._strangers = iter(range(0, PAIRS, 2)), iter(range(1, PAIRS, 2))

    @classmethod
    def server(cls, kind, domain, who, friends, authority):
        users = {f"{who}{n}": f"password of {who}{n}" for n in range(PAIRS)}
        server = kind(users=users, friends=friends, domain=domain, authority=authority, federated=cls.proof)
        cls.addClassCleanup(server.close)
        server.start()
        cls.dns.services[f"_xmpp-server._tcp.{domain}"] = (domain, server.s2s_port)
        return server

    def peer(self, server, user):
        peer = Peer(server, name=user)
        self.addCleanup(peer.close)
        peer.start()
        peer.login(user, server.users[user])
        return peer

    def pair(self, number):
        return (self.peer(self.one, f"alice{number}"), self.peer(self.two, f"bob{number}"),
                f"alice{number}@{ONE}", f"bob{number}@{TWO}")

    def encrypted_pair(self):
        alice, bob, a, b = self.pair(next(self._friends))
        # Lists of devices and their keys come by PEP from server to server.
        alice.wait_devices(b)
        bob.wait_devices(a)
        return alice, bob, a, b

    def between(self):
        """What the servers sent each other, as (from where, bytes), connection by connection."""
        ports, streams = (self.one.s2s_port, self.two.s2s_port), {}
        for packet in self.capture.packets():
            if packet.protocol == "tcp" and (packet.source_port in ports or packet.target_port in ports):
                key = (packet.source_port, packet.target_port)
                streams[key] = streams.get(key, b"") + packet.data
        return streams

    def log(self, server):
        with open(server.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def check_wire(self):
        """Whatever went from server to server went in TLS, and each had proved who it is."""
        streams = self.between()
        self.assertGreaterEqual(len(streams), 2)
        for (source, target), data in streams.items():
            if not data:
                continue
            _plain, mark, rest = data.partition(b"<proceed" if source in (self.one.s2s_port, self.two.s2s_port) else b"<starttls")
            self.assertTrue(mark, f"{source} > {target} was never encrypted: {data[:300]!r}")
            rest = rest.partition(b">")[2]
            # A record of TLS, which begins with a handshake; nothing but headers and features went before.
            self.assertIn(rest[:2], (b"\x16\x03", b""), f"{source} > {target}: {rest[:100]!r}")
            for word in (b"<message", b"<iq", b"<presence", b"<body", b"<auth", b"<db:"):
                self.assertNotIn(word, data)
        log = self.log(self.one)
        self.assertRegex(log, r"s2sout\w+\s+info\s+Stream encrypted \(TLSv1\.[23]")
        if self.proof == "dialback":
            self.assertRegex(log, r"certificate chain validation result: invalid")
            self.assertRegex(log, r"sent dialback key on outgoing s2s stream")
        else:
            self.assertRegex(log, r"certificate chain validation result: valid")
            self.assertNotRegex(log, r"certificate chain validation result: invalid|sent dialback key")
        self.assertRegex(log, rf"connection {ONE}->{TWO} is now authenticated for {TWO}")
        # They found each other by their records.
        asked = {name for name, _kind in self.dns.asked}
        self.assertIn(f"_xmpp-server._tcp.{ONE}", asked)
        self.assertIn(f"_xmpp-server._tcp.{TWO}", asked)

    def test_chat(self):
        alice, bob, a, b = self.encrypted_pair()
        for number in range(3):
            sent = alice.send(b, f"secretword over there {number} ä€😀")
            bob.receive(f"secretword over there {number} ä€😀", encryption="omemo", jid=a)
            alice.wait_state(sent, "delivered")
            sent = bob.send(a, f"and back {number}")
            alice.receive(f"and back {number}", encryption="omemo", jid=b)
            bob.wait_state(sent, "delivered")
        expected = [text for n in range(3) for text in (f"secretword over there {n} ä€😀", f"and back {n}")]
        for peer, other in ((alice, b), (bob, a)):
            self.assertEqual([m["text"] for m in peer.history(other)], expected)
        self.check_wire()


class More(Federated):
    """What takes longer, once a pair of servers."""

    def test_first_contact(self):
        alice, bob, a, b = self.pair(next(self._strangers))
        alice.command("add", b)
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == a and o.get("request"), f"request of {a}")
        bob.command("accept", a)
        for peer, other in ((alice, b), (bob, a)):
            peer.wait(lambda o, other=other: o.get("event") == "contact" and o.get("jid") == other
                      and o.get("subscription") == "both", f"contact with {other}")
        alice.wait_devices(b)
        bob.wait_devices(a)
        alice.wait_state(alice.send(b, "first words"), "delivered")
        bob.receive("first words", encryption="omemo")

    def test_archive(self):
        # What comes from the other server while nobody is there waits in the archive.
        alice, bob, a, b = self.encrypted_pair()
        alice.wait_state(alice.send(b, "while both are here"), "delivered")
        bob.stop()
        texts = [f"secretword while bob is away {n}" for n in range(6)]
        for text in texts:
            alice.wait_state(alice.send(b, text), "sent")
        bob.start()
        after = bob.mark()
        bob.login(b.partition("@")[0], self.two.users[b.partition("@")[0]])
        for text in texts:
            bob.receive(text, after=after, encryption="omemo")
        self.assertEqual([m["text"] for m in bob.history(a)], ["while both are here"] + texts)

    def test_the_other_server_comes_back(self):
        alice, bob, a, b = self.encrypted_pair()
        alice.wait_state(alice.send(b, "before"), "delivered")
        after = bob.mark()
        self.two.restart()
        bob.wait(lambda o: o.get("event") == "online" and o.get("account") == b, "reconnection", 60, after)
        bob.send(a, "back again")
        alice.receive("back again", encryption="omemo", seconds=60)
        alice.wait_state(alice.send(b, "so I see"), "delivered", 60)
        self.assertEqual([m["text"] for m in bob.history(a)], ["before", "back again", "so I see"])


class Unproven(unittest.TestCase):
    """Servers that believe only certificates, and each has its own authority: nothing goes over."""

    def test_nothing_goes_over(self):
        dns = netns.Dns({ONE: "127.0.0.1", TWO: "127.0.0.1"})
        self.addCleanup(dns.close)
        servers = []
        for domain, user in ((ONE, "alice"), (TWO, "bob")):
            server = Prosody(users={user: "secret"}, domain=domain, federated="certificates")
            self.addCleanup(server.close)
            server.start()
            dns.services[f"_xmpp-server._tcp.{domain}"] = (domain, server.s2s_port)
            servers.append(server)
        with Peer(servers[0], name="alice") as alice:
            alice.login("alice", "secret")
            alice.encrypt(f"bob@{TWO}", False)
            event = alice.wait_state(alice.send(f"bob@{TWO}", "secretword to nobody knows whom"), "failed")
            self.assertIn(TWO, event["reason"])
        held = servers[1].holds("secretword", '"secret"')
        self.assertEqual(held[0], [])
        self.assertNotEqual(held[1], [])


class TwoProsody(More, unittest.TestCase):
    second, proof = Prosody, "dialback"


class ProsodyAndEjabberd(More, unittest.TestCase):
    second, proof = Ejabberd, "dialback"


class TwoProsodyByCertificate(Federated, unittest.TestCase):
    second, proof = Prosody, "certificates"


class ProsodyAndEjabberdByCertificate(Federated, unittest.TestCase):
    second, proof = Ejabberd, "certificates"


if __name__ == "__main__":
    unittest.main()
