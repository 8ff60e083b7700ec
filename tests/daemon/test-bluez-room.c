/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* P11: how many connections an adapter carries at once, and what it is learned from. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "bare-bluez.h"
#include "bluez-ceiling.h"
#include "bluez-reach.h"
#include "bluez-timing.h"
#include "private-bus.h"

#define ADAPTER "00:AA:00:00:00:0A"
#define PEN "C0:00:00:00:00:01"
#define PEN_2 "C0:00:00:00:00:02"
#define PEN_3 "C0:00:00:00:00:03"
#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define MINUTE (60 * G_TIME_SPAN_SECOND)

static void
p11_the_ceiling_is_learned(void **state)
{
	StpBluezCeiling ceiling = stp_bluez_ceiling_new(0);

	assert_int_equal(ceiling.value, 3);
	assert_false(stp_bluez_ceiling_consider(&ceiling, 1000 * HOUR));
	assert_true(stp_bluez_ceiling_refused(&ceiling, 2, 1000 * HOUR));
	assert_int_equal(ceiling.value, 2);
	assert_false(stp_bluez_ceiling_consider(&ceiling, 1001 * HOUR - 1));
	assert_true(stp_bluez_ceiling_consider(&ceiling, 1001 * HOUR));
	assert_int_equal(ceiling.value, 3);
	/* Refused again: twice as long. */
	assert_true(stp_bluez_ceiling_refused(&ceiling, 2, 1001 * HOUR));
	assert_false(stp_bluez_ceiling_consider(&ceiling, 1002 * HOUR));
	assert_true(stp_bluez_ceiling_consider(&ceiling, 1003 * HOUR));
	/* Carried: the next refusal is a first one again. */
	stp_bluez_ceiling_carried(&ceiling, 3);
	assert_true(stp_bluez_ceiling_refused(&ceiling, 1, 2000 * HOUR));
	assert_int_equal(ceiling.value, 1);
	assert_true(stp_bluez_ceiling_consider(&ceiling, 2001 * HOUR));
	assert_int_equal(ceiling.value, 2);
	/* Never none, never more than at first, and not for ever. */
	assert_true(stp_bluez_ceiling_refused(&ceiling, 0, 2001 * HOUR));
	assert_int_equal(ceiling.value, 1);
	assert_false(stp_bluez_ceiling_refused(&ceiling, 5, 2001 * HOUR));
	ceiling = stp_bluez_ceiling_restore(0, 4000000000, 0);
	assert_int_equal(ceiling.value, 1);
	assert_true(stp_bluez_ceiling_consider(&ceiling, 24 * HOUR));
}

static void
p11_one_pen_alone_lowers_nothing(void **state)
{
	StpBluezCeiling ceiling = stp_bluez_ceiling_new(0);

	/* However often. */
	for (gint64 now = HOUR; now < 2 * HOUR; now += MINUTE)
		assert_false(stp_bluez_ceiling_suspect(&ceiling, PEN, 1, now));
	assert_true(stp_bluez_ceiling_suspect(&ceiling, PEN_2, 1, 2 * HOUR));
	/* It takes two each time. */
	assert_false(stp_bluez_ceiling_suspect(&ceiling, PEN_2, 1, 2 * HOUR));
	/* Long ago is no evidence. */
	assert_false(stp_bluez_ceiling_suspect(&ceiling, PEN, 1, 3 * HOUR));
	/* That one link came up in the place of another is none against it. */
	stp_bluez_ceiling_carried(&ceiling, 1);
	assert_true(stp_bluez_ceiling_suspect(&ceiling, PEN_2, 1, 3 * HOUR));
	/* One more did, and so there was room. */
	assert_false(stp_bluez_ceiling_suspect(&ceiling, PEN, 1, 3 * HOUR));
	stp_bluez_ceiling_carried(&ceiling, 2);
	assert_false(stp_bluez_ceiling_suspect(&ceiling, PEN_2, 2, 3 * HOUR));
	assert_int_equal(ceiling.value, 3);
}

/* ---- with an adapter ---- */

/* A link that is up. */
struct _IdleLink {
	GObject parent;
};

G_DECLARE_FINAL_TYPE(IdleLink, idle_link, IDLE, LINK, GObject)

