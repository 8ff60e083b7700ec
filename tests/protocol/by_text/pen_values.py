# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What is read, notified or advertised as one value, as proto/WIRE.md has it."""

from . import check, is_text, known

SEVERITIES = ("info", "caution", "warning", "fault")


def features(source):
    found = {"rev": source.number(2), "features": source.number(4), "window": source.number(1),
             "period": source.number(2), "capacity": source.number(4), "slots": source.number(1),
             "bond": source.number(1), "flags": source.number(1)}
    spare = source.take(4)
    check(found["rev"] and 1 <= found["window"] <= 128 and 5 <= found["period"] <= 1000, "range")
    source.ignored = any(spare)
    return found


def advert(source):
    first = source.number(1)
    check(first >> 4 == 1, "unknown")
    found = {"flags": first & 15, "news": source.number(1), "newest": source.number(4),
             "boot": source.number(2), "battery": source.number(1), "epoch": source.number(1)}
    source.ignored = 100 < found["battery"] < 255
    found["battery"] = min(found["battery"], 255) if found["battery"] <= 100 else 255
    return found


def elapsed_time(source):
    flags, value, origin, zone = (source.number(size) for size in (1, 6, 1, 1))
    check(not source.left(), "malformed")
    zone -= 256 if zone > 127 else 0
    if not flags & 16 or not -48 <= zone <= 56:
        source.ignored, zone = zone != 0 or flags & 16, -128
    source.ignored = source.ignored or flags & 0xC0
    words = [word for bit, word in ((1, "tick"), (2, "utc")) if flags & bit]
    found = {word: None for word in words}
    found.update(unit=(1000000, 100000, 1000, 100)[flags >> 2 & 3], value=value, source=origin, zone=zone)
    if flags & 32:
        found["current"] = None
    return found


def live(source):
    found = {"seq": source.number(1), "flags": source.number(1), "tick": source.number(4)}
    numbers = [source.number(size) for size in (2, 2, 2, 2, 1, 1, 2, 2)]
    for name, most in (("set_depth", 5000), ("depth", 5000), ("set_rate", 5000), ("rate", 5000)):
        found[name] = known(numbers.pop(0), most)
    found["zone"], found["pass"] = numbers[:2]
    found["current"], found["strokes"] = known(numbers[2], 10000), numbers[3]
    return found


def event(source):
    names = ("event:4", "tick:4", "boot:4", "code:2", "arg:4", "severity:1", "flags:1")
    found = {}
    for name, size in (each.split(":") for each in names):
        found[name] = source.number(int(size))
    check(found["boot"] < 1 << 24 and found["severity"] < 4, "range")
    found["severity"] = SEVERITIES[found["severity"]]
    return found


def counted(source, most):
    size = source.number(1)
    check(size <= most, "range")
    return source.take(size)


def cartridge(source):
    check(len(source.data) >= 10, "truncated")
    check(len(source.data) <= 128, "range")
    found = {name: source.number(1) for name in ("state", "flags", "needles", "gauge")}
    length, found["uses"] = source.number(2), source.number(2)
    uid, udi = counted(source, 16), counted(source, 96)
    check(found["needles"] <= 100 and (not found["gauge"] or 30 <= found["gauge"] <= 34), "range")
    found = {**found, "length": known(length, 5000), "uid": uid.hex()}
    check(is_text(udi), "malformed")
    return {**{k: found[k] for k in ("state", "flags", "needles", "gauge", "length", "uses", "uid")},
            "udi": udi.decode("ascii")}


def check_setting(tag, value):
    size = {2: 1, 3: 2, 4: 1, 5: 1, 6: 1}.get(tag, len(value))
    check(len(value) == size, "range")
    number = int.from_bytes(value, "little")
    check(tag != 1 or is_text(value), "malformed")
    check(tag != 3 or 5 <= number <= 1000, "range")
    check(tag != 4 or 1 <= number <= 50, "range")


def configuration(source):
    check(len(source.data) <= 128, "range")
    found, before = {"revision": source.number(2)}, 0
    while source.left():
        tag, size = source.number(1), source.number(1)
        check(size <= 15, "malformed")
        value = source.take(size)
        check(tag > before, "malformed")
        check_setting(tag, value)
        found[str(tag)], before = value.hex(), tag
    return found


def diagnostics(source):
    check(source.number(1) == 1, "unknown")
    count = source.number(1)
    check(count <= 102, "range")
    counters = [(source.number(1), source.number(4)) for _ in range(count)]
    ids = [0] + [each[0] for each in counters]
    check(all(a < b for a, b in zip(ids, ids[1:])), "malformed")
    # The vectors show no more than twenty.
    return {"count": count, **{str(name): value for name, value in counters[:20]}}


READERS = {
    "features": features,
    "adverts": advert,
    "elapsed-times": elapsed_time,
    "live": live,
    "events": event,
    "cartridges": cartridge,
    "configurations": configuration,
    "diagnostics": diagnostics,
}
