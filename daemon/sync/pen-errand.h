/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/errand.h>

#include "radio.h"
#include "session-store.h"

/*
 * What a person asks of a pen beside collecting: who has a slot, free one, erase the log.  It connects,
 * runs the library's errand over the link, and lets the pen go.
 */

typedef struct {
	guint8 index;
	guint8 name[STP_COLLECTOR_NAME_SIZE];
	guint32 mark, epoch;
} StpPenSlot;

/* Somebody has to press the pen's button, within so many milliseconds.  Called once at the most. */
typedef void (*StpErrandConfirm)(guint within_ms, gpointer user_data);

/*
 * config is copied, but not the sets that it names.  Result: the slots in use, for LIST_SLOTS, else
 * empty: (element-type StpPenSlot).  Errors: those of connecting, of the link and of the bond; DENIED (the
 * pen refuses), INCOMPLETE (it would lose records), NOT_FOUND (no such slot), LINK_FAILED also
 * when nobody pressed the button in time.
 */
void stp_pen_errand_async(StpRadio *radio, StpStore *store, const char *address, const char *serial,
			  const struct stp_errand_config *config, StpErrandConfirm confirm,
			  gpointer confirm_data, GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer user_data);
GArray *stp_pen_errand_finish(StpRadio *radio, GAsyncResult *result, GError **error);
