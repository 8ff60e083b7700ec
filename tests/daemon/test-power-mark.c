/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* An adapter that a process of ours switched off and did not live to switch on again (P12, P14). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "await.h"
#include "bare-bluez.h"
#include "bluez-radio.h"
#include "bluez-timing.h"
#include "power-mark.h"
#include "private-bus.h"

#define A "00:AA:00:00:00:0A"
#define B "00:AA:00:00:00:0B"

struct world {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	BareBluez *bluez;
	StpRadio *radio;
	char *leases, *mark;
};

/* Two adapters; the first is off. */
static int
setup(void **state)
{
	struct world *world = g_new0(struct world, 1);

	world->bus = private_bus_new();
	assert_non_null(world->bus);
	world->theirs = private_bus_connect(world->bus, NULL);
	world->ours = private_bus_connect(world->bus, NULL);
	world->bluez = bare_bluez_new(world->theirs);
	world->leases = g_build_filename(private_bus_directory(world->bus), "run", NULL);
	assert_int_equal(g_mkdir(world->leases, 0700), 0);
	world->mark = stp_power_mark_path(world->leases, A);
	bare_bluez_plug(world->bluez, 0, A);
	bare_bluez_plug(world->bluez, 1, B);
	bare_bluez_power(world->bluez, 0, FALSE);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *world = *state;

	g_clear_pointer(&world->bluez, bare_bluez_free);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
	run_pending();
	g_assert_finalize_object(world->radio);
	g_clear_object(&world->ours);
	g_clear_object(&world->theirs);
	private_bus_free(world->bus);
	g_free(world->leases);
	g_free(world->mark);
	g_free(world);
	return 0;
}

static StpRadioState
state_of(struct world *world, const char *address)
{
	g_autoptr(GPtrArray) list = stp_radio_get_adapters(world->radio);

	for (guint i = 0; i < list->len; i++) {
		const StpAdapterReport *report = list->pdata[i];

		if (g_str_equal(report->address, address))
			return report->state;
	}
	return STP_RADIO_STARTING;
}

static void
start(struct world *world)
{
	const StpBluezRadioOptions options = { .lease_directory = world->leases };

	world->radio = stp_bluez_radio_new(world->ours, &options);
	stp_radio_start(world->radio);
	WAIT_FOR(state_of(world, B) == STP_RADIO_SCANNING);
}

static void
p12_killed_between_off_and_on(void **state)
{
	struct world *world = *state;

	stp_power_mark_put(world->mark);
	start(world);
	WAIT_FOR(state_of(world, A) == STP_RADIO_SCANNING);
	WAIT_FOR(!g_file_test(world->mark, G_FILE_TEST_EXISTS));
	/* From now on it is off when somebody wants it so. */
	bare_bluez_power(world->bluez, 0, FALSE);
	WAIT_FOR(state_of(world, A) == STP_RADIO_POWERED_OFF);
	bare_bluez_power(world->bluez, 1, FALSE);
	WAIT_FOR(state_of(world, B) == STP_RADIO_POWERED_OFF);
	assert_int_equal(state_of(world, A), STP_RADIO_POWERED_OFF);
}

/* Nobody but a person switched it off: whatever lies about, it stays off. */
static void
p12_what_a_person_switched_off_stays_off(void **state)
{
	struct world *world = *state;
	g_autofree char *run = NULL, *old = NULL;
	/* Of another run of the computer; of this one, but long ago, or not yet; none at all. */
	const char *texts[] = { "00000000-0000-0000-0000-000000000000 1\n", NULL, NULL, "", NULL };
	g_autofree char *early = NULL;

	assert_true(g_file_get_contents("/proc/sys/kernel/random/boot_id", &run, NULL, NULL));
	g_strstrip(run);
	early = g_strdup_printf("%s %" G_GINT64_FORMAT "\n", run,
				g_get_monotonic_time() - (STP_BLUEZ_POWER_OURS + 1000) * G_TIME_SPAN_MILLISECOND);
	old = g_strdup_printf("%s %" G_GINT64_FORMAT "\n", run, g_get_monotonic_time() + G_TIME_SPAN_HOUR);
	texts[1] = early;
	texts[2] = old;
	for (guint i = 0; i < 4; i++) {
		assert_true(g_file_set_contents(world->mark, texts[i], -1, NULL));
		assert_false(stp_power_mark_is_there(world->mark));
		assert_false(g_file_test(world->mark, G_FILE_TEST_EXISTS));
	}
	assert_true(g_file_set_contents(world->mark, early, -1, NULL));
	start(world);
	run_pending();
	assert_int_equal(state_of(world, A), STP_RADIO_POWERED_OFF);
	bare_bluez_power(world->bluez, 1, FALSE);
	WAIT_FOR(state_of(world, B) == STP_RADIO_POWERED_OFF);
	assert_int_equal(state_of(world, A), STP_RADIO_POWERED_OFF);
}

/* It was switched on meanwhile, and then off by somebody. */
static void
p12_a_mark_does_not_outlive_its_reason(void **state)
{
	struct world *world = *state;

	stp_power_mark_put(world->mark);
	bare_bluez_power(world->bluez, 0, TRUE);
	start(world);
	WAIT_FOR(state_of(world, A) == STP_RADIO_SCANNING);
	WAIT_FOR(!g_file_test(world->mark, G_FILE_TEST_EXISTS));
	bare_bluez_power(world->bluez, 0, FALSE);
	WAIT_FOR(state_of(world, A) == STP_RADIO_POWERED_OFF);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(p12_killed_between_off_and_on),
		CASE(p12_what_a_person_switched_off_stays_off),
		CASE(p12_a_mark_does_not_outlive_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
