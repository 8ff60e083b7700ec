/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A link, or a daemon, that ends in the middle of a long record: the next one reads only the rest. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic.h"
#include "database.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"

/* Lists, and what a READ begins in the middle: far below one chunk. */
#define SLACK 2000u

typedef struct {
	Clinic *clinic;
	const char *serial;
	struct stp_entry longest;
	guint32 epoch;
	guint64 received[8]; /* payload, by sync */
	guint syncs;
} Ward;

static void
on_ended(StpEnrolledPen *pen, const char *error, const StpSyncResult *result, Ward *ward)
{
	assert_true(ward->syncs < G_N_ELEMENTS(ward->received));
	ward->received[ward->syncs++] = result->bytes;
}

/* Pen 0 has a session of some 170 KB, and its short ones. */
static Ward
open_ward(Clinic *clinic)
{
	const SimStory story = { .seed = 9, .samples_min = 100000, .samples_max = 100000, .period_ms = 10 };
	SimPen *pen = clinic->pens[0];
	const struct stp_pen *engine = sim_pen_engine(pen);
	Ward ward = { .clinic = clinic, .serial = sim_pen_serial(pen) };

	assert_true(sim_story_add_session(&story, 9, pen, NULL, NULL));
	for (guint32 number = 1; number <= sim_flash_newest(sim_pen_flash(pen)); number++) {
		struct stp_entry entry;

		assert_int_equal(engine->config.log->entry(engine->config.user, number, &entry), STP_OK);
		if (entry.length > ward.longest.length)
			ward.longest = entry;
	}
	assert_true(ward.longest.length > 150000);
	ward.epoch = sim_flash_epoch(sim_pen_flash(pen));
	return ward;
}

static void
meet(Ward *ward)
{
	g_signal_connect(enrol(ward->clinic, 0), "sync-ended", G_CALLBACK(on_ended), ward);
}

/* How much is kept of the long record. */
static gsize
kept(Ward *ward)
{
	g_autoptr(StpPartial) partial = stp_store_get_partial(ward->clinic->store, ward->serial, ward->epoch,
							      ward->longest.record, NULL);

	if (partial == NULL)
		return 0;
	assert_int_equal(partial->number, ward->longest.record);
	assert_int_equal(partial->length, ward->longest.length);
	assert_int_equal(partial->crc32c, ward->longest.crc32c);
	return g_bytes_get_size(partial->bytes);
}

/* How many records something is kept of, and how much in all. */
static guint
kept_in_all(Ward *ward, gsize *size)
{
	g_autoptr(GPtrArray) names = stp_store_list_partials(ward->clinic->store, ward->serial, NULL);

	*size = 0;
	assert_non_null(names);
	for (guint i = 0; i < names->len; i++) {
		const StpPartial *name = g_ptr_array_index(names, i);
		g_autoptr(StpPartial) partial = stp_store_get_partial(ward->clinic->store, ward->serial,
								      name->epoch, name->number, NULL);

		assert_non_null(partial);
		*size += g_bytes_get_size(partial->bytes);
	}
	return names->len;
}

/* How many bytes the store still needs of the pen. */
static guint64
rest(Ward *ward)
{
	const struct stp_pen *engine = sim_pen_engine(ward->clinic->pens[0]);
	guint32 newest = sim_flash_newest(sim_pen_flash(ward->clinic->pens[0]));
	g_autoptr(GArray) missing =
		stp_store_get_missing(ward->clinic->store, ward->serial, ward->epoch, 1, newest, NULL);
	guint64 bytes = 0;
	gsize there;

	kept_in_all(ward, &there);
	for (guint i = 0; i < missing->len; i++) {
		struct stp_range range = g_array_index(missing, struct stp_range, i);

		for (guint32 number = range.from; number <= range.to; number++) {
			struct stp_entry entry;

			assert_int_equal(engine->config.log->entry(engine->config.user, number, &entry),
					 STP_OK);
			bytes += entry.length;
		}
	}
	return bytes - there;
}

/* Of what came with a sync that broke off, only the lists are not worth anything. */
static void
assert_all_kept(Ward *ward, guint sync, guint64 before)
{
	guint64 gained = before - rest(ward);

	assert_true(kept(ward) > 30000);
	assert_true(gained > 0);
	assert_in_range(gained, ward->received[sync] - SLACK, ward->received[sync]);
}

/* That sync began when so much was missing. */
static void
assert_only_the_rest(Ward *ward, guint sync, guint64 missing)
{
	gsize there;

	assert_in_range(ward->received[sync], missing, missing + SLACK);
	/* The pen says so, too: it has not sent more. */
	assert_false(ward->clinic->faults[0].announce.struck);
	assert_complete(ward->clinic, 0);
	assert_int_equal(kept_in_all(ward, &there), 0);
}

