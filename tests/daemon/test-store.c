/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Records in, sessions out: what the store makes of what pens send. */

#include "store-world.h"

#include <string.h>

#include "error.h"

static int
setup(void **state)
{
	World *world = g_new0(World, 1);

	world_open(world);
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

static int
compare_depths(const void *a, const void *b)
{
	return *(const guint16 *)a - *(const guint16 *)b;
}

/* The median of the depths in contact, and their greatest, the slow way. */
static void
reckon_depths(const struct stp_sample *samples, guint count, guint *max, guint *p50)
{
	g_autofree guint16 *depths = g_new(guint16, count);
	guint n = 0;

	*max = 0;
	for (guint i = 0; i < count; i++) {
		if (samples[i].depth_um != STP_ABSENT)
			*max = MAX(*max, samples[i].depth_um);
		if (samples[i].depth_um != STP_ABSENT && samples[i].contact)
			depths[n++] = samples[i].depth_um;
	}
	qsort(depths, n, sizeof(*depths), compare_depths);
	*p50 = depths[(n + 1) / 2 - 1];
}

static void
a_record_becomes_a_session(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 5, .session = 3, .samples = 4000 };
	struct session_facts facts;
	g_autofree struct stp_sample *samples = world_samples(&plan, &facts);
	g_autoptr(GBytes) raw = world_record(&plan);
	StpArrival arrival = world_arrival(&plan, raw);
	g_autoptr(StpStoredOutcome) outcome = world_put(world, &arrival);
	g_autoptr(StpSession) session = NULL;
	g_autoptr(GPtrArray) records = NULL;
	guint max, p50;

	assert_int_equal(outcome->how, STP_STORED_NEW);
	assert_true(outcome->acknowledge);
	assert_int_equal(outcome->verdict, STP_OK);
	assert_string_equal(outcome->session_id, "P1/00000007/3");

	session = world_session(world, outcome->session_id);
	assert_string_equal(session->id, outcome->session_id);
	assert_string_equal(session->serial, "P1");
	assert_int_equal(session->number, 3);
	assert_int_equal(session->time_quality, STP_TIME_UNKNOWN);
	assert_int_equal(session->boot_id, 1);
	assert_int_equal(session->start_tick_ms, 5 * 3600000);
	assert_int_equal(session->duration_ms, facts.duration_ms);
	assert_int_equal(session->motor_on_ms, facts.motor_on_ms);
	assert_int_equal(session->strokes, facts.strokes);
	assert_int_equal(session->samples, 4000);
	assert_int_equal(session->parts, 1);
	assert_true(session->complete);
	assert_int_equal(session->period_ms, 10);
	assert_int_equal(session->set_depth_min_um, facts.set_depth_min_um);
	assert_int_equal(session->set_depth_max_um, facts.set_depth_max_um);
	assert_int_equal(session->set_rate_dhz, facts.set_rate_dhz);
	reckon_depths(samples, 4000, &max, &p50);
	assert_int_equal(session->depth_max_um, max);
	assert_int_equal(session->depth_p50_um, p50);
	assert_int_equal(session->zones, facts.zones);
	assert_int_equal(session->needles, 12);
	assert_string_equal(session->cartridge, "deadbeef");
	assert_string_equal(session->firmware, "1.2.3");
	assert_int_equal(session->received, arrival.received_at);
	assert_true(session->authenticated);
	assert_int_equal(session->records->len, 1);
	assert_int_equal(g_array_index(session->records, guint32, 0), 5);

	records = stp_store_get_session_records(world->store, session, FALSE, NULL);
	assert_int_equal(records->len, 1);
	assert_true(g_bytes_equal(g_ptr_array_index(records, 0), raw));
}

/* Zone by zone and pass by pass, from samples laid by hand through the record's own bytes. */
static void
passes_are_counted_over_zones(void **state)
{
	World *world = *state;
	RecordPlan plan = { .samples = 20000 };
	struct session_facts facts;
	g_autofree struct stp_sample *samples = world_samples(&plan, &facts);
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(StpStoredOutcome) outcome = world_add(world, &plan);
	g_autoptr(StpSession) session = world_session(world, outcome->session_id);

	for (guint i = 0; i < 20000; i++)
		if (samples[i].pass != 0)
			g_hash_table_add(seen, GINT_TO_POINTER(samples[i].zone << 8 | samples[i].pass));
	assert_int_equal(session->passes, g_hash_table_size(seen));
	assert_int_equal(session->zones, facts.zones);
}

