/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "radio-world.h"

static void
on_sighting(StpRadio *radio, const StpSighting *sighting, struct world *world)
{
	world->sightings++;
	g_clear_pointer(&world->last, stp_sighting_free);
	world->last = stp_sighting_copy(sighting);
}

int
world_setup(void **state)
{
	struct world *world = g_new0(struct world, 1);

	world->bus = private_bus_new();
	assert_non_null(world->bus);
	world->theirs = private_bus_connect(world->bus, NULL);
	world->ours = private_bus_connect(world->bus, NULL);
	world->radio = stp_bluez_radio_new(world->ours, NULL);
	world->received = g_ptr_array_new_with_free_func(g_free);
	g_signal_connect(world->radio, "sighting", G_CALLBACK(on_sighting), world);
	*state = world;
	return 0;
}

int
world_setup_scanning(void **state)
{
	struct world *world;

	world_setup(state);
	world = *state;
	world->bluez = scripted_bluez_new(world->theirs);
	stp_radio_start(world->radio);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	return 0;
}

int
world_teardown(void **state)
{
	struct world *world = *state;

	/* Nothing may be left that holds the link or the radio. */
	run_pending();
	if (world->link != NULL)
		g_assert_finalize_object(world->link);
	g_assert_finalize_object(world->radio);
	g_clear_pointer(&world->bluez, scripted_bluez_free);
	g_clear_object(&world->ours);
	g_clear_object(&world->theirs);
	private_bus_free(world->bus);
	g_ptr_array_unref(world->received);
	g_clear_pointer(&world->last, stp_sighting_free);
	g_clear_error(&world->reason);
	g_free(world->kind);
	g_free(world);
	return 0;
}

static void
on_received(StpLink *link, int channel, GBytes *value, struct world *world)
{
	GString *text = g_string_new(stp_channel_name((StpChannel)channel));
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(text, " %02x", bytes[i]);
	g_ptr_array_add(world->received, g_string_free(text, FALSE));
}

static void
on_closed(StpLink *link, const GError *reason, struct world *world)
{
	world->closings++;
	g_clear_error(&world->reason);
	world->reason = g_error_copy(reason);
}

void
world_hear(struct world *world)
{
	scripted_bluez_advertise(world->bluez, 7);
	WAIT_FOR(world->last != NULL);
}

StpLink *
world_try_connect(struct world *world, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	return stp_radio_connect_finish(world->radio, result, error);
}

void
world_connect(struct world *world)
{
	g_autoptr(GError) error = NULL;

	world_hear(world);
	world->link = world_try_connect(world, &error);
	assert_null(error);
	assert_non_null(world->link);
	g_signal_connect(world->link, "received", G_CALLBACK(on_received), world);
	g_signal_connect(world->link, "closed", G_CALLBACK(on_closed), world);
}

gboolean
world_try_subscribe(struct world *world, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_subscribe_async(world->link, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	return stp_link_subscribe_finish(world->link, result, error);
}

void
world_subscribe(struct world *world)
{
	g_autoptr(GError) error = NULL;

	world_connect(world);
	if (!world_try_subscribe(world, &error))
		fail_msg("%s", error->message);
}

void
world_assert_received(struct world *world, guint index, const char *text)
{
	WAIT_FOR(world->received->len > index);
	assert_string_equal(world->received->pdata[index], text);
}

StpLinkFigures
world_figures(struct world *world)
{
	StpLinkFigures figures;

	stp_link_get_figures(world->link, &figures);
	return figures;
}

void
world_close(struct world *world)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_close_async(world->link, keep_result, &result);
	WAIT_FOR(result != NULL);
	assert_true(stp_link_close_finish(world->link, result, NULL));
}
