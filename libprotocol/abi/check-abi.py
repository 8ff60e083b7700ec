#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-abi.py [--renew] LIBRARY.so INCLUDE: is the ABI that of the stored baseline?

Fails on every difference that programs could notice, and says what it is.  --renew stores the
ABI as it is as the new baseline (meson compile -C BUILD renew-abi).
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

BASELINE = pathlib.Path(__file__).resolve().parent / "libstipple.abi"
SKIPPED = 77
# The caller places these and looks into none: their fields may change, their size may not.
PLACED = ("stp_pen", "stp_block_encoder", "stp_block_decoder", "stp_record_writer", "stp_chain", "stp_live_tracker")
SUPPRESS = "".join("[suppress_type]\n  type_kind = struct\n  name = %s\n" % name for name in PLACED)
DIFFERS = """
The ABI of libstipple is not that of libprotocol/abi/libstipple.abi.  Was that meant?
  Before the first release: renew the baseline, and commit it with the change that made it differ:
      meson compile -C BUILD renew-abi
  After it: only for what programs compiled before do not notice, that is a new function, enum value
  or struct, or a field behind the end of a struct that may grow (stipple.h, "Growth").  For
  anything else, first a new soname: stipple_soversion in libprotocol/meson.build."""


def describe(library, include, out):
    subprocess.run(["abidw", "--headers-dir", include, "--drop-private-types", "--no-show-locs", "--no-corpus-path",
                    "--no-comp-dir-path", "--type-id-style", "hash", "--out-file", out, library], check=True)


def structs(description):
    """name -> (size in bits, {member: offset}) of the structs of the public headers"""
    found = {}
    for struct in xml.etree.ElementTree.parse(description).iter("class-decl"):
        if struct.get("size-in-bits") and struct.get("name", "").startswith("stp_"):
            members = {}
            for member in struct.findall("data-member"):
                name = member.find("var-decl").get("name")
                members[name] = int(member.get("layout-offset-in-bits"))
            found[struct.get("name")] = int(struct.get("size-in-bits")), members
    return found


def in_old_room(old, new):
    """New fields where an older program has padding, which need not be zero; placed structs of another size."""
    for name, (size, members) in sorted(old.items()):
        if name in PLACED:
            if new.get(name, (size,))[0] != size:
                yield ("struct %s: its size changed from %d to %d bytes, and programs have placed it"
                       % (name, size // 8, new[name][0] // 8))
            continue
        for member, offset in new.get(name, (0, {}))[1].items():
            if member not in members and offset < size:
                yield ("struct %s: the new field %s lies within the %d bytes that older programs know; put it behind"
                       % (name, member, size // 8))


def main(library, include):
    if not shutil.which("abidiff"):
        print("SKIPPED: there is no abidiff, so nobody looked whether the ABI changed: apt-get install abigail-tools")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        now = folder + "/now.abi"
        describe(library, include, now)
        if pathlib.Path(now).read_text().split("architecture='")[1].split("'")[0] != (
                BASELINE.read_text().split("architecture='")[1].split("'")[0]):
            print("SKIPPED: the baseline is of another architecture")
            return SKIPPED
        pathlib.Path(folder + "/placed.abignore").write_text(SUPPRESS)
        done = subprocess.run(["abidiff", "--suppressions", folder + "/placed.abignore", str(BASELINE), now],
                              capture_output=True, text=True)
        found = list(in_old_room(structs(BASELINE), structs(now)))
    if done.returncode == 0 and not found:
        return 0
    print(done.stdout + done.stderr + "\n".join(found) + DIFFERS)
    return 1


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0] == "--renew":
        describe(arguments[1], arguments[2], str(BASELINE))
        print("stored as the new baseline:", BASELINE)
    else:
        sys.exit(main(*arguments))