static void
p27_the_same_again_changes_nothing(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 1 };
	g_autoptr(StpStoredOutcome) first = world_add(world, &plan);
	g_autoptr(StpStoredOutcome) again = world_add(world, &plan);
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");

	assert_int_equal(again->how, STP_STORED_AGAIN);
	assert_true(again->acknowledge);
	assert_int_equal(again->verdict, STP_OK);
	assert_string_equal(again->session_id, first->session_id);
	assert_int_equal(coverage->held, 1);
	assert_int_equal(coverage->findings->len, 0);
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record_raw"), 1);
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM specimen"), 0);
}

static void
p27_other_bytes_are_a_conflict(void **state)
{
	World *world = *state;
	RecordPlan one = { .number = 1, .seed = 1 }, other = { .number = 1, .seed = 2 };
	g_autoptr(GBytes) raw = world_record(&one);
	g_autoptr(StpStoredOutcome) first = world_add(world, &one);
	g_autoptr(StpStoredOutcome) conflict = world_add(world, &other);
	g_autoptr(StpStoredOutcome) again = world_add(world, &other);
	g_autoptr(StpSession) session = world_session(world, first->session_id);
	g_autoptr(GPtrArray) records = stp_store_get_session_records(world->store, session, FALSE, NULL);
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");
	const StpFinding *finding = world_find(coverage, 1, "conflict");

	assert_int_equal(conflict->how, STP_STORED_CONFLICT);
	assert_true(conflict->acknowledge);
	assert_int_equal(again->how, STP_STORED_AGAIN);
	assert_true(g_bytes_equal(g_ptr_array_index(records, 0), raw));
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM specimen_raw"), 1);
	assert_non_null(finding);
	assert_int_equal(finding->count, 2);
	assert_true(finding->kept);
	assert_false(finding->closed);
	assert_int_equal(world->findings, 2);
	assert_string_equal(world->last_finding, "conflict");
	assert_int_equal(coverage->held, 1);
	assert_float_equal(coverage->percent, 100.0, 0.0);
}

static void
parts_make_one_session(void **state)
{
	World *world = *state;
	/* The middle one comes last, and records of another kind lie between. */
	RecordPlan plans[] = {
		{ .number = 9, .session = 4, .part = 2 },
		{ .number = 3, .session = 4, .part = 0, .not_last = TRUE },
		{ .number = 5, .session = 4, .part = 1, .not_last = TRUE },
	};
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) records = NULL;
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct stp_sample));
	guint max, p50;

	for (guint i = 0; i < G_N_ELEMENTS(plans); i++) {
		g_autoptr(StpStoredOutcome) outcome = world_add(world, &plans[i]);
		g_autoptr(StpSession) session = world_session(world, "P1/4");
		g_autofree struct stp_sample *samples = world_samples(&plans[i], NULL);

		g_array_append_vals(all, samples, 300);
		assert_string_equal(outcome->session_id, "P1/00000007/4");
		assert_int_equal(session->parts, i + 1);
		assert_int_equal(session->complete, i == 2);
		assert_int_equal(session->samples, 300 * (i + 1));
		/* It begins with the earliest part held. */
		assert_int_equal(session->start_tick_ms, i == 0 ? 9 * 3600000 : 3 * 3600000);
		if (i == 1) {
			none = stp_store_get_session_records(world->store, session, FALSE, &error);
			assert_null(none);
			assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_INCOMPLETE));
			records = stp_store_get_session_records(world->store, session, TRUE, NULL);
			assert_int_equal(records->len, 2);
		}
		if (i == 2) {
			assert_int_equal(g_array_index(session->records, guint32, 0), 3);
			assert_int_equal(g_array_index(session->records, guint32, 1), 5);
			assert_int_equal(g_array_index(session->records, guint32, 2), 9);
			reckon_depths((struct stp_sample *)(gpointer)all->data, all->len, &max, &p50);
			assert_int_equal(session->depth_max_um, max);
			/* A part that says it is the last one is kept as its median. */
			assert_in_range(session->depth_p50_um, p50 - 50, p50 + 50);
		}
	}
}

static void
a_part_is_not_taken_twice(void **state)
{
	World *world = *state;
	RecordPlan one = { .number = 1, .session = 1 }, other = { .number = 2, .session = 1 };
	g_autoptr(StpStoredOutcome) first = world_add(world, &one);
	g_autoptr(StpStoredOutcome) second = world_add(world, &other);
	g_autoptr(StpSession) session = world_session(world, first->session_id);
	g_autoptr(StpCoverage) coverage = world_coverage(world, "P1");

	assert_true(second->acknowledge);
	assert_int_equal(second->verdict, STP_ERR_IDENTITY);
	assert_null(second->session_id);
	assert_int_equal(session->parts, 1);
	assert_non_null(world_find(coverage, 2, "part"));
	assert_int_equal(coverage->held, 2);
}

