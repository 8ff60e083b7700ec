/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Which of several adapters a pen is connected over.
 *
 * BlueZ keeps a bond per adapter, and the pen knows each of our adapters as a host of its own:
 * over another adapter than the one that was paired it refuses its log, and BlueZ would begin
 * to pair by itself.  So where any adapter holds a bond, only those that do are asked.  Among
 * them, or among all when there is no bond yet: one that has not failed just now, one that
 * hears the pen at the moment, one with a connection to spare, the one of the last time, the
 * one that hears it best.  The last two change places when the gain is STP_BLUEZ_ROUTE_GAIN.
 */
typedef struct {
	gboolean knows;		/* it has heard the pen, or remembers it */
	gboolean bonded;
	gboolean hears;		/* at the moment */
	gboolean room;		/* it has a connection to spare */
	gboolean failed;	/* in this attempt */
	gboolean last;		/* the pen was connected over it the last time */
	gint16 rssi;		/* dBm; 127 unknown */
} StpBluezCandidate;

/* The index of the best; -1: none. */
int stp_bluez_route(const StpBluezCandidate *candidates, guint count);
