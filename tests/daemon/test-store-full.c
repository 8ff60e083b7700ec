/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* No room: nothing is acknowledged, nothing that was stored suffers, and it goes on by itself. */

#include "store-world.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "session-store.h"

/* Some 35 KB each. */
#define SAMPLES 20000

static StpStoredOutcome *
put(World *world, guint number, GError **error)
{
	RecordPlan plan = { .number = number, .samples = SAMPLES };
	g_autoptr(GBytes) raw = world_record(&plan);
	StpArrival arrival = world_arrival(&plan, raw);

	return world_try(world, &arrival, error);
}

/* Put records until there is no room; returns the last one that was acknowledged. */
static guint
fill(World *world, guint from)
{
	for (guint number = from;; number++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(StpStoredOutcome) outcome = put(world, number, &error);

		if (outcome != NULL && stp_store_get_state(world->store) == STP_STORE_OK) {
			assert_true(outcome->acknowledge);
			continue;
		}
		if (outcome != NULL)
			/* Safe, but there was no room left to say what is in it. */
			return number;
		if (!g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL))
			fail_msg("%s", error->message);
		assert_non_null(strstr(error->message, world->directory));
		assert_non_null(strstr(error->message, "Free space"));
		return number - 1;
	}
}

static void
check_full(World *world, guint last)
{
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");
	g_autoptr(GPtrArray) records = NULL;
	g_autoptr(StpSession) session = world_session(world, "P1/1");

	assert_int_equal(stp_store_get_state(world->store), STP_STORE_FULL);
	assert_non_null(strstr(stp_store_get_hint(world->store), "room"));
	assert_int_equal(world->changes, 1);
	assert_int_equal(coverage->held, last);
	/* Reading goes on. */
	records = stp_store_get_session_records(world->store, session, FALSE, NULL);
	assert_non_null(records);
}

static gboolean
is_fine(World *world)
{
	return stp_store_get_state(world->store) == STP_STORE_OK;
}

static void
check_recovered(World *world, guint last)
{
	g_autoptr(StpCoverage) coverage = NULL;
	g_autoptr(GPtrArray) sessions = NULL;
	guint64 next;
	StpSessionFilter all = { .complete = 1 };

	world_spin_until(world, is_fine);
	assert_string_equal(stp_store_get_hint(world->store), "");
	assert_int_equal(world->changes, 2);
	stp_stored_outcome_free(put(world, last + 1, NULL));
	coverage = world_coverage(world, "P1");
	assert_int_equal(coverage->held, last + 1);
	assert_int_equal(coverage->holes->len, 0);
	sessions = stp_store_list_sessions(world->store, &all, 1000, 0, &next, NULL);
	assert_int_equal(sessions->len, last + 1);
}

/* Before it really is full. */
static void
a_reserve_is_kept(void **state)
{
	World world;
	g_autoptr(GError) error = NULL;

	world_open(&world);
	stp_store_set_patience(world.store, 5);
	stp_stored_outcome_free(put(&world, 1, NULL));
	stp_store_set_reserve(world.store, G_GUINT64_CONSTANT(1) << 50);
	assert_null(put(&world, 2, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL));
	/* Else nobody understands it of a disk that has some room. */
	assert_non_null(strstr(error->message, "1073741824 MiB"));
	g_clear_error(&error);
	assert_false(world_try_state(&world, "P1", 7, 1, 2, NULL, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL));
	check_full(&world, 1);
	stp_store_set_reserve(world.store, 0);
	check_recovered(&world, 1);
	world_end(&world);
}

static gboolean
has_alert(World *world, const char *kind)
{
	return stp_store_has_alert(world->store, kind, "");
}

/* People hear of it before it happens, and while it lasts. */
static void
it_is_told(void **state)
{
	World world;
	struct statvfs info;
	guint64 free;

	world_open(&world);
	assert_int_equal(statvfs(world.directory, &info), 0);
	free = (guint64)info.f_bavail * info.f_frsize;
	stp_store_set_patience(world.store, 5);
	stp_stored_outcome_free(put(&world, 1, NULL));
	assert_false(has_alert(&world, "disk-nearly-full"));
	stp_store_set_reserve(world.store, free / 2);
	stp_stored_outcome_free(put(&world, 2, NULL));
	assert_true(has_alert(&world, "disk-nearly-full"));
	assert_false(has_alert(&world, "store-full"));

	stp_store_set_reserve(world.store, G_GUINT64_CONSTANT(1) << 50);
	assert_null(put(&world, 3, NULL));
	assert_true(has_alert(&world, "store-full"));
	/* What is reserved is for saying so. */
	world_reopen(&world);
	assert_true(has_alert(&world, "store-full"));
	stp_stored_outcome_free(put(&world, 3, NULL));
	assert_false(has_alert(&world, "store-full"));
	assert_false(has_alert(&world, "disk-nearly-full"));
	world_end(&world);
}

/* A write that the system refuses for want of room: the file may not grow any further. */
static void
a_file_that_may_not_grow(void **state)
{
	World world;
	struct rlimit old, small;
	guint last;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (guint size = 300; size < 700; size += 57) {
		world_open(&world);
		stp_store_set_reserve(world.store, 0);
		stp_store_set_patience(world.store, 5);
		small = old;
		small.rlim_cur = size * 1024 + 123;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		last = fill(&world, 1);
		assert_true(last > 0);
		/* There is room on the disk, so the store may have tried again and failed again. */
		world.changes = 1;
		if (stp_store_get_state(world.store) == STP_STORE_FULL)
			check_full(&world, last);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		check_recovered(&world, last);
		world_reopen(&world);
		assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record WHERE parser = 0"), 0);
		world_end(&world);
	}
}

/* A disk of two megabytes, in a name space of its own. */
static void
fill_a_small_disk(const char *directory)
{
	World world = { .directory = g_strdup(directory) };
	guint last;

	world_reopen(&world);
	stp_store_set_reserve(world.store, 0);
	stp_store_set_patience(world.store, 1000000);
	last = fill(&world, 1);
	assert_true(last > 2);
	check_full(&world, last);
	if (mount("none", directory, NULL, MS_REMOUNT, "size=8m") != 0)
		fail_msg("the disk does not grow");
	world_close(&world);
	world_reopen(&world);
	stp_store_set_reserve(world.store, 0);
	world.changes = 2;
	check_recovered(&world, last);
	world_close(&world);
}

static gboolean
make_small_disk(const char *directory)
{
	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return FALSE;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return FALSE;
	return mount("none", directory, "tmpfs", 0, "size=2m") == 0;
}

static void
a_small_disk(void **state)
{
	g_autofree char *directory = world_directory();
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (!make_small_disk(directory))
			_exit(77);
		fill_a_small_disk(directory);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	world_remove(directory);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# SKIPPED: this machine lets us mount no small disk\n");
		g_clear_pointer(&directory, g_free);	/* skip() jumps */
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_disk),	/* first: it forks */
		cmocka_unit_test(a_reserve_is_kept),
		cmocka_unit_test(it_is_told),
		cmocka_unit_test(a_file_that_may_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
