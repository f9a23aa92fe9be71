# SPDX-License-Identifier: GPL-3.0-or-later
"""XML for the evil server: streams in, text out, and the wrappers in which a stanza can arrive."""

import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

NS_CLIENT = "jabber:client"
NS_STREAMS = "http://etherx.jabber.org/streams"
NS_STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_SASL_CB = "urn:xmpp:sasl-cb:0"
NS_SASL2 = "urn:xmpp:sasl:2"
NS_BIND2 = "urn:xmpp:bind:0"
NS_FAST = "urn:xmpp:fast:0"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_SM = "urn:xmpp:sm:3"
NS_ROSTER = "jabber:iq:roster"
NS_DISCO_INFO = "http://jabber.org/protocol/disco#info"
NS_DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
NS_PUBSUB = "http://jabber.org/protocol/pubsub"
NS_PUBSUB_OWNER = NS_PUBSUB + "#owner"
NS_PUBSUB_EVENT = NS_PUBSUB + "#event"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
NS_CARBONS = "urn:xmpp:carbons:2"
NS_FORWARD = "urn:xmpp:forward:0"
NS_DELAY = "urn:xmpp:delay"
NS_SID = "urn:xmpp:sid:0"
NS_PING = "urn:xmpp:ping"
NS_XML = "http://www.w3.org/XML/1998/namespace"


def to_bytes(text):
    """Text or bytes as bytes; a lone surrogate becomes the three bytes that UTF-8 forbids."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def split(tag):
    """("namespace", "name") of an ElementTree name."""
    return tuple(tag[1:].split("}", 1)) if tag.startswith("{") else ("", tag)


def to_text(element, outer=NS_CLIENT):
    """The element as it would stand in a stream: a namespace is written where it changes."""
    ns, name = split(element.tag)
    parts = ["<", name]
    if ns != outer:
        parts += [" xmlns=", quoteattr(ns)]
    prefixes = 0
    for key, value in element.attrib.items():
        attribute_ns, attribute = split(key)
        if attribute_ns == NS_XML:
            attribute = "xml:" + attribute
        elif attribute_ns:
            prefixes += 1
            parts.append(f" xmlns:n{prefixes}={quoteattr(attribute_ns)}")
            attribute = f"n{prefixes}:{attribute}"
        parts += [" ", attribute, "=", quoteattr(value)]
    inner = escape(element.text or "") + "".join(to_text(c, ns) + escape(c.tail or "") for c in element)
    parts.append(f">{inner}</{name}>" if inner else "/>")
    return "".join(parts)


class StreamReader:
    """Bytes in; ("open", element), ("element", element), ("close", None) out. Memory does not grow with the stream."""

    def __init__(self):
        self._parser = ET.XMLPullParser(["start", "end"])
        self._depth, self._root = 0, None

    def feed(self, data):
        self._parser.feed(data)
        for kind, element in self._parser.read_events():
            if kind == "start":
                self._depth += 1
                if self._depth == 1:
                    self._root = element
                    yield "open", element
            else:
                self._depth -= 1
                if self._depth == 1:
                    self._root.remove(element)
                    element.tail = None
                    yield "element", element
                elif self._depth == 0:
                    yield "close", None


def in_client_ns(stanza):
    """A stanza for a place where jabber:client is not the default namespace."""
    stanza = to_bytes(stanza)
    start = re.match(rb"\s*<[^\s/>]+[^>]*", stanza)
    if start and not re.search(rb"\sxmlns\s*=", start.group()):
        stanza = re.sub(rb"<([^\s/>]+)", rb"<\1 xmlns='jabber:client'", stanza, count=1)
    return stanza


def forwarded(stanza, stamp=None):
    delay = f"<delay xmlns='{NS_DELAY}' stamp='{stamp}'/>" if stamp else ""
    return to_bytes(f"<forwarded xmlns='{NS_FORWARD}'>{delay}") + in_client_ns(stanza) + b"</forwarded>"


def carbon(bare, full, stanza, direction, stamp=None):
    """What the own server sends to @full for a stanza that another client of @bare got or sent."""
    return to_bytes(f"<message from='{bare}' to='{full}' type='chat'><{direction} xmlns='{NS_CARBONS}'>") + \
        forwarded(stanza, stamp) + to_bytes(f"</{direction}></message>")


def mam_result(bare, full, queryid, ident, stamp, stanza):
    query = f" queryid={quoteattr(queryid)}" if queryid is not None else ""
    return to_bytes(f"<message from='{bare}' to='{full}'><result xmlns='{NS_MAM}' id='{ident}'{query}>") + \
        forwarded(stanza, stamp) + b"</result></message>"


def stream_error(condition, text=""):
    return f"<stream:error><{condition} xmlns='{NS_STREAM_ERRORS}'>{text}</{condition}></stream:error></stream:stream>"
