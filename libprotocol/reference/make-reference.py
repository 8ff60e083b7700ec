#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""make-reference.py OUTPUT VERSION: the API reference as HTML in OUTPUT/html, by Doxygen.

Fails when a function, struct, enum or enum value of the public headers is not documented, or
a comment says what Doxygen cannot follow.  Fields and macros may speak for themselves.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

LIBRARY = pathlib.Path(__file__).resolve().parent.parent
SELF_EXPLAINING = re.compile(r"\((variable|macro definition)\) of .* is not documented")
REMEDY = """
Each of these needs a comment in plain C: above it, or behind it in the same line for an enum value.
A comment belongs to the one declaration below it; write "As stp_...(), for ..." for its siblings."""


def silent_values(folder):
    """Enum values without a word, which Doxygen does not complain of."""
    for page in sorted(folder.glob("*_8h.xml")):
        for value in xml.etree.ElementTree.parse(page).iter("enumvalue"):
            if not "".join("".join(text.itertext()) for name in ("briefdescription", "detaileddescription")
                           for text in value.findall(name)).strip():
                yield "%s: the enum value %s is not documented" % (
                    page.name.replace("_8h.xml", ".h").replace("_", "-"), value.findtext("name"))


def main(output, version):
    if not shutil.which("doxygen"):
        print("SKIPPED: there is no doxygen, so nobody looked at what is documented: apt-get install doxygen")
        return 77
    pathlib.Path(output).mkdir(parents=True, exist_ok=True)
    settings = (LIBRARY / "reference/Doxyfile").read_text() + "OUTPUT_DIRECTORY = %s\nPROJECT_NUMBER = %s\n" % (
        pathlib.Path(output).resolve(), version)
    done = subprocess.run(["doxygen", "-"], input=settings, cwd=LIBRARY, text=True, capture_output=True)
    said = [line for line in done.stderr.splitlines() if line and not SELF_EXPLAINING.search(line)]
    said += silent_values(pathlib.Path(output) / "xml")
    print("\n".join(said))
    if said:
        print(REMEDY)
    return bool(said) or done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
