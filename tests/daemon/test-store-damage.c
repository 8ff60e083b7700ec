/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What arrives damaged, cut, mistaken or beyond understanding: kept, named, and in nobody's way. */

#include "store-world.h"

#include <string.h>

#include "error.h"

static int
setup(void **state)
{
	World *world = g_new0(World, 1);

	world_open(world);
	world_put_state(world, "P1", 7, 1, 3, NULL);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	world_end(*state);
	g_free(*state);
	return 0;
}

static void
assert_missing(World *world, const char *expected)
{
	g_autoptr(GArray) missing = stp_store_get_missing(world->store, "P1", 7, 1, 3, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < missing->len; i++) {
		struct stp_range range = g_array_index(missing, struct stp_range, i);

		g_string_append_printf(text, "%u-%u ", range.from, range.to);
	}
	assert_string_equal(text->str, expected);
}

static void
assert_hole(const StpCoverage *coverage, guint index, guint32 from, guint32 to, const char *cause)
{
	StpHole hole;

	assert_true(index < coverage->holes->len);
	hole = g_array_index(coverage->holes, StpHole, index);
	assert_int_equal(hole.range.from, from);
	assert_int_equal(hole.range.to, to);
	assert_string_equal(hole.cause, cause);
}

/* Put these bytes as record 2 and expect them refused with a finding of this kind. */
static void
refuse(World *world, GBytes *raw, guint32 listed_size, enum stp_status integrity, const char *kind,
       enum stp_status verdict)
{
	RecordPlan plan = { .number = 2 };
	StpArrival arrival = world_arrival(&plan, raw);
	g_autoptr(StpStoredOutcome) outcome = NULL;
	g_autoptr(StpCoverage) coverage = NULL;
	const StpFinding *finding;

	arrival.listed_size = listed_size;
	arrival.integrity = integrity;
	outcome = world_put(world, &arrival);
	assert_int_equal(outcome->how, STP_STORED_NEW);
	assert_false(outcome->acknowledge);
	assert_int_equal(outcome->verdict, verdict);
	assert_null(outcome->session_id);

	coverage = world_coverage(world, "P1");
	finding = world_find(coverage, 2, kind);
	assert_non_null(finding);
	assert_true(finding->kept);
	assert_false(finding->closed);
	assert_true(strlen(finding->text) > 10 && strlen(finding->hint) > 10);
	assert_int_equal(coverage->held, 0);
	assert_int_equal(coverage->damaged, 1);
	assert_int_equal(coverage->missing, 2);
	assert_hole(coverage, 0, 1, 1, "not-fetched");
	assert_hole(coverage, 1, 2, 2, "corrupt");
	assert_hole(coverage, 2, 3, 3, "not-fetched");
	assert_missing(world, "1-3 ");
	assert_string_equal(world->last_finding, kind);
}

/* The others come in as if nothing had been, and a sound copy puts it right. */
static void
recover(World *world, const char *kind)
{
	g_autoptr(StpCoverage) coverage = NULL;

	for (guint i = 1; i <= 3; i++) {
		RecordPlan plan = { .number = i };
		g_autoptr(StpStoredOutcome) outcome = world_add(world, &plan);

		assert_true(outcome->acknowledge);
		assert_int_equal(outcome->how, STP_STORED_NEW);
	}
	coverage = world_coverage(world, "P1");
	assert_int_equal(coverage->held, 3);
	assert_int_equal(coverage->damaged, 0);
	assert_int_equal(coverage->holes->len, 0);
	assert_float_equal(coverage->percent, 100.0, 0.0);
	assert_true(world_find(coverage, 2, kind)->closed);
	assert_missing(world, "");
	/* What was odd stays as evidence. */
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM specimen_raw"), 1);
}

static void
a_flipped_bit(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) flipped = world_flip(raw);

	refuse(*state, flipped, (guint32)g_bytes_get_size(raw), STP_ERR_CRC, "crc", STP_ERR_CRC);
	recover(*state, "crc");
}

/* An engine that trusts the radio more than it should changes nothing. */
static void
a_flipped_bit_nobody_saw(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) flipped = world_flip(raw);

	refuse(*state, flipped, 0, STP_OK, "crc", STP_ERR_CRC);
}

