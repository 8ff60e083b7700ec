/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * clinic-day: twenty-four hours of a clinic with twelve pens, in a minute of ours.  Sessions come at random in
 * working hours, pens are carried out of sight and are in drawers at night, bluetoothd restarts, the radio is
 * off for a part of the night, and it is the night in which daylight saving ends.
 *
 * What the daemon has in memory in the end is compared with a fresh one in the same process, over the same
 * store: what the pens and the test itself have does not count.  --seed N, or STIPPLE_SEED; --loud.
 */

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "virtual-clock.h"
#include "ward-trace.h"
#include "ward.h"

#define PENS 12
#define HOURS 24
/* Saturday, 24 October 2026, 04:00 UTC: six o'clock in Berlin. */
#define SIX_US (G_GINT64_CONSTANT(1792814400) * WARD_SECOND)
#define OPENS_H 2  /* hours after six */
#define CLOSES_H 12
#define RADIO_OFF_H 16
#define RADIO_ON_H 22
#define STEP_S 30
/* How often in a day; each is rolled for in each step of the working hours. */
#define SESSIONS_A_DAY 100
#define WALKS_A_DAY 120
#define RESTARTS_A_DAY 4
#define TROUBLES_A_DAY 30

/* What a day may cost. */
#define GROWTH_MAX (64 * 1024)
#define LINES_MAX 3000
#define LINES_OF_A_KIND_MAX 400

typedef struct {
	gsize heap, rss;
	guint descriptors;
} Usage;

static Usage
usage(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	g_autofree char *statm = NULL;
	Usage now = { 0 };

	while (g_dir_read_name(dir) != NULL)
		now.descriptors++;
	malloc_trim(0);
	now.heap = mallinfo2().uordblks;
	g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL, NULL));
	now.rss = (gsize)g_ascii_strtoull(strchr(statm, ' '), NULL, 10) * 4096;
	return now;
}

static void
tell(const char *when, Usage now)
{
	printf("%-34s heap %6zu KiB, RSS %6zu KiB, %u descriptors\n", when, now.heap / 1024, now.rss / 1024,
	       now.descriptors);
}

/* Whether it happens in this step, if it happens so often in the working hours. */
static gboolean
happens(Ward *ward, guint a_day)
{
	guint steps = (CLOSES_H - OPENS_H) * 3600 / STEP_S;

	return roll(&ward->chance, steps) < a_day;
}

static void
work_a_step(Ward *ward)
{
	WardPen *pen = g_ptr_array_index(ward->pens, roll(&ward->chance, PENS));

	if (happens(ward, SESSIONS_A_DAY)) {
		/* Where it is used it is not seldom out of sight, and the motor runs. */
		pen->air.in_range = roll(&ward->chance, 3) > 0;
		ward_add_session(pen, 200 + roll(&ward->chance, 4000));
	}
	if (happens(ward, WALKS_A_DAY))
		pen->air.in_range = !pen->air.in_range;
	if (!pen->air.in_range && pen->air.link != NULL)
		frail_link_cut(pen->air.link, "The pen was carried away.");
	if (happens(ward, TROUBLES_A_DAY))
		ward->weather = (Weather){ .drop = 5, .cut = 3, .connect_fails = 200, .control_drop = 10 };
	else if (happens(ward, 5 * TROUBLES_A_DAY))
		ward->weather = (Weather){ 0 };
	if (happens(ward, RESTARTS_A_DAY)) {
		ward_trace(ward, "bluetoothd restarts");
		frail_radio_set_on(ward->radio, FALSE);
		ward_pass(ward, 5 * WARD_SECOND);
		frail_radio_set_on(ward->radio, TRUE);
	}
}

static void
set_range(Ward *ward, gboolean in_range)
{
	for (guint i = 0; i < PENS; i++)
		((WardPen *)g_ptr_array_index(ward->pens, i))->air.in_range = in_range;
}

