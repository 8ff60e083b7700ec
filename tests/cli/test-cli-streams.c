/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* sync and monitor: what goes on while it goes on. */

#define WAIT_MS 30000

static int
setup(void **state)
{
	Fake *fake = fake_new();

	*state = fake;
	fake_add_pen(fake, "SP-0001", "Room 1");
	return 0;
}

static int
teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void
set_result(Fake *fake, const char *text)
{
	g_variant_unref(fake->sync_result);
	fake->sync_result = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);
	assert_non_null(fake->sync_result);
}

static PrivateChild *
start(Fake *fake, const char *first, const char *second, const char *third)
{
	const char *argv[] = { g_getenv("STIPPLECTL"), first, second, third, NULL };
	PrivateChild *child = private_bus_spawn(fake->bus, argv, NULL);

	assert_non_null(child);
	return child;
}

static void
wait_line(PrivateChild *child, const char *text)
{
	g_autofree char *line = private_child_wait_line(child, text, WAIT_MS);

	if (!line)
		fail_msg("no line with \"%s\" in:\n%s", text, private_child_output(child));
}

/* ---- sync ---- */

static void
sync_tells_what_came(void **state)
{
	static const struct { const char *result; int code; const char *out; } cases[] = {
		{ "{'records': <uint32 0>, 'complete': <true>}", 2, "SP-0001: nothing new\n" },
		{ "{'records': <uint32 0>, 'oldest': <uint32 3>, 'newest': <uint32 42>}", 2, "SP-0001: nothing new\n" },
		{ "{'records': <uint32 12>, 'bytes': <uint64 2500000>, 'duration_ms': <uint64 50000>, "
		  "'complete': <true>}", 0, "SP-0001: 12 records, 2.5 MB in 50 s (50.0 kB/s)\n" },
		{ "{'records': <uint32 1>, 'bytes': <uint64 500>, 'damaged': <uint32 1>, 'given_up': <uint32 2>}", 6,
		  "SP-0001: 1 record, 500 B in 0.0 s (0 B/s), 1 damaged, 2 could not be had; "
		  "'stipplectl coverage' says more\n" },
	};
	Fake *fake = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		set_result(fake, cases[i].result);
		g_auto(Outcome) outcome = fake_run(fake, NULL, "sync");

		assert_int_equal(outcome.code, cases[i].code);
		assert_string_equal(outcome.out, cases[i].out);
		/* Not on a terminal: no progress. */
		assert_string_equal(outcome.err, "");
	}
	g_auto(Outcome) verbose = fake_run(fake, NULL, "sync --verbose --json 0001");
	assert_non_null(strstr(verbose.err, "SP-0001: "));
	assert_non_null(strstr(verbose.err, "3 of 10 records, 3.0 kB, 1.5 kB/s, about 7.0 s left"));
	assert_string_equal(verbose.out, "{\"schema\":1,\"interrupted\":false,\"pens\":[{\"serial\":\"SP-0001\","
					 "\"label\":\"Room 1\",\"result\":{\"records\":1,\"bytes\":500,"
					 "\"damaged\":1,\"given_up\":2,\"oldest\":null,\"newest\":null},"
					 "\"error\":null}]}\n");
}

/* Who asks for a record that is not there is told what is. */
static void
sync_of_a_record_that_is_not_there(void **state)
{
	static const struct { const char *result, *words, *out; } cases[] = {
		{ "{'oldest': <uint32 3>, 'newest': <uint32 42>, 'chosen': <true>}", "sync --record 500",
		  "SP-0001: the pen has no record 500; its log holds 3 to 42\n" },
		{ "{'oldest': <uint32 3>, 'newest': <uint32 42>, 'chosen': <true>}", "sync --record 1-2",
		  "SP-0001: the pen has no record 1 to 2; its log holds 3 to 42, and 'stipplectl coverage' says what "
		  "became of the older ones\n" },
		{ "{'oldest': <uint32 1>, 'newest': <uint32 0>, 'chosen': <true>}", "sync --record 7",
		  "SP-0001: the pen has no record 7; its log is empty\n" },
		{ "{'oldest': <uint32 3>, 'newest': <uint32 42>, 'chosen': <true>}", "sync --record 42-99",
		  "SP-0001: nothing new\n" },
	};
	Fake *fake = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		set_result(fake, cases[i].result);
		fake_expect(fake, cases[i].words, 2, cases[i].out);
	}
}

