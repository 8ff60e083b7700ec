#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""Reads the golden vectors with nothing but proto/WIRE.md: no line is shared with the library.

A decoder this slow and plain shows that the text says enough to write another one.
Usage: read-vectors.py FOLDER TESTS, where TESTS has the C tests that read them, too
"""

import hashlib
import re
import sys
from pathlib import Path

try:
    import nacl.exceptions
    import nacl.signing
except ImportError:  # Then the hashes are checked, and the signatures are not.
    nacl = None

sys.dont_write_bytecode = True
from by_text import Bad, Bytes, check, control_points, crc32c, pen_values, u16, u32  # noqa: E402


# ---- telemetry block ----

PREDICTORS = [(64, 0, 0), (32, 0, 0), (16, 0, 0), (8, 0, 0), (4, 0, 0), (2, 0, 0),
              (64, 24, 48), (64, 14, 56), (32, 24, 48), (32, 14, 56),
              (16, 12, 48), (16, 7, 56), (8, 4, 56), (12, 1, 58), (16, 2, 56), (24, 2, 56)]
COUPLINGS = [0, -1, -2, -4, -8, -16, -32, 4]
MAXIMA = [5000, 5000, 10000]


class Bits:
    def __init__(self, data):
        self.data, self.position = data, 0

    def bit(self):
        byte, at = divmod(self.position, 8)
        self.position += 1
        return self.data[byte] >> at & 1 if byte < len(self.data) else 0

    def number(self, count):
        return sum(self.bit() << i for i in range(count))

    def zeros(self, limit):
        count = 0
        while count < limit and not self.bit():
            count += 1
        return count

    def bytes_used(self):
        return (self.position + 7) // 8

    def padded(self):
        return self.number(-self.position % 8) == 0


def floor_log2(value):
    return value.bit_length() - 1


class Events:
    def __init__(self, bits, mean):
        self.bits, self.mean = bits, mean

    def gap(self):
        k = floor_log2(max(self.mean, 8)) - 3
        q = self.bits.zeros(16)
        gap = self.bits.number(16) if q == 16 else q << k | self.bits.number(k)
        if gap:
            self.mean += gap - self.mean // 8
        return gap

    def kind(self):
        ones = 0
        while ones < 4 and self.bits.bit():
            ones += 1
        return ["jitter", "contact", "shift", "mark", "presence"][ones]

    def offset(self):
        negative = self.bits.bit()
        b = self.bits.zeros(32)
        check(b < 32, "malformed")
        size = 1 << b | self.bits.number(b)
        return -size if negative else size


ORDER = ["shift", "jitter", "contact", "mark", "presence"]


class Column:
    def __init__(self, header, maximum):
        self.means = [48 << (header >> 4)] * 2
        self.maximum = maximum
        self.predictor = header & 15
        self.level = self.first = None
        self.trend = 0
        self.miss = 0

    def predict_by(self, predictor):
        if predictor != self.predictor and self.level is not None:
            self.trend = 0
            self.level = min(max(self.level, 0), 64 * self.maximum)
        self.predictor = predictor

    def quotient(self, bits):
        return None if self.level is None else bits.zeros(16)

    def value(self, bits, quotient, contact):
        if quotient is None:
            x = bits.number(14)
            check(x <= self.maximum, "range")
            self.first = x
            return x
        mean = self.means[contact]
        k = floor_log2(max(mean, 32)) - 5
        expected = self.level + self.trend
        if quotient == 16:
            x = bits.number(14)
            weight = min(16 << k, 65535)
        else:
            weight = quotient << k | bits.number(k)
            above, same = -(-expected // 64), weight % 2 == -expected // 32 % 2
            x = above + weight // 2 if same else above - 1 - weight // 2
        check(0 <= x <= self.maximum, "range")
        self.means[contact] = mean + weight - mean // 32
        self.miss = 64 * x - expected
        return x

    def learn(self, kick):
        if self.first is not None:
            self.level, self.first = 64 * self.first, None
            return
        a, b, c = PREDICTORS[self.predictor]
        expected = self.level + self.trend
        self.level = expected + self.miss * a // 64
        self.trend = (self.trend * c + self.miss * b + kick) // 64


class BlockReader:
    """Reads the blocks of a record in order; block() returns the samples of one, each a list
    t, depth, rate, current, contact, pass, zone."""

    def __init__(self):
        self.crc = None

    def begin(self, data):
        """What an independent block begins with stands in its header."""
        count, self.clock, self.period = u16(data, 2), u32(data, 4), u16(data, 8)
        check(count <= 36000 and 5 <= self.period <= 1000, "range")
        check(data[1] < 128, "malformed")
        self.columns = [Column(data[12 + i], MAXIMA[i]) for i in range(3)]
        self.present = [data[1] >> i & 1 for i in range(3)]
        self.contact, self.passes, self.zone = data[1] >> 3 & 1, data[10], data[11]
        self.coupling = COUPLINGS[data[1] >> 4]
        self.time, self.gap_mean = 0, 512
        return count, data[15:-4]

    def go_on(self, data):
        count = u16(data, 1)
        choice = u16(data, 3)
        check(count <= 36000, "range")
        check(choice < 1 << 15, "malformed")
        for i, column in enumerate(self.columns):
            column.predict_by(choice >> 4 * i & 15)
        self.coupling = COUPLINGS[choice >> 12]
        return count, data[5:-4]

    def block(self, data):
        chained, before, self.crc = data[:1] == b"\x02", self.crc, None
        check(len(data) >= (9 if chained else 19), "truncated")
        check(not chained or before is not None, "orphan")
        crc = crc32c(data[:-4], before if chained else 0)
        check(crc == u32(data, len(data) - 4), "crc")
        check(data[0] in (1, 2), "unknown")
        count, payload = self.go_on(data) if chained else self.begin(data)
        values, events = Bits(payload), Events(Bits(payload[::-1]), self.gap_mean)
        next_event = events.gap() if count else 0
        check(not count or next_event or chained, "malformed")
        samples = []
        for index in range(count):
            next_event = self.events_at(index, next_event, events)
            check(next_event <= count, "malformed")
            samples.append(self.sample(values))
        check(values.bytes_used() + events.bits.bytes_used() == len(payload), "malformed")
        check(values.padded() and events.bits.padded(), "malformed")
        self.gap_mean, self.crc = events.mean, crc
        return samples

    def events_at(self, index, next_event, events):
        self.jitter, last = 0, -1
        while index == next_event:
            kind = events.kind()
            check(ORDER.index(kind) > last, "malformed")
            last = ORDER.index(kind)
            if kind == "shift":
                self.clock += events.offset()
            elif kind == "jitter":
                self.jitter = events.offset()
            elif kind == "contact":
                self.contact ^= 1
            elif kind == "mark":
                self.passes, self.zone = events.bits.number(8), events.bits.number(8)
            else:
                self.present = [events.bits.bit() for _ in range(3)]
            next_event += events.gap()
        return next_event

    def sample(self, values):
        time = self.clock + self.jitter
        check(self.time <= time < 1 << 32, "malformed")
        quotients = [c.quotient(values) if p else None for c, p in zip(self.columns, self.present)]
        numbers = [c.value(values, q, self.contact) if p else "-"
                   for c, q, p in zip(self.columns, quotients, self.present)]
        depth, rate, current = self.columns
        kick = self.coupling * current.miss if self.present[2] and current.first is None else 0
        for column, p in zip(self.columns, self.present):
            if p:
                column.learn(kick if column is rate else 0)
        self.time = time
        self.clock += self.period
        return [time, *numbers, self.contact, self.passes, self.zone]


# ---- record ----

def read_varint(data, at):
    value = 0
    for i in range(10):
        check(at + i < len(data), "truncated")
        value |= (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            return value & (1 << 64) - 1, at + i + 1
    raise Bad("malformed")


def read_message(data):
    """Fields as {number: [values]}."""
    fields, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        check(0 < number < 1 << 29 and wire in (0, 1, 2, 5), "malformed")
        if wire == 0:
            value, at = read_varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(wire)
            if size is None:
                size, at = read_varint(data, at)
            check(size <= len(data) - at, "truncated")
            value, at = data[at:at + size], at + size
        fields.setdefault(number, []).append(value)
    return fields


def number(fields, field, low, high, missing=0):
    value = fields.get(field, [missing])[-1]
    check(isinstance(value, int), "malformed")
    check(low <= value <= high, "range")
    return value


def text(fields, field, low, high):
    value = fields.get(field, [b""])[-1]
    check(isinstance(value, bytes), "malformed")
    check(len(value) <= high, "range")
    check(len(value) >= low and all(0x20 <= c <= 0x7E for c in value), "malformed")
    return value.decode("ascii")


def exactly(fields, field, size):
    value = fields.get(field, [b""])[-1]
    check(isinstance(value, bytes), "malformed")
    check(len(value) == size, "range")
    return value


U32 = (1 << 32) - 1
DAY = 24 * 3600 * 1000


def known(fields, field, high):
    return number(fields, field, 0, high) if field in fields else "-"


def inner(fields, field):
    check(field in fields, "malformed")
    return read_message(b"".join(fields[field]))


def read_session(fields):
    depths = known(fields, 9, 5000), known(fields, 10, 5000)
    result = {
        "session_no": number(fields, 1, 1, U32), "part": number(fields, 2, 0, 65535),
        "last": number(fields, 3, 0, 1), "period_ms": number(fields, 4, 5, 1000),
        "duration_ms": number(fields, 5, 0, DAY), "motor_on_ms": number(fields, 6, 0, DAY),
        "strokes": number(fields, 7, 0, U32), "sample_count": number(fields, 8, 0, 17_280_000),
        "set_depth_min_um": depths[0], "set_depth_max_um": depths[1],
        "set_rate_dhz": known(fields, 11, 5000), "needles": number(fields, 12, 0, 100),
        "cartridge_uid": fields.get(13, [b""])[-1].hex(),
    }
    check(len(result["cartridge_uid"]) <= 32, "range")
    if 14 in fields:
        result["session_tag"] = exactly(fields, 14, 8).hex()
    check("-" in depths or depths[0] <= depths[1], "malformed")
    return result


def read_event(fields):
    result = {"event_no": number(fields, 1, 0, U32), "code": number(fields, 2, 0, 65535),
              "arg": number(fields, 3, 0, U32), "severity": number(fields, 4, 0, 3)}
    utc = number(fields, 5, 0, (1 << 48) - 1), number(fields, 6, 0, U32)
    check(utc[0] or not utc[1], "malformed")
    if utc[0]:
        result.update(utc_ms=utc[0], utc_uncertainty_ms=utc[1])
    return result


def read_statement(data):
    """Version 1 of a seal's statement; None for others."""
    check(len(data) >= 2, "truncated")
    if data[0] != 1:
        return None
    size = data[1]
    check(1 <= size <= 32, "range")
    check(len(data) >= size + 70, "truncated")
    check(len(data) == size + 70 and all(0x20 <= c <= 0x7E for c in data[2:2 + size]), "malformed")
    result = {"serial": data[2:2 + size].decode("ascii")}
    for i, key in enumerate(("epoch", "number", "session_no", "first", "last", "records", "written")):
        result[key] = u32(data, 2 + size + 4 * i)
    result["counter"] = int.from_bytes(data[30 + size:38 + size], "little")
    result["prev_hash"] = data[38 + size:].hex()
    check(result["epoch"] and result["number"] and result["counter"], "range")
    check(result["written"] < result["number"], "malformed")
    check((result["written"] == 0) == (result["prev_hash"] == "00" * 32), "malformed")
    if not result["session_no"]:
        check(not (result["first"] or result["last"] or result["records"]), "malformed")
        return result
    check(result["first"] and result["records"], "range")
    check(result["first"] <= result["last"] < result["number"], "malformed")
    check(result["records"] <= result["last"] - result["first"] + 1, "malformed")
    check(result["records"] <= result["written"], "malformed")
    return result


