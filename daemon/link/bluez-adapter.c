/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-adapter.h"

#include "log.h"

#include <string.h>

struct _StpBluezAdapter {
	GObject parent;
	StpBluezClient *client;
	char *wanted;
	GDBusProxy *chosen;
	gboolean off;
};

G_DEFINE_FINAL_TYPE(StpBluezAdapter, stp_bluez_adapter, G_TYPE_OBJECT)

static guint changed_signal;

static gboolean
is_wanted(StpBluezAdapter *self, GDBusProxy *adapter)
{
	g_autofree char *address = stp_bluez_get_string(adapter, "Address");
	const char *path = g_dbus_proxy_get_object_path(adapter);

	if (self->wanted == NULL || (address != NULL && g_ascii_strcasecmp(address, self->wanted) == 0))
		return TRUE;
	return strcmp(strrchr(path, '/') + 1, self->wanted) == 0;
}

static gboolean
is_before(GDBusProxy *a, GDBusProxy *b)
{
	g_autofree char *address_a = stp_bluez_get_string(a, "Address");
	g_autofree char *address_b = stp_bluez_get_string(b, "Address");

	return g_strcmp0(address_a, address_b) < 0;
}

static void
choose(StpBluezAdapter *self)
{
	g_autoptr(GPtrArray) adapters = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_ADAPTER);
	GDBusProxy *best = NULL;
	gboolean off = FALSE;

	for (guint i = 0; i < adapters->len; i++) {
		GDBusProxy *adapter = adapters->pdata[i];

		if (!is_wanted(self, adapter))
			continue;
		if (!stp_bluez_get_boolean(adapter, "Powered"))
			off = TRUE;
		else if (adapter == self->chosen || best == NULL ||
			 (best != self->chosen && is_before(adapter, best)))
			best = adapter;
	}
	off = off && best == NULL;
	if (best == self->chosen && off == self->off)
		return;

	self->off = off;
	g_set_object(&self->chosen, best);
	stp_debug("link", NULL, "adapter: %s", best != NULL ? g_dbus_proxy_get_object_path(best) :
					       off	      ? "off" :
								"none");
	g_signal_emit(self, changed_signal, 0);
}

static void
on_interface(StpBluezClient *client, GDBusProxy *proxy, StpBluezAdapter *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER))
		choose(self);
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, StpBluezAdapter *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER))
		choose(self);
}

StpBluezAdapter *
stp_bluez_adapter_new(StpBluezClient *client, const char *wanted)
{
	StpBluezAdapter *self = g_object_new(STP_TYPE_BLUEZ_ADAPTER, NULL);

	self->client = g_object_ref(client);
	self->wanted = g_strdup(wanted);
	g_signal_connect_object(client, "state-changed", G_CALLBACK(choose), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface), self, 0);
	g_signal_connect_object(client, "interface-removed", G_CALLBACK(on_interface), self, 0);
	g_signal_connect_object(client, "properties-changed", G_CALLBACK(on_properties), self, 0);
	return self;
}

GDBusProxy *
stp_bluez_adapter_get(StpBluezAdapter *self)
{
	return self->chosen;
}

const char *
stp_bluez_adapter_get_path(StpBluezAdapter *self)
{
	return self->chosen != NULL ? g_dbus_proxy_get_object_path(self->chosen) : NULL;
}

gboolean
stp_bluez_adapter_is_off(StpBluezAdapter *self)
{
	return self->off;
}

static void
stp_bluez_adapter_finalize(GObject *object)
{
	StpBluezAdapter *self = STP_BLUEZ_ADAPTER(object);

	g_clear_object(&self->chosen);
	g_clear_object(&self->client);
	g_free(self->wanted);
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
