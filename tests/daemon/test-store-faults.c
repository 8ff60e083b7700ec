/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Every call that SQLite makes of the system fails in turn (see EVERY): once, or from there on as with a disk that
 * is gone.  What was acknowledged is there afterwards, once and as it was sent; what failed was
 * said to have failed, may be there all the same (a failed fsync is no rollback), and given again it
 * does no harm; and a disk that fails is not taken for a file that is damaged.
 */

#include "store-world.h"

#include <string.h>

#include "error.h"
#include "faulty-vfs.h"

#define RECORDS 4

/*
 * With sanitizers, which make this several times as slow, only each fourth call fails: they look for mistakes on the
 * way out of a failure, and neighbouring calls share that way.  It is no matter of chance which: each of the ways to
 * fail begins at another call, so that those four of writing meet every call together.  That nothing is lost, however
 * a call fails, is shown for every one by the build without.
 */
#ifdef __SANITIZE_ADDRESS__
#define EVERY 4
#else
#define EVERY 1
#endif

static RecordPlan
plan_of(guint number)
{
	return (RecordPlan){ .number = number, .samples = number == 3 ? 20000 : 300 };
}

/* Made once: there are thousands of trials. */
static GBytes *
sent(guint number)
{
	static GBytes *made[RECORDS + 1];
	RecordPlan plan = plan_of(number);

	if (made[number] == NULL)
		made[number] = world_record(&plan);
	return made[number];
}

typedef struct {
	World world;
	gboolean told[RECORDS + 1];
	guint points;		/* failing calls tried */
	guint unacknowledged;	/* records that were there although nobody was told */
} Trial;

/* One thing of each kind that a sync does; returns how many of them failed. */
static guint
sync_once(Trial *trial)
{
	World *world = &trial->world;
	guint failed = 0;

	failed += !world_try_state(world, "P1", 7, 1, RECORDS, NULL, NULL);
	for (guint number = 1; number <= RECORDS; number++) {
		RecordPlan plan = plan_of(number);
		StpArrival arrival = world_arrival(&plan, sent(number));
		g_autoptr(GError) error = NULL;
		g_autoptr(StpStoredOutcome) outcome = world_try(world, &arrival, &error);

		if (outcome != NULL) {
			assert_true(outcome->acknowledge);
			trial->told[number] = TRUE;
			continue;
		}
		failed++;
		/* It says so, and what to do. */
		assert_int_equal(error->domain, STP_ERROR);
		assert_true(error->code == STP_ERROR_STORE_FAILED || error->code == STP_ERROR_STORE_FULL);
		assert_int_not_equal(stp_store_get_state(world->store), STP_STORE_OK);
		assert_string_equal(stp_store_get_hint(world->store), error->message);
		assert_null(strstr(error->message, "set aside"));
	}
	return failed;
}

static void
check(Trial *trial)
{
	World *world = &trial->world;
	guint held = (guint)world_sql_int(world, "SELECT count(*) FROM record");

	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record_raw"), held);
	for (guint number = 1; number <= RECORDS; number++) {
		g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM record WHERE number = %u", number);
		g_autofree char *id = g_strdup_printf("P1/%u", number);
		g_autoptr(StpSession) session = NULL;
		g_autoptr(GPtrArray) records = NULL;

		if (world_sql_int(world, sql) == 0) {
			assert_false(trial->told[number]);
			continue;
		}
		trial->unacknowledged += !trial->told[number];
		session = world_session(world, id);
		records = stp_store_get_session_records(world->store, session, FALSE, NULL);
		assert_int_equal(records->len, 1);
		assert_true(g_bytes_equal(g_ptr_array_index(records, 0), sent(number)));
	}
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record WHERE parser = 0"), 0);
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM pragma_integrity_check"
					      " WHERE integrity_check <> 'ok'"), 0);
}

/* With the disk in order again: all of it once more, and it is all there, once. */
static void
recover(Trial *trial)
{
	World *world = &trial->world;

	faulty_vfs_heal();
	assert_int_equal(sync_once(trial), 0);
	assert_int_equal(stp_store_get_state(world->store), STP_STORE_OK);
	assert_string_equal(stp_store_get_hint(world->store), "");
	check(trial);
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record"), RECORDS);
}

/* As a process leaves it that is killed: nothing is closed, the write-ahead log is as it is. */
static void
check_as_killed(Trial *trial)
{
	static const char *const files[] = { "stipple.db", "stipple.db-wal" };
	Trial other = *trial;

	other.world = (World){ .directory = world_directory() };
	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *from = g_build_filename(trial->world.directory, files[i], NULL);
		g_autofree char *to = g_build_filename(other.world.directory, files[i], NULL);
		g_autofree char *bytes = NULL;
		gsize size;

		if (g_file_get_contents(from, &bytes, &size, NULL))
			assert_true(g_file_set_contents(to, bytes, (gssize)size, NULL));
	}
	world_reopen(&other.world);
	assert_string_equal(stp_store_get_hint(other.world.store), "");
	stp_store_set_reserve(other.world.store, 0);
	check(&other);
	recover(&other);
	trial->unacknowledged += other.unacknowledged - trial->unacknowledged;
	world_end(&other.world);
}

