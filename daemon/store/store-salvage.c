/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-salvage.h"

#include <glib/gstdio.h>
#include <string.h>
#include <stipple/record.h>

#include "log.h"
#include "record-digest.h"
#include "store-pens.h"
#include "store-records.h"

/* Of one slice; the writer does nothing else meanwhile. */
#define SLICE_US (200 * G_TIME_SPAN_MILLISECOND)
/* Numbers looked up between two looks at the clock. */
#define STRIDE 64
/* No record takes less of a file, so there are at most so many. */
#define RECORD_SIZE_MIN 64

void
stp_salvage_clear(StpSalvage *self)
{
	g_clear_pointer(&self->aside, g_free);
}

/* ---- how far it is: texts among the settings ---- */

static gboolean
put_setting(StpDatabase *db, const char *name, const char *value, GError **error)
{
	static const char sql[] = "INSERT INTO setting (name, value) VALUES (?1, ?2)"
				  " ON CONFLICT (name) DO UPDATE SET value = ?2";

	return stp_database_run(db, sql, STP_VALUES(STP_TEXT(name), STP_TEXT(value)), error);
}

static gboolean
put_number(StpDatabase *db, const char *name, gint64 number, GError **error)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

	return put_setting(db, name, text, error);
}

static gboolean
get_setting(StpDatabase *db, const char *name, char **value, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, "SELECT value FROM setting WHERE name = ?",
						     STP_VALUES(STP_TEXT(name)), error);

	*value = NULL;
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local))
		*value = g_strdup(stp_rows_text(rows, 0));
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
get_number(StpDatabase *db, const char *name, gint64 *number, GError **error)
{
	g_autofree char *text = NULL;

	if (!get_setting(db, name, &text, error))
		return FALSE;
	*number = text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
	return TRUE;
}

gboolean
stp_salvage_read(StpDatabase *db, StpSalvage *out, GError **error)
{
	gint64 pens, records, damaged, next;

	*out = (StpSalvage){ 0 };
	if (!get_setting(db, "salvage-file", &out->aside, error) ||
	    !get_number(db, "salvage-pens", &pens, error) ||
	    !get_number(db, "salvage-records", &records, error) ||
	    !get_number(db, "salvage-damaged", &damaged, error) ||
	    !get_number(db, "salvage-next", &next, error)) {
		stp_salvage_clear(out);
		return FALSE;
	}
	if (out->aside != NULL && !g_file_test(out->aside, G_FILE_TEST_EXISTS))
		stp_salvage_clear(out);
	out->pens = (guint)pens;
	out->records = (guint)records;
	out->damaged = (guint)damaged;
	out->done = out->aside == NULL || next < 0;
	return TRUE;
}

/* ---- the small tables ---- */

/* What is made anew from the records, is copied with them, or is no part of the layout. */
static const char copied_tables[] =
	"SELECT name FROM sqlite_schema AS own WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	/* Nor what says that a record need not be read again: it may be one that is lost. */
	" AND name NOT IN ('pen', 'record', 'record_raw', 'held', 'specimen', 'specimen_raw', 'session', 'part',"
	"  'partial', 'partial_chunk', 'reread')"
	/* A row that points to a record would point to another one. */
	" AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(own.name) AS key"
	"  WHERE key.\"table\" NOT IN ('pen', 'epoch'))"
	/* What pens said comes before what refers to it. */
	" ORDER BY name <> 'epoch', name";

typedef struct {
	StpDatabase *from, *to;
	GHashTable *pens;	/* old number -> new number, as gint64 each */
	guint rows;
} Copy;

/* A table as both files have it. */
typedef struct {
	const char *select;	/* interned: statements are kept by address */
	const char *insert;
	int columns;
	int pen;		/* which of them is a pen's number; -1: none */
} Plan;

static GPtrArray *
column_names(StpDatabase *db, const char *table, GError **error)
{
	g_autofree char *text = g_strdup_printf("SELECT name FROM pragma_table_info('%s')", table);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, g_intern_string(text), NULL, error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(names, g_strdup(stp_rows_text(rows, 0)));
	if (local == NULL)
		return g_steal_pointer(&names);
	g_propagate_error(error, g_steal_pointer(&local));
	return NULL;
}

