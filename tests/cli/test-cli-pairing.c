/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake-service.h"

/* pens add: the user, or what stands in for the user, in the middle of the pairing. */

#define ADDED "Pen SP-0009 is enrolled; its records are collected from now on.\n"

static int
setup(void **state)
{
	Fake *fake = fake_new();

	fake->pairing = "enter-passkey";
	fake->passkey = 4711;
	*state = fake;
	return 0;
}

static int
teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static gboolean
was_called(Fake *fake, const char *call)
{
	for (guint i = 0; i < fake->calls->len; i++) {
		if (!strcmp(fake->calls->pdata[i], call))
			return TRUE;
	}
	return FALSE;
}

static void
code_from_the_command_line(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) outcome = fake_run(fake, NULL, "pens add 0009 --passkey=004711 --label 'Room 9' --timeout=5");

	assert_int_equal(outcome.code, 0);
	assert_string_equal(outcome.out, ADDED);
	assert_true(g_str_has_prefix(outcome.err, "Hold the button of the pen"));
	assert_true(was_called(fake, "AddPen('0009', {'label': <'Room 9'>, 'timeout': <uint32 5>})"));
	assert_true(was_called(fake, "AnswerPairing(17, true, 4711)"));
}

static void
code_from_standard_input(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) outcome = fake_run(fake, "004 711\n", "pens add 0009 --passkey=- --json");

	assert_int_equal(outcome.code, 0);
	assert_true(g_str_has_prefix(outcome.out, "{\"schema\":1,\"pen\":{\"serial\":\"SP-0009\","));
}

static void
wrong_code(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) outcome = fake_run(fake, "123456\n", "pens add 0009");

	assert_int_equal(outcome.code, 1);
	assert_non_null(strstr(outcome.err, "Type the six digits that pen 0009 (Pen 9) shows: "));
	assert_non_null(strstr(outcome.err, "stipplectl: The code was wrong. Open the pairing at the pen"));
}

static void
no_code(void **state)
{
	Fake *fake = *state;
	g_auto(Outcome) ended = fake_run(fake, "", "pens add 0009");

	assert_int_equal(ended.code, 1);
	assert_non_null(strstr(ended.err, "No code was given: standard input ended."));
	assert_true(was_called(fake, "AnswerPairing(17, false, 0)"));

	g_auto(Outcome) nonsense = fake_run(fake, "four\n", "pens add 0009");

	assert_int_equal(nonsense.code, 1);
	assert_non_null(strstr(nonsense.err, "The code given is not six digits."));

	g_auto(Outcome) usage = fake_run(fake, NULL, "pens add 0009 --passkey=1234567");

	assert_int_equal(usage.code, 64);
}

static void
comparing(void **state)
{
	static const struct { const char *input, *words; int code; } cases[] = {
		{ "y\n", "pens add 0009", 0 },
		{ "n\n", "pens add 0009", 1 },
		{ "", "pens add 0009", 1 },
		{ NULL, "pens add 0009 --yes", 0 },
		{ NULL, "pens add 0009 --passkey=4711", 0 },
		{ NULL, "pens add 0009 --passkey=4712", 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fake *fake = *state;

		fake->pairing = "confirm-passkey";
		g_auto(Outcome) outcome = fake_run(fake, cases[i].input, cases[i].words);

		if (outcome.code != cases[i].code)
			fail_msg("%s: exit code %d\n%s%s", cases[i].words, outcome.code, outcome.out, outcome.err);
		if (!i)
			assert_non_null(strstr(outcome.err, "Does pen 0009 (Pen 9) show 004711? [y/n] "));
		fake_remove_pen(fake, "SP-0009");
	}
}

static void
unknown_ways_are_refused(void **state)
{
	Fake *fake = *state;

	fake->pairing = "touch-nose";
	g_auto(Outcome) outcome = fake_run(fake, NULL, "pens add 0009");
	assert_int_equal(outcome.code, 1);
	assert_non_null(strstr(outcome.err, "a way this version does not know"));
}

/* ---- on a terminal ---- */

struct session {
	GSubprocess *process;
	gboolean ended;
};

static void
on_ended(GObject *source, GAsyncResult *result, gpointer data)
{
	((struct session *)data)->ended = g_subprocess_wait_finish(G_SUBPROCESS(source), result, NULL);
}

static gboolean
has_ended(gpointer data)
{
	return ((struct session *)data)->ended;
}

/* Run with a terminal as standard input, on which all of this is typed beforehand. */
static int
run_on_terminal(Fake *fake, const char *typed, const char *verb)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	struct session session = { 0 };
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
	g_subprocess_launcher_take_stdin_fd(launcher, slave);
	g_subprocess_launcher_setenv(launcher, "DBUS_SYSTEM_BUS_ADDRESS", private_bus_address(fake->bus), TRUE);
	session.process = g_subprocess_launcher_spawn(launcher, NULL, g_getenv("STIPPLECTL"), "pens", verb, "0009",
						      strcmp(verb, "remove") ? NULL : "--force", NULL);
	assert_non_null(session.process);
	g_subprocess_wait_async(session.process, NULL, on_ended, &session);
	assert_true(private_wait(has_ended, &session, 30000));

	int code = g_subprocess_get_exit_status(session.process);

	g_object_unref(session.process);
	close(master);
	return code;
}

static void
a_slip_is_asked_again(void **state)
{
	Fake *fake = *state;

	assert_int_equal(run_on_terminal(fake, "47l1\n004711\n", "add"), 0);
	assert_true(was_called(fake, "AnswerPairing(17, true, 4711)"));
}

static void
force_is_asked_about(void **state)
{
	Fake *fake = *state;

	fake_add_pen(fake, "SP-0009", "");
	assert_int_equal(run_on_terminal(fake, "n\n", "remove"), 2);
	assert_int_equal(fake->calls->len, 0);
	assert_int_equal(run_on_terminal(fake, "y\n", "remove"), 0);
	assert_true(was_called(fake, "RemovePen('SP-0009', true)"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(code_from_the_command_line), TEST(code_from_standard_input), TEST(wrong_code), TEST(no_code),
		TEST(comparing), TEST(unknown_ways_are_refused), TEST(a_slip_is_asked_again),
		TEST(force_is_asked_about),
	};

	return cmocka_run_group_tests_name("cli-pairing", tests, NULL, NULL);
}
