#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""show-field.py [--check] BUILD: the troubles of FIELD.md beside the tests named after them.

BUILD is the directory of "./run test" (build).  Prints each number with the results of its tests there: in
the normal and the sanitized build, and in the lab.  Exit status 1 when one failed or a number has none.

With --check nothing is run or looked up in BUILD: exit status 1, and a line each, for numbers
without a test in a world where FIELD.md promises one, and for tests with a number that is not in it.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
ROW = re.compile(r"^\| P(\d+) \| (.+?) \| .+ \| (.+?) \|$", re.M)
C_TEST = re.compile(r"^(p(\d+)_\w+)\(void \*\*", re.M)
PYTHON_TEST = re.compile(r"^    def (test_p(\d+)_\w+)\(", re.M)
CMOCKA = re.compile(r"\[\s+(OK|FAILED|SKIPPED) \] (p\d+_\w+)")
UNITTEST = re.compile(r"^(test_p\d+_\w+) \([^)]*\).*?\.\.\. (?:.*?)(ok|FAIL|ERROR|skipped)", re.M | re.S)


def rows():
    """{number: (trouble, worlds or reason)}"""
    return {int(n): (trouble, shown) for n, trouble, shown in ROW.findall((HERE / "FIELD.md").read_text())}


def written():
    """{number: {world: names}} of the tests in the tree."""
    found = {}
    scenarios = "".join(path.read_text() for path in sorted((HERE / "lab/scenarios").glob("*.sh")))
    for path in sorted(HERE.rglob("test*.[cp]*")):
        if path.suffix not in (".c", ".py"):
            continue
        text = path.read_text()
        for name, number in (C_TEST if path.suffix == ".c" else PYTHON_TEST).findall(text):
            worlds = found.setdefault(int(number), {})
            worlds.setdefault("here", set()).add(name)
            whole = re.search(re.escape(path.name) + r'"?( -v)?$', scenarios, re.M)
            part = re.search(re.escape(path.name) + r".* -k (?:\S+ -k )*(\S+)", scenarios)
            words = re.findall(r"-k (\S+)", part.group(0)) if part else []
            if path.suffix == ".py" and (name in scenarios or whole or any(word in name for word in words)):
                worlds.setdefault("lab", set()).add(name)
    return found


def check():
    table, tests = rows(), written()
    wrong = [f"P{n}: {', '.join(sorted(tests[n]['here']))}: FIELD.md has no such number"
             for n in sorted(tests) if n not in table]
    for number, (_, shown) in sorted(table.items()):
        if shown.startswith("no"):
            continue
        wrong += [f"P{number}: FIELD.md promises a test ({world}), and there is none"
                  for world in shown.split(", ") if world not in tests.get(number, {})]
    print("\n".join(wrong) or f"{len(table)} numbers, {sum(len(w['here']) for w in tests.values())} tests")
    return bool(wrong)


def results(build):
    """{test: {stage: word}}"""
    found = {}

    def take(stage, text):
        for word, name in CMOCKA.findall(text):
            found.setdefault(name, {})[stage] = word.lower()
        for name, word in UNITTEST.findall(text):
            found.setdefault(name, {})[stage] = word.lower()

    for stage in "normal", "sanitize":
        log = build / stage / "meson-logs/testlog.json"
        for line in log.read_text().splitlines() if log.exists() else []:
            test = json.loads(line)
            take(stage, test.get("stdout", "") + "\n" + test.get("stderr", ""))
    for path in sorted((build / "lab-logs").glob("*.output")):
        take("lab", path.read_text())
    return found


def show(build):
    table, found, bad = rows(), results(build), False
    for number, (trouble, shown) in sorted(table.items()):
        print(f"P{number}: {trouble}")
        mine = {name: stages for name, stages in found.items() if re.match(rf"(test_)?p{number}_", name)}
        for name, stages in sorted(mine.items()):
            print(f"    {name}: " + ", ".join(f"{stage} {word}" for stage, word in stages.items()))
            bad |= any(word in ("failed", "fail", "error") for word in stages.values())
        if not mine:
            print(f"    {shown}" if shown.startswith("no") else "    NOT SHOWN in this build")
            bad |= not shown.startswith("no")
    return bad


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        sys.exit(check())
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(show(pathlib.Path(sys.argv[1])))
