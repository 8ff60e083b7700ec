/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The collector, the store and simulated pens in one process: no bus, no BlueZ. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "collector.h"
#include "enrolment.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"
#include "socket-radio.h"

#define PENS 5
#define WAIT_MS 30000

typedef struct {
	char *directory;
	SimPen *pens[PENS];
	SimLinkFaults faults[PENS];
	char *addresses[PENS];
	SocketRadio *radio;
	StpStore *store;
	StpCollector *collector;
	guint ended, failed;
	gint64 last_duration_us;
	guint stored;
	char *last_error;
} Clinic;

/* ---- the clinic ---- */

static void
on_sync_ended(StpEnrolledPen *pen, const char *error, const StpSyncResult *result, Clinic *clinic)
{
	clinic->ended++;
	clinic->failed += *error != '\0';
	g_free(clinic->last_error);
	clinic->last_error = g_strdup(error);
	clinic->last_duration_us = result->duration_us;
}

static void
on_pen_added(StpCollector *collector, StpEnrolledPen *pen, Clinic *clinic)
{
	g_signal_connect(pen, "sync-ended", G_CALLBACK(on_sync_ended), clinic);
}

static void
on_session_stored(StpCollector *collector, const char *id, Clinic *clinic)
{
	clinic->stored++;
}

static void
open_store(Clinic *clinic)
{
	g_autoptr(GError) error = NULL;

	clinic->store = stp_store_open(clinic->directory, &error);
	assert_null(error);
	clinic->collector = stp_collector_new(STP_RADIO(clinic->radio), clinic->store, &error);
	assert_null(error);
	g_signal_connect(clinic->collector, "pen-added", G_CALLBACK(on_pen_added), clinic);
	g_signal_connect(clinic->collector, "session-stored", G_CALLBACK(on_session_stored), clinic);
}

static SimPen *
make_pen(guint number, guint sessions, guint samples)
{
	g_autofree char *serial = g_strdup_printf("DP26-10%02u", number + 1);
	const SimPenConfig config = { .serial = serial, .seed = number + 1 };
	const SimStory story = {
		.seed = number + 100,
		.sessions = sessions,
		.samples_min = samples,
		.samples_max = samples,
		.period_ms = 10,
	};
	g_autoptr(GError) error = NULL;
	SimPen *pen = sim_pen_new(&config, &error);

	assert_null(error);
	assert_true(sim_story_tell(&story, pen, NULL, &error));
	return pen;
}

static int
open_clinic(void **state)
{
	Clinic *clinic = g_new0(Clinic, 1);

	clinic->directory = g_dir_make_tmp("stipple-XXXXXX", NULL);
	clinic->radio = socket_radio_new();
	for (guint i = 0; i < PENS; i++) {
		clinic->pens[i] = make_pen(i, 4, 2000);
		clinic->addresses[i] = g_strdup_printf("00:00:00:00:00:%02X", i + 1);
		socket_radio_put(clinic->radio, clinic->pens[i], &clinic->faults[i],
				 clinic->addresses[i], i == 1 ? 23 : 247);
	}
	open_store(clinic);
	*state = clinic;
	return 0;
}

static gboolean
is_set(gpointer data)
{
	return *(gboolean *)data;
}

static void
on_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
	assert_true(stp_collector_stop_finish(STP_COLLECTOR(source), result, NULL));
	*(gboolean *)user_data = TRUE;
}

static void
close_store(Clinic *clinic)
{
	gboolean stopped = FALSE;

	stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
	assert_true(private_wait(is_set, &stopped, WAIT_MS));
	g_clear_object(&clinic->collector);
	stp_store_close(clinic->store);
	g_clear_object(&clinic->store);
}

static int
close_clinic(void **state)
{
	Clinic *clinic = *state;
	g_autofree char *remove = g_strdup_printf("rm -rf '%s'", clinic->directory);

	close_store(clinic);
	g_clear_object(&clinic->radio);
	for (guint i = 0; i < PENS; i++) {
		sim_pen_free(clinic->pens[i]);
		g_free(clinic->addresses[i]);
	}
	g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL);
	g_free(clinic->directory);
	g_free(clinic->last_error);
	g_free(clinic);
	return 0;
}

/* ---- waiting ---- */

typedef struct {
	gboolean done;
	StpEnrolledPen *pen;
	GError *error;
} Answer;

