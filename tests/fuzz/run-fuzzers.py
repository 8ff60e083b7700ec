#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""run-fuzzers.py TREE BUILD [--keep] [SECONDS] [TARGET...]: look for input that does harm.

BUILD was configured with clang and -Dfuzz=true.  Each target (tests/fuzz/fuzz-TARGET.c, all if none
is named) runs for SECONDS (60) under libFuzzer with the address and undefined-behaviour sanitizers, one
after the other and out of everybody's way.  What it learns stays in BUILD/corpus/TARGET for the next time;
--keep adds to tests/fuzz/corpus/TARGET what reaches code that nothing there reaches, made as short as it gets.
Exits 1 when something was found, after saying how to see it again.
"""
import os
import pathlib
import re
import resource
import subprocess
import sys

LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1", "-verbosity=1"]
INPUTS_KEPT_MAX = 40    # a round


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fuzz(program, seconds, learnt, corpus, findings):
    """Returns how often the target was run, and what was found."""
    before = set(findings.iterdir())
    done = subprocess.run([program, *LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/",
                           learnt, corpus], stderr=subprocess.PIPE, check=False, errors="replace",
                          preexec_fn=lambda: os.nice(19))
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    harm = sorted(set(findings.iterdir()) - before)
    if done.returncode != 0:
        print(done.stderr[-6000:])
    return int(runs.group(1)) if runs else 0, harm, done.returncode != 0


def keep(program, learnt, corpus):
    """Take over what reaches something new; returns how many inputs that were."""
    before = set(corpus.iterdir())
    subprocess.run([program, "-set_cover_merge=1", "-max_len=8192", corpus, learnt], stderr=subprocess.DEVNULL, check=False,
                   preexec_fn=lambda: os.nice(19))
    added = sorted(set(corpus.iterdir()) - before, key=lambda path: path.stat().st_size)
    # The short ones: the corpus is for people, too, and for every run of the tests.
    for path in added[INPUTS_KEPT_MAX:]:
        path.unlink()
    return min(len(added), INPUTS_KEPT_MAX)


def main():
    tree, build = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    words = sys.argv[3:]
    keeping = "--keep" in words
    words = [word for word in words if word != "--keep"]
    seconds = int(words.pop(0)) if words and words[0].isdigit() else 60
    here = tree / "tests" / "fuzz"
    known = sorted(path.stem.removeprefix("fuzz-") for path in here.glob("fuzz-*.c") if path.stem != "fuzz-runner")
    unknown = sorted(set(words) - set(known))
    if unknown:
        print(f"There is no target {', '.join(unknown)}; there are {', '.join(known)}.", file=sys.stderr)
        return 64
    targets = words or known
    subprocess.run(["ninja", "-C", build, *[f"tests/fuzz/libfuzzer-{name}" for name in targets]],
                   check=True, stdout=subprocess.DEVNULL)
    findings = build / "findings"
    findings.mkdir(exist_ok=True)
    bad = []
    print(f"{'target':12} {'runs':>12} {'CPU s':>8} {'runs/s':>8}")
    for name in targets:
        program = build / "tests" / "fuzz" / f"libfuzzer-{name}"
        learnt, corpus = build / "corpus" / name, here / "corpus" / name
        learnt.mkdir(parents=True, exist_ok=True)
        started = cpu_seconds()
        runs, harm, failed = fuzz(program, seconds, learnt, corpus, findings)
        used = cpu_seconds() - started
        print(f"{name:12} {runs:12} {used:8.0f} {runs / max(used, 1):8.0f}", flush=True)
        if failed:
            bad.append(name)
            for path in harm:
                print(f"found: {path}; again with: {program} {path}")
        elif keeping:
            print(f"{'':12} {keep(program, learnt, corpus)} inputs kept", flush=True)
    print(f"{len(bad)} targets with findings{': ' if bad else ''}{', '.join(bad)}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