static gboolean
plan_table(Copy *copy, const char *table, Plan *plan, GError **error)
{
	g_autoptr(GPtrArray) old = column_names(copy->from, table, error);
	g_autoptr(GPtrArray) new = old != NULL ? column_names(copy->to, table, error) : NULL;
	g_autoptr(GString) names = g_string_new(NULL), marks = g_string_new(NULL);
	g_autofree char *select = NULL, *insert = NULL;
	g_autoptr(StpRows) fits = NULL;

	*plan = (Plan){ .pen = -1 };
	if (new == NULL)
		return FALSE;
	/* An older layout's columns go by name; where there are as many, the old names may be damaged. */
	if (old->len == new->len)
		g_ptr_array_unref(g_steal_pointer(&old));
	plan->columns = (int)(old != NULL ? old->len : new->len);
	for (int i = 0; i < plan->columns; i++) {
		const char *name = g_ptr_array_index(old != NULL ? old : new, i);

		if (g_str_equal(name, "pen"))
			plan->pen = i;
		g_string_append_printf(names, "%s\"%s\"", i > 0 ? ", " : "", name);
		g_string_append(marks, i > 0 ? ", ?" : "?");
	}
	select = g_strdup_printf("SELECT * FROM \"%s\"", table);
	insert = g_strdup_printf("INSERT OR IGNORE INTO \"%s\" (%s) VALUES (%s)", table, names->str, marks->str);
	plan->select = g_intern_string(select);
	plan->insert = g_intern_string(insert);
	fits = stp_database_query(copy->to, plan->insert, NULL, error);
	return fits != NULL;
}

/* FALSE: the new file cannot take it for a reason of its own; a row that does not fit is no reason. */
static gboolean
copy_row(Copy *copy, const Plan *plan, StpRows *rows, GError **error)
{
	g_autofree StpValue *values = g_new0(StpValue, plan->columns + 1);
	g_autoptr(GError) local = NULL;

	for (int i = 0; i < plan->columns; i++)
		values[i] = stp_rows_value(rows, i);
	if (plan->pen >= 0) {
		gint64 old = stp_rows_int(rows, plan->pen);
		const gint64 *pen = g_hash_table_lookup(copy->pens, &old);

		if (pen == NULL)
			return TRUE;
		values[plan->pen] = STP_INT(*pen);
	}
	if (stp_database_run(copy->to, plan->insert, values, &local)) {
		copy->rows += stp_database_changes(copy->to);
		return TRUE;
	}
	if (stp_database_is_misfit(copy->to))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
copy_table(Copy *copy, const char *table, GError **error)
{
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpRows) rows = NULL;
	Plan plan;

	/* An older layout has not all of them, and a damaged file may have lost one. */
	if (!plan_table(copy, table, &plan, &unreadable) || plan.columns == 0)
		return TRUE;
	rows = stp_database_query(copy->from, plan.select, NULL, &unreadable);
	if (rows == NULL)
		return TRUE;
	while (stp_rows_next(rows, &unreadable))
		if (!copy_row(copy, &plan, rows, error))
			return FALSE;
	if (unreadable != NULL)
		stp_info("store", NULL, "Table %s could be read in part only.", table);
	return TRUE;
}

/* Both ways to a pen lead to the same row, so neither its number nor its serial was changed. */
static gboolean
copy_pen(Copy *copy, const Plan *plan, StpRows *rows, GError **error)
{
	static const char by_serial[] = "SELECT pen FROM pen INDEXED BY sqlite_autoindex_pen_1 WHERE serial = ?";
	static const char serial_of[] = "SELECT serial FROM pen WHERE pen = ?";
	gint64 old = stp_rows_int(rows, plan->pen), same = 0;
	g_autoptr(StpRows) own = stp_database_query(copy->from, serial_of, STP_VALUES(STP_INT(old)), NULL);
	g_autofree StpValue *values = g_new0(StpValue, plan->columns + 1);
	g_autofree char *serial = NULL;
	gint64 pen;

	if (own == NULL || !stp_rows_next(own, NULL))
		return TRUE;
	serial = g_strdup(stp_rows_text(own, 0));
	if (!stp_database_get_int(copy->from, by_serial, STP_VALUES(STP_TEXT(serial)), 0, &same, NULL) ||
	    same != old || *serial == '\0')
		return TRUE;
	for (int i = 0; i < plan->columns; i++)
		values[i] = stp_rows_value(rows, i);
	/* In the new file nothing is there yet, so its old number is free. */
	if (!stp_database_run(copy->to, plan->insert, values, error) && !stp_database_is_misfit(copy->to))
		return FALSE;
	g_clear_error(error);
	if (!stp_pens_ensure(copy->to, serial, &pen, error))
		return FALSE;
	g_hash_table_insert(copy->pens, g_memdup2(&old, sizeof(old)), g_memdup2(&pen, sizeof(pen)));
	return TRUE;
}