static void
one_failing_pen_is_told_beside_the_others(void **state)
{
	Fake *fake = *state;

	fake_add_pen(fake, "SP-0002", "");
	fake->fail_method = "Sync";
	fake->fail_error = "org.stipple1.Error.LinkFailed";
	fake->fail_message = "The pen is not in sight. Bring it closer.";
	g_auto(Outcome) text = fake_run(fake, NULL, "sync");
	assert_int_equal(text.code, 1);
	assert_string_equal(text.err, "stipplectl: pen SP-0001: The pen is not in sight. Bring it closer.\n"
				      "stipplectl: pen SP-0002: The pen is not in sight. Bring it closer.\n");
	fake->fail_message = "Pen SP-0001 or SP-0002 has forgotten this host.";
	g_auto(Outcome) named = fake_run(fake, NULL, "sync SP-0001");
	assert_true(g_str_has_prefix(named.err, "stipplectl: Pen SP-0001 or"));
	g_auto(Outcome) json = fake_run(fake, NULL, "sync --json SP-0002 0002");
	assert_int_equal(json.code, 1);
	assert_non_null(strstr(json.out, "\"pens\":[{\"serial\":\"SP-0002\",\"label\":null,\"result\":null,"
					 "\"error\":{\"code\":\"link-failed\","));
}

static void
sync_without_waiting(void **state)
{
	Fake *fake = *state;

	g_auto(Outcome) all = fake_run(fake, NULL, "sync --no-wait --json");
	assert_int_equal(all.code, 0);
	assert_string_equal(all.out, "{\"schema\":1,\"asked\":[\"SP-0001\"]}\n");
	g_auto(Outcome) one = fake_run(fake, NULL, "sync --no-wait --timeout=9 SP-0001");
	assert_int_equal(one.code, 0);

	g_autofree char *calls = fake_calls(fake);

	assert_string_equal(calls, "SyncAll()\nSync({'wait': <false>, 'timeout': <uint32 9>},)\n");
}

static void
p33_sync_of_what_was_chosen(void **state)
{
	Fake *fake = *state;
	static const char *const wrong[] = {
		"sync SP-0001 --record=0", "sync SP-0001 --record=7-6", "sync SP-0001 --record=x",
		"sync SP-0001 --record=-3", "sync SP-0001 --record=4294967296", "sync SP-0001 --since=soon",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(Outcome) outcome = fake_run(fake, NULL, wrong[i]);

		assert_int_equal(outcome.code, 64);
	}
	g_auto(Outcome) one = fake_run(fake, NULL, "sync --record=7 SP-0001");
	g_auto(Outcome) some = fake_run(fake, NULL, "sync --record=7-9 --since=2026-01-31T10:30Z SP-0001");
	g_autofree char *calls = fake_calls(fake);

	assert_int_equal(one.code, 2);
	assert_int_equal(some.code, 2);
	assert_string_equal(calls, "Sync({'from': <uint32 7>, 'to': <uint32 7>},)\n"
				   "Sync({'from': <uint32 7>, 'to': <uint32 9>, 'since': <int64 1769855400000000>},)\n");
}

static gboolean
is_syncing(gpointer data)
{
	return ((Fake *)data)->stuck_syncs->len > 0;
}

static void
interrupt_cancels_the_sync(void **state)
{
	Fake *fake = *state;

	fake->stuck = TRUE;
	PrivateChild *child = start(fake, "sync", "--json", NULL);

	assert_true(private_wait(is_syncing, fake, WAIT_MS));
	assert_int_equal(private_child_stop(child, SIGINT, WAIT_MS), 1);
	assert_non_null(strstr(private_child_output(child), "\"interrupted\":true"));
	assert_non_null(strstr(private_child_output(child), "\"code\":\"cancelled\""));

	g_autofree char *calls = fake_calls(fake);

	assert_non_null(strstr(calls, "Cancel()\n"));
}

