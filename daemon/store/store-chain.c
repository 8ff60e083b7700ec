/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-chain.h"

#include <string.h>

#include "record-digest.h"

typedef struct {
	gboolean begun, chained, gaps;
	guint32 number, breaks_at;
	gboolean has_hash; /* of the record before */
	guint8 hash[STP_HASH_SIZE];
} Walk;

const char *
stp_chain_state_name(StpChainState state)
{
	switch (state) {
	case STP_CHAIN_WHOLE:
		return "whole";
	case STP_CHAIN_WITH_GAPS:
		return "gaps";
	case STP_CHAIN_BREAKS:
		return "broken";
	case STP_CHAIN_NOT_KNOWN:
		break;
	}
	return "unknown";
}

static void
compare(Walk *walk, guint32 number, const guint8 *named, gsize size)
{
	const gboolean names = size == STP_HASH_SIZE;

	if (!walk->begun)
		walk->gaps |= names; /* what was written before it is not here */
	else if (!names)
		walk->breaks_at = walk->chained && walk->breaks_at == 0 ? number : walk->breaks_at;
	else if (!walk->has_hash)
		walk->gaps = TRUE;
	else if (memcmp(named, walk->hash, STP_HASH_SIZE) == 0)
		; /* numbers between, if any, were skipped */
	else if (number != walk->number + 1)
		walk->gaps = TRUE;
	else if (walk->breaks_at == 0)
		walk->breaks_at = number;
	walk->chained |= names;
}

static void
step(Walk *walk, StpRows *rows)
{
	guint32 number = (guint32)stp_rows_int(rows, 0);
	gsize hash_size, named_size;
	const guint8 *hash = stp_rows_blob(rows, 1, &hash_size);
	const guint8 *named = stp_rows_blob(rows, 2, &named_size);

	if (stp_rows_is_null(rows, 2))
		walk->gaps = TRUE; /* not looked into, or not understood: the next one tells */
	else
		compare(walk, number, named, named_size);
	walk->begun = TRUE;
	walk->number = number;
	walk->has_hash = hash_size == STP_HASH_SIZE;
	if (walk->has_hash)
		memcpy(walk->hash, hash, STP_HASH_SIZE);
}

static gboolean
walk_from(StpDatabase *db, gint64 pen, guint32 epoch, guint32 from, guint32 to, Walk *walk, GError **error)
{
	static const char sql[] = "SELECT number, sha256, prev_hash FROM record"
				  " WHERE pen = ? AND epoch = ? AND number BETWEEN ? AND ? ORDER BY number";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(from), STP_INT(to)), error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		step(walk, rows);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static StpChainState
state_of(const Walk *walk)
{
	if (walk->breaks_at != 0)
		return STP_CHAIN_BREAKS;
	if (!walk->chained)
		return STP_CHAIN_NOT_KNOWN;
	return walk->gaps ? STP_CHAIN_WITH_GAPS : STP_CHAIN_WHOLE;
}

gboolean
stp_chain_look(StpDatabase *db, gint64 pen, guint32 epoch, StpCoverage *coverage, GError **error)
{
	Walk walk = { 0 };

	if (!walk_from(db, pen, epoch, 1, G_MAXUINT32, &walk, error))
		return FALSE;
	coverage->chain_breaks_at = walk.breaks_at;
	coverage->chain = state_of(&walk);
	return TRUE;
}

/* ---- one session ---- */

static guint32
first_record(const StpSession *session)
{
	return g_array_index(session->records, guint32, 0);
}

static guint32
last_record(const StpSession *session)
{
	return g_array_index(session->records, guint32, session->records->len - 1);
}

const char *
stp_seal_state_name(StpSealState state)
{
	switch (state) {
	case STP_SESSION_UNSEALED:
		return "none";
	case STP_SESSION_SEALED:
		return "sealed";
	case STP_SESSION_SEAL_UNREADABLE:
		return "unknown";
	case STP_SESSION_SEAL_BROKEN:
		return "broken";
	case STP_SESSION_NOT_LOOKED_AT:
		break;
	}
	return "not-looked-at";
}

/* What it says against what is here.  links: how the records from the session's first to the seal hang
 * together. */
static StpSealState
compare_seal(StpDatabase *db, gint64 pen, const StpSession *session,
	     const struct stp_seal_statement *statement, StpChainState links, GError **error)
{
	static const char count[] =
		"SELECT count(*) FROM record WHERE pen = ? AND epoch = ? AND number BETWEEN ? AND ?";
	const guint32 first = first_record(session), last = last_record(session);
	gint64 held = 0;

	if (g_strcmp0(statement->serial, session->serial) != 0 || statement->epoch != session->epoch ||
	    statement->number != session->seal_record || links == STP_CHAIN_BREAKS)
		return STP_SESSION_SEAL_BROKEN;
	if (!session->complete || links != STP_CHAIN_WHOLE)
		return STP_SESSION_SEAL_UNREADABLE;
	if (!stp_database_get_int(
		    db, count,
		    STP_VALUES(STP_INT(pen), STP_INT(session->epoch), STP_INT(first), STP_INT(last)), 0,
		    &held, error))
		return STP_SESSION_NOT_LOOKED_AT;
	return statement->first == first && statement->last == last && statement->records == held
		       ? STP_SESSION_SEALED
		       : STP_SESSION_SEAL_BROKEN;
}

