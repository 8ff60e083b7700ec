/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "session-store.h"
#include "stipple-dbus.h"

/* Answer ListRetiredPens for as long as both live. */
void stp_bus_retired_attach(StpStore *store, StpDbusManager1 *skeleton);
