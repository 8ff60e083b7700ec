/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What is held, what is not and why; what a sync asks for, and what it never does to a pen. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "clinic-hours.h"
#include "clock.h"
#include "error.h"
#include "sim-story.h"
#include "virtual-clock.h"

/* ---- P21, P22: what a lost link or a dead daemon costs ---- */

static void
p21_a_lost_link_costs_no_second_reading(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 9, .samples_min = 300000, .samples_max = 300000, .period_ms = 10 };
	guint64 before = sim_flash_bytes(flash_of(clinic, 0)), size;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_true(sim_story_add_session(&story, 1, clinic->pens[0], NULL, NULL));
	size = sim_flash_bytes(flash_of(clinic, 0)) - before;
	assert_true(size > 150 * 1024);
	clinic->faults[0].data_every_ms = 5;
	clinic->faults[0].drop.bytes = size * 3 / 4;
	/* In no connection does more come than what the first one lacks, and what was not journalled of it. */
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	clinic->faults[0].announce = (SimThreshold){ .bytes = size / 4 + 96 * 1024 };
	assert_true(run_until_ended(clinic, 3, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_false(clinic->faults[0].announce.struck);
	assert_complete(clinic, 0);
}

typedef struct {
	Clinic *clinic;
	guint left;	/* events until the daemon dies */
	gboolean acknowledged;	/* after an acknowledgement, else after a record was stored and before that */
	gboolean dead;
	char *copy;	/* what the disk has then */
} Death;

static void
shell(const char *command)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	int status = -1;

	assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
	assert_int_equal(status, 0);
}

static void
die(Death *death)
{
	g_autofree char *command = NULL;

	if (death->dead || --death->left > 0)
		return;
	death->dead = TRUE;
	death->copy = g_strdup_printf("%s-dead", death->clinic->directory);
	command = g_strdup_printf("rm -rf '%s' && cp -r '%s' '%s'", death->copy, death->clinic->directory, death->copy);
	shell(command);
}

static void
on_pen_event(SimPen *pen, const SimEvent *event, gpointer data)
{
	Death *death = data;

	if (death->acknowledged && event->kind == SIM_EVENT_ACKNOWLEDGED)
		die(death);
}

static void
on_stored(StpCollector *collector, const char *id, Death *death)
{
	if (!death->acknowledged)
		die(death);
}

/* Everything is as the disk had it when the daemon died, and the pen as it was then or later. */
static void
rise(Clinic *clinic, Death *death)
{
	g_autofree char *command =
		g_strdup_printf("rm -rf '%s' && mv '%s' '%s'", clinic->directory, death->copy, clinic->directory);

	stop(clinic);
	shell(command);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	g_free(death->copy);
}

static void
die_after(Clinic *clinic, guint events, gboolean acknowledged, gboolean *died)
{
	Death death = { .clinic = clinic, .left = events, .acknowledged = acknowledged };
	StpEnrolledPen *pen;
	guint ended;

	sim_pen_set_listener(clinic->pens[0], on_pen_event, &death);
	g_signal_connect(clinic->collector, "session-stored", G_CALLBACK(on_stored), &death);
	enrol_by(clinic, 0);
	while (!death.dead && clinic->ended == 0 && virtual_clock_step(later(S)))
		;
	sim_pen_set_listener(clinic->pens[0], NULL, NULL);
	g_signal_handlers_disconnect_by_data(clinic->collector, &death);
	*died = death.dead;
	if (!death.dead)
		return;
	/* The link dies with it. */
	socket_radio_cut(clinic->radio, clinic->addresses[0]);
	rise(clinic, &death);
	pen = stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[0]));
	assert_non_null(pen);
	on_pen_added(NULL, pen, clinic);
	ended = clinic->ended;
	assert_true(run_until_ended(clinic, ended + 1, later(HOUR)));
	assert_complete(clinic, 0);
}

static void
p22_the_daemon_dies_at_every_record(void **state)
{
	for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
		gboolean died = TRUE;
		guint deaths = 0;

		for (guint events = 1; died; events++) {
			void *own;

			open_hours(&own);
			die_after(own, events, acknowledged, &died);
			deaths += died;
			close_hours(&own);
		}
		/* Records share an ACK, so that there are fewer of these. */
		assert_true(deaths >= (acknowledged ? 1 : 4));
	}
}

/* ---- P23, P32: records that cannot be had ---- */

