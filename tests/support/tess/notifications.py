# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop's notification service that shows nothing and remembers everything."""

import re
import threading

from gi.repository import Gio, GLib

from .util import wait_for

_XML = """<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="a{sv}" direction="in"/>
<arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""
_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


class Notifications:
    """Serves on the session bus of @desktop, which must be there before the program that notifies."""

    def __init__(self, desktop):
        self.all = []       # (id, title, body, actions), in their order
        self.closed = set()
        self._lock = threading.Lock()
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop.new(self._context, False)
        self._ready = threading.Event()
        # pylint: disable=protected-access
        self._connection = desktop._connect(desktop._bus_address)
        self._connection.set_exit_on_close(False)
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait(20)

    def _serve(self):
        self._context.push_thread_default()
        interface = Gio.DBusNodeInfo.new_for_xml(_XML).interfaces[0]
        self._connection.register_object(_PATH, interface, self._called, None, None)
        self._connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                   GLib.Variant("(su)", (_NAME, 0)), None, Gio.DBusCallFlags.NONE, 5000, None)
        self._ready.set()
        self._loop.run()
        self._context.pop_thread_default()

    def _called(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        arguments = arguments.unpack()
        answer = None
        with self._lock:
            if method == "GetCapabilities":
                answer = GLib.Variant("(as)", (["actions", "body", "persistence"],))
            elif method == "GetServerInformation":
                answer = GLib.Variant("(ssss)", ("test", "tessera", "1", "1.2"))
            elif method == "Notify":
                _app, replaces, _icon, title, body, actions, _hints, _timeout = arguments
                ident = replaces or len(self.all) + 1
                self.all.append((ident, title, body, actions))
                answer = GLib.Variant("(u)", (ident,))
            elif method == "CloseNotification":
                self.closed.add(arguments[0])
        invocation.return_value(answer)

    def find(self, pattern):
        with self._lock:
            return next((n for n in reversed(self.all) if re.search(pattern, f"{n[1]}\n{n[2]}")), None)

    def wait(self, pattern, seconds=30):
        """Waits for a notification whose title or body matches; returns (id, title, body, actions)."""
        return wait_for(lambda: self.find(pattern), f"notification {pattern!r}", seconds, 0.05, lambda: str(self.all))

    def wait_closed(self, ident, seconds=20):
        wait_for(lambda: ident in self.closed, f"withdrawal of notification {ident}", seconds, 0.05)

    def press(self, ident, action="default"):
        """A person presses it."""
        self._connection.emit_signal(None, _PATH, _NAME, "ActionInvoked", GLib.Variant("(us)", (ident, action)))
        self._connection.emit_signal(None, _PATH, _NAME, "NotificationClosed", GLib.Variant("(uu)", (ident, 2)))

    def close(self):
        self._context.invoke_full(GLib.PRIORITY_DEFAULT, self._loop.quit)
