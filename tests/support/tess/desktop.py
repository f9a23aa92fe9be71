# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop without a screen: Xvfb, a session bus, an accessibility bus, and a keyring if wanted.

    with Desktop(keyring="secret") as desk:
        app = desk.launch([program], "tessera")
        app.node("button", "Add account").click()
        app.node("entry", "Address").set_text("alice@localhost")
        desk.type("password"); desk.key("Return")
        app.node("label", re.compile("Online")).wait_showing()
        desk.screenshot("/tmp/window.png")

Nodes are found by what a screen reader is told: role and name; what a page in front covers is not found. Everything
waits for a condition with a deadline, and a failure shows the tree that there is. Several desktops can live in one
process, because the accessibility bus is spoken to directly, without libatspi and its cache of one bus.
"""

import os
import re
import shutil
import subprocess

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from . import util  # noqa: E402
from .util import Process, Timeout, need, run, wait_for  # noqa: E402

_ACCESSIBLE = "org.a11y.atspi.Accessible"
_ROOT = "/org/a11y/atspi/accessible/root"
# AtspiStateType, the ones that tests ask for.
STATES = {"active": 1, "checked": 4, "editable": 7, "enabled": 8, "expanded": 10, "focusable": 11, "focused": 12, "pressed": 20,
          "selected": 23, "sensitive": 24, "showing": 25, "visible": 30}
SCREEN, WINDOW = 0, 1
_ROLE_GROUP = 39
# Widgets that lay one child over another and have no name of their own.
_PILES = ("AdwLeaflet", "AdwViewStack")


def _session_bus_configuration(folder, services, shared=False):
    """A session bus that activates nothing but @services: no keyring, portal or daemon of the machine joins in."""
    own = os.path.join(folder, "services")
    os.makedirs(own, exist_ok=True)
    for name in services:
        source = os.path.join("/usr/share/dbus-1/services", name)
        if os.path.exists(source):
            shutil.copy(source, own)
    path = os.path.join(folder, "session.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{own}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>{'<allow user="*"/>' if shared else ''}
  </policy>
</busconfig>
""")
    return path


