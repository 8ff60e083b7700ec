/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"
#include "radio.h"

/*
 * Makes authenticated bonds.  Its agent is registered only while a pairing runs, on our own
 * connection, and is never the default one: pairings that other programs start are not ours.
 *
 * A bond that came about without a code ("just works") is asked about, and taken back unless that is
 * allowed: BlueZ accepts it by itself when the pen can do no better, and does not tell afterwards
 * which kind it was.
 */
#define STP_TYPE_BLUEZ_PAIRING (stp_bluez_pairing_get_type())
G_DECLARE_FINAL_TYPE(StpBluezPairing, stp_bluez_pairing, STP, BLUEZ_PAIRING, GObject)

StpBluezPairing *stp_bluez_pairing_new(StpBluezClient *client);

/*
 * Bond with a connected device, and trust it.  One at a time.  Succeeds at once when a bond
 * exists.  Errors: PAIRING_FAILED, LINK_FAILED, NO_BLUETOOTH, DENIED, CANCELLED, BUSY.
 */
void stp_bluez_pairing_run_async(StpBluezPairing *self, GDBusProxy *device, StpPairingAsk ask,
				 gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
				 gpointer user_data);
gboolean stp_bluez_pairing_run_finish(StpBluezPairing *self, GAsyncResult *result, GError **error);

void stp_bluez_pairing_answer(StpBluezPairing *self, guint request, gboolean accept, guint32 passkey);