static void
events_are_kept(void **state)
{
	World *world = *state;
	RecordPlan plan = { .number = 1, .type = STP_RECORD_EVENT };
	g_autoptr(StpStoredOutcome) outcome = world_add(world, &plan);

	assert_true(outcome->acknowledge);
	assert_int_equal(outcome->verdict, STP_OK);
	assert_null(outcome->session_id);
	assert_int_equal(world->findings, 0);
}

/* ---- names and lists ---- */

static void
sessions_are_found_by_name(void **state)
{
	World *world = *state;
	RecordPlan plans[] = {
		{ .serial = "A/0000000a", .number = 1 }, { .serial = "A/0000000a", .number = 2 },
		{ .serial = "A/0000000a", .number = 2, .epoch = 10, .seed = 9 }, { .serial = "A", .number = 1, .epoch = 10 },
	};
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(plans); i++)
		stp_stored_outcome_free(world_add(world, &plans[i]));
	static const char *const names[][2] = {
		{ "A/0000000a/00000007/1", "A/0000000a/00000007/1" },
		{ "A/0000000a/0000000A/2", "A/0000000a/0000000a/2" },
		{ "A/0000000a/1", "A/0000000a/1" },	/* pen A, log 0000000a */
		{ "A/1", "A/0000000a/1" },
	};
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(StpSession) session = world_session(world, names[i][0]);

		assert_string_equal(session->id, names[i][1]);
	}
	assert_null(stp_store_get_session(world->store, "A/0000000a/2", &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));

	static const char *const nonsense[] = { "", "/", "A", "A/", "A/0", "A/x", "/1", "A/1/", "A/99", "B/1", "A//1" };
	for (guint i = 0; i < G_N_ELEMENTS(nonsense); i++) {
		g_clear_error(&error);
		assert_null(stp_store_get_session(world->store, nonsense[i], &error));
		assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_NOT_FOUND));
	}
}

static gboolean
passes_filter(const StpSession *session, const StpSessionFilter *filter)
{
	gboolean timed = filter->since != 0 || filter->until != 0;

	if (filter->serial != NULL && !g_str_equal(filter->serial, session->serial))
		return FALSE;
	if (filter->complete >= 0 && session->complete != filter->complete)
		return FALSE;
	if (timed && session->time_quality == STP_TIME_UNKNOWN)
		return FALSE;
	return (filter->since == 0 || session->start >= filter->since) &&
	       (filter->until == 0 || session->start < filter->until);
}

/* Read page by page, and check each page against what a walk over everything gives. */
static guint
walk(World *world, const StpSessionFilter *filter, guint limit, gboolean add_meanwhile)
{
	StpSessionFilter all = { .complete = -1 };
	guint64 next = 0;
	g_autoptr(GPtrArray) everything = stp_store_list_sessions(world->store, &all, 1000, 0, &next, NULL);
	guint at = 0, found = 0;
	guint64 cursor = 0;

	assert_int_equal(next, 0);
	do {
		g_autoptr(GPtrArray) page = stp_store_list_sessions(world->store, filter, limit, cursor, &cursor, NULL);

		for (guint i = 0; i < page->len; i++) {
			const StpSession *session = g_ptr_array_index(page, i);
			const StpSession *expected;

			do
				expected = g_ptr_array_index(everything, at++);
			while (!passes_filter(expected, filter));
			assert_string_equal(session->id, expected->id);
			found++;
		}
		assert_true(page->len == limit || cursor == 0);
		if (add_meanwhile && cursor != 0) {
			/* Newer than all: it belongs on a page that is turned already. */
			RecordPlan plan = { .serial = "P1", .number = 5000 + found, .boot_id = 1 };

			stp_stored_outcome_free(world_add(world, &plan));
		}
	} while (cursor != 0);
	for (; at < everything->len; at++)
		assert_false(passes_filter(g_ptr_array_index(everything, at), filter));
	return found;
}

