#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-symbols.py LIBRARY.so SONAME INCLUDE: does it export what its headers declare?

Every function declared with STP_API, each with the version of libstipple.map, and
nothing that is not.  The soname is as expected.
"""
import pathlib
import re
import subprocess
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DECLARED = re.compile(r"^STP_API\b[^;(#]*?\b(\w+)\s*\(", re.M)


def declared(include):
    return {name for header in (include / "stipple").glob("*.h")
            for name in DECLARED.findall(COMMENT.sub("", header.read_text()))}


def exported(library):
    """name -> version"""
    table = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                           check=True, capture_output=True, text=True).stdout
    found = {}
    for line in table.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the versions themselves
            name, _, version = name.partition("@")
            found[name] = version.lstrip("@")
    return found


def soname(library):
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    return re.search(r"SONAME.*\[(.*)\]", dynamic).group(1)


def breaches(library, name, include):
    there, wanted = exported(library), declared(include)
    yield from ("%s is declared with STP_API and not exported: is it defined, and its name stp_...?" % missing
                for missing in sorted(wanted - set(there)))
    yield from ("%s is exported, but no public header declares it with STP_API: make it static, or keep"
                " STP_API off it" % extra for extra in sorted(set(there) - wanted))
    yield from ("%s has no version; libstipple.map was not used" % plain
                for plain, version in sorted(there.items()) if not version.startswith("STP_"))
    if soname(library) != name:
        yield "the soname is %s, not %s" % (soname(library), name)
    if not wanted:
        yield "no header declares anything; is %s the right folder?" % include


if __name__ == "__main__":
    lines = list(breaches(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])))
    print("\n".join(lines))
    sys.exit(bool(lines))
