# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Log Control Point, Pen Control Point and Log Data, as proto/WIRE.md has them."""

from . import Bytes, check

STATUSES = {1: "success", 2: "op-not-supported", 5: "invalid-operand", 6: "no-records", 7: "abort-failed",
            8: "not-completed", 0x40: "wrong-epoch", 0x41: "busy", 0x42: "not-authorised",
            0x43: "record-corrupt", 0x44: "window-too-large", 0x45: "slots-full", 0x46: "battery-low",
            0x47: "overwritten", 0x48: "not-acknowledged", 0x49: "not-confirmed", 0x4A: "stale",
            0x4B: "wrong-revision"}
RECORD_MAX = 1 << 20

# A field is its name and its bytes; a name in capitals is shown in hex, as in a dump (ID, NAME, TAG, VALUE)
# or as a number (CRC, NONCE).  VALUE is what is left, at most 15 bytes.
LOG = {
    0x10: ("hello", "ID:8", "slot:1 free:1 mark:4"),
    0x11: ("get-state", "", "epoch:4 oldest:4 newest:4 boot:3 free:1 flags:1"),
    0x12: ("list", "epoch:4 from:4 to:4 window:1", "sent:3 CRC:4 oldest:4"),
    0x13: ("read", "epoch:4 record:4 offset:3 length:3 window:1", "sent:3 CRC:4"),
    0x14: ("credit", "segments:1", ""),
    0x15: ("hash", "epoch:4 record:4 offset:3 length:3", "CRC:4"),
    0x16: ("abort", "", ""),
    0x17: ("ack", "slot:1 epoch:4 from:4 to:4", "free:1"),
    0x18: ("erase-prepare", "epoch:4 upto:4", "NONCE:4"),
    0x19: ("erase", "epoch:4 upto:4 NONCE:4", ""),
    0x1A: ("slots", "index:1", "NAME:4 mark:4 epoch:4"),
    0x1B: ("drop-slot", "index:1 NAME:4", ""),
}
PEN = {
    0x20: ("identify", "seconds:1", ""),
    0x21: ("self-test-prepare", "", "NONCE:4"),
    0x22: ("self-test-run", "NONCE:4", ""),
    0x23: ("config-set", "revision:2 tag:1 VALUE:15", "revision:2"),
    0x24: ("config-get", "tag:1", "revision:2 VALUE:15"),
    0x25: ("set-zone", "zone:1", ""),
    0x26: ("session-tag", "TAG:8", ""),
    0x27: ("live-rate", "hz:1", "hz:1"),
    0x28: ("reboot", "", ""),
    0x29: ("counters-reset", "", ""),
}
SHOWN = {"ID": "collector", "NAME": "name", "TAG": "tag", "VALUE": "value", "CRC": "crc", "NONCE": "nonce"}


def body(source, fields):
    found = {}
    for field in fields.split():
        name, size = field.split(":")
        if name in ("CRC", "NONCE"):
            found[SHOWN[name]] = "%08x" % source.number(4)
        elif name == "VALUE":
            found["value"] = source.take(min(source.left(), int(size))).hex()
        elif name.isupper():
            found[SHOWN[name]] = source.take(int(size)).hex()
        else:
            found[name] = source.number(int(size))
    return found


def check_request(op, fields):
    if op == 0x12:
        check(1 <= fields["from"] <= fields["to"] < fields["from"] + 43690 and fields["window"], "range")
    if op in (0x13, 0x15):
        check(fields["record"] and fields["length"] and fields["offset"] < RECORD_MAX, "range")
        check(fields["offset"] + fields["length"] <= RECORD_MAX and fields.get("window", 1), "range")
    if op == 0x14:
        check(fields["segments"], "range")
    if op == 0x17:
        check(1 <= fields["from"] <= fields["to"], "range")
    if op == 0x18 or op == 0x19:
        check(fields["upto"], "range")
    if op == 0x20:
        check(fields["seconds"] <= 30, "range")
    if op in (0x23, 0x24):
        check(fields["tag"], "range")
    if op == 0x27:
        check(fields["hz"] <= 10, "range")


def request(ops, source):
    op = source.number(1)
    check(op in ops, "unknown")
    name, fields, _ = ops[op]
    token = source.number(1)
    found = body(source, fields)
    check(not source.left(), "malformed")
    check(1 <= token <= 15, "range")
    check_request(op, found)
    return {"op": name, "token": token, **found}


def answers_with_fields(op, status):
    """Beside success; there the answer may also end after the status."""
    return op in (0x12, 0x13) or (op, status) in ((0x15, 0x43), (0x23, 0x4B))


def answer(ops, source):
    check(len(source.data) >= 3, "truncated")
    op, token, status = source.number(1), source.number(1), source.number(1)
    check(len(source.data) <= 20 and op & 0x80, "malformed")
    op &= 0x7F
    check(op in ops and (op != 0x14 or status != 1), "unknown")
    name, _, fields = ops[op]
    found = {}
    if status == 1 or (answers_with_fields(op, status) and source.left()):
        found = body(source, fields)
    elif answers_with_fields(op, status):
        found = body(Bytes(bytes(20)), fields.replace(" VALUE:15", ""))
    check(token <= 15 and found.get("sent", 0) <= RECORD_MAX and found.get("hz", 0) <= 10, "range")
    return {"op": name, "token": token, "status": STATUSES.get(status, status), **found}


def segment(source):
    check(len(source.data) > 4, "truncated")
    flags, place = source.number(1), source.number(3)
    payload = source.take(source.left())
    token, offset = place >> 20, place & 0xFFFFF
    check(1 <= token <= 15 and offset + len(payload) <= RECORD_MAX, "range")
    check((flags & 1 == 1) == (offset == 0), "malformed")
    words = [word for bit, word in ((1, "first"), (2, "last")) if flags & bit]
    return {**{word: None for word in words}, "counter": flags >> 2, "token": token, "offset": offset,
            "payload": payload.hex()}


def entry(source):
    check(len(source.data) >= 24, "truncated")
    check(len(source.data) == 24, "malformed")
    found = {"record": source.number(4), "boot": source.number(4), "tick": source.number(6),
             "type": source.number(1), "flags": source.number(1), "length": source.number(4),
             "crc": "%08x" % source.number(4)}
    check(found["record"] and 1 <= found["length"] <= RECORD_MAX, "range")
    return found


READERS = {
    "requests": lambda source: request(LOG, source),
    "answers": lambda source: answer(LOG, source),
    "panel-requests": lambda source: request(PEN, source),
    "panel-answers": lambda source: answer(PEN, source),
    "segments": segment,
    "entries": entry,
}
