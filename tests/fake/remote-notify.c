/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "remote-notify.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "att.h"
#include "faults.h"
#include "gatt-db.h"
#include "fake-link.h"
#include "remote-answer.h"

typedef enum { OFF, PENDING, ON } Subscription;

/* One sender that wants values. */
typedef struct {
	FakeNotify *notify;
	char *owner;
	guint watch;
	gboolean takes_fd;
	FakeHeard heard;	/* BlueZ itself; it has no owner */
	gpointer data;
	gboolean registered;
	GDBusMethodInvocation *invocation;	/* StartNotify or AcquireNotify, until answered */
} Client;

struct FakeNotify {
	FakeDevice *device;
	FakeIface *iface;
	guint16 value_handle;
	guint8 props;
	GPtrArray *clients;
	Subscription subscription;
	gboolean acquired;	/* may be without a descriptor, when the subscription failed */
	int fd;
	guint fd_source;
	guint dropped;		/* values that did not fit into the client's socket, lately */
	gboolean gone;
	int references;
};

FakeNotify *
fake_notify_new(FakeDevice *device, FakeIface *iface, guint16 value_handle, guint8 props)
{
	FakeNotify *notify = g_new0(FakeNotify, 1);

	notify->device = device;
	notify->iface = iface;
	notify->value_handle = value_handle;
	notify->props = props;
	notify->clients = g_ptr_array_new();
	notify->fd = -1;
	notify->references = 1;
	if (props & (FAKE_PROP_NOTIFY | FAKE_PROP_INDICATE))
		fake_iface_set(iface, "Notifying", g_variant_new_boolean(FALSE));
	if (props & FAKE_PROP_NOTIFY)
		fake_iface_set(iface, "NotifyAcquired", g_variant_new_boolean(FALSE));
	return notify;
}

static void
notify_unref(FakeNotify *notify)
{
	if (--notify->references)
		return;
	g_ptr_array_free(notify->clients, TRUE);
	g_free(notify);
}

static void
client_free(Client *client)
{
	FakeNotify *notify = client->notify;

	if (client->watch)
		fake_bus_unwatch(notify->device->adapter->air->bus, client->watch);
	g_ptr_array_remove(notify->clients, client);
	/* BlueZ forgets an AcquireNotify that failed: its caller waits in vain. */
	g_clear_object(&client->invocation);
	g_free(client->owner);
	g_free(client);
}

static void
close_fd(FakeNotify *notify)
{
	if (notify->fd_source)
		g_source_remove(notify->fd_source);
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd_source = 0;
	notify->fd = -1;
	notify->acquired = FALSE;
	if (!notify->gone)
		fake_iface_set(notify->iface, "NotifyAcquired", g_variant_new_boolean(FALSE));
}

static gboolean
is_wanted(FakeNotify *notify)
{
	for (guint i = 0; i < notify->clients->len; i++) {
		Client *client = g_ptr_array_index(notify->clients, i);

		if (client->registered || client->invocation)
			return TRUE;
	}
	return FALSE;
}

static void
on_unsubscribed(guint8 code, GVariant *value, gpointer data)
{
	notify_unref(data);
}

/* Of StartNotify. */
static gboolean
is_starter(const Client *client)
{
	return !client->takes_fd && !client->heard;
}

/* After a client is gone. */
static void
settle(FakeNotify *notify)
{
	gboolean notifying = FALSE;

	for (guint i = 0; i < notify->clients->len; i++)
		notifying |= is_starter(g_ptr_array_index(notify->clients, i));
	if (!notifying && (notify->props & (FAKE_PROP_NOTIFY | FAKE_PROP_INDICATE)))
		fake_iface_set(notify->iface, "Notifying", g_variant_new_boolean(FALSE));
	if (notify->subscription == ON && !is_wanted(notify)) {
		notify->subscription = OFF;
		if (notify->device->link) {
			notify->references++;
			fake_att_subscribe(notify->device->link, notify->value_handle, 0, on_unsubscribed,
					   notify);
		}
	}
}

