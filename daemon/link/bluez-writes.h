/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * Writes of one link, one after the other in the order of asking: BlueZ refuses a second
 * one on the same characteristic, and a command must not overtake a request.
 */
typedef struct StpBluezWrites StpBluezWrites;

/* source: the source object of the write's task. */
typedef struct {
	/* Makes an error in STP_ERROR of the one of a write. */
	GError *(*explain)(gpointer source, const GError *error, GCancellable *cancellable);
	void (*written)(gpointer source, GDBusProxy *characteristic, GBytes *value);
} StpBluezWritesEvents;

StpBluezWrites *stp_bluez_writes_new(const StpBluezWritesEvents *events);
/* Nothing may be under way: every task holds its source object, which holds this. */
void stp_bluez_writes_free(StpBluezWrites *writes);

/* Takes task, which returns TRUE or an error.  ends: cancelled when the link ends. */
void stp_bluez_writes_add(StpBluezWrites *writes, GTask *task, GDBusProxy *characteristic, GBytes *value,
			  gboolean with_response, GCancellable *cancellable, GCancellable *ends);

/* While hold is TRUE, what is not under way yet waits. */
void stp_bluez_writes_hold(StpBluezWrites *writes, gboolean hold);

/* Whatever waits fails; the one under way comes back by itself once its ends is cancelled. */
void stp_bluez_writes_fail(StpBluezWrites *writes, const GError *reason);