/* From now on the pen tells when it sends more than what is missing in one connection; headers are 4 of 244.
 */
static void
watch_the_pen(Ward *ward, guint64 missing)
{
	ward->clinic->faults[0].announce = (SimThreshold){ .bytes = missing + missing / 40 + SLACK };
}

static void
test_a_lost_link_costs_nothing(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	guint64 all = rest(&ward), missing;

	clinic->faults[0].drop.bytes = 120000;
	meet(&ward);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	assert_all_kept(&ward, 0, all);
	missing = rest(&ward);
	watch_the_pen(&ward, missing);
	wait_ended(clinic, 2); /* by itself, after a second */
	assert_int_equal(clinic->failed, 1);
	assert_only_the_rest(&ward, 1, missing);
}

/* The daemon ends and starts anew. */
static void
restart(Ward *ward)
{
	Clinic *clinic = ward->clinic;
	StpEnrolledPen *pen;

	close_store(clinic);
	open_store(clinic);
	pen = stp_collector_find_pen(clinic->collector, ward->serial);
	on_pen_added(NULL, pen, clinic);
	g_signal_connect(pen, "sync-ended", G_CALLBACK(on_ended), ward);
}

/* Three links for one record, and the daemon starts anew between them. */
static void
test_nor_does_a_restart(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	guint64 missing = rest(&ward);

	clinic->faults[0].drop.bytes = 60000;
	clinic->faults[0].drop.always = TRUE;
	meet(&ward);
	for (guint i = 0; i < 2; i++) {
		wait_ended(clinic, i + 1);
		assert_all_kept(&ward, i, missing);
		missing = rest(&ward);
		if (i == 1)
			clinic->faults[0].drop = (SimThreshold){ 0 };
		restart(&ward);
		assert_int_equal(rest(&ward), missing);
		if (i == 1)
			watch_the_pen(&ward, missing);
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	}
	wait_ended(clinic, 3);
	assert_int_equal(clinic->failed, 2);
	assert_only_the_rest(&ward, 2, missing);
}

static gboolean
stop_it(gpointer data)
{
	Ward *ward = data;

	stp_collector_cancel(ward->clinic->collector, ward->serial);
	return G_SOURCE_REMOVE;
}

static void
on_event(SimPen *pen, const SimEvent *event, gpointer data)
{
	if (event->kind == SIM_EVENT_FAULT)
		g_idle_add_full(G_PRIORITY_HIGH, stop_it, data, NULL);
}

static void
test_stopped_and_taken_up_again(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	Answer answer = { 0 };
	guint64 missing = rest(&ward);

	clinic->faults[0].announce.bytes = 60000;
	sim_pen_set_listener(clinic->pens[0], on_event, &ward);
	meet(&ward);
	wait_ended(clinic, 1);
	sim_pen_set_listener(clinic->pens[0], NULL, NULL);
	assert_all_kept(&ward, 0, missing);
	missing = rest(&ward);
	assert_true(missing > 0);
	watch_the_pen(&ward, missing);
	stp_collector_sync_async(clinic->collector, ward.serial, 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_only_the_rest(&ward, 1, missing);
}

/* ---- a journal that lies ---- */

static void
on_done(GObject *source, GAsyncResult *result, gpointer user_data)
{
	assert_true(stp_store_put_partial_finish(STP_STORE(source), result, NULL));
	*(gboolean *)user_data = TRUE;
}

/* The first size bytes of the long record as the pen has them, one of them altered, under this checksum. */
static void
plant(Ward *ward, gsize size, gsize altered, guint32 crc32c)
{
	const struct stp_pen *engine = sim_pen_engine(ward->clinic->pens[0]);
	g_autofree guint8 *bytes = g_malloc(size);
	g_autoptr(GBytes) kept_bytes = NULL;
	StpPartial partial = {
		.serial = (char *)ward->serial,
		.epoch = ward->epoch,
		.number = ward->longest.record,
		.length = ward->longest.length,
		.crc32c = crc32c,
	};
	gboolean done = FALSE;

	assert_int_equal(engine->config.log->read(engine->config.user, ward->longest.record, 0, bytes, size),
			 STP_OK);
	if (altered < size)
		bytes[altered] ^= 1;
	partial.bytes = kept_bytes = g_bytes_new(bytes, size);
	stp_store_put_partial_async(ward->clinic->store, &partial, NULL, on_done, &done);
	assert_true(private_wait(is_set, &done, WAIT_MS));
}

static void
assert_told(Ward *ward, gboolean told)
{
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(ward->clinic->store, ward->serial, NULL);
	const StpCoverage *entry = g_ptr_array_index(coverage, 0);
	guint found = 0;

	for (guint i = 0; i < entry->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(entry->findings, i);

		found += g_str_equal(finding->kind, "partial-differs") &&
			 finding->record == ward->longest.record;
	}
	assert_int_equal(found, told);
}

/* How many specimens of so many journalled bytes of the long record the store has. */
static gint64
specimens(Ward *ward, gsize size)
{
	static const char sql[] = "SELECT count(*) FROM specimen WHERE kind = 'partial' AND number = ? AND size = ?";
	g_autofree char *path = g_build_filename(ward->clinic->directory, "stipple.db", NULL);
	gboolean damaged;
	g_autoptr(StpDatabase) db = stp_database_open(path, STP_DATABASE_READER, &damaged, NULL);
	gint64 found;

	assert_non_null(db);
	assert_true(stp_database_get_int(db, sql, STP_VALUES(STP_INT(ward->longest.record), STP_INT(size)), 0,
					 &found, NULL));
	return found;
}

/* None of it is believed: the record is the pen's, and what was in the journal is told of and kept as evidence. */
static void
meet_with(Clinic *clinic, Ward *ward, gsize size, gsize altered, guint32 crc_change)
{
	guint64 all = rest(ward);

	plant(ward, size, altered, ward->longest.crc32c ^ crc_change);
	meet(ward);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 0);
	assert_only_the_rest(ward, 0, all);
	assert_told(ward, TRUE);
	assert_int_equal(specimens(ward, size), 1);
}

