/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The store's directory, and everything that can be wrong with it. */

#include "store-world.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stipple/control.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* Opening it fails, and the sentence names these. */
static void
refuse(const char *directory, const char *what, const char *next_step)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStore) store = stp_store_open(directory, &error);

	assert_null(store);
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	assert_non_null(strstr(error->message, directory));
	if (strstr(error->message, what) == NULL || strstr(error->message, next_step) == NULL)
		fail_msg("'%s' does not say '%s' and '%s'", error->message, what, next_step);
}

static void
overwrite(World *world, off_t offset, gsize size)
{
	g_autofree char *path = g_build_filename(world->directory, "stipple.db", NULL);
	g_autofree guint8 *junk = g_malloc(size);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(junk, 0xaa, size);
	assert_int_equal(pwrite(fd, junk, size, offset), size);
	close(fd);
}

static guint
count_files(const char *directory, const char *part)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *name;
	guint count = 0;

	while ((name = g_dir_read_name(dir)) != NULL)
		count += strstr(name, part) != NULL;
	return count;
}

static void
fill(World *world)
{
	for (guint i = 1; i <= 50; i++)
		stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = i }));
}

static gboolean
is_salvaged(World *world)
{
	g_autoptr(GPtrArray) alerts = stp_store_list_alerts(world->store, FALSE, NULL);

	assert_int_equal(alerts->len, 1);
	return strstr(((StpAlert *)g_ptr_array_index(alerts, 0))->text, "so far") == NULL;
}

/* It goes on with a new file, says so, and the old one is there byte for byte. */
static void
expect_set_aside(World *world, guint records)
{
	g_autofree char *path = g_build_filename(world->directory, "stipple.db", NULL);
	g_autofree char *before = NULL, *after = NULL, *aside = NULL;
	const char *hint, *name;
	gsize size, size_after;

	assert_true(g_file_get_contents(path, &before, &size, NULL));
	world_reopen(world);
	hint = stp_store_get_hint(world->store);
	assert_int_equal(stp_store_get_state(world->store), STP_STORE_OK);
	assert_non_null(strstr(hint, "damaged"));
	name = strstr(hint, world->directory);
	assert_non_null(name);
	aside = g_strndup(name, strcspn(name, " "));
	assert_true(g_file_get_contents(aside, &after, &size_after, NULL));
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	/* And it works. */
	world_spin_until(world, is_salvaged);
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 1 }));
	world_reopen(world);
	assert_string_equal(stp_store_get_hint(world->store), "");
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record"), records);
}

static void
a_damaged_header(void **state)
{
	World world;

	world_open(&world);
	fill(&world);
	world_close(&world);
	overwrite(&world, 0, 64);
	expect_set_aside(&world, 1);
	assert_int_equal(count_files(world.directory, "damaged"), 1);
	world_end(&world);
}

static void
a_damaged_table(void **state)
{
	static const char *const tables[] = { "record", "session", "part", "held", "sqlite_autoindex_record_1",
					      "session_by_pen" };

	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		World world;
		g_autofree char *sql = g_strdup_printf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", tables[i]);
		gint64 page;

		world_open(&world);
		fill(&world);
		world_close(&world);
		page = world_sql_int(&world, sql);
		overwrite(&world, (page - 1) * 4096, 4096);
		expect_set_aside(&world, 50);
		world_end(&world);
	}
}

/* Twice within a second, and a write-ahead log beside it. */
static void
damaged_twice(void **state)
{
	World world;
	g_autofree char *wal = NULL;

	world_open(&world);
	for (guint i = 0; i < 2; i++) {
		world_close(&world);
		wal = g_build_filename(world.directory, "stipple.db-wal", NULL);
		assert_true(g_file_set_contents(wal, "junk", 4, NULL));
		g_clear_pointer(&wal, g_free);
		overwrite(&world, 0, 64);
		world_reopen(&world);
	}
	/* Both, with what lay beside them, and the new one's own. */
	assert_true(count_files(world.directory, "damaged") >= 4);
	assert_int_equal(count_files(world.directory, "-wal"), 3);
	world_end(&world);
}

static void
an_empty_file_is_a_new_store(void **state)
{
	World world;
	g_autofree char *path = NULL;

	world_open(&world);
	world_close(&world);
	path = g_build_filename(world.directory, "stipple.db", NULL);
	assert_int_equal(truncate(path, 0), 0);
	world_reopen(&world);
	assert_string_equal(stp_store_get_hint(world.store), "");
	assert_int_equal(world_sql_int(&world, "PRAGMA user_version"), 3);
	assert_int_equal(world_sql_int(&world, "PRAGMA application_id"), 0x5354504c);
	world_end(&world);
}

