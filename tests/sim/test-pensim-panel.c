/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* stipple-pensim beside the log: live frames, events, settings, the Pen Control Point, the clock. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/cartridge.h>
#include <stipple/diagnostics.h>
#include <stipple/gatt.h>
#include <stipple/live.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
#include <stipple/record.h>

#include "pensim-world.h"

static GBytes *
read_value(struct world *world, const char *uuid)
{
	g_autofree char *path = wait_characteristic(world, DEVICE, uuid);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = NULL, bytes = NULL;
	gsize size;
	gconstpointer data;

	answer = call(world, path, READ_VALUE, g_variant_new("(@a{sv})", no_options()), &error);
	assert_null(error);
	bytes = g_variant_get_child_value(answer, 0);
	data = g_variant_get_fixed_array(bytes, &size, 1);
	return g_bytes_new(data, size);
}

/* The newest value that a characteristic sent, and which of all it was. */
struct listener {
	char *path;
	guint subscription, count;
	guint8 bytes[STP_ATT_VALUE_MAX]; /* what is read shows up as a change, too */
	gsize size;
};

static void
value_came(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
	   const char *signal, GVariant *arguments, gpointer data)
{
	struct listener *listener = data;
	g_autoptr(GVariant) changed = g_variant_get_child_value(arguments, 1);
	g_autoptr(GVariant) value = g_variant_lookup_value(changed, "Value", G_VARIANT_TYPE("ay"));

	if (!value)
		return;
	gconstpointer bytes = g_variant_get_fixed_array(value, &listener->size, 1);

	assert_true(listener->size <= sizeof listener->bytes);
	memcpy(listener->bytes, bytes, listener->size);
	listener->count++;
}

static void
listen_to(struct world *world, struct listener *listener, const char *uuid)
{
	listener->path = wait_characteristic(world, DEVICE, uuid);
	listener->subscription = g_dbus_connection_signal_subscribe(
		world->central, "org.bluez", "org.freedesktop.DBus.Properties", "PropertiesChanged",
		listener->path, NULL, G_DBUS_SIGNAL_FLAGS_NONE, value_came, listener, NULL);
	call_well(world, listener->path, "org.bluez.GattCharacteristic1.StartNotify", NULL);
}

static void
stop_listening(struct world *world, struct listener *listener)
{
	g_dbus_connection_signal_unsubscribe(world->central, listener->subscription);
	g_free(listener->path);
}

static gboolean
has_heard(gpointer data)
{
	return ((struct listener *)data)->count > 0;
}

static void
hear(struct listener *listener)
{
	assert_true(private_wait(has_heard, listener, WAIT_MS));
	listener->count = 0;
}

static struct stp_panel_answer
ask_panel(struct world *world, struct listener *panel, const struct stp_panel_request *request)
{
	struct stp_panel_answer answer;
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_panel_request_encode(request, bytes, &size), STP_OK);
	panel->count = 0;
	call_well(world, panel->path, "org.bluez.GattCharacteristic1.WriteValue",
		  g_variant_new("(@ay@a{sv})", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1),
				no_options()));
	hear(panel);
	assert_int_equal(stp_panel_answer_decode(panel->bytes, panel->size, &answer), STP_OK);
	assert_int_equal(answer.op, request->op);
	assert_int_equal(answer.token, request->token);
	return answer;
}

