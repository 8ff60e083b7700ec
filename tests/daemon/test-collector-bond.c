/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The collector and bonds: what is asked for, what is told when one does not work, and how a pen is retired. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bond-trouble.h"
#include "clinic.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"

static const StpRemoval gentle = { 0 }, forced = { .force = TRUE };

static const char *
serial_of(Clinic *clinic, guint number)
{
	return sim_pen_serial(clinic->pens[number]);
}

static Answer
enrol_with(Clinic *clinic, guint number, gboolean allow, gboolean repair)
{
	const StpEnrolOptions options = {
		.which = serial_of(clinic, number), .timeout_s = 5, .allow_unauthenticated = allow, .repair = repair,
	};
	Answer answer = { 0 };

	socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	if (repair)
		socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer;
}

static GError *
sync_now(Clinic *clinic, guint number)
{
	Answer answer = { 0 };

	socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
	stp_collector_sync_async(clinic->collector, serial_of(clinic, number), 1, on_synced, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer.error;
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_collector_remove_finish(STP_COLLECTOR(source), result, &answer->how, &answer->error);
	answer->done = TRUE;
}

static Answer
remove_pen(Clinic *clinic, guint number, const StpRemoval *removal)
{
	Answer answer = { 0 };

	stp_collector_remove_async(clinic->collector, serial_of(clinic, number), removal, NULL, NULL, NULL, on_removed,
				   &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer;
}

static guint
marked_sessions(Clinic *clinic, guint number)
{
	const StpSessionFilter filter = { .serial = serial_of(clinic, number), .complete = -1 };
	guint64 next;
	guint marked = 0;
	g_autoptr(GPtrArray) sessions = stp_store_list_sessions(clinic->store, &filter, 100, 0, &next, NULL);

	assert_true(sessions->len > 0);
	for (guint i = 0; i < sessions->len; i++)
		marked += !((const StpSession *)g_ptr_array_index(sessions, i))->authenticated;
	assert_true(marked == 0 || marked == sessions->len);
	return marked;
}

/* ---- what is asked for ---- */

static void
a_code_is_asked_for(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	socket_radio_set_pairing(clinic->radio, STP_PAIRING_WITHOUT_CODE);
	answer = enrol_with(clinic, 0, FALSE, FALSE);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_BOND_TOO_WEAK));
	g_clear_error(&answer.error);
	assert_null(stp_collector_find_pen(clinic->collector, serial_of(clinic, 0)));
	assert_int_equal(socket_radio_connects(clinic->radio), 0);

	socket_radio_set_pairing(clinic->radio, NULL);
	answer = enrol_with(clinic, 0, FALSE, FALSE);
	assert_null(answer.error);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
	assert_int_equal(marked_sessions(clinic, 0), 0);
}

static void
records_of_an_allowed_bond_are_marked(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	socket_radio_set_pairing(clinic->radio, STP_PAIRING_WITHOUT_CODE);
	answer = enrol_with(clinic, 0, TRUE, FALSE);
	assert_null(answer.error);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
	assert_true(marked_sessions(clinic, 0) > 0);
}

/* Another program paired it, perhaps without a code. */
static void
a_bond_nobody_knows_is_not_enough(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	socket_radio_set_bonded(clinic->radio, clinic->addresses[0], TRUE);
	answer = enrol_with(clinic, 0, FALSE, FALSE);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_BOND_TOO_WEAK));
	assert_non_null(strstr(answer.error->message, "pens repair"));
	g_clear_error(&answer.error);
	/* It is not ours to remove, but for somebody who says so. */
	assert_int_equal(socket_radio_forgotten(clinic->radio), 0);
	answer = enrol_with(clinic, 0, FALSE, TRUE);
	assert_null(answer.error);
	assert_int_equal(socket_radio_forgotten(clinic->radio), 1);
	wait_ended(clinic, 1);
	assert_int_equal(marked_sessions(clinic, 0), 0);
}

