/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "battery.h"

#include <bluez-dbus.h>

#include "att.h"

static void
set_level(FakeDevice *device, gconstpointer value, gsize size)
{
	gboolean first = !device->battery;

	if (size < 1 || !device->link)
		return;
	if (first)
		device->battery = fake_object_add(device->object, bluez_battery1_interface_info(), NULL, NULL);
	if (first) {
		fake_iface_set_quietly(device->battery, "Percentage", g_variant_new_byte(*(const guint8 *)value));
		fake_object_publish_iface(device->battery);
	} else {
		fake_iface_set(device->battery, "Percentage", g_variant_new_byte(*(const guint8 *)value));
	}
}

static void
on_heard(gconstpointer value, gsize size, gpointer data)
{
	set_level(data, value, size);
}

static void
on_read(guint8 code, GVariant *value, gpointer data)
{
	if (!code)
		set_level(data, g_variant_get_data(value), g_variant_get_size(value));
}

void
fake_battery_start(FakeDevice *device, FakeRemoteChr *level)
{
	fake_remote_chr_listen(level, on_heard, device);
	/* Answered at the latest when the link ends, which the device outlives. */
	if (device->link)
		fake_att_read(device->link, fake_remote_chr_handle(level), 0, on_read, device);
}

void
fake_battery_stop(FakeDevice *device)
{
	if (device->battery)
		fake_object_remove_iface(g_steal_pointer(&device->battery));
}