static void
set_label(struct world *world, struct listener *panel)
{
	struct stp_panel_request request = { .op = STP_PANEL_CONFIG_SET, .token = 1,
		.u.config_set = { .revision = 1, .tag = STP_CONFIG_LABEL, .size = 6, .value = "room 2" } };
	struct listener settings = { 0 };
	struct stp_panel_answer answer;
	struct stp_config_item item;
	g_autoptr(GBytes) value = NULL;
	guint16 revision;

	listen_to(world, &settings, STP_UUID_CONFIGURATION);
	answer = ask_panel(world, panel, &request);
	assert_int_equal(answer.status, STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.config_set.revision, 2);
	hear(&settings);
	assert_int_equal(settings.size, 2);
	assert_memory_equal(settings.bytes, "\x02\x00", 2);
	/* What another host wants on the strength of the old revision is refused. */
	request.token = 2;
	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_WRONG_REVISION);
	value = read_value(world, STP_UUID_CONFIGURATION);
	assert_int_equal(stp_config_check(g_bytes_get_data(value, NULL), g_bytes_get_size(value), &revision),
			 STP_OK);
	assert_int_equal(revision, 2);
	assert_int_equal(stp_config_find(g_bytes_get_data(value, NULL), g_bytes_get_size(value),
					 STP_CONFIG_LABEL, &item), STP_OK);
	assert_memory_equal(item.value, "room 2", 6);
	stop_listening(world, &settings);
}

static void
name_went(GDBusConnection *bus, const char *sender, const char *path, const char *interface,
	  const char *signal, GVariant *arguments, gpointer data)
{
	g_autofree const char **gone = NULL;

	g_variant_get(arguments, "(&s@a{sv}^a&s)", NULL, NULL, &gone);
	if (g_strv_contains(gone, "LocalName"))
		*(char **)data = g_strdup(sender);
}

static gboolean
name_is_gone(gpointer data)
{
	return *(char **)data != NULL;
}

static void
hide_the_name(struct world *world, struct listener *panel)
{
	struct stp_panel_request request = { .op = STP_PANEL_CONFIG_SET, .token = 8,
		.u.config_set = { .revision = 2, .tag = STP_CONFIG_PRIVACY, .size = 1, .value = { 2 } } };
	g_autofree char *pensim = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) name = NULL, alias = NULL, value = NULL;
	const char *advert = "/org/stipple/pensim/hci1/advertisement0";
	guint subscription = g_dbus_connection_signal_subscribe(
		world->central, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged", advert, NULL,
		G_DBUS_SIGNAL_FLAGS_NONE, name_went, &pensim, NULL);

	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_SUCCESS);
	assert_true(private_wait(name_is_gone, &pensim, WAIT_MS));
	name = g_dbus_connection_call_sync(world->central, pensim, advert, "org.freedesktop.DBus.Properties",
					   "Get",
					   g_variant_new("(ss)", "org.bluez.LEAdvertisement1", "LocalName"), NULL,
					   G_DBUS_CALL_FLAGS_NONE, WAIT_MS, NULL, &error);
	assert_null(name);
	/* GAP would tell it to anybody who connects. */
	alias = call(world, "/org/bluez/hci1", "org.freedesktop.DBus.Properties.Get",
		     g_variant_new("(ss)", "org.bluez.Adapter1", "Alias"), NULL);
	assert_non_null(alias);
	g_variant_get(alias, "(v)", &value);
	assert_string_equal(g_variant_get_string(value, NULL), "Stipple");
	g_dbus_connection_signal_unsubscribe(world->central, subscription);
}

static void
restart(struct world *world, struct listener *panel, PrivateChild *pens)
{
	struct stp_panel_request request = { .op = STP_PANEL_REBOOT, .token = 9 };

	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_SUCCESS);
	expect(pens, "\"event\":\"reboot\"");
	expect(pens, "\"event\":\"disconnected\"");
}

static void
test_itself(struct world *world, struct listener *panel, PrivateChild *pens)
{
	struct stp_panel_request request = { .op = STP_PANEL_SELF_TEST_PREPARE, .token = 3 };
	struct listener events = { 0 };
	struct stp_panel_answer answer;
	struct stp_event_hint hint;

	listen_to(world, &events, STP_UUID_EVENT);
	answer = ask_panel(world, panel, &request);
	assert_int_equal(answer.status, STP_WIRE_SUCCESS);
	request = (struct stp_panel_request){ .op = STP_PANEL_SELF_TEST_RUN, .token = 4 };
	request.u.self_test_run.nonce = answer.u.self_test_prepare.nonce;
	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_NOT_CONFIRMED);
	expect(pens, "\"event\":\"button\"");
	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_SUCCESS);
	hear(&events);
	assert_int_equal(stp_event_hint_decode(events.bytes, events.size, &hint), STP_OK);
	assert_int_equal(hint.code, STP_EVENT_SELF_TEST);
	assert_int_equal(hint.arg, 0);
	/* The permission is used up. */
	request.token = 5;
	assert_int_equal(ask_panel(world, panel, &request).status, STP_WIRE_STALE);
	stop_listening(world, &events);
}

