/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "connect.h"

#include "advertising.h"
#include "agent.h"
#include "faults.h"
#include "gatt-remote.h"
#include "fake-link.h"
#include "pairing.h"

static void
leave_queue(FakeDevice *device)
{
	g_queue_remove(&device->adapter->connecting, device);
	if (device->connect_timeout)
		g_source_remove(device->connect_timeout);
	device->connect_timeout = 0;
}

gboolean
fake_connect_waiting(FakeAdapter *adapter)
{
	return !g_queue_is_empty(&adapter->connecting);
}

void
fake_device_answer_pair(FakeDevice *device, const char *error_name, const char *text)
{
	FakeBus *bus = device->adapter->air->bus;

	if (device->pair_watch)
		fake_bus_unwatch(bus, device->pair_watch);
	device->pair_watch = 0;
	device->pair_when_resolved = FALSE;
	g_clear_pointer(&device->pair_sender, g_free);
	if (error_name)
		fake_refuse(g_steal_pointer(&device->pair), error_name, text);
	else
		fake_agree(g_steal_pointer(&device->pair));
}

/* Every failed attempt reads the same, whatever the reason was. */
static void
fail_attempt(FakeDevice *device)
{
	leave_queue(device);
	fake_refuse(g_steal_pointer(&device->connect), "Failed", "le-connection-abort-by-local");
	fake_device_answer_pair(device, "Failed", "Software caused connection abort");
}

void
fake_connect_cancel(FakeDevice *device)
{
	leave_queue(device);
	fake_refuse(g_steal_pointer(&device->connect), "Failed", "br-connection-canceled");
	fake_device_answer_pair(device, "AuthenticationCanceled", "Authentication Canceled");
}

/* The other BlueZ's GAP service calls every device by the name of its adapter. */
static void
learn_name(FakeDevice *device)
{
	GVariant *alias = fake_iface_get(device->link->peripheral->iface, "Alias");

	fake_device_set_name(device, g_variant_get_string(alias, NULL));
}

static gboolean
on_resolve(gpointer data)
{
	FakeDevice *device = data;

	device->resolve_timer = 0;
	fake_remote_connected(device->remote);
	if (device->link)
		fake_device_resolved(device);
	if (device->link)
		learn_name(device);
	return G_SOURCE_REMOVE;
}

static void
on_paired(FakePairingResult result, gpointer data)
{
	FakeDevice *device = data;

	if (result == FAKE_PAIRING_CANCELED) {
		fake_device_answer_pair(device, "AuthenticationCanceled", "Authentication Canceled");
	} else if (result != FAKE_PAIRING_DONE) {
		if (!fake_device_bonded(device) && !fake_iface_get_boolean(device->iface, "Trusted"))
			fake_device_set_temporary(device, TRUE);
		fake_device_answer_pair(device, "AuthenticationFailed", "Authentication Failed");
	} else if (fake_iface_get_boolean(device->iface, "ServicesResolved") || !device->central) {
		fake_device_answer_pair(device, NULL, NULL);
	} else {
		device->pair_when_resolved = TRUE;
	}
}

static void
begin_pairing(FakeDevice *device)
{
	FakeAgent *agent = fake_agents_get(device->adapter->air->agents, device->pair_sender);

	if (!fake_pairing_start(device->link, device, agent, on_paired, device))
		fake_device_answer_pair(device, "InProgress", "In Progress");
}

/* The peer heard us: both ends are connected, and what they share is encrypted. */
static void
establish(FakeDevice *device, FakeAdapter *peer)
{
	FakeAir *air = device->adapter->air;
	FakeLink *link;

	leave_queue(device);
	link = fake_link_new(device, peer);
	if (!fake_link_encrypt(link)) {
		fake_log(air, "%s has no bond with %s any more", peer->address, device->adapter->address);
		fake_refuse(g_steal_pointer(&device->connect), "Failed", "le-connection-abort-by-local");
		fake_device_answer_pair(device, "Failed", "Software caused connection abort");
		fake_link_drop(link);
		return;
	}
	if (device->pair)
		begin_pairing(device);
	fake_agree(g_steal_pointer(&device->connect));
	device->resolve_timer = g_timeout_add((guint)air->options->resolve_delay, on_resolve, device);
}

static FakeAdapter *
peer_on_air(FakeDevice *device)
{
	FakeAdapter *peer = fake_air_adapter(device->adapter->air, device->address);

	return peer && peer != device->adapter && fake_adverts_connectable(peer->adverts) ? peer : NULL;
}

static gboolean
on_connect_timer(gpointer data)
{
	FakeAdapter *adapter = data;

	adapter->connect_timer = 0;
	for (GList *item = adapter->connecting.head; item; item = item->next) {
		FakeAdapter *peer = peer_on_air(item->data);

		if (peer) {
			establish(item->data, peer);
			break;
		}
	}
	fake_air_changed(adapter->air);
	return G_SOURCE_REMOVE;
}

