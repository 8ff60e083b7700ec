/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The collector over minutes and hours: turns, quanta and deadlines, on a clock that jumps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "clock.h"
#include "error.h"
#include "sim-story.h"
#include "sync-timing.h"
#include "virtual-clock.h"

/* A value of 244 bytes each: some 2 KiB a second, so that a pen's four sessions take some minutes. */
#define SLOW_EVERY_MS	   120

/* Enrolled, synced, and with a long new session each. */
static void
give_news(Clinic *clinic, guint pens, guint samples)
{
	const SimStory story = { .seed = 9, .samples_min = samples, .samples_max = samples, .period_ms = 10 };

	/* One by one: a pen that is enrolled has a link beside the share for a moment. */
	for (guint i = 0; i < pens; i++) {
		enrol_by(clinic, i);
		assert_true(run_until_ended(clinic, i + 1, later(HOUR)));
	}
	assert_int_equal(clinic->failed, 0);
	for (guint i = 0; i < pens; i++) {
		assert_true(sim_story_add_session(&story, i, clinic->pens[i], NULL, NULL));
		clinic->faults[i].data_every_ms = SLOW_EVERY_MS;
	}
}

/* When each pen's sync first began, and how often it was connected to. */
typedef struct {
	StpEnrolledPen *pen;
	gint64 first;
	guint syncs;
	gboolean syncing;
} Watch;

static void
on_changed(StpEnrolledPen *pen, Watch *watch)
{
	gboolean syncing = stp_enrolled_pen_get_activity(pen) == STP_PEN_SYNCING;

	if (syncing && !watch->syncing) {
		watch->syncs++;
		if (watch->first == 0)
			watch->first = stp_clock_monotonic();
	}
	watch->syncing = syncing;
}

static void
watch_pen(Clinic *clinic, guint number, Watch *watch)
{
	*watch = (Watch){ .pen = stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[number])) };
	g_signal_connect(watch->pen, "changed", G_CALLBACK(on_changed), watch);
}

/* ---- P20: with many pens some starve ---- */

static void
p20_syncs_take_turns(void **state)
{
	Clinic *clinic = *state;
	Watch watches[PENS];
	gint64 began;
	guint turns = 0;

	give_news(clinic, PENS, 300000);
	for (guint i = 0; i < PENS; i++)
		watch_pen(clinic, i, &watches[i]);
	began = stp_clock_monotonic();
	assert_true(run_until_ended(clinic, 2 * PENS, later(10 * HOUR)));
	assert_int_equal(clinic->failed, 0);
	assert_int_equal(clinic->ended, 2 * PENS);
	for (guint i = 0; i < PENS; i++) {
		assert_complete(clinic, i);
		/* Five pens, three links: nobody waits for much longer than one quantum. */
		assert_true(watches[i].first - began <= (STP_SYNC_QUANTUM_S + 3 * STP_SYNC_QUANTUM_CHECK_S) * S);
		turns += watches[i].syncs;
		assert_true(stp_enrolled_pen_get_row(watches[i].pen)->last_sync > 0);
	}
	assert_true(turns > PENS);
	assert_true(socket_radio_links_most(clinic->radio) <= STP_RADIO_LINKS_AT_ONCE);
}

static void
p20_nobody_yields_when_nobody_waits(void **state)
{
	Clinic *clinic = *state;
	Watch watch;
	gint64 began;

	give_news(clinic, 1, 300000);
	watch_pen(clinic, 0, &watch);
	began = stp_clock_monotonic();
	assert_true(run_until_ended(clinic, 2, later(10 * HOUR)));
	assert_true(stp_clock_monotonic() - began > 2 * STP_SYNC_QUANTUM_S * S);
	assert_int_equal(watch.syncs, 1);
	assert_complete(clinic, 0);
}

static void
p20_who_waits_by_hand_gets_the_sum_of_all_turns(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };

	give_news(clinic, PENS, 300000);
	for (guint i = 0; i < PENS; i++)
		hear(clinic, i);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 30, on_synced, &answer);
	assert_true(run_until_ended(clinic, 2 * PENS, later(10 * HOUR)));
	assert_true(answer.done);
	assert_null(answer.error);
	assert_int_equal(clinic->failed, 0);
}

