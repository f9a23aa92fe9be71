# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that a Tessera really logs in to, and of which a test can change every byte.

    with EvilServer() as server, Peer(server) as peer:
        peer.login("alice@a.test", server.password("alice@a.test"))
        server.deliver("alice@a.test", "<message from='eve@e.test/x' type='chat'><body>hi</body></message>", "live")
        server.settle("alice@a.test")                     # the peer has handled all that was sent to it
        peer.history("eve@e.test")

It listens on loopback, with STARTTLS on `port` and direct TLS on `tls_port`, and serves several domains at once under one
certificate of a CA of its own (`ca`): alice@a.test, bob@b.test and eve@e.test unless @accounts says otherwise; the password of each
is password(jid). Peers that are connected can really talk to each other: it routes messages and IQs, copies (carbons), keeps
archives (MAM by RSM), contact lists with pushes and presence, PEP nodes with events, resumes (XEP-0198), and answers disco.
Everything runs in one thread of its own; the methods below may be called from the test's thread.

What can be changed
-------------------

- Attributes, at any time: `mechanisms`, `binding_types` (XEP-0440; None: not announced), `list_hash` (XEP-0474), `iterations`, `salt`,
  `sasl1`, `sasl2` (XEP-0388), `bind2` (XEP-0386, with sasl2), `token_mechanisms`, `token_expiry` (XEP-0484; the tokens that are good
  are `accounts[jid].tokens`), ask_certificates(authority) for EXTERNAL,
  `starttls`, `management` (XEP-0198), `resumable`, `acknowledge` (False: never), `server_features`, `account_features` (disco),
  `page_size` and `max_results` (MAM), `notify_nodes`; `refuse_connections`.
- change(kind, function): function(connection, text) gives what is sent instead of @text: text, bytes, or None for nothing. Kinds:
  "header-clear", "header-tls", "header-session"; "features-clear", "features-tls", "features-session"; "proceed"; "scram-first",
  "scram-final" (decoded); "token-final" (decoded, bytes); "challenge", "success", "failure" (whole elements); "bound", "resumed", "resume-failed", "enabled", "ack",
  "iq-result" (each answer to an IQ), "mam-result", "mam-fin".
- on(kind, function): function(connection, element) is called for what came in; True means that the server shall do nothing itself.
  Kinds: "open", "close", "starttls", "auth", "authenticate", "response", "abort", "iq", "message", "presence", "enable", "resume", "r", "a".
- `iq_handlers[(type, namespace of the payload)]` = function(connection, element) -> text of the payload of the result,
  Stanza error condition as `StanzaError("forbidden")`, or None for no answer at all.
- inject(who, bytes), pour(who, iterator): raw bytes into the open stream of a person or a connection.

deliver(account, stanza, path) replays one stanza over each path of `PATHS` on which it can arrive:

- "live"             as it stands
- "carbon-received"  as a copy of what another client of the account got
- "carbon-sent"      as a copy of what another client of the account sent
- "archive"          put into the archive, of which the account is told at its next login; the connection is cut for it
- "resumed"          sent again after a cut, on the resumed stream

For presence and IQs only "live" and "resumed" make sense (`STANZA_PATHS`).

