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
/*
 * Of one pen.  A sync that breaks off in the newest record leaves one behind, and the next sync begins with
 * another one when there is a newer by then: so many in a row are needed to lose anything.  The bytes need no
 * bound of their own: all of them are of records that the pen still has, and that are going to be stored.
 */
#define PARTIALS_MAX 8

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

/* The name and size of what is kept of a record; *found FALSE: nothing.  serial and bytes stay as they are. */
static gboolean
find_partial(StpDatabase *db, gint64 pen, guint32 epoch, guint32 number, gboolean *found, StpPartial *out,
	     gsize *size, GError **error)
{
	static const char sql[] = "SELECT length, crc32c, size FROM partial"
				  " WHERE pen = ? AND epoch = ? AND number = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(number)), error);

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
	out->epoch = epoch;
	out->number = number;
	out->length = (guint32)stp_rows_int(rows, 0);
	out->crc32c = (guint32)stp_rows_int(rows, 1);
	*size = (gsize)stp_rows_int(rows, 2);
	return TRUE;
}

static gboolean
is_same(const StpPartial *one, const StpPartial *other)
{
	return one->epoch == other->epoch && one->number == other->number && one->length == other->length &&
	       one->crc32c == other->crc32c;
}

static gboolean
drop(StpDatabase *db, gint64 pen, guint32 epoch, guint32 number, GError **error)
{
	static const char chunks[] = "DELETE FROM partial_chunk WHERE pen = ? AND epoch = ? AND number = ?";
	static const char name[] = "DELETE FROM partial WHERE pen = ? AND epoch = ? AND number = ?";
	const StpValue *which = STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(number));

	return stp_database_run(db, chunks, which, error) && stp_database_run(db, name, which, error);
}

/* ---- writing ---- */

static gboolean
add_chunks(StpDatabase *db, gint64 pen, const StpPartial *partial, GError **error)
{
	static const char add[] = "INSERT INTO partial_chunk (pen, epoch, number, start, seal, bytes)"
				  " VALUES (?, ?, ?, ?, ?, ?)";
	gsize size;
	const guint8 *bytes = g_bytes_get_data(partial->bytes, &size);

	for (gsize at = 0; at < size; at += CHUNK_SIZE) {
		gsize part = MIN(CHUNK_SIZE, size - at), start = partial->start + at;

		if (!stp_database_run(db, add,
				      STP_VALUES(STP_INT(pen), STP_INT(partial->epoch), STP_INT(partial->number),
						 STP_INT(start),
						 STP_INT(seal_of(partial, start, bytes + at, part)),
						 STP_BLOB(bytes + at, part)),
				      error))
			return FALSE;
	}
	return TRUE;
}

