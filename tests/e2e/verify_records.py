#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""verify_records.py KEY FILE...: raw records of one pen and epoch, verified by somebody else.

Written from proto/WIRE.md, "Chain and seals", without the library: KEY is the pen's public key in
hex, each FILE one record as the pen wrote it, in any order.  Prints the sessions that are proven to be
there as a whole; exit status 1 when anything does not fit.
"""
import hashlib
import sys

import nacl.exceptions
import nacl.signing

DOMAIN = b"Stipple seal 1\0"
SERIAL, EPOCH, NUMBER, TYPE, SESSION, PREV_HASH, SEAL = 1, 2, 3, 6, 9, 12, 13


def varint(data, at):
    value = shift = 0
    while data[at] >= 128:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def fields(data):
    found, at = {}, 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            found[key >> 3], at = varint(data, at)
        elif key & 7 == 2:
            size, at = varint(data, at)
            found[key >> 3], at = data[at:at + size], at + size
        else:
            at += {1: 8, 5: 4}[key & 7]
    return found


def statement(data):
    size = data[1]
    rest = data[2 + size:]
    told = dict(zip(("epoch", "number", "session", "first", "last", "records", "written"),
                    (int.from_bytes(rest[i:i + 4], "little") for i in range(0, 28, 4))))
    told.update(version=data[0], serial=data[2:2 + size], prev_hash=rest[36:68],
                counter=int.from_bytes(rest[28:36], "little"))
    return told


def verify(key, raws):
    """(complaints, {session number: (first record, last record)}, highest counter)."""
    key_id = hashlib.sha256(key).digest()[:8]
    records = sorted(((fields(raw[:-4]), raw) for raw in raws), key=lambda pair: pair[0][NUMBER])
    complaints, sessions, counter, run, before = [], {}, 0, [], None
    base = None     # a record of the run of which it is known how many were written before it
    for at, (head, raw) in enumerate(records):
        number = head[NUMBER]
        linked = before is not None and head.get(PREV_HASH) == hashlib.sha256(before).digest()
        if before is not None and not linked:
            complaints.append("record %d does not follow the one before" % number)
        if not linked:
            run, base = [], (at, 0) if before is None and PREV_HASH not in head else None
        if head[TYPE] == 3:
            seal = fields(head[SEAL])
            told = statement(seal[1])
            try:
                nacl.signing.VerifyKey(key).verify(DOMAIN + seal[1], seal[2])
            except nacl.exceptions.BadSignatureError:
                complaints.append("the signature in record %d does not hold" % number)
                told["session"] = 0
            spanned = [n for n in run if told["first"] <= n <= told["last"]]
            if (seal[3] != key_id or told["version"] != 1 or told["counter"] <= counter
                    or (told["serial"], told["epoch"], told["number"]) != (head[SERIAL], head[EPOCH], number)
                    or told["prev_hash"] != head.get(PREV_HASH, bytes(32))):
                complaints.append("the seal in record %d does not belong there" % number)
            elif told["session"] and run and run[0] <= told["first"]:
                if len(spanned) == told["records"] and spanned[0] == told["first"]:
                    sessions[told["session"]] = (told["first"], told["last"])
                else:
                    complaints.append("the session before record %d is not whole" % number)
            # What was written before the first one that is here, only a seal can tell.
            if told["written"] < at or base and told["written"] != base[1] + at - base[0]:
                complaints.append("record %d tells of other records" % number)
            base, counter = (at, told["written"]), told["counter"]
        run.append(number)
        before = raw
    return complaints, sessions, counter


def main(key, *names):
    raws = []
    for name in names:
        with open(name, "rb") as file:
            raws.append(file.read())
    complaints, sessions, counter = verify(bytes.fromhex(key), raws)
    for session, (first, last) in sorted(sessions.items()):
        print("session %d: records %d to %d" % (session, first, last))
    print("%d records, %d sessions, counter %d" % (len(raws), len(sessions), counter))
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
