# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire that does everything that wires do, in a process of its own, so that no test slows it down.

    with RoughProxy(server.port) as wire:
        alice.login("alice", "a", port=wire.port)
        wire.shape("up", delay=0.2)         # towards the server
        wire.shape("down", rate=2048)       # towards the client
        wire.clear()
        wire.cut()

"up" and "down" are the two directions; what is set holds for the connections there are and for new ones.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time

UP, DOWN = "up", "down"


class RoughProxy:
    """Listens on loopback, passes on to 127.0.0.1:@port, and does to the bytes what it is told.

    Every call has been done on return.
    """

    def __init__(self, port):
        from .util import LineReader, Process
        self._process = Process(["/usr/bin/python3", os.path.abspath(__file__), str(port)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=sys.stderr.fileno())
        self._reader, self._taken = LineReader(self._process.popen.stdout), 0
        self.port = self._answer()["port"]

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        self._process.kill()

    def _answer(self, seconds=20):
        from .util import SLOW, Timeout
        deadline = time.monotonic() + seconds * SLOW
        with self._reader.changed:
            while len(self._reader.lines) == self._taken:
                left = deadline - time.monotonic()
                if self._reader.closed or left <= 0:
                    raise Timeout("the proxy has ended" if self._reader.closed else f"no answer of the proxy within {seconds} s")
                self._reader.changed.wait(left)
            line = self._reader.lines[self._taken]
            self._taken += 1
        return json.loads(line)

    def _ask(self, **order):
        self._process.popen.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.popen.stdin.flush()
        return self._answer()

    def shape(self, direction, flows=True, delay=0.0, rate=0, sliced=False, breaks=0):
        """@flows: whether bytes, and the end of a connection, get through; what does not waits. @delay: seconds. @rate: bytes a
        second, 0 for all that comes. @sliced: each byte in a write of its own. @breaks: behind so many pieces, as they
        were written, a connection is reset at both ends, 0 for never."""
        self._ask(do="shape", direction=direction, flows=flows, delay=delay, rate=rate, sliced=sliced, breaks=breaks)

    def both(self, **shape):
        for direction in (UP, DOWN):
            self.shape(direction, **shape)

    def clear(self):
        """Everything passes again, and new connections are taken."""
        self.both()
        self.refuse(False)

    def refuse(self, refused=True):
        """Whether new connections are reset at once."""
        self._ask(do="refuse", refused=refused)

    def cut(self):
        """Resets all connections at both ends; returns how many there were."""
        return self._ask(do="cut")["connections"]

    def drop(self, end):
        """Resets all connections at one @end ("client" or "server"); the other end hears nothing any more, and is not closed: what
        it writes is swallowed. Returns how many there were."""
        return self._ask(do="drop", end=end)["connections"]

    def connections(self):
        """How many pass from end to end."""
        return self._ask(do="count")["connections"]


# ---- The child ----

class _Shape:
    def __init__(self):
        self.delay, self.rate, self.sliced, self.breaks = 0.0, 0, False, 0
        self.flows = asyncio.Event()
        self.flows.set()


def _reset(sock):
    try:
        # A linger of 0 makes the close an RST.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    except OSError:
        pass
    sock.close()


class _Pair:
    """One connection: the client's socket and the server's."""

    END = object()      # of the bytes, in order
    BROKEN = object()

    def __init__(self, child, client, server):
        self.child, self.client, self.server = child, client, server
        self.tasks = [asyncio.create_task(self._run())]

    async def _run(self):
        pumps = [asyncio.create_task(self._pump(self.client, self.server, self.child.shapes[UP])),
                 asyncio.create_task(self._pump(self.server, self.client, self.child.shapes[DOWN]))]
        self.tasks += pumps
        done, _pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
        broken = any(task.exception() for task in done if not task.cancelled())
        self.child.pairs.discard(self)
        await self._end(self.tasks[1:])
        for sock in (self.client, self.server):
            _reset(sock) if broken else sock.close()

    async def _pump(self, source, target, shape):
        queue = asyncio.Queue(64)
        reading = asyncio.create_task(self._read(source, queue, shape))
        self.tasks.append(reading)
        loop = asyncio.get_running_loop()
        passed = 0
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - loop.time())
            await shape.flows.wait()
            if data is self.BROKEN:
                raise ConnectionResetError
            if data is self.END:
                target.shutdown(socket.SHUT_WR)
                return
            await self._write(target, data, shape)
            passed += 1
            if shape.breaks and passed >= shape.breaks:
                raise ConnectionResetError

    async def _read(self, source, queue, shape):
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(source, 16384):
                await queue.put((loop.time() + shape.delay, data))
            last = self.END
        except OSError:
            last = self.BROKEN
        await queue.put((loop.time() + shape.delay, last))

    async def _write(self, target, data, shape):
        loop = asyncio.get_running_loop()
        while data:
            await shape.flows.wait()
            # By tenths of a second, so that what is set anew holds at once.
            count = 1 if shape.sliced else max(1, shape.rate // 10) if shape.rate else len(data)
            if shape.rate:
                await asyncio.sleep(min(count, len(data)) / shape.rate)
            await loop.sock_sendall(target, data[:count])
            data = data[count:]

    @staticmethod
    async def _end(tasks):
        """By then what they asked of the sockets has been taken back."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self):
        self.child.pairs.discard(self)
        await self._end(self.tasks)


class _Child:
    def __init__(self, port):
        self.port, self.refused = port, False
        self.pairs, self.swallowing = set(), set()
        self.shapes = {UP: _Shape(), DOWN: _Shape()}

    async def accept(self, listener):
        loop = asyncio.get_running_loop()
        while True:
            client, _address = await loop.sock_accept(listener)
            if self.refused:
                _reset(client)
                continue
            server = socket.socket()
            for sock in (client, server):
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await loop.sock_connect(server, ("127.0.0.1", self.port))
            except OSError:
                server.close()
                _reset(client)
                continue
            self.pairs.add(_Pair(self, client, server))

    async def _swallow(self, sock):
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(sock, 65536):
                pass
        except OSError:
            pass
        sock.close()

    async def obey(self, order):
        pairs, answer = list(self.pairs), {"connections": len(self.pairs)}
        if order["do"] == "shape":
            shape = self.shapes[order["direction"]]
            shape.delay, shape.rate, shape.sliced, shape.breaks = (order[k] for k in ("delay", "rate", "sliced", "breaks"))
            shape.flows.set() if order["flows"] else shape.flows.clear()
        elif order["do"] == "refuse":
            self.refused = order["refused"]
        elif order["do"] in ("cut", "drop"):
            for pair in pairs:
                await pair.stop()
                for end, sock in (("client", pair.client), ("server", pair.server)):
                    if order["do"] == "cut" or order["end"] == end:
                        _reset(sock)
                    else:
                        task = asyncio.create_task(self._swallow(sock))
                        self.swallowing.add(task)
                        task.add_done_callback(self.swallowing.discard)
        return answer

    async def main(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        accepting = asyncio.create_task(self.accept(listener))
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        while line := await orders.readline():
            print(json.dumps(await self.obey(json.loads(line))), flush=True)
        accepting.cancel()


if __name__ == "__main__":
    asyncio.run(_Child(int(sys.argv[1])).main())
