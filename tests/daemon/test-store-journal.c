/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What came of a record that is not whole: kept, bounded, never taken for a record, never in its way. */

#include "store-world.h"

#include <string.h>

#include "error.h"

/* Some 180 KB: three chunks. */
static const RecordPlan long_plan = { .number = 2, .samples = 100000 };

typedef struct {
	World world;
	GBytes *raw;
	StpPartial name; /* of that record */
} Desk;

static int
setup(void **state)
{
	Desk *desk = g_new0(Desk, 1);

	world_open(&desk->world);
	world_put_state(&desk->world, "P1", 7, 1, 3, NULL);
	desk->raw = world_record(&long_plan);
	desk->name = (StpPartial){ .serial = (char *)"P1", .epoch = 7, .number = 2, .crc32c = 0xdeadbeef };
	desk->name.length = (guint32)g_bytes_get_size(desk->raw);
	assert_true(desk->name.length > 140000);
	*state = desk;
	return 0;
}

static int
teardown(void **state)
{
	Desk *desk = *state;

	world_end(&desk->world);
	g_bytes_unref(desk->raw);
	g_free(desk);
	return 0;
}

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
	*(GAsyncResult **)user_data = g_object_ref(result);
}

static gboolean
try_put(Desk *desk, const StpPartial *name, gsize from, gsize to, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_from_bytes(desk->raw, from, to - from);
	StpPartial partial = *name;

	partial.start = from;
	partial.bytes = bytes;
	stp_store_put_partial_async(desk->world.store, &partial, NULL, on_done, &result);
	while (result == NULL)
		g_main_context_iteration(NULL, TRUE);
	return stp_store_put_partial_finish(desk->world.store, result, error);
}

static void
put(Desk *desk, gsize from, gsize to)
{
	g_autoptr(GError) error = NULL;

	if (!try_put(desk, &desk->name, from, to, &error))
		fail_msg("%s", error->message);
}

static void
refute(Desk *desk, gsize size)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_from_bytes(desk->raw, 0, size);
	StpPartial partial = desk->name;

	partial.bytes = bytes;
	stp_store_refute_partial_async(desk->world.store, &partial, NULL, on_done, &result);
	while (result == NULL)
		g_main_context_iteration(NULL, TRUE);
	assert_true(stp_store_refute_partial_finish(desk->world.store, result, NULL));
}

/* That the journal gives the first size bytes, and whose they are; 0: nothing, and no error. */
static void
assert_kept(Desk *desk, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpPartial) partial =
		stp_store_get_partial(desk->world.store, "P1", desk->name.epoch, desk->name.number, &error);

	assert_null(error);
	if (size == 0) {
		assert_null(partial);
		return;
	}
	assert_non_null(partial);
	assert_string_equal(partial->serial, "P1");
	assert_int_equal(partial->epoch, desk->name.epoch);
	assert_int_equal(partial->number, desk->name.number);
	assert_int_equal(partial->length, desk->name.length);
	assert_int_equal(partial->crc32c, desk->name.crc32c);
	assert_int_equal(g_bytes_get_size(partial->bytes), size);
	assert_memory_equal(g_bytes_get_data(partial->bytes, NULL), g_bytes_get_data(desk->raw, NULL), size);
}

static gint64
count(Desk *desk, const char *table)
{
	g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", table);

	return world_sql_int(&desk->world, sql);
}

static void
it_survives(void **state)
{
	Desk *desk = *state;

	assert_kept(desk, 0);
	put(desk, 0, 70000);
	assert_kept(desk, 70000);
	put(desk, 70000, 70001);
	put(desk, 70001, 120000);
	world_reopen(&desk->world);
	assert_kept(desk, 120000);
	/* Bytes turned out wrong: all of it again, or nothing is left. */
	put(desk, 0, 30);
	assert_kept(desk, 30);
	put(desk, 0, 0);
	assert_kept(desk, 0);
	assert_int_equal(count(desk, "partial_chunk") + count(desk, "partial"), 0);
}

static void
it_has_no_holes(void **state)
{
	Desk *desk = *state;
	StpPartial other = desk->name;
	g_autoptr(GError) error = NULL;

	assert_false(try_put(desk, &desk->name, 10, 20, &error));
	g_clear_error(&error);
	put(desk, 0, 1000);
	assert_false(try_put(desk, &desk->name, 1001, 2000, &error));
	g_clear_error(&error);
	assert_false(try_put(desk, &desk->name, 999, 2000, &error));
	g_clear_error(&error);
	other.crc32c++;
	assert_false(try_put(desk, &other, 1000, 2000, &error));
	g_clear_error(&error);
	other = desk->name;
	other.length = 1999;
	assert_false(try_put(desk, &other, 0, 2000, &error));
	assert_kept(desk, 1000);
	/* None of this is a trouble of the store. */
	assert_int_equal(stp_store_get_state(desk->world.store), STP_STORE_OK);
}

