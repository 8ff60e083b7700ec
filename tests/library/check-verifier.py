#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-verifier.py VERIFIER VECTORS: the example verifier and the chained records of the golden vectors.

It finds them whole, and each thing that can be done to them.
"""
import pathlib
import subprocess
import sys
import tempfile

KEY = "69feeaca4a7495f4ecee97a4f785a3b911472f57f23c154ae18b8aa68c5b0a08"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def forged(raw):
    """Another firmware, and a checksum that holds: what a forger without the key can do."""
    message = raw[:-4].replace(b"2.4.1", b"2.4.2")
    return message + crc32c(message).to_bytes(4, "little")


def chain(vectors):
    """The records named chain-NUMBER..., by number."""
    found = {}
    for line in pathlib.Path(vectors).read_text().splitlines():
        if line.startswith("chain-"):
            name, raw = line.split("|")[:2]
            found[int(name.split("-")[1])] = bytes.fromhex(raw)
    return found


def main(verifier, vectors):
    failures = []

    def expect(what, records, code, *words, key=KEY):
        with tempfile.TemporaryDirectory() as place:
            names = []
            for number, raw in records.items():
                names.append(pathlib.Path(place) / ("DP-1-%d.record" % number))
                names[-1].write_bytes(raw)
            done = subprocess.run([verifier, key, *reversed(names)], capture_output=True, text=True,
                                  timeout=60)
        if done.returncode != code or not all(word in done.stdout for word in words):
            failures.append("%s: %d\n%s%s" % (what, done.returncode, done.stdout, done.stderr))

    whole = chain(vectors)
    without = {number: raw for number, raw in whole.items() if number != 3}
    altered = dict(whole)
    altered[2] = altered[2][:20] + bytes([altered[2][20] ^ 1]) + altered[2][21:]
    expect("all of them", whole, 0, "6 records, 5 of them vouched for by 2 seals", "0 records are lacking",
           "4.record: linked, seal good, session")
    expect("without the last seal", {n: r for n, r in whole.items() if n < 7}, 0, "1 follow the last seal")
    expect("one is missing", without, 1, "gap, 3 to 3 are missing")
    expect("one was altered", altered, 1, "2.record: damaged")
    expect("one was forged", {**whole, 2: forged(whole[2])}, 1, "3.record: broken", "seal short")
    expect("another key", whole, 1, "seal wrong-key", key="00" * 32)
    expect("no seal", {1: whole[1]}, 1, "0 seals")
    expect("a key that is too short", whole, 64, key=KEY[2:])
    if failures:
        sys.exit("does not hold:\n" + "\n".join(failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