static void
daemon_that_dies_during_a_sync(void **state)
{
	Fake *fake = *state;

	fake->stuck = TRUE;
	PrivateChild *child = start(fake, "sync", "--json", NULL);

	assert_true(private_wait(is_syncing, fake, WAIT_MS));
	/* As when it is killed: the connection ends with the call unanswered. */
	g_ptr_array_set_size(fake->stuck_syncs, 0);
	g_dbus_connection_close_sync(fake->connection, NULL, NULL);
	assert_int_equal(private_child_stop(child, 0, WAIT_MS), 4);
	assert_non_null(strstr(private_child_output(child), "\"code\":\"timeout\""));
	fake->name = 0;
}

/* ---- monitor ---- */

static void
emit_some(Fake *fake, StpDbusPen1 *pen)
{
	stp_dbus_pen1_set_state(pen, "syncing");
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(pen));
	stp_dbus_manager1_emit_session_stored(fake->manager, g_variant_new_parsed(
		"@a{sv} {'id': <'SP-0001/0000002a/7'>, 'duration_ms': <uint32 5000>, 'samples': <uint32 500>, "
		"'complete': <true>}"));
	stp_dbus_manager1_emit_finding(fake->manager, g_variant_new_parsed(
		"@a{sv} {'pen': <'SP-0001'>, 'epoch': <uint32 42>, 'record': <uint32 9>, 'kind': <'crc'>, "
		"'text': <'The checksum does not hold.'>, 'hint': <'Fetch it again.'>}"));
	stp_dbus_pen1_emit_sync_ended(pen, "", g_variant_new_parsed("@a{sv} {'records': <uint32 3>}"));
	stp_dbus_manager1_set_radio_state(fake->manager, "powered-off");
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(fake->manager));
}

static StpDbusPen1 *
first_pen(Fake *fake)
{
	g_autoptr(GDBusObject) object = g_dbus_object_manager_get_object(G_DBUS_OBJECT_MANAGER(fake->objects),
									 "/org/stipple1/pen/SP_2d0001");
	StpDbusPen1 *pen = stp_dbus_object_get_pen1(STP_DBUS_OBJECT(object));

	g_object_unref(pen);
	return pen;
}

static void
monitor_tells_people(void **state)
{
	Fake *fake = *state;
	PrivateChild *child = start(fake, "monitor", NULL, NULL);

	wait_line(child, "watching stippled 0.1.0");
	emit_some(fake, first_pen(fake));
	wait_line(child, "SP-0001: state syncing");
	wait_line(child, "SP-0001/0000002a/7: session stored, start unknown, 5.0 s, 500 samples");
	wait_line(child, "SP-0001, epoch 0000002a, record 9: crc: The checksum does not hold. Fetch it again.");
	wait_line(child, "SP-0001: sync ended, 3 records, 0 damaged");
	wait_line(child, "radio: powered-off");
	assert_int_equal(private_child_stop(child, SIGINT, WAIT_MS), 0);
}

static void
monitor_tells_programs(void **state)
{
	Fake *fake = *state;
	PrivateChild *child = start(fake, "monitor", "--json", "--count=7");

	wait_line(child, "\"event\":\"ready\"");
	emit_some(fake, first_pen(fake));
	wait_line(child, "{\"pen\":\"SP-0001\",\"changed\":{\"state\":\"syncing\"},\"schema\":1,"
			 "\"event\":\"pen-changed\",\"time\":\"");
	wait_line(child, "\"event\":\"session-stored\"");
	wait_line(child, "\"event\":\"finding\"");
	wait_line(child, "\"event\":\"sync-ended\"");
	wait_line(child, "\"event\":\"radio-changed\"");
	fake_add_pen(fake, "SP-0002", "");
	wait_line(child, "\"event\":\"pen-added\"");
	fake_remove_pen(fake, "SP-0002");
	wait_line(child, "\"event\":\"pen-removed\"");
	assert_int_equal(private_child_stop(child, 0, WAIT_MS), 0);
}