static void
p23_a_corrupt_record_is_not_in_the_way(void **state)
{
	Clinic *clinic = *state;
	guint32 newest = sim_flash_newest(flash_of(clinic, 0));
	guint connects, tries = 0;

	/* The newest is what is read first, the oldest what comes next. */
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, sim_flash_get(flash_of(clinic, 0), newest), NULL));
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, sim_flash_get(flash_of(clinic, 0), 1), NULL));
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(clinic->failed, 0);
	assert_int_equal(held(clinic, 0), newest - 2);

	/* Asked for again after a while, not in a loop; and after some tries not any more. */
	connects = socket_radio_connects(clinic->radio);
	for (guint hour = 0; hour < 48; hour++) {
		guint before = socket_radio_connects(clinic->radio);

		for (guint minute = 0; minute < 60; minute++) {
			hear(clinic, 0);
			virtual_clock_run(later(60 * S));
		}
		assert_true(socket_radio_connects(clinic->radio) - before <= 3);
		tries += socket_radio_connects(clinic->radio) - before;
	}
	assert_in_range(tries, 3, 12);
	assert_int_equal(connects + tries, socket_radio_connects(clinic->radio));
	assert_int_equal(held(clinic, 0), newest - 2);
}

static void
p32_each_hole_has_its_cause(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 9, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	SimFlash *flash = flash_of(clinic, 0);
	guint32 newest = sim_flash_newest(flash), fresh;
	g_autoptr(StpCoverage) coverage = NULL;

	sim_flash_drop(flash, 1);	/* the log is full, and went on */
	sim_flash_drop(flash, 2);
	sim_flash_drop(flash, 4);	/* power failed while it was written */
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, sim_flash_get(flash, 5), NULL));
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	/* News, of which the link brings nothing. */
	assert_true(sim_story_add_session(&story, 1, clinic->pens[0], NULL, NULL));
	fresh = sim_flash_newest(flash);
	clinic->faults[0].drop = (SimThreshold){ .bytes = 1, .always = TRUE };
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(clinic->failed, 1);

	coverage = coverage_of(clinic, 0);
	assert_string_equal(cause_of(coverage, 1), "overwritten");
	assert_string_equal(cause_of(coverage, 2), "overwritten");
	assert_string_equal(cause_of(coverage, 3), "held");
	assert_string_equal(cause_of(coverage, 4), "never-written");
	assert_string_equal(cause_of(coverage, 5), "corrupt");
	assert_string_equal(cause_of(coverage, fresh), "not-fetched");
	/* What was never written is no loss, and counts as none. */
	assert_int_equal(coverage->damaged, 1);
	assert_int_equal(coverage->missing, 2 + fresh - newest);
	assert_int_equal(coverage->held, newest - 4);
	assert_true(coverage->percent < 100.0);
}

/* ---- P26, P37: a sync changes nothing in a pen but its slot ---- */

static GByteArray *
flash_bytes(Clinic *clinic, guint number)
{
	SimFlash *flash = flash_of(clinic, number);
	GByteArray *all = g_byte_array_new();

	for (guint32 record = 1; record <= sim_flash_newest(flash); record++) {
		const SimRecord *one = sim_flash_get(flash, record);

		assert_non_null(one);
		g_byte_array_append(all, one->raw->data, one->raw->len);
	}
	return all;
}

static void
on_erased(SimPen *pen, const SimEvent *event, gpointer data)
{
	*(guint *)data += event->kind == SIM_EVENT_ERASED;
}

static void
p26_acknowledging_deletes_nothing(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GByteArray) before = flash_bytes(clinic, 0);
	g_autoptr(GByteArray) after = NULL;
	guint erased = 0, stored;

	sim_pen_set_listener(clinic->pens[0], on_erased, &erased);
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_complete(clinic, 0);
	stored = clinic->stored;

	/* Its slots are reset: all is acknowledged once more, nothing is doubled. */
	memset(sim_pen_engine(clinic->pens[0])->slots, 0, sizeof(sim_pen_engine(clinic->pens[0])->slots));
	sync_by_hand(clinic, 0, NULL);
	assert_complete(clinic, 0);
	assert_int_equal(clinic->stored, stored);
	sim_pen_set_listener(clinic->pens[0], NULL, NULL);
	after = flash_bytes(clinic, 0);
	assert_int_equal(erased, 0);
	assert_int_equal(after->len, before->len);
	assert_memory_equal(after->data, before->data, after->len);
}

