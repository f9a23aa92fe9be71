# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of one test run. Nothing of it is ever installed on the machine."""

import os
import shutil

from .util import faketime_library, need, run


class Authority:
    """Makes a CA in @folder: `ca` is its certificate file, `capath` a folder hashed for OpenSSL.

    It is valid for @days, from now or from the date @since; so is all that it issues, for days of its own.
    """

    def __init__(self, folder, name="Tessera test CA", since=None, days=30):
        self.folder, self._since = folder, since
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.ca = os.path.join(folder, "ca.crt")
        self._key = os.path.join(folder, "ca.key")
        self.capath = os.path.join(folder, "hashed")
        self._openssl = need("openssl")
        self._count = 0
        config = self._write("ca.cnf", "[req]\ndistinguished_name=dn\nx509_extensions=v3\nprompt=no\n"
                             f"[dn]\nCN={name}\n[v3]\nbasicConstraints=critical,CA:true\n"
                             "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n")
        self._make(["req", "-x509", "-config", config, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", self._key, "-out", self.ca, "-days", str(days)])
        os.makedirs(self.capath)
        shutil.copy(self.ca, os.path.join(self.capath, "ca.pem"))
        run([self._openssl, "rehash", self.capath])

    def _make(self, words):
        # OpenSSL knows no other beginning than now. (Not the command faketime, which fails where a process that was killed had its number.)
        clock = {"LD_PRELOAD": faketime_library(), "FAKETIME": f"{self._since.isoformat()} 00:00:00"} if self._since else {}
        run([self._openssl, *words], env=dict(os.environ, **clock))

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def issue(self, domains, days=30):
        """A key and a certificate for @domains, valid for @days (negative: it has expired).

        Returns the paths (certificate, key, both in one file).
        """
        return self._issue("server", domains[0], ",".join(f"DNS:{d}" for d in domains), "serverAuth,clientAuth", days)

    def issue_client(self, addresses, days=30):
        """As issue(), for a person who has these @addresses (XmppAddr, RFC 6120 section 13.7.1.4)."""
        names = ",".join(f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{a}" for a in addresses)
        return self._issue("client", addresses[0], names, "clientAuth", days)

    def pack(self, issued, passphrase):
        """What issue() or issue_client() gave as one PKCS#12 file under @passphrase; returns its path."""
        crt, key, _both = issued
        path = crt[:-len(".crt")] + ".p12"
        run([self._openssl, "pkcs12", "-export", "-in", crt, "-inkey", key, "-certfile", self.ca, "-out", path,
             "-passout", "pass:" + passphrase])
        return path

    def _issue(self, kind, name, names, usage, days):
        self._count += 1
        base = os.path.join(self.folder, f"{kind}{self._count}")
        config = self._write(f"{kind}{self._count}.cnf",
                             f"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={name}\n"
                             f"[v3]\nbasicConstraints=CA:false\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n"
                             f"subjectAltName={names}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run([self._openssl, "req", "-config", config, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", base + ".key", "-out", base + ".csr"])
        # openssl x509 takes a negative number of days; such a certificate ended before it is first shown.
        self._make(["x509", "-req", "-in", base + ".csr", "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial",
                    "-days", str(days), "-extfile", config, "-extensions", "v3", "-out", base + ".crt"])
        with open(base + ".pem", "w", encoding="utf-8") as both:
            for part in (".crt", ".key"):
                with open(base + part, encoding="utf-8") as f:
                    both.write(f.read())
        return base + ".crt", base + ".key", base + ".pem"
