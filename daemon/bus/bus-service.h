/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "collector.h"

/*
 * All of org.stipple1 on a bus: the manager and the pens' objects, and the well-known name once
 * they are there.
 */

#define STP_TYPE_BUS_SERVICE (stp_bus_service_get_type())
G_DECLARE_FINAL_TYPE(StpBusService, stp_bus_service, STP, BUS_SERVICE, GObject)

#define STP_BUS_NAME "org.stipple1"
#define STP_BUS_PATH "/org/stipple1"

/* Signals: name-acquired (), name-lost () */
StpBusService *stp_bus_service_new(StpCollector *collector, const char *version);
gboolean stp_bus_service_start(StpBusService *self, GDBusConnection *bus, GError **error);
/* Take everything off the bus. */
void stp_bus_service_stop(StpBusService *self);
