# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away XMPP servers from Debian's own packages: real ones, on loopback, gone afterwards.

    with Prosody(users={"alice": "a", "bob": "b"}, friends=[("alice", "bob")]) as server:
        server.port, server.tls_port, server.ca      # STARTTLS, direct TLS, the CA's certificate file

Both classes offer the same: start(), stop(), kill(), restart(), stored(), holds(). A port stays the same over
restarts. TLS is required unless a test asks for a server that has none.
"""

import contextlib
import glob
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import urllib.error
import urllib.request

from . import util
from .certs import Authority
from .util import Process, need, wait_for


class _Server:
    """What the two have in common.

    @users: name -> password. @friends: pairs of names whose contact lists hold each other already.
    @offline: whether the server delivers stored messages by itself besides the archive (it hides faults of the
    archive's catch-up, so most tests want False). @tls: False makes a server that offers no TLS at all.
    @authority: a CA to use instead of an own one. @cert_domains, @cert_days: for certificates that are wrong.
    @federated: it talks to other servers, over TLS only, at `s2s_port`; "dialback" asks them back who they are, "certificates"
    believes only what @authority has signed. Friends may be whole addresses at other servers then.
    @certificates: whether clients may log in by a certificate of @authority instead of a password.
    @at: the port for STARTTLS, for clients that know no other than 5222; in a network of one's own (netns) it is free.
    """

    kind = None

    def __init__(self, users, friends=(), domain="localhost", offline=False, tls=True, authority=None,
                 cert_domains=None, cert_days=30, folder=None, federated=None, certificates=False,
                 at=None):
        self.domain, self.users, self.friends = domain, dict(users), list(friends)
        self.offline, self.tls, self.federated, self.certificates = offline, tls, federated, certificates
        self.cert_domains, self.cert_days = cert_domains or [domain], cert_days
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir(self.kind)
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "server.log")
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        self.authority = authority or Authority(os.path.join(self.folder, "ca"))
        self.ca, self.capath = self.authority.ca, self.authority.capath
        self.process = None
        self._at = at
        self.port = self.tls_port = self.s2s_port = None

    # -- life ------------------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_exc):
        self.close()

    def start(self):
        """Starts the server and returns it when it answers, with all users in place."""
        assert self.process is None, "the server runs already"
        first = self.port is None
        for attempt in range(3):
            if first:
                self._take_ports()
                crt, key, both = self.authority.issue(self.cert_domains, self.cert_days)
                self._configure(crt, key, both)
            self.process = self._launch()
            try:
                self._wait_ready()
                break
            except util.Timeout as failure:
                self.process.kill()
                self.process = None
                # Between finding a free port and listening on it somebody else can have been faster.
                if not first or attempt == 2 or not re.search("in use|eaddrinuse", str(failure), re.I):
                    raise
        if first:
            self._populate()
        return self

    def stop(self):
        """Ends the server in its own way: everything it holds is on disk afterwards."""
        if self.process:
            self.process.end(20)
            self.process = None

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process = None

    def restart(self, hard=False):
        self.kill() if hard else self.stop()
        return self.start()

    def forget_sessions(self):
        """While it does not run: takes away what it has kept of its clients' sessions (XEP-0198). Returns whether there was any."""
        return False

    def close(self):
        """Ends the server and removes everything it made."""
        self.kill()
        util.end_strays()
        if self._own_folder:
            util.remove_dir(self.folder)

    def tail(self, count=30):
        return util.last_lines(self.log, count)

    def jid(self, user):
        return user if "@" in user else f"{user}@{self.domain}"

    # -- readiness -------------------------------------------------------------------------------------------

    def _wait_ready(self):
        ended = self.process.ended
        wait_for(lambda: self._answers(self.port, False), f"stream features from {self.kind}", 60, 0.05,
                 self.tail, ended)
        if self.tls:
            wait_for(lambda: self._answers(self.tls_port, True), f"direct TLS from {self.kind}", 20, 0.05,
                     self.tail, ended)

    def _answers(self, port, direct_tls):
        """Whether a client that connects gets stream features: the server's own word that it is ready."""
        header = (f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>").encode()
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as plain:
                plain.settimeout(5)
                if direct_tls:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                    connection = context.wrap_socket(plain, server_hostname=self.domain)
                else:
                    connection = plain
                connection.sendall(header)
                got = b""
                while b"</stream:features>" not in got and b"<stream:features/>" not in got:
                    more = connection.recv(4096)
                    if not more:
                        return False
                    got += more
                return True
        except OSError:
            return False

    # -- what it keeps ---------------------------------------------------------------------------------------

    def stored(self):
        """Everything that the server has on disk, file by file, as (path, bytes). Stops it for that, as long as
        it takes, so that nothing is left in a buffer."""
        running = self.process is not None
        self.stop()
        try:
            found = []
            for folder, _dirs, names in os.walk(self.data):
                for name in sorted(names):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as f:
                        found.append((os.path.relpath(path, self.data), f.read()))
            return found
        finally:
            if running:
                self.start()

    def holds(self, *texts):
        """For each of @texts the files in which the server keeps it; [] where it does not.

        A text should be plain ASCII words, because each storage escapes other characters its own way. Ask in the
        same call for something that must be there too: an empty answer then means something.
        """
        stored = self.stored()
        return [[path for path, content in stored if text.encode() in content] for text in texts]


class Prosody(_Server):
    kind = "prosody"

    # @sasl2: XEP-0388, 0386 and 0484 too, by prosody-modules and what tests/support/prosody adds to it.
    # @certificates: then no password lets in (mod_auth_ccert).
    def __init__(self, users, password_hash="SHA-256", smacks_seconds=600, sasl2=False, **kwargs):
        super().__init__(users, **kwargs)
        self.password_hash, self.smacks_seconds, self.sasl2 = password_hash, smacks_seconds, sasl2
        self.config = os.path.join(self.folder, "prosody.cfg.lua")

    def _take_ports(self):
        self.port, self.tls_port, self.s2s_port = util.free_ports(3)
        self.port = self._at or self.port

    def _configure(self, crt, key, _both):
        modules = ["roster", "saslauth", "disco", "carbons", "pep", "mam", "smacks", "ping", "vcard4", "vcard_legacy",
                   "blocklist", "csi_simple", "bookmarks", "private", "time", "version"]
        if self.tls:
            modules.append("tls")
        if self.sasl2:
            modules += ["sasl2", "sasl2_bind2", "sasl2_fast", "tess_sasl2"]
        plugins = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "prosody")
        disabled = [] if self.offline else ["offline"]
        asked, authentication = "", "internal_hashed"
        if self.certificates:
            # A certificate is let through by the handshake: what it is worth is decided at the login. By Prosody's own
            # setting it would have to be one for servers.
            asked = (f', cafile = "{self.ca}", verify = {{ "peer", "client_once" }}, '
                     'verifyext = { lsec_continue = true, lsec_ignore_purpose = false }')
            authentication = "ccert"
        federation = ""
        if self.federated:
            modules.append("dialback")
            federation = f"""
s2s_ports = {{ {self.s2s_port} }}
s2s_require_encryption = true
s2s_secure_auth = {str(self.federated == "certificates").lower()}
"""
            if self.federated == "certificates":
                federation += f's2s_ssl = {{ certificate = "{crt}", key = "{key}", cafile = "{self.ca}" }}\n'
        else:
            disabled += ["s2s", "s2s_auth_certs"]
        direct = f"c2s_direct_tls_ports = {{ {self.tls_port} }}" if self.tls else ""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""
run_as_root = true
pidfile = "{self.folder}/prosody.pid"
data_path = "{self.data}"
plugin_paths = {{ "{plugins}" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {self.port} }}
{direct}
{federation}
modules_enabled = {{ {", ".join(f'"{m}"' for m in modules)} }}
modules_disabled = {{ {", ".join(f'"{m}"' for m in disabled)} }}
ssl = {{ certificate = "{crt}", key = "{key}"{asked} }}
c2s_direct_tls_ssl = {{ certificate = "{crt}", key = "{key}"{asked} }}
c2s_require_encryption = {str(self.tls).lower()}
allow_unencrypted_plain_auth = {str(not self.tls).lower()}
authentication = "{authentication}"
password_hash = "{self.password_hash}"
default_storage = "internal"
storage = {{ archive = "sql" }}
sql = {{ driver = "SQLite3", database = "{self.data}/archive.sqlite" }}
default_archive_policy = true
archive_expires_after = "never"
smacks_hibernation_time = {self.smacks_seconds}
csi_resume_inactive_delay = 1
log = {{ {{ levels = {{ min = "{os.environ.get("TESS_SERVER_LOG", "info")}" }}, to = "console" }} }}
VirtualHost "{self.domain}"
""")

    def _launch(self):
        return Process([need("prosody"), "--root", "-F", "--config", self.config], log=self.log, cwd=self.folder)

    def _file(self, store, user):
        def escape(name):
            return re.sub("[^A-Za-z0-9]", lambda m: f"%{ord(m.group()):02x}", name)
        path = os.path.join(self.data, escape(self.domain), store, escape(user) + ".dat")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def forget_sessions(self):
        # How much of each client it had handled; the sessions themselves are in its memory only.
        kept = glob.glob(os.path.join(self.data, "*", "smacks_h"))
        for folder in kept:
            shutil.rmtree(folder)
        return bool(kept)

    def _populate(self):
        # Prosody hashes such a password itself at the first login; prosodyctl would cost a process a user.
        for user, password in self.users.items():
            quoted = password.replace("\\", "\\\\").replace('"', '\\"')
            with open(self._file("accounts", user), "w", encoding="utf-8") as f:
                f.write(f'return {{ ["password"] = "{quoted}" }};\n')
        rosters = {}
        for a, b in self.friends:
            rosters.setdefault(a, []).append(b)
            rosters.setdefault(b, []).append(a)
        for user, contacts in rosters.items():
            if "@" in user:
                continue
            items = "".join(f'["{self.jid(c)}"] = {{ subscription = "both", groups = {{}} }}; ' for c in contacts)
            with open(self._file("roster", user), "w", encoding="utf-8") as f:
                f.write(f"return {{ [false] = {{ version = 1, pending = {{}} }}; {items} }};\n")


class Ejabberd(_Server):
    kind = "ejabberd"

    # @durable: the archive is in SQLite, which has on disk what was acknowledged. Its own database (mnesia) has it in memory for
    # a while, and one kill in six takes messages along that were acknowledged.
    def __init__(self, users, resume_seconds=600, durable=False, says_time=False, **kwargs):
        super().__init__(users, **kwargs)
        # Debian's configuration leaves mod_time (XEP-0202) out.
        self.resume_seconds, self.durable, self.says_time = resume_seconds, durable, says_time
        self.config = os.path.join(self.folder, "ejabberd.yml")
        self._http = None

    def _take_ports(self):
        self.port, self.tls_port, self._http, self.s2s_port = util.free_ports(4)
        self.port = self._at or self.port

    def _configure(self, _crt, _key, both):
        starttls = "    starttls: true\n    starttls_required: true\n" if self.tls else ""
        asked = "    tls_verify: true\n" if self.certificates else ""
        direct = f"""
  - port: {self.tls_port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    tls: true
    max_stanza_size: 1048576
{asked}""" if self.tls else ""
        federation = f"""
  - port: {self.s2s_port}
    ip: "127.0.0.1"
    module: ejabberd_s2s_in
    max_stanza_size: 1048576
""" if self.federated else ""
        # c2s_cafile is for what clients show; ca_file alone leaves that unverified.
        outside = f'c2s_cafile: "{self.ca}"\n' if self.certificates else ""
        if self.federated:
            outside += (f's2s_use_starttls: {"required" if self.federated == "dialback" else "required_trusted"}\n'
                        "outgoing_s2s_families: [ipv4]\ns2s_dns_timeout: 5\n")
        offline = "  mod_offline: {}\n" if self.offline else ""
        if self.federated == "dialback":
            offline += "  mod_s2s_dialback: {}\n"
        if self.says_time:
            offline += "  mod_time: {}\n"
        archive = ""
        if self.durable:
            database = os.path.join(self.data, "archive.sqlite")
            outside += f'sql_type: sqlite\nsql_database: "{database}"\n'
            archive = "db_type: sql, "
            with contextlib.closing(sqlite3.connect(database)) as connection, \
                    open("/usr/share/ejabberd/sql/lite.sql", encoding="utf-8") as schema:
                connection.executescript(schema.read())
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""
hosts: ["{self.domain}"]
loglevel: {os.environ.get("TESS_SERVER_LOG", "info")}
ca_file: "{self.ca}"
certfiles: ["{both}"]
auth_method: internal
auth_password_format: plain
disable_sasl_mechanisms: ["digest-md5", "X-OAUTH2"]
acme: {{auto: false}}
{outside}registration_timeout: infinity
listen:
  - port: {self.port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 1048576
{starttls}{asked}{direct}{federation}
  - port: {self._http}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {{"/api": mod_http_api}}
api_permissions:
  "here": {{who: {{ip: "127.0.0.1/8"}}, what: "*", from: mod_http_api}}
modules:
  mod_admin_extra: {{}}
  mod_blocking: {{}}
  mod_privacy: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco: {{}}
  mod_last: {{}}
  mod_mam: {{{archive}default: always, assume_mam_usage: true, user_mucsub_from_muc_archive: false}}
  mod_ping: {{}}
  mod_private: {{}}
  mod_pubsub: {{plugins: [flat, pep], ignore_pep_from_offline: false, last_item_cache: false, max_items_node: 1000}}
  mod_roster: {{versioning: true}}
  mod_stream_mgmt: {{resume_timeout: {self.resume_seconds}, ack_timeout: 60}}
  mod_vcard: {{}}
  mod_version: {{}}
{offline}""")

    def _launch(self):
        libs = [d for d in glob.glob("/usr/lib/*") + ["/usr/lib"] if glob.glob(d + "/ejabberd-*/ebin/ejabberd.beam")]
        if not libs:
            raise AssertionError("ejabberd is missing; run tests/setup")
        env = dict(os.environ, ERL_LIBS=libs[0], EJABBERD_CONFIG_PATH=self.config, EJABBERD_LOG_PATH=self.log,
                   EJABBERD_PID_PATH=os.path.join(self.folder, "pid"), HOME=self.folder,
                   ERL_CRASH_DUMP=os.path.join(self.folder, "crash.dump"), ERL_CRASH_DUMP_BYTES="0")
        # Without -sname there is no distribution, hence no epmd, which would outlive the test.
        return Process([need("erl"), "+S", "2:2", "+sbwt", "none", "-noinput", "-mnesia", "dir", f'"{self.data}"',
                        "-s", "ejabberd"], log=os.path.join(self.folder, "erl.log"), env=env, cwd=self.folder)

    def tail(self, count=30):
        # The machine's own output repeats the log; alone it says why there is none.
        return super().tail(count) if os.path.exists(self.log) else util.last_lines(os.path.join(self.folder, "erl.log"))

    def api(self, command, **arguments):
        """One of ejabberd's administration commands, by name and arguments."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._http}/api/{command}", json.dumps(arguments).encode(),
                                         {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"ejabberd: {command}: {error.read().decode('utf-8', 'replace')}\n{self.tail()}") from None

    def _populate(self):
        for user, password in self.users.items():
            self.api("register", user=user, host=self.domain, password=password)
        for a, b in self.friends:
            for one, other in ((a, b), (b, a)):
                if "@" not in one:
                    user, _at, host = self.jid(other).partition("@")
                    self.api("add_rosteritem", localuser=one, localhost=self.domain, user=user, host=host,
                             nick="", group="", subs="both")

    def stop(self):
        # SIGTERM makes the Erlang machine stop its applications in order: mnesia writes what it holds.
        super().stop()


SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd}
