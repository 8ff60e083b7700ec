-- SPDX-FileCopyrightText: 2026 The Stipple authors
-- SPDX-License-Identifier: MIT
--
-- Layout 3: what a collector needs that runs by itself for years.

-- What people must be told that is not about one record.  One row each time it begins; open as
-- long as ended is 0.
CREATE TABLE alert (
	alert INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,			-- a pen's serial, an adapter's address, or ""
	level INTEGER NOT NULL,			-- StpAlertLevel
	text TEXT NOT NULL,
	hint TEXT NOT NULL,
	since INTEGER NOT NULL,
	last INTEGER NOT NULL,
	count INTEGER NOT NULL,
	ended INTEGER NOT NULL DEFAULT 0,
	acknowledged INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alert_open ON alert (kind, subject) WHERE ended = 0;

-- How a pen is bound to this clinic, beside what it says of itself.
CREATE TABLE enrolment (
	pen INTEGER PRIMARY KEY REFERENCES pen,
	bond INTEGER NOT NULL,			-- StpPenBond
	retired_at INTEGER NOT NULL DEFAULT 0,	-- the last time; 0: never
	retired_how INTEGER NOT NULL DEFAULT 0,	-- StpRetiredFlags
	retired_missing INTEGER NOT NULL DEFAULT 0	-- records it was known to have then that were not here
);
-- Before this layout a bond without a code was taken back at once.
INSERT INTO enrolment (pen, bond) SELECT pen, 1 FROM pen WHERE enrolled <> 0;

-- Where pens were met.  Never a pen's name: that is its serial number.
CREATE TABLE pen_address (
	pen INTEGER NOT NULL REFERENCES pen,
	address TEXT NOT NULL,
	adapter TEXT NOT NULL,			-- "" unknown
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	PRIMARY KEY (pen, address, adapter)
) WITHOUT ROWID;
INSERT INTO pen_address (pen, address, adapter, first_seen, last_seen)
	SELECT pen, address, '', enrolled_at, last_seen FROM pen WHERE address <> '';

-- Of an anchor: in which log it was taken, and how far this computer's clock was to be believed.
-- Anchors from before this layout are of no log in particular, and nobody vouched for the clock.
ALTER TABLE anchor ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anchor ADD COLUMN trust INTEGER NOT NULL DEFAULT 1;		-- StpClockTrust
ALTER TABLE anchor ADD COLUMN host_error_us INTEGER NOT NULL DEFAULT 0;	-- beside uncertainty_us
ALTER TABLE anchor ADD COLUMN host_boot TEXT NOT NULL DEFAULT '';	-- a run of this computer
ALTER TABLE anchor ADD COLUMN host_us INTEGER NOT NULL DEFAULT 0;	-- in that run, when utc was read
CREATE INDEX anchor_by_host ON anchor (host_boot, trust, host_us);

-- Where the computer was when a record came, as a name of the time zone database; "": unknown.
ALTER TABLE record ADD COLUMN zone TEXT NOT NULL DEFAULT '';

-- Derived: of the first part's record, and its offset from UTC when the session began; NULL: unknown.
ALTER TABLE session ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN offset_min INTEGER;

-- What pens took for UTC, by their event records; derived.
CREATE TABLE pen_time (
	record INTEGER PRIMARY KEY REFERENCES record,
	pen INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	boot_id INTEGER NOT NULL,
	tick_ms INTEGER NOT NULL,
	utc INTEGER NOT NULL,
	uncertainty_us INTEGER NOT NULL		-- 0: the pen did not say
);
CREATE INDEX pen_time_by_boot ON pen_time (pen, boot_id);

-- When each pen's own UTC was set last, and at which of its ticks; by that it can be checked.
CREATE TABLE clock_set (
	pen INTEGER PRIMARY KEY REFERENCES pen,
	boot_id INTEGER NOT NULL,
	tick_ms INTEGER NOT NULL,
	utc INTEGER NOT NULL,
	uncertainty_us INTEGER NOT NULL,
	refused INTEGER NOT NULL DEFAULT 0	-- the pen would not have it, so it has none
);

-- Of an attempt: how its link was, and why it ended.
ALTER TABLE attempt ADD COLUMN notify TEXT NOT NULL DEFAULT '';		-- "descriptor", "signals"; "" never on
ALTER TABLE attempt ADD COLUMN switches INTEGER NOT NULL DEFAULT 0;	-- to another way or descriptor
ALTER TABLE attempt ADD COLUMN rssi INTEGER;				-- dBm; NULL unknown
ALTER TABLE attempt ADD COLUMN connect_tries INTEGER NOT NULL DEFAULT 0;	-- 0 unknown
ALTER TABLE attempt ADD COLUMN connect_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN refreshes INTEGER NOT NULL DEFAULT 0;	-- for a stale cache of services
ALTER TABLE attempt ADD COLUMN data_ms INTEGER NOT NULL DEFAULT 0;	-- first request to last value
ALTER TABLE attempt ADD COLUMN link_end TEXT NOT NULL DEFAULT '';	-- "local", "timeout", "lost", ...
ALTER TABLE attempt ADD COLUMN link_end_text TEXT NOT NULL DEFAULT '';	-- what BlueZ said
ALTER TABLE attempt ADD COLUMN trouble TEXT NOT NULL DEFAULT '';	-- the class of its error: sync-trouble.h; "" unknown

-- The room of its log, in bytes, as the pen said last; 0: not known.
ALTER TABLE pen ADD COLUMN log_capacity INTEGER NOT NULL DEFAULT 0;
-- When it was first met with the firmware it has, if it had another one before; 0: it never had.
ALTER TABLE pen ADD COLUMN firmware_since INTEGER NOT NULL DEFAULT 0;

-- Of logs whose numbers went back: what was read since, as LIST named it.  What is listed so again is not
-- read again.
CREATE TABLE reread (
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	length INTEGER NOT NULL,
	crc32c INTEGER NOT NULL,
	PRIMARY KEY (pen, epoch, number)
) WITHOUT ROWID;

-- Contacts at which a pen's motor ran: there has to be a session of that time, sooner or later.
CREATE TABLE seen_running (
	anchor INTEGER PRIMARY KEY REFERENCES anchor,
	pen INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	boot_id INTEGER NOT NULL,
	tick_ms INTEGER NOT NULL
);

-- Derived: the hash that the record names of the one before it; empty: it names none, NULL: not looked for, or it
-- cannot be read.
ALTER TABLE record ADD COLUMN prev_hash BLOB;

-- Records under way: no longer one for each pen, as a sync may begin with another record than the last one was
-- killed in, and what came of both is to last.  The seals of the chunks name the record, and go on to hold.
ALTER TABLE partial RENAME TO partial_before;
ALTER TABLE partial_chunk RENAME TO partial_chunk_before;
CREATE TABLE partial (
	partial INTEGER PRIMARY KEY,		-- a new one with each writing: the lowest was left alone longest
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	length INTEGER NOT NULL,		-- of the whole record, as LIST named it
	crc32c INTEGER NOT NULL,		-- as LIST named it
	size INTEGER NOT NULL,			-- what is kept, from the first byte
	UNIQUE (pen, epoch, number)
);
CREATE TABLE partial_chunk (
	chunk INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	start INTEGER NOT NULL,
	seal INTEGER NOT NULL,			-- CRC-32C of the bytes and of what names them
	bytes BLOB NOT NULL,
	UNIQUE (pen, epoch, number, start)
);
INSERT INTO partial (pen, epoch, number, length, crc32c, size)
	SELECT pen, epoch, number, length, crc32c, size FROM partial_before;
INSERT INTO partial_chunk (pen, epoch, number, start, seal, bytes)
	SELECT pen, epoch, number, start, seal, bytes FROM partial_chunk_before JOIN partial_before USING (pen);
DROP TABLE partial_chunk_before;
DROP TABLE partial_before;

-- What live frames told of sessions that are not whole here yet; a row goes once it has been compared.
CREATE TABLE heard_live (
	heard INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	boot_id INTEGER NOT NULL,
	first_tick_ms INTEGER NOT NULL,		-- the motor ran from here
	last_tick_ms INTEGER NOT NULL,		-- to here
	stopped_tick_ms INTEGER NOT NULL,	-- and was seen to stand here; 0: nobody heard it stop
	strokes INTEGER NOT NULL,		-- at least so many, at last_tick_ms
	frames INTEGER NOT NULL,
	lost INTEGER NOT NULL
);
CREATE INDEX heard_live_by_pen ON heard_live (pen);

-- Files beside this one that were set aside as damaged, and how far what is left of each has come over.
CREATE TABLE salvage (
	file TEXT PRIMARY KEY,			-- its name
	pens INTEGER NOT NULL,
	records INTEGER NOT NULL,
	specimens INTEGER NOT NULL,
	damaged INTEGER NOT NULL,		-- of both, found but no longer what came
	next_record INTEGER NOT NULL,		-- -1: all were looked at
	next_specimen INTEGER NOT NULL		-- likewise
) WITHOUT ROWID;
