/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <private-bus.h>

#include "bus.h"

/* A central for the fake's own tests: org.bluez as a client sees it, and an agent. */
typedef struct {
	GDBusConnection *connection;
	FakeBus *bus;
	FakeObject *agent;
	GDBusObjectManager *manager;
	/* What the agent says, and was asked. */
	const guint32 *passkey;		/* where RequestPasskey looks, plus offset */
	const gboolean *passkey_shown;	/* set once there is one */
	guint32 offset;
	guint confirmations;
	guint32 compared;
	GDBusMethodInvocation *waiting;	/* RequestPasskey before there was one */
	guint waiting_source;
	/* The last Value of each characteristic, and how many signals it took. */
	GHashTable *values;
	guint signals;
} TestCentral;

/* capability NULL: no agent. */
TestCentral *test_central_new(PrivateBus *bus, const char *capability);
void test_central_free(TestCentral *central);

/* Call a method of hci0, of its device for that address, or of a device's characteristic. */
GVariant *test_central_adapter(TestCentral *central, const char *method, GVariant *args, GError **error);
GVariant *test_central_device(TestCentral *central, const char *address, const char *method, GError **error);
GVariant *test_central_chr(TestCentral *central, const char *address, const char *uuid, const char *method,
			   GVariant *args, GUnixFDList **fds, GError **error);

/* A property as the object manager has it; NULL when absent.  The caller's. */
GVariant *test_central_property(TestCentral *central, const char *path, const char *interface,
				const char *name);
/* Of the device; FALSE when absent. */
gboolean test_central_is(TestCentral *central, const char *address, const char *name);
/* Wait until it is that; FALSE after five seconds. */
gboolean test_central_wait(TestCentral *central, const char *address, const char *name, gboolean value);
/* Wait until an object is there, or is gone. */
gboolean test_central_wait_object(TestCentral *central, const char *path, gboolean there);

/* "/org/bluez/hci0/dev_..."; the caller's. */
char *test_device_path(const char *address);
/* The path of that characteristic, NULL when there is none; the caller's. */
char *test_central_find(TestCentral *central, const char *address, const char *uuid);

/* SetDiscoveryFilter with that UUID, StartDiscovery, wait for the device, StopDiscovery. */
gboolean test_central_discover(TestCentral *central, const char *address, const char *uuid);
/* discover, Connect, and ServicesResolved. */
gboolean test_central_connect(TestCentral *central, const char *address, GError **error);

/* "Failed" of org.bluez.Error.Failed; NULL when it is another kind. */
char *test_error_word(const GError *error);