static void
test_altered_bytes_are_not_believed(void **state)
{
	Ward ward = open_ward(*state);

	meet_with(*state, &ward, 100000, 99999, 0);
}

static void
test_all_bytes_but_one_altered(void **state)
{
	Ward ward = open_ward(*state);

	meet_with(*state, &ward, ward.longest.length, 5, 0);
}

static void
test_another_record_of_that_number(void **state)
{
	Ward ward = open_ward(*state);

	meet_with(*state, &ward, 100000, G_MAXSIZE, 1);
}

/* What is kept is of the second reading: the sound record's first bytes, and no more than came so far. */
static gboolean
is_journalled_anew(gpointer data)
{
	Ward *ward = data;
	SimRecord *record = sim_flash_get(sim_pen_flash(ward->clinic->pens[0]), ward->longest.record);
	g_autoptr(StpPartial) partial = stp_store_get_partial(ward->clinic->store, ward->serial, ward->epoch,
							      ward->longest.record, NULL);
	gsize size = partial != NULL ? g_bytes_get_size(partial->bytes) : 0;

	return ward->clinic->faults[0].stall.struck && size > 0 && size < 80000 &&
	       memcmp(g_bytes_get_data(partial->bytes, NULL), record->raw->data, size) == 0;
}

/*
 * The pen misreads its flash, so all of the record is wrong in the end and read again.  What was journalled of the
 * first reading must not outlive it: a kill in the second one would bring it back.
 */
static void
test_what_turned_out_wrong_goes_at_once(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	SimRecord *record = sim_flash_get(sim_pen_flash(clinic->pens[0]), ward.longest.record);

	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	/* Some 45 KB into the second reading the pen falls silent, with its link up. */
	clinic->faults[0].stall.bytes = (rest(&ward) + 45000) * 62 / 61;
	meet(&ward);
	assert_true(private_wait(is_journalled_anew, &ward, WAIT_MS));
	/* Before the sync has ended, and not because it does. */
	assert_int_equal(ward.syncs, 0);
	assert_string_equal(stp_enrolled_pen_get_stage(stp_collector_find_pen(clinic->collector, ward.serial)), "transfer");
	stp_collector_cancel(clinic->collector, ward.serial);
	wait_ended(clinic, 1);
}

/*
 * Behind any answer the link ends, also behind that which made a record whole: it is on its way into the store then,
 * and nothing more of it goes into the journal.
 */
