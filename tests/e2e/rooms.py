# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A second room, whose daemon and tool are the same programs on the same bus.

Both daemons want the name org.stipple1 and both need BlueZ, which is on one bus only.  The second room's programs
reach that bus through a bridge that writes org.stipple2 wherever they say org.stipple1, and back again: the names are
of equal length, so nothing else of a message changes.
"""
import array
import copy
import os
import socket
import subprocess
import threading

THEIRS = ((b"org.stipple1", b"org.stipple2"), (b"/org/stipple1", b"/org/stipple2"))
BEGIN = b"BEGIN\r\n"
HEADER, ALIGNMENT = 16, 8
# A message's header field that says how many descriptors come with it: its code, its signature "u".
DESCRIPTORS = b"\x09\x01u\x00"
POLICY = "/etc/dbus-1/system.d/org.stipple2.conf"


class Way(threading.Thread):
    """What one side of a connection says, passed on to the other."""

    def __init__(self, source, sink, words, prelude):
        super().__init__(daemon=True)
        self.source, self.sink, self.words = source, sink, words
        self.prelude = prelude          # an event: from there on there are messages
        self.data, self.fds = b"", []

    def run(self):
        try:
            while True:
                data, ancillary, _, _ = self.source.recvmsg(65536, socket.CMSG_SPACE(64))
                for _, _, fds in ancillary:
                    self.fds += array.array("i", fds).tolist()
                if not data:
                    break
                self.data += data
                self.authenticate()
                self.messages()
        except OSError:
            pass
        for end in self.source, self.sink:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def authenticate(self):
        """Lines, until the client begins; the bus sends nothing else before that."""
        if self.prelude.is_set():
            return
        if BEGIN in self.data:
            self.prelude.set()          # before the bus can hear of it
            lines, self.data = self.data.split(BEGIN, 1)
            self.sink.sendall(lines + BEGIN)
        else:
            self.sink.sendall(self.data)
            self.data = b""

    def size(self):
        order = "little" if self.data[:1] == b"l" else "big"
        body, fields = (int.from_bytes(self.data[at:at + 4], order) for at in (4, 12))
        return order, HEADER + -(-fields // ALIGNMENT) * ALIGNMENT, body

    def messages(self):
        while self.prelude.is_set() and len(self.data) >= HEADER:
            order, header, body = self.size()
            if len(self.data) < header + body:
                return
            message, self.data = self.data[:header + body], self.data[header + body:]
            self.pass_on(message, header, order)

    def pass_on(self, message, header, order):
        count = 0
        for at in range(HEADER, header, ALIGNMENT):
            if message[at:at + 4] == DESCRIPTORS:
                count = int.from_bytes(message[at + 4:at + 8], order)
        fds, self.fds = self.fds[:count], self.fds[count:]
        message = message.replace(*self.words[0]).replace(*self.words[1])
        sent = socket.send_fds(self.sink, [message], fds) if fds else 0
        self.sink.sendall(message[sent:])
        for fd in fds:
            os.close(fd)


class Bridge(threading.Thread):
    """Listens at path, and speaks to the bus at address."""

    def __init__(self, path, address):
        super().__init__(daemon=True)
        self.bus = dict(part.split("=", 1) for part in address.split(":", 1)[1].split(","))["path"]
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen()
        self.start()

    def run(self):
        try:
            while True:
                self.connect(self.server.accept()[0])
        except OSError:
            pass

    def connect(self, client):
        bus = socket.socket(socket.AF_UNIX)
        bus.connect(self.bus)
        begun = threading.Event()
        Way(client, bus, THEIRS, begun).start()
        Way(bus, client, [(there, here) for here, there in THEIRS], begun).start()


def allow():
    """The bus of the lab's guest lets nobody have a name that no policy speaks of."""
    with open("systemd/org.stipple1.conf") as shipped, open(POLICY, "w") as policy:
        policy.write(shipped.read().replace("org.stipple1", "org.stipple2"))
    subprocess.run(["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus",
                    "/org/freedesktop/DBus", "org.freedesktop.DBus.ReloadConfig"], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def second(world):
    """The same world as another room has it: its own store, and its own org.stipple1."""
    room = copy.copy(world)
    address = world.env.get("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket")
    path = os.path.join(world.directory, "room")
    if world.kind == "lab":
        allow()
    room.bridge = Bridge(path, address)
    room.env = dict(world.env, DBUS_SYSTEM_BUS_ADDRESS="unix:path=" + path)
    room.state = os.path.join(world.directory, "state-of-room")
    return room
