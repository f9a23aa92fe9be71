# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer behind a proxy, in a network of its own with one wire out of it: what goes over the wire, packet by packet.

No packet may go anywhere but to the proxy, and no name may be asked for.
"""

import os
import socket
import stat
import unittest
from urllib.parse import quote

from tess import netns, util
from tess import peer as peers
from tess.peer import Peer
from tess.proxy import ForwardProxy
from tess.servers import Prosody

netns.enter()

DOMAIN = "chat.example"
LOGIN = ("me at the proxy", "p:a/s@s %ä")


class FarPeer(Peer):
    """A peer in the network behind the wire."""

    def __init__(self, far, *arguments, **options):
        super().__init__(*arguments, **options)
        self._wrapper = os.path.join(self.home, "far-peer")
        with open(self._wrapper, "w", encoding="utf-8") as f:
            f.write(f'#!/bin/sh\nexec {" ".join(far.prefix)} {peers.program()} "$@"\n')
        os.chmod(self._wrapper, stat.S_IRWXU)

    def start(self):
        before = os.environ.get("TESSERA_PEER")
        os.environ["TESSERA_PEER"] = self._wrapper
        try:
            return super().start()
        finally:
            if before is None:
                del os.environ["TESSERA_PEER"]
            else:
                os.environ["TESSERA_PEER"] = before

    def try_login(self, user, password, server=None, ca=None, tls="starttls", port=None, options=()):
        """By the domain alone: no server is named."""
        after = self.mark()
        self.command("login", self.server.jid(user), password, "--ca", self.server.ca, *options)
        return after


class Behind(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        names = [f"{who}{n}" for n in range(8) for who in ("alice", "bob")]
        cls.addClassCleanup(util.end_strays)
        cls.far = netns.Far()
        cls.addClassCleanup(cls.far.close)
        cls.dns = netns.Dns({DOMAIN: "203.0.113.9"}, {f"_xmpp-client._tcp.{DOMAIN}": (DOMAIN, 5222)})
        cls.addClassCleanup(cls.dns.close)
        cls.server = Prosody(users={name: f"password of {name}" for name in names}, domain=DOMAIN,
                             friends=[(f"alice{n}", f"bob{n}") for n in range(8)])
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls._numbers = iter(range(8))

    def setUp(self):
        self.dns.asked.clear()
        self.capture = netns.Capture(self.far.wire)
        self.addCleanup(self.capture.close)

    def proxy(self, login=None, names=None):
        known = {(DOMAIN, 5222): self.server.port, (DOMAIN, 5223): self.server.tls_port}
        proxy = ForwardProxy(known if names is None else names, self.far.here, login)
        self.addCleanup(proxy.close)
        return proxy

    def url(self, scheme, proxy):
        login = ":".join(quote(part, safe="") for part in proxy.login) + "@" if proxy.login else ""
        return f"{scheme}://{login}{self.far.here}:{proxy.port}"

    def far_peer(self, name):
        peer = FarPeer(self.far, self.server, name=name)
        self.addCleanup(peer.close)
        return peer.start()

    def packets(self):
        """All that went over the wire until now; nothing of it may be missing."""
        self.capture.close()
        self.assertEqual(self.capture.lost, 0)
        self.assertEqual(self.capture.other, [])
        return self.capture.packets()

    def check_only(self, *proxies):
        """Nothing went anywhere but to the @proxies and back."""
        ports, packets = {proxy.port for proxy in proxies}, self.packets()
        for p in packets:
            out = p.source == self.far.address and p.target == self.far.here and p.target_port in ports
            back = p.target == self.far.address and p.source == self.far.here and p.source_port in ports
            self.assertTrue(p.protocol == "tcp" and (out or back), f"beside the proxy: {p}, of {len(packets)}")
        self.assertEqual(self.dns.asked, [])
        return packets

    def chat(self, scheme, login):
        number = next(self._numbers)
        a, b = f"alice{number}", f"bob{number}"
        proxy = self.proxy(login)
        alice = self.far_peer(a)
        bob = Peer(self.server, name=b)
        self.addCleanup(bob.close)
        bob.start()
        bob.login(b, self.server.users[b])
        alice.login(a, self.server.users[a], options=("--proxy", self.url(scheme, proxy)))
        a, b = self.server.jid(a), self.server.jid(b)
        alice.wait_devices(b)
        bob.wait_devices(a)
        alice.wait_state(alice.send(b, "through the proxy"), "delivered")
        bob.receive("through the proxy", encryption="omemo")
        # A cut, and on again: through the proxy.
        after = alice.mark()
        self.assertEqual(proxy.cut(), 1)
        bob.send(a, "into the cut")
        alice.wait(lambda o: o.get("event") == "online" and o.get("account") == a, "reconnection", 60, after)
        alice.receive("into the cut", encryption="omemo")
        # The proxy is gone for a while: nobody goes around it.
        after = alice.mark()
        proxy.refuse = True
        proxy.cut()
        alice.wait(lambda o: o.get("event") == "offline" and o.get("account") == a and o.get("reason"), "news of the proxy", 60, after)
        waiting = alice.send(b, "written without a proxy")
        proxy.refuse = False
        alice.wait_state(waiting, "delivered", 90)
        bob.receive("written without a proxy", encryption="omemo")
        alice.stop()
        packets = self.check_only(proxy)
        self.assertGreater(len(packets), 50)
        self.assertEqual({asked for asked in proxy.asked}, {(scheme, DOMAIN, 5222)})
        # Nor did a word of what was said, or where to, go in the clear but in the one question to the proxy.
        for word in (b"through the proxy", b"password of", b"<message", b"<auth"):
            self.assertFalse([p for p in packets if word in p.data], word)

    def test_socks5(self):
        self.chat("socks5", None)

    def test_socks5_with_login(self):
        self.chat("socks5", LOGIN)

    def test_http_with_login(self):
        self.chat("http", LOGIN)

    def real_proxy(self, argv, folder, port):
        process = util.Process(argv, log=os.path.join(folder, "log"))
        self.addCleanup(process.kill)

        def listens():
            try:
                with socket.create_connection((self.far.here, port), 1):
                    return True
            except OSError:
                return False

        util.wait_for(listens, "proxy", 20, log=process.tail, alive=process.ended)

    def through_a_real_one(self, scheme, login, start):
        """With Debian's own proxies: they, and not we, ask for the name."""
        number, folder = next(self._numbers), util.temp_dir("proxy")
        self.addCleanup(util.remove_dir, folder)
        user, (port,) = f"alice{number}", util.free_ports(1)
        argv = start(folder, port)
        self.real_proxy(argv, folder, port)
        self.dns.hosts["server.example"] = "127.0.0.1"
        alice = self.far_peer(user)
        url = f"{scheme}://{login}{self.far.here}:{port}"
        alice.login(user, self.server.users[user], options=("--server", f"server.example:{self.server.port}", "--proxy", url))
        alice.stop()
        self.assertIn(("server.example", 1), self.dns.asked)
        for p in self.packets():
            self.assertTrue(p.protocol == "tcp" and port in (p.source_port, p.target_port), f"beside the proxy: {p}")

    def test_microsocks(self):
        self.through_a_real_one("socks5", "me:secret@", lambda folder, port: [
            util.need("microsocks"), "-i", self.far.here, "-p", str(port), "-u", "me", "-P", "secret"])

    def test_tinyproxy(self):
        def start(folder, port):
            config = os.path.join(folder, "tinyproxy.conf")
            with open(config, "w", encoding="utf-8") as f:
                f.write(f"Port {port}\nListen {self.far.here}\nTimeout 600\nAllow {self.far.address}\nAllow {self.far.here}\n"
                        f"ConnectPort {self.server.port}\nBasicAuth me secret\nMaxClients 10\n")
            return [util.need("tinyproxy"), "-d", "-c", config]

        self.through_a_real_one("http", "me:secret@", start)

    def refused(self, pattern, url, *proxies):
        alice = self.far_peer("alice0")
        said = alice.refused_login("alice0", self.server.users["alice0"], pattern, options=("--proxy", url))
        self.assertNotIn("p:a/s@s", said)
        self.assertNotIn("p:a/s@s", alice.everything())
        alice.kill()
        self.check_only(*proxies)

    def test_wrong_login(self):
        proxy = self.proxy(LOGIN)
        self.refused("username or password", f"socks5://me:wrong@{self.far.here}:{proxy.port}", proxy)
        self.assertEqual(proxy.asked, [])

    def test_nobody_there(self):
        proxy = self.proxy()
        proxy.close()
        self.refused("proxy", self.url("socks5", proxy), proxy)

    def test_server_out_of_its_reach(self):
        proxy = self.proxy(names={})
        self.refused("proxy", self.url("http", proxy), proxy)
        self.assertEqual(proxy.asked[:2], [("http", DOMAIN, 5222), ("http", DOMAIN, 5223)])

    def test_without_a_proxy(self):
        """What the cases above would see if it went wrong: without a proxy names are asked for, and others spoken to."""
        alice = self.far_peer("alice0")
        after = alice.try_login("alice0", self.server.users["alice0"], options=("--proxy", "none"))
        util.wait_for(lambda: any(p.target == "203.0.113.9" for p in self.capture.packets()), "packet to the server itself", 30,
                      log=lambda: str(alice.objects[after:]))
        alice.kill()
        packets = self.packets()
        self.assertTrue([p for p in packets if p.protocol == "udp" and p.target_port == 53])
        self.assertIn((f"_xmpp-client._tcp.{DOMAIN}", 33), self.dns.asked)


if __name__ == "__main__":
    unittest.main()
