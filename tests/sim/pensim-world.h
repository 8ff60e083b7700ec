/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "private-bus.h"

/* stipple-pensim as a program on the fake BlueZ, and a small central to meet its pens. */

#define WAIT_MS    20000
#define READ_VALUE "org.bluez.GattCharacteristic1.ReadValue"
#define DEVICE "/org/bluez/hci0/dev_00_AA_01_01_00_42"

struct world {
	PrivateBus *bus;
	PrivateChild *fake;
	GDBusConnection *central;
};

/* For cmocka: *state is a struct world. */
int pensim_set_up(void **state);
int pensim_tear_down(void **state);

void start_fake(struct world *world, const char *adapters);
PrivateChild *start_pens(struct world *world, ...) G_GNUC_NULL_TERMINATED;
/* Waits for a line with that text, or fails the test. */
void expect(PrivateChild *pens, const char *text);

GVariant *call(struct world *world, const char *path, const char *method, GVariant *arguments, GError **error);
/* A call that must not fail. */
void call_well(struct world *world, const char *path, const char *method, GVariant *arguments);
GVariant *no_options(void);
/* The path of the device's characteristic with that UUID. */
char *wait_characteristic(struct world *world, const char *device, const char *uuid);
void discover(struct world *world, const char *adapter, const char *device);
