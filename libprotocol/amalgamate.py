#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""amalgamate.py GENERATED VERSION OUT.c OUT.h DEPENDENCIES: the library as one source file and a header.

GENERATED is stipple.pb-c.c, which has its header beside it; DEPENDENCIES receives the files that
were read, as a rule of make.  Fails when two files of the
library use a name for different things, as one file cannot hold both.
"""
import collections
import pathlib
import posixpath
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"].*$')
LICENCE = re.compile(r"\A/\* SPDX-FileCopyrightText.*?\*/\n", re.S)
GENERATED = ("stipple.pb-c.c", "stipple.pb-c.h")
# What a file defines for itself: functions have their name at the start of the line.
DEFINED = [
    re.compile(r"^static [^;=(]*\n(\w+)\(", re.M),
    re.compile(r"^(?:struct|enum|union) (\w+) \{", re.M),
    re.compile(r"^static [^;=(]*?\b(\w+)(?:\[[^]]*\])* =", re.M),
    re.compile(r"^#define (\w+)", re.M),
]
HEADER = """/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT
 *
 * libstipple %(version)s in one file, made by libprotocol/amalgamate.py from many: change those.
%(more)s */
"""
USAGE = """ *
 * Compile it as C11 or later, with stipple.h beside it.
 *   -DSTIPPLE_PEN_ONLY      what a pen needs: no malloc, memcpy and its kin from libc, no more
 *   -DSTIPPLE_NO_PROTOBUF   all but stp_record_decode() and what takes its result
 * With neither it needs protobuf-c (1.4 or later), its headers and -lprotobuf-c.
"""
# Some callbacks need not all that they are given, and a pen not all that it shares with a host.
BEGIN = """
#include "stipple.h"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
"""
END = """
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
"""
GUARD = {
    "pen": None,
    "host": "#if !defined(STIPPLE_PEN_ONLY)",
    "record": "#if !defined(STIPPLE_PEN_ONLY) && !defined(STIPPLE_NO_PROTOBUF)",
}


class Amalgam:
    def __init__(self, generated):
        self.generated = generated
        self.seen = set()
        self.lines = []
        self.definers = collections.defaultdict(list)

    def place(self, name):
        """Where a file is: a public header, what protoc made, or a file in one of the rooms."""
        if name.startswith("stipple/"):
            return HERE / "include" / name
        return self.generated / name if name in GENERATED else HERE / name

    def add(self, name, inside):
        """A file, with the headers it includes that are not there yet; inside: not in a header of its own."""
        if name in self.seen:
            return
        self.seen.add(name)
        text = self.place(name).read_text()
        if name not in GENERATED and not name.startswith("stipple/"):
            self.note(name, text)
        self.lines += ["", "/* ---- %s ---- */" % name]
        for line in LICENCE.sub("", text).splitlines():
            include = INCLUDE.match(line)
            other = include.group(2) if include else ""
            if include and (include.group(1) == '"' or other.startswith("stipple/")):
                if include.group(1) == '"' and other not in GENERATED:
                    other = posixpath.normpath(posixpath.join(posixpath.dirname(name), other))
                if not (inside and other.startswith("stipple/")):
                    self.add(other, inside)
            else:
                self.lines.append(line)
        if name.endswith(".c") and name not in GENERATED:
            self.lines += ["#undef %s" % macro for macro in DEFINED[3].findall(text)]

    def note(self, name, text):
        for kind, pattern in enumerate(DEFINED):
            for found in set(pattern.findall(text)):
                # A macro of a .c file ends with it, so that two may have one of the same name.
                self.definers[found].append((name, kind == 3 and name.endswith(".c")))

    def clashes(self):
        for name, places in sorted(self.definers.items()):
            if len(places) > 1 and not all(passing for _, passing in places):
                yield '"%s" is a name in %s; the amalgamation is one file, so rename one of them' % (
                    name, " and in ".join(place for place, _ in places))


def header(amalgam, version):
    amalgam.add("stipple/stipple.h", False)
    return "\n".join([HEADER % {"version": version, "more": ""}, *amalgam.lines, ""])


def source(amalgam, version):
    parts = collections.defaultdict(list)
    for line in (HERE / "sources.txt").read_text().splitlines():
        if line.split() and not line.startswith("#"):
            part, name = line.split()
            parts[part].append(name)
    amalgam.lines.append(BEGIN)
    for part, guard in GUARD.items():
        amalgam.lines += ["", guard] if guard else []
        if part == "record":
            # The generated code asserts; the library never ends a program.
            amalgam.lines += ["#ifndef NDEBUG", "#define NDEBUG", "#endif"]
            amalgam.add("stipple.pb-c.c", True)
        for name in parts[part]:
            amalgam.add(name, True)
        amalgam.lines += ["", "#endif"] if guard else []
    amalgam.lines.append(END)
    found = list(amalgam.clashes())
    if found:
        sys.exit("\n".join(found))
    return "\n".join([HEADER % {"version": version, "more": USAGE}, *amalgam.lines, ""])


def main(generated, version, out_c, out_h, dependencies):
    code, declarations = Amalgam(pathlib.Path(generated).parent), Amalgam(pathlib.Path(generated).parent)
    pathlib.Path(out_c).write_text(source(code, version))
    pathlib.Path(out_h).write_text(header(declarations, version))
    read = {str(code.place(name)) for name in code.seen | declarations.seen} | {str(HERE / "sources.txt")}
    pathlib.Path(dependencies).write_text("%s: %s\n" % (out_c, " ".join(sorted(read))))


if __name__ == "__main__":
    main(*sys.argv[1:])
