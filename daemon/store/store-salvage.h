/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"

/*
 * From a file that was set aside into the one that took its place.  What a pen wrote proves itself:
 * a record is taken when its own checksum holds, under the name that it bears itself, whatever the
 * tables around it say.  What this collector wrote down (pens, anchors, attempts, findings, alerts,
 * its own name) has no checksum; a row is taken where the file's structure holds and the pen it is of
 * is found the same way through the table and through its index.
 *
 * The small tables are copied at once.  The records follow in slices, between other work, and go on
 * after a restart; the file set aside is only read.
 */

typedef struct {
	char *aside;		/* the file; NULL: there is nothing to salvage from */
	guint pens, records;	/* in the new file by now */
	guint damaged;		/* records found, but no longer what the pen wrote */
	gboolean done;
} StpSalvage;

void stp_salvage_clear(StpSalvage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StpSalvage, stp_salvage_clear)

/* The file at that path was set aside, and db is new. */
gboolean stp_salvage_begin(StpDatabase *db, const char *aside, GError **error);
/* How far it is; aside is NULL when nothing was ever set aside, or what was is gone. */
gboolean stp_salvage_read(StpDatabase *db, StpSalvage *out, GError **error);
/* Some more of the records.  Records are left to be looked into: stp_decoding_catch_up(). */
gboolean stp_salvage_slice(StpDatabase *db, StpSalvage *out, GError **error);