static void
a_sound_record_that_list_did_not_name(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);

	refuse(*state, raw, 0, STP_ERR_CRC, "crc", STP_ERR_CRC);
}

static void
a_cut_record(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) cut = world_cut(raw, g_bytes_get_size(raw) - 100);

	refuse(*state, cut, (guint32)g_bytes_get_size(raw), STP_ERR_CRC, "truncated", STP_ERR_TRUNCATED);
	recover(*state, "truncated");
}

/* Wherever it was cut, and without LIST's word for it. */
static void
a_record_cut_anywhere(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);

	for (gsize left = 1; left < g_bytes_get_size(raw); left += 37) {
		World world;
		g_autoptr(GBytes) cut = world_cut(raw, left);

		world_open(&world);
		world_put_state(&world, "P1", 7, 1, 3, NULL);
		refuse(&world, cut, 0, STP_ERR_CRC, "truncated", STP_ERR_TRUNCATED);
		world_end(&world);
	}
}

static void
no_bytes_at_all(void **state)
{
	g_autoptr(GBytes) none = g_bytes_new_static("", 0);

	refuse(*state, none, 500, STP_ERR_CRC, "truncated", STP_ERR_TRUNCATED);
	recover(*state, "truncated");
}

static void
another_record(void **state)
{
	RecordPlan other = { .number = 9 };
	g_autoptr(GBytes) raw = world_record(&other);

	refuse(*state, raw, 0, STP_OK, "identity", STP_ERR_IDENTITY);
	recover(*state, "identity");
}

static void
another_pens_record(void **state)
{
	RecordPlan other = { .number = 2, .serial = "P2" };
	g_autoptr(GBytes) raw = world_record(&other);

	refuse(*state, raw, 0, STP_OK, "identity", STP_ERR_IDENTITY);
}

static void
another_logs_record(void **state)
{
	RecordPlan other = { .number = 2, .epoch = 8 };
	g_autoptr(GBytes) raw = world_record(&other);

	refuse(*state, raw, 0, STP_OK, "identity", STP_ERR_IDENTITY);
}

static void
five_tries_are_enough(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) flipped = world_flip(raw);
	g_autoptr(GBytes) cut = world_cut(raw, 60);
	g_autoptr(StpCoverage) coverage = NULL;
	g_autoptr(StpStoredOutcome) late = NULL;

	for (guint i = 0; i < 5; i++) {
		StpArrival arrival = world_arrival(&plan, i == 2 ? cut : flipped);
		g_autoptr(StpStoredOutcome) outcome = NULL;

		assert_missing(world, "1-3 ");
		outcome = world_put(world, &arrival);
		assert_int_equal(outcome->how, i == 0 || i == 2 ? STP_STORED_NEW : STP_STORED_AGAIN);
		assert_false(outcome->acknowledge);
	}
	assert_missing(world, "1-1 3-3 ");
	coverage = world_coverage(world, "P1");
	assert_int_equal(world_find(coverage, 2, "crc")->count, 4);
	assert_int_equal(world_find(coverage, 2, "truncated")->count, 1);
	assert_int_equal(coverage->damaged, 1);

	/* Should it come all the same, it is as welcome as any. */
	late = world_add(world, &plan);
	assert_true(late->acknowledge);
	assert_missing(world, "1-1 3-3 ");
}

static void
damage_after_the_sound_copy_changes_nothing(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) flipped = world_flip(raw);
	StpArrival arrival = world_arrival(&plan, flipped);
	g_autoptr(StpStoredOutcome) sound = world_add(world, &plan);
	g_autoptr(StpStoredOutcome) outcome = world_put(world, &arrival);
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");

	assert_int_equal(outcome->how, STP_STORED_CONFLICT);
	assert_false(outcome->acknowledge);
	assert_true(world_find(coverage, 2, "crc")->closed);
	assert_int_equal(coverage->held, 1);
	stp_session_free(world_session(world, sound->session_id));
}

/* ---- sound, but not to be understood ---- */

