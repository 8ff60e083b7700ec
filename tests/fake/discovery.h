/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"
#include "advertising.h"

/* The discovery sessions of an adapter, one per sender, and their filters. */
FakeDiscovery *fake_discovery_new(FakeAdapter *adapter);
void fake_discovery_free(FakeDiscovery *discovery);

/* The methods of Adapter1; each answers the invocation. */
void fake_discovery_start(FakeDiscovery *discovery, GDBusMethodInvocation *invocation);
void fake_discovery_stop(FakeDiscovery *discovery, GDBusMethodInvocation *invocation);
void fake_discovery_set_filter(FakeDiscovery *discovery, GVariant *properties,
			       GDBusMethodInvocation *invocation);

gboolean fake_discovery_running(FakeDiscovery *discovery);
/* Power is gone: every session and filter with it. */
void fake_discovery_reset(FakeDiscovery *discovery);
/* An advertisement was heard. */
void fake_discovery_report(FakeDiscovery *discovery, const char *address, const FakeAdvert *advert,
			   gint16 rssi);