static const char *
idle_link_get_address(StpLink *link)
{
	return PEN_3;
}

static void
idle_link_as_link(StpLinkInterface *interface)
{
	interface->get_address = idle_link_get_address;
}

G_DEFINE_FINAL_TYPE_WITH_CODE(IdleLink, idle_link, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_LINK, idle_link_as_link))

static void
idle_link_class_init(IdleLinkClass *class)
{
}

static void
idle_link_init(IdleLink *self)
{
}

static void
take_slot(gpointer data)
{
	*(gboolean *)data = TRUE;
}

/* All that is asked is refused at once, until so many have ended. */
static void
refuse_until(BareBluez *bluez, GAsyncResult **first, GAsyncResult **second, int ended)
{
	while ((*first != NULL) + (*second != NULL) < ended) {
		WAIT_FOR((*first != NULL) + (*second != NULL) >= ended || bare_bluez_waits(bluez) != NULL);
		if (bare_bluez_waits(bluez) != NULL)
			bare_bluez_refuse(bluez, "Failed", "le-connection-abort-by-local");
	}
}

static StpError
error_of(StpBluezClient *client, GAsyncResult *result)
{
	g_autoptr(GError) error = NULL;
	gint64 budget;

	assert_null(stp_bluez_reach_finish(client, result, &budget, &error));
	assert_int_equal(error->domain, STP_ERROR);
	return (StpError)error->code;
}

static void
p11_two_pens_that_are_refused_find_it_full(void **state)
{
	PrivateBus *bus = private_bus_new();
	g_autoptr(GDBusConnection) theirs = private_bus_connect(bus, NULL);
	g_autoptr(GDBusConnection) ours = private_bus_connect(bus, NULL);
	BareBluez *bluez = bare_bluez_new(theirs);
	StpBluezClient *client = stp_bluez_client_new(ours);
	StpRadioMemory *memory = stp_radio_memory_new(NULL);
	StpBluezStation *station = stp_bluez_station_new(client, ADAPTER, NULL, memory);
	g_autoptr(GAsyncResult) first = NULL, second = NULL;
	gint64 budget = STP_BLUEZ_CONNECT_ALL * G_TIME_SPAN_MILLISECOND;
	gboolean has_slot = FALSE, was_first;
	StpLink *link = g_object_new(idle_link_get_type(), NULL);

	bare_bluez_plug(bluez, 0, ADAPTER);
	stp_bluez_client_start(client);
	stp_bluez_station_start(station);
	WAIT_FOR(stp_bluez_station_is_usable(station));
	bare_bluez_hear(bluez, 0, PEN, -60, FALSE);
	bare_bluez_hear(bluez, 0, PEN_2, -60, FALSE);
	stp_bluez_station_enter_slot(station, take_slot, &has_slot);
	WAIT_FOR(has_slot);
	stp_bluez_station_hand_slot_to(station, link);

	/* They take turns; the last refusal of the first says nothing, that of the second does. */
	stp_bluez_reach_async(client, station, PEN, budget, NULL, keep_result, &first);
	stp_bluez_reach_async(client, station, PEN_2, budget, NULL, keep_result, &second);
	refuse_until(bluez, &first, &second, 1);
	was_first = first != NULL;
	assert_int_equal(error_of(client, was_first ? first : second), STP_ERROR_LINK_FAILED);
	assert_int_equal(stp_bluez_station_get_ceiling(station), STP_BLUEZ_SLOTS);
	refuse_until(bluez, &first, &second, 2);
	assert_int_equal(error_of(client, was_first ? second : first), STP_ERROR_NO_SLOT);
	assert_int_equal(stp_bluez_station_get_ceiling(station), 1);

	g_object_unref(link);
	bare_bluez_free(bluez);
	run_pending();
	g_clear_object(&first);
	g_clear_object(&second);
	g_object_unref(station);
	g_object_unref(client);
	stp_radio_memory_free(memory);
	private_bus_free(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p11_the_ceiling_is_learned),
		cmocka_unit_test(p11_one_pen_alone_lowers_nothing),
		cmocka_unit_test(p11_two_pens_that_are_refused_find_it_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
