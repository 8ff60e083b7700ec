#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-growth.py LIBPROTOCOL GENERATED PROGRAM.c CC...: may structs grow?

Builds a library from a copy of the sources in which every struct that may grow has grown,
and runs with it the program compiled with the headers as they are.  GENERATED is the
folder with stipple.pb-c.c.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

GROWING = ("stp_features", "stp_advert", "stp_record_head", "stp_session_part", "stp_event",
           "stp_record_fault", "stp_block_info", "stp_chain_config",
           "stp_chain_report", "stp_chain_summary", "stp_host_config", "stp_host_action", "stp_host_progress",
           "stp_errand_config", "stp_errand_action", "stp_panel_config", "stp_panel_action", "stp_pen_output",
           "stp_pen_config", "stp_pen_log", "stp_pen_panel", "stp_pen_log_state")
# Tells when a struct is read beyond the end that the program knows.
SANITIZE = ("-g", "-fsanitize=address")
# States that the caller places hold structs that grow: they grow into the room kept for that.
ROOM = (
    ("\tuint64_t later[8];\n};\n\n/* stp_chain_init() for", "\tuint64_t later[8 - 3];\n};\n\n/* stp_chain_init() for"),
    ("\tsize_t later[4];\n};\n\n/* stp_pen_init() for", "\tsize_t later[4 - 3];\n};\n\n/* stp_pen_init() for"),
)
ADDED = "\tuint64_t added_later[3];\n"


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(map(str, command)), done.stdout + done.stderr))


def grow(include):
    left = set(GROWING)
    for header in (include / "stipple").glob("*.h"):
        text = header.read_text()
        for roomy, filled in ROOM:
            text = text.replace(roomy, filled)
        for name in GROWING:
            text, times = re.subn(r"^(struct %s \{\n.*?^)(\};)" % name, r"\1%s\2" % ADDED, text,
                                  count=1, flags=re.M | re.S)
            if times:
                left.remove(name)
        header.write_text(text)
    if left:
        sys.exit("no public header defines struct %s" % ", ".join(sorted(left)))


def check(folder, generated, program, cc, work):
    grown = work / "libprotocol"
    shutil.copytree(folder, grown, ignore=shutil.ignore_patterns("examples"))
    grow(grown / "include")
    objects = []
    for source in [*sorted(grown.glob("*/*.c")), generated / "stipple.pb-c.c"]:
        objects.append(str(work / (source.stem + ".o")))
        run(*cc, "-std=gnu11", "-fPIC", *SANITIZE, "-I%s" % (grown / "include"), "-I%s" % generated,
            "-c", str(source), "-o", objects[-1])
    run(*cc, "-shared", *SANITIZE, "-o", str(work / "libstipple.so"), *objects, "-lprotobuf-c")
    for headers, name in ((folder, "old"), (grown, "new")):
        run(*cc, "-std=c11", "-Wall", "-Wextra", "-Werror", *SANITIZE, "-I%s" % (headers / "include"), program,
            "-L%s" % work, "-lstipple", "-o", str(work / name))
        run(str(work / name), env={**os.environ, "LD_LIBRARY_PATH": str(work)})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        check(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:], pathlib.Path(name))
