/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/*
 * The first of two steps with a record: keep its bytes.  Nothing is looked at but who the
 * record says it is.
 */

typedef struct {
	StpStoredHow how;
	gboolean acknowledge;
	enum stp_status integrity;	/* STP_OK, or why the bytes are no more than a specimen */
	gint64 record;			/* the row to look into; 0: none */
} StpKept;

/* Bytes that came under a record's name and are not the record. */
typedef struct {
	gint64 pen;
	guint32 epoch, number;
	const char *kind;
	const guint8 *bytes;
	gsize size;
	gint64 at;
} StpSpecimen;

/* Inside the caller's transaction.  *again: the same bytes were there. */
gboolean stp_specimen_keep(StpDatabase *db, const StpSpecimen *specimen, gboolean *again, GError **error);

/* Inside the caller's transaction; made receives StpFindings. */
gboolean stp_records_keep(StpDatabase *db, const StpArrival *arrival, StpKept *kept, GPtrArray *made,
			  GError **error);

/* See session-store.h. */
GArray *stp_records_reread(StpDatabase *db, const char *serial, guint32 epoch, GError **error);
GArray *stp_records_boot_starts(StpDatabase *db, const char *serial, GError **error);
gboolean stp_records_sizes(StpDatabase *db, const char *serial, guint64 *records, guint64 *bytes, guint64 *sessions,
			   GError **error);
