# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A GATT client on a bare socket of the kernel, for what bluetoothd does not show: the errors of ATT as they come,
reads at an MTU of 23, and links that are not encrypted.  It asks for no MTU exchange and refuses the other side's."""
import ctypes
import os
import socket
import struct

AF_BLUETOOTH, BTPROTO_L2CAP, SOL_BLUETOOTH, BT_SECURITY = 31, 0, 274, 4
LE_PUBLIC, ATT_CID = 1, 4
SECURITY_LOW, SECURITY_HIGH = 1, 3
ERROR, MTU_REQUEST, FIND_INFORMATION, READ, READ_BLOB, WRITE, NOTIFICATION, INDICATION, CONFIRMATION, MULTIPLE = \
    0x01, 0x02, 0x04, 0x0A, 0x0C, 0x12, 0x1B, 0x1D, 0x1E, 0x23
CCC = 0x2902
SIG_BASE = "0000%04x-0000-1000-8000-00805f9b34fb"

libc = ctypes.CDLL(None, use_errno=True)


class AttError(Exception):
    def __init__(self, code):
        super().__init__("ATT error 0x%02x" % code)
        self.code = code


def address(text, kind):
    bytes6 = bytes(int(part, 16) for part in reversed(text.split(":")))
    return struct.pack("<HH6sHBx", AF_BLUETOOTH, 0, bytes6, ATT_CID, kind)


class Att:
    """A link to a pen; mtu is and stays 23."""

    def __init__(self, local, pen, security=SECURITY_LOW, timeout=20):
        self.socket = socket.socket(AF_BLUETOOTH, socket.SOCK_SEQPACKET, BTPROTO_L2CAP)
        self.heard = []
        self.call(libc.bind, address(local, LE_PUBLIC))
        self.demand(security)
        self.socket.settimeout(timeout)
        self.call(libc.connect, address(pen, LE_PUBLIC))
        self.handles = {}

    def call(self, function, where):
        # A time limit makes the socket one that does not block; the connection is waited for all the same.
        self.socket.setblocking(True)
        if function(self.socket.fileno(), where, len(where)) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self.socket.settimeout(20)

    def demand(self, security):
        self.socket.setsockopt(SOL_BLUETOOTH, BT_SECURITY, struct.pack("BB", security, 0))

    def close(self):
        self.socket.close()

    def receive(self):
        """The next answer; what comes unasked is kept in heard, what the other side asks is refused."""
        while True:
            packet = self.socket.recv(600)
            if not packet:
                raise OSError("the link ended")
            op = packet[0]
            if op in (NOTIFICATION, INDICATION):
                self.heard.append((struct.unpack_from("<H", packet, 1)[0], packet[3:]))
                if op == INDICATION:
                    self.socket.send(bytes([CONFIRMATION]))
                return None
            if op == MULTIPLE:
                # A bond for which bluetoothd wrote Client Supported Features gets its notifications so.
                at = 1
                while at + 4 <= len(packet):
                    handle, size = struct.unpack_from("<HH", packet, at)
                    self.heard.append((handle, packet[at + 4:at + 4 + size]))
                    at += 4 + size
                return None
            if op % 2 == 0 and op < 0x40 and op != CONFIRMATION:
                self.socket.send(struct.pack("<BBHB", ERROR, op, 0, 0x06))
                continue
            return packet

    def ask(self, packet):
        self.socket.send(packet)
        while True:
            answer = self.receive()
            if answer is None:
                continue
            if answer[0] == ERROR:
                raise AttError(answer[4])
            return answer

    def wait_value(self, handle):
        """The next value that comes, or came, unasked for that handle."""
        while True:
            for i, (whose, value) in enumerate(self.heard):
                if whose == handle:
                    del self.heard[i]
                    return value
            self.receive()

    def explore(self):
        """All attributes: UUID to handle; the CCC of a characteristic is kept as (UUID, CCC)."""
        start, last = 1, None
        while start:
            try:
                answer = self.ask(struct.pack("<BHH", FIND_INFORMATION, start, 0xFFFF))
            except AttError as error:
                if error.code != 0x0A:
                    raise
                return
            size = 4 if answer[1] == 1 else 18
            for at in range(2, len(answer) - size + 1, size):
                start = struct.unpack_from("<H", answer, at)[0]
                raw = answer[at + 2:at + size]
                if size == 4 and struct.unpack("<H", raw)[0] == CCC:
                    self.handles[(last, CCC)] = start
                    continue
                if size == 4:
                    last = SIG_BASE % struct.unpack("<H", raw)[0]
                else:
                    text = raw[::-1].hex()
                    last = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
                self.handles[last] = start
            start += 1

    def read(self, uuid):
        return self.ask(struct.pack("<BH", READ, self.handles[uuid]))[1:]

    def read_long(self, uuid):
        """The whole value and how many requests it took."""
        value, asked = self.read(uuid), 1
        part = value
        while len(part) == 22:
            part = self.ask(struct.pack("<BHH", READ_BLOB, self.handles[uuid], len(value)))[1:]
            value += part
            asked += 1
        return value, asked

    def write(self, handle, value):
        self.ask(struct.pack("<BH", WRITE, handle) + value)

    def subscribe(self, uuid, indications):
        self.write(self.handles[(uuid, CCC)], b"\x02\x00" if indications else b"\x01\x00")
