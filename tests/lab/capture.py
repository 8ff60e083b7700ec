#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""capture.py FILE: record all HCI traffic of this kernel as a btsnoop file.

Does what "btmon -w FILE" does, minus the decoding: the decoder of bluez 5.66
crashes when both ends of a link are on the same machine.  Reads the monitor
channel of an HCI socket; every datagram is opcode, adapter index, length (each
16 bits, little endian) and the packet.
"""
import ctypes
import os
import signal
import socket
import struct
import sys
import time

SO_RCVBUFFORCE = 33
HCI_CHANNEL_MONITOR, HCI_DEV_NONE = 2, 0xFFFF
BTSNOOP_VERSION, BTSNOOP_MONITOR = 1, 2001
YEAR_0_TO_2000_US = 0x00E03AB44A676000
UNIX_2000_US = 946684800 * 1000000


def monitor_socket():
    sock = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    # Python's bind() knows no channels.
    address = struct.pack("=HHH", socket.AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_MONITOR)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(sock.fileno(), address, len(address)):
        sys.exit("capture: bind: " + os.strerror(ctypes.get_errno()))
    return sock


def record(sock, out):
    out.write(b"btsnoop\0" + struct.pack(">II", BTSNOOP_VERSION, BTSNOOP_MONITOR))
    out.flush()
    while True:
        data = sock.recv(65536)
        opcode, index, length = struct.unpack_from("<HHH", data)
        payload = data[6:6 + length]
        stamp = int(time.time() * 1e6) - UNIX_2000_US + YEAR_0_TO_2000_US
        out.write(struct.pack(">IIIIq", len(payload), len(payload), index << 16 | opcode, 0, stamp))
        out.write(payload)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1], "wb") as file:
        record(monitor_socket(), file)
