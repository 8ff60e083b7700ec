/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/*
 * The tables of what came of records that are not whole yet.  They are a convenience: whoever
 * calls goes on when one of these fails, and no record's transaction contains any of it, so that a
 * damaged journal cannot keep a record from being stored.
 */

/* Inside the caller's transaction, as stp_store_put_partial_async() says. */
gboolean stp_journal_put(StpDatabase *db, const StpPartial *partial, GError **error);
/* What is kept of a pen, without the bytes: (element-type StpPartial). */
GPtrArray *stp_journal_list(StpDatabase *db, const char *serial, GError **error);
/* NULL without an error: nothing usable is kept.  What is damaged, and all behind it, is left out. */
StpPartial *stp_journal_get(StpDatabase *db, const char *serial, guint32 epoch, guint32 number, GError **error);
/* Keep the bytes as evidence and forget what is kept of that record; inside the caller's transaction. */
gboolean stp_journal_refute(StpDatabase *db, const StpPartial *partial, GError **error);

/* The record was stored: nothing is left to resume.  A transaction of its own, when one is needed. */
gboolean stp_journal_forget(StpDatabase *db, const char *serial, guint32 epoch, guint32 number,
			    GError **error);
/*
 * The pen's log is of this epoch and begins at oldest: what is kept of a record that it lost is
 * moved to the evidence, and what is kept of one that is held is dropped.  Each in its own transaction.
 */
gboolean stp_journal_tidy(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, GError **error);
