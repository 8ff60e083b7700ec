/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * What is known of one link, for the row of its attempt.  The connection interval and the PHY
 * are missing because BlueZ tells neither on D-Bus, and asking the kernel needs a privilege that
 * the daemon does not have.
 */

/* By which way Log Data arrives. */
typedef enum {
	STP_NOTIFY_NONE,	/* not subscribed */
	STP_NOTIFY_DESCRIPTOR,	/* AcquireNotify */
	STP_NOTIFY_SIGNALS,	/* StartNotify */
	STP_NOTIFY_DIRECT,	/* not over BlueZ */
} StpNotifyPath;

/* Why it ended; as BlueZ says since 5.83, else as far as it can be seen from here. */
typedef enum {
	STP_LINK_END_NONE,	/* it has not */
	STP_LINK_END_LOCAL,	/* this host closed it */
	STP_LINK_END_REMOTE,	/* the pen closed it */
	STP_LINK_END_TIMEOUT,	/* nothing was heard any more: range, interference, an empty battery */
	STP_LINK_END_AUTHENTICATION,	/* the two do not agree about their bond */
	STP_LINK_END_SUSPEND,	/* this host went to sleep */
	STP_LINK_END_LOST,	/* it dropped, and BlueZ does not say why */
	STP_LINK_END_ADAPTER,	/* the adapter went off or away */
	STP_LINK_END_BLUETOOTH,	/* bluetoothd ended */
	STP_LINK_END_SERVICES,	/* the pen took its services away */
	STP_LINK_END_NOTIFY,	/* no way was left by which its data come */
} StpLinkEnd;

#define STP_RSSI_UNKNOWN 127

typedef struct {
	guint mtu;
	StpNotifyPath path;	/* the last one in use */
	guint switches;		/* to another path, or to another descriptor */
	gint16 rssi;		/* dBm, as last heard before connecting; STP_RSSI_UNKNOWN */
	guint connect_tries;	/* Connect() calls that it took, 0 unknown */
	guint connect_ms;	/* from the first of them until the services were there, pauses included */
	guint refreshes;	/* connected anew because BlueZ' idea of its services was stale */
	guint values;		/* received on Log Data */
	guint64 bytes;		/* in them */
	guint64 data_ms;	/* from the first request for data to the last value */
	StpLinkEnd end;
	const char *end_text;	/* what BlueZ said, the link's; "" */
} StpLinkFigures;

/* Words for logs, the store and the bus: "descriptor", "timeout"; "" for none. */
const char *stp_notify_path_name(StpNotifyPath path);
const char *stp_link_end_name(StpLinkEnd end);