def read_seal(fields, head):
    statement = fields.get(1, [b""])[-1]
    check(isinstance(statement, bytes), "malformed")
    check(1 <= len(statement) <= 128, "range")
    signature, key_id = exactly(fields, 2, 64), exactly(fields, 3, 8)
    result = {"statement": statement.hex(), "signature": signature.hex(), "key_id": key_id.hex()}
    told = read_statement(statement)
    if told:
        check(all(told[key] == head[key] for key in ("serial", "epoch", "number")), "malformed")
        check(told["prev_hash"] == head.get("prev_hash", "00" * 32), "malformed")
        for key in ("session_no", "first", "last", "records", "written", "counter"):
            result[key] = told[key]
    return result


def read_record(data):
    check(len(data) >= 5, "truncated")
    check(len(data) <= 1 << 20, "range")
    check(crc32c(data[:-4]) == u32(data, len(data) - 4), "crc")
    fields = read_message(data[:-4])
    result = {
        "serial": text(fields, 1, 1, 32), "epoch": number(fields, 2, 1, U32),
        "number": number(fields, 3, 1, U32), "boot_id": number(fields, 4, 0, U32),
        "start_tick_ms": number(fields, 5, 0, (1 << 48) - 1), "type": number(fields, 6, 1, 255),
        "schema_rev": number(fields, 7, 1, 65535), "firmware": text(fields, 8, 0, 32),
    }
    if 12 in fields:
        result["prev_hash"] = exactly(fields, 12, 32).hex()
    check(result["type"] in (1, 2, 3), "unknown")
    if result["type"] == 1:
        result.update(read_session(inner(fields, 9)))
    elif result["type"] == 2:
        result.update(read_event(inner(fields, 10)))
    else:
        result.update(read_seal(inner(fields, 13), result))
    blocks = fields.get(11, [])
    check(result["type"] == 1 or not blocks, "malformed")
    reader = BlockReader()
    times = [sample[0] for block in blocks for sample in reader.block(block)]
    check(times == sorted(times), "malformed")
    check(len(times) == result.get("sample_count", 0), "malformed")
    result["blocks"] = len(blocks)
    return result


