# SPDX-License-Identifier: GPL-3.0-or-later
"""First start, the account dialog with its sentences, and where the password goes."""

from tess.servers import Prosody
from tess.util import free_ports, wait_for
from tess.window_case import WindowCase


class FirstStart(WindowCase):
    signed_in = False

    def say(self, address="alice@localhost", password=None, server=None):
        server = server or self.server
        return self.window.try_account(address, password or server.users["alice"], "127.0.0.1", server.port)

    def other_server(self, **how):
        server = Prosody(users={"alice": "password of alice"}, **how)
        self.addCleanup(server.close)
        return server.start()

    def test_a_welcome(self):
        self.window.wait_text("Welcome to Tessera")
        self.assertEqual(self.window.nameless(), [])
        self.window.wait_control("Add Account")
        self.assertIsNone(self.window.control("New Chat"))

    def test_b_wrong_address(self):
        dialog = self.window.account_dialog()
        self.window.fill("Password", "something", dialog)
        before = set(self.window.labels(dialog))
        for address in ("alice@", "alice@local host", "@localhost"):
            self.window.fill("Address", address, dialog)
            wait_for(lambda: set(self.window.labels(dialog)) - before, "sentence about the address", 10, log=self.window.heard)
            self.assertFalse(self.window.wait_control("Sign In", dialog).has("sensitive"), address)
        self.assertEqual(self.window.nameless(dialog), [])

    def test_b_wrong_port(self):
        dialog = self.window.account_dialog()
        self.window.fill("Port", "70000", dialog)
        self.window.fill("Address", "alice@localhost", dialog)
        self.assertFalse(self.window.wait_control("Sign In", dialog).has("sensitive"))

    def test_c_wrong_password(self):
        self.assertEqual(self.say(password="wrong"), "The address or the password is wrong.")

    def test_c_unknown_authority(self):
        said = self.say(server=self.other_server())
        self.assertRegex(said, "^The certificate of localhost was not issued by an authority that this computer trusts. ")

    def test_c_certificate_for_another(self):
        said = self.say(server=self.other_server(authority=self.server.authority, cert_domains=["elsewhere.example"]))
        self.assertRegex(said, "^The server’s certificate is not valid for localhost. ")

    def test_c_expired_certificate(self):
        said = self.say(server=self.other_server(authority=self.server.authority, cert_days=-1))
        self.assertRegex(said, "^The certificate of localhost has expired. ")

    def test_c_no_tls(self):
        said = self.say(server=self.other_server(tls=False))
        self.assertRegex(said, "encrypt|TLS")
        self.assertRegex(said, "localhost")

    def test_c_no_such_host(self):
        said = self.window.try_account("alice@no-such-host.invalid", "x")
        self.assertEqual(said, "There is no server named no-such-host.invalid. Check the part of the address after the @.")

    def test_c_nobody_listens(self):
        said = self.window.try_account("alice@localhost", "x", "127.0.0.1", free_ports(1)[0])
        self.assertRegex(said, r"localhost|127\.0\.0\.1")

    def test_d_right(self):
        self.assertIsNone(self.say())
        self.window.wait_control("New Chat")
        self.window.wait_text("Your Conversations")

    def test_e_same_account_again(self):
        said = self.say()
        self.assertEqual(said, "There is an account for alice@localhost already.")
        self.window.close_dialog("Add Account")

    def test_f_password_is_in_the_keyring_only(self):
        password = self.server.users["alice"]
        secrets = wait_for(self.desk.secrets, "secret in the keyring", 20)
        self.assertEqual(len(secrets), 1)
        self.assertIn("alice@localhost", secrets[0].values())
        self.restart()
        # It comes back online without a question.
        self.window.wait_control("New Chat")
        bob = self.person("bob")
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.alice and o.get("presence") == "online",
                 "alice's presence")
        self.assertIsNone(self.window.find_dialog("Password"))
        self.window.quit()
        self.assertEqual(self.files_with(password), [])
        # The same eyes do find what is there.
        self.assertNotEqual(self.files_with("alice@localhost"), [])
        self.window.start()


class WithoutKeyring(WindowCase):
    keyring = None
    signed_in = False

    def test_a_dialog_says_so(self):
        dialog = self.window.account_dialog()
        self.window.wait_text("There is no keyring on this desktop, so the password will be asked for at each start.", dialog)
        self.sign_in()

    def test_b_restart_asks(self):
        self.restart()
        dialog = self.window.dialog("Password Needed")
        self.window.wait_text("Enter the password of alice@localhost.", dialog)
        self.window.wait_text("There is no keyring on this desktop", dialog)
        self.assertEqual(self.window.nameless(dialog), [])
        self.window.fill("Password", "wrong", dialog)
        self.window.press("Sign In", dialog)
        # It is said below the list, with a way to try again.
        self.window.wait_text("The address or the password is wrong.")
        self.window.press("Password…")
        dialog = self.window.dialog("Password Needed")
        self.window.wait_text("The server did not take the password of alice@localhost. Enter it again.", dialog)
        self.window.fill("Password", self.server.users["alice"], dialog)
        self.window.press("Sign In", dialog)
        bob = self.person("bob")
        bob.wait(lambda o: o.get("event") == "contact" and o.get("jid") == self.alice and o.get("presence") == "online",
                 "alice's presence")

    def test_c_password_is_on_no_disk(self):
        self.window.quit()
        self.assertEqual(self.files_with(self.server.users["alice"]), [])
        self.window.start()
