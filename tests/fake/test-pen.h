/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <private-bus.h>

#include "bus.h"

/* A small peripheral for the fake's own tests: one service, an agent, an advertisement. */

#define TEST_SERVICE "84887970-ba6c-4e68-ac43-fe1ae44d345b"
#define TEST_OPEN    "84880001-ba6c-4e68-ac43-fe1ae44d345b"	/* read, write */
#define TEST_SECRET  "84880002-ba6c-4e68-ac43-fe1ae44d345b"	/* read with an authenticated bond, indicate */
#define TEST_DATA    "84880003-ba6c-4e68-ac43-fe1ae44d345b"	/* notify, by descriptor */
#define TEST_LIVE    "84880004-ba6c-4e68-ac43-fe1ae44d345b"	/* notify, by signal */
#define TEST_SINK    "84880005-ba6c-4e68-ac43-fe1ae44d345b"	/* write without response */
#define TEST_LEVEL   "00002a19-0000-1000-8000-00805f9b34fb"	/* battery: read, notify */
#define TEST_GUARDED "84880006-ba6c-4e68-ac43-fe1ae44d345b"	/* read with any bond */

typedef struct {
	GDBusConnection *connection;
	FakeBus *bus;
	char *adapter;
	FakeObject *advert_object;
	FakeIface *advert;
	GPtrArray *objects;
	FakeIface *live, *secret, *battery;
	/* What happened. */
	int data_fd;		/* our end, -1 while nobody listens */
	guint acquired, started, stopped, confirmed;
	gboolean shown;		/* a passkey was displayed */
	guint32 passkey;
	gboolean refuse;	/* say no to RequestConfirmation */
	guint asked;
	GByteArray *written;	/* the last value */
	guint writes;
	guint battery_read, battery_started;
	gboolean silent;	/* never answer a read */
	gboolean lists_uuid;	/* advertise ServiceUUIDs, too */
} TestPen;

/* Registers the agent (as the default one), the application and the advertisement. */
TestPen *test_pen_new(PrivateBus *bus, const char *adapter, const char *capability);
/* Leaves the bus as a killed process does. */
void test_pen_free(TestPen *pen);

/* Unregister the agent. */
void test_pen_retire_agent(TestPen *pen);

/* FALSE when the fake refused it; error may be NULL. */
gboolean test_pen_advertise(TestPen *pen, GError **error);
/* The status byte of the service data. */
void test_pen_set_status(TestPen *pen, guint8 status);

/* Notify on TEST_DATA; FALSE when the socket is full. */
gboolean test_pen_send(TestPen *pen, gconstpointer value, gsize size);
/* Notify on TEST_LIVE, indicate on TEST_SECRET. */
void test_pen_signal(TestPen *pen, FakeIface *chr, gconstpointer value, gsize size);

/* Call a method while the main loop runs; NULL on error.  reply is floating-free, the caller's. */
GVariant *test_call(GDBusConnection *connection, const char *path, const char *interface, const char *method,
		    GVariant *args, GUnixFDList **fds, GError **error);