/* What ended after the pairing goes on with the bond that was made. */
static void
a_broken_enrolment_goes_on(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	socket_radio_break_connects(clinic->radio, 3);
	answer = enrol_with(clinic, 0, FALSE, FALSE);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_LINK_FAILED));
	g_clear_error(&answer.error);
	answer = enrol_with(clinic, 0, FALSE, FALSE);
	assert_null(answer.error);
	wait_ended(clinic, 1);
	assert_int_equal(marked_sessions(clinic, 0), 0);
}

static void
the_window_is_waited_for(void **state)
{
	Clinic *clinic = *state;
	const StpEnrolOptions options = { .which = serial_of(clinic, 0), .timeout_s = 1 };
	Answer answer = { 0 };

	socket_radio_set_bonded(clinic->radio, clinic->addresses[0], FALSE);
	sim_pen_set_pairing_open(clinic->pens[0], FALSE);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_PAIRING_FAILED));
	assert_non_null(strstr(answer.error->message, "Hold its button"));
	g_clear_error(&answer.error);

	answer = (Answer){ 0 };
	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	settle();
	assert_false(answer.done);
	sim_pen_set_pairing_open(clinic->pens[0], TRUE);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
}

/* P34: two pens end in the same four characters; the label says which one is meant. */
static void
p34_more_of_the_serial_means_that_pen(void **state)
{
	Clinic *clinic = *state;
	const StpEnrolOptions options = { .which = "XP99-1001", .timeout_s = 1 };
	Answer answer = { 0 };

	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
	assert_non_null(strstr(answer.error->message, serial_of(clinic, 0)));
	g_clear_error(&answer.error);
	assert_int_equal(socket_radio_forgotten(clinic->radio), 1);
	assert_null(stp_collector_find_pen(clinic->collector, serial_of(clinic, 0)));
}

static void
on_row_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_store_put_pen_finish(STP_STORE(source), result, &answer->error);
	answer->done = TRUE;
}

/* An enrolled pen that is away, and ends in the same four characters as the clinic's first. */
static void
add_namesake(Clinic *clinic, const char *serial, const char *address)
{
	StpPenRow row = {
		.serial = (char *)serial, .address = (char *)address, .maker = (char *)"", .model = (char *)"",
		.firmware = (char *)"", .hardware = (char *)"", .label = (char *)"", .enrolled = TRUE, .bond = STP_PEN_BOND_AUTHENTICATED, .enrolled_at = 1,
	};
	Answer answer = { 0 };

	stp_store_put_pen_async(clinic->store, &row, NULL, on_row_kept, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
}

static GError *
repair(Clinic *clinic, const char *which)
{
	const StpEnrolOptions options = { .which = which, .timeout_s = 1, .repair = TRUE };
	Answer answer = { 0 };

	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	return answer.error;
}

/* The one to be repaired is away, and the name of one in sight fits: that one keeps its key. */
static void
p34_a_repair_takes_no_other_pens_key(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GError) away = NULL, unclear = NULL, lost = NULL;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	add_namesake(clinic, "XP99-1001", "00:00:00:00:00:99");
	away = repair(clinic, "XP99-1001");
	assert_true(g_error_matches(away, STP_ERROR, STP_ERROR_NOT_FOUND));
	unclear = repair(clinic, "1001");
	assert_true(g_error_matches(unclear, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
	assert_non_null(strstr(unclear->message, "XP99-1001"));
	assert_non_null(strstr(unclear->message, serial_of(clinic, 0)));
	/* Where it is known no more where that one was. */
	add_namesake(clinic, "XP99-1001", "");
	lost = repair(clinic, "XP99-1001");
	assert_true(g_error_matches(lost, STP_ERROR, STP_ERROR_NOT_FOUND));
	assert_int_equal(socket_radio_forgotten(clinic->radio), 0);

	/* By its address it is meant, whatever its name. */
	assert_null(repair(clinic, clinic->addresses[0]));
	assert_int_equal(socket_radio_forgotten(clinic->radio), 1);
	assert_null(sync_now(clinic, 0));
}

/* ---- trouble ---- */

typedef struct {
	StpError code;
	guint8 bond;	/* as the pen tells it */
	const char *name, *advice;
} Trouble;

static const Trouble troubles[] = {
	{ STP_ERROR_HOST_LOST_BOND, STP_BOND_KNOWN, "host-lost", "Delete this host at the pen" },
	{ STP_ERROR_NO_BOND, STP_BOND_NONE, "none", "Open its pairing window" },
	{ STP_ERROR_NO_ROOM_FOR_BOND, STP_BOND_FULL, "no-room", "Delete a host at the pen" },
};

static void
p15_each_trouble_has_its_repair(void **state)
{
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint i = 0; i < G_N_ELEMENTS(troubles); i++) {
		g_autoptr(GError) error = NULL;
		StpEnrolledPen *pen = stp_collector_find_pen(clinic->collector, serial_of(clinic, 0));
		Answer answer;

		socket_radio_set_bonded(clinic->radio, clinic->addresses[0], FALSE);
		sim_pen_set_bond_state(clinic->pens[0], troubles[i].bond);
		error = sync_now(clinic, 0);
		assert_true(g_error_matches(error, STP_ERROR, (gint)troubles[i].code));
		assert_string_equal(stp_bond_trouble_name(error), troubles[i].name);
		assert_non_null(strstr(stp_enrolled_pen_get_hint(pen), troubles[i].advice));
		assert_non_null(strstr(stp_enrolled_pen_get_hint(pen), "pens repair"));
		assert_true(stp_store_has_alert(clinic->store, STP_ALERT_BOND, serial_of(clinic, 0)));
		assert_int_equal(socket_radio_forgotten(clinic->radio), 0);

		sim_pen_set_bond_state(clinic->pens[0], STP_BOND_KNOWN);
		answer = enrol_with(clinic, 0, FALSE, TRUE);
		assert_null(answer.error);
		assert_null(sync_now(clinic, 0));
		assert_false(stp_store_has_alert(clinic->store, STP_ALERT_BOND, serial_of(clinic, 0)));
	}
}

/* A pen that wants encryption at once ends every link before anything can be read. */
static void
p15_a_host_without_its_key_is_told_so(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GError) error = NULL;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	socket_radio_set_bonded(clinic->radio, clinic->addresses[0], FALSE);
	socket_radio_break_connects(clinic->radio, 100);
	error = sync_now(clinic, 0);
	assert_true(g_error_matches(error, STP_ERROR, STP_ERROR_HOST_LOST_BOND));
}

