/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * A file that the disk has damaged at random: the collector starts all the same, what it takes over
 * from it is what the pens wrote, and it says how much that is.
 */

#include "store-world.h"

#include <glib/gstdio.h>
#include <stipple/control.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "test-seed.h"

#define ROUNDS 300
#define RECORDS 30
#define PENS 3

static const char *const serials[PENS] = { "STP-1001", "STP-1002", "STP-1003" };

/* Small ones and large ones, of three pens. */
static RecordPlan
plan_of(guint pen, guint number)
{
	return (RecordPlan){ .serial = serials[pen],
			     .number = number,
			     .samples = number % 5 == 0 ? 20000 : 300,
			     .seed = pen * 1000 + number,
			     .zone = "Europe/Vienna" };
}

static char *
make_store(gsize *size)
{
	g_autofree char *path = NULL;
	char *bytes = NULL;
	World world;

	world_open(&world);
	for (guint pen = 0; pen < PENS; pen++) {
		StpPenRow row = { .serial = (char *)serials[pen], .label = (char *)"Room", .enrolled = TRUE,
				  .enrolled_at = 5, .battery = 50 };
		struct stp_time_anchor anchor = { .boot_id = 1, .tick_ms = 1000, .utc_us = 1767225600000000 };

		world_put_pen(&world, &row);
		world_put_state(&world, serials[pen], 7, 1, RECORDS, &anchor);
		for (guint number = 1; number <= RECORDS; number++) {
			RecordPlan plan = plan_of(pen, number);

			stp_stored_outcome_free(world_add(&world, &plan));
		}
	}
	world_close(&world);
	path = g_build_filename(world.directory, "stipple.db", NULL);
	assert_true(g_file_get_contents(path, &bytes, size, NULL));
	world_end(&world);
	return bytes;
}

typedef enum { FLIP_ONE, FLIP_SOME, BLANK, JUNK, CUT, SWAP, WAYS } Way;

/* Returns the new size. */
static gsize
damage(char *bytes, gsize size, Way way, struct session_random *random)
{
	guint32 pages = (guint32)(size / 4096);
	guint flips = way == FLIP_ONE ? 1 : way == FLIP_SOME ? 2 + session_random_below(random, 200) : 0;
	gsize page = (gsize)session_random_below(random, pages) * 4096;
	gsize other = (gsize)session_random_below(random, pages) * 4096;
	gsize blank = 4096 * (1 + session_random_below(random, 8));
	char held[4096];

	for (guint i = 0; i < flips; i++)
		bytes[session_random_below(random, (guint32)size)] ^= (char)(1 << session_random_below(random, 8));
	if (way == BLANK)
		memset(bytes + page, 0, MIN(size - page, blank));
	for (guint i = 0; way == JUNK && i < 4096; i++)
		bytes[page + i] = (char)session_random_next(random);
	if (way == SWAP) {
		memcpy(held, bytes + page, 4096);
		memcpy(bytes + page, bytes + other, 4096);
		memcpy(bytes + other, held, 4096);
	}
	return way == CUT ? session_random_below(random, (guint32)size) : size;
}

static StpAlert *
damage_alert(World *world)
{
	g_autoptr(GPtrArray) alerts = stp_store_list_alerts(world->store, FALSE, NULL);

	for (guint i = 0; i < alerts->len; i++) {
		const StpAlert *alert = g_ptr_array_index(alerts, i);

		if (g_str_equal(alert->kind, "store-damaged"))
			return stp_alert_copy(alert);
	}
	return NULL;
}

static gboolean
is_salvaged(World *world)
{
	g_autoptr(StpAlert) alert = damage_alert(world);

	return alert == NULL || strstr(alert->text, "so far") == NULL;
}

/* Every record that came over is, byte for byte, the one the pen wrote under that name. */
static guint
check_records(World *world)
{
	guint sound = 0;

	for (guint pen = 0; pen < PENS; pen++)
		for (guint number = 1; number <= RECORDS; number++) {
			RecordPlan plan = plan_of(pen, number);
			g_autoptr(GBytes) sent = world_record(&plan);
			g_autofree char *id = g_strdup_printf("%s/%u", serials[pen], number);
			g_autoptr(StpSession) session = stp_store_get_session(world->store, id, NULL);
			g_autoptr(GPtrArray) records = NULL;

			if (session == NULL)
				continue;
			records = stp_store_get_session_records(world->store, session, FALSE, NULL);
			assert_non_null(records);
			assert_int_equal(records->len, 1);
			assert_true(g_bytes_equal(g_ptr_array_index(records, 0), sent));
			sound++;
		}
	return sound;
}