static void
monitor_outlives_the_daemon(void **state)
{
	Fake *fake = *state;
	PrivateChild *child = start(fake, "monitor", "--json", NULL);

	wait_line(child, "\"event\":\"ready\"");
	fake_vanish(fake);
	wait_line(child, "\"event\":\"daemon-vanished\"");
	fake_appear(fake);
	wait_line(child, "\"event\":\"daemon-appeared\"");
	stp_dbus_pen1_emit_sync_ended(first_pen(fake), "The link was lost.", g_variant_new_parsed("@a{sv} {}"));
	wait_line(child, "\"error\":\"The link was lost.\"");
	assert_int_equal(private_child_stop(child, SIGTERM, WAIT_MS), 0);
}

/* A shell stands in for the program, so that its reader can go before it. */
static void
monitor_ends_with_its_reader(void **state)
{
	Fake *fake = *state;
	g_autofree char *script = g_strdup_printf("%s monitor | head -n 1; echo ${PIPESTATUS[0]}",
						  g_getenv("STIPPLECTL"));
	const char *argv[] = { "bash", "-c", script, NULL };
	PrivateChild *child = private_bus_spawn(fake->bus, argv, NULL);
	gboolean on = FALSE;

	wait_line(child, "watching stippled 0.1.0");
	/* It notices when it has something to say. */
	for (;;) {
		g_autofree char *line = private_child_wait_line(child, "0", 100);

		if (line) {
			assert_string_equal(line, "0");
			break;
		}
		on = !on;
		stp_dbus_pen1_set_state(first_pen(fake), on ? "idle" : "away");
		g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(first_pen(fake)));
	}
	assert_int_equal(private_child_stop(child, 0, WAIT_MS), 0);
}

/* With a stream closed, the socket of the bus must not take its place and get what is printed. */
static void
closed_streams(void **state)
{
	static const struct { const char *how, *codes; } cases[] = {
		{ "$0 pens list >&- 2>/dev/null; echo code=$?.", "code=1." },
		{ "$0 pens list 2>&- >/dev/null; echo code=$?.", "code=0." },
		{ "$0 pens show nobody 2>&-; echo code=$?.", "code=3." },
		{ "$0 pens list <&- >&- 2>&-; echo code=$?.", "code=1." },
	};
	Fake *fake = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *argv[] = { "bash", "-c", cases[i].how, g_getenv("STIPPLECTL"), NULL };
		PrivateChild *child = private_bus_spawn(fake->bus, argv, NULL);

		wait_line(child, cases[i].codes);
		assert_int_equal(strcspn(private_child_output(child), "\n"), strlen(cases[i].codes));
		assert_int_equal(private_child_stop(child, 0, WAIT_MS), 0);
	}
	const char *argv[] = { "bash", "-c", "exec $0 monitor <&- 2>&-", g_getenv("STIPPLECTL"), NULL };
	PrivateChild *child = private_bus_spawn(fake->bus, argv, NULL);

	wait_line(child, "watching stippled 0.1.0");
	for (int fd = 0; fd <= 2; fd += 2) {
		g_autofree char *link = g_strdup_printf("/proc/%d/fd/%d", (int)private_child_pid(child), fd);
		g_autofree char *target = g_file_read_link(link, NULL);

		assert_string_equal(target, "/dev/null");
	}
	assert_int_equal(private_child_stop(child, SIGTERM, WAIT_MS), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sync_tells_what_came), TEST(one_failing_pen_is_told_beside_the_others),
		TEST(sync_of_a_record_that_is_not_there), TEST(sync_without_waiting),
		TEST(p33_sync_of_what_was_chosen), TEST(interrupt_cancels_the_sync), TEST(daemon_that_dies_during_a_sync),
		TEST(monitor_tells_people), TEST(monitor_tells_programs), TEST(monitor_outlives_the_daemon),
		TEST(monitor_ends_with_its_reader), TEST(closed_streams),
	};

	return cmocka_run_group_tests_name("cli-streams", tests, NULL, NULL);
}