static void
set_clock(struct world *world)
{
	static const guint8 utc[] = { 0x2A, 0, 0x9C, 0x5D, 0xC5, 0xC4, 0, 1, 0 };
	static const guint8 tick[] = { 0x29, 0, 0x9C, 0x5D, 0xC5, 0xC4, 0, 1, 0 };
	g_autofree char *path = wait_characteristic(world, DEVICE, STP_UUID_CURRENT_ELAPSED_TIME);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) refused = NULL;

	call_well(world, path, "org.bluez.GattCharacteristic1.WriteValue",
		  g_variant_new("(@ay@a{sv})",
				g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, utc, sizeof utc, 1),
				no_options()));
	refused = call(world, path, "org.bluez.GattCharacteristic1.WriteValue",
		       g_variant_new("(@ay@a{sv})",
				     g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, tick, sizeof tick, 1),
				     no_options()), &error);
	assert_null(refused);
	assert_non_null(strstr(error->message, "0x81"));
}

static void
what_is_beside_the_log_is_served_too(void **state)
{
	struct world *world = *state;
	struct stp_panel_request identify = { .op = STP_PANEL_IDENTIFY, .token = 15,
		.u.identify.seconds = 7 };
	struct listener live = { 0 }, panel = { 0 };
	struct stp_counter counters[STP_COUNTERS_MAX];
	struct stp_cartridge cartridge;
	struct stp_live frame;
	g_autoptr(GBytes) tag = NULL, diagnostics = NULL;
	PrivateChild *pens;
	size_t count;

	start_fake(world, "2");
	pens = start_pens(world, "--open", "--attended", "--sessions", "0", NULL);
	expect(pens, "\"event\":\"started\",\"pens\":1");
	discover(world, "/org/bluez/hci0", DEVICE);
	call_well(world, DEVICE, "org.bluez.Device1.Connect", NULL);

	tag = read_value(world, STP_UUID_CARTRIDGE);
	assert_int_equal(stp_cartridge_decode(g_bytes_get_data(tag, NULL), g_bytes_get_size(tag), &cartridge),
			 STP_OK);
	assert_int_equal(cartridge.state, STP_CARTRIDGE_OK);
	listen_to(world, &live, STP_UUID_LIVE);
	hear(&live);
	assert_int_equal(stp_live_decode(live.bytes, live.size, &frame), STP_OK);
	assert_int_equal(frame.flags & STP_LIVE_MOTOR_ON, 0);

	listen_to(world, &panel, STP_UUID_PEN_CONTROL);
	assert_int_equal(ask_panel(world, &panel, &identify).status, STP_WIRE_SUCCESS);
	expect(pens, "\"event\":\"identify\",\"pen\":\"DP26-1001\",\"seconds\":7");
	set_label(world, &panel);
	hide_the_name(world, &panel);
	test_itself(world, &panel, pens);
	set_clock(world);
	diagnostics = read_value(world, STP_UUID_DIAGNOSTICS);
	assert_int_equal(stp_diagnostics_decode(g_bytes_get_data(diagnostics, NULL),
						g_bytes_get_size(diagnostics), counters, STP_COUNTERS_MAX,
						&count), STP_OK);
	assert_int_equal(counters[count - 1].id, STP_COUNTER_CLOCK_SETS);
	assert_int_equal(counters[count - 1].value, 1);
	restart(world, &panel, pens);
	stop_listening(world, &live);
	stop_listening(world, &panel);
	assert_int_equal(private_child_stop(pens, SIGTERM, WAIT_MS), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_beside_the_log_is_served_too, pensim_set_up,
						pensim_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
