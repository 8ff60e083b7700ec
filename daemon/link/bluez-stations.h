/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-station.h"

/*
 * All adapters that are ours to use, each by its address, from the time when it was first seen.
 *
 * Signals:
 *   sighting (const StpSighting *)  of one or several of them, put together
 *   changed ()
 *   room-changed ()
 */
#define STP_TYPE_BLUEZ_STATIONS (stp_bluez_stations_get_type())
G_DECLARE_FINAL_TYPE(StpBluezStations, stp_bluez_stations, STP, BLUEZ_STATIONS, GObject)

/*
 * wanted: addresses, or "hci1" for the adapter that is first seen there and is known by its
 * address from then on; NULL or empty: every one that there is.  lease_directory: see
 * adapter-lease.h.  memory: see radio-memory.h, a path.  Both may be NULL.
 */
StpBluezStations *stp_bluez_stations_new(StpBluezClient *client, const char *const *wanted,
					 const char *lease_directory, const char *memory);
void stp_bluez_stations_start(StpBluezStations *self);
/* See stp_radio_watch(). */
void stp_bluez_stations_watch(StpBluezStations *self, gboolean watching);

/* (element-type StpBluezStation), owned by self. */
GPtrArray *stp_bluez_stations_get_all(StpBluezStations *self);
/* Of the radio. */
StpRadioState stp_bluez_stations_get_state(StpBluezStations *self);
guint stp_bluez_stations_get_links_at_once(StpBluezStations *self);
/* (element-type StpSighting), the caller's. */
GPtrArray *stp_bluez_stations_list_sightings(StpBluezStations *self);

/*
 * The station over which a pen is to be connected; owned by self.  failed: those that it was
 * tried over just now (element-type StpBluezStation), or NULL.  pairing: a new bond will be
 * made, so that it does not matter where the old one was.
 */
StpBluezStation *stp_bluez_stations_route(StpBluezStations *self, const char *pen, GPtrArray *failed,
					  gboolean pairing, GError **error);
/* It was connected over that one. */
void stp_bluez_stations_reached(StpBluezStations *self, const char *pen, StpBluezStation *station);
/* The one over which it was connected last; NULL: it never was. */
StpBluezStation *stp_bluez_stations_last(StpBluezStations *self, const char *pen);
/*
 * A pairing leaves its pen connected, for the connect that follows.  take_up: that one has it now, or lets it go; NULL:
 * it was not left so, or is not connected any more; the caller's.
 */
void stp_bluez_stations_leave_up(StpBluezStations *self, const char *pen, GDBusProxy *device);
GDBusProxy *stp_bluez_stations_take_up(StpBluezStations *self, const char *pen);
/* It has no bond any more, on purpose. */
void stp_bluez_stations_forget(StpBluezStations *self, const char *pen);
