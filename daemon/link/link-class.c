/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link-class.h"

StpLinkClass
stp_link_class_of(const GError *error)
{
	if (error == NULL)
		return STP_LINK_CLASS_NONE;
	if (error->domain != STP_ERROR)
		return STP_LINK_CLASS_PERMANENT;
	switch ((StpError)error->code) {
	case STP_ERROR_LINK_FAILED:
		return STP_LINK_CLASS_TRANSIENT;
	case STP_ERROR_NO_SLOT:
		return STP_LINK_CLASS_SLOTS;
	case STP_ERROR_NO_ADAPTER:
	case STP_ERROR_NO_BLUETOOTH:
	case STP_ERROR_DENIED:	/* by the system bus */
		return STP_LINK_CLASS_ABSENT;
	case STP_ERROR_PAIRING_FAILED:
	case STP_ERROR_PEN_FORGOT_BOND:
	case STP_ERROR_HOST_LOST_BOND:
	case STP_ERROR_NO_BOND:
	case STP_ERROR_NO_ROOM_FOR_BOND:
	case STP_ERROR_BOND_TOO_WEAK:
		return STP_LINK_CLASS_AUTH;
	case STP_ERROR_PROTOCOL_FAILED:
		return STP_LINK_CLASS_PROTOCOL;
	case STP_ERROR_CANCELLED:
		return STP_LINK_CLASS_CANCELLED;
	case STP_ERROR_NOT_FOUND:
	case STP_ERROR_INVALID_ARGUMENT:
		return STP_LINK_CLASS_PERMANENT;
	case STP_ERROR_BUSY:
	case STP_ERROR_STORE_FAILED:
	case STP_ERROR_STORE_FULL:
	case STP_ERROR_INCOMPLETE:
		break;
	}
	return STP_LINK_CLASS_NONE;
}

const char *
stp_link_class_name(StpLinkClass class)
{
	switch (class) {
	case STP_LINK_CLASS_TRANSIENT:
		return "transient";
	case STP_LINK_CLASS_SLOTS:
		return "slots";
	case STP_LINK_CLASS_ABSENT:
		return "absent";
	case STP_LINK_CLASS_AUTH:
		return "auth";
	case STP_LINK_CLASS_PROTOCOL:
		return "protocol";
	case STP_LINK_CLASS_PERMANENT:
		return "permanent";
	case STP_LINK_CLASS_CANCELLED:
		return "cancelled";
	case STP_LINK_CLASS_NONE:
	case STP_LINK_CLASS_COUNT:
		break;
	}
	return "none";
}
