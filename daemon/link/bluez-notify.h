/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * How Log Data and the answers of Log Control Point arrive at one link: the answers always by
 * StartNotify, the data through the descriptor of AcquireNotify, or by StartNotify where BlueZ
 * does not give one.
 */
typedef struct StpBluezNotify StpBluezNotify;

typedef struct {
	/* Of Log Data. */
	void (*value)(GBytes *value, gpointer data);
	/* The data come no more although the connection may stand; error is in STP_ERROR. */
	void (*lost)(const GError *error, gpointer data);
	/* Makes an error in STP_ERROR of the one of a call. */
	GError *(*explain)(gpointer data, const GError *error, GCancellable *cancellable, const char *doing);
} StpBluezNotifyEvents;

/* data: the link, which owns this; ends: cancelled when it ends. */
StpBluezNotify *stp_bluez_notify_new(GDBusProxy *control, GDBusProxy *log_data, const StpBluezNotifyEvents *events,
				     GObject *link, GCancellable *ends);
/* No start may be under way: its task holds the link. */
void stp_bluez_notify_free(StpBluezNotify *notify);

/* Takes task, whose source is the link, and which returns TRUE when both are on. */
void stp_bluez_notify_start(StpBluezNotify *notify, GTask *task, GCancellable *cancellable);
/* The link has ended. */
void stp_bluez_notify_stop(StpBluezNotify *notify);

/* Read what is there now. */
void stp_bluez_notify_drain(StpBluezNotify *notify);
/* The Value of Log Data changed. */
void stp_bluez_notify_take(StpBluezNotify *notify, GBytes *value);

guint stp_bluez_notify_get_mtu(const StpBluezNotify *notify);
