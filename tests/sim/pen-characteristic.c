/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-characteristic.h"

#define INTERFACE "org.bluez.GattCharacteristic1"

struct _PenCharacteristic {
	BluezGattCharacteristic1Skeleton parent;
	gboolean offers_notify_fd;
};

G_DEFINE_FINAL_TYPE(PenCharacteristic, pen_characteristic, BLUEZ_TYPE_GATT_CHARACTERISTIC1_SKELETON)

static GVariant *
pen_characteristic_get_properties(GDBusInterfaceSkeleton *skeleton)
{
	GDBusInterfaceSkeletonClass *parent =
		G_DBUS_INTERFACE_SKELETON_CLASS(pen_characteristic_parent_class);
	g_autoptr(GVariant) all = g_variant_take_ref(parent->get_properties(skeleton));
	GVariantDict shown;

	g_variant_dict_init(&shown, all);
	g_variant_dict_remove(&shown, "Value");
	g_variant_dict_remove(&shown, "Notifying");
	g_variant_dict_remove(&shown, "WriteAcquired");
	g_variant_dict_remove(&shown, "MTU");
	if (!PEN_CHARACTERISTIC(skeleton)->offers_notify_fd)
		g_variant_dict_remove(&shown, "NotifyAcquired");
	return g_variant_dict_end(&shown);
}

static void
pen_characteristic_class_init(PenCharacteristicClass *class)
{
	G_DBUS_INTERFACE_SKELETON_CLASS(class)->get_properties = pen_characteristic_get_properties;
}

static void
pen_characteristic_init(PenCharacteristic *self)
{
}

PenCharacteristic *
pen_characteristic_new(const char *uuid, const char *service_path, const char *const *flags,
		       gboolean offers_notify_fd)
{
	PenCharacteristic *self = g_object_new(PEN_TYPE_CHARACTERISTIC, "uuid", uuid, "service", service_path,
					       "flags", flags, NULL);

	self->offers_notify_fd = offers_notify_fd;
	return self;
}

void
pen_characteristic_withdraw_fd(PenCharacteristic *self)
{
	GDBusInterfaceSkeleton *skeleton = G_DBUS_INTERFACE_SKELETON(self);
	GDBusConnection *bus = g_dbus_interface_skeleton_get_connection(skeleton);
	const char *gone[] = { "NotifyAcquired", NULL };

	self->offers_notify_fd = FALSE;
	if (!bus)
		return;
	/* Not after this. */
	g_dbus_interface_skeleton_flush(skeleton);
	g_dbus_connection_emit_signal(bus, NULL, g_dbus_interface_skeleton_get_object_path(skeleton),
				      "org.freedesktop.DBus.Properties", "PropertiesChanged",
				      g_variant_new("(s@a{sv}^as)", INTERFACE, g_variant_new("a{sv}", NULL), gone),
				      NULL);
}

void
pen_characteristic_emit_value(PenCharacteristic *self, const guint8 *bytes, gsize size)
{
	GDBusInterfaceSkeleton *skeleton = G_DBUS_INTERFACE_SKELETON(self);
	GDBusConnection *bus = g_dbus_interface_skeleton_get_connection(skeleton);
	const char *none[] = { NULL };
	GVariantDict changed;

	if (!bus)
		return;
	g_variant_dict_init(&changed, NULL);
	g_variant_dict_insert_value(&changed, "Value",
				    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1));
	g_dbus_connection_emit_signal(
		bus, NULL, g_dbus_interface_skeleton_get_object_path(skeleton),
		"org.freedesktop.DBus.Properties", "PropertiesChanged",
		g_variant_new("(s@a{sv}^as)", INTERFACE, g_variant_dict_end(&changed), none), NULL);
}
