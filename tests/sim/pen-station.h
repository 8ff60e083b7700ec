/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "pen-advert.h"
#include "pen-service.h"
#include "sim-faults.h"
#include "sim-pen.h"

/*
 * A pen on an adapter: its services and advertisement, the central that is connected, and what
 * is said of all that on standard output.
 */
typedef struct PenStation PenStation;

/* Once, when the pen is on the air, or is not going to be: then error is set. */
typedef void (*PenStationReady)(PenStation *station, GError *error, gpointer data);

/* adapter: its object path.  pen and faults must live longer. */
PenStation *pen_station_new(GDBusConnection *bus, const char *adapter, SimPen *pen, SimLinkFaults *faults,
			    PenServiceFlags flags, PenAdvertForm form);
void pen_station_free(PenStation *station);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PenStation, pen_station_free)

/*
 * Power the adapter, name it after the pen, and register.  While the adapter or its managers
 * are not there yet it is tried again until patience_ms have passed.
 */
void pen_station_start(PenStation *station, guint patience_ms, PenStationReady ready, gpointer data);
/* Take everything off the air, and give the adapter its name back.  Waits, briefly. */
/*
 * Before pen_station_stop(), with the main loop going on until bluetoothd has answered something else: one of
 * 5.66 crashes when an application ends that owes it the answer to AcquireNotify.
 */
void pen_station_leave(PenStation *station);
void pen_station_stop(PenStation *station);
/* bluetoothd has gone and taken all registrations with it. */
void pen_station_lost(PenStation *station);

/* Whether the pen pairs with anybody now; what it advertises of its window is the pen's own. */
void pen_station_set_pairs(PenStation *station, gboolean pairs);

SimPen *pen_station_pen(const PenStation *station);
/* Whether that device object is of this station's adapter. */
gboolean pen_station_has_device(const PenStation *station, const char *device);
/* A device's link, or the device itself, has gone. */
void pen_station_device_gone(PenStation *station, const char *device);
/* What the pen advertises may have changed. */
void pen_station_refresh(PenStation *station);
