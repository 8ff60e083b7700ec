/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Whatever goes away in whatever state: what was under way ends, and everything works again (P14). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "radio-world.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <unistd.h>

/* ---- the states ---- */

enum state { SCANNING_ONLY, IN_SIGHT, CONNECTING, RESOLVING, PAIRING, CONNECTED, SUBSCRIBED, TRANSFER, DISCONNECTING,
	     STATE_COUNT };

static const char *const states[] = { "scanning", "in sight", "connecting", "resolving", "pairing", "connected",
				      "subscribed", "transfer", "disconnecting" };

static void
on_ask(guint request, const char *pen, const char *kind, guint32 passkey, gpointer user_data)
{
	((struct world *)user_data)->request = request;
}

static void
subscribe(struct world *world)
{
	g_autoptr(GAsyncResult) result = NULL;

	stp_link_subscribe_async(world->link, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	assert_true(stp_link_subscribe_finish(world->link, result, NULL));
}

/* What is under way then ends by result; NULL: nothing is. */
static void
go_to(struct world *world, enum state state, GAsyncResult **result)
{
	if (state == SCANNING_ONLY)
		return;
	world_hear(world);
	switch (state) {
	case CONNECTING:
		scripted_bluez_fail(world->bluez, "Connect", NULL, NULL);
		stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, result);
		WAIT_FOR(scripted_bluez_calls(world->bluez, "Connect") == 1);
		return;
	case RESOLVING:
		scripted_bluez_hold_services(world->bluez);
		stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, result);
		WAIT_FOR(scripted_bluez_is_connected(world->bluez));
		return;
	case PAIRING:
		stp_radio_pair_async(world->radio, SCRIPTED_PEN, on_ask, world, NULL, keep_result, result);
		WAIT_FOR(world->request != 0);
		return;
	case CONNECTED:
	case SUBSCRIBED:
	case TRANSFER:
	case DISCONNECTING:
		world_connect(world);
		break;
	case SCANNING_ONLY:
	case IN_SIGHT:
	case STATE_COUNT:
		return;
	}
	if (state == CONNECTED)
		return;
	subscribe(world);
	if (state == TRANSFER) {
		scripted_bluez_notify(world->bluez, "\1\2", 2);
		WAIT_FOR(world->received->len == 1);
	} else if (state == DISCONNECTING) {
		scripted_bluez_fail(world->bluez, "Disconnect", NULL, NULL);
		stp_link_close_async(world->link, keep_result, result);
		WAIT_FOR(scripted_bluez_calls(world->bluez, "Disconnect") > 0);
	}
}

/* ---- afterwards ---- */

static guint
links_in_use(struct world *world)
{
	g_autoptr(GPtrArray) list = stp_radio_get_adapters(world->radio);
	guint links = 0;

	for (guint i = 0; i < list->len; i++)
		links += ((StpAdapterReport *)list->pdata[i])->links + ((StpAdapterReport *)list->pdata[i])->waiting;
	return links;
}

/* No link, no turn and no right is left behind, and a connection with all that belongs to it works. */
static void
all_is_well(struct world *world, enum state state, GAsyncResult **result)
{
	gboolean had_link = world->link != NULL;

	WAIT_FOR(!had_link || world->closings == 1);
	WAIT_FOR(state < CONNECTING || (state > PAIRING && state != DISCONNECTING) || *result != NULL);
	g_clear_object(result);
	g_clear_object(&world->link);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	WAIT_FOR(links_in_use(world) == 0);
	scripted_bluez_release_services(world->bluez);
	world_connect(world);
	subscribe(world);
	assert_int_equal(links_in_use(world), 1);
}

static void
in_every_state(void (*happens)(struct world *world))
{
	for (enum state state = 0; state < STATE_COUNT; state++) {
		g_autoptr(GAsyncResult) result = NULL;
		struct world *world;
		void *slot;

		print_message("  %s\n", states[state]);
		world_setup_scanning(&slot);
		world = slot;
		go_to(world, state, &result);
		happens(world);
		all_is_well(world, state, &result);
		world_teardown(&slot);
	}
}

/* ---- what happens ---- */

static void
kill_bluetoothd(struct world *world)
{
	scripted_bluez_stop(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
	scripted_bluez_start(world->bluez);
}

static void
unplug(struct world *world)
{
	scripted_bluez_unplug(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_ADAPTER);
	scripted_bluez_plug(world->bluez, 2);
}

static void
switch_off(struct world *world)
{
	scripted_bluez_set_powered(world->bluez, FALSE);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_POWERED_OFF);
	scripted_bluez_set_powered(world->bluez, TRUE);
}

static void
p14_bluetoothd_is_killed_in_every_state(void **state)
{
	in_every_state(kill_bluetoothd);
}

static void
p14_the_adapter_is_replugged_in_every_state(void **state)
{
	in_every_state(unplug);
}

static void
p14_the_adapter_is_switched_off_in_every_state(void **state)
{
	in_every_state(switch_off);
}