static void
lists_are_paged(void **state)
{
	World *world = *state;
	const struct stp_time_anchor anchor = { .boot_id = 1, .tick_ms = 0, .utc_us = G_GINT64_CONSTANT(1760000000000000) };
	gint64 middle = anchor.utc_us + 20 * G_GINT64_CONSTANT(3600000000);
	g_autoptr(GError) error = NULL;
	guint64 next;

	for (guint i = 1; i <= 40; i++) {
		RecordPlan plan = {
			.serial = i % 3 ? "P1" : "P2", .number = i, .boot_id = i % 5 ? 1 : 2, .not_last = i % 4 == 0,
		};

		stp_stored_outcome_free(world_add(world, &plan));
	}
	world_put_state(world, "P1", 7, 1, 40, &anchor);
	world_put_state(world, "P2", 7, 1, 40, &anchor);

	for (guint limit = 1; limit <= 41; limit += 8) {
		assert_int_equal(walk(world, &(StpSessionFilter){ .complete = -1 }, limit, FALSE), 40);
		assert_int_equal(walk(world, &(StpSessionFilter){ .complete = 1 }, limit, FALSE), 30);
		assert_int_equal(walk(world, &(StpSessionFilter){ .complete = 0 }, limit, FALSE), 10);
		assert_int_equal(walk(world, &(StpSessionFilter){ .serial = "P2", .complete = -1 }, limit, FALSE), 13);
		assert_int_equal(walk(world, &(StpSessionFilter){ .serial = "P2", .complete = 0 }, limit, FALSE), 3);
		assert_int_equal(walk(world, &(StpSessionFilter){ .complete = -1, .since = middle }, limit, FALSE), 16);
		assert_int_equal(walk(world, &(StpSessionFilter){ .complete = -1, .until = middle }, limit, FALSE), 16);
		assert_int_equal(walk(world, &(StpSessionFilter){ .serial = "P9", .complete = -1 }, limit, FALSE), 0);
	}
	assert_int_equal(walk(world, &(StpSessionFilter){ .serial = "P2", .complete = -1 }, 2, TRUE), 13);
	assert_null(stp_store_list_sessions(world->store, &(StpSessionFilter){ .complete = -1 }, 5, 4711, &next, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
}

/* ---- pens ---- */

static void
pens_are_kept(void **state)
{
	World *world = *state;
	StpPenRow row = { .serial = (char *)"P2", .model = (char *)"Nine",
			  .address = (char *)"00:11:22:33:44:55", .battery = 80,
			  .enrolled = TRUE, .enrolled_at = 5, .last_seen = 6 };
	StpAttempt bad = { .serial = "P2", .started = 1, .ended = 100, .stage = "read", .error = "lost" };
	StpAttempt good = { .serial = "P2", .started = 1, .ended = 90, .stage = "done", .error = "", .records = 3 };
	g_autoptr(GPtrArray) pens = NULL;
	g_autoptr(StpPenRow) pen = NULL;
	g_autoptr(GError) error = NULL;
	RecordPlan plan = { .serial = "P1" };

	world_put_pen(world, &row);
	world_put_attempt(world, &bad);
	world_put_attempt(world, &good);
	row.battery = 70;
	row.model = NULL;
	world_put_pen(world, &row);
	stp_stored_outcome_free(world_add(world, &plan));
	world_put_state(world, "P1", 7, 1, 4, NULL);

	pens = stp_store_list_pens(world->store, NULL);
	assert_int_equal(pens->len, 2);
	pen = g_ptr_array_steal_index(pens, 0);
	assert_string_equal(pen->serial, "P1");
	assert_false(pen->enrolled);
	assert_int_equal(pen->sessions, 1);
	assert_float_equal(pen->coverage, 25.0, 0.0);
	stp_pen_row_free(pen);

	pen = stp_store_get_pen(world->store, "P2", NULL);
	assert_string_equal(pen->model, "");
	assert_string_equal(pen->address, "00:11:22:33:44:55");
	assert_int_equal(pen->battery, 70);
	assert_true(pen->enrolled);
	assert_int_equal(pen->enrolled_at, 5);
	assert_int_equal(pen->last_sync, 90);
	assert_float_equal(pen->coverage, 100.0, 0.0);

	assert_null(stp_store_get_pen(world->store, "P3", &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_NOT_FOUND));
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM attempt"), 2);
}

static void
attempts_are_listed(void **state)
{
	World *world = *state;
	StpAttempt attempt = { .serial = "P2", .stage = "transfer", .error = "lost", .bytes = 7, .mtu = 247,
			       .notify = "signals", .switches = 1, .has_rssi = TRUE, .rssi = -61,
			       .connect_tries = 2, .connect_ms = 812, .refreshes = 1, .data_ms = 40,
			       .link_end = "timeout", .link_end_text = "Connection timeout" };
	g_autoptr(GPtrArray) some = NULL;
	g_autoptr(GPtrArray) of_p3 = NULL;
	const StpAttempt *found;

	for (guint i = 1; i <= 3; i++) {
		attempt.started = attempt.ended = i * 10;
		world_put_attempt(world, &attempt);
	}
	attempt = (StpAttempt){ .serial = "P3", .started = 25, .ended = 26, .stage = "done" };
	world_put_attempt(world, &attempt);

	some = stp_store_list_attempts(world->store, NULL, 2, NULL);
	assert_int_equal(some->len, 2);
	found = some->pdata[0];
	assert_string_equal(found->serial, "P2");
	assert_int_equal(found->started, 30);
	assert_string_equal(found->notify, "signals");
	assert_true(found->has_rssi);
	assert_int_equal(found->rssi, -61);
	assert_int_equal(found->connect_tries, 2);
	assert_int_equal(found->connect_ms, 812);
	assert_int_equal(found->refreshes, 1);
	assert_int_equal(found->data_ms, 40);
	assert_int_equal(found->switches, 1);
	assert_string_equal(found->link_end, "timeout");
	assert_string_equal(found->link_end_text, "Connection timeout");
	assert_string_equal(((const StpAttempt *)some->pdata[1])->serial, "P3");

	of_p3 = stp_store_list_attempts(world->store, "P3", 100, NULL);
	assert_int_equal(of_p3->len, 1);
	found = of_p3->pdata[0];
	assert_false(found->has_rssi);
	assert_string_equal(found->link_end, "");
}

static void
all_of_it_survives_a_restart(void **state)
{
	World *world = *state;
	guint8 id[8];
	RecordPlan plan = { .number = 1 };

	memcpy(id, stp_store_get_collector_id(world->store), sizeof(id));
	stp_stored_outcome_free(world_add(world, &plan));
	world_reopen(world);
	assert_memory_equal(stp_store_get_collector_id(world->store), id, sizeof(id));
	stp_session_free(world_session(world, "P1/1"));
	assert_int_equal(stp_store_get_state(world->store), STP_STORE_OK);
	assert_string_equal(stp_store_get_hint(world->store), "");
}

static void
on_cancelled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GError) error = NULL;

	assert_null(stp_store_put_record_finish(STP_STORE(source), result, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_CANCELLED));
	*(gboolean *)user_data = TRUE;
}