/* It is the pen's own word, so it is stored for good and acknowledged; it is no session. */
static void
quarantine(World *world, const RecordPlan *plan, GBytes *raw, enum stp_status verdict, const char *kind)
{
	StpArrival arrival = world_arrival(plan, raw);
	g_autoptr(StpStoredOutcome) outcome = world_put(world, &arrival);
	g_autoptr(StpStoredOutcome) again = world_put(world, &arrival);
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");
	const StpFinding *finding = world_find(coverage, plan->number, kind);
	g_autoptr(GError) error = NULL;

	assert_int_equal(outcome->how, STP_STORED_NEW);
	assert_true(outcome->acknowledge);
	assert_int_equal(outcome->verdict, verdict);
	assert_null(outcome->session_id);
	assert_int_equal(again->how, STP_STORED_AGAIN);
	assert_int_equal(again->verdict, verdict);
	assert_non_null(finding);
	assert_int_equal(finding->count, 1);
	assert_true(finding->kept);
	assert_int_equal(coverage->held, 1);
	assert_null(stp_store_get_session(world->store, "P1/2", &error));
}

static void
an_impossible_depth(void **state)
{
	RecordPlan plan = { .number = 2, .impossible = TRUE };
	g_autoptr(GBytes) raw = world_record(&plan);

	quarantine(*state, &plan, raw, STP_ERR_RANGE, "range");
}

static void
p24_an_unknown_type_is_kept(void **state)
{
	RecordPlan plan = { .number = 2, .type = 77 };
	g_autoptr(GBytes) raw = world_record(&plan);

	quarantine(*state, &plan, raw, STP_ERR_UNKNOWN, "unknown");
}

static void
a_wrong_count(void **state)
{
	RecordPlan plan = { .number = 2, .miscounted = TRUE };
	g_autoptr(GBytes) raw = world_record(&plan);

	quarantine(*state, &plan, raw, STP_ERR_MALFORMED, "malformed");
}

/* Bytes that are no record at all, but were sent with a checksum that holds. */
static void
nonsense_with_a_checksum(void **state)
{
	RecordPlan plan = { .number = 2 };
	g_autofree guint8 *bytes = g_malloc(100);
	g_autoptr(GBytes) raw = NULL, sealed = NULL;

	memset(bytes, 0xff, 100);
	raw = g_bytes_new(bytes, 100);
	sealed = world_seal(raw);
	quarantine(*state, &plan, sealed, STP_ERR_MALFORMED, "malformed");
}

static void
a_later_schema_decodes(void **state)
{
	RecordPlan plan = { .number = 2, .schema = 9 };
	g_autoptr(StpStoredOutcome) outcome = world_add(*state, &plan);

	assert_int_equal(outcome->verdict, STP_OK);
	stp_session_free(world_session(*state, "P1/2"));
}

static void
a_spoilt_part_leaves_the_session_incomplete(void **state)
{
	World *world = *state;
	RecordPlan plans[] = {
		{ .number = 1, .session = 1, .not_last = TRUE },
		{ .number = 2, .session = 1, .part = 1, .not_last = TRUE, .impossible = TRUE },
		{ .number = 3, .session = 1, .part = 2 },
	};
	g_autoptr(StpSession) session = NULL;

	for (guint i = 0; i < 3; i++)
		stp_stored_outcome_free(world_add(world, &plans[i]));
	session = world_session(world, "P1/1");
	assert_int_equal(session->parts, 2);
	assert_false(session->complete);
}

/* As an older version would have left it: the newer one looks at the next start. */
static void
p24_an_update_looks_again(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 2 };
	g_autoptr(StpCoverage) coverage = NULL;

	stp_stored_outcome_free(world_add(world, &plan));
	world_close(world);
	world_sql(world, "DELETE FROM part; DELETE FROM session; UPDATE record SET parser = 0, verdict = 7;"
			 "INSERT INTO finding VALUES (1, 1, 7, 2, 'unknown', 'text', 'hint', 1, 1, 1, 1, 0, 1);");
	world_reopen(world);
	stp_session_free(world_session(world, "P1/2"));
	coverage = world_coverage(world, "P1");
	assert_true(world_find(coverage, 2, "unknown")->closed);
	assert_int_equal(world_sql_int(world, "SELECT parser FROM record"), 1);
}

/* ---- what others found ---- */

