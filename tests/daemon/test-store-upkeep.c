/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Backup, restore and check, while records come and while somebody reads. */

#include "store-world.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "database.h"
#include "error.h"

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
	*(GAsyncResult **)user_data = g_object_ref(result);
}

static void
wait_for(GAsyncResult **result)
{
	while (*result == NULL)
		g_main_context_iteration(NULL, TRUE);
}

static void
fill(World *world, guint from, guint to)
{
	for (guint number = from; number <= to; number++) {
		RecordPlan plan = { .number = number, .samples = number % 4 == 0 ? 20000 : 300 };

		stp_stored_outcome_free(world_add(world, &plan));
	}
}

static gboolean
back_up(World *world, const char *path, guint more, guint64 *records, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;
	int fd = g_open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	guint64 bytes = 0;

	assert_true(fd >= 0);
	stp_store_back_up_async(world->store, fd, NULL, on_done, &result);
	/* Meanwhile a pen goes on. */
	if (more > 0)
		fill(world, 101, 100 + more);
	wait_for(&result);
	return stp_store_back_up_finish(world->store, result, &bytes, records, error);
}

static StpCheck *
check(World *world)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;
	StpCheck *found;

	stp_store_check_async(world->store, NULL, on_done, &result);
	wait_for(&result);
	found = stp_store_check_finish(world->store, result, &error);
	if (found == NULL)
		fail_msg("%s", error->message);
	return found;
}

/* What came after the backup is not in it, so it is asked for again; the collector is still itself. */
static void
a_backup_comes_back(void **state)
{
	World world;
	g_autofree char *copy = NULL, *kept = NULL;
	g_autofree guint8 *id = NULL;
	g_autoptr(GArray) missing = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpCheck) found = NULL;
	struct stp_range range;
	guint64 records = 0;

	world_open(&world);
	id = g_memdup2(stp_store_get_collector_id(world.store), 8);
	copy = g_build_filename(world.directory, "copy", NULL);
	world_put_state(&world, "P1", 7, 1, 12, NULL);
	fill(&world, 1, 10);
	assert_true(back_up(&world, copy, 0, &records, &error));
	assert_int_equal(records, 10);
	fill(&world, 11, 12);
	/* Not under a daemon's feet. */
	assert_false(stp_store_restore(world.directory, copy, &kept, &error));
	assert_non_null(strstr(error->message, "has the store"));
	g_clear_error(&error);
	world_close(&world);
	assert_true(stp_store_restore(world.directory, copy, &kept, &error));
	assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));

	world_reopen(&world);
	assert_memory_equal(id, stp_store_get_collector_id(world.store), 8);
	missing = stp_store_get_missing(world.store, "P1", 7, 1, 12, NULL);
	assert_int_equal(missing->len, 1);
	range = g_array_index(missing, struct stp_range, 0);
	assert_int_equal(range.from, 11);
	assert_int_equal(range.to, 12);
	fill(&world, 11, 12);
	found = check(&world);
	assert_int_equal(found->records, 12);
	assert_int_equal(found->damaged->len, 0);
	assert_int_equal(found->derived, 0);
	assert_null(found->structure[0]);
	world_end(&world);
}

static void
a_backup_is_of_one_moment(void **state)
{
	World world;
	g_autofree char *copy = NULL;
	g_autoptr(GError) error = NULL;
	guint64 records = 0;

	world_open(&world);
	copy = g_build_filename(world.directory, "copy", NULL);
	fill(&world, 1, 40);
	if (!back_up(&world, copy, 30, &records, &error))
		fail_msg("%s", error->message);
	assert_in_range(records, 40, 70);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record"), 70);
	world_end(&world);
}

