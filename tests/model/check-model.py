#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""check-model.py MODEL CC: lets spin search acknowledge.pml through, and prints TAP.

First the model as it is, within several bounds: every state there is, no violation.
Then once without each guard: spin must find the property that the guard is for.
With --large before MODEL a bound more, for which it takes another minute and 1.2 GB.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

# Whole, so the hash is of the whole state: a search that is called exhaustive is.
SEARCH = ["-O1", "-w", "-DCOLLAPSE", "-DMEMLIM=3000"]
QUICK = ["-O0", "-w", "-DMEMLIM=1000"]

Bound = collections.namedtuple("Bound", "numbers capacity ranges epochs")
SMALL = Bound(2, 1, 0, 2)
SAFE = [Bound(3, 2, 0, 1), SMALL, Bound(2, 2, 1, 1)]
LARGE = [Bound(3, 2, 0, 2)]
LIVE = [Bound(2, 1, 1, 2), Bound(2, 2, 1, 1)]

# What is removed, and the property that must fail: 0 is "settles".
GUARDS = [
    (1, ["FSYNC_FIRST"], "the host acknowledges before its fsync"),
    (1, ["ACK_EPOCH"], "the pen ignores the epoch of an ACK"),
    (1, ["SLOT_EPOCH"], "a slot outlives its epoch"),
    (1, ["SLOT_CLEARING"], "a slot is taken over as its last owner left it"),
    (1, ["BACKUP_CHECK"], "a host from a backup does not look at ACKNOWLEDGED"),
    (2, ["OVERRUN_FLAG"], "the pen overwrites what a slot lacks and does not say so"),
    (2, ["ERASE_RECHECK"], "ERASE does not look again who has acknowledged"),
    (2, ["UP_TO_LIMIT"], "ERASE takes numbers that are yet to be written"),
    (2, ["OWN_SLOT_STAYS"], "DROP_SLOT frees one's own slot instead of starting it over"),
    (3, ["READ_EPOCH", "IDENTITY"], "neither READ nor the store looks at the epoch"),
    (3, ["TOKEN", "IDENTITY"], "the host looks neither at the token nor at the record's identity"),
    (4, ["NEWEST_KEPT"], "the newest number is found out from the records after a power loss"),
    (4, ["EPOCH_FIRST"], "a reset wipes the log before it keeps the new epoch"),
    (5, ["ERASE_EPOCH"], "ERASE ignores the epoch"),
    (5, ["NONCE"], "ERASE ignores the nonce"),
    (5, ["CONFIRMATION_BOUND"], "the button confirms whatever is asked next"),
    (6, ["DROP_ID"], "DROP_SLOT ignores whose slot it is"),
    (6, ["DROP_CONFIRMATION"], "DROP_SLOT of another's slot needs nobody at the pen"),
    (7, ["ERASER_CHECK"], "a host asks to erase what it lacks"),
    (0, ["SET"], "a host remembers its highest number instead of a set"),
    (0, ["HELD_ACK"], "a host does not tell again what the pen does not know of"),
]
# Each is behind another one, so that it takes both to be gone.
SECOND_LINES = [(SMALL, ["READ_EPOCH"]), (Bound(2, 1, 0, 1), ["TOKEN"]), (Bound(2, 1, 0, 1), ["IDENTITY"])]


class Failure(Exception):
    pass


def run(command, where, **more):
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, **more)
    return done.returncode, done.stdout + done.stderr


def search(model, cc, where, bound, live, removed, flags):
    """Build the verifier and run it; returns (kind of violation or None, states, seconds)."""
    defines = [f"-D{name.upper()}={value}" for name, value in bound._asdict().items()]
    defines += [f"-DREMOVE_{name}" for name in removed] + ["-DLIVE"] * live
    started = time.monotonic()
    for command in ["spin", "-a", *defines, str(model)], [
            *cc, *flags, *([] if live else ["-DSAFETY"]), "-o", "pan", "pan.c"]:
        status, said = run(command, where)
        if status != 0 or "rror:" in said:
            raise Failure(f"{' '.join(command)}: {said.strip()}")
    _, said = run(["./pan", "-n", "-m1000000", *["-a"] * live], where)
    states = re.search(r"(\d+(?:\.\d+e\+\d+)?) states, stored", said)
    if not states or "errors:" not in said or re.search(r"max search depth|out of memory|incomplete", said):
        raise Failure(f"the search did not come to its end: {said.strip()[-2000:]}")
    wrong = re.search(r"(assertion violated|acceptance cycle).*", said)
    if not wrong and "errors: 0" not in said:
        raise Failure(said.strip()[-2000:])
    return wrong and wrong.group(0), int(float(states.group(1))), time.monotonic() - started


def property_of(violation):
    """Which property a violated assertion states; told by what only its text has."""
    marks = [(0, "acceptance cycle"), (7, "eraser"), (6, "consent_b==slots"), (5, "prepared_up_to"),
             (5, "consent"), (4, "written"), (3, "data_epoch"), (2, "enrolled"), (1, "restored")]
    return next(number for number, mark in marks if mark in violation)


def main():
    arguments = sys.argv[1:]
    large = arguments[:1] == ["--large"]
    model, cc = pathlib.Path(arguments[large]).resolve(), arguments[large + 1:]
    if not shutil.which("spin"):
        print("1..0 # SKIP skipped: spin is not there; as root, do: apt-get install spin")
        return 0
    checks = [(bound, 0, [], SEARCH, None) for bound in SAFE + LARGE * large]
    checks += [(bound, 1, [], SEARCH, None) for bound in LIVE]
    checks += [(LIVE[1] if not number else SMALL, not number, removed, QUICK, (number, what))
               for number, removed, what in GUARDS]
    checks += [(bound, 0, removed, SEARCH, None) for bound, removed in SECOND_LINES]
    print(f"1..{len(checks)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="stipple-model-") as where:
        for at, (bound, live, removed, flags, expected) in enumerate(checks, 1):
            name = ", ".join(f"{value} {field}" for field, value in bound._asdict().items())
            name = f"{'settles' if live else 'safe'} within {name}"
            if removed:
                name = f"without {' and '.join(removed)}"
                name += f": {expected[1]}" if expected else ": a second line holds"
            try:
                violation, states, seconds = search(model, cc, where, bound, live, removed, flags)
                found = violation and property_of(violation)
                good = found is None if not expected else found == expected[0]
                print("ok" if good else "not ok", at, "-", name)
                print(f"# {states} states in {seconds:.1f} s,",
                      "no violation" if found is None else f"property {found} fails", flush=True)
                failed += not good
            except Failure as failure:
                print("not ok", at, "-", name)
                print("".join(f"# {line}\n" for line in str(failure).splitlines()), flush=True)
                failed += 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