static gboolean
copy_pens(Copy *copy, GError **error)
{
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpRows) rows = NULL;
	Plan plan;

	if (!plan_table(copy, "pen", &plan, &unreadable) || plan.pen < 0)
		return TRUE;
	rows = stp_database_query(copy->from, plan.select, NULL, &unreadable);
	if (rows == NULL)
		return TRUE;
	while (stp_rows_next(rows, &unreadable))
		if (!copy_pen(copy, &plan, rows, error))
			return FALSE;
	return TRUE;
}

static gboolean
copy_small(Copy *copy, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) tables = NULL;

	if (!copy_pens(copy, error))
		return FALSE;
	tables = stp_database_query(copy->to, copied_tables, NULL, error);
	if (tables == NULL)
		return FALSE;
	while (stp_rows_next(tables, &local))
		if (!copy_table(copy, stp_rows_text(tables, 0), error))
			return FALSE;
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* The first and only record that is left of an earlier salvage belongs to that one. */
static gboolean
note_begin(StpDatabase *db, const char *aside, guint pens, GError **error)
{
	return put_setting(db, "salvage-file", aside, error) && put_number(db, "salvage-pens", pens, error) &&
	       put_number(db, "salvage-records", 0, error) && put_number(db, "salvage-damaged", 0, error) &&
	       put_number(db, "salvage-next", 1, error);
}