static void
what_is_cancelled_in_time_is_not_stored(void **state)
{
	World *world = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	RecordPlan plan = { .number = 1 };
	g_autoptr(GBytes) raw = world_record(&plan);
	StpArrival arrival = world_arrival(&plan, raw);
	gboolean done = FALSE;

	g_cancellable_cancel(cancellable);
	stp_store_put_record_async(world->store, &arrival, cancellable, on_cancelled, &done);
	while (!done)
		g_main_context_iteration(NULL, TRUE);
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM record"), 0);
	assert_int_equal(stp_store_get_state(world->store), STP_STORE_OK);
}

static void
on_closed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, &error);

	if (outcome == NULL)
		assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	(*(guint *)user_data)++;
}

/* What was asked for before the end is done; what is asked for after it says so. */
static void
closing_waits_for_the_writer(void **state)
{
	World *world = *state;
	guint done = 0;
	g_autoptr(GError) error = NULL;

	for (guint i = 1; i <= 21; i++) {
		RecordPlan plan = { .number = i };
		g_autoptr(GBytes) raw = world_record(&plan);
		StpArrival arrival = world_arrival(&plan, raw);

		if (i == 21)
			stp_store_close(world->store);
		stp_store_put_record_async(world->store, &arrival, NULL, on_closed, &done);
	}
	while (done < 21)
		g_main_context_iteration(NULL, TRUE);
	assert_null(stp_store_list_pens(world->store, &error));
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED));
	assert_int_equal(world_sql_int(world, "SELECT count(*) FROM part"), 20);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_record_becomes_a_session),
		CASE(passes_are_counted_over_zones),
		CASE(p27_the_same_again_changes_nothing),
		CASE(p27_other_bytes_are_a_conflict),
		CASE(parts_make_one_session),
		CASE(a_part_is_not_taken_twice),
		CASE(events_are_kept),
		CASE(sessions_are_found_by_name),
		CASE(lists_are_paged),
		CASE(pens_are_kept),
		CASE(attempts_are_listed),
		CASE(all_of_it_survives_a_restart),
		CASE(what_is_cancelled_in_time_is_not_stored),
		CASE(closing_waits_for_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
