/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-adapter.h"
#include "bluez-queue.h"
#include "bluez-scanner.h"
#include "bluez-sightings.h"
#include "radio-memory.h"
#include "radio.h"

/*
 * One adapter with all that belongs to it: what it hears, the queue of what it does, the
 * connections it carries, its lease.  Stays when the adapter goes, and goes on when that is
 * back, wherever it is plugged in.
 *
 * Signals:
 *   sighting (const StpSighting *)
 *   changed ()       of the report
 *   room-changed ()  a connection ended, or it carries more or fewer now
 */
#define STP_TYPE_BLUEZ_STATION (stp_bluez_station_get_type())
G_DECLARE_FINAL_TYPE(StpBluezStation, stp_bluez_station, STP, BLUEZ_STATION, GObject)

/* lease_directory: see adapter-lease.h.  memory must outlive it. */
StpBluezStation *stp_bluez_station_new(StpBluezClient *client, const char *address, const char *lease_directory,
				       StpRadioMemory *memory);
void stp_bluez_station_start(StpBluezStation *self);

const char *stp_bluez_station_get_address(StpBluezStation *self);
StpBluezAdapter *stp_bluez_station_get_adapter(StpBluezStation *self);
StpBluezScanner *stp_bluez_station_get_scanner(StpBluezStation *self);
StpBluezSightings *stp_bluez_station_get_sightings(StpBluezStation *self);
/* bluetoothd runs, the adapter is there, on, and ours. */
gboolean stp_bluez_station_is_usable(StpBluezStation *self);
/* As of the radio; bluetoothd runs. */
StpRadioState stp_bluez_station_get_state(StpBluezStation *self);

/* Connect, Pair and the start of discovery: one at a time. */
StpBluezQueue *stp_bluez_station_get_turns(StpBluezStation *self);

/* The right to one connection; see bluez-queue.h. */
void stp_bluez_station_enter_slot(StpBluezStation *self, void (*run)(gpointer data), gpointer data);
gboolean stp_bluez_station_withdraw_slot(StpBluezStation *self, gpointer data);
void stp_bluez_station_leave_slot(StpBluezStation *self);
/* The link has the slot from now on, until it is closed. */
void stp_bluez_station_hand_slot_to(StpBluezStation *self, StpLink *link);
gboolean stp_bluez_station_has_room(StpBluezStation *self);
/* How many it carries at once, as learned. */
guint stp_bluez_station_get_ceiling(StpBluezStation *self);
/* Links that are up. */
guint stp_bluez_station_get_links(StpBluezStation *self);
/* That pen was refused while others are up, BlueZ does not say why.  TRUE: for want of room, as others were, too. */
gboolean stp_bluez_station_suspect(StpBluezStation *self, const char *pen);
/* A connection was refused for want of room. */
void stp_bluez_station_refused(StpBluezStation *self);

/* The computer goes to sleep, links end and nothing new begins; or it is back. */
void stp_bluez_station_set_asleep(StpBluezStation *self, gboolean asleep);

/* One try failed. */
void stp_bluez_station_count(StpBluezStation *self, StpLinkClass class);
/* Who else has the adapter, as they say; NULL: nobody. */
const char *stp_bluez_station_get_lease_holder(StpBluezStation *self);
/* So many that were counted under the one class turn out to be one of the other. */
void stp_bluez_station_recount(StpBluezStation *self, StpLinkClass from, guint count, StpLinkClass class);
/* The caller's. */
StpAdapterReport *stp_bluez_station_report(StpBluezStation *self);
