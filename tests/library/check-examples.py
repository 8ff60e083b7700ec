#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-examples.py PEN COLLECTOR DECODER: the three examples together.

The collector fetches what the pen recorded, the decoder prints what went in; a second run
fetches only what is missing, and a damaged file is refused.
"""
import pathlib
import subprocess
import sys
import tempfile

SESSIONS, SAMPLES, PERIOD_MS = 3, 500, 20


def expected(session):
    """What measure() of example-pen.c yields."""
    return ["EXAMPLE-0001,1,%d,%d,%d,1200,%d,%d,1,%d"
            % (session, i * PERIOD_MS, 500 + i % 50 * 10, 150 + i % 7, i % 100 < 80, session)
            for i in range(SAMPLES)]


def check(condition, *words):
    if not condition:
        sys.exit(" ".join(map(str, ("does not hold:", *words))))


def collect(collector, pen, folder):
    done = subprocess.run([collector, pen], cwd=folder, timeout=60, capture_output=True, text=True)
    check(done.returncode == 0, "the collector ended well", done.stderr[-400:])
    return sorted(path.name for path in folder.iterdir())


def decode(decoder, *files):
    return subprocess.run([decoder, *files], capture_output=True, text=True, timeout=60)


# Between a collector and PEN: what it lets through is not what its records say of themselves.
IMPOSTOR = """#!%s
import select, socket, subprocess
host = socket.socket(fileno=0)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
pen = subprocess.Popen([%r], stdin=theirs)
theirs.close()
while True:
    for end in select.select([host, ours], [], [])[0]:
        datagram = end.recv(600)
        if not datagram:
            ours.close()
            pen.wait()
            raise SystemExit
        if end is host:
            ours.send(%s)
        else:
            host.send(%s)
"""
LIES = {
    "another pen": ("datagram", 'b"SANOTHER-1" if datagram[:1] == b"S" else datagram'),
    # GET_STATE tells of epoch 9; LIST and READ ask the pen for its own.
    "another epoch": (
        r'datagram[:3] + b"\1\0\0\0" + datagram[7:] if datagram[:2] in (b"C\x12", b"C\x13") else datagram',
        r'datagram[:4] + b"\x09\0\0\0" + datagram[8:] if datagram[:2] == b"C\x91" else datagram'),
    # GET_STATE tells of 4 billion records: neither asked for one by one, nor given up one by one.
    "an endless log": (
        "datagram",
        r'datagram[:12] + b"\xff\xff\xff\xff" + datagram[16:] if datagram[:2] == b"C\x91" else '
        r'b"SANOTHER-1" if datagram[:1] == b"S" else datagram'),
}


def main(pen, collector, decoder, folder):
    names = ["EXAMPLE-0001-1-%d.record" % session for session in range(1, SESSIONS + 1)]
    check(collect(collector, pen, folder) == names, "all records came")
    times = [(folder / name).stat().st_mtime_ns for name in names]
    for session, name in enumerate(names, 1):
        done = decode(decoder, folder / name)
        check(done.returncode == 0 and done.stdout.splitlines()[1:] == expected(session),
              name, "holds what was measured", done.stderr, done.stdout[:400])

    (folder / names[1]).unlink()
    check(collect(collector, pen, folder) == names, "what was missing came")
    check([(folder / name).stat().st_mtime_ns for name in names[::2]] == times[::2], "the others did not")

    impostor = folder / "impostor"
    for lie, (to_pen, to_host) in LIES.items():
        elsewhere = folder / lie
        impostor.write_text(IMPOSTOR % (sys.executable, pen, to_pen, to_host))
        impostor.chmod(0o700)
        elsewhere.mkdir()
        check([name for name in collect(collector, impostor, elsewhere) if name.endswith(".record")] == [],
              "a record that names", lie, "is not stored")

    raw = bytearray((folder / names[0]).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / names[0]).write_bytes(raw)
    done = decode(decoder, folder / names[0], folder / names[1])
    check(done.returncode == 1 and "checksum" in done.stderr, "the damage is named", done.stderr)
    check(done.stdout.splitlines()[1:] == expected(2), "and stops nothing else")


if __name__ == "__main__":
    programs = [str(pathlib.Path(name).resolve()) for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as place:
        main(*programs, pathlib.Path(place))
