/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-check.h"

#include <string.h>
#include <stipple/record.h>

#include "database.h"
#include "record-digest.h"

/* Records looked at in one view of the store. */
#define SLICE 64

void
stp_check_free(StpCheck *check)
{
	if (check == NULL)
		return;
	g_ptr_array_unref(check->damaged);
	g_strfreev(check->structure);
	g_free(check);
}

static void
free_damage(gpointer data)
{
	StpDamage *damage = data;

	g_free(damage->serial);
	g_free(damage);
}

typedef struct {
	StpDatabase *db;
	StpCheck *check;
	GPtrArray *structure;
} Look;

/* ---- structure ---- */

static void
note_structure(Look *look, const char *table, const char *text)
{
	g_ptr_array_add(look->structure, g_strdup_printf("%s: %s", table, text));
}

static void
check_table(Look *look, const char *table)
{
	g_autofree char *text = g_strdup_printf("PRAGMA integrity_check(\"%s\")", table);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(look->db, g_intern_string(text), NULL, &local);

	while (rows != NULL && stp_rows_next(rows, &local))
		if (!g_str_equal(stp_rows_text(rows, 0), "ok"))
			note_structure(look, table, stp_rows_text(rows, 0));
	if (local != NULL)
		note_structure(look, table, local->message);
}