/* ---- sleep ---- */

static const char logind_xml[] = "<node><interface name='org.freedesktop.login1.Manager'><method name='Inhibit'>"
				 "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
				 "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
				 "<arg type='h' direction='out'/></method></interface></node>";

/* A logind with one inhibitor; held until its holder closes it. */
struct logind {
	int fd;		/* our end; -1: nobody asked */
	guint asked;
	GDBusNodeInfo *node;
	guint object, name;
};

static void
on_inhibit(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
	   const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer user_data)
{
	struct logind *logind = user_data;
	g_autoptr(GUnixFDList) list = NULL;
	const char *what, *mode;
	int ends[2];

	g_variant_get(arguments, "(&s&s&s&s)", &what, NULL, NULL, &mode);
	assert_string_equal(what, "sleep");
	assert_string_equal(mode, "delay");
	assert_true(g_unix_open_pipe(ends, FD_CLOEXEC, NULL));
	logind->fd = ends[0];
	logind->asked++;
	list = g_unix_fd_list_new_from_array(&ends[1], 1);
	g_dbus_method_invocation_return_value_with_unix_fd_list(invocation, g_variant_new("(h)", 0), list);
}

/* End of file: every other end of the pipe is closed. */
static gboolean
on_released(int fd, GIOCondition condition, gpointer user_data)
{
	struct logind *logind = user_data;

	close(fd);
	logind->fd = -1;
	return G_SOURCE_REMOVE;
}

static void
prepare_for_sleep(struct world *world, gboolean begins)
{
	g_dbus_connection_emit_signal(world->theirs, NULL, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
				      "PrepareForSleep", g_variant_new("(b)", begins), NULL);
}

static void
logind_begin(struct world *world, struct logind *logind)
{
	static const GDBusInterfaceVTable table = { .method_call = on_inhibit };

	*logind = (struct logind){ .fd = -1, .node = g_dbus_node_info_new_for_xml(logind_xml, NULL) };
	logind->object = g_dbus_connection_register_object(world->theirs, "/org/freedesktop/login1",
							   logind->node->interfaces[0], &table, logind, NULL, NULL);
	logind->name = g_bus_own_name_on_connection(world->theirs, "org.freedesktop.login1",
						    G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
}

static void
logind_end(struct world *world, struct logind *logind)
{
	if (logind->name != 0)
		g_bus_unown_name(logind->name);
	logind->name = 0;
	if (logind->object != 0)
		g_dbus_connection_unregister_object(world->theirs, logind->object);
	logind->object = 0;
	g_clear_pointer(&logind->node, g_dbus_node_info_unref);
}

static void
p14_sleep_waits_for_links_to_end(void **state)
{
	struct world *world = *state;
	struct logind logind;

	logind_begin(world, &logind);
	/* Nothing is held while there is no link. */
	world_hear(world);
	run_pending();
	assert_int_equal(logind.asked, 0);
	world_connect(world);
	WAIT_FOR(logind.fd >= 0);
	g_unix_fd_add(logind.fd, G_IO_HUP, on_released, &logind);

	prepare_for_sleep(world, TRUE);
	WAIT_FOR(world->closings == 1);
	assert_int_equal(stp_link_class_of(world->reason), STP_LINK_CLASS_TRANSIENT);
	WAIT_FOR(logind.fd < 0);
	assert_false(scripted_bluez_is_connected(world->bluez));
	g_clear_object(&world->link);
	/* Nothing begins until it is awake. */
	g_autoptr(GError) error = NULL;
	assert_null(world_try_connect(world, &error));
	assert_int_equal(logind.asked, 1);

	prepare_for_sleep(world, FALSE);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	world_connect(world);
	WAIT_FOR(logind.asked == 2);
	close(logind.fd);
	logind_end(world, &logind);
}

/* As far as the radio goes by it: nothing begins while it sleeps. */
static void
fall_asleep(struct world *world)
{
	prepare_for_sleep(world, TRUE);
	WAIT_FOR(stp_radio_get_state(world->radio) != STP_RADIO_SCANNING);
}

static void
p14_logind_that_dies_does_not_leave_it_asleep(void **state)
{
	struct world *world = *state;
	struct logind logind;

	logind_begin(world, &logind);
	world_hear(world);
	fall_asleep(world);
	logind_end(world, &logind);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	world_connect(world);

	/* Its successor knows nothing of the sleep, and is listened to. */
	logind_begin(world, &logind);
	fall_asleep(world);
	prepare_for_sleep(world, FALSE);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	g_clear_object(&world->link);
	logind_end(world, &logind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p14_bluetoothd_is_killed_in_every_state),
		cmocka_unit_test(p14_the_adapter_is_replugged_in_every_state),
		cmocka_unit_test(p14_the_adapter_is_switched_off_in_every_state),
		SCANNING(p14_sleep_waits_for_links_to_end),
		SCANNING(p14_logind_that_dies_does_not_leave_it_asleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
