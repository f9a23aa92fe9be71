# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client goes through before it may send stanzas, as the evil server plays it: STARTTLS, SASL, binding, XEP-0198."""

import base64
import os

from .evil_sasl import Plain, Refused, Scram, announced_hash, b64, server_end_point
from .evil_xml import NS_BIND, NS_CLIENT, NS_SASL, NS_SASL_CB, NS_SM, NS_TLS


class Login:
    """Of one connection."""

    def __init__(self, connection):
        self.connection, self.server = connection, connection.server
        self.mechanism = None       # the one that is under way
        self.name = None

    # -- features ------------------------------------------------------------------------------------------------

    def features(self):
        phase = self.connection.phase
        if phase == "clear":
            inner = f"<starttls xmlns='{NS_TLS}'><required/></starttls>" if self.server.starttls else ""
        elif phase == "tls":
            inner = self._mechanisms()
        else:
            inner = f"<bind xmlns='{NS_BIND}'/>" + (f"<sm xmlns='{NS_SM}'/>" if self.server.management else "")
        return f"<stream:features>{inner}</stream:features>"

    def _mechanisms(self):
        server = self.server
        text = f"<mechanisms xmlns='{NS_SASL}'>" + "".join(f"<mechanism>{m}</mechanism>" for m in server.mechanisms) + "</mechanisms>"
        if server.binding_types is not None:
            text += f"<sasl-channel-binding xmlns='{NS_SASL_CB}'>" + \
                "".join(f"<channel-binding type='{t}'/>" for t in server.binding_types) + "</sasl-channel-binding>"
        return text

    def bindings(self):
        """What the server can bind to on this connection: Python's ssl has no tls-exporter."""
        found = {"tls-server-end-point": server_end_point(self.server.certificate_der)}
        tls = self.connection.transport.get_extra_info("ssl_object")
        if tls is not None and tls.version() == "TLSv1.2" and tls.get_channel_binding("tls-unique"):
            found["tls-unique"] = tls.get_channel_binding("tls-unique")
        return found

    # -- what comes in -------------------------------------------------------------------------------------------

    def take(self, ns, name, element):
        """Returns whether the element had a place here."""
        phase = self.connection.phase
        if ns == NS_TLS and name == "starttls" and phase == "clear":
            self.connection.begin_tls(f"<proceed xmlns='{NS_TLS}'/>")
        elif ns == NS_SASL and phase == "tls" and name in ("auth", "response", "abort"):
            self._sasl(name, element)
        elif phase == "session" and ns == NS_SM and name == "resume":
            self._resume(element)
        elif phase == "session" and ns == NS_CLIENT and element.find(f"{{{NS_BIND}}}bind") is not None:
            self._bind(element)
        elif name == "enable" and self.connection.session is not None:
            self._enable(element)
        else:
            return False
        return True

    def _sasl(self, name, element):
        connection = self.connection
        try:
            if name == "abort":
                raise Refused("aborted")
            data = base64.b64decode(element.text) if (element.text or "").strip("= ") else b""
            if name == "auth":
                self.name = element.get("mechanism")
                self.mechanism = self.new_mechanism(self.name)
                kind, payload = self.mechanism.start(data)
            else:
                kind, payload = self.mechanism.answer(data)
        except (Refused, KeyError, ValueError, AttributeError) as error:
            condition = str(error) if isinstance(error, Refused) else "malformed-request"
            connection.write_changed("failure", f"<failure xmlns='{NS_SASL}'><{condition}/></failure>")
            return
        text = b64(payload if isinstance(payload, bytes) else payload.encode()) if payload is not None else ""
        whole = f"<{kind} xmlns='{NS_SASL}'>{text}</{kind}>"
        if kind == "success":
            connection.account = self.account_of(self.mechanism.user)
            connection.restart("session")
        connection.write_changed(kind, whole)

    def account_of(self, user):
        """Of a server of several domains the stream's `to` would say which; the names differ here."""
        return next((a for a in self.server.accounts.values() if a.jid.partition("@")[0] == user), None)

    def new_mechanism(self, name):
        server = self.server

        def password_of(user):
            account = self.account_of(user)
            return account.password if account else None

        if name not in server.mechanisms:
            raise Refused("invalid-mechanism")
        if name == "PLAIN":
            return Plain(password_of)
        bindings = self.bindings()
        extensions = ""
        if server.list_hash:
            algorithm = Scram(name, password_of, None, bindings).algorithm
            extensions = ",h=" + announced_hash(server.mechanisms, server.binding_types, algorithm)
        return Scram(name, password_of, lambda kind, text: server._changed(self.connection, kind, text), bindings,
                     server.iterations, server.salt, extensions, any(m.endswith("-PLUS") for m in server.mechanisms))

    # -- sessions ------------------------------------------------------------------------------------------------

    def _bind(self, element):
        from .evil import Session
        connection = self.connection
        asked = element.findtext(f"{{{NS_BIND}}}bind/{{{NS_BIND}}}resource")
        session = Session(connection.account, asked or os.urandom(6).hex())
        session.connection, connection.session, connection.phase = connection, session, "bound"
        connection.account.sessions.append(session)
        connection.write_changed("bound", f"<iq type='result' id='{element.get('id')}'><bind xmlns='{NS_BIND}'>"
                                 f"<jid>{session.full}</jid></bind></iq>")

    def _enable(self, element):
        session, server = self.connection.session, self.server
        session.managed = True
        resume = ""
        if server.resumable and element.get("resume") in ("true", "1"):
            session.id = os.urandom(8).hex()
            server._resumable[session.id] = session
            resume = f" resume='true' id='{session.id}' max='600'"
        self.connection.write_changed("enabled", f"<enabled xmlns='{NS_SM}'{resume}/>")

    def _resume(self, element):
        connection, server = self.connection, self.server
        session = server._resumable.get(element.get("previd"))
        if session is None or session.id is None or session.account is not connection.account:
            connection.write_changed("resume-failed", f"<failed xmlns='{NS_SM}'>"
                                     "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
            return
        if session.connection is not None:
            session.connection.cut()
        session.connection, connection.session, connection.phase = connection, session, "bound"
        server.take_ack(session, int(element.get("h")))
        connection.write_changed("resumed", f"<resumed xmlns='{NS_SM}' previd='{session.id}' h='{session.handled % 2**32}'/>")
        for stanza in session.unacked:
            connection.write(stanza)
        session.resumptions += 1
