/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "database.h"
#include "record-digester.h"
#include "store-types.h"

/*
 * The second of two steps with a record: look inside, and derive sessions and findings.
 * It may fail or be lost without harm: the bytes are kept, and are looked into later.
 */

typedef struct {
	enum stp_status verdict;
	char *session_id;
} StpLook;

void stp_look_clear(StpLook *look);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StpLook, stp_look_clear)

/*
 * Look into a record unless this version has done so before.  raw NULL: its bytes are read from
 * the store; else digester is at work on them.  In a transaction of its own, which is not
 * forced to the disk.
 */
gboolean stp_decoding_look(StpDatabase *db, gint64 record, GBytes *raw, StpDigester *digester, StpLook *look,
			   GPtrArray *made, GError **error);
/* Those nobody looked into yet, and those an older version could not make sense of. */
gboolean stp_decoding_catch_up(StpDatabase *db, GError **error);
/* All of them, in one transaction. */
gboolean stp_decoding_reparse(StpDatabase *db, GCancellable *cancellable, GError **error);
