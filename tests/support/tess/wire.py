# SPDX-License-Identifier: GPL-3.0-or-later
"""A second pair of eyes: a bare XMPP client of a page, to prepare an account or to look what a server holds.

It is no client for people: direct TLS with the test's CA, PLAIN, one thread, no reconnection.
"""

import base64
import os
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

from . import util

NS_CLIENT = "{jabber:client}"
NS_SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
NS_AXOLOTL = "eu.siacs.conversations.axolotl"
NS_PUBSUB = "http://jabber.org/protocol/pubsub"
NS_MAM = "urn:xmpp:mam:2"


class Wire:
    """An open, bound stream of @user on @server."""

    def __init__(self, server, user, password, resource="wire"):
        self.server, self.jid = server, server.jid(user)
        self.seen = []
        context = ssl.create_default_context(cafile=server.ca)
        plain = socket.create_connection(("127.0.0.1", server.tls_port), 20)
        self._socket = context.wrap_socket(plain, server_hostname=server.domain)
        self._socket.settimeout(1)
        self._open()
        auth = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{auth}</auth>")
        answer = self.next("answer to the login", lambda e: e.tag.startswith(NS_SASL))
        if answer.tag != NS_SASL + "success":
            raise AssertionError(f"login of {self.jid}: {ET.tostring(answer, 'unicode')}")
        self._open()
        self.iq("set", f"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        try:
            self.send("</stream:stream>")
        except OSError:
            pass
        self._socket.close()

    def _open(self):
        self._parser = ET.XMLPullParser(["start", "end"])
        self._depth = 0
        self.send(f"<?xml version='1.0'?><stream:stream to={quoteattr(self.server.domain)} version='1.0' "
                  "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        self.next("stream features", lambda e: e.tag.endswith("}features"))

    def send(self, text):
        self._socket.sendall(text.encode())

    def next(self, what, wanted, seconds=20):
        """The next element of the stream for which @wanted is true; others are kept in `seen`."""
        deadline = time.monotonic() + seconds * util.SLOW
        while True:
            for kind, element in self._parser.read_events():
                self._depth += 1 if kind == "start" else -1
                if kind == "end" and self._depth == 1:
                    self.seen.append(element)
                    if wanted(element):
                        return element
            if time.monotonic() > deadline:
                raise util.Timeout(f"no {what} within {seconds} s\n{self.server.tail()}")
            try:
                data = self._socket.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            if not data:
                raise AssertionError(f"the server closed the stream before {what} came\n{self.server.tail()}")
            self._parser.feed(data)

    def iq(self, kind, payload, to=None, allow_error=False):
        """Sends an IQ and returns its answer; an error answer fails unless @allow_error."""
        ident = os.urandom(6).hex()
        target = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{kind}' id='{ident}'{target}>{payload}</iq>")
        answer = self.next("answer to an IQ", lambda e: e.tag == NS_CLIENT + "iq" and e.get("id") == ident)
        if answer.get("type") == "error" and not allow_error:
            raise AssertionError(f"{self.jid}: {payload} -> {ET.tostring(answer, 'unicode')}")
        return answer

    # -- what tests ask --------------------------------------------------------------------------------------

    def publish_device_list(self, ids=()):
        """Publishes the OMEMO 0.3 device list @ids, open to all."""
        devices = "".join(f"<device id='{i}'/>" for i in ids)
        self.iq("set", f"<pubsub xmlns='{NS_PUBSUB}'><publish node='{NS_AXOLOTL}.devicelist'><item id='current'>"
                f"<list xmlns='{NS_AXOLOTL}'>{devices}</list></item></publish><publish-options>"
                "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
                "<value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
                "<field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub>")

    def device_list(self, jid=None):
        """The ids in the device list of @jid (its own one by default); [] when there is none."""
        answer = self.iq("get", f"<pubsub xmlns='{NS_PUBSUB}'><items node='{NS_AXOLOTL}.devicelist'/></pubsub>",
                         to=jid, allow_error=True)
        return [int(d.get("id")) for d in answer.iter(f"{{{NS_AXOLOTL}}}device")]

    def bundle(self, device, jid=None):
        """The bundle of a device as an element, or None."""
        answer = self.iq("get", f"<pubsub xmlns='{NS_PUBSUB}'><items node='{NS_AXOLOTL}.bundles:{device}'/></pubsub>",
                         to=jid, allow_error=True)
        return answer.find(f".//{{{NS_AXOLOTL}}}bundle")

    def archive(self):
        """All messages of the own archive, oldest first, as elements; page by page."""
        found, after = [], ""
        while True:
            start = len(self.seen)
            answer = self.iq("set", f"<query xmlns='{NS_MAM}'><set xmlns='http://jabber.org/protocol/rsm'><max>100</max>"
                             f"{after}</set></query>")
            for element in self.seen[start:]:
                result = element.find(f"{{{NS_MAM}}}result")
                if result is not None:
                    found.append(result.find(f".//{NS_CLIENT}message"))
            fin = answer.find(f"{{{NS_MAM}}}fin")
            last = answer.find(".//{http://jabber.org/protocol/rsm}last")
            if fin is None or fin.get("complete") in ("true", "1") or last is None:
                return found
            after = f"<after>{last.text}</after>"