/* Who waits for one adapter gains nothing by the end of a sync over another one. */
static void
p20_nobody_yields_for_another_adapter(void **state)
{
	Clinic *clinic = *state;
	Watch alone, one, other;

	give_news(clinic, 3, 300000);
	socket_radio_set_apart(clinic->radio, clinic->addresses[2]);
	watch_pen(clinic, 0, &one);
	watch_pen(clinic, 1, &other);
	watch_pen(clinic, 2, &alone);
	/* The first to begin, and so the one that has run longest. */
	hear(clinic, 2);
	virtual_clock_run(later(S));
	assert_int_equal(alone.syncs, 1);
	assert_true(run_until_ended(clinic, 6, later(10 * HOUR)));
	assert_int_equal(clinic->failed, 0);
	assert_int_equal(alone.syncs, 1);
	assert_true(one.syncs + other.syncs > 2);
}

/* ---- P21: late answers spoil the next try ---- */

static void
on_late(SimPen *pen, const SimEvent *event, gpointer count)
{
	*(guint *)count += event->kind == SIM_EVENT_FAULT && g_str_equal(event->fault, "late-answer");
}

/*
 * In front of each answer comes what the pen answered to the same operation over the link before: an older state,
 * a list without the newest, the end of another record.  None of it is taken for the answer.
 */
static void
p21_late_answers_of_a_former_link(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 9, .samples_min = 3000, .samples_max = 30000, .period_ms = 10 };
	guint late = 0, before;

	clinic->faults[0].late_answers = TRUE;
	sim_pen_set_listener(clinic->pens[0], on_late, &late);
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	for (guint i = 1; i <= 8; i++) {
		before = late;
		assert_true(sim_story_add_session(&story, i, clinic->pens[0], NULL, NULL));
		/* Every other time the link ends in the middle, so that answers of all kinds are left of it. */
		clinic->faults[0].drop = (SimThreshold){ .bytes = i % 2 == 0 ? 2000 * i : 0 };
		assert_true(run_until_ended(clinic, clinic->ended + 1 + (i % 2 == 0), later(HOUR)));
		assert_complete(clinic, 0);
		assert_true(late > before + 3);
	}
	assert_int_equal(clinic->failed, 4);
	sim_pen_set_listener(clinic->pens[0], NULL, NULL);
}

/* ---- P42: "sync" stuck until restart ---- */

static void
p42_a_pen_that_drips_does_not_hold_a_link(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen;
	gint64 began;

	/* At an MTU of 23 a segment brings 16 bytes; the dialogue's 3 s never pass without one. */
	clinic->faults[1].data_every_ms = 2900;
	pen = enrol_by(clinic, 1);
	began = stp_clock_monotonic();
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_true(stp_clock_monotonic() - began <= 3 * STP_SYNC_PACE_S * S);
	assert_non_null(strstr(clinic->last_error, "hardly anything"));
	assert_string_equal(stp_enrolled_pen_get_stage(pen), "");

	/* Once it sends as it should, it is synced by itself; what dripped in is not asked for again. */
	clinic->faults[1].data_every_ms = 0;
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_complete(clinic, 1);
}

static void
p42_a_slow_but_honest_pen_is_waited_for(void **state)
{
	Clinic *clinic = *state;

	/* Beside its motor a pen sends one segment a second at least. */
	clinic->faults[1].data_every_ms = 1000;
	enrol_by(clinic, 1);
	assert_true(run_until_ended(clinic, 1, later(LONG)));
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 1);
}

static void
p42_a_pen_that_says_nothing_is_given_up_and_tried_again(void **state)
{
	Clinic *clinic = *state;
	gint64 began;

	clinic->faults[0].answer_delay_ms = 1000 * 3600;
	enrol_by(clinic, 0);
	began = stp_clock_monotonic();
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_true(stp_clock_monotonic() - began <= (STP_SYNC_STATE_S + STP_SYNC_CLOSING_S) * S);
	clinic->faults[0].answer_delay_ms = 0;
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_complete(clinic, 0);
}

static void
on_stage(StpEnrolledPen *pen, GString *stages)
{
	const char *stage = stp_enrolled_pen_get_stage(pen);

	if (*stage != '\0' && !g_str_has_suffix(stages->str, stage))
		g_string_append_printf(stages, " %s", stage);
}

