/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "link-figures.h"
#include "link-memory.h"

/*
 * How Log Data and the answers of Log Control Point arrive at one link: the answers always by
 * StartNotify; the data through the descriptor of AcquireNotify, which costs the least, or by
 * StartNotify.  Which of the two is decided for each link:
 *
 * - AcquireNotify is asked first, unless the pen's last links got their data by signals alone.
 * - Where one is refused, the other is asked.
 * - A descriptor that ends while the connection stands is replaced once, then signals are asked.
 * - Data that do not come although the pen takes the requests: the other one is asked.
 *
 * What the pen sends during such a change is lost and read again by the protocol; what this host
 * writes is held back meanwhile.
 */
typedef struct StpBluezNotify StpBluezNotify;

typedef struct {
	/* Of Log Data. */
	void (*value)(GBytes *value, gpointer data);
	/* Nothing may be written until hold is FALSE again. */
	void (*hold)(gboolean hold, gpointer data);
	/* No way is left although the connection may stand; error is in STP_ERROR. */
	void (*lost)(const GError *error, gpointer data);
	/* Makes an error in STP_ERROR of the one of a call. */
	GError *(*explain)(gpointer data, const GError *error, GCancellable *cancellable, const char *doing);
} StpBluezNotifyEvents;

/* link: owns this, and gets the events.  ends: cancelled when it ends.  memo outlives it. */
StpBluezNotify *stp_bluez_notify_new(GDBusProxy *control, GDBusProxy *log_data, const char *address,
				     StpLinkMemo *memo, const StpBluezNotifyEvents *events, GObject *link,
				     GCancellable *ends);
/* No start may be under way: its task holds the link. */
void stp_bluez_notify_free(StpBluezNotify *notify);

/* Takes task, whose source is the link, and which returns TRUE when both are on. */
void stp_bluez_notify_start(StpBluezNotify *notify, GTask *task, GCancellable *cancellable);
/* Whether it has been on; until then nothing may be asked of the pen. */
gboolean stp_bluez_notify_is_started(const StpBluezNotify *notify);
/* The link has ended. */
void stp_bluez_notify_stop(StpBluezNotify *notify);

/* Read what is there now. */
void stp_bluez_notify_drain(StpBluezNotify *notify);
/* The Value of Log Data changed. */
void stp_bluez_notify_take(StpBluezNotify *notify, GBytes *value);
/* A request is written, the pen has taken it, it has answered: what tells that data ought to come. */
void stp_bluez_notify_asked(StpBluezNotify *notify, GBytes *request);
void stp_bluez_notify_accepted(StpBluezNotify *notify, GBytes *request);
void stp_bluez_notify_answered(StpBluezNotify *notify, GBytes *answer);

void stp_bluez_notify_get_figures(const StpBluezNotify *notify, StpLinkFigures *figures);
