/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"
#include "remote-chr.h"

/*
 * org.bluez.Battery1 of a connected device: BlueZ reads the level and subscribes to it by
 * itself, whether anybody wants to know or not.
 */
void fake_battery_start(FakeDevice *device, FakeRemoteChr *level);
void fake_battery_stop(FakeDevice *device);
