/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Stores of every earlier layout, as their version made them, are opened, and nothing in them changes. */

#include "store-world.h"

#include <glib/gstdio.h>
#include <stipple/control.h>
#include <stipple/crc32c.h>

#include "error.h"

static const char *const tables[] = { "setting",    "pen",  "epoch",    "anchor",       "record",
				      "record_raw", "held", "specimen", "specimen_raw", "finding",
				      "session",    "part", "attempt" };

/*
 * A store of layout 1: its own script makes the tables, and what the pens sent is put in as it lies
 * in a store of today, whose tables of that layout are the same.
 */
static void
make_layout_1(World *world)
{
	g_autofree char *script = NULL;
	g_autofree char *path = g_build_filename(world->directory, "stipple.db", NULL);
	g_autofree char *today = g_build_filename(world->directory, "today.db", NULL);

	world_put_state(world, "P1", 7, 1, 9, NULL);
	for (guint number = 1; number <= 5; number++) {
		RecordPlan plan = { .number = number };

		stp_stored_outcome_free(world_add(world, &plan));
	}
	{
		RecordPlan plan = { .number = 6 };
		g_autoptr(GBytes) raw = world_record(&plan);
		g_autoptr(GBytes) flipped = world_flip(raw);
		StpArrival arrival = world_arrival(&plan, flipped);

		stp_stored_outcome_free(world_put(world, &arrival));
	}
	world_close(world);
	world_sql(world, "PRAGMA wal_checkpoint(TRUNCATE)");
	world_sql(world, "PRAGMA journal_mode = DELETE");
	assert_int_equal(g_rename(path, today), 0);

	assert_true(g_file_get_contents(LAYOUT_1, &script, NULL, NULL));
	world_sql(world, "BEGIN; %s; PRAGMA application_id = 0x5354504c; PRAGMA user_version = 1; COMMIT",
		  script);
	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree char *question =
			g_strdup_printf("SELECT group_concat(name) FROM pragma_table_info('%s')", tables[i]);
		/* Today's have some more. */
		g_autofree char *columns = world_sql_text(world, question);

		world_sql(world, "ATTACH '%s' AS today; INSERT INTO main.%s SELECT %s FROM today.%s", today,
			  tables[i], columns, tables[i]);
	}
	assert_int_equal(g_remove(today), 0);
	assert_int_equal(world_sql_int(world, "PRAGMA user_version"), 1);
	assert_int_equal(
		world_sql_int(world, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'partial%'"), 0);
}

#define JOURNALLED 9u

/* What layout 2 kept of record 9: two chunks of it, sealed as that layout sealed them. */
static void
journal_of_layout_2(World *world, GBytes *raw)
{
	gsize length;
	const guint8 *bytes = g_bytes_get_data(raw, &length);
	const gsize size = length / 2, half = size / 2;

	for (gsize start = 0; start < size; start += half) {
		const gsize part = MIN(half, size - start);
		const guint32 name[] = {
			GUINT32_TO_LE(7), GUINT32_TO_LE(JOURNALLED), GUINT32_TO_LE((guint32)length),
			GUINT32_TO_LE(0xfeedbeefu), GUINT32_TO_LE((guint32)start),
		};
		g_autoptr(GString) hex = g_string_new(NULL);

		for (gsize i = 0; i < part; i++)
			g_string_append_printf(hex, "%02x", bytes[start + i]);
		world_sql(world, "INSERT INTO partial_chunk (pen, start, seal, bytes)"
				 " SELECT pen, %zu, %u, x'%s' FROM pen WHERE serial = 'P1'",
			  start, stp_crc32c(stp_crc32c(0, name, sizeof(name)), bytes + start, part), hex->str);
	}
	world_sql(world, "INSERT INTO partial (pen, epoch, number, length, crc32c, size)"
			 " SELECT pen, 7, %u, %zu, %u, %zu FROM pen WHERE serial = 'P1'",
		  JOURNALLED, length, 0xfeedbeefu, size);
}

/* Layout 2 is layout 1 with a journal. */
static void
make_layout_2(World *world)
{
	g_autofree char *script = NULL;

	make_layout_1(world);
	assert_true(g_file_get_contents(LAYOUT_2, &script, NULL, NULL));
	world_sql(world, "BEGIN; %s; PRAGMA user_version = 2; COMMIT", script);
}

static void
check_records(World *world)
{
	for (guint number = 1; number <= 5; number++) {
		RecordPlan plan = { .number = number };
		g_autoptr(GBytes) expected = world_record(&plan);
		g_autofree char *id = g_strdup_printf("P1/%u", number);
		g_autoptr(StpSession) session = world_session(world, id);
		g_autoptr(GPtrArray) records =
			stp_store_get_session_records(world->store, session, FALSE, NULL);

		assert_true(g_bytes_equal(g_ptr_array_index(records, 0), expected));
	}
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM specimen_raw"), 1);
}

static void
layout_1_is_brought_up(void **state)
{
	World world;
	g_autofree guint8 *id = NULL;
	g_autoptr(StpPartial) partial = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = NULL;
	RecordPlan plan = { .number = 6 };

	world_open(&world);
	id = g_memdup2(stp_store_get_collector_id(world.store), STP_COLLECTOR_ID_SIZE);
	make_layout_1(&world);
	world_reopen(&world);
	assert_string_equal(stp_store_get_hint(world.store), "");
	assert_int_equal(world_sql_int(&world, "PRAGMA user_version"), 3);
	assert_memory_equal(stp_store_get_collector_id(world.store), id, STP_COLLECTOR_ID_SIZE);
	check_records(&world);
	partial = stp_store_get_partial(world.store, "P1", 7, JOURNALLED, &error);
	assert_null(partial);
	assert_null(error);
	outcome = world_add(&world, &plan);
	assert_true(outcome->acknowledge);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM pragma_integrity_check"
					       " WHERE integrity_check <> 'ok'"),
			 0);
	world_end(&world);
}