static void
release_fd_client(FakeNotify *notify)
{
	close_fd(notify);
	for (guint i = notify->clients->len; i-- > 0;) {
		Client *client = g_ptr_array_index(notify->clients, i);

		if (client->takes_fd)
			client_free(client);
	}
	settle(notify);
}

static gboolean
on_fd_hangup(int fd, GIOCondition condition, gpointer data)
{
	FakeNotify *notify = data;

	notify->fd_source = 0;
	release_fd_client(notify);
	return G_SOURCE_REMOVE;
}

static void
client_ready(Client *client)
{
	FakeNotify *notify = client->notify;

	client->registered = TRUE;
	if (client->heard)
		return;
	if (!client->takes_fd) {
		fake_iface_set(notify->iface, "Notifying", g_variant_new_boolean(TRUE));
		fake_agree(g_steal_pointer(&client->invocation));
		return;
	}
	notify->fd = fake_answer_with_socket(g_steal_pointer(&client->invocation), notify->device->link->mtu);
	if (notify->fd >= 0)
		notify->fd_source = g_unix_fd_add(notify->fd, G_IO_HUP, on_fd_hangup, notify);
	fake_iface_set(notify->iface, "NotifyAcquired", g_variant_new_boolean(TRUE));
}

static void
client_failed(Client *client, guint8 code)
{
	if (!client->takes_fd && client->invocation)
		fake_refuse_att(g_steal_pointer(&client->invocation), code);
	client_free(client);
}

static void
on_subscribed(guint8 code, GVariant *value, gpointer data)
{
	FakeNotify *notify = data;

	if (!notify->gone) {
		notify->subscription = code ? OFF : ON;
		for (guint i = notify->clients->len; i-- > 0;) {
			Client *client = g_ptr_array_index(notify->clients, i);

			if (client->registered)
				continue;
			if (code)
				client_failed(client, code);
			else
				client_ready(client);
		}
		settle(notify);
	}
	notify_unref(notify);
}

static void
subscribe(FakeNotify *notify, Client *client)
{
	if (notify->subscription == ON) {
		client_ready(client);
	} else if (notify->subscription == OFF) {
		notify->subscription = PENDING;
		notify->references++;
		fake_att_subscribe(notify->device->link, notify->value_handle,
				   notify->props & FAKE_PROP_NOTIFY ? 1 : 2, on_subscribed, notify);
	}
}

static void
on_client_gone(gpointer data)
{
	Client *client = data;
	FakeNotify *notify = client->notify;

	client->watch = 0;
	client_free(client);
	settle(notify);
}

static Client *
client_new(FakeNotify *notify, GDBusMethodInvocation *invocation, gboolean takes_fd)
{
	Client *client = g_new0(Client, 1);

	client->notify = notify;
	client->owner = g_strdup(g_dbus_method_invocation_get_sender(invocation));
	client->takes_fd = takes_fd;
	client->invocation = invocation;
	client->watch = fake_bus_watch_owner(notify->device->adapter->air->bus, client->owner, on_client_gone,
					     client);
	g_ptr_array_add(notify->clients, client);
	return client;
}

static gboolean
has_starter(FakeNotify *notify)
{
	for (guint i = 0; i < notify->clients->len; i++)
		if (is_starter(g_ptr_array_index(notify->clients, i)))
			return TRUE;
	return FALSE;
}

void
fake_notify_acquire(FakeNotify *notify, GDBusMethodInvocation *invocation)
{
	FakeAir *air = notify->device->adapter->air;

	if (!notify->device->link) {
		fake_refuse(invocation, "Failed", "Not connected");
	} else if (notify->acquired) {
		fake_refuse(invocation, "NotPermitted", "Notify acquired");
	} else if (has_starter(notify)) {
		fake_refuse(invocation, "InProgress", "In Progress");
	} else if (!(notify->props & FAKE_PROP_NOTIFY) || fake_faults_refuse_acquire(air->faults)) {
		fake_refuse(invocation, "NotSupported", "Operation is not supported");
	} else {
		notify->acquired = TRUE;
		subscribe(notify, client_new(notify, invocation, TRUE));
	}
}

