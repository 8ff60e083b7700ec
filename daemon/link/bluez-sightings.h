/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-monitor.h"
#include "radio.h"

/*
 * Remembers every pen that the chosen adapter has heard, but of those that were never bonded no more than
 * STP_BLUEZ_SIGHTINGS_MOST leaves room for.  A device that only stands in BlueZ'
 * cache is known here, so that it can be connected, but has not been sighted.  In sight is a pen
 * that was heard within STP_BLUEZ_IN_SIGHT, is connected, or is found and not lost by a monitor.
 *
 * Signal: sighting (const StpSighting *)  heard, or out of sight now; see StpRadio
 */
#define STP_TYPE_BLUEZ_SIGHTINGS (stp_bluez_sightings_get_type())
G_DECLARE_FINAL_TYPE(StpBluezSightings, stp_bluez_sightings, STP, BLUEZ_SIGHTINGS, GObject)

StpBluezSightings *stp_bluez_sightings_new(StpBluezClient *client, StpBluezAdapter *adapter);

/* Believe this monitor, too. */
void stp_bluez_sightings_follow(StpBluezSightings *self, StpBluezMonitor *monitor);
/* Take in what BlueZ showed before self was there: a pen whose link a daemon before this one left up is silent. */
void stp_bluez_sightings_look(StpBluezSightings *self);
gboolean stp_bluez_sightings_is_any_in_sight(StpBluezSightings *self);
/* (element-type StpSighting): the pens that were heard; the caller's. */
GPtrArray *stp_bluez_sightings_list(StpBluezSightings *self);
/* What is known of it; owned by self; NULL: nothing. */
const StpSighting *stp_bluez_sightings_find(StpBluezSightings *self, const char *address);
/* Its Device1, the caller's; NULL when BlueZ has none at the moment. */
GDBusProxy *stp_bluez_sightings_find_device(StpBluezSightings *self, const char *address);
