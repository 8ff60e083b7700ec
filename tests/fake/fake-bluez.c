/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

#include "air.h"

/* stipple-fake-bluez: connects, owns the name, and begins anew when a test asks for it. */

typedef struct {
	FakeOptions options;
	FakeStore *store;
	GDBusConnection *connection;
	FakeAir *air;
	GMainLoop *loop;
	guint restart;
	guint restart_after;
	int status;
	gboolean announced;
} Program;

static gboolean start(Program *program);

static void
on_closed(GDBusConnection *connection, gboolean remote, GError *error, gpointer data)
{
	Program *program = data;

	/* The test's bus is gone, and with it the test. */
	program->status = 1;
	g_main_loop_quit(program->loop);
}

static void
stop(Program *program)
{
	if (!program->connection)
		return;
	g_signal_handlers_disconnect_by_data(program->connection, program);
	g_dbus_connection_flush_sync(program->connection, NULL, NULL);
	g_clear_pointer(&program->air, fake_air_free);
	g_dbus_connection_close_sync(program->connection, NULL, NULL);
	g_clear_object(&program->connection);
}

static gboolean
on_begin_again(gpointer data)
{
	Program *program = data;

	program->restart = 0;
	if (!start(program))
		g_main_loop_quit(program->loop);
	return G_SOURCE_REMOVE;
}

static gboolean
on_end(gpointer data)
{
	Program *program = data;

	fake_air_remember_links(program->air);
	stop(program);
	program->restart = g_timeout_add(program->restart_after, on_begin_again, program);
	return G_SOURCE_REMOVE;
}

/* Not from inside the call that asks for it. */
static void
on_restart(guint after_ms, gpointer data)
{
	Program *program = data;

	if (program->restart)
		return;
	program->restart_after = after_ms;
	program->restart = g_idle_add(on_end, program);
}

static gboolean
own_name(Program *program, GError **error)
{
	g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
		program->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
		"RequestName", g_variant_new("(su)", "org.bluez", 4), G_VARIANT_TYPE("(u)"),
		G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
	guint32 answer = 0;

	if (!reply)
		return FALSE;
	g_variant_get(reply, "(u)", &answer);
	if (answer != 1)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS, "org.bluez has an owner already");
	return answer == 1;
}

static gboolean
start(Program *program)
{
	g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, NULL);
	g_autoptr(GError) error = NULL;

	program->connection = g_dbus_connection_new_for_address_sync(
		address,
		G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
			G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
		NULL, NULL, &error);
	if (program->connection) {
		g_dbus_connection_set_exit_on_close(program->connection, FALSE);
		program->air = fake_air_new(program->connection, &program->options, program->store, on_restart,
					    program);
		g_signal_connect(program->connection, "closed", G_CALLBACK(on_closed), program);
	}
	if (!program->connection || !own_name(program, &error)) {
		fprintf(stderr,
			"no fake BlueZ: %s; set DBUS_SYSTEM_BUS_ADDRESS to a bus where nobody is org.bluez\n",
			error->message);
		program->status = 1;
		return FALSE;
	}
	if (!program->announced)
		printf("ready\n");
	fflush(stdout);
	program->announced = TRUE;
	return TRUE;
}

static gboolean
on_signal(gpointer data)
{
	g_main_loop_quit(((Program *)data)->loop);
	return G_SOURCE_CONTINUE;
}

int
main(int argc, char **argv)
{
	Program program = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (!fake_options_parse(&program.options, &argc, &argv))
		return 2;
	program.loop = g_main_loop_new(NULL, FALSE);
	program.store = fake_store_new(program.options.state);
	g_unix_signal_add(SIGTERM, on_signal, &program);
	g_unix_signal_add(SIGINT, on_signal, &program);
	if (start(&program))
		g_main_loop_run(program.loop);
	if (program.restart)
		g_source_remove(program.restart);
	stop(&program);
	fake_store_free(program.store);
	fake_options_clear(&program.options);
	g_main_loop_unref(program.loop);
	return program.status;
}
