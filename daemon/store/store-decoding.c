/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-decoding.h"

#include "log.h"
#include "record-digest.h"
#include "store-coverage.h"
#include "store-findings.h"
#include "store-parts.h"
#include "store-sessions.h"
#include "store-times.h"

typedef struct {
	StpPartOrigin origin;
	char *serial;
	gint64 received_at;
	gint64 parser;
	enum stp_status verdict;
} Row;

static void
row_clear(Row *row)
{
	g_clear_pointer(&row->serial, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Row, row_clear)

void
stp_look_clear(StpLook *look)
{
	g_clear_pointer(&look->session_id, g_free);
}

static gboolean
read_row(StpDatabase *db, gint64 record, Row *row, GError **error)
{
	static const char sql[] = "SELECT pen, epoch, number, serial, received_at, parser, verdict"
				  " FROM record JOIN pen USING (pen) WHERE record = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(record)), error);

	if (rows == NULL)
		return FALSE;
	if (!stp_rows_next(rows, &local)) {
		if (local != NULL)
			g_propagate_error(error, g_steal_pointer(&local));
		else
			g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND, "There is no such record in the store.");
		return FALSE;
	}
	row->origin = (StpPartOrigin){
		.pen = stp_rows_int(rows, 0),
		.record = record,
		.epoch = (guint32)stp_rows_int(rows, 1),
		.number = (guint32)stp_rows_int(rows, 2),
	};
	row->serial = g_strdup(stp_rows_text(rows, 3));
	row->received_at = stp_rows_int(rows, 4);
	row->parser = stp_rows_int(rows, 5);
	row->verdict = (enum stp_status)stp_rows_int(rows, 6);
	return TRUE;
}

/* Bytes that were sound when they came and are not now mean that the disk has changed them. */
static StpRecordDigest *
digest_stored(StpDatabase *db, gint64 record, guint8 hash[STP_HASH_SIZE], GError **error)
{
	static const char sql[] = "SELECT bytes FROM record_raw WHERE record = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(record)), error);
	const guint8 *bytes;
	gsize size;

	if (rows == NULL)
		return NULL;
	if (!stp_rows_next(rows, &local)) {
		if (local != NULL)
			g_propagate_error(error, g_steal_pointer(&local));
		else
			g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
				    "The store %s has lost the bytes of a record. Restore it from a backup.",
				    stp_database_path(db));
		return NULL;
	}
	bytes = stp_rows_blob(rows, 0, &size);
	stp_record_hash(bytes, size, hash);
	return stp_record_digest_new(bytes, size);
}

static gboolean
note_verdict(StpDatabase *db, const Row *row, const StpRecordDigest *digest, enum stp_status verdict,
	     GPtrArray *made, GError **error)
{
	StpNote note = {
		.pen = row->origin.pen,
		.serial = row->serial,
		.epoch = row->origin.epoch,
		.record = row->origin.number,
		.kind = stp_findings_kind(verdict),
		.at = row->received_at,
		.kept = TRUE,
		.derived = TRUE,
	};

	return stp_findings_note_record(db, &note, digest->reason, made, error);
}

/* What cannot be read may name one or not. */
static StpValue
prev_hash_of(const StpRecordDigest *digest)
{
	if (digest->verdict != STP_OK)
		return STP_NULL;
	return STP_BLOB(digest->head.prev_hash, digest->head.has_prev_hash ? STP_HASH_SIZE : 0);
}

static gboolean
derive(StpDatabase *db, const Row *row, const StpRecordDigest *digest, const guint8 hash[STP_HASH_SIZE],
       StpLook *look, GPtrArray *made, GError **error)
{
	/* The first hash stays: it is that of the bytes as they came. */
	static const char sql[] = "UPDATE record SET parser = ?, verdict = ?, prev_hash = ?,"
				  " sha256 = CASE length(sha256) WHEN 0 THEN ? ELSE sha256 END WHERE record = ?";
	gint64 session = 0;

	look->verdict = digest->verdict;
	if (digest->verdict == STP_OK && digest->is_session) {
		if (!stp_parts_add(db, &row->origin, digest, &session, error))
			return FALSE;
		if (session != 0)
			look->session_id = stp_session_id(row->serial, row->origin.epoch, digest->part.session_no);
		else
			look->verdict = STP_ERR_IDENTITY;
	}
	if (digest->verdict == STP_OK && digest->is_event &&
	    !stp_times_put_event(db, row->origin.pen, row->origin.record, &digest->head, &digest->event, error))
		return FALSE;
	if (look->verdict != STP_OK && !note_verdict(db, row, digest, look->verdict, made, error))
		return FALSE;
	if (look->verdict == STP_OK && row->verdict != STP_OK &&
	    !stp_findings_close(db, row->origin.pen, row->origin.epoch, row->origin.number, error))
		return FALSE;
	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(STP_PARSER_VERSION), STP_INT(look->verdict),
					   prev_hash_of(digest),
					   STP_BLOB(hash, STP_HASH_SIZE), STP_INT(row->origin.record)),
				error);
}

