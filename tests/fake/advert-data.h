/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "options.h"

#define FAKE_SCAN_RESPONSE_LENGTH 31

/* What one registered LEAdvertisement1 object puts on the air, with its scan response. */
typedef struct {
	char *name;			/* NULL: none */
	char **uuids;			/* lower case, 128 bit; NULL: none */
	GVariant *service_data;		/* a{sv}; NULL: none */
	GVariant *manufacturer_data;	/* a{qv}; NULL: none */
	gboolean connectable;
	gboolean discoverable;
} FakeAdvert;

/*
 * From the object's properties (name to GVariant).  FALSE, and nothing to clear, when they do
 * not fit or make no sense.
 */
gboolean fake_advert_parse(FakeAdvert *advert, GHashTable *properties, const FakeOptions *options);
void fake_advert_clear(FakeAdvert *advert);

/* Write a 16-bit or 128-bit UUID out in full and in lower case; replaces the string. */
void fake_uuid_normalise(char **uuid);
