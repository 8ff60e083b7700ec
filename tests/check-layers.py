#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-layers.py TREE: does the code keep to the floors of the house?

    0 proto  1 libprotocol  2 daemon/core  3 daemon/link, daemon/store
    4 daemon/sync  5 daemon/bus  6 daemon/main.c, cli

and libprotocol has floors of its own:

    1.1 base  1.2 telemetry  1.3 gatt  1.4 record  1.5 device  1.6 pen, host

A file includes its own folder's headers and those of lower floors, never a higher
floor's nor a neighbour's on the same floor; cli never includes the daemon; tests may
include all and nobody includes tests.  A public header of the library belongs to the room
that has the .c of its name, or its name; the library's other headers are for its own rooms.
No file includes itself by a detour, and what ships has no module (a .c with its .h) that
depends on itself by one.  libprotocol does without GLib and
without the operating system, SQLite is known in daemon/store alone.  File names are
unique, files have 600 lines at most.  Prints one line per breach and exits 1.
"""
import collections
import pathlib
import re
import sys

FLOORS = {
    "proto": 0, "libprotocol/base": 1.1, "libprotocol/telemetry": 1.2, "libprotocol/gatt": 1.3,
    "libprotocol/record": 1.4, "libprotocol/device": 1.5, "libprotocol/pen": 1.6, "libprotocol/host": 1.6,
    "libprotocol/include": 1.7, "daemon/core": 2, "daemon/link": 3, "daemon/store": 3,
    "daemon/sync": 4, "daemon/bus": 5, "daemon/main.c": 6, "cli": 6,
}
LIBRARY, PUBLIC = "libprotocol", "libprotocol/include"
TESTS = ("tests", "libprotocol/examples")
MAX_LINES = 600
LONG_KINDS = {".c", ".h", ".py", ".sh", ""}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Foreign headers that only some rooms may know; the others are free.
FOREIGN = [
    (re.compile(r"sqlite3"), lambda room: room == "daemon/store",
     "SQLite is known in daemon/store and nowhere else"),
    (re.compile(r"(glib|gio|gobject|gmodule|json-glib)\b"), lambda room: not room.startswith(LIBRARY),
     "libprotocol does without GLib"),
    (re.compile(r"(unistd|fcntl|poll|pthread|time|signal)\.h$|sys/"), lambda room: not room.startswith(LIBRARY),
     "libprotocol does no I/O and knows no clock, thread or descriptor"),
]


def room_of(path):
    """The part of the house a file is in: a key of FLOORS, one of TESTS, or None."""
    name = path.as_posix()
    for room in (*TESTS, *FLOORS):
        if name == room or name.startswith(room + "/"):
            return room
    return None


def may_include(room, other):
    """Whether a file of one room may include a header of another."""
    if room in TESTS or room == other:
        return True
    if other not in FLOORS or FLOORS[other] >= FLOORS[room]:
        return False
    return not (room == "cli" and other.startswith("daemon/"))


def source_files(tree):
    """The files of the project, without hidden and build directories."""
    todo = [tree]
    while todo:
        here = todo.pop()
        for path in sorted(here.iterdir()):
            if path.name.startswith(".") or path.is_symlink():
                continue
            if path.is_dir():
                if not (path / "build.ninja").exists() and path != tree / "build":
                    todo.append(path)
            else:
                yield path.relative_to(tree)


def cycles(graph):
    """A path round each knot of nodes that reach themselves (Tarjan)."""
    index, low, stack, knots = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            knot = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(knot) > 1 or node in graph[node]:
                knots.append(knot)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return knots


class House:
    def __init__(self, tree):
        self.tree = tree
        files = list(source_files(tree))
        self.code = [f for f in files if f.suffix in (".c", ".h")]
        self.long = [f for f in files if f.suffix in LONG_KINDS]
        self.by_name = collections.defaultdict(list)
        for f in self.code:
            self.by_name[f.name].append(f)
        self.rooms = {f: self.place(f) for f in self.code}
        self.breaches = []

    def breach(self, path, text):
        self.breaches.append("%s: %s" % (path, text))

    def place(self, path):
        """The room of a file; of a public header the one where its work is done, where there is one."""
        room = room_of(path)
        if room != PUBLIC:
            return room
        doers = [room_of(f) for f in self.by_name.get(path.stem + ".c", []) if f.parts[0] == LIBRARY]
        named = LIBRARY + "/" + path.stem
        return next((r for r in (*doers, named) if r in FLOORS), PUBLIC)

    def includes(self, path):
        """(spelling, file in the tree or None) of each include."""
        for _, spelling in INCLUDE.findall((self.tree / path).read_text(errors="replace")):
            found = [f for f in self.by_name.get(pathlib.PurePath(spelling).name, [])
                     if f.as_posix().endswith(spelling.lstrip("./"))]
            # Of two with one name, which is a breach of its own, the nearest is meant.
            found.sort(key=lambda f: (f.parent != path.parent, not may_include(self.rooms[path], self.rooms[f])))
            yield spelling, found[0] if found else None

    def check_names(self):
        for name, places in self.by_name.items():
            for extra in places[1:]:
                self.breach(extra, "there is a %s in %s too; name each for its one job" % (name, places[0].parent))

    def check_lengths(self):
        for path in self.long:
            lines = (self.tree / path).read_bytes().count(b"\n")
            if lines > MAX_LINES:
                self.breach(path, "%d lines, more than %d; it probably has two jobs" % (lines, MAX_LINES))

    def check_includes(self):
        files, modules = collections.defaultdict(set), collections.defaultdict(set)
        for path in self.code:
            room = self.rooms[path]
            if room is None:
                self.breach(path, "in no room of the house; see FLOORS in tests/check-layers.py")
                continue
            files[path], modules[path.with_suffix("")]
            for spelling, target in self.includes(path):
                if target is None:
                    self.check_foreign(path, room, spelling)
                    continue
                files[path].add(target)
                if room not in TESTS and target.with_suffix("") != path.with_suffix(""):
                    modules[path.with_suffix("")].add(target.with_suffix(""))
                other = self.rooms[target]
                if not may_include(room, other):
                    self.breach(path, "includes %s, but %s may not use %s" % (target, room, other or "that"))
                elif path.parts[0] != LIBRARY and room not in TESTS and (
                        target.parts[0] == LIBRARY and room_of(target) != PUBLIC):
                    self.breach(path, "includes %s, which is the library's own; use a header of %s" % (target, PUBLIC))
        for knot in cycles(files):
            self.breach(knot[0], "includes itself by way of " + ", ".join(map(str, knot[1:])))
        for knot in cycles(modules):
            if not any(set(k) <= {m.with_suffix(s) for m in knot for s in (".c", ".h")} for k in cycles(files)):
                self.breach(knot[0], "module depends on itself by way of " + ", ".join(map(str, knot[1:])))

    def check_foreign(self, path, room, spelling):
        if room in TESTS:
            return
        for pattern, allowed, why in FOREIGN:
            if pattern.match(spelling) and not allowed(room):
                self.breach(path, "includes <%s>: %s" % (spelling, why))

    def check(self):
        self.check_names()
        self.check_lengths()
        self.check_includes()
        return self.breaches


if __name__ == "__main__":
    found = House(pathlib.Path(sys.argv[1])).check()
    for line in found:
        print(line)
    print("%d breaches" % len(found) if found else "the house is in order")
    sys.exit(bool(found))
