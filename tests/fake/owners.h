/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* Who is on the bus: clients are watched, since all they asked for ends with them. */
typedef struct FakeOwners FakeOwners;

typedef void (*FakeGone)(gpointer data);

FakeOwners *fake_owners_new(GDBusConnection *connection);
void fake_owners_free(FakeOwners *owners);

/* Call gone(data) once when that unique name leaves the bus.  Returns an id for unwatch. */
guint fake_owners_watch(FakeOwners *owners, const char *owner, FakeGone gone, gpointer data);
void fake_owners_unwatch(FakeOwners *owners, guint id);
