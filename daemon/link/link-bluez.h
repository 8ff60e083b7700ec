/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"
#include "link.h"
#include "link-memory.h"

/*
 * The link to a connected device of BlueZ whose services are resolved.
 *
 * How Log Data comes is bluez-notify.h's to decide.  Writes of one link go out one after the
 * other, since BlueZ refuses a second one on the same characteristic, and none to Log Control
 * Point before stp_link_subscribe_finish().
 *
 * It counts as authenticated when the device is bonded: Stipple keeps no bond that was made
 * without a code, and a pen serves its log to authenticated bonds only, so that an
 * unauthenticated bond of another program's making ends with STP_ERROR_BOND_TOO_WEAK.
 */
#define STP_TYPE_LINK_BLUEZ (stp_link_bluez_get_type())
G_DECLARE_FINAL_TYPE(StpLinkBluez, stp_link_bluez, STP, LINK_BLUEZ, GObject)

/* How the connection came about, for the figures. */
typedef struct {
	gint16 rssi;		/* STP_RSSI_UNKNOWN */
	guint tries;		/* Connect() calls */
	guint milliseconds;	/* since the first of them */
	guint refreshes;
} StpLinkOrigin;

/* NULL, with LINK_FAILED, when the device is not connected any more. */
StpLink *stp_link_bluez_new(StpBluezClient *client, GDBusProxy *device, StpLinkMemory *memory,
			    const StpLinkOrigin *origin, GError **error);

/* The first read of STP_CHANNEL_FEATURES gets this value without asking the pen. */
void stp_link_bluez_keep_features(StpLinkBluez *self, GBytes *features);
