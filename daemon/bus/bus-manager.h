/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "collector.h"

/* org.stipple1.Manager1: pens, sessions and coverage for callers on the bus. */

#define STP_TYPE_BUS_MANAGER (stp_bus_manager_get_type())
G_DECLARE_FINAL_TYPE(StpBusManager, stp_bus_manager, STP, BUS_MANAGER, GObject)

/* version is the daemon's. */
StpBusManager *stp_bus_manager_new(StpCollector *collector, const char *version);
gboolean stp_bus_manager_export(StpBusManager *self, GDBusConnection *bus, const char *path,
				GError **error);
void stp_bus_manager_unexport(StpBusManager *self);
