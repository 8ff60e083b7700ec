/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-chain.h"

#include <string.h>

#include "record-digest.h"

typedef struct {
	gboolean begun, chained, gaps;
	guint32 number, breaks_at;
	gboolean has_hash;	/* of the record before */
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
		;	/* numbers between, if any, were skipped */
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

gboolean
stp_chain_look(StpDatabase *db, gint64 pen, guint32 epoch, StpCoverage *coverage, GError **error)
{
	static const char sql[] =
		"SELECT number, sha256, prev_hash FROM record WHERE pen = ? AND epoch = ? ORDER BY number";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch)), error);
	Walk walk = { 0 };

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		step(&walk, rows);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	coverage->chain_breaks_at = walk.breaks_at;
	if (walk.breaks_at != 0)
		coverage->chain = STP_CHAIN_BREAKS;
	else if (!walk.chained)
		coverage->chain = STP_CHAIN_NOT_KNOWN;
	else
		coverage->chain = walk.gaps ? STP_CHAIN_WITH_GAPS : STP_CHAIN_WHOLE;
	return TRUE;
}
