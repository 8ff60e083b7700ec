/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake-service.h"

/* Whatever goes wrong: one sentence with the next step, and the documented exit code. */

static const struct {
	const char *error;
	int code;
	const char *word, *sentence, *hint;
} errors[] = {
	{ "org.stipple1.Error.InvalidArgument", 64, "invalid-argument", "does not take these arguments", "help" },
	{ "org.stipple1.Error.NotFound", 3, "not-found", "no such pen or session", "sessions list" },
	{ "org.stipple1.Error.Denied", 5, "denied", "does not let you", "group" },
	{ "org.stipple1.Error.Busy", 1, "busy", "under way", "Try again" },
	{ "org.stipple1.Error.NoAdapter", 1, "no-adapter", "no usable Bluetooth adapter", "Plug one in" },
	{ "org.stipple1.Error.NoBluetooth", 1, "no-bluetooth", "Bluetooth service does not run", "systemctl" },
	{ "org.stipple1.Error.LinkFailed", 1, "link-failed", "link to the pen failed", "closer" },
	{ "org.stipple1.Error.PairingFailed", 1, "pairing-failed", "could not be paired", "button" },
	{ "org.stipple1.Error.ProtocolFailed", 1, "protocol-failed", "protocol", "report" },
	{ "org.stipple1.Error.StoreFailed", 1, "store-failed", "store cannot be", "journalctl" },
	{ "org.stipple1.Error.StoreFull", 1, "store-full", "no room", "Free some space" },
	{ "org.stipple1.Error.Incomplete", 6, "incomplete", "missing", "sync" },
	{ "org.stipple1.Error.Cancelled", 1, "cancelled", "cancelled", "again" },
	{ "org.stipple1.Error.NoSlot", 1, "no-slot", "connection", "second adapter" },
	{ "org.stipple1.Error.PenForgotBond", 1, "pen-forgot-bond", "does not know this host", "pens repair" },
	{ "org.stipple1.Error.HostLostBond", 1, "host-lost-bond", "lost its key", "pens repair" },
	{ "org.stipple1.Error.NoBond", 1, "no-bond", "not paired", "pens repair" },
	{ "org.stipple1.Error.NoRoomForBond", 1, "no-room-for-bond", "list of hosts is full", "Delete a host" },
	{ "org.stipple1.Error.BondTooWeak", 1, "bond-too-weak", "without a code", "pens repair" },
	{ "org.freedesktop.DBus.Error.AccessDenied", 5, "denied", "does not let you", "group" },
	{ "org.freedesktop.DBus.Error.ServiceUnknown", 4, "no-daemon", "does not run", "systemctl start" },
	{ "org.freedesktop.DBus.Error.NameHasNoOwner", 4, "no-daemon", "does not run", "systemctl start" },
	{ "org.freedesktop.DBus.Error.Spawn.ExecFailed", 4, "no-daemon", "does not run", "journalctl" },
	{ "org.freedesktop.systemd1.NoSuchUnit", 4, "no-daemon", "does not run", "systemctl start" },
	{ "org.freedesktop.DBus.Error.NoReply", 4, "timeout", "did not answer", "systemctl status" },
	{ "org.freedesktop.DBus.Error.TimedOut", 4, "timeout", "did not start", "systemctl" },
	{ "org.freedesktop.DBus.Error.Disconnected", 4, "no-bus", "bus went away", "dbus" },
	{ "org.freedesktop.DBus.Error.UnknownMethod", 1, "unknown-call", "does not know this call", "Restart" },
	{ "org.example.Strange", 1, "failed", "", "journalctl" },
};

static int
setup(void **state)
{
	*state = fake_new();
	fake_add_pen(*state, "SP-0001", "");
	return 0;
}

static int
teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void
check_one(Fake *fake, size_t index)
{
	g_autofree char *word = g_strdup_printf("\"error\":{\"code\":\"%s\",", errors[index].word);

	fake->fail_error = errors[index].error;
	fake->fail_message = "";

	g_auto(Outcome) text = fake_run(fake, NULL, "sessions list");
	g_auto(Outcome) json = fake_run(fake, NULL, "sessions list --json");

	if (text.code != errors[index].code || json.code != errors[index].code)
		fail_msg("%s: exit codes %d and %d, wanted %d", errors[index].error, text.code, json.code,
			 errors[index].code);
	assert_string_equal(text.out, "");
	assert_true(g_str_has_prefix(text.err, "stipplectl: "));
	assert_non_null(strstr(text.err, errors[index].sentence));
	assert_non_null(strstr(text.err, errors[index].hint));
	assert_int_equal(strchr(text.err, '\n') - text.err, (long)strlen(text.err) - 1);
	if (!strstr(json.out, word))
		fail_msg("%s: %s", errors[index].error, json.out);
	assert_string_equal(json.err, "");
}

static void
every_error_has_code_and_sentence(void **state)
{
	Fake *fake = *state;

	fake->fail_method = "ListSessions";
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
		check_one(fake, i);
}

