# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of one's own: no wire leads out, names are what the test says, and every packet can be looked at.

    netns.enter()                                   # first of all, while the test has one thread
    with netns.Dns({"one.test": "127.0.0.1"}) as dns, netns.Capture("lo") as capture: ...

It takes root, or a kernel that gives user namespaces to everybody.
"""

import ctypes
import fcntl
import os
import socket
import struct
import tempfile
import threading

from . import util
from .util import need, run

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _IFF_UP = 0x8913, 0x8914, 0x8916, 1
# A resolver such as Prosody's asks no 127.0.0.1.
NAMESERVER = "192.0.2.53"
_ETH_P_ALL, _SOL_PACKET, _PACKET_STATISTICS = 3, 263, 6
_libc = ctypes.CDLL(None, use_errno=True)
_entered = False
_put_already = set()


def _check(result, what):
    if result != 0:
        raise AssertionError(f"{what}: {os.strerror(ctypes.get_errno())}; this test needs root")


def _mount(source, target, flags):
    _check(_libc.mount(source.encode() if source else None, target.encode(), None, ctypes.c_ulong(flags), None),
           f"mount on {target}")


def _own_mounts():
    """What is mounted from now on is mounted for us alone."""
    try:
        _mount(None, "/", _MS_REC | _MS_PRIVATE)
    except AssertionError:
        # In a chroot "/" is no mount point: it is made one.
        folder = tempfile.mkdtemp(prefix="tess-root-")
        _mount("/", folder, _MS_BIND | _MS_REC)
        _mount(None, folder, _MS_REC | _MS_PRIVATE)
        here = os.getcwd()
        os.chroot(folder)
        os.chdir(here)
        # The folder, empty to all others, goes with the check's temporary folder: what is a mount point cannot be removed.


def _up(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags, = struct.unpack_from("H", fcntl.ioctl(s, _SIOCGIFFLAGS, struct.pack("16sH14x", interface.encode(), 0)), 16)
        fcntl.ioctl(s, _SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags | _IFF_UP))


def _give_address(interface, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, _SIOCSIFADDR, struct.pack("16sHH4s8x", interface.encode(), socket.AF_INET, 0, socket.inet_aton(address)))


def enter():
    """Takes this process, and all it starts from now on, into a network and a table of mounts of their own.

    Names are asked of NAMESERVER, which is here, and of nobody else; /etc/hosts knows this computer only.
    """
    global _entered
    if _entered:
        return
    if threading.active_count() != 1:
        raise AssertionError("enter() comes first: threads that run already would stay outside")
    uid, gid, user = os.geteuid(), os.getegid(), 0
    if uid != 0:
        user = _CLONE_NEWUSER
    _check(_libc.unshare(user | _CLONE_NEWNET | _CLONE_NEWNS), "unshare")
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
                f.write(text)
    _own_mounts()
    _up("lo")
    _give_address("lo:1", NAMESERVER)
    set_nameserver(NAMESERVER)
    _put("/etc/hosts", "127.0.0.1 localhost\n")
    # No daemon of the real system answers for names here.
    _put("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    _entered = True


def _put(path, text):
    """@text in place of the file, in this table of mounts only."""
    if path in _put_already:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return
    if not os.path.exists(path):
        return
    _put_already.add(path)
    with tempfile.NamedTemporaryFile("w", prefix="tess-mount-", delete=False) as f:
        f.write(text)
    os.chmod(f.name, 0o644)
    _mount(f.name, os.path.realpath(path), _MS_BIND)
    os.unlink(f.name)


def set_nameserver(address):
    _put("/etc/resolv.conf", f"nameserver {address}\noptions timeout:1 attempts:1\n")


def set_authority(path):
    """What the system trusts here: only the authority whose certificate is the file @path. For clients that cannot be given one."""
    with open(path, encoding="ascii") as f:
        _put("/etc/ssl/certs/ca-certificates.crt", f.read())


class Far:
    """Another network behind a wire: what is started with `prefix` before it is there, at @address, and sees us at @here.

    All that it does beyond itself goes over the wire, whose name on our side is `wire`.
    """

    def __init__(self, here="10.77.0.1", address="10.77.0.2"):
        self.here, self.address, self.wire = here, address, "near"
        ip = need("ip")
        self._pipe = os.pipe()
        ready = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            # Holds the network, until the test closes the pipe or ends.
            try:
                os.close(self._pipe[1])
                if _libc.unshare(_CLONE_NEWNET) == 0:
                    os.write(ready[1], b"1")
                os.close(ready[1])
                os.read(self._pipe[0], 1)
            finally:
                os._exit(0)
        util.keep(self._pid)
        os.close(self._pipe[0])
        os.close(ready[1])
        if os.read(ready[0], 1) != b"1":
            raise AssertionError("no second network; this test needs root")
        os.close(ready[0])
        self.prefix = [need("nsenter"), f"--net=/proc/{self._pid}/ns/net", "--"]
        run([ip, "link", "add", "near", "type", "veth", "peer", "name", "far"])
        run([ip, "link", "set", "far", "netns", str(self._pid)])
        self._quiet([], "near")
        self._quiet(self.prefix, "far")
        run([ip, "address", "add", f"{here}/24", "dev", "near"])
        run([ip, "link", "set", "near", "up"])
        far = self.prefix + [ip]
        run(far + ["address", "add", f"{address}/24", "dev", "far"])
        run(far + ["link", "set", "lo", "up"])
        run(far + ["link", "set", "far", "up"])
        # Whatever would go anywhere has a way to go, and is seen on it.
        run(far + ["route", "add", "default", "via", here])

    @staticmethod
    def _quiet(prefix, interface):
        """No IPv6, whose neighbours talk by themselves. /proc shows the network of who looks."""
        run(prefix + ["sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{interface}/disable_ipv6 || true"])

    def close(self):
        os.close(self._pipe[1])
        os.waitpid(self._pid, 0)
        util.forget(self._pid)


class Dns(threading.Thread):
    """A name server at NAMESERVER: @hosts name -> IPv4 address, @services "_xmpp-server._tcp.x" -> (host, port).

    `asked` holds each question as (name, type).
    """

    _A, _SRV = 1, 33

    def __init__(self, hosts=None, services=None, address=NAMESERVER):
        super().__init__(daemon=True)
        self.hosts, self.services, self.asked = dict(hosts or {}), dict(services or {}), []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        # While the thread still reads, the kernel keeps the port, and the next server cannot have it.
        self.join(10)
        self._socket.close()

    @staticmethod
    def _encode(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".")) + b"\0"

    def _answer(self, query):
        position, labels = 12, []
        while query[position]:
            labels.append(query[position + 1:position + 1 + query[position]].decode("ascii").lower())
            position += 1 + query[position]
        kind, = struct.unpack_from("!H", query, position + 1)
        question, name = query[12:position + 5], ".".join(labels)
        self.asked.append((name, kind))
        data = None
        if kind == self._A and name in self.hosts:
            data = socket.inet_aton(self.hosts[name])
        elif kind == self._SRV and name in self.services:
            host, port = self.services[name]
            data = struct.pack("!HHH", 0, 0, port) + self._encode(host)
        known = data is not None or name in self.hosts or name in self.services
        answer = b"" if data is None else b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
        return query[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, 1 if answer else 0, 0, 0) + question + answer

    def run(self):
        while True:
            try:
                query, sender = self._socket.recvfrom(4096)
                if not sender:
                    return
                self._socket.sendto(self._answer(query), sender)
            except (IndexError, struct.error, UnicodeDecodeError):
                continue
            except OSError:
                return


class Packet:
    """One IPv4 packet; of TCP and UDP the ports and the bytes."""

    def __init__(self, frame):
        header = (frame[0] & 15) * 4
        self.protocol = {1: "icmp", 6: "tcp", 17: "udp"}.get(frame[9], str(frame[9]))
        self.source, self.target = socket.inet_ntoa(frame[12:16]), socket.inet_ntoa(frame[16:20])
        self.source_port = self.target_port = None
        self.data = b""
        # What is padded to the least length of a frame is no data.
        rest = frame[header:struct.unpack_from("!H", frame, 2)[0] or len(frame)]
        if self.protocol in ("tcp", "udp") and len(rest) >= 8:
            self.source_port, self.target_port = struct.unpack_from("!HH", rest)
            self.data = rest[8:] if self.protocol == "udp" else rest[(rest[12] >> 4) * 4:]

    def __repr__(self):
        return f"{self.protocol} {self.source}:{self.source_port} > {self.target}:{self.target_port} ({len(self.data)} bytes)"


class Capture(threading.Thread):
    """Every IP packet on @interface, as the kernel shows it to a raw socket, from now until close()."""

    def __init__(self, interface):
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024 * 1024)
        self._socket.bind((interface, _ETH_P_ALL))
        self._socket.settimeout(0.2)
        self._loopback = interface == "lo"
        self._packets, self._lock, self._end = [], threading.Lock(), False
        self.lost = None
        self.other = []         # what is no IPv4 and no ARP: the type of its frame
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        """The last packets are read before it returns."""
        if self._end:
            return
        self._end = True
        self.join()
        # How many the kernel could not show: with one of them nothing is proven.
        _shown, self.lost = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self._socket.close()

    def run(self):
        while True:
            try:
                frame, (_interface, kind, direction, *_rest) = self._socket.recvfrom(65536)
            except socket.timeout:
                if self._end:
                    return
                continue
            # On loopback each packet is shown twice, going out and coming in.
            if self._loopback and direction == socket.PACKET_OUTGOING:
                continue
            with self._lock:
                if kind == 0x0800:
                    self._packets.append(Packet(frame))
                elif kind != 0x0806:
                    self.other.append(hex(kind))

    def packets(self):
        with self._lock:
            return list(self._packets)
