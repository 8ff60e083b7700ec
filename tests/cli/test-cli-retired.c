/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* Pens that are not enrolled any more: how they went, and that what they left is found. */

#define COMMON(serial, label) \
	"'serial': <'" serial "'>, 'label': <'" label "'>, 'maker': <'Acme'>, 'model': <'Pen One'>, " \
	"'firmware': <'1.2.3'>, 'hardware': <''>, 'address': <'C0:00:00:00:00:09'>, " \
	"'last_seen': <int64 1767225600000000>, 'last_sync': <int64 1767225600000000>, "
#define IN_ORDER \
	"{" COMMON("SP-0007", "Room 7") "'sessions': <uint32 5>, 'coverage': <100.0>, " \
	"'retired': <int64 1767225600000000>, 'missing_then': <uint32 0>, 'forced': <false>, " \
	"'never_synced': <false>, 'had_news': <false>, 'erased': <true>, 'slot_freed': <true>}"
#define BY_FORCE \
	"{" COMMON("SP-0008", "") "'sessions': <uint32 2>, 'coverage': <40.0>, " \
	"'retired': <int64 1767225600000000>, 'missing_then': <uint32 3>, 'forced': <true>, " \
	"'never_synced': <false>, 'had_news': <true>, 'erased': <false>, 'slot_freed': <false>}"
#define NEVER_SYNCED \
	"{" COMMON("XX-0009", "") "'sessions': <uint32 0>, 'coverage': <100.0>, " \
	"'retired': <int64 1767225600000000>, 'missing_then': <uint32 0>, 'forced': <true>, " \
	"'never_synced': <true>, 'had_news': <false>, 'erased': <false>, 'slot_freed': <false>}"
#define SALVAGED "{" COMMON("XX-0010", "") "'sessions': <uint32 1>, 'coverage': <100.0>}"

static int
setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int
teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void
expect_part(Fake *fake, const char *words, int code, const char *part)
{
	g_auto(Outcome) outcome = fake_run(fake, NULL, words);

	if (outcome.code != code || (!strstr(outcome.out, part) && !strstr(outcome.err, part)))
		fail_msg("stipplectl %s: exit code %d\n%s%s\nwanted %d with:\n%s", words, outcome.code, outcome.out,
			 outcome.err, code, part);
}

static void
nobody(void **state)
{
	Fake *fake = *state;

	expect_part(fake, "pens list --retired", 0, "No pen was ever retired");
	fake_expect(fake, "pens list --retired --json", 0, "{\"schema\":1,\"retired\":[]}\n");
}

static void
all_of_them(void **state)
{
	Fake *fake = *state;

	fake_add(fake->retired, IN_ORDER);
	fake_add(fake->retired, BY_FORCE);
	fake_add(fake->retired, NEVER_SYNCED);
	fake_add(fake->retired, SALVAGED);
	fake_expect(fake, "pens list --retired", 0,
	       "SERIAL  LABEL  RETIRED                    HOW      LEFT BEHIND       SESSIONS COVERAGE\n"
	       "SP-0007 Room 7 2026-01-01 01:00:00 +01:00 in order nothing                  5    100 %\n"
	       "SP-0008        2026-01-01 01:00:00 +01:00 by force 3 records or more        2   40.0 %\n"
	       "XX-0009        2026-01-01 01:00:00 +01:00 by force not known                0    100 %\n"
	       "XX-0010        unknown                    unknown  unknown                  1    100 %\n");
	expect_part(fake, "pens list --retired --json", 0,
	       "\"retired\":\"2026-01-01T00:00:00.000000Z\",\"retired_us\":1767225600000000,\"missing_then\":3,"
	       "\"forced\":true,\"never_synced\":false,\"had_news\":true,\"erased\":false,\"slot_freed\":false}");
	expect_part(fake, "pens list --retired --json", 0, "\"retired\":null,\"retired_us\":null,\"forced\":null");
}

static void
one_of_them(void **state)
{
	Fake *fake = *state;

	fake_add_pen(fake, "SP-0001", "Room 1");
	fake_add(fake->retired, IN_ORDER);
	fake_add(fake->retired, BY_FORCE);
	expect_part(fake, "pens show SP-0007", 0, "Left behind: nothing\n");
	expect_part(fake, "pens show SP-0007", 0, "its log was erased, and its slot of this collector freed\n");
	expect_part(fake, "pens show 'Room 7'", 0, "State:       retired\n");
	expect_part(fake, "pens show 0008", 0, "Because:     It told of news since its last sync.\n");
	expect_part(fake, "pens show 0008 --json", 0, "{\"schema\":1,\"retired\":{\"serial\":\"SP-0008\"");
	expect_part(fake, "pens show SP-0001", 0, "State:     idle\n");
	expect_part(fake, "pens show 9999", 3, "No enrolled pen has the label");
}

/* By the label it had, too; a pen that has it now goes before. */
static void
what_it_left_is_found(void **state)
{
	Fake *fake = *state;
	g_autofree char *calls = NULL;

	fake_add(fake->retired, IN_ORDER);
	fake_add(fake->retired, BY_FORCE);
	fake_expect(fake, "sessions list --pen 'Room 7'", 0, NULL);
	fake_expect(fake, "syncs 0008", 0, NULL);
	fake_add_pen(fake, "SP-0001", "Room 7");
	fake_expect(fake, "syncs 'Room 7'", 0, NULL);
	expect_part(fake, "coverage P-000", 3, "No enrolled pen");
	calls = fake_calls(fake);
	assert_non_null(strstr(calls, "ListSessions({'pen': <'SP-0007'>}"));
	assert_non_null(strstr(calls, "ListSyncs('SP-0008', 20)"));
	assert_non_null(strstr(calls, "ListSyncs('SP-0001', 20)"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(all_of_them, setup, teardown),
		cmocka_unit_test_setup_teardown(one_of_them, setup, teardown),
		cmocka_unit_test_setup_teardown(what_it_left_is_found, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
