#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-agreement.py STIPPLECTL MANPAGE COMPLETION: do all three know the same options?

The program's own table is the measure.  Each command must have its heading in the manual page,
with exactly its options below it, or those of another ("with the options of *another*"); the
completion must offer exactly these, and the commands.
"""
import re
import subprocess
import sys


def table(program):
    """Command path -> set of options; "" holds those of every command."""
    commands = {"": set()}
    dump = subprocess.run([program, "--dump-options"], check=True, capture_output=True, text=True)
    for line in dump.stdout.splitlines():
        path, option = line.split("\t")
        commands.setdefault(path, set())
        if option:
            commands[path].add(option)
    return commands


def manual(path):
    """The same from the manual page; an option with a value is written *--option*=."""
    commands, here, heading = {}, None, ""
    for line in open(path, encoding="utf-8"):
        if line.startswith("# "):
            heading = line[2:].strip()
            here = commands.setdefault("", set()) if heading == "OPTIONS" else None
        elif line.startswith("## ") and heading == "COMMANDS":
            words = re.sub(r"[\[_].*", "", line[3:]).strip()
            here = commands.setdefault(words, set())
        elif line.startswith("*-") and here is not None:
            here.update(name + value for name, value in re.findall(r"\*(--[a-z-]+)\*(=?)", line))
        elif here is not None and (same := re.search(r"with the options of \*([a-z ]+)\*", line)):
            here.update(commands[same[1]])
    return commands


COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_stipplectl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(script, *words):
    """What the completion offers after these words."""
    run = subprocess.run(["bash", "-c", COMPLETE, "bash", script, "stipplectl", *words],
                         check=True, capture_output=True, text=True)
    assert not run.stderr, run.stderr
    return set(run.stdout.split())


def compare(what, expected, found):
    """One line for each option that is in one and not in the other."""
    bad = [f"{what} lacks {name}" for name in sorted(expected - found)]
    return bad + [f"{what} has {name}, which the program has not" for name in sorted(found - expected)]


def main():
    program, page, script = sys.argv[1:]
    commands, pages = table(program), manual(page)
    nouns = {path for path in commands if any(other.startswith(path + " ") for other in commands if path)}
    bad = compare("the manual page", set(commands) - nouns, set(pages))
    for path, options in commands.items():
        words = path.split()
        if path not in nouns:
            bad += compare(f"the manual page on '{path}'", options, pages.get(path, set()))
        bad += compare(f"the completion of '{path}'", options | commands[""], complete(script, *words, "--"))
        verbs = {other.split()[-1] for other in commands
                 if other and other.split()[:-1] == words}
        if verbs:
            bad += compare(f"the completion of '{path}'", verbs, complete(script, *words, ""))
    bad += compare("the completion of --color", {"auto", "always", "never"},
                   complete(script, "pens", "list", "--color", "=", ""))
    bad += compare("the completion of --format", {"csv", "ndjson"},
                   complete(script, "sessions", "export", "--format", "="))
    print("\n".join(bad) or f"{len(commands) - 1} commands and "
          f"{sum(map(len, commands.values()))} options agree")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