gboolean
stp_salvage_begin(StpDatabase *db, const char *aside, GError **error)
{
	gboolean damaged = FALSE;
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpDatabase) from = stp_database_open(aside, STP_DATABASE_RELIC, &damaged, &unreadable);
	g_autoptr(GHashTable) pens = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	Copy copy = { .from = from, .to = db, .pens = pens };

	if (!stp_database_begin(db, error))
		return FALSE;
	if ((from == NULL || copy_small(&copy, error)) &&
	    note_begin(db, aside, g_hash_table_size(pens), error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

/* ---- the records ---- */

typedef struct {
	StpDatabase *from, *to;
	StpSalvage *counts;
} Rescue;

/* The bytes prove themselves; what the old table adds is taken when it speaks of the same record. */
static void
ask_table(StpDatabase *from, gint64 row, StpArrival *arrival)
{
	static const char sql[] = "SELECT epoch, number, authenticated, received_at, listed_type, listed_boot_id,"
				  " listed_tick_ms FROM record WHERE record = ?";
	g_autoptr(StpRows) rows = stp_database_query(from, sql, STP_VALUES(STP_INT(row)), NULL);

	if (rows == NULL || !stp_rows_next(rows, NULL) || (guint32)stp_rows_int(rows, 0) != arrival->epoch ||
	    (guint32)stp_rows_int(rows, 1) != arrival->number)
		return;
	arrival->authenticated = stp_rows_int(rows, 2) != 0;
	arrival->received_at = stp_rows_int(rows, 3);
	arrival->listed_type = (guint8)stp_rows_int(rows, 4);
	arrival->listed_boot_id = (guint32)stp_rows_int(rows, 5);
	arrival->listed_start_tick_ms = (guint64)stp_rows_int(rows, 6);
}

/* An older layout has none.  The caller's; NULL: not known. */
static char *
zone_of(StpDatabase *from, gint64 row)
{
	static const char sql[] = "SELECT zone FROM record WHERE record = ?";
	g_autoptr(StpRows) rows = stp_database_query(from, sql, STP_VALUES(STP_INT(row)), NULL);
	const char *zone = rows != NULL && stp_rows_next(rows, NULL) ? stp_rows_text(rows, 0) : NULL;

	return zone != NULL && g_utf8_validate(zone, -1, NULL) ? g_strdup(zone) : NULL;
}

static gboolean
rescue_bytes(Rescue *rescue, gint64 row, const guint8 *bytes, gsize size, GError **error)
{
	struct stp_record_head head;
	StpArrival arrival = { .serial = head.serial, .integrity = STP_OK };
	g_autofree char *zone = NULL;
	g_autoptr(GBytes) raw = NULL;
	uint32_t crc;
	StpKept kept;

	if (size == 0 || stp_record_check(bytes, size, &crc) != STP_OK ||
	    stp_record_read_head(bytes, size, &head) != STP_OK) {
		rescue->counts->damaged++;
		return TRUE;
	}
	raw = g_bytes_new(bytes, size);
	arrival.epoch = head.epoch;
	arrival.number = head.number;
	arrival.raw = raw;
	arrival.listed_size = (guint32)size;
	ask_table(rescue->from, row, &arrival);
	/* A time of receipt is told by a row that speaks of this record, and by no other. */
	if (arrival.received_at != 0)
		arrival.zone = zone = zone_of(rescue->from, row);
	if (!stp_records_keep(rescue->to, &arrival, &kept, NULL, error))
		return FALSE;
	rescue->counts->records += kept.acknowledge;
	return TRUE;
}

static gboolean
rescue_row(Rescue *rescue, gint64 row, GError **error)
{
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpRows) rows = stp_database_query(rescue->from, "SELECT bytes FROM record_raw WHERE record = ?",
						     STP_VALUES(STP_INT(row)), &unreadable);
	const guint8 *bytes;
	gsize size;

	if (rows != NULL && stp_rows_next(rows, &unreadable)) {
		bytes = stp_rows_blob(rows, 0, &size);
		return rescue_bytes(rescue, row, bytes, size, error);
	}
	rescue->counts->damaged += unreadable != NULL;
	return TRUE;
}

/* The highest number a row may have, from whichever way still leads there. */
static gint64
last_row(StpDatabase *from, const char *aside)
{
	static const char *const ways[] = {
		"SELECT max(record) FROM record_raw",
		"SELECT max(record) FROM record",
		"SELECT max(record) FROM record INDEXED BY sqlite_autoindex_record_1",
	};
	gint64 last = 0;
	GStatBuf info;

	for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
		gint64 found = 0;

		if (stp_database_get_int(from, ways[i], NULL, 0, &found, NULL))
			last = MAX(last, found);
	}
	/* A number that was damaged must not make us look for years. */
	return g_stat(aside, &info) == 0 ? MIN(last, info.st_size / RECORD_SIZE_MIN) : 0;
}

static gboolean
rescue_stride(Rescue *rescue, gint64 first, gint64 last, GError **error)
{
	gint64 next = MIN(first + STRIDE, last + 1);

	if (!stp_database_begin(rescue->to, error))
		return FALSE;
	for (gint64 row = first; row < next; row++)
		if (!rescue_row(rescue, row, error)) {
			stp_database_rollback(rescue->to);
			return FALSE;
		}
	if (put_number(rescue->to, "salvage-records", rescue->counts->records, error) &&
	    put_number(rescue->to, "salvage-damaged", rescue->counts->damaged, error) &&
	    put_number(rescue->to, "salvage-next", next > last ? -1 : next, error))
		return stp_database_commit(rescue->to, error);
	stp_database_rollback(rescue->to);
	return FALSE;
}

gboolean
stp_salvage_slice(StpDatabase *db, StpSalvage *out, GError **error)
{
	gint64 end = g_get_monotonic_time() + SLICE_US, next, last;
	g_autoptr(GError) unreadable = NULL;
	g_autoptr(StpDatabase) from = NULL;
	gboolean damaged = FALSE;
	Rescue rescue = { .to = db, .counts = out };

	if (!stp_salvage_read(db, out, error))
		return FALSE;
	if (out->done || !get_number(db, "salvage-next", &next, error))
		return out->done;
	from = stp_database_open(out->aside, STP_DATABASE_RELIC, &damaged, &unreadable);
	rescue.from = from;
	last = from != NULL ? last_row(from, out->aside) : 0;
	if (last == 0) {
		out->done = TRUE;
		return put_number(db, "salvage-next", -1, error);
	}
	while (next <= last && g_get_monotonic_time() < end) {
		if (!rescue_stride(&rescue, next, last, error))
			return FALSE;
		next += STRIDE;
	}
	out->done = next > last;
	return TRUE;
}
