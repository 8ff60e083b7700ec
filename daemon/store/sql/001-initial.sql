-- SPDX-FileCopyrightText: 2026 The Stipple authors
-- SPDX-License-Identifier: MIT
--
-- Layout 1.  Run once, in one transaction, by store-files.c; later layouts get files of
-- their own, this one never changes after a release.
--
-- Log of the layouts:
--   1  the first
--
-- Raw bytes (record_raw, specimen_raw) are never changed.  What is marked "derived" can be
-- made again from them.  Times are microseconds since 1970 UTC, 0 is "never"; other units
-- are in the names.

CREATE TABLE setting (
	name TEXT PRIMARY KEY,
	value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE pen (
	pen INTEGER PRIMARY KEY,
	serial TEXT NOT NULL UNIQUE,
	maker TEXT NOT NULL DEFAULT '',
	model TEXT NOT NULL DEFAULT '',
	firmware TEXT NOT NULL DEFAULT '',
	hardware TEXT NOT NULL DEFAULT '',
	label TEXT NOT NULL DEFAULT '',
	address TEXT NOT NULL DEFAULT '',
	battery INTEGER NOT NULL DEFAULT 255,
	enrolled INTEGER NOT NULL DEFAULT 0,
	enrolled_at INTEGER NOT NULL DEFAULT 0,
	last_seen INTEGER NOT NULL DEFAULT 0,
	last_sync INTEGER NOT NULL DEFAULT 0,
	current_epoch INTEGER			-- NULL until the pen has named one
);

-- What a pen said it has.
CREATE TABLE epoch (
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	oldest INTEGER NOT NULL,		-- as it said last
	newest INTEGER NOT NULL,		-- the highest it ever said
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	PRIMARY KEY (pen, epoch)
) WITHOUT ROWID;

-- Pairs of pen time and our time, one per contact.
CREATE TABLE anchor (
	anchor INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	boot_id INTEGER NOT NULL,
	tick_ms INTEGER NOT NULL,
	utc INTEGER NOT NULL,
	uncertainty_us INTEGER NOT NULL,
	doubt_us INTEGER NOT NULL DEFAULT 0,	-- how far another anchor of the boot contradicts it
	taken_at INTEGER NOT NULL
);
CREATE INDEX anchor_by_boot ON anchor (pen, boot_id);

-- Records that are held: durable, their checksum holds, and they are what was asked for.
CREATE TABLE record (
	record INTEGER PRIMARY KEY,		-- in order of arrival
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	size INTEGER NOT NULL,
	listed_type INTEGER NOT NULL,
	listed_boot_id INTEGER NOT NULL,
	listed_tick_ms INTEGER NOT NULL,
	authenticated INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	-- derived
	parser INTEGER NOT NULL DEFAULT 0,	-- version that looked into it; 0: not yet
	verdict INTEGER NOT NULL DEFAULT 0,	-- enum stp_status
	sha256 BLOB NOT NULL DEFAULT x'',	-- of the bytes, as they were first looked into
	UNIQUE (pen, epoch, number)
);
CREATE INDEX record_to_parse ON record (parser) WHERE parser = 0 OR verdict <> 0;

-- Apart from record, so that looking through records never touches their bytes.
CREATE TABLE record_raw (
	record INTEGER PRIMARY KEY REFERENCES record,
	bytes BLOB NOT NULL
);
CREATE TRIGGER record_raw_is_final BEFORE UPDATE ON record_raw
BEGIN SELECT RAISE(ABORT, 'raw records are never changed'); END;
CREATE TRIGGER record_raw_stays BEFORE DELETE ON record_raw
BEGIN SELECT RAISE(ABORT, 'raw records are never deleted'); END;

-- The numbers of the records held, as ranges that neither touch nor overlap; derived.
CREATE TABLE held (
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (pen, epoch, first)
) WITHOUT ROWID;

-- Other bytes that came under a record's name: damaged, another's, or in conflict.
CREATE TABLE specimen (
	specimen INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	kind TEXT NOT NULL,			-- crc, truncated, identity, conflict
	tries INTEGER NOT NULL,			-- how often these bytes came
	size INTEGER NOT NULL,
	sha256 BLOB NOT NULL,
	first_at INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	UNIQUE (pen, epoch, number, sha256)
);
CREATE TABLE specimen_raw (
	specimen INTEGER PRIMARY KEY REFERENCES specimen,
	bytes BLOB NOT NULL
);
CREATE TRIGGER specimen_raw_is_final BEFORE UPDATE ON specimen_raw
BEGIN SELECT RAISE(ABORT, 'raw records are never changed'); END;
CREATE TRIGGER specimen_raw_stays BEFORE DELETE ON specimen_raw
BEGIN SELECT RAISE(ABORT, 'raw records are never deleted'); END;

-- What was odd.
CREATE TABLE finding (
	finding INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	record INTEGER NOT NULL,		-- number; 0: not about one record
	kind TEXT NOT NULL,
	text TEXT NOT NULL,
	hint TEXT NOT NULL,
	since INTEGER NOT NULL,
	last INTEGER NOT NULL,
	count INTEGER NOT NULL,
	kept INTEGER NOT NULL,
	closed INTEGER NOT NULL,
	derived INTEGER NOT NULL,		-- made by looking into the record
	UNIQUE (pen, epoch, record, kind)
);

-- Sessions and their parts; derived.
CREATE TABLE session (
	session INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,		-- the pen's own count
	start INTEGER NOT NULL DEFAULT 0,	-- 0: unknown
	uncertainty_us INTEGER NOT NULL DEFAULT 0,
	quality INTEGER NOT NULL DEFAULT 0,	-- StpTimeQuality
	boot_id INTEGER NOT NULL DEFAULT 0,
	start_tick_ms INTEGER NOT NULL DEFAULT 0,
	complete INTEGER NOT NULL DEFAULT 0,
	parts INTEGER NOT NULL DEFAULT 0,
	records BLOB NOT NULL DEFAULT x'',	-- their numbers, by part, 32 bits little endian
	duration_ms INTEGER NOT NULL DEFAULT 0,
	motor_on_ms INTEGER NOT NULL DEFAULT 0,
	strokes INTEGER NOT NULL DEFAULT 0,
	samples INTEGER NOT NULL DEFAULT 0,
	period_ms INTEGER NOT NULL DEFAULT 0,
	set_depth_min_um INTEGER NOT NULL DEFAULT 65535,
	set_depth_max_um INTEGER NOT NULL DEFAULT 65535,
	set_rate_dhz INTEGER NOT NULL DEFAULT 65535,
	depth_max_um INTEGER NOT NULL DEFAULT 65535,
	depth_p50_um INTEGER NOT NULL DEFAULT 65535,
	zones INTEGER NOT NULL DEFAULT 0,
	passes INTEGER NOT NULL DEFAULT 0,
	needles INTEGER NOT NULL DEFAULT 0,
	cartridge BLOB NOT NULL DEFAULT x'',
	firmware TEXT NOT NULL DEFAULT '',
	received INTEGER NOT NULL DEFAULT 0,
	authenticated INTEGER NOT NULL DEFAULT 0,
	UNIQUE (pen, epoch, number)
);
CREATE INDEX session_by_start ON session (start);
CREATE INDEX session_by_complete ON session (complete, start);
CREATE INDEX session_by_pen ON session (pen, start);
CREATE INDEX session_by_pen_complete ON session (pen, complete, start);
CREATE INDEX session_by_boot ON session (pen, boot_id);

CREATE TABLE part (
	session INTEGER NOT NULL REFERENCES session,
	part INTEGER NOT NULL,
	record INTEGER NOT NULL REFERENCES record,
	number INTEGER NOT NULL,		-- of the record
	is_last INTEGER NOT NULL,
	boot_id INTEGER NOT NULL,
	start_tick_ms INTEGER NOT NULL,
	duration_ms INTEGER NOT NULL,
	motor_on_ms INTEGER NOT NULL,
	strokes INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	period_ms INTEGER NOT NULL,
	set_depth_min_um INTEGER NOT NULL,
	set_depth_max_um INTEGER NOT NULL,
	set_rate_dhz INTEGER NOT NULL,
	needles INTEGER NOT NULL,
	cartridge BLOB NOT NULL,
	firmware TEXT NOT NULL,
	summary BLOB NOT NULL,			-- record-digest.h
	UNIQUE (session, part)
);
CREATE UNIQUE INDEX part_by_record ON part (record);

CREATE TABLE attempt (
	attempt INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL REFERENCES pen,
	started INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	stage TEXT NOT NULL,
	records INTEGER NOT NULL,
	damaged INTEGER NOT NULL,
	given_up INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	mtu INTEGER NOT NULL,
	error TEXT NOT NULL
);
CREATE INDEX attempt_by_pen ON attempt (pen, started);
