/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* P25: local time around the days when clocks are changed, in three zones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "when.h"

static void
go_to(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void
expect(const char *text, enum when_edge edge, gint64 seconds)
{
	gint64 us = 0;

	if (!when_parse(text, 0, edge, &us) || us != seconds * G_USEC_PER_SEC)
		fail_msg("%s \"%s\" became %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, edge == WHEN_SINCE ? "since" : "until",
			 text, us / G_USEC_PER_SEC, seconds);
}

static void
both(const char *text, gint64 seconds)
{
	expect(text, WHEN_SINCE, seconds);
	expect(text, WHEN_UNTIL, seconds);
}

/* Nothing that began in the doubled hour is left out by "since 02:00 until 03:00". */
static void
p25_the_doubled_hour_is_whole(void **state)
{
	go_to("Europe/Berlin");		/* 2026-10-25 01:00 UTC */
	expect("2026-10-25 02:00", WHEN_SINCE, 1792890000 - 3600);
	expect("2026-10-25 03:00", WHEN_UNTIL, 1792890000 + 3600);
	expect("2026-10-25 02:30", WHEN_SINCE, 1792890000 - 1800);
	expect("2026-10-25 02:30", WHEN_UNTIL, 1792890000 + 1800);
	expect("2026-10-25 02:59:59", WHEN_UNTIL, 1792890000 + 3599);
	both("2026-10-25 01:59:59", 1792890000 - 3601);
	both("2026-10-25 03:00:00", 1792890000 + 3600);
	both("2026-10-25", 1792890000 - 3 * 3600);
	both("2026-10-26", 1792890000 + 22 * 3600);
	/* With its offset there is no doubt. */
	both("2026-10-25 02:30 +02:00", 1792890000 - 1800);
	both("2026-10-25 02:30 +01:00", 1792890000 + 1800);

	go_to("America/New_York");	/* 2026-11-01 06:00 UTC */
	expect("2026-11-01 01:30", WHEN_SINCE, 1793512800 - 1800);
	expect("2026-11-01 01:30", WHEN_UNTIL, 1793512800 + 1800);
	both("2026-11-01 02:00", 1793512800 + 3600);

	go_to("Australia/Lord_Howe");	/* 2026-04-04 15:00 UTC: half an hour, 01:30 to 02:00 */
	both("2026-04-05 01:29:59", 1775314800 - 1801);
	expect("2026-04-05 01:45", WHEN_SINCE, 1775314800 - 900);
	expect("2026-04-05 01:45", WHEN_UNTIL, 1775314800 + 900);
	both("2026-04-05 02:00", 1775314800 + 1800);
}

static void
p25_the_hour_that_was_not_is_a_moment(void **state)
{
	go_to("Europe/Berlin");		/* 2026-03-29 01:00 UTC */
	both("2026-03-29 02:00", 1774746000);
	both("2026-03-29 02:30", 1774746000);
	both("2026-03-29 03:00", 1774746000);
	both("2026-03-29 01:59:59", 1774746000 - 1);
	both("2026-03-29 03:30", 1774746000 + 1800);

	go_to("America/New_York");	/* 2026-03-08 07:00 UTC */
	both("2026-03-08 02:30", 1772953200);

	go_to("Australia/Lord_Howe");	/* 2026-10-03 15:30 UTC: 02:00 to 02:30 */
	both("2026-10-04 02:15", 1791041400);
	both("2026-10-04 02:30", 1791041400);
	both("2026-10-04 01:59", 1791041400 - 60);
}

/* Wherever it is looked at from, and before and after the change. */
static void
p25_a_start_is_shown_as_the_wall_showed_it(void **state)
{
	static const struct { gint64 seconds; int offset_min; const char *wanted; } cases[] = {
		{ 1792890000 - 1800, 120, "2026-10-25 02:30:00 +02:00" },
		{ 1792890000 + 1800, 60, "2026-10-25 02:30:00 +01:00" },
		{ 1793512800 + 1800, -300, "2026-11-01 01:30:00 -05:00" },
		{ 1775314800 - 900, 660, "2026-04-05 01:45:00 +11:00" },
		{ 1775314800 + 900, 630, "2026-04-05 01:45:00 +10:30" },
	};

	go_to("Asia/Tokyo");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = when_at(cases[i].seconds * G_USEC_PER_SEC, cases[i].offset_min);

		assert_string_equal(text, cases[i].wanted);
		/* And what is shown can be asked for. */
		both(text, cases[i].seconds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p25_the_doubled_hour_is_whole),
		cmocka_unit_test(p25_the_hour_that_was_not_is_a_moment),
		cmocka_unit_test(p25_a_start_is_shown_as_the_wall_showed_it),
	};

	return cmocka_run_group_tests_name("cli-when", tests, NULL, NULL);
}
