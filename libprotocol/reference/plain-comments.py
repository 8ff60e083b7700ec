#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""doxygen-comments.py HEADER: our plain comments, as Doxygen wants them.  Its INPUT_FILTER.

A comment belongs to what follows it, or to what stands before it in the same line; the
first one behind the include guard is the file's.  The headers need no marks for that.
"""
import re
import sys

STARTS = re.compile(r"^(\s*)/\*(?![*!])(?! ----)")
TRAILS = re.compile(r"^(.*[^\s/*].*?)(\s)/\*(?![*<!])(.*)$")


def translate(lines):
    file_told = licence = False
    inside = False
    for line in lines:
        if inside:
            inside = "*/" not in line
        elif not licence and "SPDX" in line:
            licence, inside = True, "*/" not in line
        elif STARTS.match(line):
            mark = "/**" if file_told else "/** @file\n *"
            inside = "*/" not in line
            line = STARTS.sub(lambda found: found.group(1) + mark, line, count=1)
            file_told = True
        elif TRAILS.match(line):
            inside = "*/" not in line
            line = TRAILS.sub(r"\1\2/**<\3", line, count=1)
        yield line


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print("\n".join(translate(file.read().splitlines())))
