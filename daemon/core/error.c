/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "error.h"

#include <gio/gio.h>

static const GDBusErrorEntry entries[] = {
	{ STP_ERROR_INVALID_ARGUMENT, "org.stipple1.Error.InvalidArgument" },
	{ STP_ERROR_NOT_FOUND, "org.stipple1.Error.NotFound" },
	{ STP_ERROR_DENIED, "org.stipple1.Error.Denied" },
	{ STP_ERROR_BUSY, "org.stipple1.Error.Busy" },
	{ STP_ERROR_NO_ADAPTER, "org.stipple1.Error.NoAdapter" },
	{ STP_ERROR_NO_BLUETOOTH, "org.stipple1.Error.NoBluetooth" },
	{ STP_ERROR_LINK_FAILED, "org.stipple1.Error.LinkFailed" },
	{ STP_ERROR_PAIRING_FAILED, "org.stipple1.Error.PairingFailed" },
	{ STP_ERROR_PROTOCOL_FAILED, "org.stipple1.Error.ProtocolFailed" },
	{ STP_ERROR_STORE_FAILED, "org.stipple1.Error.StoreFailed" },
	{ STP_ERROR_STORE_FULL, "org.stipple1.Error.StoreFull" },
	{ STP_ERROR_INCOMPLETE, "org.stipple1.Error.Incomplete" },
	{ STP_ERROR_CANCELLED, "org.stipple1.Error.Cancelled" },
	{ STP_ERROR_NO_SLOT, "org.stipple1.Error.NoSlot" },
	{ STP_ERROR_PEN_FORGOT_BOND, "org.stipple1.Error.PenForgotBond" },
	{ STP_ERROR_HOST_LOST_BOND, "org.stipple1.Error.HostLostBond" },
	{ STP_ERROR_NO_BOND, "org.stipple1.Error.NoBond" },
	{ STP_ERROR_NO_ROOM_FOR_BOND, "org.stipple1.Error.NoRoomForBond" },
	{ STP_ERROR_BOND_TOO_WEAK, "org.stipple1.Error.BondTooWeak" },
};

GQuark
stp_error_quark(void)
{
	static gsize quark;

	g_dbus_error_register_error_domain("stp-error-quark", &quark, entries,
					   G_N_ELEMENTS(entries));
	return (GQuark)quark;
}

void
stp_error_set_status(GError **error, StpError code, enum stp_status status, const char *doing)
{
	g_set_error(error, STP_ERROR, (int)code, "%s: %s %s", doing, stp_status_text(status),
		    stp_status_hint(status));
}