/* Only pens that there were, and those that were taken over need not be enrolled again. */
static guint
check_pens(World *world)
{
	g_autoptr(GPtrArray) pens = stp_store_list_pens(world->store, NULL);
	guint enrolled = 0;

	assert_non_null(pens);
	for (guint i = 0; i < pens->len; i++) {
		const StpPenRow *row = g_ptr_array_index(pens, i);

		assert_true(g_str_equal(row->serial, serials[0]) || g_str_equal(row->serial, serials[1]) ||
			    g_str_equal(row->serial, serials[2]));
		enrolled += row->enrolled;
	}
	return enrolled;
}

typedef struct {
	guint aside, records, pens, whole;
} Tally;

static void
open_damaged(const char *sound, gsize size, Way way, struct session_random *random, Tally *tally)
{
	g_autofree char *bytes = g_memdup2(sound, size);
	World world = { .directory = world_directory() };
	g_autofree char *path = g_build_filename(world.directory, "stipple.db", NULL);
	g_autoptr(StpAlert) alert = NULL;
	g_autoptr(GError) error = NULL;
	gsize left = damage(bytes, size, way, random);

	assert_true(g_file_set_contents(path, bytes, (gssize)left, NULL));
	world.store = stp_store_open(world.directory, &error);
	if (world.store == NULL) {
		/* One bit of the layout's number, or of our name, makes it look like somebody else's. */
		if (strstr(error->message, "newer Stipple") == NULL && strstr(error->message, "another program") == NULL)
			fail_msg("%s", error->message);
		world_remove(world.directory);
		g_free(world.directory);
		return;
	}
	alert = damage_alert(&world);
	if (alert != NULL) {
		guint sound_records;
		guint claimed = 0, pens = 0;

		world_spin_until(&world, is_salvaged);
		stp_alert_free(alert);
		alert = damage_alert(&world);
		sound_records = check_records(&world);
		assert_int_equal(sscanf(strstr(alert->text, ". ") + 2, "%u pens and %u records", &pens, &claimed), 2);
		assert_int_equal(claimed, sound_records);
		assert_int_equal(claimed, world_sql_int(&world, "SELECT count(*) FROM record"));
		tally->aside++;
		tally->records += claimed;
		tally->pens += check_pens(&world);
		tally->whole += claimed == RECORDS * PENS;
	}
	/* And a pen may give anything again. */
	for (guint number = 1; number <= 3; number++) {
		RecordPlan plan = plan_of(0, number);
		g_autoptr(GBytes) raw = world_record(&plan);
		StpArrival arrival = world_arrival(&plan, raw);
		g_autoptr(StpStoredOutcome) outcome = world_try(&world, &arrival, NULL);

		assert_true(outcome == NULL || outcome->acknowledge || alert == NULL);
	}
	world_end(&world);
}

static void
what_can_be_salvaged_is(void **state)
{
	struct session_random random = { test_seed() };
	g_autofree char *sound = NULL;
	Tally tally = { 0 };
	gsize size;

	sound = make_store(&size);
	for (guint round = 0; round < ROUNDS; round++)
		open_damaged(sound, size, round % WAYS, &random, &tally);
	print_message("# %u damaged files, %u set aside; %u of %u records and %u of %u pens taken over; %u files whole\n",
		      ROUNDS, tally.aside, tally.records, tally.aside * RECORDS * PENS, tally.pens, tally.aside * PENS,
		      tally.whole);
	assert_true(tally.aside > ROUNDS / 10);
	assert_true(tally.records > tally.aside * RECORDS * PENS / 2);
}

/* It is killed in the middle: the next start goes on, and the collector is still itself. */
static void
salvage_goes_on_after_a_restart(void **state)
{
	World world = { .directory = world_directory() };
	g_autofree char *path = g_build_filename(world.directory, "stipple.db", NULL);
	g_autofree char *bytes = NULL;
	g_autoptr(StpAlert) alert = NULL;
	g_autofree char *file = NULL;
	guint8 id[STP_COLLECTOR_ID_SIZE];
	gint64 page;
	gsize size;

	bytes = make_store(&size);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
	page = world_sql_int(&world, "SELECT rootpage FROM sqlite_schema WHERE name = 'session_by_pen'");
	memset(bytes + (page - 1) * 4096, 0x55, 4096);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));

	world_reopen(&world);
	memcpy(id, stp_store_get_collector_id(world.store), sizeof(id));
	world_spin_until(&world, is_salvaged);
	/* As if it had come no further than the tenth record. */
	world_close(&world);
	world_sql(&world, "UPDATE salvage SET next_record = 11");
	world_reopen(&world);
	assert_memory_equal(id, stp_store_get_collector_id(world.store), sizeof(id));
	world_spin_until(&world, is_salvaged);
	assert_int_equal(check_records(&world), RECORDS * PENS);
	assert_int_equal(check_pens(&world), PENS);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM anchor"), PENS);
	/* And where the computer was then. */
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM record WHERE zone = 'Europe/Vienna'"),
			 RECORDS * PENS);
	/* The alert is over when somebody has moved the file away. */
	alert = damage_alert(&world);
	file = g_strndup(strstr(alert->text, world.directory), strcspn(strstr(alert->text, world.directory), " ") - 1);
	assert_int_equal(g_remove(file), 0);
	world_reopen(&world);
	assert_null(damage_alert(&world));
	world_end(&world);
}

