/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "error.h"
#include "link-class.h"

/* Whether error is org.bluez.Error.<name>. */
gboolean stp_bluez_error_is(const GError *error, const char *name);

/* It does that already, for somebody else or by itself. */
gboolean stp_bluez_error_is_in_progress(const GError *error);

/* The D-Bus service behind the call is gone: bluetoothd ended or never ran. */
gboolean stp_bluez_error_is_absence(const GError *error);

/* The D-Bus daemon refused the call. */
gboolean stp_bluez_error_is_access_denied(const GError *error);

/* The object of the call does not exist (any more). */
gboolean stp_bluez_error_is_unknown_object(const GError *error);

/* No answer in time. */
gboolean stp_bluez_error_is_timeout(const GError *error);

/*
 * What kind of trouble an answer of BlueZ to Connect() or to a GATT call is: the one table of its
 * names and texts.  InProgress is TRANSIENT here; it is no failure, see bluez-reach.c.
 */
StpLinkClass stp_bluez_error_class(const GError *error);

/*
 * In STP_ERROR, with what to do next.  doing: "Reading from the pen", begins the message; what
 * BlueZ said goes to the log at debug level.  pen: its address, or NULL.  An error that is in
 * STP_ERROR already comes back as a copy.  Codes: NO_BLUETOOTH, NO_ADAPTER, DENIED (by the system bus),
 * BOND_TOO_WEAK (by the pen), CANCELLED, NO_SLOT, else LINK_FAILED.
 */
GError *stp_bluez_error_translate(const GError *error, const char *pen, const char *doing);