static void
test_what_was_delivered_is_not_journalled(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	guint32 epoch = sim_flash_epoch(sim_pen_flash(clinic->pens[0]));
	guint32 newest = sim_flash_newest(sim_pen_flash(clinic->pens[0])), held = 0;

	clinic->faults[0].drop_after_answer = 1;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint answers = 2; answers < 40 && held < newest; answers++) {
		g_autoptr(GPtrArray) left = NULL;
		g_autoptr(GArray) missing = NULL;
		Answer answer = { 0 };

		clinic->faults[0].drop_after_answer = answers;
		stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
		assert_true(private_wait(is_set, &answer.done, WAIT_MS));
		g_clear_error(&answer.error);
		left = stp_store_list_partials(clinic->store, serial, NULL);
		missing = stp_store_get_missing(clinic->store, serial, epoch, 1, newest, NULL);
		held = newest;
		for (guint i = 0; i < missing->len; i++) {
			struct stp_range range = g_array_index(missing, struct stp_range, i);

			held -= range.to - range.from + 1;
		}
		for (guint i = 0; i < left->len; i++) {
			const StpPartial *name = g_ptr_array_index(left, i);
			gboolean is_missing = FALSE;

			for (guint j = 0; j < missing->len; j++) {
				struct stp_range range = g_array_index(missing, struct stp_range, j);

				is_missing |= name->number >= range.from && name->number <= range.to;
			}
			assert_true(is_missing);
		}
	}
	assert_int_equal(held, newest);
}

/* What is true is believed, whoever wrote it; all of it costs no reading at all, but it is stored first. */
static void
test_all_of_it_was_there(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	guint64 missing = rest(&ward) - ward.longest.length;

	plant(&ward, ward.longest.length, G_MAXSIZE, ward.longest.crc32c);
	watch_the_pen(&ward, missing);
	meet(&ward);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 0);
	assert_only_the_rest(&ward, 0, missing);
	assert_told(&ward, FALSE);
}

/* A newer record comes first and is journalled as well; the older one is not read twice for that. */
static void
test_a_newer_record_comes_between(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	const SimStory story = { .seed = 5, .samples_min = 40000, .samples_max = 40000, .period_ms = 10 };
	guint64 missing;

	clinic->faults[0].drop.bytes = 120000;
	meet(&ward);
	wait_ended(clinic, 1);
	assert_true(kept(&ward) > 30000);
	assert_true(sim_story_add_session(&story, 6, clinic->pens[0], NULL, NULL));
	missing = rest(&ward);
	assert_true(missing > ward.longest.length - kept(&ward) + 50000);
	wait_ended(clinic, 2);
	assert_int_equal(clinic->failed, 1);
	assert_only_the_rest(&ward, 1, missing);
}

/*
 * The first sync ends in the older of two long records, as all behind it was read; the next begins with the highest
 * number that is missing, the other long one, and ends there: both go on.
 */
static void
test_two_records_under_way(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	const SimStory story = { .seed = 5, .samples_min = 60000, .samples_max = 60000, .period_ms = 10 };
	guint64 missing;
	gsize first, both;

	assert_true(sim_story_add_session(&story, 6, clinic->pens[0], NULL, NULL));
	missing = rest(&ward);
	clinic->faults[0].drop.bytes = 120000;
	meet(&ward);
	wait_ended(clinic, 1);
	assert_all_kept(&ward, 0, missing);
	first = kept(&ward);
	assert_int_equal(kept_in_all(&ward, &both), 1);

	clinic->faults[0].drop = (SimThreshold){ .bytes = 60000 };
	restart(&ward);
	missing = rest(&ward);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_all_kept(&ward, 1, missing);
	assert_int_equal(kept_in_all(&ward, &both), 2);
	assert_int_equal(kept(&ward), first);
	assert_true(both > first + 30000);

	clinic->faults[0].drop = (SimThreshold){ 0 };
	restart(&ward);
	missing = rest(&ward);
	watch_the_pen(&ward, missing);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 3);
	assert_int_equal(clinic->failed, 2);
	assert_only_the_rest(&ward, 2, missing);
}

/* No room in the journal's view: the sync does what it did before there was one. */
static void
test_without_a_journal(void **state)
{
	Clinic *clinic = *state;
	Ward ward = open_ward(clinic);
	Answer answer = { 0 };

	meet(&ward);
	stp_store_set_reserve(clinic->store, G_GUINT64_CONSTANT(1) << 50);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	assert_int_equal(kept(&ward), 0);
	stp_store_set_reserve(clinic->store, 0);
	stp_collector_sync_async(clinic->collector, ward.serial, 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_complete(clinic, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(test_a_lost_link_costs_nothing),  CASE(test_nor_does_a_restart),
		CASE(test_stopped_and_taken_up_again), CASE(test_altered_bytes_are_not_believed),
		CASE(test_all_bytes_but_one_altered),  CASE(test_another_record_of_that_number),
		CASE(test_all_of_it_was_there),        CASE(test_a_newer_record_comes_between),
		CASE(test_two_records_under_way),      CASE(test_without_a_journal),
		CASE(test_what_turned_out_wrong_goes_at_once),
		CASE(test_what_was_delivered_is_not_journalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