/* The second of its tables is in the way: the first must not stay behind, nor the number change. */
static void
a_migration_that_fails_changes_nothing(void **state)
{
	World world;
	g_autoptr(GError) error = NULL;

	world_open(&world);
	make_layout_1(&world);
	world_sql(&world, "CREATE TABLE partial_chunk (x)");
	assert_null(stp_store_open(world.directory, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	assert_int_equal(world_sql_int(&world, "PRAGMA user_version"), 1);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM sqlite_schema WHERE name = 'partial'"),
			 0);
	/* With what was in the way gone it goes on. */
	world_sql(&world, "DROP TABLE partial_chunk");
	world_reopen(&world);
	check_records(&world);
	world_end(&world);
}

static void
layout_2_is_brought_up(void **state)
{
	World world;
	const RecordPlan plan = { .number = JOURNALLED };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(StpPartial) partial = NULL;

	world_open(&world);
	make_layout_2(&world);
	journal_of_layout_2(&world, raw);
	world_reopen(&world);
	assert_string_equal(stp_store_get_hint(world.store), "");
	assert_int_equal(world_sql_int(&world, "PRAGMA user_version"), 3);
	check_records(&world);
	/* The record that was under way goes on where it was. */
	partial = stp_store_get_partial(world.store, "P1", 7, JOURNALLED, NULL);
	assert_non_null(partial);
	assert_int_equal(partial->length, g_bytes_get_size(raw));
	assert_int_equal(partial->crc32c, 0xfeedbeefu);
	assert_int_equal(g_bytes_get_size(partial->bytes), g_bytes_get_size(raw) / 2);
	assert_memory_equal(g_bytes_get_data(partial->bytes, NULL), g_bytes_get_data(raw, NULL),
			    g_bytes_get_size(raw) / 2);
	assert_int_equal(
		world_sql_int(&world, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before%'"), 0);
	/* What layout 3 brings works. */
	stp_store_raise_alert_async(world.store, "test", "", STP_ALERT_NOTICE, "It works.", "Do nothing.");
	world_put_state(&world, "P1", 7, 1, 9, NULL);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM alert"), 1);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM pragma_integrity_check"
					       " WHERE integrity_check <> 'ok'"),
			 0);
	world_end(&world);
}

/* Something of layout 3 is in the way: nothing of it stays behind, and the store is as it was. */
static void
a_migration_of_layout_2_that_fails_changes_nothing(void **state)
{
	World world;
	g_autoptr(GError) error = NULL;
	gint64 before;

	world_open(&world);
	make_layout_2(&world);
	world_sql(&world, "CREATE TABLE alert_open (x)");
	before = world_sql_int(&world, "SELECT count(*) FROM sqlite_schema");
	assert_null(stp_store_open(world.directory, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	assert_int_equal(world_sql_int(&world, "PRAGMA user_version"), 2);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM sqlite_schema"), before);
	world_sql(&world, "DROP TABLE alert_open");
	world_reopen(&world);
	check_records(&world);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_1_is_brought_up),
		cmocka_unit_test(a_migration_that_fails_changes_nothing),
		cmocka_unit_test(layout_2_is_brought_up),
		cmocka_unit_test(a_migration_of_layout_2_that_fails_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
