/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "paths.h"

/* Shared with GDBus' thread, where messages are filtered. */
struct FakePaths {
	GDBusConnection *connection;
	GMutex mutex;
	GHashTable *known;
	GHashTable *quiet;	/* "sender serial" of calls that want no reply */
	guint filter;
	gatomicrefcount references;
};

static void
paths_unref(gpointer data)
{
	FakePaths *paths = data;

	if (!g_atomic_ref_count_dec(&paths->references))
		return;
	g_hash_table_unref(paths->known);
	g_hash_table_unref(paths->quiet);
	g_mutex_clear(&paths->mutex);
	g_free(paths);
}

static gboolean
is_known(FakePaths *paths, const char *path)
{
	gboolean known;

	g_mutex_lock(&paths->mutex);
	known = g_hash_table_contains(paths->known, path);
	g_mutex_unlock(&paths->mutex);
	return known;
}

/*
 * GDBus answers every Properties.Set, wanted or not, and a bus with a policy complains of
 * each unwanted answer.  TRUE when this is one.
 */
static gboolean
is_unwanted(FakePaths *paths, GDBusMessage *message, gboolean incoming)
{
	gboolean quiet = g_dbus_message_get_flags(message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED;
	gboolean unwanted = FALSE;
	char *key;

	if (incoming && quiet && g_strcmp0(g_dbus_message_get_member(message), "Set") == 0) {
		key = g_strdup_printf("%s %u", g_dbus_message_get_sender(message),
				      g_dbus_message_get_serial(message));
		g_mutex_lock(&paths->mutex);
		g_hash_table_add(paths->quiet, key);
		g_mutex_unlock(&paths->mutex);
	} else if (!incoming && g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_RETURN) {
		key = g_strdup_printf("%s %u", g_dbus_message_get_destination(message),
				      g_dbus_message_get_reply_serial(message));
		g_mutex_lock(&paths->mutex);
		unwanted = g_hash_table_remove(paths->quiet, key);
		g_mutex_unlock(&paths->mutex);
		g_free(key);
	}
	return unwanted;
}

static GDBusMessage *
on_message(GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
	GDBusMessage *reply;

	if (is_unwanted(data, message, incoming)) {
		g_object_unref(message);
		return NULL;
	}
	if (!incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL ||
	    g_strcmp0(g_dbus_message_get_interface(message), "org.freedesktop.DBus.Introspectable") == 0 ||
	    is_known(data, g_dbus_message_get_path(message)))
		return message;
	reply = g_dbus_message_new_method_error(
		message, "org.freedesktop.DBus.Error.UnknownObject",
		"Method \"%s\" with signature \"%s\" on interface \"%s\" doesn't exist\n",
		g_dbus_message_get_member(message), g_dbus_message_get_signature(message),
		g_dbus_message_get_interface(message));
	g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
	g_object_unref(reply);
	g_object_unref(message);
	return NULL;
}

FakePaths *
fake_paths_new(GDBusConnection *connection)
{
	FakePaths *paths = g_new0(FakePaths, 1);

	paths->connection = connection;
	paths->quiet = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	paths->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&paths->mutex);
	g_atomic_ref_count_init(&paths->references);
	g_atomic_ref_count_inc(&paths->references);
	paths->filter = g_dbus_connection_add_filter(connection, on_message, paths, paths_unref);
	return paths;
}

void
fake_paths_free(FakePaths *paths)
{
	g_dbus_connection_remove_filter(paths->connection, paths->filter);
	paths_unref(paths);
}

void
fake_paths_add(FakePaths *paths, const char *path)
{
	g_mutex_lock(&paths->mutex);
	g_hash_table_add(paths->known, g_strdup(path));
	g_mutex_unlock(&paths->mutex);
}

void
fake_paths_remove(FakePaths *paths, const char *path)
{
	g_mutex_lock(&paths->mutex);
	g_hash_table_remove(paths->known, path);
	g_mutex_unlock(&paths->mutex);
}
