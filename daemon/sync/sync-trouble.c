/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-trouble.h"

#include "error.h"
#include "link-class.h"

#define PAUSES_MAX 6

static const struct {
	const char *name;
	guint patience;
	guint16 pauses_s[PAUSES_MAX]; /* up to the first 0 */
} table[STP_TROUBLE_COUNT] = {
	[STP_TROUBLE_NONE] = { "none", 0, { 0 } },
	/* Most lost links come back at once; a pen that went home does not. */
	[STP_TROUBLE_LINK] = { "link", 4, { 1, 2, 5, 15, 60, 300 } },
	/* A connection ends when another pen's sync does. */
	[STP_TROUBLE_SLOTS] = { "slots", 4, { 5, 15, 60 } },
	/* systemd starts bluetoothd again within seconds. */
	[STP_TROUBLE_ABSENT] = { "absent", 1, { 5, 15, 60 } },
	/* Passes and pauses of a treatment take half a minute; nobody waits for its log meanwhile. */
	[STP_TROUBLE_BUSY] = { "busy", 1, { 30, 60 } },
	/* Somebody has to make room. */
	[STP_TROUBLE_STORE] = { "store", 1, { 60, 120, 300 } },
	/* Once may be the radio's doing; again and again is a defect. */
	[STP_TROUBLE_PROTOCOL] = { "protocol", 1, { 1, 5, 30, 300, 900 } },
	/* Somebody has to pair. */
	[STP_TROUBLE_AUTH] = { "auth", 1, { 300, 900, 3600 } },
	[STP_TROUBLE_PERMANENT] = { "permanent", 1, { 300, 3600 } },
	[STP_TROUBLE_CANCELLED] = { "cancelled", 1, { 0 } },
};

static StpTrouble
trouble_of_link(const GError *error)
{
	switch (stp_link_class_of(error)) {
	case STP_LINK_CLASS_TRANSIENT:
		return STP_TROUBLE_LINK;
	case STP_LINK_CLASS_SLOTS:
		return STP_TROUBLE_SLOTS;
	case STP_LINK_CLASS_ABSENT:
		return STP_TROUBLE_ABSENT;
	case STP_LINK_CLASS_AUTH:
		return STP_TROUBLE_AUTH;
	case STP_LINK_CLASS_PROTOCOL:
		return STP_TROUBLE_PROTOCOL;
	case STP_LINK_CLASS_CANCELLED:
		return STP_TROUBLE_CANCELLED;
	case STP_LINK_CLASS_PERMANENT:
	case STP_LINK_CLASS_NONE:
	case STP_LINK_CLASS_COUNT:
		break;
	}
	return STP_TROUBLE_PERMANENT;
}

StpTrouble
stp_trouble_of(const GError *error)
{
	if (error == NULL)
		return STP_TROUBLE_NONE;
	if (g_error_matches(error, STP_ERROR, STP_ERROR_BUSY))
		return STP_TROUBLE_BUSY;
	if (g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL) ||
	    g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED))
		return STP_TROUBLE_STORE;
	/* One of the pen's, or the pen itself, which the radio forgets with its adapter. */
	if (g_error_matches(error, STP_ERROR, STP_ERROR_NOT_FOUND))
		return STP_TROUBLE_PROTOCOL;
	return trouble_of_link(error);
}

const char *
stp_trouble_name(StpTrouble trouble)
{
	g_return_val_if_fail(trouble < STP_TROUBLE_COUNT, "none");
	return table[trouble].name;
}

guint
stp_trouble_pause_s(StpTrouble trouble, guint failures)
{
	guint at = 0;

	g_return_val_if_fail(trouble < STP_TROUBLE_COUNT, 0);
	while (at + 1 < PAUSES_MAX && at + 1 < failures && table[trouble].pauses_s[at + 1] != 0)
		at++;
	return table[trouble].pauses_s[at];
}

guint
stp_trouble_patience(StpTrouble trouble)
{
	g_return_val_if_fail(trouble < STP_TROUBLE_COUNT, 1);
	return table[trouble].patience;
}