static gboolean
check_structure(Look *look, GError **error)
{
	static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table'";
	g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(look->db, sql, NULL, error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(tables, g_strdup(stp_rows_text(rows, 0)));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	g_clear_pointer(&rows, stp_rows_end);
	for (guint i = 0; i < tables->len; i++)
		check_table(look, g_ptr_array_index(tables, i));
	return TRUE;
}

/* ---- records ---- */

typedef struct {
	gint64 record;
	const char *serial;
	guint32 epoch, number;
	const guint8 *bytes, *hash;
	gsize size, hash_size;
	enum stp_status verdict;
} Row;

/* NULL: it is as the pen sent it. */
static const char *
damage_of(const Row *row)
{
	guint8 hash[STP_HASH_SIZE];
	struct stp_record_head head;
	uint32_t crc;

	if (row->bytes == NULL)
		return "missing";
	if (stp_record_check(row->bytes, row->size, &crc) != STP_OK)
		return "checksum";
	stp_record_hash(row->bytes, row->size, hash);
	if (row->hash_size > 0 && (row->hash_size != sizeof(hash) || memcmp(hash, row->hash, sizeof(hash)) != 0))
		return "hash";
	if (stp_record_read_head(row->bytes, row->size, &head) == STP_OK &&
	    (!g_str_equal(head.serial, row->serial) || head.epoch != row->epoch || head.number != row->number))
		return "name";
	return NULL;
}

/* What was made of it against what can be made of it now. */
static gboolean
is_derived_right(Look *look, const Row *row)
{
	static const char sql[] = "SELECT samples, duration_ms, strokes, motor_on_ms FROM part WHERE record = ?";
	g_autoptr(StpRecordDigest) digest = stp_record_digest_new(row->bytes, row->size);
	g_autoptr(StpRows) rows = NULL;

	if (!digest->is_session || digest->verdict != STP_OK || row->verdict != STP_OK)
		return (digest->verdict == STP_OK) == (row->verdict == STP_OK) || row->verdict == STP_ERR_IDENTITY;
	rows = stp_database_query(look->db, sql, STP_VALUES(STP_INT(row->record)), NULL);
	return rows != NULL && stp_rows_next(rows, NULL) && stp_rows_int(rows, 0) == (gint64)digest->part.sample_count &&
	       stp_rows_int(rows, 1) == (gint64)digest->part.duration_ms &&
	       stp_rows_int(rows, 2) == (gint64)digest->part.strokes &&
	       stp_rows_int(rows, 3) == (gint64)digest->part.motor_on_ms;
}

static void
check_row(Look *look, const Row *row)
{
	const char *what = damage_of(row);
	StpDamage *damage = NULL;

	look->check->records++;
	if (what == NULL && is_derived_right(look, row))
		return;
	damage = g_new0(StpDamage, 1);
	damage->serial = g_strdup(row->serial);
	damage->epoch = row->epoch;
	damage->record = row->number;
	damage->what = what != NULL ? what : "derived";
	g_ptr_array_add(look->check->damaged, damage);
	look->check->derived += what == NULL;
}

static gboolean
check_slice(Look *look, gint64 *last, gboolean *more, GError **error)
{
	static const char sql[] =
		"SELECT record, coalesce(serial, ''), epoch, number, bytes, sha256, verdict FROM record"
		" LEFT JOIN pen USING (pen) LEFT JOIN record_raw USING (record)"
		/* What waits to be looked into has nothing to compare with. */
		" WHERE record > ? AND parser > 0 ORDER BY record LIMIT ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(look->db, sql, STP_VALUES(STP_INT(*last), STP_INT(SLICE)), error);
	guint count = 0;

	if (rows == NULL)
		return FALSE;
	for (; stp_rows_next(rows, &local); count++) {
		Row row = {
			.record = stp_rows_int(rows, 0),
			.serial = stp_rows_text(rows, 1),
			.epoch = (guint32)stp_rows_int(rows, 2),
			.number = (guint32)stp_rows_int(rows, 3),
			.verdict = (enum stp_status)stp_rows_int(rows, 6),
		};

		row.bytes = stp_rows_blob(rows, 4, &row.size);
		row.hash = stp_rows_blob(rows, 5, &row.hash_size);
		check_row(look, &row);
		*last = row.record;
	}
	*more = count == SLICE;
	if (local == NULL)
		return TRUE;
	/* A page that cannot be read: said once, and the rest is looked at. */
	note_structure(look, "record", local->message);
	*more = TRUE;
	(*last)++;
	return TRUE;
}

static gboolean
check_records(Look *look, GCancellable *cancellable, GError **error)
{
	gint64 last = 0, end = 0;
	gboolean more = TRUE;

	if (!stp_database_get_int(look->db, "SELECT max(record) FROM record", NULL, 0, &end, error))
		return FALSE;
	while (more && last < end) {
		if (g_cancellable_is_cancelled(cancellable)) {
			g_set_error(error, STP_ERROR, STP_ERROR_CANCELLED, "The check was cancelled.");
			return FALSE;
		}
		if (!check_slice(look, &last, &more, error))
			return FALSE;
	}
	return TRUE;
}

/* The ranges that say what is held, against the records. */
static gboolean
check_held(Look *look, GError **error)
{
	static const char sql[] = "SELECT (SELECT count(*) FROM record) <>"
				  " (SELECT coalesce(sum(last - first + 1), 0) FROM held)";
	gint64 differ = 0;

	if (!stp_database_get_int(look->db, sql, NULL, 0, &differ, error))
		return FALSE;
	look->check->derived += differ != 0;
	return TRUE;
}

StpCheck *
stp_check_run(const char *path, GCancellable *cancellable, GError **error)
{
	gboolean damaged = FALSE;
	g_autoptr(StpCheck) check = g_new0(StpCheck, 1);
	g_autoptr(StpDatabase) db = stp_database_open(path, STP_DATABASE_READER, &damaged, error);
	g_autoptr(GPtrArray) structure = g_ptr_array_new_with_free_func(g_free);
	Look look = { .db = db, .check = check, .structure = structure };
	gboolean done;

	check->damaged = g_ptr_array_new_with_free_func(free_damage);
	done = db != NULL && check_structure(&look, error) && check_records(&look, cancellable, error) &&
	       check_held(&look, error);
	if (!done)
		return NULL;
	g_ptr_array_add(structure, NULL);
	check->structure = (char **)g_ptr_array_free(g_steal_pointer(&structure), FALSE);
	return g_steal_pointer(&check);
}
