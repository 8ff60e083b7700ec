/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "owners.h"

#include <string.h>

typedef struct {
	guint id;
	char *owner;
	FakeGone gone;
	gpointer data;
} Watch;

struct FakeOwners {
	GDBusConnection *connection;
	GSList *watches;
	guint next_watch;
	guint signal;
};

static void
watch_free(Watch *watch)
{
	g_free(watch->owner);
	g_free(watch);
}

static void
on_owner_changed(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
		 const char *signal, GVariant *args, gpointer data)
{
	FakeOwners *owners = data;
	const char *name, *old_owner, *new_owner;
	GSList *item;

	g_variant_get(args, "(&s&s&s)", &name, &old_owner, &new_owner);
	if (*name != ':' || *new_owner)
		return;
	/* A callback may add and remove watches: look from the start each time. */
	do {
		for (item = owners->watches; item; item = item->next) {
			Watch *watch = item->data;

			if (strcmp(watch->owner, name) == 0) {
				owners->watches = g_slist_remove(owners->watches, watch);
				watch->gone(watch->data);
				watch_free(watch);
				break;
			}
		}
	} while (item);
}

FakeOwners *
fake_owners_new(GDBusConnection *connection)
{
	FakeOwners *owners = g_new0(FakeOwners, 1);

	owners->connection = g_object_ref(connection);
	owners->signal = g_dbus_connection_signal_subscribe(
		connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
		"/org/freedesktop/DBus", NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, owners, NULL);
	return owners;
}

void
fake_owners_free(FakeOwners *owners)
{
	g_dbus_connection_signal_unsubscribe(owners->connection, owners->signal);
	g_slist_free_full(owners->watches, (GDestroyNotify)watch_free);
	g_object_unref(owners->connection);
	g_free(owners);
}

guint
fake_owners_watch(FakeOwners *owners, const char *owner, FakeGone gone, gpointer data)
{
	Watch *watch = g_new0(Watch, 1);

	watch->id = ++owners->next_watch;
	watch->owner = g_strdup(owner);
	watch->gone = gone;
	watch->data = data;
	owners->watches = g_slist_append(owners->watches, watch);
	return watch->id;
}

void
fake_owners_unwatch(FakeOwners *owners, guint id)
{
	for (GSList *item = owners->watches; item; item = item->next) {
		Watch *watch = item->data;

		if (watch->id == id) {
			owners->watches = g_slist_delete_link(owners->watches, item);
			watch_free(watch);
			return;
		}
	}
}