class Desktop:
    """@keyring: the password of a keyring that is unlocked, or None for a desktop without a Secret Service.

    @size: the screen's, in pixels. @display: an X display to use instead of a new one, for a person to look at.
    @shared: programs of other users may use its session bus.
    """

    def __init__(self, keyring=None, size=(1280, 900), display=None, folder=None, environment=None, shared=False):
        self.shared = shared
        self.keyring, self.size, self._given_display = keyring, size, display
        self._own_folder = folder is None
        self.folder = folder or util.temp_dir("desk")
        self.home = os.path.join(self.folder, "home")
        self.runtime = os.path.join(self.folder, "run")
        self.extra = dict(environment or {})
        self.display = None
        self._processes, self._started = [], []
        self._a11y = self._bus = self._a11y_address = None
        self.role_names = {}

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
        for path in (self.home, self.runtime):
            os.makedirs(path, mode=0o700, exist_ok=True)
        if self._given_display is None:
            # What a GNOME desktop says, whose phones are 360 pixels wide; without it GTK shows three window buttons.
            folder = os.path.join(self.home, ".config", "gtk-4.0")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "settings.ini"), "w", encoding="utf-8") as f:
                f.write("[Settings]\ngtk-decoration-layout=appmenu:close\n")
        self._start_display()
        self._start_buses()
        if self.keyring is not None:
            self._start_keyring()
        return self

    def _log(self, name):
        return os.path.join(self.folder, name + ".log")

    def _spawn(self, argv, name, **kwargs):
        kwargs.setdefault("env", self.environment())
        process = Process(argv, log=self._log(name), **kwargs)
        self._processes.append(process)
        return process

    def _start_display(self):
        if self._given_display is not None:
            self.display = self._given_display
            return
        reading, writing = os.pipe()
        try:
            xvfb = self._spawn([need("Xvfb"), "-displayfd", str(writing), "-screen", "0", f"{self.size[0]}x{self.size[1]}x24",
                                "-nolisten", "tcp", "-noreset", "-ac"], "xvfb", pass_fds=(writing,))
            os.set_blocking(reading, False)
            got = b""

            def number():
                nonlocal got
                try:
                    got += os.read(reading, 64)
                except BlockingIOError:
                    pass
                return got.endswith(b"\n") and got.strip().decode()

            self.display = ":" + wait_for(number, "display from Xvfb", 30, log=xvfb.tail, alive=xvfb.ended)
        finally:
            os.close(reading)
            os.close(writing)

    def _start_buses(self):
        address = f"unix:path={self.folder}/bus"
        conf = _session_bus_configuration(self.folder, [], self.shared)
        bus = self._spawn([need("dbus-daemon"), f"--config-file={conf}", "--nofork", "--nopidfile"], "bus")
        self._bus_address = address
        self._bus = wait_for(lambda: self._connect(address), "session bus", 20, log=bus.tail, alive=bus.ended)
        # The accessibility bus with its registry: started here, so that they end by their ids.
        launcher = next((p for p in ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
                         if os.path.exists(p)), None)
        if launcher is None:
            raise AssertionError("at-spi-bus-launcher is missing; run tests/setup")
        # On a display that others use too it must not tell its address by the root window.
        env = self.environment()
        if self._given_display is not None:
            env.pop("DISPLAY", None)
        process = self._spawn([launcher, "--launch-immediately", "--screen-reader=1"], "a11y", env=env)

        def address_of_a11y():
            try:
                return self._bus.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", None,
                                           GLib.VariantType("(s)"), Gio.DBusCallFlags.NO_AUTO_START, 5000, None).unpack()[0]
            except GLib.Error:
                return None

        self._a11y_address = wait_for(address_of_a11y, "accessibility bus", 20, log=process.tail, alive=process.ended)
        self._a11y = wait_for(lambda: self._connect(self._a11y_address), "accessibility bus", 20, log=process.tail)
        # Its own service file starts the registry.
        wait_for(lambda: self.applications() is not None, "accessibility registry", 20, log=process.tail)

    @staticmethod
    def _connect(address):
        try:
            return Gio.DBusConnection.new_for_address_sync(
                address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
                None, None)
        except GLib.Error:
            return None

    def _start_keyring(self):
        process = self._spawn([need("gnome-keyring-daemon"), "--foreground", "--components=secrets", "--unlock"], "keyring",
                              stdin=subprocess.PIPE)
        process.popen.stdin.write(self.keyring.encode())
        process.popen.stdin.close()

        def unlocked():
            try:
                path = self._bus.call_sync("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service",
                                           "ReadAlias", GLib.Variant("(s)", ("default",)), GLib.VariantType("(o)"),
                                           Gio.DBusCallFlags.NO_AUTO_START, 5000, None).unpack()[0]
                if path == "/":
                    return False
                locked = self._bus.call_sync("org.freedesktop.secrets", path, "org.freedesktop.DBus.Properties", "Get",
                                             GLib.Variant("(ss)", ("org.freedesktop.Secret.Collection", "Locked")),
                                             GLib.VariantType("(v)"), Gio.DBusCallFlags.NONE, 5000, None).unpack()[0]
                return locked is False
            except GLib.Error:
                return False

        wait_for(unlocked, "unlocked keyring", 20, log=process.tail, alive=process.ended)

    def secrets(self):
        """The attributes of every item in the keyring, as a list of dicts: what is there, never the secret."""
        found = []
        collection = self._bus.call_sync("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service",
                                         "ReadAlias", GLib.Variant("(s)", ("default",)), None, Gio.DBusCallFlags.NONE, 5000,
                                         None).unpack()[0]
        items = self._bus.call_sync("org.freedesktop.secrets", collection, "org.freedesktop.DBus.Properties", "Get",
                                    GLib.Variant("(ss)", ("org.freedesktop.Secret.Collection", "Items")), None,
                                    Gio.DBusCallFlags.NONE, 5000, None).unpack()[0]
        for item in items:
            found.append(self._bus.call_sync("org.freedesktop.secrets", item, "org.freedesktop.DBus.Properties", "Get",
                                             GLib.Variant("(ss)", ("org.freedesktop.Secret.Item", "Attributes")), None,
                                             Gio.DBusCallFlags.NONE, 5000, None).unpack()[0])
        return found

    def environment(self):
        """What a program on this desktop sees."""
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("DBUS_", "XDG_", "GNOME_", "GTK_", "WAYLAND", "AT_SPI", "GSETTINGS"))}
        env.update(HOME=self.home, XDG_RUNTIME_DIR=self.runtime, XDG_CONFIG_HOME=os.path.join(self.home, ".config"),
                   XDG_DATA_HOME=os.path.join(self.home, ".local", "share"), XDG_CACHE_HOME=os.path.join(self.home, ".cache"),
                   XDG_STATE_HOME=os.path.join(self.home, ".local", "state"), XDG_DATA_DIRS="/usr/local/share:/usr/share",
                   XDG_CURRENT_DESKTOP="GNOME", GDK_BACKEND="x11", GSK_RENDERER="cairo", GSETTINGS_BACKEND="keyfile",
                   LANG="C.UTF-8", LC_ALL="C.UTF-8", GTK_A11Y="atspi", LIBGL_ALWAYS_SOFTWARE="1",
                   PATH="/usr/local/bin:/usr/bin:/bin")
        env.pop("DISPLAY", None)
        if self.display:
            env["DISPLAY"] = self.display
        if self._a11y_address:
            env["AT_SPI_BUS_ADDRESS"] = self._a11y_address
        if self._bus is not None or self._processes:
            env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={self.folder}/bus"
        env.update(self.extra)
        return env

    def close(self):
        """Ends all that was started here, programs first, and removes its folder."""
        for connection in (self._a11y, self._bus):
            if connection is not None:
                connection.set_exit_on_close(False)
        for app in self._started:
            app.process.end(5)
        self._started = []
        for process in reversed(self._processes):
            process.end(5)
        self._processes = []
        util.end_strays()
        self._a11y = self._bus = None
        if self._own_folder:
            util.remove_dir(self.folder)

    # -- programs --------------------------------------------------------------------------------------------

    def launch(self, argv, name, seconds=40, environment=None):
        """Starts a program and waits for its first window on the accessibility bus.

        Returns it as an Application. @name is only for its log; the program is found by its process id.
        """
        env = self.environment()
        env.update(environment or {})
        process = Process(argv, log=self._log(name), env=env, cwd=self.home)
        app = Application(self, process)
        self._started.append(app)
        wait_for(lambda: app.find_bus_name() and app.windows(), f"window of {name}", seconds, 0.05, process.tail, process.ended)
        return app

    def applications(self):
        """The roots of all applications there are, or None while the registry does not answer."""
        root = Node(self, "org.a11y.atspi.Registry", _ROOT)
        try:
            return root.children_or_raise(seconds=10)
        except GLib.Error:
            return None

    def snapshot(self, bus_name, top):
        """What a program has below @top: (path -> (parent's path, role's number, name, states, is a page), path -> children).

        Roles, names and states come by one question; asking each object by itself costs a second in a window with a
        long chat. Who is whose child is asked of each, because GTK's answer to the one question also has what is hidden.
        """
        def ask():
            found = {}
            for (_bus, path), _app, (_b, parent), _place, count, interfaces, name, role, _description, (low, high) in Node(
                    self, bus_name, "/org/a11y/atspi/cache").call("org.a11y.atspi.Cache", "GetItems")[0]:
                # The page of a stack is no widget: it has no place of its own.
                found[path] = (parent, role, name, low | high << 32, interfaces == [_ACCESSIBLE] and role == _ROLE_GROUP, count)
            return found

        items, children, queue = ask(), {}, [top]
        while queue:
            path = queue.pop()
            if path != _ROOT and path in items and items[path][5] == 0:
                children[path] = []
            else:
                children[path] = [child.path for child in Node(self, bus_name, path).children()]
                queue += children[path]
        if any(path not in items for path in children):
            items = ask()
        return items, children

    def pid_of(self, bus_name):
        """The process behind a name on the accessibility bus."""
        try:
            return self._a11y.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                        "GetConnectionUnixProcessID", GLib.Variant("(s)", (bus_name,)), None,
                                        Gio.DBusCallFlags.NONE, 5000, None).unpack()[0]
        except GLib.Error:
            return None

    # -- screen, keys, pointer -------------------------------------------------------------------------------

    def _picture(self):
        done = subprocess.run([need("import"), "-silent", "-display", self.display, "-window", "root", "ppm:-"],
                              env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30 * util.SLOW, check=False)
        if done.returncode or not done.stdout:
            raise AssertionError(f"no picture of the screen: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout

    def screenshot(self, path, box=None):
        """Saves the screen, or @box (x, y, width, height) of it, as a PNG; returns @path.

        Waits until two pictures in a row are the same, so that no half-drawn frame is kept; where something goes
        on moving it takes what there is after 5 s.
        """
        last = [None]

        def steady():
            before, last[0] = last[0], self._picture()
            return before == last[0]

        try:
            wait_for(steady, "steady screen", 5, 0.15)
        except Timeout:
            pass
        argv = [need("convert"), "ppm:-"] + (["-crop", "{2}x{3}+{0}+{1}".format(*box), "+repage"] if box else [])
        run(argv + ["png:" + path], input=last[0], env=self.environment())
        return path

    def xdotool(self, *arguments):
        return run([need("xdotool"), *map(str, arguments)], env=self.environment(), timeout=30 * util.SLOW).strip()

    def click_at(self, x, y, button=1):
        self.xdotool("mousemove", "--sync", x, y)
        self.xdotool("click", button)

    def key(self, *keys):
        """Presses keys by X name: "Return", "ctrl+f", "Escape"."""
        self.xdotool("key", "--clearmodifiers", *keys)

    def type(self, text):
        """Types ASCII text into what has the focus. (Other characters are lost on the way: use Node.set_text().)"""
        assert text.isascii(), "xdotool loses what is not ASCII"
        self.xdotool("type", "--clearmodifiers", "--delay", 8, text)

    def window_ids(self, pid=None):
        """X ids of the visible windows, of the process @pid only if given."""
        # Only a program's own windows have a class; the root and GTK's helpers have none.
        argv = ["search", "--all", "--onlyvisible"] + (["--pid", pid] if pid else []) + ["--class", "."]
        try:
            return self.xdotool(*argv).split()
        except AssertionError:
            return []

    def resize(self, width, height, pid=None):
        """Gives the (newest) window this size, and waits until it has it."""
        window = wait_for(lambda: self.window_ids(pid), "window on the screen", 20)[-1]
        self.xdotool("windowmove", window, 0, 0)
        self.xdotool("windowsize", window, width, height)

        def sized():
            shape = self.xdotool("getwindowgeometry", "--shell", window)
            return f"WIDTH={width}\n" in shape + "\n" and f"HEIGHT={height}\n" in shape + "\n"

        wait_for(sized, f"window of {width}x{height} (its content may need more)", 20)
        return window

    def focus(self, pid=None):
        """Gives the (newest) window the keyboard: no window manager does it here."""
        window = wait_for(lambda: self.window_ids(pid), "window on the screen", 20)[-1]
        self.xdotool("windowfocus", "--sync", window)
        return window


class Node:
    """An accessible object: a role, a name, a box, perhaps text and actions."""

    def __init__(self, desktop, bus_name, path, look=None):
        self.desktop, self.bus_name, self.path = desktop, bus_name, path
        self._look = look       # what one look at the tree has told: (parents, boxes)

    def __eq__(self, other):
        return isinstance(other, Node) and (self.bus_name, self.path) == (other.bus_name, other.path)

    def __hash__(self):
        return hash((self.bus_name, self.path))

    def __repr__(self):
        try:
            return f"<{self.role} {self.name!r}>"
        except GLib.Error:
            return f"<gone {self.path}>"

    def call(self, interface, method, arguments=None, seconds=10):
        # pylint: disable=protected-access
        if self.desktop._a11y is None:
            raise AssertionError("the desktop is closed")
        return self.desktop._a11y.call_sync(self.bus_name, self.path, interface, method, arguments, None, Gio.DBusCallFlags.NONE,
                                            int(seconds * 1000 * util.SLOW), None).unpack()

    def get(self, interface, name):
        return self.call("org.freedesktop.DBus.Properties", "Get", GLib.Variant("(ss)", (interface, name)))[0]

    @property
    def name(self):
        return self.get(_ACCESSIBLE, "Name")

    @property
    def description(self):
        return self.get(_ACCESSIBLE, "Description")

    @property
    def role(self):
        """The role in words: "push button", "entry", "label", "list item"."""
        return self.call(_ACCESSIBLE, "GetRoleName")[0]

    @property
    def parent(self):
        name, path = self.get(_ACCESSIBLE, "Parent")
        return Node(self.desktop, name, path)

    def children_or_raise(self, seconds=10):
        found = []
        for name, path in self.call(_ACCESSIBLE, "GetChildren", seconds=seconds)[0]:
            if not path.endswith("/null"):
                found.append(Node(self.desktop, name, path))
        return found

    def children(self):
        """Its children; none when it has gone meanwhile."""
        try:
            return self.children_or_raise()
        except GLib.Error:
            return []

    def states(self):
        low, high = self.call(_ACCESSIBLE, "GetState")[0]
        bits = low | high << 32
        found = {name for name, bit in STATES.items() if bits >> bit & 1}
        # GTK 4 says "showing" of windows only. Of a widget we say it when it is visible and has a box.
        if "visible" in found and "showing" not in found and self._has_box():
            found.add("showing")
        return found

    def _has_box(self):
        """Whether it and all around it have a box. Of what is hidden in something hidden GTK still tells the old one."""
        try:
            _x, _y, width, height = self.box(WINDOW)
            node = self
            while width > 0 and height > 0:
                if self._look and node.path in self._look[0]:
                    parents, boxes = self._look
                    node = Node(self.desktop, self.bus_name, parents[node.path], self._look)
                else:
                    boxes, node = {}, node.parent
                if node.path in (_ROOT, "/org/a11y/atspi/null"):
                    return True
                if node.path not in boxes:
                    try:
                        boxes[node.path] = node.box(WINDOW)
                    except GLib.Error:
                        boxes[node.path] = (0, 0, 1, 1)     # the page of a stack, or the program
                _x, _y, width, height = boxes[node.path]
        except GLib.Error:
            pass
        return False

    def has(self, *states):
        """Whether it is all of @states ("showing", "sensitive", "focused", …); a node that has gone is nothing."""
        try:
            return set(states) <= self.states()
        except GLib.Error:
            return False

    # -- finding ---------------------------------------------------------------------------------------------

    def walk(self, depth=60):
        """This node and all below it, in the order of the tree; what is below something invisible is left out."""
        for node, _role, _name in self.below(depth):
            yield node

    def below(self, depth=60):
        """As walk(), with the role and the name of each: (node, role, name). Nothing when it has gone."""
        try:
            items, children = self.desktop.snapshot(self.bus_name, self.path)
        except GLib.Error:
            return
        boxes, parents = {}, {child: path for path, inner in children.items() for child in inner}
        queue = [(self.path, 0)]
        while queue:
            path, level = queue.pop()
            if path not in items:
                continue
            _parent, role, name, states, _page, _count = items[path]
            if level and not states >> STATES["visible"] & 1:
                continue
            node = Node(self.desktop, self.bus_name, path, (parents, boxes))
            if role not in self.desktop.role_names:
                try:
                    self.desktop.role_names[role] = node.role
                except GLib.Error:
                    continue
            yield node, self.desktop.role_names[role], name
            if level < depth:
                inner = children.get(path, [])
                if len(inner) > 1 and (name in _PILES or any(items[items[c][0]][4] for c in inner if c in items
                                                             and items[c][0] in items)):
                    inner = node.in_front(inner, items, name not in _PILES)
                queue += [(child, level + 1) for child in reversed(inner)]

    def in_front(self, children, items, pages):
        """Those of its @children that nothing else of them covers; of @pages there is one.

        GTK 4.8 tells of all pages of a stack that they are visible; but it does tell what is at a point.
        """
        try:
            x, y, width, height = self.box(WINDOW)
            found = self.call("org.a11y.atspi.Component", "GetAccessibleAtPoint",
                              GLib.Variant("(iiu)", (x + width // 2, y + height // 2, WINDOW)))[0][1]
            while found in items and found not in children:
                found = items[found][0]
            if found not in children:
                return children
            if pages:
                return [found]
            # A leaflet that is unfolded shows its children side by side.
            _x, _y, wide, _height = Node(self.desktop, self.bus_name, found).box(WINDOW)
            return [found] if wide > 0.9 * width else children
        except GLib.Error:
            return children

    def matches(self, role=None, name=None, states=("showing",)):
        """@name: the whole name, or a compiled regular expression that is searched in it."""
        try:
            if role is not None and self.role != role:
                return False
            if name is not None:
                own = self.name
                if not (name.search(own) if isinstance(name, re.Pattern) else own == name):
                    return False
            return set(states) <= self.states()
        except GLib.Error:
            return False

    def find_each(self, role=None, name=None, states=("showing",)):
        for node, own_role, own_name in self.below():
            if (role is None or own_role == role) \
               and (name is None or (name.search(own_name) if isinstance(name, re.Pattern) else own_name == name)) \
               and node.has(*states):
                node._look = None
                yield node

    def find_all(self, role=None, name=None, states=("showing",)):
        return list(self.find_each(role, name, states))

    def find(self, role=None, name=None, states=("showing",)):
        """The first that matches now, or None."""
        return next(self.find_each(role, name, states), None)

    def node(self, role=None, name=None, seconds=20, states=("showing",)):
        """Waits for the first node of this role and name."""
        shown = name.pattern if isinstance(name, re.Pattern) else name
        return wait_for(lambda: self.find(role, name, states), f"{role or 'node'} {shown!r}", seconds, 0.1,
                        lambda: self.tree() + "\n" + self.process_tail())

    def gone(self, role=None, name=None, seconds=20):
        """Waits until no such node is showing."""
        wait_for(lambda: self.find(role, name) is None, f"end of {role or 'node'} {name!r}", seconds, 0.1, self.tree)

    def wait(self, condition, what, seconds=20):
        """Waits until @condition, called with this node, is true; returns what it gave."""
        def ask():
            try:
                return condition(self)
            except GLib.Error:
                return None
        return wait_for(ask, what, seconds, 0.1, self.tree)

    def wait_state(self, state, seconds=20):
        return self.wait(lambda n: n.has(state), f"state {state} of {self!r}", seconds)

    def tree(self, limit=200):
        """The tree as text, for failures and for people."""
        lines = []

        def add(node, depth):
            if len(lines) >= limit:
                return
            try:
                states = node.states()
                text = node.text() if "label" not in node.role else ""
                lines.append(f"{'  ' * depth}{node.role} {node.name!r}"
                             f"{'' if 'showing' in states else ' (hidden)'}{'' if 'sensitive' in states else ' (insensitive)'}"
                             f"{f' text={text[:60]!r}' if text else ''}")
            except GLib.Error:
                return
            for child in node.children():
                add(child, depth + 1)

        add(self, 0)
        return "\n".join(lines) + ("\n..." if len(lines) >= limit else "")

    def process_tail(self):
        return ""

    # -- doing -----------------------------------------------------------------------------------------------

    def box(self, kind=SCREEN):
        """(x, y, width, height) in pixels."""
        return tuple(self.call("org.a11y.atspi.Component", "GetExtents", GLib.Variant("(u)", (kind,)))[0])

    def actions(self):
        try:
            return [a[0] for a in self.call("org.a11y.atspi.Action", "GetActions")[0]]
        except GLib.Error:
            return []

    def activate(self):
        """Its own action, as a screen reader would do it; False when it has none."""
        try:
            if self.get("org.a11y.atspi.Action", "NActions") < 1:
                return False
            return bool(self.call("org.a11y.atspi.Action", "DoAction", GLib.Variant("(i)", (0,)))[0])
        except GLib.Error:
            return False

    def click(self, button=1):
        """Its action if it has one, else the pointer at its middle."""
        self.wait(lambda n: n.has("showing", "sensitive"), f"{self!r} to be shown and sensitive")
        if button != 1 or not self.activate():
            self.click_box(button)

    def click_box(self, button=1):
        """The pointer at its middle."""
        x, y, width, height = self.wait(lambda n: (lambda b: b if b[2] > 0 and b[3] > 0 else None)(n.screen_box()),
                                        f"box of {self!r}")
        self.desktop.click_at(x + width // 2, y + height // 2, button)

    def screen_box(self):
        """Its box on the screen. GTK 4 knows only boxes in the window: the window's place is added."""
        x, y, width, height = self.box(WINDOW)
        left, top = self._window_place()
        return x + left, y + top, width, height

    def _window_place(self):
        pid = self.desktop.pid_of(self.bus_name)
        windows = self.desktop.window_ids(pid) or self.desktop.window_ids()
        if not windows:
            return 0, 0
        shape = self.desktop.xdotool("getwindowgeometry", "--shell", windows[-1])
        return (int(re.search(rf"^{axis}=(-?\d+)", shape, re.M).group(1)) for axis in "XY")

    def text(self):
        """What can be read in it: its text, or "" when it is no text."""
        try:
            count = self.get("org.a11y.atspi.Text", "CharacterCount")
            return self.call("org.a11y.atspi.Text", "GetText", GLib.Variant("(ii)", (0, count)))[0]
        except GLib.Error:
            return ""

    def set_text(self, text):
        """Puts @text (any characters) into an entry or text view, in place of what is there.

        Where the part with the text is a child of the widget, that child is taken.
        """
        for node in self.walk(4):
            try:
                if node.call("org.a11y.atspi.EditableText", "SetTextContents", GLib.Variant("(s)", (text,)))[0]:
                    return node
            except GLib.Error:
                continue
        raise AssertionError(f"{self!r} takes no text\n{self.tree()}")


class Application(Node):
    """A program that was started here: the root of its accessible tree, and its process."""

    def __init__(self, desktop, process):
        super().__init__(desktop, "", _ROOT)
        self.process = process

    def find_bus_name(self):
        for root in self.desktop.applications() or []:
            if self.desktop.pid_of(root.bus_name) == self.process.pid:
                self.bus_name, self.path = root.bus_name, root.path
                return self.bus_name
        return None

    def windows(self):
        return self.children() if self.bus_name else []

    def process_tail(self):
        return f"--- its log ---\n{self.process.tail()}"

    def focus(self):
        return self.desktop.focus(self.process.pid)

    def resize(self, width, height):
        """Gives its newest window this size and waits until the program has laid it out so."""
        window = self.desktop.resize(width, height, self.process.pid)
        # The box that a window tells is without its frame, which is some pixels wide without a window manager.
        def laid_out(size, wanted):
            return wanted - 60 <= size <= wanted
        self.wait(lambda app: any(laid_out(w.box(WINDOW)[2], width) and laid_out(w.box(WINDOW)[3], height) for w in app.windows()),
                  f"layout of {width}x{height} (the content may need more)")
        return window

    def end(self):
        self.process.end(10)

    def kill(self):
        self.process.kill()