/* FALSE: so many calls there are not. */
static gboolean
fail_writing(FaultyKind kind, guint nth, guint how_many, gboolean restart, Trial *trial)
{
	guint failures;

	faulty_vfs_heal();
	memset(trial->told, 0, sizeof(trial->told));
	world_open(&trial->world);
	stp_store_set_reserve(trial->world.store, 0);
	faulty_vfs_fail(kind, nth, how_many);
	sync_once(trial);
	failures = faulty_vfs_failures();
	faulty_vfs_heal();
	/* As if killed there, and as if it just went on. */
	if (restart)
		check_as_killed(trial);
	else
		recover(trial);
	world_end(&trial->world);
	trial->points += failures > 0;
	return failures > 0;
}

static void
every_call_fails_while_writing(void **state)
{
	for (int kind = FAULTY_OPEN; kind < FAULTY_KINDS; kind++) {
		Trial trial = { 0 };

		for (guint how = 0; how < 4; how++)
			for (guint nth = 1 + how % EVERY;; nth += EVERY)
				if (!fail_writing((FaultyKind)kind, nth, how & 1 ? G_MAXUINT : 1, how >= 2, &trial))
					break;
		print_message("# %s: failed at %u places; %u records were kept although nobody was told\n",
			      faulty_vfs_name((FaultyKind)kind), trial.points, trial.unacknowledged);
	}
}

static gboolean
fail_opening(FaultyKind kind, guint nth, guint how_many, Trial *trial)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStore) store = NULL;
	guint failures;

	faulty_vfs_heal();
	memset(trial->told, 0, sizeof(trial->told));
	world_open(&trial->world);
	stp_store_set_reserve(trial->world.store, 0);
	assert_int_equal(sync_once(trial), 0);
	world_close(&trial->world);
	faulty_vfs_fail(kind, nth, how_many);
	store = stp_store_open(trial->world.directory, &error);
	failures = faulty_vfs_failures();
	if (store == NULL)
		assert_int_equal(error->code, STP_ERROR_STORE_FAILED);
	else
		assert_null(strstr(stp_store_get_hint(store), "set aside"));
	g_clear_object(&store);
	faulty_vfs_heal();
	world_reopen(&trial->world);
	stp_store_set_reserve(trial->world.store, 0);
	assert_string_equal(stp_store_get_hint(trial->world.store), "");
	check(trial);
	recover(trial);
	world_end(&trial->world);
	trial->points += failures > 0;
	return failures > 0;
}

static void
every_call_fails_while_opening(void **state)
{
	for (int kind = FAULTY_OPEN; kind < FAULTY_KINDS; kind++) {
		Trial trial = { 0 };

		for (guint how = 0; how < 2; how++)
			for (guint nth = 1 + how % EVERY;; nth += EVERY)
				if (!fail_opening((FaultyKind)kind, nth, how ? G_MAXUINT : 1, &trial))
					break;
		print_message("# %s: failed at %u places\n", faulty_vfs_name((FaultyKind)kind), trial.points);
	}
}

static gboolean
is_fine(World *world)
{
	return stp_store_get_state(world->store) == STP_STORE_OK;
}

/* A disk made read-only, or pulled out: it is told, what is stored can be read, and it goes on by itself. */
static void
a_disk_that_comes_back(void **state)
{
	for (guint full = 0; full < 2; full++) {
		Trial trial = { 0 };
		World *world = &trial.world;
		const char *kind = full ? "store-full" : "store-failed";

		faulty_vfs_heal();
		world_open(world);
		stp_store_set_reserve(world->store, 0);
		stp_store_set_patience(world->store, 5);
		assert_int_equal(sync_once(&trial), 0);
		faulty_vfs_full(full);
		faulty_vfs_fail(FAULTY_WRITE, 1, G_MAXUINT);
		assert_false(world_try_state(world, "P1", 7, 1, 9, NULL, NULL));
		assert_true(stp_store_has_alert(world->store, kind, ""));
		assert_int_equal(stp_store_get_state(world->store), full ? STP_STORE_FULL : STP_STORE_FAILED);
		check(&trial);
		faulty_vfs_heal();
		world_spin_until(world, is_fine);
		assert_false(stp_store_has_alert(world->store, kind, ""));
		world_put_state(world, "P1", 7, 1, 9, NULL);
		/* It was too late for the first time it could have been written, and is there now. */
		world_put_state(world, "P1", 7, 1, 9, NULL);
		assert_int_equal(world_sql_int(world, "SELECT count(*) FROM alert WHERE ended <> 0"), 1);
		world_end(world);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_fails_while_writing),
		cmocka_unit_test(every_call_fails_while_opening),
		cmocka_unit_test(a_disk_that_comes_back),
	};

	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