/* All of a pen's records by a host engine that stores nothing; a digest of what came. */
static char *
read_all(SimPen *pen)
{
	struct stp_host_config config = { .collector_id = { 7 } };
	struct stp_range all = { 1, sim_flash_newest(sim_pen_flash(pen)) };
	struct stp_host *host = stp_host_new(&config);
	g_autoptr(GChecksum) digest = g_checksum_new(G_CHECKSUM_SHA256);
	struct stp_host_action action = { 0 };

	stp_pen_connected(sim_pen_engine(pen), 247);
	stp_pen_subscribed(sim_pen_engine(pen), STP_PEN_LOG_CONTROL, true);
	stp_pen_subscribed(sim_pen_engine(pen), STP_PEN_LOG_DATA, true);
	stp_host_start(host, 247, NULL, 0);
	while (action.kind != STP_HOST_DONE) {
		struct stp_pen_output output;

		stp_host_poll(host, &action);
		if (action.kind == STP_HOST_WRITE || action.kind == STP_HOST_WRITE_COMMAND) {
			stp_pen_control(sim_pen_engine(pen), action.u.write.bytes, action.u.write.size);
		} else if (action.kind == STP_HOST_READ_TIME) {
			stp_host_time(host, NULL, 0, 0, 0, 0);
		} else if (action.kind == STP_HOST_STATE) {
			stp_host_want(host, &all, 1, 0);
		} else if (action.kind == STP_HOST_RECORD) {
			g_checksum_update(digest, action.u.record.raw, (gssize)action.u.record.size);
			stp_host_stored(host, false, 0);
		} else if (action.kind == STP_HOST_IDLE) {
			stp_pen_poll(sim_pen_engine(pen), &output);
			if (output.kind == STP_PEN_INDICATE)
				stp_host_control(host, output.bytes, output.size, 0);
			else if (output.kind == STP_PEN_NOTIFY)
				stp_host_data(host, output.bytes, output.size, 0);
			else
				assert_int_equal(output.kind, STP_PEN_WORKING);
		} else {
			assert_int_not_equal(action.kind, STP_HOST_FAILED);
		}
	}
	stp_pen_disconnected(sim_pen_engine(pen));
	stp_host_free(host);
	return g_strdup(g_checksum_get_string(digest));
}

static void
p37_reading_has_no_side_effect(void **state)
{
	Clinic *clinic = *state;
	SimPen *pen = clinic->pens[0];
	g_autoptr(GByteArray) before = flash_bytes(clinic, 0);
	g_autofree char *first = read_all(pen), *second = NULL;
	g_autoptr(GBytes) advert = sim_pen_advert(pen);
	g_autoptr(GByteArray) after = NULL;
	g_autoptr(GBytes) advert_after = NULL;
	struct stp_pen_slot slot = sim_pen_engine(pen)->slots[0];

	second = read_all(pen);
	advert_after = sim_pen_advert(pen);
	after = flash_bytes(clinic, 0);
	assert_string_equal(first, second);
	assert_int_equal(after->len, before->len);
	assert_memory_equal(after->data, before->data, after->len);
	assert_true(g_bytes_equal(advert, advert_after));
	assert_memory_equal(&slot, &sim_pen_engine(pen)->slots[0], sizeof(slot));
	assert_int_equal(slot.mark, 0);
	assert_int_not_equal(stp_pen_slots_with_news(sim_pen_engine(pen)), 0);
}

/* ---- P29: two collectors ---- */

static void
p29_two_collectors_neither_double_nor_steal(void **state)
{
	Clinic *clinic = *state;
	Clinic *other;
	void *own;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const StpEnrolOptions options = {
		.which = "00:00:00:00:00:99", .label = "other room", .timeout_s = 5
	};
	Answer answer = { 0 };
	g_autoptr(GPtrArray) there = NULL;

	open_hours(&own);
	other = own;
	socket_radio_put(other->radio, clinic->pens[0], NULL, "00:00:00:00:00:99", 247);
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_complete(clinic, 0);

	/* The other room's turn: all is there for it, and what it acknowledges is its own. */
	socket_radio_hear(other->radio, "00:00:00:00:00:99", TRUE);
	stp_collector_enrol_async(other->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
	while (other->ended == 0)
		virtual_clock_run(later(S));
	assert_int_equal(other->failed, 0);
	there = stp_store_get_coverage(other->store, serial, NULL);
	assert_int_equal(((StpCoverage *)g_ptr_array_index(there, 0))->held, sim_flash_newest(flash_of(clinic, 0)));
	assert_int_equal(((StpCoverage *)g_ptr_array_index(there, 0))->findings->len, 0);
	assert_int_equal(sim_pen_engine(clinic->pens[0])->slots[0].mark, sim_flash_newest(flash_of(clinic, 0)));
	assert_int_equal(sim_pen_engine(clinic->pens[0])->slots[1].mark, sim_flash_newest(flash_of(clinic, 0)));
	assert_memory_not_equal(stp_store_get_collector_id(clinic->store), stp_store_get_collector_id(other->store),
				STP_COLLECTOR_ID_SIZE);
	sync_by_hand(clinic, 0, NULL);
	assert_complete(clinic, 0);
	close_hours(&own);
}

/* ---- P33: choosing ---- */

static void
on_id(StpCollector *collector, const char *id, GString *ids)
{
	g_string_append_printf(ids, "%s ", id);
}

static void
p33_the_newest_comes_first(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GString) ids = g_string_new("");
	g_auto(GStrv) all = NULL;

	g_signal_connect(clinic->collector, "session-stored", G_CALLBACK(on_id), ids);
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	g_signal_handlers_disconnect_by_data(clinic->collector, ids);
	all = g_strsplit(ids->str, " ", -1);
	/* After the newest record, from the oldest up, which are overwritten next. */
	for (guint i = 2; all[i] != NULL && *all[i] != '\0'; i++)
		assert_true(g_strcmp0(all[i - 1], all[i]) < 0);
	assert_complete(clinic, 0);
}

