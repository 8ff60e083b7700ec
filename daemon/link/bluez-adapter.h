/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"

/*
 * Chooses the adapter: the wanted one, or the powered one with the lowest address.  It stays
 * with its choice until that one is gone or off.
 *
 * Signal: changed ()  another adapter, none, or the power went on or off
 */
#define STP_TYPE_BLUEZ_ADAPTER (stp_bluez_adapter_get_type())
G_DECLARE_FINAL_TYPE(StpBluezAdapter, stp_bluez_adapter, STP, BLUEZ_ADAPTER, GObject)

/* wanted: an address, "hci1", or NULL for any. */
StpBluezAdapter *stp_bluez_adapter_new(StpBluezClient *client, const char *wanted);

/* The chosen adapter, powered; owned by self; NULL when there is none. */
GDBusProxy *stp_bluez_adapter_get(StpBluezAdapter *self);
/* Its object path; NULL when there is none. */
const char *stp_bluez_adapter_get_path(StpBluezAdapter *self);
/* There is one, but it is off. */
gboolean stp_bluez_adapter_is_off(StpBluezAdapter *self);
