/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * An asynchronous operation that waits for something outside.  Its caller hears at once when
 * the operation is cancelled (STP_ERROR_CANCELLED); its owner may learn of that later, and
 * ends it as usual: what it then returns is dropped.
 */
typedef struct StpPending StpPending;

/* what: for the message of a cancellation, "Connecting to the pen". */
StpPending *stp_pending_new(gpointer source, GCancellable *cancellable, const char *what,
			    GAsyncReadyCallback callback, gpointer user_data);

/* Each of these ends the operation and frees pending; value and error are taken. */
void stp_pending_return_pointer(StpPending *pending, gpointer value, GDestroyNotify free_value);
void stp_pending_return_true(StpPending *pending);
void stp_pending_return_error(StpPending *pending, GError *error);

gboolean stp_pending_is_cancelled(const StpPending *pending);

/* Call run once, from the main loop, when the operation is cancelled. */
void stp_pending_on_cancel(StpPending *pending, void (*run)(gpointer data), gpointer data);

/*
 * Cancelled as soon as one of two is; the caller's.  b may be NULL.  Costs nothing when it is
 * freed before the two are.
 */
GCancellable *stp_cancellable_either(GCancellable *a, GCancellable *b);