static void
p33_one_record_is_fetched_and_no_other(void **state)
{
	Clinic *clinic = *state;
	const StpSyncChoice third = { .from = 3, .to = 3 }, tail = { .from = 6 };
	guint32 newest = sim_flash_newest(flash_of(clinic, 0));
	StpEnrolledPen *pen;
	g_autoptr(StpCoverage) coverage = NULL;

	/* Its first sync is lost, so that all of it is to be had. */
	clinic->faults[0].drop = (SimThreshold){ .bytes = 1 };
	pen = enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(held(clinic, 0), 0);
	sync_by_hand(clinic, 0, &third);
	coverage = coverage_of(clinic, 0);
	assert_int_equal(coverage->held, 1);
	assert_string_equal(cause_of(coverage, 3), "held");
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync == 0);

	sync_by_hand(clinic, 0, &tail);
	assert_int_equal(held(clinic, 0), 1 + newest - 5);
	/* The rest follows by itself. */
	assert_true(run_until_ended(clinic, 4, later(HOUR)));
	assert_complete(clinic, 0);
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync > 0);
}

static void
p33_what_began_before_is_left_out(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 9, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	StpSyncChoice since = { 0 };
	guint32 first;

	clinic->faults[0].drop = (SimThreshold){ .bytes = 1 };
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(held(clinic, 0), 0);
	stp_collector_cancel(clinic->collector, sim_pen_serial(clinic->pens[0]));
	virtual_clock_run(later(600 * S));
	since.since = stp_clock_wall() - 300 * S;
	first = sim_flash_newest(flash_of(clinic, 0)) + 1;
	assert_true(sim_story_add_session(&story, 1, clinic->pens[0], NULL, NULL));
	sync_by_hand(clinic, 0, &since);
	assert_int_equal(held(clinic, 0), sim_flash_newest(flash_of(clinic, 0)) - first + 1);
}

/* ---- a log that went back ---- */

static void
what_was_read_since_it_went_back_is_not_read_again(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	const SimPenConfig config = {
		.serial = sim_pen_serial(clinic->pens[0]),
		.seed = 77,
		.epoch = sim_flash_epoch(flash_of(clinic, 0)),
	};
	const SimStory other = { .seed = 78, .sessions = 2, .samples_min = 3000, .samples_max = 3000, .period_ms = 10 };
	SimPen *replaced = sim_pen_new(&config, NULL);
	guint64 size;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_true(sim_story_tell(&other, replaced, NULL, NULL));
	assert_true(sim_flash_newest(sim_pen_flash(replaced)) < sim_flash_newest(flash_of(clinic, 0)));
	size = sim_flash_bytes(sim_pen_flash(replaced));
	stop(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	sim_pen_free(clinic->pens[0]);
	clinic->pens[0] = replaced;
	for (guint i = 0; i < PENS; i++)
		socket_radio_put(clinic->radio, clinic->pens[i], &clinic->faults[i], clinic->addresses[i], 247);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(replaced)), clinic);
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(clinic->failed, 0);

	/* From now on LIST is enough for what is listed as it was; the news are fetched, all is acknowledged. */
	for (guint turn = 0; turn < 3; turn++) {
		assert_true(sim_story_add_session(&story, turn, replaced, NULL, NULL));
		clinic->faults[0].announce = (SimThreshold){ .bytes = size };
		sync_by_hand(clinic, 0, NULL);
		assert_false(clinic->faults[0].announce.struck);
		assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(replaced)), 0);
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(p21_a_lost_link_costs_no_second_reading),
		cmocka_unit_test(p22_the_daemon_dies_at_every_record),
		CASE(p23_a_corrupt_record_is_not_in_the_way),
		CASE(p26_acknowledging_deletes_nothing),
		CASE(p29_two_collectors_neither_double_nor_steal),
		CASE(p32_each_hole_has_its_cause),
		CASE(p33_the_newest_comes_first),
		CASE(p33_one_record_is_fetched_and_no_other),
		CASE(p33_what_began_before_is_left_out),
		CASE(p37_reading_has_no_side_effect),
		CASE(what_was_read_since_it_went_back_is_not_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
