/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "session-store.h"
#include "stipple-dbus.h"

/* ListSyncs, for as long as both live. */
void stp_bus_syncs_attach(StpStore *store, StpDbusManager1 *skeleton);