# ---- the files ----

def say_crc(data):
    return f"{crc32c(data):08x}"


def say_samples(reader, data):
    samples = reader.block(data)
    return "; ".join([f"ok period={reader.period}"] + [",".join(map(str, s)) for s in samples])


def say_record(data):
    return " ".join(["ok"] + [f"{key}={value}" for key, value in read_record(data).items()])


def say_block(lines):
    reader = BlockReader()
    for title, data in lines:
        # Blocks named after- go on after the line before them.
        if not title.startswith("after-"):
            reader = BlockReader()
        yield title, lambda data=data, reader=reader: say_samples(reader, data)


class ChainReader:
    """The vectors named chain- are what one pen wrote, in order, sealed with the test key."""

    def __init__(self):
        seed = hashlib.sha256(b"stipple test key").digest()
        self.key = nacl.signing.SigningKey(seed).verify_key if nacl else None
        self.before = None

    def take(self, data):
        record = read_record(data)
        hashed = hashlib.sha256(self.before).hexdigest() if self.before else None
        check(record.get("prev_hash") == hashed, "another record's hash")
        self.before = data
        if record["type"] == 3 and self.key:
            check(record["key_id"] == hashlib.sha256(bytes(self.key)).hexdigest()[:16], "another key's id")
            try:
                self.key.verify(b"Stipple seal 1\0" + bytes.fromhex(record["statement"]),
                                bytes.fromhex(record["signature"]))
            except nacl.exceptions.BadSignatureError:
                raise Bad("the signature does not hold") from None
        return say_record(data)


