/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What an adapter has heard is remembered within bounds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "bare-bluez.h"
#include "bluez-radio.h"
#include "bluez-timing.h"
#include "private-bus.h"

#define A "00:AA:00:00:00:0A"
#define PEN "C0:00:00:00:00:01"

struct world {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	BareBluez *bluez;
	StpRadio *radio;
};

static int
setup(void **state)
{
	const char *const adapters[] = { A, NULL };
	const StpBluezRadioOptions options = { .adapters = adapters };
	struct world *world = g_new0(struct world, 1);

	world->bus = private_bus_new();
	assert_non_null(world->bus);
	world->theirs = private_bus_connect(world->bus, NULL);
	world->ours = private_bus_connect(world->bus, NULL);
	world->bluez = bare_bluez_new(world->theirs);
	bare_bluez_plug(world->bluez, 0, A);
	world->radio = stp_bluez_radio_new(world->ours, &options);
	stp_radio_start(world->radio);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
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
	g_free(world);
	return 0;
}

static gboolean
hears(struct world *world, const char *pen, gint16 rssi)
{
	g_autoptr(GPtrArray) list = stp_radio_get_sightings(world->radio);

	for (guint i = 0; i < list->len; i++) {
		const StpSighting *sighting = list->pdata[i];

		if (g_str_equal(sighting->address, pen) && sighting->rssi == rssi)
			return TRUE;
	}
	return FALSE;
}

static guint
count_heard(struct world *world)
{
	g_autoptr(GPtrArray) list = stp_radio_get_sightings(world->radio);

	return list->len;
}

/* Addresses cost nothing: neither memory nor time grow with them, and a pen with a key is not lost among them. */
static void
ten_thousand_addresses_are_not_kept(void **state)
{
	struct world *world = *state;
	char last[18] = "";

	bare_bluez_hear(world->bluez, 0, PEN, -50, TRUE);
	WAIT_FOR(hears(world, PEN, -50));
	for (guint i = 0; i < 10000; i++) {
		g_autofree char *before = g_strdup(last);

		g_snprintf(last, sizeof(last), "D0:00:00:00:%02X:%02X", i >> 8, i & 0xff);
		bare_bluez_hear(world->bluez, 0, last, -70, FALSE);
		/* As BlueZ does with what nobody connects to; some it still has. */
		if (i % 8 != 0 && *before != '\0')
			bare_bluez_forget(world->bluez, 0, before);
		if (i % 100 == 99) {
			WAIT_FOR(hears(world, last, -70));
			assert_true(count_heard(world) <= STP_BLUEZ_SIGHTINGS_MOST);
		}
	}
	assert_true(count_heard(world) > STP_BLUEZ_SIGHTINGS_MOST / 2);
	assert_true(hears(world, PEN, -50));
	/* One that was left out is a pen like any other when it is heard again. */
	bare_bluez_hear(world->bluez, 0, "D0:00:00:00:00:01", -42, FALSE);
	WAIT_FOR(hears(world, "D0:00:00:00:00:01", -42));
	/* And the one with a key does not go with its object: bluetoothd may be back in a moment. */
	bare_bluez_forget(world->bluez, 0, PEN);
	for (guint i = 0; i < 2 * STP_BLUEZ_SIGHTINGS_MOST; i++) {
		g_snprintf(last, sizeof(last), "D1:00:00:00:%02X:%02X", i >> 8, i & 0xff);
		bare_bluez_hear(world->bluez, 0, last, -70, FALSE);
	}
	WAIT_FOR(hears(world, last, -70));
	assert_true(hears(world, PEN, -50));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ten_thousand_addresses_are_not_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