static void
what_the_pen_cannot_give(void **state)
{
	World *world = *state;
	StpFinding corrupt = { .serial = (char *)"P1", .epoch = 7, .record = 1, .kind = (char *)"corrupt",
			       .text = (char *)"text", .hint = (char *)"hint", .last = 5 };
	StpFinding never = corrupt, general = corrupt;
	g_autoptr(StpCoverage) before = NULL, after = NULL;

	never.record = 3;
	never.kind = (char *)"never-written";
	general.record = 0;
	general.epoch = 0;
	general.kind = (char *)"out-of-turn";
	for (guint i = 0; i < 5; i++) {
		assert_missing(world, "1-3 ");
		world_put_finding(world, &corrupt);
		world_put_finding(world, &never);
	}
	world_put_finding(world, &general);
	assert_missing(world, "2-2 ");
	before = world_coverage(world, "P1");
	assert_hole(before, 0, 1, 1, "corrupt");
	assert_hole(before, 1, 2, 2, "not-fetched");
	assert_hole(before, 2, 3, 3, "never-written");
	assert_int_equal(before->damaged, 1);
	assert_int_equal(before->missing, 1);
	assert_int_equal(world_find(before, 1, "corrupt")->count, 5);
	assert_int_equal(world_find(before, 1, "corrupt")->since, 5);
	assert_non_null(world_find(before, 0, "out-of-turn"));

	/* A number that was never written is no record that is missing. */
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 1 }));
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 2 }));
	after = world_coverage(world, "P1");
	assert_float_equal(after->percent, 100.0, 0.0);
	assert_int_equal(after->holes->len, 1);
	assert_true(world_find(after, 1, "corrupt")->closed);
	assert_false(world_find(after, 3, "never-written")->closed);
}

/* ---- after a disk had its way ---- */

static void
a_decayed_record_is_named(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 2 };
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GPtrArray) records = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpCoverage) coverage = NULL;

	stp_stored_outcome_free(world_add(world, &plan));
	session = world_session(world, "P1/2");
	world_sql(world, "DROP TRIGGER record_raw_is_final;"
			 "UPDATE record_raw SET bytes = substr(bytes, 1, 99) || x'00' || substr(bytes, 101)");
	records = stp_store_get_session_records(world->store, session, FALSE, &error);
	assert_null(records);
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	assert_non_null(strstr(error->message, "P1/00000007/2"));

	world_reparse(world);
	coverage = world_coverage(world, "P1");
	assert_non_null(world_find(coverage, 2, "decayed"));
}

static void
p24_raw_cannot_be_changed(void **state)
{
	World *world = *state;
	static const char *const attempts[] = {
		"UPDATE record_raw SET bytes = x'00'", "DELETE FROM record_raw",
		"UPDATE specimen_raw SET bytes = x'00'", "DELETE FROM specimen_raw",
	};
	RecordPlan plan = { .number = 2 };
	g_autoptr(GBytes) raw = world_record(&plan);
	g_autoptr(GBytes) flipped = world_flip(raw);
	StpArrival arrival = world_arrival(&plan, flipped);

	stp_stored_outcome_free(world_put(world, &arrival));
	stp_stored_outcome_free(world_add(world, &plan));
	for (guint i = 0; i < G_N_ELEMENTS(attempts); i++)
		assert_false(world_try_sql(world, attempts[i]));
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_flipped_bit),
		CASE(a_flipped_bit_nobody_saw),
		CASE(a_sound_record_that_list_did_not_name),
		CASE(a_cut_record),
		CASE(a_record_cut_anywhere),
		CASE(no_bytes_at_all),
		CASE(another_record),
		CASE(another_pens_record),
		CASE(another_logs_record),
		CASE(five_tries_are_enough),
		CASE(damage_after_the_sound_copy_changes_nothing),
		CASE(an_impossible_depth),
		CASE(p24_an_unknown_type_is_kept),
		CASE(a_wrong_count),
		CASE(nonsense_with_a_checksum),
		CASE(a_later_schema_decodes),
		CASE(a_spoilt_part_leaves_the_session_incomplete),
		CASE(p24_an_update_looks_again),
		CASE(what_the_pen_cannot_give),
		CASE(a_decayed_record_is_named),
		CASE(p24_raw_cannot_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
