/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-records.h"

#include <string.h>

#include "clock.h"
#include "record-digest.h"
#include "store-coverage.h"
#include "store-findings.h"
#include "store-pens.h"

/* An arrival, and what is told from its bytes. */
typedef struct {
	const StpArrival *arrival;
	const guint8 *raw;
	gsize size;
	gint64 pen;
	gint64 at;
} Parcel;

/* Whether it is the record that was asked for, whole and undamaged. */
static enum stp_status
judge(const Parcel *parcel)
{
	const StpArrival *arrival = parcel->arrival;
	struct stp_record_head head;
	uint32_t crc;
	enum stp_status status = stp_record_check(parcel->raw, parcel->size, &crc);

	if (status != STP_OK) {
		if (parcel->size < arrival->listed_size || status == STP_ERR_TRUNCATED ||
		    stp_record_looks_cut(parcel->raw, parcel->size))
			return STP_ERR_TRUNCATED;
		return STP_ERR_CRC;
	}
	/* A head nobody can read is no reason to leave the record in the pen: raw is raw. */
	if (stp_record_read_head(parcel->raw, parcel->size, &head) == STP_OK &&
	    (!g_str_equal(head.serial, arrival->serial) || head.epoch != arrival->epoch ||
	     head.number != arrival->number))
		return STP_ERR_IDENTITY;
	/* The checksum holds, but it is not the one LIST named. */
	return arrival->integrity == STP_OK ? STP_OK : STP_ERR_CRC;
}

static const char *
kind_of(enum stp_status integrity)
{
	if (integrity == STP_OK)
		return "conflict";
	if (integrity == STP_ERR_TRUNCATED)
		return "truncated";
	return integrity == STP_ERR_IDENTITY ? "identity" : "crc";
}

gboolean
stp_specimen_keep(StpDatabase *db, const StpSpecimen *specimen, gboolean *again, GError **error)
{
	static const char count[] = "UPDATE specimen SET tries = tries + 1, last_at = ?5"
				    " WHERE pen = ?1 AND epoch = ?2 AND number = ?3 AND sha256 = ?4";
	static const char insert[] =
		"INSERT INTO specimen (pen, epoch, number, sha256, first_at, last_at, kind, tries, size)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, 1, ?7)";
	static const char keep[] = "INSERT INTO specimen_raw (specimen, bytes) VALUES (?, ?)";
	StpValue pen = STP_INT(specimen->pen), epoch = STP_INT(specimen->epoch);
	StpValue number = STP_INT(specimen->number), sha256;
	guint8 hash[STP_HASH_SIZE];

	stp_record_hash(specimen->bytes, specimen->size, hash);
	sha256 = STP_BLOB(hash, sizeof(hash));
	if (!stp_database_run(db, count, STP_VALUES(pen, epoch, number, sha256, STP_INT(specimen->at)), error))
		return FALSE;
	*again = stp_database_changes(db) > 0;
	if (*again)
		return TRUE;
	return stp_database_run(db, insert,
				STP_VALUES(pen, epoch, number, sha256, STP_INT(specimen->at), STP_TEXT(specimen->kind),
					   STP_INT(specimen->size)),
				error) &&
	       stp_database_run(db, keep,
				STP_VALUES(STP_INT(stp_database_last_row(db)),
					   STP_BLOB(specimen->bytes, specimen->size)),
				error);
}

/* Bytes that are not the record: kept as evidence, whether or not the record itself is held. */
static gboolean
put_aside(StpDatabase *db, const Parcel *parcel, gboolean held, StpKept *kept, GPtrArray *made, GError **error)
{
	const StpArrival *arrival = parcel->arrival;
	gboolean again;
	StpNote note = {
		.pen = parcel->pen,
		.serial = arrival->serial,
		.epoch = arrival->epoch,
		.record = arrival->number,
		.kind = kind_of(kept->integrity),
		.at = parcel->at,
		.kept = TRUE,
	};
	const StpSpecimen specimen = {
		.pen = parcel->pen,
		.epoch = arrival->epoch,
		.number = arrival->number,
		.kind = note.kind,
		.bytes = parcel->raw,
		.size = parcel->size,
		.at = parcel->at,
	};

	if (!stp_specimen_keep(db, &specimen, &again, error) ||
	    !stp_findings_note_record(db, &note, NULL, made, error))
		return FALSE;
	if (again)
		kept->how = STP_STORED_AGAIN;
	else
		kept->how = held ? STP_STORED_CONFLICT : STP_STORED_NEW;
	if (!held || kept->integrity == STP_OK)
		return TRUE;
	return stp_findings_close(db, parcel->pen, arrival->epoch, arrival->number, error);
}

/*
 * The bytes are one blob, up to a megabyte: they are only ever read whole, and in segments of 32 or 64 KB
 * neither reading nor writing was faster, while the file grew by a percent.
 */