static Client *
find_client(FakeNotify *notify, const char *owner)
{
	for (guint i = 0; i < notify->clients->len; i++) {
		Client *client = g_ptr_array_index(notify->clients, i);

		if (g_strcmp0(client->owner, owner) == 0)
			return client;
	}
	return NULL;
}

void
fake_notify_start(FakeNotify *notify, GDBusMethodInvocation *invocation)
{
	Client *client = find_client(notify, g_dbus_method_invocation_get_sender(invocation));

	if (notify->device->disconnect_timer) {
		fake_refuse(invocation, "NotConnected", "Not Connected");
	} else if (notify->acquired) {
		fake_refuse(invocation, "NotPermitted", "Notify acquired");
	} else if (!(notify->props & (FAKE_PROP_NOTIFY | FAKE_PROP_INDICATE))) {
		fake_refuse(invocation, "NotSupported", "Operation is not supported");
	} else if (client && client->registered) {
		fake_agree(invocation);
	} else if (client) {
		fake_refuse(invocation, "InProgress", "In Progress");
	} else {
		client = client_new(notify, invocation, FALSE);
		/* Not connected: it is agreed to, and done at the next connection. */
		if (notify->device->link)
			subscribe(notify, client);
		else
			fake_agree(g_steal_pointer(&client->invocation));
	}
}

void
fake_notify_stop(FakeNotify *notify, GDBusMethodInvocation *invocation)
{
	Client *client = find_client(notify, g_dbus_method_invocation_get_sender(invocation));

	if (notify->acquired) {
		release_fd_client(notify);
		fake_agree(invocation);
	} else if (!client) {
		fake_refuse(invocation, "Failed", "No notify session started");
	} else {
		client_free(client);
		settle(notify);
		fake_agree(invocation);
	}
}

void
fake_notify_listen(FakeNotify *notify, FakeHeard heard, gpointer data)
{
	Client *client = find_client(notify, NULL);

	if (client)
		return;
	client = g_new0(Client, 1);
	client->notify = notify;
	client->heard = heard;
	client->data = data;
	g_ptr_array_add(notify->clients, client);
	if (notify->device->link)
		subscribe(notify, client);
}

void
fake_notify_connected(FakeNotify *notify)
{
	for (guint i = 0; i < notify->clients->len; i++) {
		Client *client = g_ptr_array_index(notify->clients, i);

		if (!client->registered && !client->invocation) {
			subscribe(notify, client);
			return;
		}
	}
}

void
fake_notify_disconnected(FakeNotify *notify)
{
	notify->subscription = OFF;
	if (notify->fd >= 0)
		release_fd_client(notify);
	for (guint i = 0; i < notify->clients->len; i++)
		((Client *)g_ptr_array_index(notify->clients, i))->registered = FALSE;
}

/* Nobody waits for a slow reader: its values are dropped, with one line for a run of them. */
static void
send_value(FakeNotify *notify, gconstpointer value, gsize size)
{
	if (send(notify->fd, value, size, MSG_NOSIGNAL) >= 0) {
		if (notify->dropped > 1)
			fprintf(stderr, "fake-bluez: %u values dropped\n", notify->dropped);
		notify->dropped = 0;
	} else if (notify->dropped++ == 0) {
		fprintf(stderr, "fake-bluez: sendmsg: %s\n", g_strerror(errno));
	}
}

void
fake_notify_value(FakeNotify *notify, gconstpointer value, gsize size)
{
	if (notify->fd >= 0)
		send_value(notify, value, size);
	for (guint i = 0; i < notify->clients->len; i++) {
		Client *client = g_ptr_array_index(notify->clients, i);

		if (client->registered && client->heard)
			client->heard(value, size, client->data);
		else if (client->registered && !client->takes_fd)
			fake_iface_emit(notify->iface, "Value",
					g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value, size, 1));
	}
}

void
fake_notify_free(FakeNotify *notify)
{
	notify->gone = TRUE;
	close_fd(notify);
	while (notify->clients->len)
		client_free(g_ptr_array_index(notify->clients, 0));
	notify_unref(notify);
}
