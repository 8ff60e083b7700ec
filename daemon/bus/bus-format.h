/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "enrolled-pen.h"
#include "pen-sync.h"
#include "radio.h"
#include "session-store.h"

/*
 * The store's and the collector's structures as the dictionaries of org.stipple1 (see
 * proto/org.stipple1.Manager1.xml for their keys).  All return floating references.
 */

GVariant *stp_bus_session(const StpSession *session);
GVariant *stp_bus_finding(const StpFinding *finding);
/* pen: the enrolled one, NULL: it is not. */
GVariant *stp_bus_coverage(const StpCoverage *coverage, StpEnrolledPen *pen);
/* serial NULL: not enrolled. */
GVariant *stp_bus_sighting(const StpSighting *sighting, const char *serial);
GVariant *stp_bus_sync_result(const StpSyncResult *result, gint64 duration_us);

GVariant *stp_bus_adapter(const StpAdapterReport *report);

/* "/org/stipple1/pen/STP_2d1001" */
char *stp_bus_pen_path(const char *serial);
