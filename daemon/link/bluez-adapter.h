/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"

/*
 * One adapter, known by its address: the hci index and so the object path change when it is
 * plugged in anew or reset, and are looked up each time.
 *
 * Signal: changed ()  it came, went, was switched on or off, or was let or taken from us
 */
#define STP_TYPE_BLUEZ_ADAPTER (stp_bluez_adapter_get_type())
G_DECLARE_FINAL_TYPE(StpBluezAdapter, stp_bluez_adapter, STP, BLUEZ_ADAPTER, GObject)

StpBluezAdapter *stp_bluez_adapter_new(StpBluezClient *client, const char *address);
const char *stp_bluez_adapter_get_address(StpBluezAdapter *self);

/* Where BlueZ shows it, powered and ours to use; owned by self; NULL when it is not so. */
GDBusProxy *stp_bluez_adapter_get(StpBluezAdapter *self);
/* Its object path; NULL as above. */
const char *stp_bluez_adapter_get_path(StpBluezAdapter *self);
/* BlueZ shows it. */
gboolean stp_bluez_adapter_is_present(StpBluezAdapter *self);
/* It is there, but off. */
gboolean stp_bluez_adapter_is_off(StpBluezAdapter *self);
/* Where BlueZ shows it, whether we may use it or not; NULL when it is not there. */
const char *stp_bluez_adapter_get_seen_path(StpBluezAdapter *self);

/* Whether we may use it (the lease).  It may be used from the start. */
void stp_bluez_adapter_let(StpBluezAdapter *self, gboolean ours);
