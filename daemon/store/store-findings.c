/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-findings.h"

#include "log.h"

#define UPDATE_HINT "It is safe in the store; install a newer Stipple, which looks at it again by itself."

static const struct {
	const char *kind, *text, *hint;
} kinds[] = {
	{ "crc", "arrived damaged: its checksum does not hold",
	  "It is fetched again with the next sync; when it stays damaged, the pen's own copy is: have the pen "
	  "checked." },
	{ "truncated", "is cut short",
	  "It is fetched again with the next sync; when it stays short, the pen lost power while writing it." },
	{ "identity", "says it is another record",
	  "It is fetched again with the next sync; when it stays so, the pen's firmware is at fault: tell its "
	  "maker." },
	{ "conflict", "was stored before with other bytes",
	  "Both are kept, the first one is used; the pen's firmware re-uses record numbers: tell its maker." },
	{ "unknown", "is of a kind this version does not know", UPDATE_HINT },
	{ "range", "holds a value no pen can measure",
	  "It is safe in the store but in no session; the pen's sensor or firmware is at fault: have it checked." },
	{ "malformed", "cannot be read, although it arrived as the pen wrote it", UPDATE_HINT },
	{ "memory", "would take more memory to read than is allowed", UPDATE_HINT },
	{ "decayed", "was changed on this machine's disk since it was stored",
	  "Check the disk, and restore the store from a backup." },
	{ "part", "claims to be a part of a session that another record is already",
	  "It is safe in the store but in no session; the pen's firmware is at fault: tell its maker." },
};

const char *
stp_findings_kind(enum stp_status verdict)
{
	if (verdict == STP_ERR_UNKNOWN)
		return "unknown";
	if (verdict == STP_ERR_RANGE)
		return "range";
	if (verdict == STP_ERR_MEMORY)
		return "memory";
	if (verdict == STP_ERR_IDENTITY)
		return "part";
	if (verdict == STP_ERR_CRC)
		return "decayed";
	return "malformed";
}

void
stp_finding_free(StpFinding *finding)
{
	if (finding == NULL)
		return;
	g_free(finding->serial);
	g_free(finding->kind);
	g_free(finding->text);
	g_free(finding->hint);
	g_free(finding);
}

/* Columns: epoch record kind text hint since last count kept closed. */
static StpFinding *
read_finding(StpRows *rows, const char *serial)
{
	StpFinding *finding = g_new0(StpFinding, 1);

	finding->serial = g_strdup(serial);
	finding->epoch = (guint32)stp_rows_int(rows, 0);
	finding->record = (guint32)stp_rows_int(rows, 1);
	finding->kind = g_strdup(stp_rows_text(rows, 2));
	finding->text = g_strdup(stp_rows_text(rows, 3));
	finding->hint = g_strdup(stp_rows_text(rows, 4));
	finding->since = stp_rows_int(rows, 5);
	finding->last = stp_rows_int(rows, 6);
	finding->count = (guint)stp_rows_int(rows, 7);
	finding->kept = stp_rows_int(rows, 8) != 0;
	finding->closed = stp_rows_int(rows, 9) != 0;
	return finding;
}

gboolean
stp_findings_note(StpDatabase *db, const StpNote *note, GPtrArray *made, GError **error)
{
	static const char sql[] =
		"INSERT INTO finding (pen, epoch, record, kind, text, hint, since, last, count, kept, closed, derived)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, ?8, 0, ?9)"
		" ON CONFLICT (pen, epoch, record, kind) DO UPDATE SET text = ?5, hint = ?6,"
		"  last = max(last, ?7), kept = max(kept, ?8), closed = 0,"
		/* Made anew from the same bytes it has not happened again. */
		"  count = count + NOT ?9"
		" RETURNING epoch, record, kind, text, hint, since, last, count, kept, closed";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql,
		STP_VALUES(STP_INT(note->pen), STP_INT(note->epoch), STP_INT(note->record), STP_TEXT(note->kind),
			   STP_TEXT(note->text), STP_TEXT(note->hint), STP_INT(note->at),
			   STP_INT(note->kept), STP_INT(note->derived)),
		error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		if (made != NULL)
			g_ptr_array_add(made, read_finding(rows, note->serial));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

gboolean
stp_findings_note_record(StpDatabase *db, StpNote *note, const char *reason, GPtrArray *made, GError **error)
{
	g_autofree char *text = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (!g_str_equal(kinds[i].kind, note->kind))
			continue;
		text = reason != NULL ? g_strdup_printf("Record %u %s (%s).", note->record, kinds[i].text, reason)
				      : g_strdup_printf("Record %u %s.", note->record, kinds[i].text);
		note->text = text;
		note->hint = kinds[i].hint;
		stp_warning("store", note->serial, "%s: %s  %s", note->kind, note->text, note->hint);
		return stp_findings_note(db, note, made, error);
	}
	g_return_val_if_reached(FALSE);
}

gboolean
stp_findings_close(StpDatabase *db, gint64 pen, guint32 epoch, guint32 record, GError **error)
{
	static const char sql[] = "UPDATE finding SET closed = 1"
				  " WHERE pen = ? AND epoch = ? AND record = ? AND kind <> 'conflict'";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(record)), error);
}

gboolean
stp_findings_close_derived(StpDatabase *db, GError **error)
{
	return stp_database_run(db, "UPDATE finding SET closed = 1 WHERE derived", NULL, error);
}

GPtrArray *
stp_findings_list(StpDatabase *db, gint64 pen, const char *serial, guint32 epoch, gboolean strays, GError **error)
{
	static const char sql[] =
		"SELECT epoch, record, kind, text, hint, since, last, count, kept, closed FROM finding"
		" WHERE pen = ?1 AND (epoch = ?2 OR (?3 AND record = 0 AND"
		"  NOT EXISTS (SELECT 1 FROM epoch WHERE epoch.pen = ?1 AND epoch.epoch = finding.epoch)))"
		" ORDER BY record, since, finding";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_finding_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(strays)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(list, read_finding(rows, serial));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}
