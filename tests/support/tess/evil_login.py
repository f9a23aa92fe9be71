# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client goes through before it may send stanzas, as the evil server plays it: STARTTLS, SASL (both profiles, with Bind 2
and tokens), binding, XEP-0198."""

import base64
import os

from .evil_sasl import External, Plain, Refused, Scram, Token, announced_hash, b64, server_end_point
from .evil_xml import NS_BIND, NS_BIND2, NS_CARBONS, NS_CLIENT, NS_FAST, NS_SASL, NS_SASL2, NS_SASL_CB, NS_SM, NS_TLS


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

    def _sasl2(self):
        server = self.server
        inner = ""
        if server.bind2:
            inner += f"<bind xmlns='{NS_BIND2}'><inline><feature var='{NS_CARBONS}'/>" + \
                (f"<feature var='{NS_SM}'/>" if server.management else "") + "</inline></bind>"
        if server.management:
            inner += f"<sm xmlns='{NS_SM}'/>"
        if server.token_mechanisms:
            inner += f"<fast xmlns='{NS_FAST}'>" + "".join(f"<mechanism>{m}</mechanism>" for m in server.token_mechanisms) + "</fast>"
        return f"<authentication xmlns='{NS_SASL2}'>" + "".join(f"<mechanism>{m}</mechanism>" for m in server.mechanisms) + \
            f"<inline>{inner}</inline></authentication>"

    def _mechanisms(self):
        server = self.server
        text = self._sasl2() if server.sasl2 else ""
        if server.sasl1:
            text += f"<mechanisms xmlns='{NS_SASL}'>" + "".join(f"<mechanism>{m}</mechanism>" for m in server.mechanisms) + "</mechanisms>"
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
        elif ns == NS_SASL2 and phase == "tls" and name in ("authenticate", "response", "abort"):
            self._sasl2_step(name, element)
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

    def _sasl2_step(self, name, element):
        connection = self.connection
        try:
            if name == "abort":
                raise Refused("aborted")
            if name == "authenticate":
                self.name, self.request = element.get("mechanism"), element
                self.mechanism = self.new_mechanism(self.name)
                kind, payload = self.mechanism.start(base64.b64decode(element.findtext(f"{{{NS_SASL2}}}initial-response") or ""))
            else:
                kind, payload = self.mechanism.answer(base64.b64decode(element.text or ""))
        except (Refused, KeyError, ValueError, AttributeError) as error:
            condition = str(error) if isinstance(error, Refused) else "malformed-request"
            connection.write_changed("failure", f"<failure xmlns='{NS_SASL2}'><{condition} xmlns='{NS_SASL}'/></failure>")
            return
        text = b64(payload if isinstance(payload, bytes) else payload.encode()) if payload is not None else ""
        if kind == "challenge":
            connection.write_changed("challenge", f"<challenge xmlns='{NS_SASL2}'>{text}</challenge>")
            return
        connection.account = self.account_of(self.mechanism.user)
        connection.phase = "session"
        inner = self._sasl2_session()
        whole = f"<success xmlns='{NS_SASL2}'>" + (f"<additional-data>{text}</additional-data>" if text else "") + \
            f"<authorization-identifier>{connection.session.full if connection.session else connection.account.jid}" \
            f"</authorization-identifier>{self._token()}{inner}</success>"
        connection.write_changed("success", whole)
        # XEP-0388 section 2.6.1: on the same stream, without being asked.
        connection.write_changed("features-session", self.features())
        if connection.session is not None:
            for stanza in connection.session.unacked:
                connection.write(stanza)

    def _sasl2_session(self):
        """What is done at once with the login; the text of it."""
        connection, server = self.connection, self.server
        resume, bind = self.request.find(f"{{{NS_SM}}}resume"), self.request.find(f"{{{NS_BIND2}}}bind")
        text = ""
        if resume is not None:
            session = self.take_up(resume)
            if session is not None:
                return f"<resumed xmlns='{NS_SM}' previd='{session.id}' h='{session.handled % 2**32}'/>"
            text = f"<failed xmlns='{NS_SM}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        if bind is None or not server.bind2:
            return text
        session = self.new_session((bind.findtext(f"{{{NS_BIND2}}}tag") or "x") + "." + os.urandom(4).hex())
        session.carbons = bind.find(f"{{{NS_CARBONS}}}enable") is not None
        enable = bind.find(f"{{{NS_SM}}}enable")
        return text + f"<bound xmlns='{NS_BIND2}'>{self.manage(session, enable) if enable is not None else ''}</bound>"

    def _token(self):
        """A new token, if one was asked for."""
        asked = self.request.find(f"{{{NS_FAST}}}request-token")
        if asked is None or asked.get("mechanism") not in self.server.token_mechanisms:
            return ""
        token = "token-" + os.urandom(16).hex()
        self.connection.account.tokens[token] = asked.get("mechanism")
        return f"<token xmlns='{NS_FAST}' token='{token}' expiry='{self.server.token_expiry}'/>"

    def account_of(self, user):
        """Of a server of several domains the stream's `to` would say which; the names differ here."""
        return next((a for a in self.server.accounts.values() if a.jid.partition("@")[0] == user), None)

    def new_mechanism(self, name):
        server = self.server

        def password_of(user):
            account = self.account_of(user)
            return account.password if account else None

        if name in server.token_mechanisms:
            def tokens_of(user):
                account = self.account_of(user)
                return [t for t, mechanism in account.tokens.items() if mechanism == name] if account else []
            return Token(name, tokens_of, self.bindings(), lambda kind, text: server._changed(self.connection, kind, text))
        if name not in server.mechanisms:
            raise Refused("invalid-mechanism")
        if name == "EXTERNAL":
            return External(self.connection.transport.get_extra_info("peercert"))
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

    def new_session(self, resource):
        from .evil import Session
        connection = self.connection
        session = Session(connection.account, resource)
        session.connection, connection.session, connection.phase = connection, session, "bound"
        connection.account.sessions.append(session)
        return session

    def _bind(self, element):
        session = self.new_session(element.findtext(f"{{{NS_BIND}}}bind/{{{NS_BIND}}}resource") or os.urandom(6).hex())
        self.connection.write_changed("bound", f"<iq type='result' id='{element.get('id')}'><bind xmlns='{NS_BIND}'>"
                                      f"<jid>{session.full}</jid></bind></iq>")

    def manage(self, session, element):
        """XEP-0198 begins; the text that says so."""
        server = self.server
        session.managed = True
        resume = ""
        if server.resumable and element.get("resume") in ("true", "1"):
            session.id = os.urandom(8).hex()
            server._resumable[session.id] = session
            resume = f" resume='true' id='{session.id}' max='600'"
        return f"<enabled xmlns='{NS_SM}'{resume}/>"

    def _enable(self, element):
        self.connection.write_changed("enabled", self.manage(self.connection.session, element))

    def take_up(self, element):
        """The session that <resume/> names, on this connection from now on; None when there is no such session."""
        connection, server = self.connection, self.server
        session = server._resumable.get(element.get("previd"))
        if session is None or session.id is None or session.account is not connection.account:
            return None
        if session.connection is not None:
            session.connection.cut()
        session.connection, connection.session, connection.phase = connection, session, "bound"
        server.take_ack(session, int(element.get("h")))
        session.resumptions += 1
        return session

    def _resume(self, element):
        connection, session = self.connection, self.take_up(element)
        if session is None:
            connection.write_changed("resume-failed", f"<failed xmlns='{NS_SM}'>"
                                     "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
            return
        connection.write_changed("resumed", f"<resumed xmlns='{NS_SM}' previd='{session.id}' h='{session.handled % 2**32}'/>")
        for stanza in session.unacked:
            connection.write(stanza)
