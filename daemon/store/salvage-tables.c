/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "salvage-tables.h"

#include "log.h"
#include "store-pens.h"

/* What is made anew from the records, is copied with them, or is no part of the layout. */
static const char copied_tables[] =
	"SELECT name FROM sqlite_schema AS own WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	/* Nor what says that a record need not be read again: it may be one that is lost. */
	" AND name NOT IN ('pen', 'record', 'record_raw', 'held', 'specimen', 'specimen_raw', 'session', 'part',"
	"  'partial', 'partial_chunk', 'reread', 'salvage')"
	/* A row that points to a record would point to another one. */
	" AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(own.name) AS key"
	"  WHERE key.\"table\" NOT IN ('pen', 'epoch'))"
	/* What pens said comes before what refers to it. */
	" ORDER BY name <> 'epoch', name";

typedef struct {
	StpDatabase *from, *to;
	GHashTable *pens;	/* old number -> new number, as gint64 each */
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
	if (stp_database_run(copy->to, plan->insert, values, &local) || stp_database_is_misfit(copy->to))
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

static gboolean
is_taken(Copy *copy, gint64 pen)
{
	static const char sql[] = "SELECT count(*) FROM pen WHERE pen = ?";
	gint64 count = 0;

	return stp_database_get_int(copy->to, sql, STP_VALUES(STP_INT(pen)), 0, &count, NULL) && count > 0;
}

char *
stp_salvage_serial_of(StpDatabase *from, gint64 pen)
{
	static const char by_serial[] = "SELECT pen FROM pen INDEXED BY sqlite_autoindex_pen_1 WHERE serial = ?";
	static const char serial_of[] = "SELECT serial FROM pen WHERE pen = ?";
	g_autoptr(StpRows) own = stp_database_query(from, serial_of, STP_VALUES(STP_INT(pen)), NULL);
	g_autofree char *serial = NULL;
	gint64 same = 0;

	if (own == NULL || !stp_rows_next(own, NULL))
		return NULL;
	serial = g_strdup(stp_rows_text(own, 0));
	if (!stp_database_get_int(from, by_serial, STP_VALUES(STP_TEXT(serial)), 0, &same, NULL) || same != pen ||
	    *serial == '\0')
		return NULL;
	return g_steal_pointer(&serial);
}

static gboolean
copy_pen(Copy *copy, const Plan *plan, StpRows *rows, GError **error)
{
	gint64 old = stp_rows_int(rows, plan->pen), pen;
	g_autofree char *serial = stp_salvage_serial_of(copy->from, old);
	g_autofree StpValue *values = g_new0(StpValue, plan->columns + 1);

	if (serial == NULL)
		return TRUE;
	for (int i = 0; i < plan->columns; i++)
		values[i] = stp_rows_value(rows, i);
	/* Its old number, unless a pen of another file has it by now. */
	if (is_taken(copy, old))
		values[plan->pen] = STP_NULL;
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

gboolean
stp_salvage_copy_tables(StpDatabase *from, StpDatabase *to, guint *pens, GError **error)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	Copy state = { .from = from, .to = to, .pens = numbers }, *copy = &state;
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) tables = NULL;

	if (!copy_pens(copy, error))
		return FALSE;
	*pens = g_hash_table_size(numbers);
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