def say_records(lines):
    chain = ChainReader()
    for title, data in lines:
        yield title, lambda data=data, say=chain.take if title.startswith("chain-") else say_record: say(data)


def say_message(read, data):
    source = Bytes(data)
    source.ignored = False
    words = [key if value is None else f"{key}={value}" for key, value in read(source).items()]
    # Only what is written as it was read is plainly ok.
    return " ".join(["ok-but" if source.left() or source.ignored else "ok"] + words).rstrip()


MESSAGES = {**control_points.READERS, **pen_values.READERS}


def sayings(name, lines):
    """For each line its title, and what says what the bytes are."""
    if name == "telemetry-block":
        yield from say_block(lines)
        return
    if name == "record":
        yield from say_records(lines)
        return
    if name in MESSAGES:
        say = lambda data: say_message(MESSAGES[name], data)  # noqa: E731
    else:
        say = say_crc
    for title, data in lines:
        yield title, lambda data=data: say(data)


def agree(found, expectation):
    """ok-longer and the like say that the bytes are not what would be written; why is up to the vector."""
    if found.startswith("ok-but") or re.match(r"ok-(shorter|window)\b", expectation):
        return re.match(r"ok-", expectation) and found.split()[1:] == expectation.split()[1:]
    return found == expectation


def read_file(path):
    lines, expectations = [], []
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            title, hexes, expectation = (part.strip() for part in line.split("|"))
            lines.append((title, bytes.fromhex(hexes)))
            expectations.append(expectation)
    failures = 0
    for (title, say), expectation in zip(sayings(path.stem, lines), expectations):
        try:
            found = say()
        except Bad as bad:
            found = str(bad)
        if not agree(found, expectation):
            failures += 1
            print(f"{path.stem}: {title}: found {found!r} where {expectation!r} was expected")
    print(f"{path.stem}: {len(lines)} vectors")
    return failures + (not lines)


def strays(folder, tests):
    """Files that nobody reads: a vector without a reader proves nothing."""
    c_tests = "".join(path.read_text() for path in tests.glob("test-*.c"))
    for path in sorted(folder.iterdir()):
        if path.suffix != ".txt" or path.stem not in {*MESSAGES, "crc32c", "record", "telemetry-block"}:
            yield f"{path.name}: no reader here"
        elif not re.search(r'"%s(\.txt)?"' % re.escape(path.stem), c_tests):
            yield f"{path.name}: no C test reads it"


def main():
    folder, tests = map(Path, sys.argv[1:])
    lost = list(strays(folder, tests))
    print("\n".join(lost))
    sys.exit(1 if lost or sum(map(read_file, sorted(folder.glob("*.txt")))) else 0)


if __name__ == "__main__":
    main()
