/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "advert-data.h"

#include <string.h>

#define UUID_TAIL	"-0000-1000-8000-00805f9b34fb"
/* What a scan response with a 128-bit UUID leaves for the name. */
#define SHORT_NAME	11

void
fake_uuid_normalise(char **uuid)
{
	char *full;

	if (strlen(*uuid) == 4)
		full = g_strconcat("0000", *uuid, UUID_TAIL, NULL);
	else if (strlen(*uuid) == 8)
		full = g_strconcat(*uuid, UUID_TAIL, NULL);
	else
		full = g_strdup(*uuid);
	g_free(*uuid);
	*uuid = g_ascii_strdown(full, -1);
	g_free(full);
}

static guint
uuid_size(const char *uuid)
{
	return strlen(uuid) == 36 && g_str_has_prefix(uuid, "0000") && g_str_has_suffix(uuid, UUID_TAIL) ? 2 : 16;
}

void
fake_advert_clear(FakeAdvert *advert)
{
	g_free(advert->name);
	g_strfreev(advert->uuids);
	g_clear_pointer(&advert->service_data, g_variant_unref);
	g_clear_pointer(&advert->manufacturer_data, g_variant_unref);
	memset(advert, 0, sizeof(*advert));
}

/* The bytes of the advertising data; the name goes into the scan response. */
static guint
data_length(const FakeAdvert *advert)
{
	guint length = advert->discoverable ? 3 : 0;
	guint short_uuids = 0, long_uuids = 0;
	GVariantIter iter;
	const char *uuid;
	GVariant *value;
	guint16 company;

	for (char **item = advert->uuids; item && *item; item++)
		if (uuid_size(*item) == 2)
			short_uuids++;
		else
			long_uuids++;
	length += short_uuids ? 2 + 2 * short_uuids : 0;
	length += long_uuids ? 2 + 16 * long_uuids : 0;
	if (advert->service_data) {
		g_variant_iter_init(&iter, advert->service_data);
		while (g_variant_iter_next(&iter, "{&sv}", &uuid, &value)) {
			length += 2 + uuid_size(uuid) + (guint)g_variant_get_size(value);
			g_variant_unref(value);
		}
	}
	if (advert->manufacturer_data) {
		g_variant_iter_init(&iter, advert->manufacturer_data);
		while (g_variant_iter_next(&iter, "{qv}", &company, &value)) {
			length += 4 + (guint)g_variant_get_size(value);
			g_variant_unref(value);
		}
	}
	return length;
}

static GVariant *
normalise_service_data(GVariant *data)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	GVariantIter iter;
	const char *key;
	GVariant *value;

	g_variant_iter_init(&iter, data);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		char *uuid = g_strdup(key);

		fake_uuid_normalise(&uuid);
		if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING))
			g_variant_builder_add(&builder, "{sv}", uuid, value);
		g_variant_unref(value);
		g_free(uuid);
	}
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

static GVariant *
typed(GHashTable *properties, const char *name, const char *type)
{
	GVariant *value = g_hash_table_lookup(properties, name);

	return value && g_variant_is_of_type(value, G_VARIANT_TYPE(type)) ? value : NULL;
}

/* As the firmware of a pen does, whose BlueZ stand-in has no word for a scan response. */
static void
list_uuids_of_data(FakeAdvert *advert)
{
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();
	GVariantIter iter;
	char *uuid;

	g_variant_iter_init(&iter, advert->service_data);
	while (g_variant_iter_next(&iter, "{sv}", &uuid, NULL))
		if (uuid_size(uuid) == 16)
			g_ptr_array_add(uuids, uuid);
		else
			g_free(uuid);
	if (uuids->len == 0)
		return;
	g_ptr_array_add(uuids, NULL);
	advert->uuids = (char **)g_ptr_array_free(g_steal_pointer(&uuids), FALSE);
	if (advert->name && strlen(advert->name) > SHORT_NAME)
		advert->name[SHORT_NAME] = '\0';
}

gboolean
fake_advert_parse(FakeAdvert *advert, GHashTable *properties, const FakeOptions *options)
{
	GVariant *type = typed(properties, "Type", "s");
	GVariant *name = typed(properties, "LocalName", "s");
	GVariant *uuids = typed(properties, "ServiceUUIDs", "as");
	GVariant *service_data = typed(properties, "ServiceData", "a{sv}");
	GVariant *manufacturer_data = typed(properties, "ManufacturerData", "a{qv}");
	GVariant *discoverable = typed(properties, "Discoverable", "b");

	memset(advert, 0, sizeof(*advert));
	advert->connectable = type && g_str_equal(g_variant_get_string(type, NULL), "peripheral");
	advert->discoverable = discoverable && g_variant_get_boolean(discoverable);
	if (name && *g_variant_get_string(name, NULL))
		advert->name = g_variant_dup_string(name, NULL);
	if (uuids && g_variant_n_children(uuids)) {
		advert->uuids = g_variant_dup_strv(uuids, NULL);
		for (char **uuid = advert->uuids; *uuid; uuid++)
			fake_uuid_normalise(uuid);
	}
	if (service_data && g_variant_n_children(service_data))
		advert->service_data = normalise_service_data(service_data);
	if (manufacturer_data && g_variant_n_children(manufacturer_data))
		advert->manufacturer_data = g_variant_ref(manufacturer_data);
	if (!type || data_length(advert) > (guint)fake_options_advert_length(options) ||
	    (advert->name && strlen(advert->name) + 2 > FAKE_SCAN_RESPONSE_LENGTH)) {
		fake_advert_clear(advert);
		return FALSE;
	}
	if (!options->bare_adverts && !advert->uuids && advert->service_data)
		list_uuids_of_data(advert);
	return TRUE;
}
