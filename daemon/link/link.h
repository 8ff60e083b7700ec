/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/gatt.h>

#include "link-figures.h"

/*
 * The link seam: a connected pen as the collector sees it.  A link reads and writes the
 * characteristics of the GATT profile, yields what the pen sends, and says why it ended.
 * Implementations: StpLinkBluez (BlueZ over D-Bus) and StpLinkFd (any SEQPACKET descriptor).
 */

typedef enum {
	STP_CHANNEL_LOG_CONTROL,	/* written; indications are received */
	STP_CHANNEL_LOG_DATA,		/* notifications are received */
	STP_CHANNEL_ELAPSED_TIME,
	STP_CHANNEL_FEATURES,
	STP_CHANNEL_SERIAL,
	STP_CHANNEL_MODEL,
	STP_CHANNEL_MAKER,
	STP_CHANNEL_FIRMWARE,
	STP_CHANNEL_HARDWARE,
	STP_CHANNEL_BATTERY,
	STP_CHANNEL_LIVE,		/* notifications are received, once that is asked for */
	STP_CHANNEL_COUNT
} StpChannel;

#define STP_TYPE_LINK (stp_link_get_type())
G_DECLARE_INTERFACE(StpLink, stp_link, STP, LINK, GObject)

/*
 * Signals:
 *   received (StpChannel channel, GBytes *value)  a notification or indication
 *   closed (const GError *reason)                 once; nothing is received afterwards.  The
 *                                                 reason is in STP_ERROR, and says what happened:
 *                                                 LINK_FAILED, PROTOCOL_FAILED, NO_ADAPTER or
 *                                                 NO_BLUETOOTH; CANCELLED after
 *                                                 stp_link_close_async()
 * Operations under way when the link ends fail with the same reason.  What has arrived on Log
 * Data before an indication on Log Control Point is received before it; the other way round
 * there is no order, and BlueZ at the pen's side may mix both.
 */
struct _StpLinkInterface {
	GTypeInterface parent;

	void (*read_async)(StpLink *self, StpChannel channel, GCancellable *cancellable,
			   GAsyncReadyCallback callback, gpointer user_data);
	GBytes *(*read_finish)(StpLink *self, GAsyncResult *result, GError **error);
	void (*write_async)(StpLink *self, StpChannel channel, GBytes *value, gboolean with_response,
			    GCancellable *cancellable, GAsyncReadyCallback callback,
			    gpointer user_data);
	gboolean (*write_finish)(StpLink *self, GAsyncResult *result, GError **error);
	void (*subscribe_async)(StpLink *self, GCancellable *cancellable,
				GAsyncReadyCallback callback, gpointer user_data);
	gboolean (*subscribe_finish)(StpLink *self, GAsyncResult *result, GError **error);
	/* May be NULL: this link has no Live. */
	void (*listen_async)(StpLink *self, GCancellable *cancellable, GAsyncReadyCallback callback,
			     gpointer user_data);
	void (*close_async)(StpLink *self, GAsyncReadyCallback callback, gpointer user_data);
	gboolean (*close_finish)(StpLink *self, GAsyncResult *result, GError **error);
	guint (*get_mtu)(StpLink *self);
	gboolean (*get_authenticated)(StpLink *self);
	const char *(*get_address)(StpLink *self);
	/* May be NULL. */
	void (*get_figures)(StpLink *self, StpLinkFigures *figures);
};

/*
 * Errors: STP_ERROR_NOT_FOUND (the pen has no such characteristic), LINK_FAILED, DENIED (a bond
 * is needed), CANCELLED, NO_BLUETOOTH.
 */
void stp_link_read_async(StpLink *self, StpChannel channel, GCancellable *cancellable,
			 GAsyncReadyCallback callback, gpointer user_data);
GBytes *stp_link_read_finish(StpLink *self, GAsyncResult *result, GError **error);

void stp_link_write_async(StpLink *self, StpChannel channel, GBytes *value, gboolean with_response,
			  GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer user_data);
gboolean stp_link_write_finish(StpLink *self, GAsyncResult *result, GError **error);

/*
 * Turn on the indications of Log Control Point and the notifications of Log Data.  When it
 * has finished, both are on at the pen and nothing that it sends from now on can be missed;
 * the MTU is known.
 */
void stp_link_subscribe_async(StpLink *self, GCancellable *cancellable,
			      GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_link_subscribe_finish(StpLink *self, GAsyncResult *result, GError **error);

/*
 * Turn on the notifications of Live, which a pen need not have.  They may come before it has finished, and
 * the last one may come twice.  Its failure is no reason to end the link.
 */
void stp_link_listen_async(StpLink *self, GCancellable *cancellable, GAsyncReadyCallback callback,
			   gpointer user_data);
gboolean stp_link_listen_finish(StpLink *self, GAsyncResult *result, GError **error);

/* Disconnect.  Never fails for a link that is closed already. */
void stp_link_close_async(StpLink *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_link_close_finish(StpLink *self, GAsyncResult *result, GError **error);

/* ATT MTU, 23..517; 23 before stp_link_subscribe_finish(). */
guint stp_link_get_mtu(StpLink *self);
/* Whether the bond is known to be authenticated (a code was compared or typed). */
gboolean stp_link_get_authenticated(StpLink *self);
const char *stp_link_get_address(StpLink *self);
/* As they are now; whole once stp_link_close_finish() has returned. */
void stp_link_get_figures(StpLink *self, StpLinkFigures *figures);

/* For implementations: emit the signals. */
void stp_link_emit_received(StpLink *self, StpChannel channel, GBytes *value);
void stp_link_emit_closed(StpLink *self, const GError *reason);

/* The characteristic's UUID, one of STP_UUID_*. */
const char *stp_channel_uuid(StpChannel channel);
/* A word for logs: "log-control". */
const char *stp_channel_name(StpChannel channel);
