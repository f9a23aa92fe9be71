# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire between client and server that a test can cut, hold, or count."""

import socket
import threading


class Proxy:
    """Listens on loopback and passes bytes on to 127.0.0.1:@port.

    cut() resets the connections there are; while `refuse` is true new ones are closed at once; while `hold` is
    set nothing is passed on in either direction, as on a dead link.
    """

    def __init__(self, port):
        self.target = port
        self.refuse = False
        self._pass = threading.Event()
        self._pass.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
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
