/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* The table of findings.  Writers run inside the caller's transaction. */

/* What is known, when somebody notes a finding. */
typedef struct {
	gint64 pen;
	const char *serial;
	guint32 epoch, record;
	const char *kind;
	const char *text, *hint;
	gint64 at;
	gboolean kept;
	gboolean derived;	/* made by looking into a record: made anew with it */
} StpNote;

/* Note it; made (nullable, element-type StpFinding) receives it as it is now. */
gboolean stp_findings_note(StpDatabase *db, const StpNote *note, GPtrArray *made, GError **error);
/* About bytes that came under a record's name; text and hint are the kind's own. */
gboolean stp_findings_note_record(StpDatabase *db, StpNote *note, const char *reason, GPtrArray *made,
				  GError **error);
/* A sound copy of the record came: nothing of it is left to do, but conflicts. */
gboolean stp_findings_close(StpDatabase *db, gint64 pen, guint32 epoch, guint32 record, GError **error);
/* Before records are looked into anew. */
gboolean stp_findings_close_derived(StpDatabase *db, GError **error);

/*
 * (element-type StpFinding), those of an epoch by record.  strays: also those that are about no
 * record and name an epoch we do not know.
 */
GPtrArray *stp_findings_list(StpDatabase *db, gint64 pen, const char *serial, guint32 epoch, gboolean strays,
			     GError **error);
/* The word for what the decoder says. */
const char *stp_findings_kind(enum stp_status verdict);
