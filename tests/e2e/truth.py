# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
"""What the simulated pens were given, and whether that is what came out."""
import csv
import hashlib
import os
import sqlite3

COLUMNS = ["t_ms", "depth_um", "rate_dHz", "current_mA", "contact", "pass", "zone"]


def table(truth, serial, name):
    with open(os.path.join(truth, serial, name + ".tsv")) as file:
        return list(csv.DictReader(file, delimiter="\t"))


def sessions(truth, serial):
    """(epoch, session number) -> path of the CSV the pen was given."""
    return {(int(row["epoch"], 16), int(row["session"])):
            os.path.join(truth, serial, "%s-%s.csv" % (row["epoch"], row["first"]))
            for row in table(truth, serial, "sessions")}


def records(truth, serial):
    """(serial, epoch, number) -> sha256 of the raw record, as the pen was given it."""
    return {(serial, int(row["epoch"], 16), int(row["number"])): row["sha256"]
            for row in table(truth, serial, "records")}


def normal(path):
    """A CSV's bytes behind a header in our own words."""
    with open(path, "rb") as file:
        head, body = file.read().split(b"\n", 1)
    if head.decode().strip().lower().split(",") != [c.lower() for c in COLUMNS]:
        raise AssertionError("%s begins with %r" % (path, head))
    return body


def raw_records(state):
    """(serial, epoch, number) -> the sound raw record's bytes, straight from the store's file."""
    path = os.path.join(state, "stipple.db")
    base = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        return {(serial, epoch, number): raw
                for serial, epoch, number, raw in base.execute(
                    "SELECT serial, epoch, number, bytes FROM record JOIN pen USING (pen)"
                    " JOIN record_raw USING (record)")}
    finally:
        base.close()


def held(state):
    """(serial, epoch, number) -> sha256 of the bytes of the records that are held."""
    return {key: hashlib.sha256(raw).hexdigest() for key, raw in raw_records(state).items()}


def partial_size(state):
    """How many bytes are kept of records that have not come whole."""
    base = sqlite3.connect("file:%s?mode=ro" % os.path.join(state, "stipple.db"), uri=True)
    try:
        return base.execute("SELECT coalesce(sum(length(bytes)), 0) FROM partial_chunk").fetchone()[0]
    finally:
        base.close()


def partials(state):
    """(serial, epoch, number) -> how many bytes are kept of that record, which has not come whole."""
    base = sqlite3.connect("file:%s?mode=ro" % os.path.join(state, "stipple.db"), uri=True)
    try:
        return {(serial, epoch, number): size for serial, epoch, number, size in base.execute(
            "SELECT serial, epoch, number, sum(length(bytes)) FROM partial_chunk JOIN pen USING (pen)"
            " GROUP BY serial, epoch, number")}
    finally:
        base.close()


def attempts(state):
    """The syncs that the daemon lived to note."""
    base = sqlite3.connect("file:%s?mode=ro" % os.path.join(state, "stipple.db"), uri=True)
    base.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in base.execute("SELECT * FROM attempt")]
    finally:
        base.close()


def findings(state):
    base = sqlite3.connect("file:%s?mode=ro" % os.path.join(state, "stipple.db"), uri=True)
    base.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in base.execute("SELECT * FROM finding")]
    finally:
        base.close()