void
fake_connect_poll(FakeAdapter *adapter)
{
	if (adapter->connect_timer || adapter->deaf != FAKE_HEARS)
		return;
	for (GList *item = adapter->connecting.head; item; item = item->next) {
		if (peer_on_air(item->data)) {
			adapter->connect_timer = g_timeout_add((guint)adapter->air->options->connect_delay,
							       on_connect_timer, adapter);
			return;
		}
	}
}

static gboolean
on_connect_timeout(gpointer data)
{
	FakeDevice *device = data;

	device->connect_timeout = 0;
	fail_attempt(device);
	fake_air_changed(device->adapter->air);
	return G_SOURCE_REMOVE;
}

/* FALSE when an attempt is going on. */
static gboolean
enter_queue(FakeDevice *device)
{
	FakeAdapter *adapter = device->adapter;

	if (g_queue_find(&adapter->connecting, device))
		return FALSE;
	g_queue_push_tail(&adapter->connecting, device);
	device->connect_timeout = g_timeout_add((guint)adapter->air->options->connect_timeout,
						on_connect_timeout, device);
	fake_air_changed(adapter->air);
	return TRUE;
}

void
fake_device_call_connect(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	/* Also while BlueZ only believes so. */
	if (device->link || device->ghost_timer) {
		fake_agree(invocation);
		return;
	}
	fake_device_set_temporary(device, FALSE);
	if (!fake_adapter_powered(device->adapter)) {
		fake_refuse(invocation, "Failed", "Input/output error");
		return;
	}
	if (device->connect || !enter_queue(device)) {
		fake_refuse(invocation, "Failed", "Operation already in progress");
		return;
	}
	device->connect = invocation;
}

static gboolean
on_disconnect_timer(gpointer data)
{
	FakeDevice *device = data;

	device->disconnect_timer = 0;
	fake_link_drop(device->link);
	return G_SOURCE_REMOVE;
}

void
fake_device_request_disconnect(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	if (!device->link) {
		fake_device_end_ghost(device);
		fake_connect_cancel(device);
		fake_agree(invocation);
		return;
	}
	if (device->link->pairing)
		fake_pairing_cancel(device->link->pairing);
	if (invocation)
		g_ptr_array_add(device->disconnects, invocation);
	if (!device->disconnect_timer)
		device->disconnect_timer =
			g_timeout_add((guint)device->adapter->air->options->disconnect_delay,
				      on_disconnect_timer, device);
}

void
fake_device_call_disconnect(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	fake_device_request_disconnect(device, invocation);
}

static void
on_pair_caller_gone(gpointer data)
{
	FakeDevice *device = data;

	device->pair_watch = 0;
	fake_device_request_disconnect(device, NULL);
}

void
fake_device_call_pair(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	const char *sender = g_dbus_method_invocation_get_sender(invocation);

	fake_device_set_temporary(device, FALSE);
	if (device->pair || (device->link && device->link->pairing)) {
		fake_refuse(invocation, "InProgress", "In Progress");
		return;
	}
	if (fake_device_bonded(device)) {
		/* BlueZ tries BR/EDR then; seen in the lab. */
		fake_refuse(invocation, "AuthenticationFailed", "Authentication Failed");
		return;
	}
	if (!device->link && !fake_adapter_powered(device->adapter)) {
		fake_refuse(invocation, "Failed", "Input/output error");
		return;
	}
	if (!device->link && !enter_queue(device)) {
		fake_refuse(invocation, "Failed", "Operation already in progress");
		return;
	}
	device->pair = invocation;
	device->pair_sender = g_strdup(sender);
	device->pair_watch = fake_bus_watch_owner(device->adapter->air->bus, sender, on_pair_caller_gone,
						  device);
	if (device->link)
		begin_pairing(device);
}

static void
unpair(FakeDevice *device)
{
	FakeAdapter *adapter = device->adapter;

	fake_device_forget_bond(device);
	fake_store_remove(adapter->air->store, adapter->address, device->address);
	fake_device_set_temporary(device, TRUE);
	if (device->link)
		fake_device_request_disconnect(device, NULL);
	else
		fake_adapter_drop_device(adapter, device);
}

void
fake_device_call_cancel_pairing(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	if (!device->pair) {
		/* Whoever cancels what was not begun loses the bond: seen in the lab. */
		fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
		if (fake_device_bonded(device))
			unpair(device);
		return;
	}
	if (device->link && device->link->pairing)
		fake_pairing_cancel(device->link->pairing);
	else
		leave_queue(device);
	fake_device_answer_pair(device, "AuthenticationCanceled", "Authentication Canceled");
	fake_agree(invocation);
}