/* As if another record of this number, of another size in the journal. */
static void
assert_keeps(Desk *desk, guint32 epoch, guint32 number, gsize size)
{
	const StpPartial name = desk->name;

	desk->name.epoch = epoch;
	desk->name.number = number;
	assert_kept(desk, size);
	desk->name = name;
}

static void
put_of(Desk *desk, guint32 epoch, guint32 number, gsize from, gsize to)
{
	const StpPartial name = desk->name;

	desk->name.epoch = epoch;
	desk->name.number = number;
	put(desk, from, to);
	desk->name = name;
}

/* Written in turns, each goes on where it was; what ends one leaves the others alone. */
static void
several_records_side_by_side(void **state)
{
	Desk *desk = *state;
	g_autoptr(GPtrArray) names = NULL;
	g_autoptr(StpStoredOutcome) outcome = NULL;
	StpPartial other = desk->name;

	put(desk, 0, 100000);
	other.serial = (char *)"P2";
	assert_true(try_put(desk, &other, 0, 50000, NULL));
	put_of(desk, 7, 3, 0, 40000);
	put_of(desk, 7, 1, 0, 7000);
	put(desk, 100000, 120000);
	put_of(desk, 7, 3, 40000, 70000);
	world_reopen(&desk->world);
	assert_kept(desk, 120000);
	assert_keeps(desk, 7, 3, 70000);
	assert_keeps(desk, 7, 1, 7000);
	assert_int_equal(world_sql_int(&desk->world, "SELECT sum(length(bytes)) FROM partial_chunk"), 247000);
	names = stp_store_list_partials(desk->world.store, "P1", NULL);
	assert_int_equal(names->len, 3);
	for (guint i = 0; i < names->len; i++) {
		const StpPartial *name = g_ptr_array_index(names, i);

		assert_string_equal(name->serial, "P1");
		assert_int_equal(name->epoch, 7);
		assert_int_equal(name->number, i + 1);
		assert_int_equal(name->length, desk->name.length);
		assert_int_equal(name->crc32c, desk->name.crc32c);
		assert_null(name->bytes);
	}

	put_of(desk, 7, 1, 0, 0);
	assert_keeps(desk, 7, 1, 0);
	outcome = world_add(&desk->world, &long_plan);
	assert_kept(desk, 0);
	assert_keeps(desk, 7, 3, 70000);
	desk->name.number = 3;
	refute(desk, 70000);
	assert_kept(desk, 0);
	/* Only the other pen's is left. */
	assert_int_equal(count(desk, "partial"), 1);
	assert_int_equal(world_sql_int(&desk->world, "SELECT sum(length(bytes)) FROM partial_chunk"), 50000);
}

/* The one that was written last is never the one that goes, whatever its number. */
static void
the_oldest_gives_its_place(void **state)
{
	Desk *desk = *state;

	world_put_state(&desk->world, "P1", 7, 1, 20, NULL);
	for (guint32 number = 10; number > 2; number--)
		put_of(desk, 7, number, 0, 1000 + number);
	put_of(desk, 7, 10, 1010, 2000);
	assert_int_equal(count(desk, "partial"), 8);
	put_of(desk, 7, 11, 0, 70000);
	assert_keeps(desk, 7, 9, 0);
	put_of(desk, 7, 2, 0, 500);
	assert_keeps(desk, 7, 8, 0);
	assert_keeps(desk, 7, 10, 2000);
	assert_keeps(desk, 7, 11, 70000);
	assert_keeps(desk, 7, 2, 500);
	for (guint32 number = 3; number < 8; number++)
		assert_keeps(desk, 7, number, 1000 + number);
	assert_int_equal(count(desk, "partial"), 8);
	assert_int_equal(count(desk, "(SELECT DISTINCT epoch, number FROM partial_chunk)"), 8);
	/* What gave its place begins anew and cannot go on. */
	desk->name.number = 9;
	assert_false(try_put(desk, &desk->name, 1009, 2000, NULL));
	put(desk, 0, 30);
	assert_kept(desk, 30);
}

