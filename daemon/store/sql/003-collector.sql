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