static void
on_enrolled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	answer->pen = stp_collector_enrol_finish(STP_COLLECTOR(source), result, &answer->error);
	answer->done = TRUE;
}

static Answer
try_enrol(Clinic *clinic, const char *which, guint timeout_s)
{
	Answer answer = { 0 };

	stp_collector_enrol_async(clinic->collector, which, "room", timeout_s, NULL, NULL, NULL,
				  on_enrolled, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer;
}

static StpEnrolledPen *
enrol(Clinic *clinic, guint number)
{
	Answer answer;

	socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
	answer = try_enrol(clinic, sim_pen_serial(clinic->pens[number]), 5);
	assert_null(answer.error);
	return answer.pen;
}

static void
on_synced(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;
	StpSyncResult outcome;

	stp_collector_sync_finish(STP_COLLECTOR(source), result, &outcome, &answer->error);
	answer->done = TRUE;
}

typedef struct {
	Clinic *clinic;
	guint ended, failed;
} Wanted;

static gboolean
have_ended(gpointer data)
{
	const Wanted *wanted = data;

	return wanted->clinic->ended >= wanted->ended;
}

static void
wait_ended(Clinic *clinic, guint ended)
{
	Wanted wanted = { clinic, ended, 0 };

	assert_true(private_wait(have_ended, &wanted, WAIT_MS));
}

/* Let everything that is due now happen. */
static void
settle(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

/* ---- what must hold ---- */

static void
assert_complete(Clinic *clinic, guint number)
{
	const char *serial = sim_pen_serial(clinic->pens[number]);
	SimFlash *flash = sim_pen_flash(clinic->pens[number]);
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(clinic->store, serial, NULL);
	const StpCoverage *entry;

	assert_int_equal(coverage->len, 1);
	entry = g_ptr_array_index(coverage, 0);
	assert_int_equal(entry->held, sim_flash_newest(flash));
	assert_int_equal(entry->missing, 0);
	assert_true(entry->percent == 100.0);
	/* And the pen knows: its slot has no news. */
	assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(clinic->pens[number])), 0);
}

static void
test_enrolled_pen_is_synced(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = enrol(clinic, 0);

	wait_ended(clinic, 1);
	assert_string_equal(clinic->last_error, "");
	assert_true(clinic->last_duration_us > 0);
	assert_complete(clinic, 0);
	assert_true(clinic->stored >= 4);
	assert_string_equal(stp_enrolled_pen_get_row(pen)->label, "room");
	assert_string_equal(stp_enrolled_pen_get_row(pen)->model, "DP-26");
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync > 0);
}

static void
test_no_connection_for_nothing(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (int i = 0; i < 20; i++) {
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		socket_radio_hear(clinic->radio, clinic->addresses[0], FALSE);
		settle();
	}
	assert_int_equal(socket_radio_connects(clinic->radio), 1);
}

static void
test_news_is_fetched(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_true(sim_story_add_session(&story, 6, clinic->pens[0], NULL, NULL));
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

static void
test_links_are_shared_out(void **state)
{
	Clinic *clinic = *state;

	for (guint i = 0; i < PENS; i++)
		enrol(clinic, i);
	wait_ended(clinic, PENS);
	for (guint i = 0; i < PENS; i++) {
		const SimStory story = { .seed = i, .samples_min = 3000, .samples_max = 3000,
					 .period_ms = 10 };

		assert_complete(clinic, i);
		assert_true(sim_story_add_session(&story, i, clinic->pens[i], NULL, NULL));
	}
	for (guint i = 0; i < PENS; i++)
		socket_radio_hear(clinic->radio, clinic->addresses[i], TRUE);
	assert_true(socket_radio_links(clinic->radio) <= 3);
	wait_ended(clinic, 2 * PENS);
	for (guint i = 0; i < PENS; i++)
		assert_complete(clinic, i);
	assert_int_equal(clinic->failed, 0);
}

static void
test_a_dropped_link_is_taken_up_again(void **state)
{
	Clinic *clinic = *state;

	clinic->faults[0].drop.bytes = 5000;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	wait_ended(clinic, 2);	/* by itself, after a second */
	assert_int_equal(clinic->failed, 1);
	assert_complete(clinic, 0);
}

static void
test_lost_segments_are_fetched_again(void **state)
{
	Clinic *clinic = *state;

	clinic->faults[2].lose_every = 7;
	enrol(clinic, 2);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 2);
}