/*
 * What was read of a log whose numbers went back is left in the pen, acknowledged, when it is listed again: of
 * that nothing may be believed when the bytes themselves did not come over.
 */
static void
a_lost_record_is_not_taken_for_read(void **state)
{
	World world = { .directory = world_directory() };
	g_autofree char *path = g_build_filename(world.directory, "stipple.db", NULL);
	g_autofree char *bytes = NULL;
	RecordPlan plan = { .serial = serials[0], .number = 1, .seed = 77 };
	g_autoptr(GBytes) raw = world_record(&plan);
	StpArrival arrival = world_arrival(&plan, raw);
	g_autoptr(StpStoredOutcome) outcome = NULL;
	g_autoptr(GArray) before = NULL, after = NULL;
	gint64 page;
	gsize size;

	bytes = make_store(&size);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
	world_reopen(&world);
	/* Another session under a number that is held: it is kept beside it, as evidence. */
	arrival.went_back = TRUE;
	outcome = world_put(&world, &arrival);
	assert_true(outcome->acknowledge);
	assert_int_equal(outcome->how, STP_STORED_CONFLICT);
	before = stp_store_get_reread(world.store, serials[0], 7, NULL);
	assert_int_equal(before->len, 1);
	world_close(&world);

	g_clear_pointer(&bytes, g_free);
	assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	page = world_sql_int(&world, "SELECT rootpage FROM sqlite_schema WHERE name = 'session_by_pen'");
	memset(bytes + (page - 1) * 4096, 0x55, 4096);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
	world_reopen(&world);
	world_spin_until(&world, is_salvaged);
	assert_int_equal(check_records(&world), RECORDS * PENS);
	/* The bytes came over, as evidence and no more. */
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM specimen_raw"), 1);
	after = stp_store_get_reread(world.store, serials[0], 7, NULL);
	assert_int_equal(after->len, 0);
	world_end(&world);
}

/* Page of a table or an index, so filled that the next start sets the file aside. */
static void
spoil(World *world, const char *name)
{
	g_autofree char *path = g_build_filename(world->directory, "stipple.db", NULL);
	g_autofree char *sql = g_strdup_printf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
	gint64 page = world_sql_int(world, sql);
	g_autofree char *bytes = NULL;
	gsize size;

	assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	memset(bytes + (page - 1) * 4096, 0x55, 4096);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order in which they were set aside. */
static char *
file_aside(World *world, guint index)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(world->directory, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL)
		if (g_str_has_prefix(name, "stipple.db.damaged-") && !g_str_has_suffix(name, "-wal") &&
		    !g_str_has_suffix(name, "-shm"))
			g_ptr_array_add(names, g_build_filename(world->directory, name, NULL));
	g_ptr_array_sort(names, by_name);
	assert_true(index < names->len);
	return g_strdup(g_ptr_array_index(names, index));
}

/* What came under a record's name and is not the record is evidence of what a pen sent: its bytes, and how often. */
static void
specimens_come_over(void **state)
{
	World world = { .directory = world_directory() };
	g_autofree char *path = g_build_filename(world.directory, "stipple.db", NULL);
	g_autofree char *bytes = NULL, *before = NULL, *after = NULL, *file = NULL;
	static const char all[] = "SELECT group_concat(serial || epoch || '/' || number || kind || tries || first_at || "
				  "hex(sha256) || hex(bytes)) FROM (SELECT * FROM specimen JOIN specimen_raw USING (specimen)"
				  " JOIN pen USING (pen) ORDER BY number, sha256)";
	gsize size;

	bytes = make_store(&size);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
	world_reopen(&world);
	for (guint number = 1; number <= 4; number++) {
		RecordPlan plan = { .serial = serials[number % PENS], .number = 40 + number, .seed = 99 };
		g_autoptr(GBytes) raw = world_record(&plan), flipped = world_flip(raw);
		StpArrival arrival = world_arrival(&plan, flipped);

		for (guint tries = 0; tries < number; tries++)
			stp_stored_outcome_free(world_put(&world, &arrival));
	}
	world_close(&world);
	before = world_sql_text(&world, all);
	assert_true(strlen(before) > 200);

	spoil(&world, "session_by_pen");
	world_reopen(&world);
	world_spin_until(&world, is_salvaged);
	after = world_sql_text(&world, all);
	assert_string_equal(after, before);
	assert_int_equal(check_records(&world), RECORDS * PENS);

	/* One whose bytes the disk has changed is evidence of nothing. */
	world_close(&world);
	file = file_aside(&world, 0);
	g_clear_pointer(&bytes, g_free);
	assert_true(g_file_get_contents(file, &bytes, &size, NULL));
	assert_int_equal(g_remove(path), 0);
	{
		RecordPlan plan = { .serial = serials[1], .number = 41, .seed = 99 };
		g_autoptr(GBytes) raw = world_record(&plan), flipped = world_flip(raw);
		gsize length;
		const char *data = g_bytes_get_data(flipped, &length);
		char *found = memmem(bytes, size, data, MIN(length, 100));

		assert_non_null(found);
		found[50] ^= 4;
	}
	assert_true(g_file_set_contents(file, bytes, (gssize)size, NULL));
	world_reopen(&world);
	world_spin_until(&world, is_salvaged);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM specimen"), 3);
	assert_int_equal(world_sql_int(&world, "SELECT sum(damaged) FROM salvage"), 1);
	world_end(&world);
}

