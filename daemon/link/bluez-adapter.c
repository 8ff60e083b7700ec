/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-adapter.h"

#include "log.h"

struct _StpBluezAdapter {
	GObject parent;
	StpBluezClient *client;
	char *address;
	GDBusProxy *seen;	/* where BlueZ shows it */
	gboolean powered, withheld;
};

G_DEFINE_FINAL_TYPE(StpBluezAdapter, stp_bluez_adapter, G_TYPE_OBJECT)

static guint changed_signal;

static GDBusProxy *
find(StpBluezAdapter *self)
{
	g_autoptr(GPtrArray) adapters = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_ADAPTER);

	for (guint i = 0; i < adapters->len; i++) {
		g_autofree char *address = stp_bluez_get_string(adapters->pdata[i], "Address");

		if (address != NULL && g_ascii_strcasecmp(address, self->address) == 0)
			return g_object_ref(adapters->pdata[i]);
	}
	return NULL;
}

static void
look(StpBluezAdapter *self)
{
	g_autoptr(GDBusProxy) seen = find(self);
	gboolean powered = seen != NULL && stp_bluez_get_boolean(seen, "Powered");

	if (seen == self->seen && powered == self->powered)
		return;
	g_set_object(&self->seen, seen);
	self->powered = powered;
	stp_debug("link", NULL, "adapter %s: %s, %s", self->address,
		  seen != NULL ? g_dbus_proxy_get_object_path(seen) : "not there", powered ? "on" : "off");
	g_signal_emit(self, changed_signal, 0);
}

static void
on_interface(StpBluezClient *client, GDBusProxy *proxy, StpBluezAdapter *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER))
		look(self);
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, StpBluezAdapter *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER))
		look(self);
}

StpBluezAdapter *
stp_bluez_adapter_new(StpBluezClient *client, const char *address)
{
	StpBluezAdapter *self = g_object_new(STP_TYPE_BLUEZ_ADAPTER, NULL);

	self->client = g_object_ref(client);
	self->address = g_ascii_strup(address, -1);
	g_signal_connect_object(client, "state-changed", G_CALLBACK(look), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface), self, 0);
	g_signal_connect_object(client, "interface-removed", G_CALLBACK(on_interface), self, 0);
	g_signal_connect_object(client, "properties-changed", G_CALLBACK(on_properties), self, 0);
	look(self);
	return self;
}

const char *
stp_bluez_adapter_get_address(StpBluezAdapter *self)
{
	return self->address;
}

GDBusProxy *
stp_bluez_adapter_get(StpBluezAdapter *self)
{
	return self->powered && !self->withheld ? self->seen : NULL;
}

const char *
stp_bluez_adapter_get_path(StpBluezAdapter *self)
{
	GDBusProxy *adapter = stp_bluez_adapter_get(self);

	return adapter != NULL ? g_dbus_proxy_get_object_path(adapter) : NULL;
}

gboolean
stp_bluez_adapter_is_present(StpBluezAdapter *self)
{
	return self->seen != NULL;
}

gboolean
stp_bluez_adapter_is_off(StpBluezAdapter *self)
{
	return self->seen != NULL && !self->powered;
}

const char *
stp_bluez_adapter_get_seen_path(StpBluezAdapter *self)
{
	return self->seen != NULL ? g_dbus_proxy_get_object_path(self->seen) : NULL;
}

void
stp_bluez_adapter_let(StpBluezAdapter *self, gboolean ours)
{
	if (self->withheld == !ours)
		return;
	self->withheld = !ours;
	g_signal_emit(self, changed_signal, 0);
}

static void
stp_bluez_adapter_finalize(GObject *object)
{
	StpBluezAdapter *self = STP_BLUEZ_ADAPTER(object);

	g_clear_object(&self->seen);
	g_clear_object(&self->client);
	g_free(self->address);
	G_OBJECT_CLASS(stp_bluez_adapter_parent_class)->finalize(object);
}

static void
stp_bluez_adapter_class_init(StpBluezAdapterClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_bluez_adapter_finalize;
	changed_signal = g_signal_new("changed", STP_TYPE_BLUEZ_ADAPTER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 0);
}

static void
stp_bluez_adapter_init(StpBluezAdapter *self)
{
}