/* One is held, one was lost by the pen, one is of a log before, and one is still to come. */
static void
each_is_tidied_by_itself(void **state)
{
	Desk *desk = *state;
	g_autoptr(StpStoredOutcome) outcome = NULL;

	put_of(desk, 6, 9, 0, 900);
	put_of(desk, 7, 1, 0, 1000);
	outcome = world_add(&desk->world, &long_plan);
	put_of(desk, 7, 2, 0, 2000);
	put_of(desk, 7, 3, 0, 3000);
	world_put_state(&desk->world, "P1", 7, 2, 3, NULL);
	assert_keeps(desk, 6, 9, 0);
	assert_keeps(desk, 7, 1, 0);
	assert_keeps(desk, 7, 2, 0);
	assert_keeps(desk, 7, 3, 3000);
	assert_int_equal(count(desk, "partial"), 1);
	assert_int_equal(count(desk, "partial_chunk"), 1);
	assert_int_equal(world_sql_int(&desk->world, "SELECT size FROM specimen WHERE kind = 'partial'"
						     " AND epoch = 6 AND number = 9"),
			 900);
	assert_int_equal(world_sql_int(&desk->world, "SELECT size FROM specimen WHERE kind = 'partial'"
						     " AND epoch = 7 AND number = 1"),
			 1000);
	assert_int_equal(count(desk, "specimen"), 2);
}

/* All bytes of a record may be there, and still it is none. */
static void
it_is_never_held(void **state)
{
	Desk *desk = *state;
	g_autoptr(GArray) held = NULL;
	g_autoptr(GArray) missing = NULL;
	g_autoptr(StpCoverage) coverage = NULL;

	put(desk, 0, desk->name.length);
	world_reopen(&desk->world);
	held = stp_store_get_held(desk->world.store, "P1", 7, 1, 3, NULL);
	assert_int_equal(held->len, 0);
	missing = stp_store_get_missing(desk->world.store, "P1", 7, 1, 3, NULL);
	assert_int_equal(missing->len, 1);
	assert_int_equal(g_array_index(missing, struct stp_range, 0).from, 1);
	assert_int_equal(g_array_index(missing, struct stp_range, 0).to, 3);
	coverage = world_coverage(&desk->world, "P1");
	assert_int_equal(coverage->held, 0);
	assert_int_equal(coverage->missing, 3);
	assert_int_equal(count(desk, "record"), 0);
}

static void
a_stored_record_ends_it(void **state)
{
	Desk *desk = *state;
	g_autoptr(StpStoredOutcome) other = NULL;
	g_autoptr(StpStoredOutcome) outcome = NULL;
	RecordPlan plan = { .number = 1 };

	put(desk, 0, 100000);
	other = world_add(&desk->world, &plan);
	assert_kept(desk, 100000);
	outcome = world_add(&desk->world, &long_plan);
	assert_true(outcome->acknowledge);
	assert_kept(desk, 0);
	assert_int_equal(count(desk, "partial_chunk"), 0);
	assert_int_equal(count(desk, "specimen"), 0);
}

/* The crash came between the record and the end of its journal. */
static void
a_held_record_needs_none(void **state)
{
	Desk *desk = *state;
	g_autoptr(StpStoredOutcome) outcome = world_add(&desk->world, &long_plan);

	put(desk, 0, 100000);
	world_put_state(&desk->world, "P1", 7, 1, 3, NULL);
	assert_kept(desk, 0);
	assert_int_equal(count(desk, "partial_chunk") + count(desk, "specimen"), 0);
}

static void
what_the_pen_lost_is_evidence(void **state)
{
	Desk *desk = *state;

	put(desk, 0, 100000);
	world_put_state(&desk->world, "P1", 7, 2, 3, NULL);
	assert_kept(desk, 100000);
	world_put_state(&desk->world, "P1", 7, 3, 3, NULL); /* overwritten */
	assert_kept(desk, 0);
	assert_int_equal(world_sql_int(&desk->world, "SELECT size FROM specimen WHERE kind = 'partial'"
						     " AND epoch = 7 AND number = 2"),
			 100000);
	put(desk, 0, 50000);
	world_put_state(&desk->world, "P1", 8, 1, 3, NULL); /* the log was reset */
	assert_kept(desk, 0);
	assert_int_equal(count(desk, "specimen"), 2);
	assert_int_equal(count(desk, "partial_chunk"), 0);
}