static StpAlert *
name_alert(World *world)
{
	g_autoptr(GPtrArray) alerts = stp_store_list_alerts(world->store, FALSE, NULL);

	assert_true(alerts->len <= 1);
	if (alerts->len == 0)
		return NULL;
	assert_string_equal(((StpAlert *)g_ptr_array_index(alerts, 0))->kind, "collector-id");
	return stp_alert_copy(g_ptr_array_index(alerts, 0));
}

/* This collector's name is no name any more: it starts with a new one, says so, and keeps all else. */
static void
a_name_that_is_none_is_made_anew(void **state)
{
	static const char *const wrong[] = { "x'0102'", "x''", "'nine byte'", "4711", "1.5" };

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		World world;
		guint8 old[STP_COLLECTOR_ID_SIZE], id[STP_COLLECTOR_ID_SIZE];
		g_autoptr(StpAlert) alert = NULL;

		world_open(&world);
		memcpy(old, stp_store_get_collector_id(world.store), sizeof(old));
		stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .number = 1 }));
		world_close(&world);
		world_sql(&world, "UPDATE setting SET value = %s WHERE name = 'collector-id'", wrong[i]);
		world_reopen(&world);
		memcpy(id, stp_store_get_collector_id(world.store), sizeof(id));
		assert_memory_not_equal(id, old, sizeof(id));
		alert = name_alert(&world);
		assert_non_null(strstr(alert->hint, "pens slots"));
		stp_session_free(world_session(&world, "P1/1"));
		assert_int_equal(count_files(world.directory, "damaged"), 0);

		/* It is that from now on, and it is told until somebody says that they know. */
		world_reopen(&world);
		assert_memory_equal(stp_store_get_collector_id(world.store), id, sizeof(id));
		stp_alert_free(alert);
		alert = name_alert(&world);
		assert_non_null(alert);
		assert_true(stp_store_acknowledge_alert(world.store, "collector-id", "", NULL));
		world_reopen(&world);
		assert_null(name_alert(&world));
		assert_memory_equal(stp_store_get_collector_id(world.store), id, sizeof(id));
		assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM setting WHERE name LIKE '%unreadable'"), 1);
		world_end(&world);
	}
}

static void
be_computer(World *world, const char *name)
{
	g_autofree char *path = g_build_filename(world->directory, "machine-id", NULL);

	assert_true(g_file_set_contents(path, name, -1, NULL));
	g_setenv("STIPPLE_MACHINE_ID", path, TRUE);
}

/* Under one name two computers would take records from each other: the copy gets its own. */
static void
a_store_on_another_computer_gets_a_name_of_its_own(void **state)
{
	static const char here[] = "0123456789abcdef0123456789abcdef\n", there[] = "fedcba9876543210fedcba9876543210\n";
	World world;
	guint8 old[STP_COLLECTOR_ID_SIZE], id[STP_COLLECTOR_ID_SIZE];
	g_autoptr(StpAlert) alert = NULL;

	world_open(&world);
	world_close(&world);
	world_sql(&world, "DELETE FROM setting WHERE name = 'machine'");	/* as from before this version */
	be_computer(&world, here);
	world_reopen(&world);
	memcpy(old, stp_store_get_collector_id(world.store), sizeof(old));
	stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .number = 1 }));
	world_reopen(&world);
	assert_memory_equal(stp_store_get_collector_id(world.store), old, sizeof(old));
	assert_null(name_alert(&world));

	/* A computer without a name of its own cannot tell. */
	be_computer(&world, "uninitialized\n");
	world_reopen(&world);
	assert_memory_equal(stp_store_get_collector_id(world.store), old, sizeof(old));

	be_computer(&world, there);
	world_reopen(&world);
	memcpy(id, stp_store_get_collector_id(world.store), sizeof(id));
	assert_memory_not_equal(id, old, sizeof(id));
	alert = name_alert(&world);
	assert_non_null(strstr(alert->text, "another computer"));
	stp_session_free(world_session(&world, "P1/1"));
	/* It is that from now on, and its computer's own name is nowhere in it. */
	world_reopen(&world);
	assert_memory_equal(stp_store_get_collector_id(world.store), id, sizeof(id));
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM setting WHERE hex(value) LIKE 'FEDCBA%'"), 0);
	g_unsetenv("STIPPLE_MACHINE_ID");
	world_end(&world);
}

