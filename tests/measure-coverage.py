#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""measure-coverage.py TREE BUILD: how much of libprotocol the tests run, fuzzing aside.

BUILD was configured with b_coverage.  Builds what the suites below need, runs them, and prints
lines and branches of each file, and of all.  Whole pages, line by line, are BUILD/coverage/index.html.
Only code that somebody wrote counts: not what protoc made.  Exits 1 below 95 % of the lines or 90 %
of the branches, or when a test fails.
"""
import json
import pathlib
import subprocess
import sys

SUITES = ["protocol", "library"]
LINES_WANTED, BRANCHES_WANTED = 95.0, 90.0


def targets_of(build):
    """The programs that the tests of these suites run or need, as ninja names them."""
    def introspect(what):
        return json.loads(subprocess.check_output(["meson", "introspect", what, str(build)]))
    files = {target["id"]: target["filename"] for target in introspect("--targets")}
    ours = [test for test in introspect("--tests")
            if any(suite.split(":")[-1] in SUITES for suite in test["suite"])]
    return sorted({str(pathlib.Path(name).relative_to(build))
                   for test in ours for target in test["depends"] for name in files[target]})


def share(covered, total):
    return 100.0 * covered / total if total else 100.0


def row(name, of):
    return (f"{name:32} {of['line_covered']:5} of {of['line_total']:5} {share(of['line_covered'], of['line_total']):6.1f} %"
            f"   {of['branch_covered']:5} of {of['branch_total']:5} {share(of['branch_covered'], of['branch_total']):6.1f} %")


def main():
    tree, build = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    report = build / "coverage"
    report.mkdir(exist_ok=True)
    # Counts of an earlier run, maybe of other code, would add up.
    for old in build.rglob("*.gcda"):
        old.unlink()
    subprocess.run(["ninja", "-C", build, "build.ninja"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", build, *targets_of(build)], check=True, stdout=subprocess.DEVNULL)
    suites = [word for suite in SUITES for word in ("--suite", suite)]
    tests = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
                            "--timeout-multiplier", "4", *suites], check=False)
    summary = report / "summary.json"
    # The library that ships, not its builds for other machines; no edge that only exceptions take.
    objects = [str(path) for path in (build / "libprotocol").glob("libstipple.*.p")]
    subprocess.run(["gcovr", "--root", tree, "--filter", f"{tree}/libprotocol/",
                    "--exclude", f"{tree}/libprotocol/examples/", "--exclude-throw-branches",
                    "--object-directory", build,
                    "--json-summary", summary, "--html-details", report / "index.html",
                    "--html-title", "libprotocol", *objects], check=True)
    found = json.loads(summary.read_text())
    print(f"{'libprotocol':32} {'lines':^23}   {'branches':^23}")
    for of in sorted(found["files"], key=lambda of: of["filename"]):
        print(row(of["filename"].removeprefix("libprotocol/"), of))
    print(row("all", found))
    short = (share(found["line_covered"], found["line_total"]) < LINES_WANTED or
             share(found["branch_covered"], found["branch_total"]) < BRANCHES_WANTED)
    print(f"wanted: {LINES_WANTED} % of the lines, {BRANCHES_WANTED} % of the branches:",
          "too little" if short else "reached")
    print(f"line by line: {report / 'index.html'}")
    return int(short or tests.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
