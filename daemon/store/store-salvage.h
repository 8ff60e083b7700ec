/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"

/*
 * From files that were set aside into the one that took their place.  What a pen wrote proves itself:
 * a record is taken when its own checksum holds, under the name that it bears itself, whatever the
 * tables around it say; other bytes that came under a record's name when the hash that was taken of
 * them then still holds.  What this collector wrote down (pens, anchors, attempts, findings, alerts,
 * its own name) has no checksum; a row is taken where the file's structure holds and the pen it is of
 * is found the same way through the table and through its index.
 *
 * The small tables are copied at once, of the latest file first: what a later one knows stays.  The
 * records follow in slices, between other work, and go on after a restart; a file set aside is only
 * read.  When the store is damaged again, all that was ever set aside and is still there is begun
 * anew: what had come over from it is perhaps lost.
 */

typedef struct {
	char *asides;		/* the files' paths, for people; NULL: there is nothing to salvage from */
	guint pens, records;	/* in the new file by now */
	guint specimens;	/* likewise: bytes that are no record, kept as evidence */
	guint damaged;		/* of both, found but no longer what came */
	gboolean done;
} StpSalvage;

void stp_salvage_clear(StpSalvage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StpSalvage, stp_salvage_clear)

/*
 * Take up each file beside the store's that was set aside and is not known in it yet: with each start, as the
 * last process may have ended between setting aside and this.
 */
gboolean stp_salvage_begin(StpDatabase *db, GError **error);
/* How far it is; asides is NULL when nothing was ever set aside, or what was is gone. */
gboolean stp_salvage_read(StpDatabase *db, StpSalvage *out, GError **error);
/*
 * Some more of the records.  Records are left to be looked into: stp_decoding_catch_up().  A file that cannot be
 * read now is left for the next start.
 */
gboolean stp_salvage_slice(StpDatabase *db, StpSalvage *out, GError **error);