/* Neither is a damaged one put in place, nor anything that is no backup. */
static void
what_is_no_backup_is_refused(void **state)
{
	World world;
	g_autofree char *copy = NULL, *bytes = NULL;
	g_autoptr(GError) error = NULL;
	guint64 records;
	gsize size;

	world_open(&world);
	copy = g_build_filename(world.directory, "copy", NULL);
	fill(&world, 1, 10);
	assert_true(back_up(&world, copy, 0, &records, NULL));
	world_close(&world);
	assert_true(g_file_get_contents(copy, &bytes, &size, NULL));
	memset(bytes + size / 2, 0x55, 4096);
	for (guint i = 0; i < 3; i++) {
		assert_true(g_file_set_contents(copy, bytes, i == 0 ? (gssize)size : i == 1 ? 5000 : 0, NULL));
		assert_false(stp_store_restore(world.directory, copy, NULL, &error));
		assert_non_null(strstr(error->message, "not touched"));
		g_clear_error(&error);
	}
	g_assert_false(stp_store_restore(world.directory, "/nonexistent", NULL, &error));
	world_reopen(&world);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record"), 10);
	world_end(&world);
}

/* Each kind of damage is found, named, and told of until it is put right. */
static void
a_check_names_what_is_wrong(void **state)
{
	World world;
	g_autoptr(StpCheck) found = NULL;
	static const char *const expected[] = { "checksum", "hash", "derived", "missing" };

	world_open(&world);
	fill(&world, 1, 10);
	world_sql(&world, "DROP TRIGGER record_raw_is_final; DROP TRIGGER record_raw_stays;"
			  "UPDATE record_raw SET bytes = substr(bytes, 1, 40) || x'ff' || substr(bytes, 42) WHERE record = 2;"
			  "UPDATE record SET sha256 = zeroblob(32) WHERE record = 3;"
			  "UPDATE part SET samples = samples + 1 WHERE record = 5;"
			  "PRAGMA foreign_keys = OFF; DELETE FROM record_raw WHERE record = 7;");
	found = check(&world);
	assert_int_equal(found->records, 10);
	assert_int_equal(found->damaged->len, 4);
	for (guint i = 0; i < 4; i++) {
		const StpDamage *damage = g_ptr_array_index(found->damaged, i);

		assert_string_equal(damage->what, expected[i]);
		assert_string_equal(damage->serial, "P1");
	}
	assert_true(stp_store_has_alert(world.store, "store-decayed", ""));
	world_end(&world);
}

/* One writer, and nobody who reads is in its way, nor it in theirs. */
static void
p38_readers_are_never_blocked(void **state)
{
	World world;
	g_autoptr(StpDatabase) reader = NULL, writer = NULL;
	g_autofree char *path = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) sessions = NULL;
	StpSessionFilter all = { .complete = -1 };
	gboolean damaged;
	gint64 before = 0, after = 0, begun;
	guint64 next;

	world_open(&world);
	fill(&world, 1, 10);
	path = g_build_filename(world.directory, "stipple.db", NULL);
	/* A long read, as of an export or a backup, is open while a sync writes. */
	reader = stp_database_open(path, STP_DATABASE_READER, &damaged, &error);
	assert_true(stp_database_begin_reading(reader, NULL));
	assert_true(stp_database_get_int(reader, "SELECT count(*) FROM record", NULL, 0, &before, NULL));
	fill(&world, 11, 60);
	assert_true(stp_database_get_int(reader, "SELECT count(*) FROM record", NULL, 0, &after, NULL));
	assert_int_equal(before, 10);
	assert_int_equal(after, 10);
	assert_true(stp_database_commit(reader, NULL));

	/* The write lock is held for as long as it likes; lists and exports do not wait for it. */
	writer = stp_database_open(path, STP_DATABASE_WRITER, &damaged, &error);
	assert_true(stp_database_begin(writer, NULL));
	begun = g_get_monotonic_time();
	sessions = stp_store_list_sessions(world.store, &all, 1000, 0, &next, NULL);
	assert_int_equal(sessions->len, 60);
	for (guint i = 0; i < sessions->len; i++) {
		g_autoptr(GPtrArray) records =
			stp_store_get_session_records(world.store, g_ptr_array_index(sessions, i), FALSE, NULL);

		assert_non_null(records);
	}
	/* Waiting for it would take five seconds, each time. */
	assert_true(g_get_monotonic_time() - begun < 4 * G_USEC_PER_SEC);
	stp_database_rollback(writer);
	fill(&world, 61, 61);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup_comes_back),
		cmocka_unit_test(a_backup_is_of_one_moment),
		cmocka_unit_test(what_is_no_backup_is_refused),
		cmocka_unit_test(a_check_names_what_is_wrong),
		cmocka_unit_test(p38_readers_are_never_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
