#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""run-mutations.py TREE BUILD [NAME...]: do the fault runs miss a guard of the daemon that is gone?

Each file in tests/clinic/mutations/ names a guard in one sentence and says which text of the daemon it is, as those of
tests/simulation/mutations/ do for the engines.  Each is taken out in turn, in a copy; fault-runs, linked anew
with the rest of BUILD, has to find a seed that breaks.  Ends with status 1 when one does not.

  --runs N     seeds that a mutation gets (400)
  --jobs N     at once (2)
"""
import argparse
import concurrent.futures
import importlib.util
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

TARGET = "tests/clinic/fault-runs"
FIRST_SEED = 1
SECONDS_MAX = 300


def simulation():
    """What the mutations of the engines are read with."""
    path = pathlib.Path(__file__).resolve().parent.parent / "simulation" / "run-mutations.py"
    spec = importlib.util.spec_from_file_location("run_mutations", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bench:
    def __init__(self, tree, build, scratch, runs):
        self.tree, self.build, self.scratch, self.runs = tree, build, scratch, runs
        self.sources = {path: path.read_text() for room in ("core", "link", "store", "sync")
                        for path in sorted((tree / "daemon" / room).glob("*.c"))}
        self.compiling = {}
        for command in json.loads((build / "compile_commands.json").read_text()):
            path = (build / command["file"]).resolve()
            if path in self.sources:
                self.compiling[path] = shlex.split(command["command"])
        commands = subprocess.run(["ninja", "-C", str(build), "-t", "commands", TARGET], check=True,
                                  capture_output=True, text=True).stdout.splitlines()
        self.linking = shlex.split(commands[-1])

    def do(self, command):
        done = subprocess.run(command, cwd=self.build, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise simulation().Broken("%s\n%s" % (" ".join(command[-3:]), done.stderr[-2000:]))

    def make(self, mutation):
        objects = []
        for path, text in mutation.apply(self.sources).items():
            copy = self.scratch / ("%s--%s" % (mutation.name, path.name))
            copy.write_text(text)
            target = copy.with_suffix(".o")
            command = list(self.compiling[path])
            command[command.index("-o") + 1] = str(target)
            command[-1] = str(copy)
            self.do([part for part in command if not part.startswith("-Werror")] + ["-w", "-I%s" % path.parent])
            objects.append(str(target))
        program = self.scratch / mutation.name
        command = list(self.linking)
        at = command.index("-o")
        command[at + 1] = str(program)
        # Before the libraries: a library's member is taken only for names that are still open.
        self.do(command[:at + 2] + objects + command[at + 2:])
        return program

    def run(self, program, runs):
        """(seed that broke or None, what broke)"""
        try:
            done = subprocess.run([str(program), "--seed", str(FIRST_SEED), "--runs", str(runs)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                  timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return None, "no breach in %d s" % SECONDS_MAX
        seed = re.search(r"^replay: .*--seed (\d+)", done.stderr, re.M)
        what = re.search(r'"(.*)" does not hold', done.stderr)
        if seed:
            return int(seed[1]), what[1] if what else "?"
        if done.returncode:
            return FIRST_SEED, "ended with status %d: %s" % (done.returncode, done.stderr[-100:].strip())
        return None, done.stdout.splitlines()[-1]

    def try_out(self, mutation):
        try:
            return (mutation, *self.run(self.make(mutation), self.runs))
        except simulation().Broken as reason:
            return mutation, None, str(reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tree", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began, missed = time.monotonic(), 0
    paths = sorted((pathlib.Path(__file__).resolve().parent / "mutations").glob("*.txt"))
    mutations = [simulation().Mutation(path) for path in paths]
    mutations = [m for m in mutations if not options.names or m.name in options.names]
    with tempfile.TemporaryDirectory(prefix="stipple-mutations-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(options.tree.resolve(), options.build.resolve(), pathlib.Path(scratch), options.runs)
        print("%-26s %8s  %s" % ("without the guard", "at run", "what the runs saw"), flush=True)
        for mutation, seed, what in pool.map(bench.try_out, mutations):
            missed += seed is None
            at = "MISSED" if seed is None else seed - FIRST_SEED + 1
            print("%-26s %8s  %s" % (mutation.name, at, what), flush=True)
    print("%d mutations, %d missed; %.0f s" % (len(mutations), missed, time.monotonic() - began))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
