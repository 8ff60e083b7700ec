# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""A decoder written from proto/WIRE.md alone; it shares no line with the library."""


class Bad(Exception):
    """The bytes are not what the text asks for; the argument is the error's name."""


def check(condition, error):
    if not condition:
        raise Bad(error)


def crc32c(data, before=0):
    crc = before ^ 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def u16(data, at):
    return int.from_bytes(data[at:at + 2], "little")


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


class Bytes:
    """Takes little-endian numbers from the front of a value."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        check(self.left() >= size, "truncated")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def left(self):
        return len(self.data) - self.at


def is_text(data):
    return all(0x20 <= byte <= 0x7E for byte in data)


def known(value, most):
    """A quantity of 16 bits that may be missing."""
    check(value <= most or value == 0xFFFF, "range")
    return "-" if value == 0xFFFF else value
