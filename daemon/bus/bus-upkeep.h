/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "session-store.h"
#include "stipple-dbus.h"

/* BackUp, CheckStore and Reparse, for as long as the skeleton lives. */
void stp_bus_upkeep_attach(StpStore *store, StpDbusManager1 *skeleton);