/* The daemon knows more than we do: what it says goes before what we would. */
static void
words_of_the_daemon_come_first(void **state)
{
	Fake *fake = *state;

	fake->fail_method = "ListSessions";
	fake->fail_error = "org.stipple1.Error.StoreFailed";
	fake->fail_message = "The database was set aside. Restore the backup.";
	g_auto(Outcome) hinted = fake_run(fake, NULL, "sessions list");

	assert_string_equal(hinted.err, "stipplectl: The database was set aside. Restore the backup.\n");
	/* Two hints could contradict each other: the daemon's is the only one. */
	g_auto(Outcome) once = fake_run(fake, NULL, "sessions list --json");

	assert_non_null(strstr(once.out, "\"message\":\"The database was set aside.\",\"hint\":\"Restore the backup.\"}"));
	fake->fail_message = "The database was set aside.  Restore the backup.";
	g_auto(Outcome) apart = fake_run(fake, NULL, "sessions list --json"), people = fake_run(fake, NULL, "sessions list");

	assert_non_null(strstr(apart.out, "\"message\":\"The database was set aside.\",\"hint\":\"Restore the backup.\"}"));
	assert_string_equal(people.err, hinted.err);
	fake->fail_message = "the disk is on fire\033[2J";
	g_auto(Outcome) bare = fake_run(fake, NULL, "sessions list");

	assert_true(g_str_has_prefix(bare.err, "stipplectl: The disk is on fire?[2J. 'stipplectl status'"));
}

static void
same_words_everywhere(void **state)
{
	static const struct { const char *method, *words; } calls[] = {
		{ "GetSession", "sessions show x" },	{ "OpenSession", "sessions export x" },
		{ "GetCoverage", "coverage" },		{ "ListSightings", "pens add" },
		{ "AddPen", "pens add 9" },		{ "RemovePen", "pens remove SP-0001" },
		{ "Sync", "sync SP-0001" },		{ "Sync", "sync SP-0001 --no-wait" },
		{ "SyncAll", "sync --no-wait" },
	};
	Fake *fake = *state;

	fake->fail_error = "org.stipple1.Error.Denied";
	fake->fail_message = "Only members of the group stipple may do this. Ask the administrator.";
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		fake->fail_method = calls[i].method;
		g_auto(Outcome) outcome = fake_run(fake, NULL, calls[i].words);

		if (outcome.code != 5 || !strstr(outcome.err, "Ask the administrator.\n"))
			fail_msg("%s: exit code %d\n%s", calls[i].words, outcome.code, outcome.err);
	}
}

static const char *const all_commands[] = {
	"status", "pens list", "pens show x", "pens add", "pens add x", "pens remove x", "sessions list",
	"sessions show x", "sessions export x", "sync", "coverage", "monitor",
};

static void
no_bus(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(all_commands); i++) {
		g_auto(Outcome) outcome = fake_run(NULL, NULL, all_commands[i]);

		assert_int_equal(outcome.code, 4);
		assert_string_equal(outcome.err, "stipplectl: There is no system bus to reach stippled on. "
						 "Start dbus, or set DBUS_SYSTEM_BUS_ADDRESS.\n");
	}
}

static void
no_daemon(void **state)
{
	Fake *fake = *state;

	fake_vanish(fake);
	for (size_t i = 0; i < G_N_ELEMENTS(all_commands); i++) {
		g_auto(Outcome) outcome = fake_run(fake, NULL, all_commands[i]);

		assert_int_equal(outcome.code, 4);
		assert_true(g_str_has_prefix(outcome.err, "stipplectl: stippled does not run. Start it with "));
	}
	g_auto(Outcome) json = fake_run(fake, NULL, "pens list --json");

	assert_int_equal(json.code, 4);
	assert_true(g_str_has_prefix(json.out, "{\"schema\":1,\"error\":{\"code\":\"no-daemon\","));
}

static void
output_that_cannot_be_written(void **state)
{
	Fake *fake = *state;
	g_autofree char *program = g_strdup(g_getenv("STIPPLECTL"));
	g_autofree char *into_full = g_strdup_printf("-c '%s status > /dev/full'", program);

	g_setenv("STIPPLECTL", "sh", TRUE);
	g_auto(Outcome) outcome = fake_run(fake, NULL, into_full);
	g_setenv("STIPPLECTL", program, TRUE);

	assert_int_equal(outcome.code, 1);
	assert_string_equal(outcome.err, "stipplectl: Standard output could not be written: No space left on "
					 "device. Make room or write elsewhere, then run it again.\n");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_error_has_code_and_sentence), TEST(words_of_the_daemon_come_first),
		TEST(same_words_everywhere), TEST(no_bus), TEST(no_daemon), TEST(output_that_cannot_be_written),
	};

	return cmocka_run_group_tests_name("cli-errors", tests, NULL, NULL);
}
