/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <glib/gstdio.h>

#include "clinic.h"
#include "private-bus.h"
#include "sim-story.h"

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

void
on_pen_added(StpCollector *collector, StpEnrolledPen *pen, Clinic *clinic)
{
	g_signal_connect(pen, "sync-ended", G_CALLBACK(on_sync_ended), clinic);
}

static void
on_session_stored(StpCollector *collector, const char *id, Clinic *clinic)
{
	clinic->stored++;
}

void
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
	const SimPenConfig config = { .serial = serial, .seed = number + 1, .attended = number == ATTENDED };
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

int
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

gboolean
is_set(gpointer data)
{
	return *(gboolean *)data;
}

void
on_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
	assert_true(stp_collector_stop_finish(STP_COLLECTOR(source), result, NULL));
	*(gboolean *)user_data = TRUE;
}

void
close_store(Clinic *clinic)
{
	gboolean stopped = FALSE;

	stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
	assert_true(private_wait(is_set, &stopped, WAIT_MS));
	g_clear_object(&clinic->collector);
	stp_store_close(clinic->store);
	g_clear_object(&clinic->store);
}

int
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

void
on_enrolled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	answer->pen = stp_collector_enrol_finish(STP_COLLECTOR(source), result, &answer->error);
	answer->done = TRUE;
}

Answer
try_enrol(Clinic *clinic, const char *which, guint timeout_s)
{
	Answer answer = { 0 };

	const StpEnrolOptions options = { .which = which, .label = "room", .timeout_s = timeout_s };

	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer;
}

StpEnrolledPen *
enrol(Clinic *clinic, guint number)
{
	Answer answer;

	socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
	answer = try_enrol(clinic, sim_pen_serial(clinic->pens[number]), 5);
	assert_null(answer.error);
	return answer.pen;
}

void
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

void
wait_ended(Clinic *clinic, guint ended)
{
	Wanted wanted = { clinic, ended, 0 };

	assert_true(private_wait(have_ended, &wanted, WAIT_MS));
}

/* Let everything that is due now happen. */
void
settle(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

/* ---- what must hold ---- */

void
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