/* Interrupted between two layouts: SQLite rolls back, we begin again. */
static void
a_migration_is_whole(void **state)
{
	World world;

	world_open(&world);
	world_close(&world);
	world_sql(&world, "PRAGMA user_version = 0");
	/* Tables of layout 1 without its number cannot come from a crash: one transaction makes both. */
	{
		g_autoptr(GError) error = NULL;

		assert_null(stp_store_open(world.directory, &error));
		assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	}
	world_sql(&world, "PRAGMA user_version = 3");
	world_reopen(&world);
	world_end(&world);
}

static void
a_newer_layout_is_left_alone(void **state)
{
	World world;

	world_open(&world);
	fill(&world);
	world_close(&world);
	world_sql(&world, "PRAGMA user_version = 4");
	refuse(world.directory, "newer Stipple", "nothing was changed");
	assert_int_equal(count_files(world.directory, "damaged"), 0);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record"), 50);
	world_end(&world);
}

static void
another_programs_database_is_left_alone(void **state)
{
	World world;

	world_open(&world);
	world_close(&world);
	world_sql(&world, "PRAGMA application_id = 4711");
	refuse(world.directory, "another program", "--state-dir");
	assert_int_equal(count_files(world.directory, "damaged"), 0);
	world_end(&world);
}

static void
one_process_at_a_time(void **state)
{
	World world;
	g_autofree char *number = g_strdup_printf("process %d", (int)getpid());

	world_open(&world);
	refuse(world.directory, number, "--state-dir");
	/* The first one goes on. */
	stp_stored_outcome_free(world_add(&world, &(RecordPlan){ .number = 1 }));
	world_end(&world);
}

static void
a_directory_that_cannot_be(void **state)
{
	g_autofree char *base = world_directory();
	g_autofree char *file = g_build_filename(base, "file", NULL);
	g_autofree char *below = g_build_filename(file, "store", NULL);

	assert_true(g_file_set_contents(file, "x", 1, NULL));
	refuse(below, "cannot be used", "--state-dir");
	refuse(file, "cannot be", "Make");
	world_remove(base);
}

static void
a_directory_that_cannot_be_written(void **state)
{
	g_autofree char *base = NULL;

	if (geteuid() == 0) {
		print_message("# SKIPPED: root may write everywhere\n");
		skip();
	}
	base = world_directory();
	assert_int_equal(g_chmod(base, 0500), 0);
	refuse(base, "cannot be used", "--state-dir");
	assert_int_equal(g_chmod(base, 0700), 0);
	world_remove(base);
}

static void
a_new_directory_is_ours_alone(void **state)
{
	g_autofree char *base = world_directory();
	g_autofree char *inner = g_build_filename(base, "a", NULL), *store = g_build_filename(inner, "b", NULL);
	g_autoptr(StpStore) opened = stp_store_open(store, NULL);
	GStatBuf info;

	assert_non_null(opened);
	assert_int_equal(g_stat(store, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	stp_store_close(opened);
	world_remove(store);
	world_remove(inner);
	world_remove(base);
}

/* A database that is a directory: no damage, and no reason to touch it. */
static void
a_database_that_cannot_be_opened(void **state)
{
	g_autofree char *base = world_directory();
	g_autofree char *path = g_build_filename(base, "stipple.db", NULL);

	assert_int_equal(g_mkdir(path, 0700), 0);
	refuse(base, "failed", "Check that the file");
	assert_int_equal(count_files(base, "damaged"), 0);
	world_remove(path);
	world_remove(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_header),
		cmocka_unit_test(a_damaged_table),
		cmocka_unit_test(damaged_twice),
		cmocka_unit_test(an_empty_file_is_a_new_store),
		cmocka_unit_test(a_migration_is_whole),
		cmocka_unit_test(a_name_that_is_none_is_made_anew),
		cmocka_unit_test(a_store_on_another_computer_gets_a_name_of_its_own),
		cmocka_unit_test(a_newer_layout_is_left_alone),
		cmocka_unit_test(another_programs_database_is_left_alone),
		cmocka_unit_test(one_process_at_a_time),
		cmocka_unit_test(a_directory_that_cannot_be),
		cmocka_unit_test(a_directory_that_cannot_be_written),
		cmocka_unit_test(a_new_directory_is_ours_alone),
		cmocka_unit_test(a_database_that_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