/* ---- retiring ---- */

static void
news_is_not_left_behind(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Answer answer;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	answer = remove_pen(clinic, 0, &gentle);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INCOMPLETE));
	assert_non_null(strstr(answer.error->message, "news"));
	g_clear_error(&answer.error);

	assert_null(sync_now(clinic, 0));
	answer = remove_pen(clinic, 0, &gentle);
	assert_null(answer.error);
	assert_false(answer.how & STP_RETIRED_FORCED);
	assert_int_equal(socket_radio_forgotten(clinic->radio), 1);
}

static void
a_retired_pen_keeps_its_row(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpPenRow) row = NULL;
	g_autoptr(GPtrArray) addresses = NULL;
	Answer answer;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	answer = remove_pen(clinic, 0, &forced);
	assert_null(answer.error);
	close_store(clinic);
	open_store(clinic);
	assert_null(stp_collector_find_pen(clinic->collector, serial_of(clinic, 0)));
	row = stp_store_get_pen(clinic->store, serial_of(clinic, 0), NULL);
	assert_false(row->enrolled);
	assert_true(row->retired_at > 0);
	assert_string_equal(row->label, "room");
	assert_true(row->sessions > 0);
	addresses = stp_store_list_addresses(clinic->store, serial_of(clinic, 0), NULL);
	assert_int_equal(addresses->len, 1);
}

