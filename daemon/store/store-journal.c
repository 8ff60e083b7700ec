/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-journal.h"

#include <string.h>

#include <stipple/crc32c.h>

#include "clock.h"
#include "store-pens.h"
#include "store-records.h"

/* The most that goes into one row, and so is lost when that row is damaged. */
#define CHUNK_SIZE 65536u

void
stp_partial_free(StpPartial *partial)
{
	if (partial == NULL)
		return;
	g_free(partial->serial);
	g_clear_pointer(&partial->bytes, g_bytes_unref);
	g_free(partial);
}

/* A row that was swapped or whose record's name decayed must not pass, nor may bytes that did. */
static guint32
seal_of(const StpPartial *partial, gsize start, const guint8 *bytes, gsize size)
{
	const guint32 name[] = {
		GUINT32_TO_LE(partial->epoch),  GUINT32_TO_LE(partial->number),
		GUINT32_TO_LE(partial->length), GUINT32_TO_LE(partial->crc32c),
		GUINT32_TO_LE((guint32)start),
	};

	return stp_crc32c(stp_crc32c(0, name, sizeof(name)), bytes, size);
}

/* The name and size of what is kept of a pen; *found FALSE: nothing.  serial and bytes stay as they are. */
static gboolean
find_partial(StpDatabase *db, gint64 pen, gboolean *found, StpPartial *out, gsize *size, GError **error)
{
	static const char sql[] = "SELECT epoch, number, length, crc32c, size FROM partial WHERE pen = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);

	*found = FALSE;
	if (rows == NULL)
		return FALSE;
	*found = stp_rows_next(rows, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (!*found)
		return TRUE;
	out->epoch = (guint32)stp_rows_int(rows, 0);
	out->number = (guint32)stp_rows_int(rows, 1);
	out->length = (guint32)stp_rows_int(rows, 2);
	out->crc32c = (guint32)stp_rows_int(rows, 3);
	*size = (gsize)stp_rows_int(rows, 4);
	return TRUE;
}

static gboolean
is_same(const StpPartial *one, const StpPartial *other)
{
	return one->epoch == other->epoch && one->number == other->number && one->length == other->length &&
	       one->crc32c == other->crc32c;
}

static gboolean
drop(StpDatabase *db, gint64 pen, GError **error)
{
	return stp_database_run(db, "DELETE FROM partial_chunk WHERE pen = ?", STP_VALUES(STP_INT(pen)),
				error) &&
	       stp_database_run(db, "DELETE FROM partial WHERE pen = ?", STP_VALUES(STP_INT(pen)), error);
}

/* ---- writing ---- */

static gboolean
add_chunks(StpDatabase *db, gint64 pen, const StpPartial *partial, GError **error)
{
	static const char add[] = "INSERT INTO partial_chunk (pen, start, seal, bytes) VALUES (?, ?, ?, ?)";
	gsize size;
	const guint8 *bytes = g_bytes_get_data(partial->bytes, &size);

	for (gsize at = 0; at < size; at += CHUNK_SIZE) {
		gsize part = MIN(CHUNK_SIZE, size - at), start = partial->start + at;

		if (!stp_database_run(db, add,
				      STP_VALUES(STP_INT(pen), STP_INT(start),
						 STP_INT(seal_of(partial, start, bytes + at, part)),
						 STP_BLOB(bytes + at, part)),
				      error))
			return FALSE;
	}
	return TRUE;
}

gboolean
stp_journal_put(StpDatabase *db, const StpPartial *partial, GError **error)
{
	static const char put[] = "INSERT OR REPLACE INTO partial (pen, epoch, number, length, crc32c, size)"
				  " VALUES (?, ?, ?, ?, ?, ?)";
	gsize added = g_bytes_get_size(partial->bytes), kept = 0;
	StpPartial before = { 0 };
	gboolean found;
	gint64 pen;

	if (!stp_pens_ensure(db, partial->serial, &pen, error) ||
	    !find_partial(db, pen, &found, &before, &kept, error))
		return FALSE;
	if (partial->start + added > partial->length ||
	    (partial->start != 0 && (!found || !is_same(&before, partial) || kept != partial->start))) {
		g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			    "These bytes of record %u do not go on where the journal ends; the record is "
			    "read again "
			    "from there.",
			    partial->number);
		return FALSE;
	}
	if (partial->start == 0 && !drop(db, pen, error))
		return FALSE;
	if (partial->start + added == 0)
		return TRUE;
	return add_chunks(db, pen, partial, error) &&
	       stp_database_run(db, put,
				STP_VALUES(STP_INT(pen), STP_INT(partial->epoch), STP_INT(partial->number),
					   STP_INT(partial->length), STP_INT(partial->crc32c),
					   STP_INT(partial->start + added)),
				error);
}

