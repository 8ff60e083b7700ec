#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-freestanding.py LIBPROTOCOL GENERATED CC...: what each part of the library needs.

Compiles every file for a machine without an operating system and looks at the objects:
the pen's part links by itself and lacks only what every C compiler expects to find, the
host's part takes malloc beside that, reading records takes protobuf-c.  Nothing prints, exits,
or asks for the time.  No file has data that could be written: there is no global state.
GENERATED is the folder with stipple.pb-c.c.
"""
import collections
import pathlib
import subprocess
import sys
import tempfile

BARE = {"memcpy", "memset", "memmove", "memcmp"}
HEAP = {"malloc", "calloc", "realloc", "free"}
# What the compiler itself provides, on some machines: libgcc's arithmetic and the like.
COMPILER = ("__aeabi_", "__udiv", "__umod", "__div", "__mod", "__mul", "__clz", "__ctz", "__popcount",
            "__ashl", "__lshr", "_GLOBAL_OFFSET_TABLE_")
# The pen's part never touches the heap, so a part may lack what stands here, and other parts' names.
MAY_LACK = {"pen": BARE, "host": BARE | HEAP, "record": BARE | HEAP | {"strlen"}}
WRITABLE = (".data", ".bss", ".tdata", ".tbss")
FLAGS = ["-std=c11", "-Os", "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-U_FORTIFY_SOURCE",
         "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-ffunction-sections", "-fdata-sections"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(command), done.stdout + done.stderr))
    return done.stdout


def parts(folder):
    found = collections.defaultdict(list)
    for line in (folder / "sources.txt").read_text().splitlines():
        if line.split() and not line.startswith("#"):
            part, name = line.split()
            found[part].append(folder / name)
    return found


def lacking(objects, work):
    """The names that these objects together leave to others."""
    whole = work / "whole.o"
    run("ld", "-r", "-o", str(whole), *map(str, objects))
    return {line.split()[-1] for line in run("nm", "-u", str(whole)).splitlines()}


def writable(path):
    """Sections of an object that can be written to when it runs, with their size."""
    for line in run("size", "-A", str(path)).splitlines()[2:]:
        words = line.split()
        if len(words) == 3 and int(words[1]) > 0:
            name = words[0]
            if any(name == w or name.startswith(w + ".") for w in WRITABLE) and ".rel.ro" not in name:
                yield name, int(words[1])


def check(folder, generated, cc, work):
    objects, all_parts = collections.defaultdict(list), parts(folder)
    all_parts["record"].append(generated / "stipple.pb-c.c")
    for part, files in all_parts.items():
        for source in files:
            target = work / (source.stem + ".o")
            quiet = ["-w", "-DNDEBUG"] if source.parent == generated else []
            # protobuf-c's own header wants a hosted compiler.
            hosted = ["-fhosted"] if part == "record" else []
            run(*cc, *FLAGS, *hosted, *quiet, "-I" + str(folder / "include"), "-I" + str(generated),
                "-c", str(source), "-o", str(target))
            objects[part].append(target)
            for name, size in writable(target):
                yield "%s has %d bytes in %s: global state that threads would share" % (source.name, size, name)
    if not all(objects[part] for part in MAY_LACK):
        yield "a part without files: %s" % dict(objects)
    linked = []
    for part, allowed in MAY_LACK.items():
        linked += objects[part]
        lack = {name for name in lacking(linked, work)
                if name not in allowed and not name.startswith(COMPILER)
                and not (part == "record" and name.startswith("protobuf_c_"))}
        for name in sorted(lack):
            users = [o.stem + ".c" for o in linked if name in run("nm", "-u", str(o)).split()]
            yield "the %s part needs %s (%s); it may use %s, and files of its own part and those above" \
                  " it in sources.txt" % (part, name, ", ".join(users), ", ".join(sorted(allowed)))
        if not lack:
            print("%-6s %2d files, needs: %s" % (part, len(objects[part]), " ".join(sorted(lacking(linked, work)))))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        lines = list(check(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:], pathlib.Path(name)))
    print("\n".join(lines))
    sys.exit(bool(lines))
