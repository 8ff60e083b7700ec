/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "record-digest.h"

/* How sessions grow from their parts.  Inside the caller's transaction. */

typedef struct {
	gint64 pen, record;
	guint32 epoch, number;
} StpPartOrigin;

/*
 * Join a part to its session, which is made when it is the first one.  *session is 0 when
 * another record is that part already; then nothing was changed.
 */
gboolean stp_parts_add(StpDatabase *db, const StpPartOrigin *origin, const StpRecordDigest *digest,
		       gint64 *session, GError **error);
/* Before all records are looked into anew. */
gboolean stp_parts_forget_all(StpDatabase *db, GError **error);