static void
live_a_day(Ward *ward, Usage *after_two_hours)
{
	gint64 began = stp_clock_monotonic();

	for (guint step = 0; step < HOURS * 3600 / STEP_S; step++) {
		guint second = step * STEP_S, hour = second / 3600;

		if (second == 2 * 3600)
			*after_two_hours = usage();
		if (hour >= OPENS_H && hour < CLOSES_H)
			work_a_step(ward);
		/* Drawers shut at night; in the morning they are on the table again. */
		if (second == CLOSES_H * 3600)
			set_range(ward, TRUE);
		if (second == RADIO_OFF_H * 3600)
			frail_radio_set_on(ward->radio, FALSE);
		if (second == RADIO_ON_H * 3600)
			frail_radio_set_on(ward->radio, TRUE);
		ward_enrol_one(ward);
		ward_pass(ward, began + (gint64)(second + STEP_S) * WARD_SECOND - stp_clock_monotonic());
	}
}

static void
tell_journal(Ward *ward)
{
	GHashTableIter iter;
	gpointer kind, times, most = NULL;
	guint most_times = 0;

	g_hash_table_iter_init(&iter, ward->said);
	while (g_hash_table_iter_next(&iter, &kind, &times))
		if (GPOINTER_TO_UINT(times) > most_times) {
			most = kind;
			most_times = GPOINTER_TO_UINT(times);
		}
	printf("journal: %" G_GUINT64_FORMAT " lines; most often, %u times: %s\n", ward->lines, most_times,
	       most ? (const char *)most : "");
	WARD_CHECK(ward, ward->lines <= LINES_MAX);
	WARD_CHECK(ward, most_times <= LINES_OF_A_KIND_MAX);
}

static guint
sessions_made(Ward *ward)
{
	guint sum = 0;

	for (guint i = 0; i < PENS; i++)
		sum += ((WardPen *)g_ptr_array_index(ward->pens, i))->sessions_made;
	return sum;
}

/* The same pens, store and test, and a daemon that has just begun. */
static Usage
usage_of_a_fresh_one(Ward *ward)
{
	ward_stop(ward);
	ward_start(ward);
	ward_pass(ward, 10 * WARD_MINUTE);
	return usage();
}

int
main(int argc, char **argv)
{
	const char *given = getenv("STIPPLE_SEED");
	gboolean loud = FALSE;
	Usage early = { 0 }, late, fresh;
	Ward *ward;

	for (int i = 1; i < argc; i++) {
		loud |= strcmp(argv[i], "--loud") == 0;
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			given = argv[++i];
	}
	setenv("TZ", "Europe/Berlin", 1);
	ward = ward_new(given ? strtoull(given, NULL, 0) : (guint64)time(NULL), PENS, loud);
	printf("STIPPLE_SEED=%" G_GUINT64_FORMAT "\n", ward->seed);
	fflush(stdout);
	virtual_clock_set_wall(SIX_US);
	ward->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	ward_listen(ward);
	for (guint i = 0; i < PENS; i++) {
		((WardPen *)g_ptr_array_index(ward->pens, i))->small = FALSE;
		ward_make_pen(ward, g_ptr_array_index(ward->pens, i));
		ward_add_session(g_ptr_array_index(ward->pens, i), 1000);
	}
	ward_start(ward);
	live_a_day(ward, &early);
	late = usage();
	WARD_CHECK(ward, ward_all_complete(ward));
	WARD_CHECK(ward, ward_check_all(ward) == sessions_made(ward));
	tell_journal(ward);
	fresh = usage_of_a_fresh_one(ward);
	tell("after two hours", early);
	tell("after twenty-four", late);
	tell("a fresh daemon over the same store", fresh);
	printf("%u sessions, each there once; %u syncs; the day left %+zd KiB of heap\n", sessions_made(ward), ward->syncs,
	       ((gssize)late.heap - (gssize)fresh.heap) / 1024);
	WARD_CHECK(ward, (gssize)late.heap - (gssize)fresh.heap <= GROWTH_MAX);
	WARD_CHECK(ward, late.descriptors <= early.descriptors);
	ward_stop(ward);
	ward_listen(NULL);
	ward_free(ward);
	return 0;
}
