# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire between client and server that a test can cut, hold, or count."""

import base64
import socket
import threading


class Proxy:
    """Listens on loopback and passes bytes on to 127.0.0.1:@port.

    cut() resets the connections there are; while `refuse` is true new ones are closed at once; while `hold` is
    set nothing is passed on in either direction, as on a dead link.
    """

    def __init__(self, port, address="127.0.0.1"):
        self.target = port
        self.refuse = False
        self._pass = threading.Event()
        self._pass.set()
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self._pairs, self._lock, self._closing = [], threading.Lock(), False
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        self._closing = True
        self._pass.set()
        # A thread that sits in accept() wakes by the shutdown, not by the close.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.cut()

    def hold(self):
        self._pass.clear()

    def release(self):
        self._pass.set()

    def cut(self):
        """Resets every connection, as when a cable is pulled; returns how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for s in pair:
                try:
                    # Linger of 0: RST instead of FIN. The shutdown wakes the thread that reads.
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
        return len(pairs)

    def _accept(self):
        while not self._closing:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._join(client, server)

    def _join(self, client, server):
        self.connections += 1
        with self._lock:
            self._pairs.append((client, server))
        for a, b in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    def _copy(self, source, target):
        try:
            while data := source.recv(65536):
                self._pass.wait()
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class ForwardProxy(Proxy):
    """A SOCKS5 and HTTP proxy, whichever is spoken to it, at @address: it alone knows where @names are.

    @names: (host, port) as it is asked for -> port on 127.0.0.1. @login: (username, password), or None when it asks for none.
    `asked` holds each request as (protocol, host, port); cut(), hold() and `refuse` are as above.
    """

    def __init__(self, names, address="127.0.0.1", login=None):
        self.names, self.login, self.asked = dict(names), login, []
        super().__init__(None, address)

    def _accept(self):
        while not self._closing:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(20)
        try:
            first = client.recv(1, socket.MSG_PEEK)
            server = self._socks(client) if first == b"\5" else self._http(client)
        except (OSError, ValueError, IndexError):
            server = None
        if server is None:
            client.close()
            return
        client.settimeout(None)
        self._join(client, server)

    def _dial(self, protocol, host, port):
        self.asked.append((protocol, host, port))
        if (host, port) not in self.names:
            return None
        server = socket.create_connection(("127.0.0.1", self.names[host, port]), 10)
        server.settimeout(None)
        return server

    @staticmethod
    def _read(client, count):
        data = b""
        while len(data) < count:
            more = client.recv(count - len(data))
            if not more:
                raise ValueError("closed")
            data += more
        return data

    def _socks(self, client):
        methods = self._read(client, self._read(client, 2)[1])
        method = 2 if self.login else 0
        if method not in methods:
            client.sendall(b"\5\xff")
            return None
        client.sendall(bytes([5, method]))
        if self.login:
            username = self._read(client, self._read(client, 2)[1])
            password = self._read(client, self._read(client, 1)[0])
            good = (username.decode(), password.decode()) == self.login
            client.sendall(b"\1\0" if good else b"\1\1")
            if not good:
                return None
        kind = self._read(client, 4)[3]
        if kind == 3:
            host = self._read(client, self._read(client, 1)[0]).decode("ascii")
        else:
            host = socket.inet_ntop(*((socket.AF_INET, self._read(client, 4)) if kind == 1 else
                                      (socket.AF_INET6, self._read(client, 16))))
        port = int.from_bytes(self._read(client, 2), "big")
        server = self._dial("socks5", host, port)
        client.sendall((b"\5\0" if server else b"\5\5") + b"\0\1\0\0\0\0\0\0")
        return server

    def _http(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n") and len(head) < 4096:
            head += self._read(client, 1)
        lines = head.decode("ascii").split("\r\n")
        if self.login:
            token = base64.b64encode(":".join(self.login).encode()).decode()
            if f"Proxy-Authorization: Basic {token}" not in lines:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
                return None
        method, where, _version = lines[0].split(" ")
        host, _colon, port = where.rpartition(":")
        server = self._dial("http", host.strip("[]"), int(port)) if method == "CONNECT" else None
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n" if server else b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        return server
