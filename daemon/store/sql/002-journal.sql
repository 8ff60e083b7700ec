-- SPDX-FileCopyrightText: 2026 The Stipple authors
-- SPDX-License-Identifier: MIT
--
-- Layout 2: what came of a record whose rest is still in the pen, so that a lost link, a crash or
-- a reboot costs one chunk and not all of it.  Nothing here is a record, counts as held, or is
-- ever acknowledged; losing it costs a second reading.  A specimen may be of kind "partial" from
-- here on: journalled bytes that the pen does not have any more.

-- One record for each pen: the one that was under way last.
CREATE TABLE partial (
	pen INTEGER PRIMARY KEY REFERENCES pen,
	epoch INTEGER NOT NULL,
	number INTEGER NOT NULL,
	length INTEGER NOT NULL,		-- of the whole record, as LIST named it
	crc32c INTEGER NOT NULL,		-- as LIST named it
	size INTEGER NOT NULL			-- what is kept, from the first byte
);

-- In a rowid table, as blobs of this size cost least there.
CREATE TABLE partial_chunk (
	chunk INTEGER PRIMARY KEY,
	pen INTEGER NOT NULL,
	start INTEGER NOT NULL,
	seal INTEGER NOT NULL,			-- CRC-32C of the bytes and of what names them
	bytes BLOB NOT NULL,
	UNIQUE (pen, start)
);