static void
p42_each_state_has_its_name(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen;
	g_autoptr(GString) stages = g_string_new("");
	const SimStory story = { .seed = 9, .samples_min = 300, .samples_max = 300, .period_ms = 10 };

	pen = enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_true(sim_story_add_session(&story, 1, clinic->pens[0], NULL, NULL));
	g_signal_connect(pen, "changed", G_CALLBACK(on_stage), stages);
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	g_signal_handlers_disconnect_by_data(pen, stages);
	assert_string_equal(stages->str, " connect open state store transfer closing");
	assert_string_equal(stp_enrolled_pen_get_stage(pen), "");
}

/* A radio whose connect never answers: see socket_radio_swallow(). */
static void
p42_a_connection_that_never_answers(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 9, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	gint64 began;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_true(sim_story_add_session(&story, 1, clinic->pens[0], NULL, NULL));
	socket_radio_swallow(clinic->radio, clinic->addresses[0], TRUE);
	began = stp_clock_monotonic();
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_in_range((stp_clock_monotonic() - began) / S, STP_SYNC_CONNECT_S,
			STP_SYNC_CONNECT_S + STP_SYNC_ABANDON_S + 5);
	/* The answer comes after all, too late; and the next try is one of its own. */
	socket_radio_swallow(clinic->radio, clinic->addresses[0], FALSE);
	assert_true(run_until_ended(clinic, 3, later(HOUR)));
	assert_complete(clinic, 0);
	assert_int_equal(clinic->failed, 1);
	assert_true(run_until_ended(clinic, 3, later(S)));
	assert_int_equal(socket_radio_links(clinic->radio), 0);
}

/* It is enrolled again in the middle of its sync: that gives way, and goes on over the link of the enrolment. */
static void
a_sync_gives_way_to_an_enrolment(void **state)
{
	Clinic *clinic = *state;
	Watch watch;

	give_news(clinic, 1, 300000);
	watch_pen(clinic, 0, &watch);
	hear(clinic, 0);
	virtual_clock_run(later(20 * S));
	assert_int_equal(watch.syncs, 1);
	enrol_by(clinic, 0);
	assert_int_equal(clinic->ended, 1);
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	assert_int_equal(watch.syncs, 2);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

/* ---- a disk that stalls ---- */

static void
a_slow_disk_is_waited_for(void **state)
{
	Clinic *clinic = *state;
	gint64 began = stp_clock_monotonic();

	/* Each write takes 5 s, more than the 3 s in which a pen has to send: it is not the pen that is slow. */
	stp_store_set_lockstep(clinic->store, 5000);
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(LONG)));
	assert_int_equal(clinic->failed, 0);
	assert_true(stp_clock_monotonic() - began > 30 * S);
	assert_complete(clinic, 0);
}

#define ANNOUNCED_BYTES (100u * 1024u)
/* What may be lost in a crash, a window of 64 segments that was asked for before, and the headers of them all. */
#define BEHIND_BYTES ((64u + 16u + 2u) * 1024u)

static void
on_announced(SimPen *pen, const SimEvent *event, gpointer data)
{
	if (event->kind == SIM_EVENT_FAULT && g_str_equal(event->fault, "announce"))
		stp_store_set_lockstep(((Clinic *)data)->store, 200 * 1000);
}

static void
a_pen_is_not_asked_for_more_while_the_disk_stalls(void **state)
{
	Clinic *clinic = *state;

	give_news(clinic, 1, 300000);
	clinic->faults[0].data_every_ms = 5;
	clinic->faults[0].announce.bytes = ANNOUNCED_BYTES;
	clinic->faults[0].stall.bytes = ANNOUNCED_BYTES + BEHIND_BYTES;
	sim_pen_set_listener(clinic->pens[0], on_announced, clinic);
	hear(clinic, 0);
	virtual_clock_run(later(150 * S));
	/* The engine's 3 s have passed many times; had they counted, it would have asked for a window each time. */
	assert_true(clinic->faults[0].announce.struck);
	assert_false(clinic->faults[0].stall.struck);
	assert_int_equal(clinic->ended, 1);

	/* The disk is back: the same sync goes on. */
	clinic->faults[0].stall.bytes = 0;
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	sim_pen_set_listener(clinic->pens[0], NULL, NULL);
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
}

