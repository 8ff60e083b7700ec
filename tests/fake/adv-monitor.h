/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"
#include "advertising.h"

/*
 * org.bluez.AdvertisementMonitorManager1 of an adapter, as BlueZ 5.66 has it with --experimental on a
 * controller that cannot watch by itself: patterns on what is in the advertisement proper, and
 * thresholds as adv_monitor.c counts them.  A second of theirs lasts options->monitor_second.
 */
FakeMonitors *fake_monitors_new(FakeAdapter *adapter);
void fake_monitors_free(FakeMonitors *monitors);
/* Whether the kernel scans for one. */
gboolean fake_monitors_active(FakeMonitors *monitors);
/* An advertisement was heard: whether a monitor matches it. */
gboolean fake_monitors_match(FakeMonitors *monitors, const FakeAdvert *advert);
/* ... and its device is up to date: DeviceFound and DeviceLost. */
void fake_monitors_notify(FakeMonitors *monitors, const FakeAdvert *advert, const char *address, gint16 rssi);
/* The device has gone from the bus. */
void fake_monitors_forget(FakeMonitors *monitors, const char *address);
/* The kernel takes them away. */
void fake_monitors_release(FakeMonitors *monitors);
