# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evil server does for those who are logged in: routing, presence, contact lists, PEP, archives, disco."""

import os
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

from .evil_xml import (NS_CARBONS, NS_CLIENT, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MAM, NS_PING, NS_PUBSUB, NS_PUBSUB_EVENT,
                       NS_PUBSUB_OWNER, NS_ROSTER, NS_RSM, NS_SID, NS_STANZAS, carbon, mam_result, split, to_bytes, to_text)

_C = f"{{{NS_CLIENT}}}"
_P = f"{{{NS_PUBSUB}}}"


class StanzaError(Exception):
    """The text is the condition of RFC 6120 section 8.3.3."""


def bare(jid):
    return jid.partition("/")[0]


class Services:
    def __init__(self, server):
        self.server = server
        self._iq = {
            ("get", NS_ROSTER): self._roster_get, ("set", NS_ROSTER): self._roster_set,
            ("get", NS_DISCO_INFO): self._disco_info, ("get", NS_DISCO_ITEMS): lambda c, e: f"<query xmlns='{NS_DISCO_ITEMS}'/>",
            ("set", NS_CARBONS): self._carbons, ("get", NS_PING): lambda c, e: "",
            ("get", NS_PUBSUB): self._pep_get, ("set", NS_PUBSUB): self._pep_set, ("set", NS_PUBSUB_OWNER): lambda c, e: "",
            ("set", NS_MAM): self._mam,
        }

    # -- routing -------------------------------------------------------------------------------------------------

    def take(self, connection, name, element):
        element.set("from", connection.session.full)
        if name == "iq":
            self._take_iq(connection, element)
        elif name == "message":
            self.route_message(element, connection.session)
        elif name == "presence":
            self._take_presence(connection, element)

    def _take_iq(self, connection, element):
        to, account = element.get("to"), connection.account
        kind = element.get("type")
        if to and "/" in to:
            for session in self._sessions_of(to):
                session.send(to_text(element))
                return
            if kind in ("get", "set"):
                self._answer_iq(connection, element, StanzaError("service-unavailable"))
            return
        if kind not in ("get", "set"):
            return
        payload = element[0] if len(element) else None
        key = (kind, split(payload.tag)[0] if payload is not None else "")
        handler = self.server.iq_handlers.get(key) or self._iq.get(key)
        if to and to != account.jid and key[1] not in (NS_PUBSUB, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING):
            handler = self.server.iq_handlers.get(key)
        try:
            result = handler(connection, element) if handler else StanzaError("service-unavailable")
        except StanzaError as error:
            result = error
        if result is not None:
            self._answer_iq(connection, element, result)

    def _answer_iq(self, connection, element, result):
        head = f"id={quoteattr(element.get('id') or '')} to={quoteattr(connection.session.full)}"
        if element.get("to"):
            head += f" from={quoteattr(element.get('to'))}"
        if isinstance(result, StanzaError):
            text = f"<iq type='error' {head}><error type='cancel'><{result} xmlns='{NS_STANZAS}'/></error></iq>"
        elif isinstance(result, bytes):
            text = to_bytes(f"<iq type='result' {head}>") + result + b"</iq>"
        else:
            text = f"<iq type='result' {head}>{result}</iq>"
        text = self.server._changed(connection, "iq-result", text)
        if text is not None:
            connection.session.send(text)

    def _sessions_of(self, jid):
        account = self.server.accounts.get(bare(jid))
        return [s for s in account.sessions if "/" not in jid or s.full == jid] if account else []

    def route_message(self, element, sender=None):
        """A message of one of ours to whoever it is for."""
        to = bare(element.get("to") or (sender.account.jid if sender else ""))
        target = self.server.accounts.get(to)
        kept = element.find(f"{_C}body") is not None or any("axolotl" in c.tag for c in element)
        if element.get("type") in ("error", "headline", "groupchat"):
            kept = False
        if sender is not None and kept:
            self.server.archive(sender.account.jid, to_text(element))
            for other in sender.account.sessions:
                if other is not sender and other.carbons:
                    other.send(carbon(sender.account.jid, other.full, to_text(element), "sent"))
        if target is None:
            if sender is not None and element.get("type") != "error":
                sender.send(f"<message type='error' from={quoteattr(element.get('to') or '')} to={quoteattr(sender.full)} "
                            f"id={quoteattr(element.get('id') or '')}><error type='cancel'><service-unavailable "
                            f"xmlns='{NS_STANZAS}'/></error></message>")
            return
        if kept and not (sender and sender.account is target):
            ident = self.server.archive(target.jid, to_text(element))
            element.append(ET.Element(f"{{{NS_SID}}}stanza-id", {"by": target.jid, "id": ident}))
        text = to_text(element)
        for session in target.sessions:
            if session.available and session is not sender:
                session.send(text)

    # -- presence and contacts -----------------------------------------------------------------------------------

    def _take_presence(self, connection, element):
        session, account = connection.session, connection.account
        kind, to = element.get("type"), element.get("to")
        if to is None:
            session.presence = to_text(element)
            if kind == "unavailable":
                session.available = False
                self.presence_of(session, "unavailable")
            else:
                first, session.available = not session.available, True
                self.presence_of(session, None)
                if first:
                    self._welcome(session)
            return
        if kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self._subscription(account, bare(to), kind)
        else:
            for other in self._sessions_of(to):
                other.send(to_text(element))

    def _watchers(self, account):
        """The sessions that see the presence of @account: its own and those of its contacts."""
        jids = [account.jid] + [j for j, item in account.roster.items() if item["subscription"] in ("both", "from")]
        return [s for j in jids if j in self.server.accounts for s in self.server.accounts[j].sessions]

    def presence_of(self, session, kind):
        text = f"<presence from='{session.full}' type='{kind}'/>" if kind else getattr(session, "presence", "<presence/>")
        for other in self._watchers(session.account):
            if other is not session and other.available:
                other.send(text)

    def _welcome(self, session):
        """What a session gets for its first presence: the presence and the last PEP items of those it may see."""
        account = session.account
        for jid in [account.jid] + [j for j, i in account.roster.items() if i["subscription"] in ("both", "to")]:
            other = self.server.accounts.get(jid)
            if other is None:
                continue
            for theirs in other.sessions:
                if theirs is not session and theirs.available:
                    session.send(theirs.presence)
            for node in self.server.notify_nodes & set(other.pep):
                self._tell_item(session, other, node, *list(other.pep[node].items())[-1])

    def push(self, account, item):
        """A roster push to all sessions of @account; the server's text of the item."""
        for session in account.sessions:
            if session.interested:
                session.send(f"<iq type='set' id='push{os.urandom(4).hex()}' to='{session.full}'>"
                             f"<query xmlns='{NS_ROSTER}'>{self._item(item)}</query></iq>")

    @staticmethod
    def _item(item):
        attributes = "".join(f" {k}={quoteattr(v)}" for k, v in item.items() if v)
        return f"<item{attributes}/>"

    def _roster_get(self, connection, _element):
        connection.session.interested = True
        return f"<query xmlns='{NS_ROSTER}'>" + "".join(map(self._item, connection.account.roster.values())) + "</query>"

    def _roster_set(self, connection, element):
        given = element.find(f"{{{NS_ROSTER}}}query/{{{NS_ROSTER}}}item")
        account, jid = connection.account, given.get("jid")
        if given.get("subscription") == "remove":
            account.roster.pop(jid, None)
            self.push(account, {"jid": jid, "subscription": "remove"})
            return ""
        item = account.roster.setdefault(jid, {"jid": jid, "subscription": "none"})
        item["name"] = given.get("name")
        self.push(account, item)
        return ""

    def _subscription(self, account, jid, kind):
        other = self.server.accounts.get(jid)
        mine = account.roster.setdefault(jid, {"jid": jid, "subscription": "none"})
        order = ["none", "to", "from", "both"]
        bits = order.index(mine["subscription"])
        if kind == "subscribe":
            mine["ask"] = "subscribe"
        elif kind in ("subscribed", "unsubscribed"):
            bits = bits | 2 if kind == "subscribed" else bits & 1
        else:
            bits &= 2
        mine["subscription"] = order[bits]
        self.push(account, mine)
        if other is None:
            return
        theirs = other.roster.setdefault(account.jid, {"jid": account.jid, "subscription": "none"})
        bits = order.index(theirs["subscription"])
        if kind in ("subscribed", "unsubscribed"):
            theirs["subscription"] = order[bits | 1 if kind == "subscribed" else bits & 2]
            theirs["ask"] = None
            self.push(other, theirs)
        for session in other.sessions:
            session.send(f"<presence from='{account.jid}' to='{other.jid}' type='{kind}'/>")
            if kind == "subscribed":
                for mine_session in account.sessions:
                    if mine_session.available:
                        session.send(mine_session.presence)

    # -- disco, carbons ------------------------------------------------------------------------------------------

    def _disco_info(self, connection, element):
        to = element.get("to")
        if not to or to in self.server.accounts:
            features, identity = self.server.account_features, "<identity category='account' type='registered'/>" \
                "<identity category='pubsub' type='pep'/>"
        else:
            features, identity = self.server.server_features, "<identity category='server' type='im'/>"
        return f"<query xmlns='{NS_DISCO_INFO}'>{identity}" + "".join(f"<feature var={quoteattr(f)}/>" for f in features) + "</query>"

    @staticmethod
    def _carbons(connection, element):
        connection.session.carbons = split(element[0].tag)[1] == "enable"
        return ""

    # -- PEP -----------------------------------------------------------------------------------------------------

    def _pep_get(self, connection, element):
        owner = self.server.accounts.get(bare(element.get("to") or connection.account.jid))
        asked = element.find(f"{_P}pubsub/{_P}items")
        node = asked.get("node") if asked is not None else None
        if owner is None or node not in owner.pep:
            raise StanzaError("item-not-found")
        wanted = [i.get("id") for i in asked.findall(f"{_P}item")]
        items = [(i, p) for i, p in owner.pep[node].items() if not wanted or i in wanted]
        return to_bytes(f"<pubsub xmlns='{NS_PUBSUB}'><items node={quoteattr(node)}>") + \
            b"".join(to_bytes(f"<item id={quoteattr(i)}>") + to_bytes(p) + b"</item>" for i, p in items) + b"</items></pubsub>"

    def _pep_set(self, connection, element):
        account, pubsub = connection.account, element.find(f"{_P}pubsub")
        publish, retract = pubsub.find(f"{_P}publish"), pubsub.find(f"{_P}retract")
        if publish is not None:
            node, item = publish.get("node"), publish.find(f"{_P}item")
            ident = item.get("id") or os.urandom(4).hex()
            payload = to_text(item[0], NS_PUBSUB) if len(item) else ""
            options = {f.get("var"): f.findtext("{jabber:x:data}value") for f in pubsub.iter("{jabber:x:data}field")}
            self.server.published.append({"jid": account.jid, "node": node, "id": ident, "payload": payload,
                                          "options": options if pubsub.find(f"{_P}publish-options") is not None else None})
            self.publish(account.jid, node, payload, ident)
            return f"<pubsub xmlns='{NS_PUBSUB}'><publish node={quoteattr(node)}><item id={quoteattr(ident)}/></publish></pubsub>"
        if retract is not None:
            for item in retract.findall(f"{_P}item"):
                account.pep.get(retract.get("node"), {}).pop(item.get("id"), None)
        return ""

    def publish(self, jid, node, payload, ident="current"):
        """Stores an item and tells those who see the account. In the server's thread."""
        account = self.server.accounts[jid]
        account.pep.setdefault(node, {}).pop(ident, None)
        account.pep[node][ident] = payload
        if node in self.server.notify_nodes:
            for session in self._watchers(account):
                if session.available:
                    self._tell_item(session, account, node, ident, payload)

    @staticmethod
    def _tell_item(session, account, node, ident, payload):
        session.send(to_bytes(f"<message from='{account.jid}' to='{session.full}' type='headline'><event xmlns='{NS_PUBSUB_EVENT}'>"
                              f"<items node={quoteattr(node)}><item id={quoteattr(ident)}>") + to_bytes(payload) +
                     b"</item></items></event></message>")

    # -- the archive ---------------------------------------------------------------------------------------------

    def _mam(self, connection, element):
        server, session, account = self.server, connection.session, connection.account
        query = element.find(f"{{{NS_MAM}}}query")
        rsm = query.find(f"{{{NS_RSM}}}set")

        def text(name):
            child = rsm.find(f"{{{NS_RSM}}}{name}") if rsm is not None else None
            return None if child is None else child.text or ""

        most = min(int(text("max") or server.page_size), server.page_size)
        entries, after, before = account.archive, text("after"), text("before")
        ids = [e[0] for e in entries]
        if after:
            if after not in ids:
                raise StanzaError("item-not-found")
            entries = entries[ids.index(after) + 1:]
        elif before:
            entries = entries[:ids.index(before)] if before in ids else []
        page = entries[-most:] if before is not None and not after else entries[:most]
        complete = len(page) == len(entries)
        record = {"connection": connection, "jid": account.jid, "after": after, "before": before, "max": text("max"),
                  "given": [e[0] for e in page], "complete": False}
        server.queries.append(record)
        for ident, stamp, stanza in page:
            result = server._changed(connection, "mam-result",
                                     mam_result(account.jid, session.full, query.get("queryid"), ident, stamp, stanza))
            if result is not None:
                session.send(result)
        ends = f"<first>{page[0][0]}</first><last>{page[-1][0]}</last>" if page else ""
        # The first page on a new device is asked backwards and is the only one.
        record["complete"] = complete or before is not None
        fin = f"<fin xmlns='{NS_MAM}'{' complete=' + quoteattr('true') if complete else ''}><set xmlns='{NS_RSM}'>{ends}" \
              f"<count>{len(account.archive)}</count></set></fin>"
        return server._changed(connection, "mam-fin", fin)