/* Whenever it comes in the life of a sync: the pen is retired, and stays so over a restart. */
static void
retiring_in_the_middle_of_a_sync(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 50, .samples_max = 50, .period_ms = 10 };

	for (guint turns = 0; turns < 120; turns += 3) {
		g_autoptr(StpPenRow) row = NULL;
		Answer first = { 0 }, second = { 0 }, synced = { 0 };
		guint ended = clinic->ended;

		enrol(clinic, 0);
		wait_ended(clinic, ended + 1);
		assert_true(sim_story_add_session(&story, turns + 9, clinic->pens[0], NULL, NULL));
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_sync_async(clinic->collector, serial_of(clinic, 0), 1, on_synced, &synced);
		for (guint i = 0; i < turns && !synced.done; i++)
			g_main_context_iteration(NULL, TRUE);
		/* And twice at once. */
		stp_collector_remove_async(clinic->collector, serial_of(clinic, 0), &forced, NULL, NULL, NULL, on_removed,
					   &first);
		stp_collector_remove_async(clinic->collector, serial_of(clinic, 0), &forced, NULL, NULL, NULL, on_removed,
					   &second);
		assert_true(private_wait(is_set, &first.done, WAIT_MS));
		assert_true(private_wait(is_set, &second.done, WAIT_MS));
		assert_true(private_wait(is_set, &synced.done, WAIT_MS));
		assert_null(first.error);
		assert_true(g_error_matches(second.error, STP_ERROR, STP_ERROR_BUSY));
		g_clear_error(&second.error);
		g_clear_error(&synced.error);
		close_store(clinic);
		open_store(clinic);
		assert_null(stp_collector_find_pen(clinic->collector, serial_of(clinic, 0)));
		row = stp_store_get_pen(clinic->store, serial_of(clinic, 0), NULL);
		assert_false(row->enrolled);
	}
}

static void
on_confirm(guint within_ms, gpointer user_data)
{
	++*(guint *)user_data;
}

/* Somebody is at the pen: it is emptied, and its slot is free for another room. */
static void
a_pen_leaves_clean(void **state)
{
	Clinic *clinic = *state;
	const StpRemoval all = { .erase = TRUE, .free_slot = TRUE };
	guint confirms = 0;
	Answer answer = { 0 };

	enrol(clinic, ATTENDED);
	wait_ended(clinic, 1);
	assert_complete(clinic, ATTENDED);
	stp_collector_remove_async(clinic->collector, serial_of(clinic, ATTENDED), &all, on_confirm, &confirms,
				   NULL, on_removed, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_int_equal(answer.how, STP_RETIRED_ERASED | STP_RETIRED_SLOT);
	assert_int_equal(confirms, 2);
	assert_true(sim_flash_oldest(sim_pen_flash(clinic->pens[ATTENDED])) >
		    sim_flash_newest(sim_pen_flash(clinic->pens[ATTENDED])));
}

/* Nobody presses: nothing has changed, and the pen is collected from as before. */
static void
nobody_at_the_pen_changes_nothing(void **state)
{
	Clinic *clinic = *state;
	const StpRemoval slot = { .free_slot = TRUE };
	g_autoptr(GCancellable) cancellable = g_cancellable_new(), others = g_cancellable_new();
	Answer answer = { 0 }, other = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	stp_collector_remove_async(clinic->collector, serial_of(clinic, 0), &slot, NULL, NULL, cancellable, on_removed,
				   &answer);
	for (guint i = 0; i < 200 && !answer.done; i++)
		g_main_context_iteration(NULL, TRUE);
	/* Another caller is told that it is too early, and what becomes of that one is nothing to the first. */
	stp_collector_remove_async(clinic->collector, serial_of(clinic, 0), &slot, NULL, NULL, others, on_removed, &other);
	g_cancellable_cancel(others);
	assert_true(private_wait(is_set, &other.done, WAIT_MS));
	assert_true(g_error_matches(other.error, STP_ERROR, STP_ERROR_BUSY));
	g_clear_error(&other.error);
	for (guint i = 0; i < 50 && !answer.done; i++)
		g_main_context_iteration(NULL, FALSE);
	assert_false(answer.done);
	g_cancellable_cancel(cancellable);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);
	assert_non_null(stp_collector_find_pen(clinic->collector, serial_of(clinic, 0)));
	assert_null(sync_now(clinic, 0));
}

static void
on_noted(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_store_put_finding_finish(STP_STORE(source), result, &answer->error);
	answer->done = TRUE;
}

