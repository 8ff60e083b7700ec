/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"
#include "link.h"

/*
 * The link to a connected device of BlueZ whose services are resolved.
 *
 * Log Data comes through the descriptor of AcquireNotify, or by StartNotify where BlueZ does
 * not give one; Log Control Point always by StartNotify.  Writes of one link go out one after
 * the other, since BlueZ refuses a second one on the same characteristic.
 *
 * It counts as authenticated when the device is bonded: Stipple keeps no bond that was made
 * without a code, and a pen serves its log to authenticated bonds only, so that an
 * unauthenticated bond of another program's making ends with STP_ERROR_DENIED.
 */
#define STP_TYPE_LINK_BLUEZ (stp_link_bluez_get_type())
G_DECLARE_FINAL_TYPE(StpLinkBluez, stp_link_bluez, STP, LINK_BLUEZ, GObject)

/* NULL, with LINK_FAILED, when the device is not connected any more. */
StpLink *stp_link_bluez_new(StpBluezClient *client, GDBusProxy *device, GError **error);