What was received is kept: `connections` (oldest first), each with `raw` (all bytes that came in, decrypted), `phase` ("clear", "tls",
"session", "bound"), `clear` (what came before TLS), `elements` (the stanzas as elements), `ended`. `sent_by(jid)` are all stanzas of a
person, `raw()` is all bytes of all connections, `published` all that was published to PEP with its options.
"""

import asyncio
import os
import ssl
import threading
import time

from . import util
from .certs import Authority
from .evil_login import Login
from .evil_services import Services, StanzaError  # noqa: F401 (for tests)
from .evil_xml import NS_CLIENT, NS_SM, NS_STREAMS, StreamReader, carbon, split, stream_error, to_bytes

ACCOUNTS = ("alice@a.test", "bob@b.test", "eve@e.test")
PATHS = ("live", "carbon-received", "carbon-sent", "archive", "resumed")
STANZA_PATHS = ("live", "resumed")
# Of what one connection sends so much is kept.
KEPT_BYTES = 32 * 1024 * 1024
KEPT_ELEMENTS = 20000


def bare(jid):
    return jid.partition("/")[0]


def domain_of(jid):
    return bare(jid).rpartition("@")[2]


class Account:
    """A person of the server. @archive: [id, stamp, stanza]; @pep: node -> {item id: payload}; @roster: jid -> attributes."""

    def __init__(self, jid, password):
        self.jid, self.password = jid, password
        self.roster, self.pep, self.archive = {}, {}, []
        self.sessions = []
        self.tokens = {}

    def archive_id(self):
        return f"{len(self.archive) + 1:06d}-{os.urandom(4).hex()}"


class Session:
    """A bound resource; it outlives its connection while it can be resumed."""

    def __init__(self, account, resource):
        self.account, self.resource = account, resource
        self.full = f"{account.jid}/{resource}"
        self.connection = None
        self.available = self.carbons = self.interested = False
        self.id = None                  # XEP-0198: of a session that can be resumed
        self.managed = False
        self.handled = 0                # of theirs
        self.sent = self.acked = 0      # of ours
        self.unacked = []
        self.resumptions = 0

    def send(self, stanza):
        """One stanza, counted; kept until it is acknowledged."""
        stanza = to_bytes(stanza)
        if self.managed:
            self.sent += 1
            self.unacked.append(stanza)
        if self.connection is not None:
            self.connection.write(stanza)


class Connection(asyncio.Protocol):
    """One socket of a client. Lives in the server's thread."""

    def __init__(self, server, direct):
        self.server, self.direct = server, direct
        self.transport = self.session = self.account = None
        self.phase = "tls" if direct else "clear"
        self.raw, self.clear, self.elements = bytearray(), b"", []
        self.ended = False
        self.login = Login(self)
        self.sent_bytes = 0
        self._held = None       # what the server has to say while a test pours parts of a stanza
        self._early = None      # while TLS begins: what came before its transport is known here
        self._reader = StreamReader()
        self._writable = asyncio.Event()
        self._writable.set()

    # -- asyncio's ---------------------------------------------------------------------------------------------

    def connection_made(self, transport):
        fresh, self.transport = self.transport is None, transport
        if not fresh:
            return
        if self.server.refuse_connections:
            transport.abort()
            return
        self.server.connections.append(self)

    def pause_writing(self):
        self._writable.clear()

    def resume_writing(self):
        self._writable.set()

    def connection_lost(self, _error):
        self.ended = True
        self._writable.set()
        self.server._gone(self)

    def data_received(self, data):
        if self._early is not None:
            self._early.append(data)
            return
        if len(self.raw) < KEPT_BYTES:
            self.raw += data
        if self.phase == "clear":
            self.clear += data
        try:
            for kind, element in self._reader.feed(data):
                self._event(kind, element)
        except Exception as error:      # what is no XML comes from a broken client: the test sees it in `errors`
            self.server.errors.append(error)
            self.close()

    def eof_received(self):
        return False

    # -- the stream --------------------------------------------------------------------------------------------

    def _event(self, kind, element):
        server = self.server
        if kind == "open":
            if server._hooked(self, "open", element):
                return
            self.write_changed("header-" + self._step(), f"<?xml version='1.0'?><stream:stream from='{element.get('to') or ''}' "
                               f"id='{os.urandom(8).hex()}' version='1.0' xml:lang='en' xmlns='jabber:client' "
                               f"xmlns:stream='{NS_STREAMS}'>")
            self.write_changed("features-" + self._step(), self.login.features())
        elif kind == "close":
            if not server._hooked(self, "close", None):
                if self.session is not None:
                    self.session.id = None
                self.write("</stream:stream>")
                self.close()
        else:
            if len(self.elements) < KEPT_ELEMENTS:
                self.elements.append(element)
            self._element(element)

    def _step(self):
        return "session" if self.phase == "bound" else self.phase

    def _element(self, element):
        ns, name = split(element.tag)
        if self.session is not None and self.session.managed and ns == NS_CLIENT:
            self.session.handled += 1
        if self.server._hooked(self, name, element):
            return
        if ns == NS_SM and self.session is not None:
            self._management(name, element)
        elif ns == NS_CLIENT and self.session is not None:
            self.server.services.take(self, name, element)
        elif not self.login.take(ns, name, element):
            self.write(stream_error("unsupported-stanza-type"))
            self.close()

    def _management(self, name, element):
        session = self.session
        if name == "r" and self.server.acknowledge:
            self.write_changed("ack", f"<a xmlns='{NS_SM}' h='{session.handled % 2**32}'/>")
        elif name == "a":
            self.server.take_ack(session, int(element.get("h")))
        elif name == "enable":
            self.login.take("", "enable", element)

    async def start_tls(self):
        try:
            transport = await self.server._loop.start_tls(self.transport, self, self.server.context, server_side=True)
        except (OSError, AttributeError):   # the client did not like the certificate
            self.connection_lost(None)
            return
        self.transport, early, self._early = transport, self._early, None
        for data in early:
            self.data_received(data)

    def begin_tls(self, text):
        """Sends @text, and TLS begins behind it."""
        self.transport.pause_reading()
        self.write_changed("proceed", text)
        self.restart("tls")
        self._early = []
        asyncio.ensure_future(self.start_tls())

    def restart(self, phase):
        """The client opens a new stream next."""
        self.phase = phase
        self._reader = StreamReader()

    def write(self, data, poured=False):
        data = to_bytes(data)
        if self._held is not None and not poured:
            self._held.append(data)
        elif not self.ended and self.transport is not None and not self.transport.is_closing():
            self.sent_bytes += len(data)
            self.transport.write(data)

    def write_changed(self, kind, text):
        text = self.server._changed(self, kind, text)
        if text is not None:
            self.write(text)

    def hold(self):
        """Nothing but what a test pours is written until release()."""
        self._held = []

    def release(self):
        held, self._held = self._held, None
        for data in held:
            self.write(data)

    async def drained(self):
        await self._writable.wait()

    def close(self):
        if self.transport is not None:
            self.transport.close()

    def cut(self):
        """As a cable that is pulled: no word of TLS or of XMPP."""
        if self.transport is not None and not self.ended:
            self.transport.abort()


