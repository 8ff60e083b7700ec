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
	retired_how INTEGER NOT NULL DEFAULT 0	-- StpRetiredFlags
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
