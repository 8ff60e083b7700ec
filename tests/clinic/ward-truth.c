/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What there is, what was promised, and what the store has of it. */

#include "ward.h"

#include <sqlite3.h>
#include <string.h>

#include <stipple/ranges.h>

#include "sim-pen-internal.h"

static WardRecord *
find(WardPen *pen, guint32 epoch, guint32 number)
{
	gint64 key = (gint64)((guint64)epoch << 32 | number);

	return g_hash_table_lookup(pen->index, &key);
}

static void
learn(WardPen *pen, guint32 epoch, const SimRecord *record)
{
	WardRecord *known = g_new0(WardRecord, 1);
	gint64 *key = g_new(gint64, 1);

	known->epoch = epoch;
	known->number = record->entry.record;
	known->raw = g_bytes_new(record->raw->data, record->raw->len);
	known->there = TRUE;
	*key = (gint64)((guint64)epoch << 32 | known->number);
	g_hash_table_insert(pen->index, key, known);
	g_ptr_array_add(pen->records, known);
	pen->ward->records_written++;
}

void
ward_look_at(WardPen *pen)
{
	const SimFlash *flash = sim_pen_flash(pen->air.pen);
	guint32 epoch = sim_flash_epoch(flash);

	for (guint32 number = sim_flash_newest(flash); number >= MAX(sim_flash_oldest(flash), 1); number--) {
		const SimRecord *record = sim_flash_get(flash, number);

		if (record != NULL && find(pen, epoch, number) == NULL)
			learn(pen, epoch, record);
	}
	for (guint i = 0; i < pen->records->len; i++) {
		WardRecord *record = g_ptr_array_index(pen->records, i);

		record->there = record->epoch == epoch && sim_flash_get(flash, record->number) != NULL;
	}
}

void
ward_damage(WardPen *pen, guint32 number)
{
	WardRecord *record = find(pen, sim_flash_epoch(sim_pen_flash(pen->air.pen)), number);

	g_assert_nonnull(record);
	record->damaged = TRUE;
}

/* ---- acknowledged ---- */

static gboolean
is_among(const GArray *ranges, guint32 number)
{
	for (guint i = 0; i < ranges->len; i++) {
		struct stp_range range = g_array_index(ranges, struct stp_range, i);

		if (range.from <= number && number <= range.to)
			return TRUE;
	}
	return FALSE;
}

static GArray *
held(Ward *ward, WardPen *pen, guint32 epoch)
{
	g_autoptr(GError) error = NULL;
	GArray *ranges = stp_store_get_held(ward->store, pen->serial, epoch, 1, G_MAXUINT32, &error);

	if (ranges == NULL)
		ward_trace(ward, "%s", error->message);
	WARD_CHECK(ward, ranges != NULL);
	return ranges;
}

static gboolean
covers(const struct stp_pen_slot *slot, guint32 number)
{
	gboolean in = number <= slot->mark;

	for (guint i = 0; i < slot->range_count; i++)
		in |= slot->ranges[i].from <= number && number <= slot->ranges[i].to;
	return in;
}

void
ward_on_pen_event(SimPen *sim, const SimEvent *event, gpointer data)
{
	WardPen *pen = data;
	Ward *ward = pen->ward;
	const struct stp_pen_slot *slot;
	g_autoptr(GArray) ours = NULL;

	if (event->kind != SIM_EVENT_ACKNOWLEDGED && event->kind != SIM_EVENT_COLLECTOR)
		return;
	slot = &sim->kept.slots[event->slot];
	WARD_CHECK(ward, ward->store != NULL);
	if (!slot->used || memcmp(slot->collector_id, stp_store_get_collector_id(ward->store), STP_COLLECTOR_ID_SIZE) != 0)
		return;
	/* An account of another epoch says nothing of this one. */
	if (slot->epoch != sim_flash_epoch(sim_pen_flash(sim)))
		return;
	ours = held(ward, pen, slot->epoch);
	for (guint i = 0; i < pen->records->len; i++) {
		WardRecord *record = g_ptr_array_index(pen->records, i);

		if (record->epoch != slot->epoch || !covers(slot, record->number))
			continue;
		/* What the pen has is promised to be held; what it lost before may be passed over. */
		if (record->there && !record->damaged && !record->acked && !record->acked_before &&
		    !is_among(ours, record->number)) {
			ward_trace(ward, "%s: record %u was acknowledged and is not held", pen->serial, record->number);
			ward_breach(ward, "what is acknowledged is held", __FILE__, __LINE__);
		}
		record->acked |= is_among(ours, record->number);
	}
}

void
ward_check_acknowledged(Ward *ward)
{
	for (guint i = 0; i < ward->pens->len; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);
		g_autoptr(GArray) ours = NULL;
		guint32 epoch = 0;

		for (guint j = 0; j < pen->records->len; j++) {
			const WardRecord *record = g_ptr_array_index(pen->records, j);

			if (ours == NULL || record->epoch != epoch) {
				g_clear_pointer(&ours, g_array_unref);
				epoch = record->epoch;
				ours = held(ward, pen, epoch);
			}
			if (record->acked && !is_among(ours, record->number)) {
				ward_trace(ward, "%s: record %u of %08x was acknowledged and is gone", pen->serial,
					   record->number, record->epoch);
				ward_breach(ward, "what was acknowledged stays held", __FILE__, __LINE__);
			}
		}
	}
}