/* A pen's log whose count of records was lost: erased flash reads as ones. */
typedef struct {
	const struct stp_pen_log *log;
	void *user;
} WildLog;

static void
wild_state(void *user, struct stp_pen_log_state *out)
{
	const WildLog *wild = user;

	wild->log->state(wild->user, out);
	out->newest = G_MAXUINT32;
}

static enum stp_status
wild_entry(void *user, uint32_t record, struct stp_entry *out)
{
	const WildLog *wild = user;

	return wild->log->entry(wild->user, record, out);
}

static enum stp_status
wild_read(void *user, uint32_t record, uint32_t offset, uint8_t *out, size_t size)
{
	const WildLog *wild = user;

	return wild->log->read(wild->user, record, offset, out, size);
}

static enum stp_status
wild_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	const WildLog *wild = user;

	return wild->log->save_slot(wild->user, index, slot);
}

static void
test_a_pen_that_lost_count(void **state)
{
	static const struct stp_pen_log log = {
		.state = wild_state,
		.entry = wild_entry,
		.read = wild_read,
		.save_slot = wild_save_slot,
	};
	Clinic *clinic = *state;
	struct stp_pen *engine = sim_pen_engine(clinic->pens[0]);
	WildLog wild = { engine->config.log, engine->config.user };
	g_autoptr(GPtrArray) coverage = NULL;
	const StpCoverage *entry;

	engine->config.log = &log;
	engine->config.user = &wild;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	engine->config.log = wild.log;
	engine->config.user = wild.user;

	/* It ends, what the pen has is here, and that it cannot be right is told. */
	assert_int_equal(clinic->failed, 0);
	coverage = stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[0]), NULL);
	entry = g_ptr_array_index(coverage, 0);
	assert_int_equal(entry->held, sim_flash_newest(sim_pen_flash(clinic->pens[0])));
	assert_true(entry->percent < 100.0);
	assert_string_equal(((StpFinding *)g_ptr_array_index(entry->findings, 0))->kind, "span");
	assert_true(entry->findings->len < 3000);
}

static void
test_another_pen_at_the_address_is_refused(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	/* The address now belongs to pen 1: swap what answers there. */
	close_store(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	socket_radio_put(clinic->radio, clinic->pens[1], NULL, clinic->addresses[0], 247);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[0])),
		     clinic);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_non_null(strstr(clinic->last_error, sim_pen_serial(clinic->pens[1])));
	assert_complete(clinic, 0);
}

/* At the address of one pen another one answers, and it is enrolled, as that pen's refusal says. */
static void
replace_pen(Clinic *clinic, guint old, guint new)
{
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	const char *address = clinic->addresses[old];
	Answer answer;

	enrol(clinic, old);
	wait_ended(clinic, 1);
	close_store(clinic);
	g_clear_object(&clinic->radio);
	clinic->radio = socket_radio_new();
	socket_radio_put(clinic->radio, clinic->pens[new], NULL, address, 247);
	open_store(clinic);
	socket_radio_hear(clinic->radio, address, TRUE);
	answer = try_enrol(clinic, address, 5);
	assert_null(answer.error);
	wait_ended(clinic, 2);
	assert_complete(clinic, new);

	assert_true(sim_story_add_session(&story, 6, clinic->pens[new], NULL, NULL));
	socket_radio_hear(clinic->radio, address, TRUE);
	wait_ended(clinic, 3);
	assert_complete(clinic, new);

	/* Also after a restart. */
	close_store(clinic);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[new])),
		     clinic);
	assert_true(sim_story_add_session(&story, 7, clinic->pens[new], NULL, NULL));
	socket_radio_hear(clinic->radio, address, TRUE);
	wait_ended(clinic, 4);
	assert_complete(clinic, new);
	assert_int_equal(clinic->failed, 0);
}

/* Both ways round: which of the two is looked at first is up to a hash table. */
static void
test_a_pen_that_replaces_another_is_synced(void **state)
{
	replace_pen(*state, 0, 1);
}

static void
test_and_the_other_way_round(void **state)
{
	replace_pen(*state, 1, 0);
}

static void
test_restart_syncs_once_and_finds_nothing_new(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	close_store(clinic);
	open_store(clinic);
	on_pen_added(NULL, stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[0])),
		     clinic);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

