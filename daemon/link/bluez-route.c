/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-route.h"

#include "bluez-timing.h"

#define RSSI_UNKNOWN 127

static int
strength(const StpBluezCandidate *candidate)
{
	return candidate->rssi == RSSI_UNKNOWN ? G_MININT16 : candidate->rssi;
}

static gboolean
is_better(const StpBluezCandidate *a, const StpBluezCandidate *b)
{
	if (a->failed != b->failed)
		return b->failed;
	if (a->hears != b->hears)
		return a->hears;
	if (a->room != b->room)
		return a->room;
	if (a->last)
		return strength(a) + STP_BLUEZ_ROUTE_GAIN > strength(b);
	if (b->last)
		return strength(a) >= strength(b) + STP_BLUEZ_ROUTE_GAIN;
	return strength(a) > strength(b);
}

int
stp_bluez_route(const StpBluezCandidate *candidates, guint count)
{
	gboolean bonded = FALSE;
	int best = -1;

	for (guint i = 0; i < count; i++)
		bonded = bonded || (candidates[i].knows && candidates[i].bonded);
	for (guint i = 0; i < count; i++) {
		if (!candidates[i].knows || (bonded && !candidates[i].bonded))
			continue;
		if (best < 0 || is_better(&candidates[i], &candidates[best]))
			best = (int)i;
	}
	return best;
}