static gboolean
is_done(const Row *row)
{
	return row->parser >= STP_PARSER_VERSION || (row->parser > 0 && row->verdict == STP_OK);
}

static gboolean
recall(StpDatabase *db, const Row *row, StpLook *look, GError **error)
{
	static const char sql[] = "SELECT session.number FROM part JOIN session USING (session) WHERE record = ?";
	gint64 number;

	if (!stp_database_get_int(db, sql, STP_VALUES(STP_INT(row->origin.record)), 0, &number, error))
		return FALSE;
	look->verdict = row->verdict;
	if (number != 0)
		look->session_id = stp_session_id(row->serial, row->origin.epoch, (guint32)number);
	return TRUE;
}

static gboolean
derive_alone(StpDatabase *db, const Row *row, const StpRecordDigest *digest, const guint8 hash[STP_HASH_SIZE],
	     StpLook *look, GPtrArray *made, GError **error)
{
	if (!stp_database_set_durable(db, FALSE, error) || !stp_database_begin(db, error))
		return FALSE;
	if (derive(db, row, digest, hash, look, made, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

gboolean
stp_decoding_look(StpDatabase *db, gint64 record, GBytes *raw, StpDigester *digester, StpLook *look,
		  GPtrArray *made, GError **error)
{
	g_auto(Row) row = { 0 };
	g_autoptr(StpRecordDigest) digest = NULL;
	guint8 hash[STP_HASH_SIZE];
	gboolean fine;

	if (!read_row(db, record, &row, error))
		return FALSE;
	if (is_done(&row))
		return recall(db, &row, look, error);
	if (raw != NULL) {
		stp_record_hash(g_bytes_get_data(raw, NULL), g_bytes_get_size(raw), hash);
		digest = stp_digester_take(digester);
	} else {
		digest = digest_stored(db, record, hash, error);
	}
	if (digest == NULL)
		return FALSE;
	fine = derive_alone(db, &row, digest, hash, look, made, error);
	return stp_database_set_durable(db, TRUE, fine ? error : NULL) && fine;
}

gboolean
stp_decoding_catch_up(StpDatabase *db, GError **error)
{
	static const char sql[] = "SELECT record FROM record WHERE (parser = 0 OR verdict <> 0) AND parser < ?1"
				  " AND record > ?2 ORDER BY record LIMIT 1";
	gint64 record = 0;
	guint count = 0;

	for (;;) {
		g_auto(StpLook) look = { STP_OK, NULL };
		gint64 last = record;

		if (!stp_database_get_int(db, sql, STP_VALUES(STP_INT(STP_PARSER_VERSION), STP_INT(last)), 0, &record,
					  error))
			return FALSE;
		if (record == 0)
			break;
		if (!stp_decoding_look(db, record, NULL, NULL, &look, NULL, error))
			return FALSE;
		count++;
	}
	if (count > 0)
		stp_info("store", NULL, "Looked into %u records left from before.", count);
	return TRUE;
}

static gboolean
reparse_all(StpDatabase *db, GCancellable *cancellable, GError **error)
{
	static const char sql[] = "SELECT record FROM record WHERE record > ? ORDER BY record LIMIT 1";
	gint64 record = 0;

	if (!stp_parts_forget_all(db, error) || !stp_times_forget_events(db, error) || !stp_findings_close_derived(db, error) ||
	    !stp_held_rebuild(db, error))
		return FALSE;
	for (;;) {
		g_auto(StpLook) look = { STP_OK, NULL };
		g_auto(Row) row = { 0 };
		g_autoptr(StpRecordDigest) digest = NULL;
		guint8 hash[STP_HASH_SIZE];
		gint64 last = record;

		if (g_cancellable_is_cancelled(cancellable)) {
			g_set_error(error, STP_ERROR, STP_ERROR_CANCELLED,
				    "Reading the records anew was cancelled; nothing was changed.");
			return FALSE;
		}
		if (!stp_database_get_int(db, sql, STP_VALUES(STP_INT(last)), 0, &record, error))
			return FALSE;
		if (record == 0)
			return stp_times_settle_all(db, error);
		if (!read_row(db, record, &row, error))
			return FALSE;
		digest = digest_stored(db, record, hash, error);
		if (digest == NULL || !derive(db, &row, digest, hash, &look, NULL, error))
			return FALSE;
	}
}

gboolean
stp_decoding_reparse(StpDatabase *db, GCancellable *cancellable, GError **error)
{
	if (!stp_database_begin(db, error))
		return FALSE;
	if (reparse_all(db, cancellable, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}
