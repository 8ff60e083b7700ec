/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/status.h>

/*
 * The daemon's one error domain.  The values map to D-Bus error names
 * (org.stipple1.Error.*, see proto/org.stipple1.Manager1.xml).  A message is one or two
 * sentences: what happened and what to do next.
 */

#define STP_ERROR (stp_error_quark())

typedef enum {
	STP_ERROR_INVALID_ARGUMENT,
	STP_ERROR_NOT_FOUND,
	STP_ERROR_DENIED,
	STP_ERROR_BUSY,
	STP_ERROR_NO_ADAPTER,
	STP_ERROR_NO_BLUETOOTH,
	STP_ERROR_LINK_FAILED,
	STP_ERROR_PAIRING_FAILED,
	STP_ERROR_PROTOCOL_FAILED,
	STP_ERROR_STORE_FAILED,
	STP_ERROR_STORE_FULL,
	STP_ERROR_INCOMPLETE,
	STP_ERROR_CANCELLED,
	STP_ERROR_NO_SLOT,
} StpError;

GQuark stp_error_quark(void);

/* Of a library status, prefixed with what was being done: "Reading the clock: ...". */
void stp_error_set_status(GError **error, StpError code, enum stp_status status,
			  const char *doing) ;