static void
a_disk_that_hangs_frees_the_link(void **state)
{
	Clinic *clinic = *state;
	gint64 began;

	enrol_by(clinic, 0);
	stp_store_set_lockstep(clinic->store, 1000 * 3600);
	began = stp_clock_monotonic();
	while (socket_radio_links(clinic->radio) > 0 && stp_clock_monotonic() - began < HOUR)
		virtual_clock_run(later(S));
	assert_true(stp_clock_monotonic() - began <= (STP_SYNC_STORE_S + STP_SYNC_PACE_S + STP_SYNC_CLOSING_S + 5) * S);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	assert_true(run_until_ended(clinic, 2, later(2 * HOUR)));
	assert_complete(clinic, 0);
}

static guint
count_attempts(Clinic *clinic, guint *failed)
{
	g_autoptr(GPtrArray) attempts =
		stp_store_list_attempts(clinic->store, sim_pen_serial(clinic->pens[0]), 100, NULL);

	*failed = 0;
	for (guint i = 0; i < attempts->len; i++)
		*failed += *((const StpAttempt *)g_ptr_array_index(attempts, i))->error != '\0';
	return attempts->len;
}

/* Also a sync that could only be given up is in the store's account of them, and once. */
static void
a_sync_that_was_given_up_is_kept_account_of(void **state)
{
	Clinic *clinic = *state;
	guint failed;

	enrol_by(clinic, 0);
	stp_store_set_lockstep(clinic->store, 1000 * 3600);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(clinic->failed, 1);
	assert_int_equal(count_attempts(clinic, &failed), 1);
	assert_int_equal(failed, 1);
	/* What never came back comes back after all. */
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	virtual_clock_run(later(2 * HOUR));
	assert_int_equal(count_attempts(clinic, &failed), clinic->ended);
	assert_int_equal(failed, clinic->failed);
}

typedef struct {
	Clinic *clinic;
	gint64 closed;
} Closing;

#define SLOW_WRITE_MS (100 * 1000)

static void
on_closing(StpEnrolledPen *pen, Closing *closing)
{
	if (closing->closed != 0 || !g_str_equal(stp_enrolled_pen_get_stage(pen), "closing"))
		return;
	closing->closed = stp_clock_monotonic();
	stp_store_set_lockstep(closing->clinic->store, SLOW_WRITE_MS);
}

/* The sync was complete; that the disk is slow to keep this must not make a failure of it. */
static void
the_account_of_a_sync_is_waited_for(void **state)
{
	Clinic *clinic = *state;
	guint failed;
	StpEnrolledPen *pen = enrol_by(clinic, 0);
	Closing closing = { .clinic = clinic };
	gulong handler = g_signal_connect(pen, "changed", G_CALLBACK(on_closing), &closing);

	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	g_signal_handler_disconnect(pen, handler);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	assert_true(closing.closed != 0);
	assert_true(stp_clock_monotonic() - closing.closed >= SLOW_WRITE_MS * G_TIME_SPAN_MILLISECOND);
	assert_int_equal(clinic->failed, 0);
	assert_int_equal(count_attempts(clinic, &failed), 1);
	assert_int_equal(failed, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(p20_syncs_take_turns),
		CASE(p20_nobody_yields_when_nobody_waits),
		CASE(p20_nobody_yields_for_another_adapter),
		CASE(p20_who_waits_by_hand_gets_the_sum_of_all_turns),
		CASE(p21_late_answers_of_a_former_link),
		CASE(p42_a_pen_that_drips_does_not_hold_a_link),
		CASE(p42_a_slow_but_honest_pen_is_waited_for),
		CASE(p42_a_pen_that_says_nothing_is_given_up_and_tried_again),
		CASE(p42_each_state_has_its_name),
		CASE(p42_a_connection_that_never_answers),
		CASE(a_sync_gives_way_to_an_enrolment),
		CASE(a_slow_disk_is_waited_for),
		CASE(a_pen_is_not_asked_for_more_while_the_disk_stalls),
		CASE(a_disk_that_hangs_frees_the_link),
		CASE(a_sync_that_was_given_up_is_kept_account_of),
		CASE(the_account_of_a_sync_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