/*
 * It is damaged again while the first salvage is under way, or after it: nothing that was set aside is forgotten,
 * whatever the second file still knows, and people are told of each.
 */
static void
damage_while_salvaging_forgets_nothing(void **state)
{
	static const char *const spoilt[] = { "session_by_pen", "setting", "pen", "salvage", "record" };

	for (guint i = 0; i < G_N_ELEMENTS(spoilt); i++) {
		World world = { .directory = world_directory() };
		g_autofree char *path = g_build_filename(world.directory, "stipple.db", NULL);
		g_autofree char *bytes = NULL, *first = NULL, *second = NULL;
		g_autoptr(StpAlert) alert = NULL;
		gsize size;

		bytes = make_store(&size);
		assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
		spoil(&world, "session_by_pen");
		/* Ended before the first slice was. */
		world_reopen(&world);
		world_close(&world);
		world_sql(&world, "UPDATE salvage SET next_record = 31");
		spoil(&world, spoilt[i]);

		world_reopen(&world);
		world_spin_until(&world, is_salvaged);
		first = file_aside(&world, 0);
		second = file_aside(&world, 1);
		alert = damage_alert(&world);
		assert_non_null(strstr(alert->text, first));
		assert_non_null(strstr(alert->text, second));
		assert_int_equal(check_records(&world), RECORDS * PENS);
		assert_int_equal(check_pens(&world), PENS);
		/* One is moved away: the other is still told of. */
		world_close(&world);
		assert_int_equal(g_remove(first), 0);
		world_reopen(&world);
		stp_alert_free(alert);
		alert = damage_alert(&world);
		assert_non_null(alert);
		world_end(&world);
	}
}

/* The process ended when the file had been set aside and nothing else been done. */
static void
a_file_set_aside_and_no_more_is_found(void **state)
{
	World world = { .directory = world_directory() };
	g_autofree char *file = g_build_filename(world.directory, "stipple.db.damaged-20260101T000000Z", NULL);
	g_autofree char *bytes = NULL;
	gsize size;

	bytes = make_store(&size);
	assert_true(g_file_set_contents(file, bytes, (gssize)size, NULL));
	world_reopen(&world);
	world_spin_until(&world, is_salvaged);
	assert_int_equal(check_records(&world), RECORDS * PENS);
	assert_int_equal(check_pens(&world), PENS);
	world_end(&world);
}

/* What the clinic did since is not undone by a file that turns up later: only records come. */
static void
a_late_file_enrols_nobody(void **state)
{
	World world = { .directory = world_directory() };
	g_autofree char *file = g_build_filename(world.directory, "stipple.db.damaged-20260101T000000Z", NULL);
	g_autofree char *bytes = NULL;
	StpPenRow row = { .serial = (char *)"STP-2000", .label = (char *)"", .enrolled = TRUE, .enrolled_at = 5 };
	gsize size;

	bytes = make_store(&size);
	world_reopen(&world);
	world_put_pen(&world, &row);
	world_close(&world);
	assert_true(g_file_set_contents(file, bytes, (gssize)size, NULL));
	world_reopen(&world);
	world_spin_until(&world, is_salvaged);
	assert_int_equal(check_records(&world), RECORDS * PENS);
	assert_int_equal(world_sql_int(&world, "SELECT sum(enrolled) FROM pen"), 1);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_set_aside_and_no_more_is_found),
		cmocka_unit_test(a_late_file_enrols_nobody),
		cmocka_unit_test(a_lost_record_is_not_taken_for_read),
		cmocka_unit_test(damage_while_salvaging_forgets_nothing),
		cmocka_unit_test(salvage_goes_on_after_a_restart),
		cmocka_unit_test(specimens_come_over),
		cmocka_unit_test(what_can_be_salvaged_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