static void
test_a_pen_out_of_sight(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	close_store(clinic);
	open_store(clinic);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_LINK_FAILED));
	assert_non_null(strstr(answer.error->message, "not in sight"));
	g_clear_error(&answer.error);
}

static void
test_a_pen_that_cannot_be_reached(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	socket_radio_refuse(clinic->radio, clinic->addresses[0], TRUE);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	/* Four quick tries, then the one who waits is told. */
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_LINK_FAILED));
	assert_int_equal(clinic->failed, 4);
	g_clear_error(&answer.error);
}

static void
test_cancelling_keeps_what_arrived(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[1]);
	Answer answer = { 0 };

	enrol(clinic, 1);	/* the slow one, at an MTU of 23 */
	stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
	stp_collector_cancel(clinic->collector, serial);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);

	answer.done = FALSE;
	stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_complete(clinic, 1);
}

static void
on_event(SimPen *pen, const SimEvent *event, gpointer data)
{
	*(gboolean *)data |= event->kind == SIM_EVENT_COLLECTOR;
}

static void
wait_for_hello(Clinic *clinic, guint number)
{
	gboolean heard = FALSE;

	sim_pen_set_listener(clinic->pens[number], on_event, &heard);
	assert_true(private_wait(is_set, &heard, WAIT_MS));
	sim_pen_set_listener(clinic->pens[number], NULL, NULL);
}

static void
test_a_sync_stopped_early_is_not_complete(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen;

	/* The first answer, to HELLO, is long in coming. */
	clinic->faults[0].answer_delay_ms = 1000;
	pen = enrol(clinic, 0);
	wait_for_hello(clinic, 0);
	stp_collector_cancel(clinic->collector, sim_pen_serial(clinic->pens[0]));
	wait_ended(clinic, 1);
	assert_string_not_equal(clinic->last_error, "");
	assert_true(stp_enrolled_pen_get_row(pen)->last_sync == 0);

	/* It is not taken for one that has nothing new. */
	clinic->faults[0].answer_delay_ms = 0;
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_string_equal(clinic->last_error, "");
	assert_complete(clinic, 0);
}

static void
reopen_store(Clinic *clinic)
{
	close_store(clinic);
	open_store(clinic);
}

static void
test_who_waits_is_answered_whenever_it_stops(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint turns = 0; turns < 100; turns++) {
		Answer answer = { 0 };
		gboolean stopped = FALSE;

		reopen_store(clinic);
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
		for (guint i = 0; i < turns && !answer.done; i++)
			g_main_context_iteration(NULL, TRUE);
		stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
		assert_true(private_wait(is_set, &stopped, WAIT_MS));
		assert_true(private_wait(is_set, &answer.done, 1000));
		g_clear_error(&answer.error);
	}
}

static void
test_who_asks_after_the_end_is_answered(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };
	gboolean stopped = FALSE;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
	assert_true(private_wait(is_set, &stopped, WAIT_MS));
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	assert_true(private_wait(is_set, &answer.done, 1000));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);
}

/* ---- enrolling ---- */

static void
test_enrolment_fits(void **state)
{
	const StpSighting named = { .address = (char *)"AA:BB:CC:00:11:22",
				    .name = (char *)"Stipple-1001" };
	const StpSighting nameless = { .address = (char *)"AA:BB:CC:00:11:22" };

	assert_true(stp_enrolment_fits(&named, "aa:bb:cc:00:11:22"));
	assert_true(stp_enrolment_fits(&named, "Stipple-1001"));
	assert_true(stp_enrolment_fits(&named, "1001"));
	assert_true(stp_enrolment_fits(&named, "DP26-1001"));
	assert_true(stp_enrolment_fits(&named, "01"));
	assert_false(stp_enrolment_fits(&named, ""));
	assert_false(stp_enrolment_fits(&named, "DP26-1002"));
	assert_false(stp_enrolment_fits(&named, "100"));
	assert_true(stp_enrolment_fits(&nameless, "AA:BB:CC:00:11:22"));
	assert_false(stp_enrolment_fits(&nameless, "1001"));
}

static void
test_enrolling_what_is_not_there(void **state)
{
	Answer answer = try_enrol(*state, "4711", 1);

	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_NOT_FOUND));
	g_clear_error(&answer.error);
}

