/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "text.h"
#include "when.h"

/* 2026-01-31 12:00:00 UTC, which is 13:00 in the zone of these tests. */
#define NOW G_GINT64_CONSTANT(1769860800000000)
#define SECOND G_USEC_PER_SEC
#define DAY (86400 * (gint64)SECOND)

static void
expect_text(char *taken, const char *wanted)
{
	assert_string_equal(taken, wanted);
	g_free(taken);
}

static void
units(void **state)
{
	expect_text(text_depth(0), "0.00 mm");
	expect_text(text_depth(1500), "1.50 mm");
	expect_text(text_rate(1199), "119.9 Hz");
	expect_text(text_duration(0), "0.0 s");
	expect_text(text_duration(59999), "59 s");
	expect_text(text_duration(1802250), "30 min 02 s");
	expect_text(text_duration(2 * 3600000 + 61000), "2 h 01 min");
	expect_text(text_bytes(999), "999 B");
	expect_text(text_bytes(12345), "12.3 kB");
	expect_text(text_battery(255), "unknown");
	expect_text(text_battery(0), "0 %");
	expect_text(text_count(1, "record"), "1 record");
	expect_text(text_count(0, "record"), "0 records");
}

static void
only_all_is_100_percent(void **state)
{
	expect_text(text_percent(100.0), "100 %");
	expect_text(text_percent(99.9999), "99.9 %");
	expect_text(text_percent(0.0), "0.0 %");
}

static void
terminal_is_safe_from_names(void **state)
{
	expect_text(text_clean("Pen\033[2J\n7"), "Pen?[2J?7");
	expect_text(text_clean("Stift \xc3\xa4"), "Stift \xc3\xa4");
	expect_text(text_clean("bad\xff tail"), "bad? tail");
	/* A right-to-left override would turn the rest of the line around. */
	expect_text(text_clean("a\xe2\x80\xae" "b"), "a?b");
}

static void
sentences(void **state)
{
	expect_text(text_sentence("no room"), "No room.");
	expect_text(text_sentence("stippled ended."), "stippled ended.");
	expect_text(text_sentence(""), "");
	assert_int_equal(text_count_sentences("One. Two."), 2);
	assert_int_equal(text_count_sentences("It took 2.5 s."), 1);
}

static void
csv_fields(void **state)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "a,b", "\"a,b\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "=1+1", "\"'=1+1\"" },
		{ "+49", "\"'+49\"" },
		{ "-x", "\"'-x\"" },
		{ "@cmd", "\"'@cmd\"" },
		{ "two\nlines", "\"two\nlines\"" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) out = g_string_new(NULL);

		text_append_csv(out, cases[i].text);
		assert_string_equal(out->str, cases[i].wanted);
	}
}

static void
moments_are_understood(void **state)
{
	static const struct { const char *text; gint64 us; } cases[] = {
		{ "now", NOW },
		{ "2026-01-31", NOW - 13 * 3600 * (gint64)SECOND },
		{ "today", NOW - 13 * 3600 * (gint64)SECOND },
		{ "yesterday", NOW - 13 * 3600 * (gint64)SECOND - DAY },
		{ "2026-01-31 13:00", NOW },
		{ "2026-01-31T13:00:00", NOW },
		{ "2026-01-31T12:00:00Z", NOW },
		{ "2026-01-31T12:00Z", NOW },
		{ "2026-01-31 12:00:00.250Z", NOW + 250000 },
		{ "2026-01-31 14:00:00 +02:00", NOW },
		{ "2 days ago", NOW - 2 * DAY },
		{ "1 hour ago", NOW - 3600 * (gint64)SECOND },
		{ "1 week ago", NOW - 7 * DAY },
		{ "1 month ago", NOW - 31 * DAY },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		gint64 us = 0;

		if (!when_parse(cases[i].text, NOW, WHEN_SINCE, &us) || us != cases[i].us)
			fail_msg("\"%s\" became %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, cases[i].text, us,
				 cases[i].us);
	}
}

static void
nonsense_is_no_moment(void **state)
{
	static const char *const cases[] = {
		"", "tomorrowish", "2026-13-01", "2026-01-32", "2026-1-1", "2 fortnights ago", "days ago",
		"-1 days ago", "2 days", "12:00", "2026-01-31 25:00", "2026-01-31T", "2026/01/31",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		gint64 us;

		if (when_parse(cases[i], NOW, WHEN_SINCE, &us))
			fail_msg("\"%s\" was taken for a moment", cases[i]);
	}
}

static void
moments_are_written(void **state)
{
	expect_text(when_local(NOW), "2026-01-31 13:00:00 +01:00");
	expect_text(when_utc(NOW + 5), "2026-01-31T12:00:00.000005Z");
	expect_text(when_utc(-1), "1969-12-31T23:59:59.999999Z");
	assert_null(when_utc(G_MAXINT64));
	expect_text(when_local(G_MAXINT64), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units),
		cmocka_unit_test(only_all_is_100_percent),
		cmocka_unit_test(terminal_is_safe_from_names),
		cmocka_unit_test(sentences),
		cmocka_unit_test(csv_fields),
		cmocka_unit_test(moments_are_understood),
		cmocka_unit_test(nonsense_is_no_moment),
		cmocka_unit_test(moments_are_written),
	};

	setenv("TZ", "CET-1", 1);
	tzset();
	return cmocka_run_group_tests_name("cli-text", tests, NULL, NULL);
}