static gboolean
read_seal(StpRows *rows, struct stp_seal_statement *statement)
{
	gsize size;
	const guint8 *bytes = stp_rows_blob(rows, 1, &size);
	const struct stp_seal *seal;
	struct stp_record *record;
	gboolean read = FALSE;

	if (stp_record_decode(bytes, size, &record) != STP_OK)
		return FALSE;
	seal = stp_record_seal(record);
	if (seal != NULL)
		read = stp_seal_statement_decode(seal->statement, seal->statement_size, statement) == STP_OK;
	stp_record_free(record);
	return read;
}

/* The first seal behind it; session->seal stays NOT_LOOKED_AT when the statement is still to be compared. */
static gboolean
find_seal(StpDatabase *db, gint64 pen, StpSession *session, struct stp_seal_statement *statement,
	  GError **error)
{
	static const char sql[] =
		"SELECT number, bytes FROM record JOIN record_raw USING (record)"
		" WHERE pen = ? AND epoch = ? AND number > ? AND listed_type = ? ORDER BY number LIMIT 1";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql,
				   STP_VALUES(STP_INT(pen), STP_INT(session->epoch),
					      STP_INT(last_record(session)), STP_INT(STP_RECORD_SEAL)),
				   error);

	if (rows == NULL)
		return FALSE;
	if (!stp_rows_next(rows, &local)) {
		session->seal = STP_SESSION_UNSEALED;
	} else if (!read_seal(rows, statement)) {
		/* Perhaps not of this session at all. */
		session->seal = STP_SESSION_SEAL_UNREADABLE;
	} else if (statement->session_no != session->number) {
		session->seal = STP_SESSION_UNSEALED;
	} else {
		session->seal_record = (guint32)stp_rows_int(rows, 0);
	}
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* Where from is linked to is of no interest: its links begin with the one behind it. */
static gboolean
look_at_links(StpDatabase *db, gint64 pen, guint32 epoch, guint32 from, guint32 to, StpChainState *state,
	      GError **error)
{
	Walk walk = { 0 };

	if (!walk_from(db, pen, epoch, from, from, &walk, error))
		return FALSE;
	walk.gaps = FALSE;
	if (from < to && !walk_from(db, pen, epoch, from + 1, to, &walk, error))
		return FALSE;
	*state = state_of(&walk);
	return TRUE;
}

/* The number of the record before or behind it in the store; 0: none. */
static gboolean
find_neighbours(StpDatabase *db, gint64 pen, const StpSession *session, gint64 *before, gint64 *behind,
		GError **error)
{
	static const char below[] =
		"SELECT coalesce(max(number), 0) FROM record WHERE pen = ? AND epoch = ? AND number < ?";
	static const char above[] =
		"SELECT coalesce(min(number), 0) FROM record WHERE pen = ? AND epoch = ? AND number > ?";
	const StpValue epoch = STP_INT(session->epoch);

	return stp_database_get_int(db, below,
				    STP_VALUES(STP_INT(pen), epoch, STP_INT(first_record(session))), 0,
				    before, error) &&
	       stp_database_get_int(db, above, STP_VALUES(STP_INT(pen), epoch, STP_INT(last_record(session))),
				    0, behind, error);
}

gboolean
stp_chain_look_at_session(StpDatabase *db, StpSession *session, GError **error)
{
	struct stp_seal_statement statement;
	g_autoptr(GError) local = NULL;
	gint64 pen = 0, before = 0, behind = 0;
	StpChainState links;
	guint32 from, to;

	if (session->records->len == 0)
		return TRUE;
	if (!stp_database_get_int(db, "SELECT pen FROM pen WHERE serial = ?",
				  STP_VALUES(STP_TEXT(session->serial)), 0, &pen, error) ||
	    !find_seal(db, pen, session, &statement, error) ||
	    !find_neighbours(db, pen, session, &before, &behind, error))
		return FALSE;
	from = before != 0 ? (guint32)before : first_record(session);
	to = MAX(MAX((guint32)behind, session->seal_record), last_record(session));
	if (!look_at_links(db, pen, session->epoch, from, to, &session->chain, error))
		return FALSE;
	if (session->seal_record == 0)
		return TRUE;
	/* What a seal says of a session is not about the record before it. */
	if (!look_at_links(db, pen, session->epoch, first_record(session), session->seal_record, &links,
			   error))
		return FALSE;
	session->seal = compare_seal(db, pen, session, &statement, links, &local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

GPtrArray *
stp_chain_get_proof(StpDatabase *db, const StpSession *session, GError **error)
{
	static const char sql[] =
		"SELECT bytes FROM record JOIN record_raw USING (record) JOIN pen USING (pen)"
		" WHERE serial = ?1 AND epoch = ?2 AND number BETWEEN"
		"  (SELECT coalesce(max(number), ?3) FROM record JOIN pen USING (pen)"
		"   WHERE serial = ?1 AND epoch = ?2 AND number < ?3) AND ?4 ORDER BY number";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	const guint32 first = session->records->len > 0 ? first_record(session) : 1;
	const guint32 last = session->records->len > 0 ? last_record(session) : 0;
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql,
				   STP_VALUES(STP_TEXT(session->serial), STP_INT(session->epoch),
					      STP_INT(first), STP_INT(MAX(last, session->seal_record))),
				   error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		gsize size;
		const guint8 *bytes = stp_rows_blob(rows, 0, &size);

		g_ptr_array_add(list, g_bytes_new(bytes, size));
	}
	if (local == NULL)
		return g_steal_pointer(&list);
	g_propagate_error(error, g_steal_pointer(&local));
	return NULL;
}