static gboolean
keep_record(StpDatabase *db, const Parcel *parcel, StpKept *kept, GError **error)
{
	static const char insert[] =
		"INSERT INTO record (pen, epoch, number, size, listed_type, listed_boot_id, listed_tick_ms,"
		"  authenticated, received_at, zone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	static const char keep[] = "INSERT INTO record_raw (record, bytes) VALUES (?, ?)";
	const StpArrival *arrival = parcel->arrival;

	if (!stp_database_run(db, insert,
			      STP_VALUES(STP_INT(parcel->pen), STP_INT(arrival->epoch), STP_INT(arrival->number),
					 STP_INT(parcel->size), STP_INT(arrival->listed_type),
					 STP_INT(arrival->listed_boot_id), STP_INT(arrival->listed_start_tick_ms),
					 STP_INT(arrival->authenticated != FALSE), STP_INT(parcel->at),
					 STP_TEXT(arrival->zone != NULL ? arrival->zone : "")),
			      error))
		return FALSE;
	kept->record = stp_database_last_row(db);
	kept->how = STP_STORED_NEW;
	return stp_database_run(db, keep,
				STP_VALUES(STP_INT(kept->record), STP_BLOB(parcel->raw, parcel->size)), error) &&
	       stp_held_add(db, parcel->pen, arrival->epoch, arrival->number, error) &&
	       stp_findings_close(db, parcel->pen, arrival->epoch, arrival->number, error);
}

/* *held is the row of the record under this name, 0 when there is none; *same: with these bytes. */
static gboolean
find_held(StpDatabase *db, const Parcel *parcel, gint64 *held, gboolean *same, GError **error)
{
	static const char sql[] = "SELECT record, bytes FROM record JOIN record_raw USING (record)"
				  " WHERE pen = ? AND epoch = ? AND number = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql,
						     STP_VALUES(STP_INT(parcel->pen), STP_INT(parcel->arrival->epoch),
								STP_INT(parcel->arrival->number)),
						     error);

	*held = 0;
	*same = FALSE;
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local)) {
		gsize size;
		const guint8 *bytes = stp_rows_blob(rows, 1, &size);

		*held = stp_rows_int(rows, 0);
		*same = size == parcel->size && memcmp(bytes, parcel->raw, size) == 0;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

static gboolean
note_reread(StpDatabase *db, const Parcel *parcel, GError **error)
{
	static const char sql[] = "INSERT OR REPLACE INTO reread (pen, epoch, number, length, crc32c)"
				  " VALUES (?, ?, ?, ?, ?)";

	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(parcel->pen), STP_INT(parcel->arrival->epoch),
					   STP_INT(parcel->arrival->number), STP_INT(parcel->size),
					   STP_INT(parcel->arrival->listed_crc32c)),
				error);
}

GArray *
stp_records_reread(StpDatabase *db, const char *serial, guint32 epoch, GError **error)
{
	static const char sql[] = "SELECT number, length, crc32c FROM reread JOIN pen USING (pen)"
				  " WHERE serial = ? AND epoch = ? ORDER BY number";
	g_autoptr(GArray) listed = g_array_new(FALSE, FALSE, sizeof(StpListed));
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(serial), STP_INT(epoch)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		const StpListed one = { (guint32)stp_rows_int(rows, 0), (guint32)stp_rows_int(rows, 1),
					(guint32)stp_rows_int(rows, 2) };

		g_array_append_val(listed, one);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&listed);
}

GArray *
stp_records_boot_starts(StpDatabase *db, const char *serial, GError **error)
{
	static const char sql[] = "SELECT boot_id, min(utc - tick_ms * 1000) FROM anchor JOIN pen USING (pen)"
				  " WHERE serial = ? GROUP BY boot_id ORDER BY boot_id";
	g_autoptr(GArray) starts = g_array_new(FALSE, FALSE, sizeof(StpBootStart));
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(serial)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		const StpBootStart one = { (guint32)stp_rows_int(rows, 0), stp_rows_int(rows, 1) };

		g_array_append_val(starts, one);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&starts);
}

gboolean
stp_records_sizes(StpDatabase *db, const char *serial, guint64 *records, guint64 *bytes, guint64 *sessions,
		  GError **error)
{
	static const char sql[] =
		"SELECT count(*), total(size), (SELECT count(*) FROM session JOIN pen USING (pen) WHERE serial = ?1)"
		" FROM record JOIN pen USING (pen) WHERE serial = ?1";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(serial)), error);

	*records = *bytes = *sessions = 0;
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local)) {
		*records = (guint64)stp_rows_int(rows, 0);
		*bytes = (guint64)stp_rows_int(rows, 1);
		*sessions = (guint64)stp_rows_int(rows, 2);
	}
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

gboolean
stp_records_keep(StpDatabase *db, const StpArrival *arrival, StpKept *kept, GPtrArray *made, GError **error)
{
	Parcel parcel = { .arrival = arrival };
	gint64 held;
	gboolean same;

	if (arrival->number == 0 || arrival->serial == NULL || *arrival->serial == '\0') {
		g_set_error(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
			    "A record without a serial or record number cannot be stored. This is a fault in "
			    "stippled; please report it.");
		return FALSE;
	}
	parcel.raw = g_bytes_get_data(arrival->raw, &parcel.size);
	parcel.at = arrival->received_at != 0 ? arrival->received_at : stp_clock_wall();

	*kept = (StpKept){ .integrity = judge(&parcel) };
	if (!stp_pens_ensure(db, arrival->serial, &parcel.pen, error) ||
	    !stp_epoch_ensure(db, parcel.pen, arrival->epoch, error) ||
	    !find_held(db, &parcel, &held, &same, error))
		return FALSE;

	kept->acknowledge = kept->integrity == STP_OK;
	if (arrival->went_back && kept->acknowledge && !note_reread(db, &parcel, error))
		return FALSE;
	if (kept->integrity != STP_OK || (held != 0 && !same))
		return put_aside(db, &parcel, held != 0, kept, made, error);
	if (held == 0)
		return keep_record(db, &parcel, kept, error);
	kept->record = held;
	kept->how = STP_STORED_AGAIN;
	return TRUE;
}
