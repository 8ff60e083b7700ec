/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"

/* What one registered LEAdvertisement1 object puts on the air. */
typedef struct {
	char *name;			/* NULL: none */
	char **uuids;			/* lower case, 128 bit; NULL: none */
	GVariant *service_data;		/* a{sv}; NULL: none */
	GVariant *manufacturer_data;	/* a{qv}; NULL: none */
	gboolean connectable;
	gboolean discoverable;
} FakeAdvert;

/* Has org.bluez.LEAdvertisingManager1 at the adapter's object. */
FakeAdverts *fake_adverts_new(FakeAdapter *adapter);
void fake_adverts_free(FakeAdverts *adverts);

/* How many advertisements are on the air now, and which. */
guint fake_adverts_on_air(FakeAdverts *adverts);
const FakeAdvert *fake_adverts_nth(FakeAdverts *adverts, guint n);
/* Whether one of them takes a connection. */
gboolean fake_adverts_connectable(FakeAdverts *adverts);

/* Write a 16-bit or 128-bit UUID out in full and in lower case; replaces the string. */
void fake_uuid_normalise(char **uuid);