/* ---- reading ---- */

static GByteArray *
read_chunks(StpDatabase *db, gint64 pen, const StpPartial *partial, GError **error)
{
	static const char sql[] = "SELECT start, seal, bytes FROM partial_chunk WHERE pen = ? ORDER BY start";
	g_autoptr(GError) local = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		gsize size;
		const guint8 *chunk = stp_rows_blob(rows, 2, &size);

		if (stp_rows_int(rows, 0) != bytes->len || size > partial->length - bytes->len ||
		    stp_rows_int(rows, 1) != seal_of(partial, bytes->len, chunk, size))
			break;
		g_byte_array_append(bytes, chunk, (guint)size);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&bytes);
}

StpPartial *
stp_journal_get(StpDatabase *db, const char *serial, GError **error)
{
	g_autoptr(StpPartial) partial = g_new0(StpPartial, 1);
	g_autoptr(GByteArray) bytes = NULL;
	gboolean found;
	gsize size;
	gint64 pen;

	if (!stp_pens_find(db, serial, &pen, error) ||
	    !find_partial(db, pen, &found, partial, &size, error) || !found)
		return NULL;
	bytes = read_chunks(db, pen, partial, error);
	if (bytes == NULL || bytes->len == 0)
		return NULL;
	partial->serial = g_strdup(serial);
	partial->bytes = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
	return g_steal_pointer(&partial);
}

/* ---- the end of it ---- */

static gboolean
keep_as_evidence(StpDatabase *db, gint64 pen, const StpPartial *partial, GError **error)
{
	gboolean again;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(partial->bytes, &size);
	const StpSpecimen specimen = {
		.pen = pen,
		.epoch = partial->epoch,
		.number = partial->number,
		.kind = "partial",
		.bytes = bytes,
		.size = size,
		.at = stp_clock_wall(),
	};

	return size == 0 || stp_specimen_keep(db, &specimen, &again, error);
}

gboolean
stp_journal_refute(StpDatabase *db, const StpPartial *partial, GError **error)
{
	StpPartial kept = { 0 };
	gboolean found;
	gsize size;
	gint64 pen;

	if (!stp_pens_ensure(db, partial->serial, &pen, error) ||
	    !keep_as_evidence(db, pen, partial, error) || !find_partial(db, pen, &found, &kept, &size, error))
		return FALSE;
	return !found || !is_same(&kept, partial) || drop(db, pen, error);
}

static gboolean
drop_in_order(StpDatabase *db, gint64 pen, const StpPartial *evidence, GError **error)
{
	if (!stp_database_begin(db, error))
		return FALSE;
	if ((evidence == NULL || keep_as_evidence(db, pen, evidence, error)) && drop(db, pen, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

gboolean
stp_journal_forget(StpDatabase *db, const char *serial, guint32 epoch, guint32 number, GError **error)
{
	StpPartial kept = { 0 };
	gboolean found;
	gsize size;
	gint64 pen;

	if (!stp_pens_find(db, serial, &pen, error) || !find_partial(db, pen, &found, &kept, &size, error))
		return FALSE;
	if (!found || kept.epoch != epoch || kept.number != number)
		return TRUE;
	/* Should a crash come first: stp_journal_tidy() finds that the record is held. */
	return drop_in_order(db, pen, NULL, error);
}

gboolean
stp_journal_tidy(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, GError **error)
{
	static const char held[] = "SELECT count(*) FROM record WHERE pen = ? AND epoch = ? AND number = ?";
	g_autoptr(StpPartial) evidence = NULL;
	g_autoptr(GError) local = NULL;
	StpPartial kept = { 0 };
	gint64 pen, is_held;
	gboolean found;
	gsize size;

	if (!stp_pens_find(db, serial, &pen, error) || !find_partial(db, pen, &found, &kept, &size, error) ||
	    !found)
		return error == NULL || *error == NULL;
	if (!stp_database_get_int(db, held,
				  STP_VALUES(STP_INT(pen), STP_INT(kept.epoch), STP_INT(kept.number)), 0,
				  &is_held, error))
		return FALSE;
	if (is_held)
		return drop_in_order(db, pen, NULL, error);
	if (kept.epoch == epoch && kept.number >= oldest)
		return TRUE;
	/* All that is left of it anywhere.  What cannot be read is no evidence, and must not stay for ever.
	 */
	evidence = stp_journal_get(db, serial, &local);
	return drop_in_order(db, pen, evidence, error);
}