/* And does not count as a try to fetch it: after five of those nobody asks the pen any more. */
static void
what_differs_is_evidence(void **state)
{
	Desk *desk = *state;
	g_autoptr(GArray) missing = NULL;
	g_autoptr(StpCoverage) coverage = NULL;

	put(desk, 0, 100000);
	for (guint i = 1; i <= 6; i++)
		refute(desk, i * 10000);
	assert_kept(desk, 0);
	assert_int_equal(count(desk, "specimen"), 6);
	missing = stp_store_get_missing(desk->world.store, "P1", 7, 1, 3, NULL);
	assert_int_equal(missing->len, 1);
	coverage = world_coverage(&desk->world, "P1");
	assert_int_equal(coverage->damaged, 0);
	assert_int_equal(coverage->missing, 3);

	/* What came under another name meanwhile stays. */
	put(desk, 0, 5000);
	desk->name.crc32c++;
	refute(desk, 4000);
	desk->name.crc32c--;
	assert_kept(desk, 5000);
}

/* Each costs a second reading of some bytes, and no more. */
static void
damage_is_cut_off(void **state)
{
	static const char *const ways[] = {
		"UPDATE partial_chunk SET bytes = zeroblob(length(bytes)) WHERE start = 65536",
		"UPDATE partial_chunk SET seal = seal + 1 WHERE start = 65536",
		"UPDATE partial_chunk SET start = 65537 WHERE start = 65536",
		"DELETE FROM partial_chunk WHERE start = 65536",
	};
	Desk *desk = *state;

	for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
		put(desk, 0, 140000);
		world_sql(&desk->world, "%s", ways[i]);
		world_reopen(&desk->world);
		assert_string_equal(stp_store_get_hint(desk->world.store), "");
		assert_kept(desk, 65536);
	}
	/* The name that the bytes have is sealed as well. */
	put(desk, 0, 140000);
	world_sql(&desk->world, "UPDATE partial SET number = 3; UPDATE partial_chunk SET number = 3");
	assert_keeps(desk, 7, 3, 0);
	assert_kept(desk, 0);
	put(desk, 0, 140000);
	world_sql(&desk->world, "UPDATE partial SET length = 70000");
	assert_kept(desk, 0);
}

/* Without its tables nothing is journalled, and records are stored as ever. */
static void
records_do_not_need_it(void **state)
{
	Desk *desk = *state;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = NULL;

	world_sql(&desk->world, "DROP TABLE partial; DROP TABLE partial_chunk");
	assert_null(stp_store_get_partial(desk->world.store, "P1", 7, 2, &error));
	assert_non_null(error);
	g_clear_error(&error);
	assert_null(stp_store_list_partials(desk->world.store, "P1", &error));
	assert_non_null(error);
	g_clear_error(&error);
	assert_false(try_put(desk, &desk->name, 0, 1000, &error));
	world_put_state(&desk->world, "P1", 7, 1, 3, NULL);
	outcome = world_add(&desk->world, &long_plan);
	assert_true(outcome->acknowledge);
	assert_int_equal(stp_store_get_state(desk->world.store), STP_STORE_OK);
	assert_int_equal(desk->world.changes, 0);
}

/* Silently: whether there is room for records is for records to find out. */
static void
a_full_disk_is_not_its_business(void **state)
{
	Desk *desk = *state;
	g_autoptr(GError) error = NULL;

	put(desk, 0, 1000);
	stp_store_set_reserve(desk->world.store, G_GUINT64_CONSTANT(1) << 50);
	assert_false(try_put(desk, &desk->name, 1000, 2000, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL));
	assert_int_equal(stp_store_get_state(desk->world.store), STP_STORE_OK);
	assert_int_equal(desk->world.changes, 0);
	assert_string_equal(stp_store_get_hint(desk->world.store), "");
	assert_kept(desk, 1000);
	stp_store_set_reserve(desk->world.store, 0);
	put(desk, 1000, 2000);
	assert_kept(desk, 2000);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(it_survives),
		CASE(it_has_no_holes),
		CASE(several_records_side_by_side),
		CASE(the_oldest_gives_its_place),
		CASE(each_is_tidied_by_itself),
		CASE(it_is_never_held),
		CASE(a_stored_record_ends_it),
		CASE(a_held_record_needs_none),
		CASE(what_the_pen_lost_is_evidence),
		CASE(what_differs_is_evidence),
		CASE(damage_is_cut_off),
		CASE(records_do_not_need_it),
		CASE(a_full_disk_is_not_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
