/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "test-central.h"
#include "test-pen.h"

#define PEN_ADDRESS  "00:AA:01:01:00:42"	/* of hci1 */
#define HOST_ADDRESS "00:AA:01:00:00:42"	/* of hci0 */
#define PEN_ADAPTER  "/org/bluez/hci1"
#define HOST_AT_PEN  "/org/bluez/hci1/dev_00_AA_01_00_00_42"

/* A bus, the fake on it, a pen on hci1, a central on hci0. */
typedef struct {
	PrivateBus *bus;
	PrivateChild *fake;
	TestPen *pen;		/* advertises */
	TestCentral *central;
	GDBusConnection *air;
} Fixture;

/* args: for the fake, space-separated, may be "". */
Fixture *fixture_new(const char *args, const char *pen_capability, const char *central_capability);
/* Also checks that the fake ends cleanly on SIGTERM. */
void fixture_free(Fixture *fixture);

/* Call a method of org.stipple1.test.Air1; fails the test when it fails. */
void fixture_air(Fixture *fixture, const char *method, GVariant *args);

/* Pair after connecting; the error's word is the caller's, NULL on success. */
char *fixture_pair(Fixture *fixture);

/* Check a boolean of a pointer while the main loop runs, five seconds at most. */
gboolean fixture_until(const gboolean *flag);
gboolean fixture_until_count(const guint *counter, guint value);

/* No options: an empty a{sv} as the only argument. */
GVariant *no_options(void);
