/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* How the last syncs went, and how many links dropped. */

#define DONE \
	"{'pen': <'SP-0001'>, 'started': <int64 1767225600000000>, 'ended': <int64 1767225604000000>, " \
	"'duration_ms': <uint64 4000>, 'complete': <true>, 'stage': <'done'>, 'records': <uint32 3>, " \
	"'damaged': <uint32 0>, 'given_up': <uint32 0>, 'bytes': <uint64 30000>, 'error': <''>, " \
	"'connect_tries': <uint32 2>, 'connect_ms': <uint32 812>, 'refreshes': <uint32 0>, " \
	"'rssi': <int16 -61>, 'mtu': <uint32 247>, 'notify': <'descriptor'>, 'switches': <uint32 0>, " \
	"'data_ms': <uint64 1500>, 'throughput': <uint64 20000>, 'link_end': <'local'>, 'link_end_text': <''>}"
#define DROPPED \
	"{'pen': <'SP-0001'>, 'started': <int64 1767225500000000>, 'ended': <int64 1767225504000000>, " \
	"'duration_ms': <uint64 4000>, 'complete': <false>, 'stage': <'transfer'>, 'records': <uint32 0>, " \
	"'damaged': <uint32 0>, 'given_up': <uint32 0>, 'bytes': <uint64 500>, " \
	"'error': <'The connection was lost.'>, 'refreshes': <uint32 0>, 'notify': <'signals'>, " \
	"'switches': <uint32 1>, 'link_end': <'timeout'>, 'link_end_text': <'Connection\\u001b timeout'>}"

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
nothing(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) outcome = fake_run(fake, NULL, "syncs");

	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, "");
	assert_string_equal(outcome.err, "No pen has been synced yet; 'stipplectl sync' does it.\n");
	fake_expect(fake, "syncs --json", 0, "{\"schema\":1,\"pens\":[],\"syncs\":[]}\n");
}

static void
table(void **state)
{
	Fake *fake = *state;
	g_autofree char *calls = NULL;

	fake_add(fake->syncs, DONE);
	fake_add(fake->syncs, DROPPED);
	fake_expect(fake, "syncs", 0,
	       "PEN     STARTED                    STAGE    RECORDS   BYTES DURATION      RATE TRIES DBM MTU "
	       "DATA BY              LINK END\n"
	       "SP-0001 2026-01-01 01:00:00 +01:00 done           3 30.0 kB    4.0 s 20.0 kB/s     2 -61 247 "
	       "descriptor           local\n"
	       "SP-0001 2026-01-01 00:58:20 +01:00 transfer       0   500 B    4.0 s                         "
	       "signals (1 switched) timeout\n"
	       "\nWhat went wrong:\n"
	       "  SP-0001, 2026-01-01 00:58:20 +01:00: The connection was lost. (Bluetooth: Connection? timeout)\n"
	       "\nSP-0001: 1 of 2 links dropped, 1 by supervision timeout.\n");
	fake_expect(fake, "syncs --limit 1 --json", 0,
	       "{\"schema\":1,\"pens\":[{\"pen\":\"SP-0001\",\"links\":1,\"dropped\":0,\"timeouts\":0}],"
	       "\"syncs\":[{\"pen\":\"SP-0001\",\"started\":\"2026-01-01T00:00:00.000000Z\","
	       "\"started_us\":1767225600000000,\"ended\":\"2026-01-01T00:00:04.000000Z\","
	       "\"ended_us\":1767225604000000,\"duration_ms\":4000,\"complete\":true,\"stage\":\"done\","
	       "\"records\":3,\"damaged\":0,\"given_up\":0,\"bytes\":30000,\"error\":null,\"connect_tries\":2,"
	       "\"connect_ms\":812,\"refreshes\":0,\"rssi\":-61,\"mtu\":247,\"notify\":\"descriptor\","
	       "\"switches\":0,\"data_ms\":1500,\"throughput\":20000,\"link_end\":\"local\","
	       "\"link_end_text\":null}]}\n");
	calls = fake_calls(fake);
	assert_string_equal(calls, "ListSyncs('', 20)\nListSyncs('', 1)\n");
}

/* Ten links, three of them dropped: that is worth a hint. */
static void
p19_links_that_drop_are_counted(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) outcome = { 0 };

	for (guint i = 0; i < 7; i++)
		fake_add(fake->syncs, DONE);
	for (guint i = 0; i < 3; i++)
		fake_add(fake->syncs, DROPPED);
	outcome = fake_run(fake, NULL, "syncs");
	assert_int_equal(outcome.code, 0);
	assert_non_null(strstr(outcome.out, "\nSP-0001: 3 of 10 links dropped, 3 by supervision timeout. Bring"));
	assert_non_null(strstr(outcome.out, "USB 3"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(table, setup, teardown),
		cmocka_unit_test_setup_teardown(p19_links_that_drop_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
