/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"
#include "advert-data.h"

/* Has org.bluez.LEAdvertisingManager1 at the adapter's object. */
FakeAdverts *fake_adverts_new(FakeAdapter *adapter);
void fake_adverts_free(FakeAdverts *adverts);

/* How many advertisements are on the air now, and which. */
guint fake_adverts_on_air(FakeAdverts *adverts);
const FakeAdvert *fake_adverts_nth(FakeAdverts *adverts, guint n);
/* Whether one of them takes a connection. */
gboolean fake_adverts_connectable(FakeAdverts *adverts);
