/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "att.h"
#include "gatt-db.h"

/* The peripheral's side: requests become calls to the application that has the object. */

/* Answer a request, now or when the application has answered. */
void fake_local_serve(FakeDb *db, FakeRequest *request);
void fake_local_command(FakeDb *db, FakeLink *link, guint16 handle, GVariant *value);

/* Write to the application, by descriptor or by call; request NULL: a command. */
void fake_local_write(FakeChr *chr, FakeLink *link, GVariant *value, guint16 offset, FakeRequest *request);
void fake_local_stop_writing(FakeChr *chr);

/* The application has a value to notify or to indicate, for every central that asked. */
void fake_local_notify(FakeChr *chr, gconstpointer value, gsize size);

/* The characteristic goes away: its descriptors are closed. */
void fake_local_stop(FakeChr *chr);
/* The link ended; what the central had subscribed to stays on when it is bonded. */
void fake_local_closed(FakeDb *db, FakeLink *link);
