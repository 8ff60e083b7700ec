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
stp_bluez_error_is_in_progress(const GError *error)
{
	/* The second is what 5.66 makes of EALREADY for a Connect() that another one is before. */
	return stp_bluez_error_is(error, "InProgress") ||
	       (stp_bluez_error_is(error, "Failed") && strstr(error->message, "already in progress") != NULL);
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

/*
 * BlueZ 5.66, src/error.c: texts of org.bluez.Error.Failed are le-connection-*, made of the errno
 * of connect(2) on the ATT socket, or strerror() of it.  In practice LE failures that come from
 * the air all read le-connection-abort-by-local (src/device.c, att_connect_cb() drops the errno);
 * the texts of full tables are matched as later versions may pass them on.
 */
static const struct {
	const char *name, *text;	/* of the error; a part of its text, or NULL: any */
	StpLinkClass class;
} classes[] = {
	{ "NotReady", NULL, STP_LINK_CLASS_ABSENT },
	{ "NoSuchAdapter", NULL, STP_LINK_CLASS_ABSENT },
	{ "Failed", "adapter-not-powered", STP_LINK_CLASS_ABSENT },
	{ "Failed", "Host is down", STP_LINK_CLASS_ABSENT },
	{ "Failed", "No such device", STP_LINK_CLASS_ABSENT },
	{ "Failed", "concurrent-connection-limit", STP_LINK_CLASS_SLOTS },	/* EMLINK: the controller's 0x09 */
	{ "Failed", "Too many links", STP_LINK_CLASS_SLOTS },
	{ "Failed", "memory-allocation", STP_LINK_CLASS_SLOTS },		/* ENOMEM: the controller's 0x07 */
	{ "Failed", "Cannot allocate memory", STP_LINK_CLASS_SLOTS },
	{ "NotAuthorized", NULL, STP_LINK_CLASS_AUTH },
	{ "AuthenticationFailed", NULL, STP_LINK_CLASS_AUTH },
	{ "AuthenticationCanceled", NULL, STP_LINK_CLASS_AUTH },
	{ "AuthenticationRejected", NULL, STP_LINK_CLASS_AUTH },
	{ "AuthenticationTimeout", NULL, STP_LINK_CLASS_AUTH },
	/* NotPermitted also says that somebody else holds the characteristic. */
	{ "NotPermitted", "acquired", STP_LINK_CLASS_TRANSIENT },
	{ "NotPermitted", NULL, STP_LINK_CLASS_AUTH },
	{ "NotSupported", NULL, STP_LINK_CLASS_PERMANENT },
	{ "Failed", "connection-not-supported", STP_LINK_CLASS_PERMANENT },
	{ "InvalidArguments", NULL, STP_LINK_CLASS_PERMANENT },
	/* What is not here passes by itself, as far as is known: abort-by-local, abort-by-remote, */
	/* unknown, timeout, refused, busy, canceled, create-socket; DoesNotExist; NotAvailable. */
};

StpLinkClass
stp_bluez_error_class(const GError *error)
{
	if (error->domain == STP_ERROR)
		return stp_link_class_of(error);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return STP_LINK_CLASS_CANCELLED;
	if (stp_bluez_error_is_absence(error) || stp_bluez_error_is_access_denied(error))
		return STP_LINK_CLASS_ABSENT;
	for (gsize i = 0; i < G_N_ELEMENTS(classes); i++) {
		if (stp_bluez_error_is(error, classes[i].name) &&
		    (classes[i].text == NULL || strstr(error->message, classes[i].text) != NULL))
			return classes[i].class;
	}
	return STP_LINK_CLASS_TRANSIENT;
}

#define ATT_ERROR "ATT error: 0x"

/* What BlueZ has no name of its own for, and tells as a number (src/gatt-client.c). */
static const struct {
	guint8 code;
	const char *text, *hint;
} att_errors[] = {
	{ 0x01, "the pen does not have that any more", "Try again; if it stays so, restart bluetoothd." },
	{ 0x0a, "the pen does not have that any more", "Try again; if it stays so, restart bluetoothd." },
	/* Also what BlueZ makes of a bond without a code. */
	{ 0x0e, "the pen refused it without saying why",
	  "Try again; if it stays so, repair the pairing with 'stipplectl pens repair'." },
	{ 0x11, "the pen has no memory for it at the moment", "Switch the pen off and on, and try again." },
	{ 0x12, "the pen has changed what it offers", "Try again; the next link reads it anew." },
	{ 0x13, "the pen does not take that value", "Look for an update of the pen's firmware." },
};

static GError *
att_error(const char *digits, const char *doing)
{
	const guint code = (guint)g_ascii_strtoull(digits, NULL, 16);

	for (gsize i = 0; i < G_N_ELEMENTS(att_errors); i++) {
		if (att_errors[i].code == code)
			return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED, "%s failed: %s (ATT error 0x%02x). %s", doing,
					   att_errors[i].text, code, att_errors[i].hint);
	}
	return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			   "%s failed: the pen refused it with an error of its own (ATT error 0x%02x). Try again; if it "
			   "stays so, report the pen's firmware revision.", doing, code);
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
	if (stp_bluez_error_class(error) == STP_LINK_CLASS_ABSENT)
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER,
				   "%s failed: the Bluetooth adapter is off. Switch it on with 'bluetoothctl "
				   "power on'.",
				   doing);
	if (stp_bluez_error_class(error) == STP_LINK_CLASS_SLOTS)
		return g_error_new(STP_ERROR, STP_ERROR_NO_SLOT,
				   "%s failed: the Bluetooth adapter carries no further connection. Wait until one "
				   "has ended, or plug in a second adapter.",
				   doing);
	if (stp_bluez_error_is(error, "NotAuthorized") ||
	    (stp_bluez_error_is(error, "NotPermitted") &&
	     stp_bluez_error_class(error) == STP_LINK_CLASS_AUTH))
		return g_error_new(STP_ERROR, STP_ERROR_BOND_TOO_WEAK,
				   "%s failed: the pen asks for an authenticated bond. Repair the pairing with "
				   "'stipplectl pens repair'.",
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
	if (strstr(plain->message, ATT_ERROR) != NULL)
		return att_error(strstr(plain->message, ATT_ERROR) + strlen(ATT_ERROR), doing);
	return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			   "%s failed: Bluetooth says '%s'. Bring the pen closer and try again.", doing, plain->message);
}