/* Those that were left alone longest give their place. */
static gboolean
make_room(StpDatabase *db, gint64 pen, GError **error)
{
	static const char oldest[] = "SELECT epoch, number FROM partial WHERE pen = ?"
				     " ORDER BY partial DESC LIMIT -1 OFFSET ?";
	g_autoptr(GArray) names = g_array_new(FALSE, FALSE, sizeof(StpPartial));
	g_autoptr(GError) local = NULL;

	{
		g_autoptr(StpRows) rows = stp_database_query(
			db, oldest, STP_VALUES(STP_INT(pen), STP_INT(PARTIALS_MAX)), error);

		if (rows == NULL)
			return FALSE;
		while (stp_rows_next(rows, &local)) {
			StpPartial name = {
				.epoch = (guint32)stp_rows_int(rows, 0),
				.number = (guint32)stp_rows_int(rows, 1),
			};

			g_array_append_val(names, name);
		}
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	for (guint i = 0; i < names->len; i++) {
		const StpPartial *name = &g_array_index(names, StpPartial, i);

		if (!drop(db, pen, name->epoch, name->number, error))
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
	    !find_partial(db, pen, partial->epoch, partial->number, &found, &before, &kept, error))
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
	if (partial->start == 0 && !drop(db, pen, partial->epoch, partial->number, error))
		return FALSE;
	if (partial->start + added == 0)
		return TRUE;
	/* Replacing gives it the highest key, which is how the order of writing is known. */
	return add_chunks(db, pen, partial, error) &&
	       stp_database_run(db, put,
				STP_VALUES(STP_INT(pen), STP_INT(partial->epoch), STP_INT(partial->number),
					   STP_INT(partial->length), STP_INT(partial->crc32c),
					   STP_INT(partial->start + added)),
				error) &&
	       make_room(db, pen, error);
}

/* ---- reading ---- */

static GByteArray *
read_chunks(StpDatabase *db, gint64 pen, const StpPartial *partial, GError **error)
{
	static const char sql[] = "SELECT start, seal, bytes FROM partial_chunk"
				  " WHERE pen = ? AND epoch = ? AND number = ? ORDER BY start";
	const StpValue *which = STP_VALUES(STP_INT(pen), STP_INT(partial->epoch), STP_INT(partial->number));
	g_autoptr(GError) local = NULL;
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autoptr(StpRows) rows = stp_database_query(db, sql, which, error);

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

static GPtrArray *
list_partials(StpDatabase *db, gint64 pen, const char *serial, GError **error)
{
	static const char sql[] = "SELECT epoch, number, length, crc32c FROM partial WHERE pen = ?"
				  " ORDER BY epoch, number";
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func((GDestroyNotify)stp_partial_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		StpPartial *name = g_new0(StpPartial, 1);

		name->serial = g_strdup(serial);
		name->epoch = (guint32)stp_rows_int(rows, 0);
		name->number = (guint32)stp_rows_int(rows, 1);
		name->length = (guint32)stp_rows_int(rows, 2);
		name->crc32c = (guint32)stp_rows_int(rows, 3);
		g_ptr_array_add(names, name);
	}
	if (local == NULL)
		return g_steal_pointer(&names);
	g_propagate_error(error, g_steal_pointer(&local));
	return NULL;
}

GPtrArray *
stp_journal_list(StpDatabase *db, const char *serial, GError **error)
{
	gint64 pen;

	return stp_pens_find(db, serial, &pen, error) ? list_partials(db, pen, serial, error) : NULL;
}

StpPartial *
stp_journal_get(StpDatabase *db, const char *serial, guint32 epoch, guint32 number, GError **error)
{
	g_autoptr(StpPartial) partial = g_new0(StpPartial, 1);
	g_autoptr(GByteArray) bytes = NULL;
	gboolean found;
	gsize size;
	gint64 pen;

	if (!stp_pens_find(db, serial, &pen, error) ||
	    !find_partial(db, pen, epoch, number, &found, partial, &size, error) || !found)
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
	    !keep_as_evidence(db, pen, partial, error) ||
	    !find_partial(db, pen, partial->epoch, partial->number, &found, &kept, &size, error))
		return FALSE;
	return !found || !is_same(&kept, partial) || drop(db, pen, kept.epoch, kept.number, error);
}

static gboolean
drop_in_order(StpDatabase *db, gint64 pen, const StpPartial *name, const StpPartial *evidence, GError **error)
{
	if (!stp_database_begin(db, error))
		return FALSE;
	if ((evidence == NULL || keep_as_evidence(db, pen, evidence, error)) &&
	    drop(db, pen, name->epoch, name->number, error))
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

	if (!stp_pens_find(db, serial, &pen, error) ||
	    !find_partial(db, pen, epoch, number, &found, &kept, &size, error))
		return FALSE;
	/* Should a crash come first: stp_journal_tidy() finds that the record is held. */
	return !found || drop_in_order(db, pen, &kept, NULL, error);
}

static gboolean
tidy_one(StpDatabase *db, gint64 pen, const StpPartial *name, guint32 epoch, guint32 oldest, GError **error)
{
	static const char held[] = "SELECT count(*) FROM record WHERE pen = ? AND epoch = ? AND number = ?";
	g_autoptr(StpPartial) evidence = NULL;
	g_autoptr(GError) local = NULL;
	gint64 is_held;

	if (!stp_database_get_int(db, held,
				  STP_VALUES(STP_INT(pen), STP_INT(name->epoch), STP_INT(name->number)), 0,
				  &is_held, error))
		return FALSE;
	if (is_held)
		return drop_in_order(db, pen, name, NULL, error);
	if (name->epoch == epoch && name->number >= oldest)
		return TRUE;
	/* All that is left of it anywhere.  What cannot be read is no evidence, and must not stay for ever.
	 */
	evidence = stp_journal_get(db, name->serial, name->epoch, name->number, &local);
	return drop_in_order(db, pen, name, evidence, error);
}

gboolean
stp_journal_tidy(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, GError **error)
{
	g_autoptr(GPtrArray) names = NULL;
	gint64 pen;

	if (!stp_pens_find(db, serial, &pen, error))
		return FALSE;
	names = list_partials(db, pen, serial, error);
	if (names == NULL)
		return FALSE;
	for (guint i = 0; i < names->len; i++)
		if (!tidy_one(db, pen, g_ptr_array_index(names, i), epoch, oldest, error))
			return FALSE;
	return TRUE;
}