/* ---- complete ---- */

gboolean
ward_is_complete(WardPen *pen)
{
	Ward *ward = pen->ward;
	guint32 epoch = sim_flash_epoch(sim_pen_flash(pen->air.pen));
	g_autoptr(GArray) ours = NULL;

	if (!pen->wanted)
		return TRUE;
	if (pen->moved || stp_collector_find_pen(ward->collector, pen->serial) == NULL)
		return FALSE;
	ours = held(ward, pen, epoch);
	for (guint i = 0; i < pen->records->len; i++) {
		const WardRecord *record = g_ptr_array_index(pen->records, i);

		if (record->there && !record->damaged && !is_among(ours, record->number))
			return FALSE;
	}
	return TRUE;
}

gboolean
ward_all_complete(Ward *ward)
{
	for (guint i = 0; i < ward->pens->len; i++)
		if (!ward_is_complete(g_ptr_array_index(ward->pens, i)))
			return FALSE;
	return TRUE;
}

/* ---- byte for byte ---- */

static WardPen *
pen_of(Ward *ward, const char *serial)
{
	for (guint i = 0; i < ward->pens->len; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);

		if (g_str_equal(pen->serial, serial))
			return pen;
	}
	return NULL;
}

/* The file as it is, past all that the store does to hide what is wrong in it. */
static void
read_rows(Ward *ward, GHashTable *seen)
{
	g_autofree char *path = g_build_filename(ward->directory, "stipple.db", NULL);
	sqlite3_stmt *rows = NULL;
	sqlite3 *db = NULL;
	int result;

	WARD_CHECK(ward, sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
	result = sqlite3_prepare_v2(db,
				    "SELECT serial, epoch, number, bytes FROM record JOIN pen USING (pen)"
				    " JOIN record_raw USING (record)",
				    -1, &rows, NULL);
	WARD_CHECK(ward, result == SQLITE_OK);
	while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
		WardPen *pen = pen_of(ward, (const char *)sqlite3_column_text(rows, 0));
		guint32 epoch = (guint32)sqlite3_column_int64(rows, 1), number = (guint32)sqlite3_column_int64(rows, 2);
		WardRecord *record = pen != NULL ? find(pen, epoch, number) : NULL;
		gsize size = record != NULL ? g_bytes_get_size(record->raw) : 0;

		if (record == NULL || size != (gsize)sqlite3_column_bytes(rows, 3) ||
		    memcmp(g_bytes_get_data(record->raw, NULL), sqlite3_column_blob(rows, 3), size) != 0) {
			ward_trace(ward, "record %u of %08x is in the store, but not as a pen wrote it", number, epoch);
			ward_breach(ward, "what is held is the pen's", __FILE__, __LINE__);
		}
		/* None twice. */
		WARD_CHECK(ward, g_hash_table_add(seen, record));
	}
	WARD_CHECK(ward, result == SQLITE_DONE);
	sqlite3_finalize(rows);
	sqlite3_close(db);
}

static guint
check_sessions(Ward *ward)
{
	const StpSessionFilter filter = { .complete = -1 };
	g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint64 cursor = 0;

	do {
		g_autoptr(GPtrArray) page = stp_store_list_sessions(ward->store, &filter, 200, cursor, &cursor, NULL);

		WARD_CHECK(ward, page != NULL);
		for (guint i = 0; i < page->len; i++) {
			const StpSession *session = g_ptr_array_index(page, i);

			WARD_CHECK(ward, g_hash_table_add(ids, g_strdup(session->id)));
		}
	} while (cursor != 0);
	return g_hash_table_size(ids);
}

guint
ward_check_all(Ward *ward)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	read_rows(ward, seen);
	for (guint i = 0; i < ward->pens->len; i++) {
		WardPen *pen = g_ptr_array_index(ward->pens, i);
		gboolean sound = TRUE;

		for (guint j = 0; j < pen->records->len; j++) {
			const WardRecord *record = g_ptr_array_index(pen->records, j);
			gboolean must = record->acked || (pen->wanted && record->there && !record->damaged);

			sound &= !record->there || !record->damaged;
			if (must && !g_hash_table_contains(seen, record)) {
				ward_trace(ward, "%s: record %u of %08x is missing", pen->serial, record->number,
					   record->epoch);
				ward_breach(ward, "held is the pen's", __FILE__, __LINE__);
			}
		}
		/* And the pen knows; of what is damaged nobody can. */
		if (pen->wanted && sound)
			WARD_CHECK(ward, stp_pen_slots_with_news(sim_pen_engine(pen->air.pen)) == 0);
	}
	return check_sessions(ward);
}