class EvilServer:
    """See above. @accounts: addresses. @friends: pairs that are in each other's contact list. @cert_domains, @cert_days, @authority,
    @issued: for certificates that are wrong."""

    kind = "evil"

    def __init__(self, accounts=ACCOUNTS, friends=(), authority=None, cert_domains=None, cert_days=30, folder=None,
                 domain="a.test", issued=None):
        self.domain = domain
        self.accounts = {jid: Account(jid, f"password of {jid.partition('@')[0]}-{os.urandom(6).hex()}") for jid in accounts}
        for a, b in friends:
            self._befriend(a, b)
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir("evil")
        self.authority = authority or Authority(os.path.join(self.folder, "ca"))
        self.ca = self.authority.ca
        self.cert_domains = cert_domains or sorted({domain_of(a) for a in accounts})
        self.use_certificate(self.cert_domains, cert_days, issued=issued)

        self.mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"]
        self.binding_types = ["tls-server-end-point"]
        self.list_hash = False
        self.sasl1, self.sasl2, self.bind2 = True, False, True
        self.token_mechanisms, self.token_expiry = [], "2036-01-01T00:00:00Z"
        self.iterations, self.salt = 4096, None
        self.starttls = self.management = self.resumable = self.acknowledge = True
        self.refuse_connections = False
        self.server_features = ["urn:xmpp:ping", "urn:xmpp:carbons:2"]
        self.account_features = ["urn:xmpp:mam:2", "urn:xmpp:sid:0", "http://jabber.org/protocol/pubsub#publish-options"]
        self.notify_nodes = {"eu.siacs.conversations.axolotl.devicelist"}
        self.page_size, self.max_results = 100, None
        self.iq_handlers = {}

        self.connections, self.published, self.errors, self.queries = [], [], [], []
        self._resumable, self._changes, self._hooks = {}, {}, {}
        self.services = Services(self)
        self.port = self.tls_port = None
        self._loop = self._thread = None
        self._listeners = []

    # -- life ----------------------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_exc):
        self.close()

    def start(self):
        started = threading.Event()

        def run():
            asyncio.set_event_loop(self._loop)
            self._loop.call_soon(started.set)
            self._loop.run_forever()

        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, context: self.errors.append(context.get("exception") or context))
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        started.wait()
        self.call(self._listen)
        return self

    async def _listen(self):
        plain = await self._loop.create_server(lambda: Connection(self, False), "127.0.0.1", 0)
        direct = await self._loop.create_server(lambda: Connection(self, True), "127.0.0.1", 0, ssl=self.context)
        self._listeners = [plain, direct]
        self.port, self.tls_port = (s.sockets[0].getsockname()[1] for s in self._listeners)

    def close(self):
        if self._thread is not None:
            async def end():
                for listener in self._listeners:
                    listener.close()
                for connection in self.connections:
                    connection.cut()
                for task in asyncio.all_tasks():
                    if task is not asyncio.current_task():
                        task.cancel()
            try:
                self.call(end)
            finally:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(10)
                self._loop.close()
                self._thread = None
        if self._own_folder:
            util.remove_dir(self.folder)

    def call(self, function, *arguments, seconds=60):
        """Runs a function or coroutine in the server's thread and returns its result."""
        async def run():
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(seconds * util.SLOW)

    def use_certificate(self, domains, days=30, authority=None, issued=None):
        """The certificate for connections to come; before start() for direct TLS. @issued: (certificate, key) files."""
        crt, key = issued or (authority or self.authority).issue(domains, days)[:2]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(crt, key)
        with open(crt, encoding="ascii") as f:
            self.certificate_der = ssl.PEM_cert_to_DER_cert(f.read())

    def ask_certificates(self, authority):
        """From now on clients are asked for a certificate of @authority, which they need not have (EXTERNAL)."""
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.context.load_verify_locations(authority.ca)

    def jid(self, user):
        return user if "@" in user else f"{user}@{self.domain}"

    def password(self, user):
        return self.accounts[self.jid(user)].password

    def tail(self, count=10):
        lines = [f"{c.phase}{' (ended)' if c.ended else ''}: {bytes(c.raw[-600:]).decode('utf-8', 'replace')}"
                 for c in self.connections[-3:]]
        return "\n".join(lines[-count:] + [repr(e) for e in self.errors])

    def wait(self, condition, what, seconds=30):
        return util.wait_for(condition, what, seconds, log=self.tail)

    # -- changing ------------------------------------------------------------------------------------------------

    def change(self, kind, function):
        """@function: see above; None takes the change back."""
        self._changes[kind] = function

    def on(self, kind, function):
        self._hooks[kind] = function

    def _changed(self, connection, kind, text):
        function = self._changes.get(kind)
        return function(connection, text) if function else text

    def _hooked(self, connection, kind, element):
        function = self._hooks.get(kind)
        return bool(function and function(connection, element))

    # -- people --------------------------------------------------------------------------------------------------

    def _befriend(self, a, b):
        for one, other in ((a, b), (b, a)):
            if one in self.accounts:
                self.accounts[one].roster[other] = {"jid": other, "subscription": "both"}

    def sessions(self, jid):
        return list(self.accounts[self.jid(jid)].sessions)

    def session(self, jid):
        """The newest session of a person that is connected, or None."""
        found = [s for s in self.sessions(jid) if s.connection is not None]
        return found[-1] if found else None

    def wait_session(self, jid, seconds=30):
        """Waits until a person is connected and has said so by presence."""
        return self.wait(lambda: (s := self.session(jid)) and s.available and s, f"session of {jid}", seconds)

    def connection(self, who):
        if isinstance(who, Connection):
            return who
        session = self.session(who)
        if session is None:
            raise AssertionError(f"{who} is not connected\n{self.tail()}")
        return session.connection

    def sent_by(self, jid, name=None):
        """All stanzas (elements) that the sessions of a person have sent, on every connection."""
        return [e for c in self.connections if c.account is not None and c.account.jid == self.jid(jid)
                for e in c.elements if e.tag.startswith(f"{{{NS_CLIENT}}}") and name in (None, split(e.tag)[1])]

    def raw(self):
        return b"".join(bytes(c.raw) for c in self.connections)

    # -- sending -------------------------------------------------------------------------------------------------

    def inject(self, who, data):
        """Raw bytes into the stream of a person or connection; not counted as stanzas."""
        self.call(lambda: self.connection(who).write(data))

    def send(self, who, stanza):
        """A stanza to the newest session of a person, counted for XEP-0198."""
        self.call(lambda: self.connection(who).session.send(stanza))

    def pour(self, who, chunks, counted=0, whole=False):
        """Writes all of @chunks as fast as they are taken, in the background. Nothing else is written in between, so a
        stanza may be cut anywhere; unless each chunk is @whole. Returns a future that gives the number of bytes that were written until the end or until the
        other side was gone. @counted: how many stanzas that are, for XEP-0198."""
        connection = self.connection(who)

        async def run():
            before = connection.sent_bytes
            if counted and connection.session is not None:
                connection.session.sent += counted
                connection.session.unacked += [b""] * counted
            if not whole:
                connection.hold()
            for chunk in chunks:
                if connection.ended:
                    break
                connection.write(chunk, poured=True)
                await connection.drained()
                await asyncio.sleep(0)
            if not whole:
                connection.release()
            return connection.sent_bytes - before

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def cut(self, who):
        """Cuts the connection; the session can be resumed if it could before."""
        self.call(lambda: self.connection(who).cut())

    def take_ack(self, session, h):
        count = (h - session.acked) % 2 ** 32
        if count > len(session.unacked):
            self.errors.append(AssertionError(f"{session.full} acknowledged {h} of {session.sent}"))
            return
        del session.unacked[:count]
        session.acked = h

    def settle(self, who, seconds=30):
        """Waits until the peer has handled every stanza that was sent to it: it says so by XEP-0198."""
        asked = [None]

        def settled():
            session = self.session(who)
            if session is None or not session.available:
                return False
            # Each connection is asked anew: the one before may have ended under the question.
            if asked[0] is not session.connection:
                asked[0] = session.connection
                self.call(session.connection.write, f"<r xmlns='{NS_SM}'/>")
            return not session.unacked
        self.wait(settled, f"acknowledgement of all by {who}", seconds)

    def deliver(self, account, stanza, path, stamp=None, settle=True):
        """See PATHS. Returns when the peer has handled it (@settle), or when it is on its way."""
        account = self.jid(account)
        session = self.wait_session(account)
        if path == "live":
            self.send(account, stanza)
        elif path in ("carbon-received", "carbon-sent"):
            self.send(account, carbon(account, session.full, stanza, path.partition("-")[2], stamp))
        elif path == "archive":
            self.settle(account)
            self.wait_caught_up(account)
            self.archive(account, stanza, stamp)

            def lose():
                session.id = None
                session.connection.cut()
            before = len(self.connections)
            self.call(lose)
            if not settle:
                # It may end as soon as it has begun.
                self.wait(lambda: len(self.connections) > before, f"new connection of {account}")
                return
            self.wait(lambda: len(self.connections) > before and (s := self.session(account)) and s is not session
                      and s.available, f"new session of {account}")
            self.wait_caught_up(account)
        elif path == "resumed":
            self.settle(account)

            def swap():
                # It is on its way when the cable is pulled: sent, and never seen.
                session.sent += 1
                session.unacked.append(to_bytes(stanza))
                session.connection.cut()
            before = session.resumptions
            self.call(swap)
            self.wait(lambda: session.resumptions > before, f"resumption of {account}")
        else:
            raise ValueError(path)
        if settle:
            self.settle(account)

    def wait_caught_up(self, account, seconds=30):
        """Waits until the archive was asked on this connection and has answered its last page."""
        connection = self.connection(account)
        self.wait(lambda: any(q["connection"] is connection and q["complete"] for q in self.queries),
                  f"catch-up of {account}", seconds)

    def archive(self, account, stanza, stamp=None):
        """Puts a stanza into an archive; returns its id there."""
        account = self.accounts[self.jid(account)]
        ident = account.archive_id()
        account.archive.append((ident, stamp or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), to_bytes(stanza)))
        return ident

    # -- sessions ------------------------------------------------------------------------------------------------

    def _gone(self, connection):
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if session.id is None:
            self._forget(session)

    def _forget(self, session):
        if session in session.account.sessions:
            session.account.sessions.remove(session)
            if session.available:
                self.services.presence_of(session, "unavailable")
