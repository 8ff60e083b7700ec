/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* What needs attention, as people and programs are told of it. */

#define FULL \
	"{'kind': <'store-full'>, 'subject': <''>, 'level': <'critical'>, 'text': <'The disk is full.'>, " \
	"'hint': <'Free some space.'>, 'since': <int64 1767225600000000>, 'last': <int64 1767225700000000>, " \
	"'count': <uint32 3>}"
#define SILENT \
	"{'kind': <'adapter-silent'>, 'subject': <'C0:00:00:00:00:01'>, 'level': <'notice'>, " \
	"'text': <'Nothing\\u001b was heard.'>, 'hint': <'Plug it in again.'>, " \
	"'since': <int64 1767225600000000>, 'last': <int64 1767225600000000>, 'count': <uint32 1>}"
#define OVER \
	"{'kind': <'bond-lost'>, 'subject': <'SP-0001'>, 'level': <'warning'>, 'text': <'It forgot us.'>, " \
	"'hint': <'Add it again.'>, 'since': <int64 1767225600000000>, 'last': <int64 1767225600000000>, " \
	"'count': <uint32 1>, 'ended': <int64 1767225700000000>}"

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
	g_auto(Outcome) outcome = fake_run(fake, NULL, "alerts");

	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, "");
	assert_string_equal(outcome.err, "No alert is open.\n");
	fake_expect(fake, "alerts list --json", 0, "{\"schema\":1,\"open\":0,\"alerts\":[]}\n");
	fake_expect(fake, "alerts acknowledge --json", 2,
	       "{\"schema\":1,\"error\":{\"code\":\"no-alert\",\"message\":\"No alert waits to be acknowledged.\","
	       "\"hint\":null}}\n");
}

static void
alerts(void **state)
{
	static const char *const alone[] = { "alerts -a", "alerts --all --json", "--json=short alerts", "alerts --no-pager" };
	Fake *fake = *state;
	g_autofree char *calls = NULL;

	fake_add(fake->alerts, FULL);
	fake_add(fake->alerts, SILENT);
	fake_add(fake->alerts, OVER);
	fake_expect(fake, "alerts list --all", 1,
	       "LEVEL    ALERT          ABOUT             SINCE                      COUNT STATE\n"
	       "critical store-full                       2026-01-01 01:00:00 +01:00     3 open\n"
	       "notice   adapter-silent C0:00:00:00:00:01 2026-01-01 01:00:00 +01:00     1 open\n"
	       "warning  bond-lost      SP-0001           2026-01-01 01:00:00 +01:00     1 over\n"
	       "\n"
	       "store-full: The disk is full. Free some space.\n"
	       "adapter-silent C0:00:00:00:00:01: Nothing? was heard. Plug it in again.\n");
	calls = fake_calls(fake);
	assert_string_equal(calls, "ListAlerts(true,)\n");
	/* The noun alone means the same, with its options. */
	for (guint i = 0; i < G_N_ELEMENTS(alone); i++) {
		g_auto(Outcome) outcome = fake_run(fake, NULL, alone[i]);

		assert_int_equal(outcome.code, 1);
		assert_non_null(strstr(outcome.out, "store-full"));
	}
	g_ptr_array_remove_index(fake->alerts, 0);
	g_ptr_array_remove_index(fake->alerts, 0);
	fake_expect(fake, "alerts --json", 0,
	       "{\"schema\":1,\"open\":0,\"alerts\":[{\"kind\":\"bond-lost\",\"subject\":\"SP-0001\","
	       "\"level\":\"warning\",\"text\":\"It forgot us.\",\"hint\":\"Add it again.\","
	       "\"since\":\"2026-01-01T00:00:00.000000Z\",\"since_us\":1767225600000000,"
	       "\"last\":\"2026-01-01T00:00:00.000000Z\",\"last_us\":1767225600000000,\"count\":1,"
	       "\"ended\":\"2026-01-01T00:01:40.000000Z\",\"ended_us\":1767225700000000,"
	       "\"acknowledged\":null,\"acknowledged_us\":null}]}\n");
}

static void
acknowledge(void **state)
{
	Fake *fake = *state;
	g_autofree char *calls = NULL;

	fake_add(fake->alerts, FULL);
	fake_expect(fake, "alerts acknowledge bond-lost SP-0001 --json", 0, "{\"schema\":1,\"open\":0}\n");
	fake_add(fake->alerts, FULL);
	fake_expect(fake, "alerts acknowledge", 0,
	       "Acknowledged. Alerts end by themselves when their cause is gone.\n");
	calls = fake_calls(fake);
	assert_string_equal(calls, "ListAlerts(false,)\nAcknowledgeAlert('bond-lost', 'SP-0001')\nListAlerts(false,)\n"
				   "ListAlerts(false,)\nAcknowledgeAlert('', '')\nListAlerts(false,)\n");
	fake->fail_method = "AcknowledgeAlert";
	fake->fail_error = "org.stipple1.Error.NotFound";
	fake->fail_message = "There is no open alert x. List the alerts to see which there are.";
	fake_expect(fake, "alerts acknowledge x", 3, "");
}

/* A notice is shown; what is more makes the whole not well. */
static void
status(void **state)
{
	Fake *fake = *state;

	for (guint i = 0; i < 2; i++) {
		g_auto(Outcome) outcome = { 0 };

		fake_add(fake->alerts, i == 0 ? SILENT : FULL);
		outcome = fake_run(fake, NULL, "status");
		assert_int_equal(outcome.code, i);
		assert_non_null(strstr(outcome.out, i == 0 ? "Alerts:    1 open: 'stipplectl alerts'" :
							     "Alerts:    2 open: 'stipplectl alerts'"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts, setup, teardown),
		cmocka_unit_test_setup_teardown(acknowledge, setup, teardown),
		cmocka_unit_test_setup_teardown(status, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
