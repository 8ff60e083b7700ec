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
	/* Of the bond with a pen; each has exactly one repair, which the message names. */
	STP_ERROR_PEN_FORGOT_BOND,	/* this host has a key, the pen does not know it any more */
	STP_ERROR_HOST_LOST_BOND,	/* the pen has a key, this host has none any more */
	STP_ERROR_NO_BOND,		/* neither has one */
	STP_ERROR_NO_ROOM_FOR_BOND,	/* none, and the pen's list of hosts is full */
	STP_ERROR_BOND_TOO_WEAK,	/* made without a code, or nobody knows how; and nobody allowed that */
} StpError;

GQuark stp_error_quark(void);

/* Of a library status, prefixed with what was being done: "Reading the clock: ...". */
void stp_error_set_status(GError **error, StpError code, enum stp_status status,
			  const char *doing) ;