/* Which records are held is told by their numbers; where those went back, they tell nothing. */
static void
a_log_that_went_back_is_not_erased(void **state)
{
	Clinic *clinic = *state;
	const StpRemoval all = { .erase = TRUE };
	g_autoptr(GPtrArray) coverage = NULL;
	SimFlash *flash = sim_pen_flash(clinic->pens[ATTENDED]);
	Answer noted = { 0 }, answer;
	StpFinding finding = { .serial = (char *)serial_of(clinic, ATTENDED), .text = (char *)"It went back." };

	enrol(clinic, ATTENDED);
	wait_ended(clinic, 1);
	assert_complete(clinic, ATTENDED);
	coverage = stp_store_get_coverage(clinic->store, finding.serial, NULL);
	finding.epoch = ((const StpCoverage *)g_ptr_array_index(coverage, 0))->epoch;
	finding.kind = (char *)stp_note_name(STP_NOTE_LOG_WENT_BACK);
	stp_store_put_finding_async(clinic->store, &finding, NULL, on_noted, &noted);
	assert_true(private_wait(is_set, &noted.done, WAIT_MS));
	assert_null(noted.error);

	answer = remove_pen(clinic, ATTENDED, &all);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INCOMPLETE));
	g_clear_error(&answer.error);
	assert_true(sim_flash_oldest(flash) <= sim_flash_newest(flash));
	assert_non_null(stp_collector_find_pen(clinic->collector, finding.serial));
}

static void
on_slots(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;
	g_autoptr(GArray) slots = stp_collector_slots_finish(STP_COLLECTOR(source), result, &answer->error);

	answer->done = TRUE;
}

/* Whoever answers at the pen's address without our key is not told this store's name. */
static void
an_errand_needs_the_bond(void **state)
{
	const struct stp_errand_config list = { .kind = STP_ERRAND_LIST_SLOTS };
	Clinic *clinic = *state;
	Answer answer = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	socket_radio_set_bonded(clinic->radio, clinic->addresses[0], FALSE);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	stp_collector_slots_async(clinic->collector, serial_of(clinic, 0), &list, NULL, NULL, NULL, on_slots, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(stp_error_is_bond(answer.error));
	g_clear_error(&answer.error);
}

/* Whenever the link ends, or somebody loses patience: who asked is answered, and the pen is free again. */
static void
an_errand_ends_whenever_it_is_cut(void **state)
{
	const struct stp_errand_config list = { .kind = STP_ERRAND_LIST_SLOTS };
	Clinic *clinic = *state;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint steps = 0; steps < 120; steps++) {
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		Answer answer = { 0 };

		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_slots_async(clinic->collector, serial_of(clinic, 0), &list, NULL, NULL, cancellable, on_slots,
					  &answer);
		for (guint i = 0; i < steps / 2 && !answer.done; i++)
			g_main_context_iteration(NULL, FALSE);
		if (steps % 2 == 0)
			socket_radio_cut(clinic->radio, clinic->addresses[0]);
		else
			g_cancellable_cancel(cancellable);
		assert_true(private_wait(is_set, &answer.done, WAIT_MS));
		g_clear_error(&answer.error);
	}
	assert_null(sync_now(clinic, 0));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(a_code_is_asked_for),
		CASE(records_of_an_allowed_bond_are_marked),
		CASE(a_bond_nobody_knows_is_not_enough),
		CASE(a_broken_enrolment_goes_on),
		CASE(the_window_is_waited_for),
		CASE(p34_more_of_the_serial_means_that_pen),
		CASE(p34_a_repair_takes_no_other_pens_key),
		CASE(p15_each_trouble_has_its_repair),
		CASE(p15_a_host_without_its_key_is_told_so),
		CASE(news_is_not_left_behind),
		CASE(a_retired_pen_keeps_its_row),
		CASE(retiring_in_the_middle_of_a_sync),
		CASE(a_pen_leaves_clean),
		CASE(nobody_at_the_pen_changes_nothing),
		CASE(a_log_that_went_back_is_not_erased),
		CASE(an_errand_needs_the_bond),
		CASE(an_errand_ends_whenever_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
