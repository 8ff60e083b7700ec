#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""run-mutations.py TREE [NAME...]: does the simulation miss a guard that is gone?

Each file in mutations/ names a guard in one sentence and says which text of the engines, or of
the simulated hosts and pens, it is.  Each is taken out in turn, in a copy; the simulation then has to
find a seed that breaks.  Ends with status 1 when it does not within the budget, when a text is no
longer there exactly once, or when the whole code breaks with one of the seeds that were needed.

  --runs N     seeds that a mutation gets (60000)
  --jobs N     at once (as many as there are processors)
  --cc CC      the compiler (cc)
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

FLAGS = ["-std=gnu11", "-O1", "-D_GNU_SOURCE", "-fno-strict-aliasing", "-w"]
# What the dialogue does without, and what would ask for protobuf-c.
APART = ("record-decode", "record-validate", "record-write", "telemetry-")
FIRST_SEED = 1
SECONDS_MAX = 120
# The last line break belongs to the marker: so pieces of lines can be named.
HUNK = re.compile(r"^<<<<<<<\n(.*?)\n=======\n(.*?)^>>>>>>>\n", re.M | re.S)


class Broken(Exception):
    """A sentence for the user."""


class Mutation:
    def __init__(self, path):
        text = path.read_text()
        self.name = path.stem
        self.guard = [line for line in text.splitlines() if not line.startswith("#")][0]
        self.hunks = [(old, new.removesuffix("\n")) for old, new in HUNK.findall(text)]
        if not self.hunks:
            raise Broken("%s: no text to replace" % path.name)

    def apply(self, sources):
        """{path: text} of the sources that it changes."""
        changed = {}
        for old, new in self.hunks:
            texts = {**sources, **changed}
            places = [path for path, text in texts.items() if old in text]
            if len(places) != 1 or texts[places[0]].count(old) != 1:
                raise Broken("%s: its text is there %d times instead of once; the code has moved on, and so"
                             " must mutations/%s.txt:\n%s" % (self.name, sum(t.count(old) for t in texts.values()),
                                                              self.name, old))
            changed[places[0]] = texts[places[0]].replace(old, new)
        return changed


class Bench:
    def __init__(self, tree, scratch, options):
        self.tree, self.scratch, self.options = tree, scratch, options
        engine, world = tree / "libprotocol", tree / "tests" / "simulation"
        paths = [p for p in sorted(engine.glob("*/*.c"))
                 if p.parent.name != "examples" and not p.name.startswith(APART)]
        paths += [p for p in sorted(world.glob("*.c")) if not p.name.startswith("test-")]
        self.sources = {path: path.read_text() for path in paths}
        # A copy of a file finds what lies beside the original.
        rooms = sorted({path.parent for path in paths})
        self.includes = ["-I%s" % d for d in (engine / "include", *rooms)]
        self.objects, self.archive = {}, scratch / "whole.a"

    def compile(self, source, target):
        done = subprocess.run([self.options.cc, *FLAGS, *self.includes, "-c", str(source), "-o", str(target)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise Broken("%s does not compile:\n%s" % (source, done.stderr))

    def link(self, objects, target):
        """A program of these objects, and of the whole code's where they leave something open."""
        done = subprocess.run([self.options.cc, *map(str, objects), str(self.archive), "-o", str(target)],
                              capture_output=True, stdin=subprocess.DEVNULL, text=True)
        if done.returncode:
            raise Broken("%s does not link:\n%s" % (target.name, done.stderr))

    def build_whole(self, pool):
        self.objects = {path: self.scratch / (path.stem + ".o") for path in self.sources}
        list(pool.map(lambda item: self.compile(*item), self.objects.items()))
        subprocess.run(["ar", "rc", str(self.archive), *map(str, self.objects.values())], check=True)
        self.link([o for p, o in self.objects.items() if p.stem == "simulate"], self.scratch / "whole")
        return self.scratch / "whole"

    def build(self, mutation):
        objects = {path: o for path, o in self.objects.items() if path.stem == "simulate"}
        for path, text in mutation.apply(self.sources).items():
            copy = self.scratch / ("%s--%s" % (mutation.name, path.name))
            copy.write_text(text)
            objects[path] = copy.with_suffix(".o")
            self.compile(copy, objects[path])
        program = self.scratch / mutation.name
        self.link(objects.values(), program)
        return program

    def run(self, program, runs):
        """(seed that broke or None, what broke)"""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("STIPPLE_")}
        try:
            done = subprocess.run([str(program), "--seed", str(FIRST_SEED), "--runs", str(runs)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                  env=environment, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return None, "no breach in %d s" % SECONDS_MAX
        seed = re.search(r"^replay: .*--seed (\d+)", done.stderr, re.M)
        if seed:
            what = re.search(r"^(.* does not hold|.*Assertion.*failed)", done.stderr, re.M)
            return int(seed[1]), what[1].split("/")[-1] if what else "a crash"
        if done.returncode:
            return None, "ended with status %d and without a trace: %s" % (done.returncode, done.stderr[-300:])
        return None, done.stdout.strip()

    def try_out(self, mutation):
        try:
            seed, what = self.run(self.build(mutation), self.options.runs)
        except Broken as reason:
            return mutation, None, str(reason)
        return mutation, seed, what


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tree", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--runs", type=int, default=60000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cc", default="cc")
    options = parser.parse_args()
    began, missed, farthest = time.monotonic(), 0, FIRST_SEED

    mutations = [Mutation(p) for p in sorted((options.tree / "tests/simulation/mutations").glob("*.txt"))]
    mutations = [m for m in mutations if not options.names or m.name in options.names]
    with tempfile.TemporaryDirectory(prefix="stipple-mutations-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(options.tree.resolve(), pathlib.Path(scratch), options)
        whole = bench.build_whole(pool)
        print("%-20s %8s  %s" % ("without the guard", "at run", "what the simulation saw"))
        for mutation, seed, what in pool.map(bench.try_out, mutations):
            if seed is None:
                missed += 1
                print("%-20s %8s  %s\n    %s" % (mutation.name, "MISSED", what, mutation.guard))
            else:
                farthest = max(farthest, seed)
                print("%-20s %8d  %s" % (mutation.name, seed - FIRST_SEED + 1, what))
            sys.stdout.flush()
        runs = farthest - FIRST_SEED + 1
        seed, what = bench.run(whole, runs)
        if seed is not None or not what.startswith("seeds"):
            missed += 1
            print("with all guards, too, seed %s breaks: %s" % (seed, what))
    print("%d mutations, %d missed; with all guards %d runs passed; %.0f s"
          % (len(mutations), missed, runs, time.monotonic() - began))
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as reason:
        sys.exit(str(reason))
