#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of Tessera's window, for the README and for eyes that look for faults.

    tests/support/screenshots.py FOLDER [NAME...]     light, dark, narrow, large-text, right-to-left, verification, connection-security

Plays a scene with four people on a throw-away server, and photographs Alice's window. TESSERA and TESSERA_PEER name the
programs; without them those of build/check are taken.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tess import util  # noqa: E402
from tess.desktop import Desktop  # noqa: E402
from tess.peer import Peer  # noqa: E402
from tess.servers import Prosody  # noqa: E402
from tess.util import need, run, wait_for  # noqa: E402
from tess.window import Window  # noqa: E402

DOMAIN = "example.org"
NAMES = {"alice": "Alice Example", "bob": "Bob Example", "carol": "Carol Meyer", "dave": "Dave Okafor"}
# name -> environment of the program, size of the window
PICTURES = {
    "light": ({}, (1000, 700)),
    "dark": ({"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}, (1000, 700)),
    "narrow": ({}, (360, 640)),
    "large-text": ({}, (1000, 700)),
    "right-to-left": ({}, (1000, 700)),
    "verification": ({}, (1000, 700)),
    "connection-security": ({}, (1000, 700)),
}


def name_contacts(server):
    """Alice's contacts with their names, as a server has them from years of use."""
    # pylint: disable=protected-access
    items = "".join(f'["{server.jid(user)}"] = {{ subscription = "both", groups = {{}}, name = "{name}" }}; '
                    for user, name in NAMES.items() if user != "alice")
    with open(server._file("roster", "alice"), "w", encoding="utf-8") as f:
        f.write(f"return {{ [false] = {{ version = 1, pending = {{}} }}; {items} }};\n")


def arabic(folder):
    """The environment of an Arabic desktop; its locale is made here, because a machine may have none."""
    os.makedirs(folder, exist_ok=True)
    run([need("localedef"), "--no-archive", "-i", "ar_EG", "-f", "UTF-8", os.path.join(folder, "ar_EG.UTF-8")])
    return {"LOCPATH": folder, "LC_ALL": "ar_EG.UTF-8", "LANG": "ar_EG.UTF-8", "LANGUAGE": "ar"}


def set_text_size(desk, percent):
    """As a larger font: the resolution is the X server's word, and GTK 4 knows no variable for it."""
    with open(os.path.join(desk.home, ".config", "gtk-4.0", "settings.ini"), "w", encoding="utf-8") as f:
        f.write(f"[Settings]\ngtk-decoration-layout=appmenu:close\ngtk-font-name=Cantarell {11 * percent // 100}\n")


def talk(window, server, people):
    """The scene: one long chat, and two that wait."""
    jid, bob = server.jid, people["bob"]
    for peer in people.values():
        peer.wait_devices(jid("alice"))
    window.open_chat(jid("bob"))
    window.wait_security("Encrypted")
    for who, text in (("bob", "Did you get the key?"), ("bob", "and did it match?"), ("alice", "Yes, scanned it."),
                      ("bob", "👍"), ("alice", "The path begins here: https://www.openstreetmap.org/#map=15/47.0707/15.4395"),
                      ("bob", "See you at 8, at the lake. I bring the bread, you bring the boat, and Carol brings the music."),
                      ("alice", "Agreed.")):
        if who == "alice":
            window.send(text)
            window.wait_message(text, state="Delivered")
        else:
            bob.send(jid("alice"), text)
            window.wait_message(text)
    people["carol"].send(jid("alice"), "What about the music?")
    people["carol"].send(jid("alice"), "I have two drums and one hand")
    people["dave"].send(jid("alice"), "Up we go")
    window.wait_row("2 unread messages")
    window.wait_row("^Dave")


def photograph(window, desk, server, name, size, path):
    window.wait_online()
    if not (window.chat() or "").startswith("Bob"):
        window.open_chat(server.jid("bob"))
    wait_for(window.messages, "messages", 20)
    window.app.resize(*size)
    window.app.focus()
    node = window.main
    if name == "verification":
        node = window.open_verification()
    elif name == "connection-security":
        window.menu("Main Menu", "Connection Security")
        node = window.dialog("Connection Security")
        window.wait_text("TLSv1.3", node)
    desk.xdotool("mousemove", *(n - 1 for n in desk.size))      # no tooltip, nothing below the pointer
    window.screenshot(path, node)
    print(path, flush=True)


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    folder, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or list(PICTURES)
    unknown = [n for n in names if n not in PICTURES]
    if unknown:
        print(f"there is no picture '{unknown[0]}'; there are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    os.makedirs(folder, exist_ok=True)
    scratch = util.temp_dir("pictures")
    people = {}
    with Prosody(users={user: f"password of {user}" for user in NAMES}, domain=DOMAIN,
                 friends=[("alice", user) for user in NAMES if user != "alice"]) as server, \
            Desktop(keyring="for pictures", size=(1200, 900)) as desk:
        name_contacts(server)
        try:
            for user in NAMES:
                if user != "alice":
                    people[user] = Peer(server, name=user).start()
                    people[user].login(user, server.users[user])
            with Window(desk, ca=server.ca) as window:
                window.add_account(server.jid("alice"), server.users["alice"], "127.0.0.1", server.port)
                talk(window, server, people)
                window.quit()
            for name in names:
                environment, size = PICTURES[name]
                if name == "right-to-left":
                    environment = arabic(os.path.join(scratch, "locale"))
                set_text_size(desk, 200 if name == "large-text" else 100)
                with Window(desk, ca=server.ca, environment=environment) as window:
                    photograph(window, desk, server, name, size, os.path.join(folder, name + ".png"))
                    window.quit()
        finally:
            for peer in people.values():
                peer.close()
            util.remove_dir(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
