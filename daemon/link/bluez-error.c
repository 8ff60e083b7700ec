/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-error.h"

#include "log.h"

#include <string.h>

#define PREFIX "org.bluez.Error."

gboolean
stp_bluez_error_is(const GError *error, const char *name)
{
	g_autofree char *remote = g_dbus_error_get_remote_error(error);

	return remote != NULL && g_str_has_prefix(remote, PREFIX) &&
	       strcmp(remote + strlen(PREFIX), name) == 0;
}

gboolean
stp_bluez_error_is_absence(const GError *error)
{
	return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED) ||
	       g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
	       /* The dbus-daemon's answer for a callee that left; a true time-out has its own code. */
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY);
}

gboolean
stp_bluez_error_is_access_denied(const GError *error)
{
	return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_AUTH_FAILED);
}

gboolean
stp_bluez_error_is_unknown_object(const GError *error)
{
	return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
}

gboolean
stp_bluez_error_is_timeout(const GError *error)
{
	return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT);
}

static gboolean
is_refused_for_want_of_a_bond(const GError *error)
{
	/* NotPermitted also says that somebody else holds the characteristic. */
	return stp_bluez_error_is(error, "NotAuthorized") ||
	       (stp_bluez_error_is(error, "NotPermitted") && strstr(error->message, "acquired") == NULL);
}

GError *
stp_bluez_error_translate(const GError *error, const char *pen, const char *doing)
{
	g_autofree char *remote = NULL;
	g_autoptr(GError) plain = NULL;

	if (error->domain == STP_ERROR)
		return g_error_copy(error);

	remote = g_dbus_error_get_remote_error(error);
	stp_debug("link", pen, "%s: %s: %s", doing, remote != NULL ? remote : g_quark_to_string(error->domain),
		  error->message);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return g_error_new(STP_ERROR, STP_ERROR_CANCELLED,
				   "%s was cancelled. Start it again when it is wanted.", doing);
	if (stp_bluez_error_is_absence(error))
		return g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
				   "%s failed: the Bluetooth service does not run. Start it with 'systemctl "
				   "start bluetooth'.",
				   doing);
	if (stp_bluez_error_is_access_denied(error))
		return g_error_new(STP_ERROR, STP_ERROR_DENIED,
				   "%s failed: the system bus does not let Stipple use Bluetooth. Add the "
				   "account of stippled to the group bluetooth, or install the D-Bus policy "
				   "that comes with Stipple.",
				   doing);
	if (stp_bluez_error_is(error, "NotReady"))
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER,
				   "%s failed: the Bluetooth adapter is off. Switch it on with 'bluetoothctl "
				   "power on'.",
				   doing);
	if (is_refused_for_want_of_a_bond(error))
		return g_error_new(STP_ERROR, STP_ERROR_DENIED,
				   "%s failed: the pen asks for an authenticated bond. Repair the pairing with "
				   "'stipplectl pens add'.",
				   doing);
	if (stp_bluez_error_is_unknown_object(error))
		return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				   "%s failed: the pen went away. Bring it closer and try again.", doing);
	if (stp_bluez_error_is_timeout(error))
		return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				   "%s failed: no answer came in time. Bring the pen closer, check its "
				   "battery, and try again.",
				   doing);
	plain = g_error_copy(error);
	g_dbus_error_strip_remote_error(plain);
	return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			   "%s failed: Bluetooth says '%s'. Bring the pen closer and try again%s.", doing,
			   plain->message,
			   /* Also what BlueZ makes of a bond without a code. */
			   strstr(plain->message, "0x0e") != NULL
				   ? "; if it stays so, repair the pairing with 'stipplectl pens add'"
				   : "");
}