static void
test_an_enrolment_can_be_cancelled(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	Answer answer = { 0 };

	stp_collector_enrol_async(clinic->collector, "4711", "room", 600, NULL, NULL, cancellable,
				  on_enrolled, &answer);
	settle();
	g_cancellable_cancel(cancellable);
	assert_true(private_wait(is_set, &answer.done, 1000));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);
	/* And the next one need not wait. */
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
}

/* Whenever it is cancelled: a pen that the store has as enrolled is collected from. */
static void
test_a_cancelled_enrolment_leaves_no_half(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);

	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	for (guint turns = 0; turns < 60; turns++) {
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		g_autoptr(StpPenRow) row = NULL;
		Answer answer = { 0 };

		stp_collector_enrol_async(clinic->collector, serial, "room", 5, NULL, NULL,
					  cancellable, on_enrolled, &answer);
		for (guint i = 0; i < turns && !answer.done; i++)
			g_main_context_iteration(NULL, TRUE);
		g_cancellable_cancel(cancellable);
		assert_true(private_wait(is_set, &answer.done, WAIT_MS));
		g_clear_error(&answer.error);
		row = stp_store_get_pen(clinic->store, serial, NULL);
		if (row != NULL && row->enrolled) {
			assert_non_null(stp_collector_find_pen(clinic->collector, serial));
			return;
		}
	}
	fail_msg("it was never enrolled");
}

static void
test_enrolling_what_is_not_clear(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	for (guint i = 0; i < PENS; i++)
		socket_radio_hear(clinic->radio, clinic->addresses[i], TRUE);
	/* Nothing fits "stipple" alone, and a single digit at the end fits one. */
	answer = try_enrol(clinic, "Stipple-", 1);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_NOT_FOUND));
	g_clear_error(&answer.error);

	/* Two pens of one name: an older one was never renamed. */
	socket_radio_put(clinic->radio, clinic->pens[0], NULL, "00:00:00:00:00:77", 247);
	socket_radio_hear(clinic->radio, "00:00:00:00:00:77", TRUE);
	answer = try_enrol(clinic, "1001", 1);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
	assert_non_null(strstr(answer.error->message, "00:00:00:00:00:77"));
	g_clear_error(&answer.error);
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_collector_remove_finish(STP_COLLECTOR(source), result, &answer->error);
	answer->done = TRUE;
}

static void
test_removing(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Answer answer = { 0 };

	/* The pen is known to hold a record that cannot be had: it stays. */
	clinic->faults[0].drop.bytes = 2000;
	clinic->faults[0].drop.always = TRUE;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	stp_collector_remove_async(clinic->collector, serial, FALSE, on_removed, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INCOMPLETE));
	g_clear_error(&answer.error);
	assert_non_null(stp_collector_find_pen(clinic->collector, serial));

	/* Unless it is forced. */
	answer.done = FALSE;
	stp_collector_remove_async(clinic->collector, serial, TRUE, on_removed, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_null(stp_collector_find_pen(clinic->collector, serial));
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	settle();
	assert_int_equal(clinic->failed, 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(test_enrolled_pen_is_synced),
		CASE(test_no_connection_for_nothing),
		CASE(test_news_is_fetched),
		CASE(test_links_are_shared_out),
		CASE(test_a_dropped_link_is_taken_up_again),
		CASE(test_lost_segments_are_fetched_again),
		CASE(test_a_pen_that_lost_count),
		CASE(test_another_pen_at_the_address_is_refused),
		CASE(test_a_pen_that_replaces_another_is_synced),
		CASE(test_and_the_other_way_round),
		CASE(test_restart_syncs_once_and_finds_nothing_new),
		CASE(test_a_pen_out_of_sight),
		CASE(test_a_pen_that_cannot_be_reached),
		CASE(test_cancelling_keeps_what_arrived),
		CASE(test_a_sync_stopped_early_is_not_complete),
		CASE(test_who_waits_is_answered_whenever_it_stops),
		CASE(test_who_asks_after_the_end_is_answered),
		CASE(test_enrolling_what_is_not_there),
		CASE(test_an_enrolment_can_be_cancelled),
		CASE(test_a_cancelled_enrolment_leaves_no_half),
		CASE(test_enrolling_what_is_not_clear),
		CASE(test_removing),
		cmocka_unit_test(test_enrolment_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
