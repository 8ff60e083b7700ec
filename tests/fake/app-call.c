/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "app-call.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"

#define BLUEZ_ERROR "org.bluez.Error."

GDBusConnection *
fake_app_connection(FakeChr *chr)
{
	return fake_bus_connection(chr->service->app->db->adapter->air->bus);
}

void
fake_app_call(FakeChr *chr, const char *method, GVariant *args, const char *reply_type,
	 GAsyncReadyCallback callback, gpointer data)
{
	g_dbus_connection_call(fake_app_connection(chr), chr->service->app->owner, chr->path, FAKE_GATT_CHR, method, args,
			       reply_type ? G_VARIANT_TYPE(reply_type) : NULL, G_DBUS_CALL_FLAGS_NONE, -1,
			       NULL, callback, data);
}

GVariant *
fake_app_options(FakeLink *link, guint16 offset)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

	g_variant_builder_add(&builder, "{sv}", "device",
			      g_variant_new_object_path(fake_device_path(link->at_peripheral)));
	if (offset)
		g_variant_builder_add(&builder, "{sv}", "offset", g_variant_new_uint16(offset));
	g_variant_builder_add(&builder, "{sv}", "link", g_variant_new_string("LE"));
	g_variant_builder_add(&builder, "{sv}", "mtu", g_variant_new_uint16(link->mtu));
	return g_variant_builder_end(&builder);
}

guint8
fake_app_error(const GError *error, guint8 permission)
{
	g_autofree char *name = g_dbus_error_get_remote_error(error);
	g_autoptr(GError) copy = g_error_copy(error);
	const char *word = name && g_str_has_prefix(name, BLUEZ_ERROR) ? name + strlen(BLUEZ_ERROR) : "";
	char *end;
	long code;

	g_dbus_error_strip_remote_error(copy);
	if (g_str_equal(word, "Failed")) {
		code = strtol(copy->message, &end, 0);
		if (end == copy->message || *end)
			return FAKE_ATT_APPLICATION;
		return code >= 0x80 && code <= 0x9f ? (guint8)code : FAKE_ATT_UNLIKELY;
	}
	if (g_str_equal(word, "NotSupported"))
		return FAKE_ATT_NOT_SUPPORTED;
	if (g_str_equal(word, "NotAuthorized"))
		return FAKE_ATT_AUTHORIZATION;
	if (g_str_equal(word, "InvalidValueLength"))
		return FAKE_ATT_INVALID_LENGTH;
	if (g_str_equal(word, "InvalidOffset"))
		return FAKE_ATT_INVALID_OFFSET;
	if (g_str_equal(word, "InProgress"))
		return FAKE_ATT_IN_PROGRESS;
	if (g_str_equal(word, "NotPermitted"))
		return permission;
	return FAKE_ATT_UNLIKELY;
}
