/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link.h"

#include "error.h"

enum { RECEIVED, CLOSED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

G_DEFINE_INTERFACE(StpLink, stp_link, G_TYPE_OBJECT)

static void
stp_link_default_init(StpLinkInterface *interface)
{
	signals[RECEIVED] = g_signal_new("received", STP_TYPE_LINK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					 G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_BYTES);
	signals[CLOSED] = g_signal_new("closed", STP_TYPE_LINK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				       G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static const struct {
	const char *uuid, *name;
} channels[STP_CHANNEL_COUNT] = {
	[STP_CHANNEL_LOG_CONTROL] = { STP_UUID_LOG_CONTROL, "log-control" },
	[STP_CHANNEL_LOG_DATA] = { STP_UUID_LOG_DATA, "log-data" },
	[STP_CHANNEL_ELAPSED_TIME] = { STP_UUID_CURRENT_ELAPSED_TIME, "elapsed-time" },
	[STP_CHANNEL_FEATURES] = { STP_UUID_FEATURES, "features" },
	[STP_CHANNEL_SERIAL] = { STP_UUID_SERIAL_NUMBER, "serial" },
	[STP_CHANNEL_MODEL] = { STP_UUID_MODEL_NUMBER, "model" },
	[STP_CHANNEL_MAKER] = { STP_UUID_MANUFACTURER, "maker" },
	[STP_CHANNEL_FIRMWARE] = { STP_UUID_FIRMWARE_REV, "firmware" },
	[STP_CHANNEL_HARDWARE] = { STP_UUID_HARDWARE_REV, "hardware" },
	[STP_CHANNEL_BATTERY] = { STP_UUID_BATTERY_LEVEL, "battery" },
	[STP_CHANNEL_LIVE] = { STP_UUID_LIVE, "live" },
};

const char *
stp_channel_uuid(StpChannel channel)
{
	g_return_val_if_fail((guint)channel < STP_CHANNEL_COUNT, NULL);
	return channels[channel].uuid;
}

const char *
stp_channel_name(StpChannel channel)
{
	return (guint)channel < STP_CHANNEL_COUNT ? channels[channel].name : "unknown";
}

void
stp_link_read_async(StpLink *self, StpChannel channel, GCancellable *cancellable,
		    GAsyncReadyCallback callback, gpointer user_data)
{
	STP_LINK_GET_IFACE(self)->read_async(self, channel, cancellable, callback, user_data);
}

GBytes *
stp_link_read_finish(StpLink *self, GAsyncResult *result, GError **error)
{
	return STP_LINK_GET_IFACE(self)->read_finish(self, result, error);
}

void
stp_link_write_async(StpLink *self, StpChannel channel, GBytes *value, gboolean with_response,
		     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	STP_LINK_GET_IFACE(self)->write_async(self, channel, value, with_response, cancellable, callback,
					      user_data);
}

gboolean
stp_link_write_finish(StpLink *self, GAsyncResult *result, GError **error)
{
	return STP_LINK_GET_IFACE(self)->write_finish(self, result, error);
}

void
stp_link_subscribe_async(StpLink *self, GCancellable *cancellable, GAsyncReadyCallback callback,
			 gpointer user_data)
{
	STP_LINK_GET_IFACE(self)->subscribe_async(self, cancellable, callback, user_data);
}

gboolean
stp_link_subscribe_finish(StpLink *self, GAsyncResult *result, GError **error)
{
	return STP_LINK_GET_IFACE(self)->subscribe_finish(self, result, error);
}

void
stp_link_listen_async(StpLink *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = NULL;

	if (STP_LINK_GET_IFACE(self)->listen_async != NULL) {
		STP_LINK_GET_IFACE(self)->listen_async(self, cancellable, callback, user_data);
		return;
	}
	task = g_task_new(self, NULL, callback, user_data);
	g_task_return_new_error(task, STP_ERROR, STP_ERROR_NOT_FOUND,
				"This link has no 'live'. The log tells the same afterwards.");
}

gboolean
stp_link_listen_finish(StpLink *self, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

void
stp_link_close_async(StpLink *self, GAsyncReadyCallback callback, gpointer user_data)
{
	STP_LINK_GET_IFACE(self)->close_async(self, callback, user_data);
}

gboolean
stp_link_close_finish(StpLink *self, GAsyncResult *result, GError **error)
{
	return STP_LINK_GET_IFACE(self)->close_finish(self, result, error);
}

guint
stp_link_get_mtu(StpLink *self)
{
	return STP_LINK_GET_IFACE(self)->get_mtu(self);
}

gboolean
stp_link_get_authenticated(StpLink *self)
{
	return STP_LINK_GET_IFACE(self)->get_authenticated(self);
}

const char *
stp_link_get_address(StpLink *self)
{
	return STP_LINK_GET_IFACE(self)->get_address(self);
}

void
stp_link_get_figures(StpLink *self, StpLinkFigures *figures)
{
	*figures = (StpLinkFigures){ .rssi = STP_RSSI_UNKNOWN, .end_text = "" };
	figures->mtu = stp_link_get_mtu(self);
	if (STP_LINK_GET_IFACE(self)->get_figures != NULL)
		STP_LINK_GET_IFACE(self)->get_figures(self, figures);
}

void
stp_link_emit_received(StpLink *self, StpChannel channel, GBytes *value)
{
	g_signal_emit(self, signals[RECEIVED], 0, channel, value);
}

void
stp_link_emit_closed(StpLink *self, const GError *reason)
{
	g_signal_emit(self, signals[CLOSED], 0, reason);
}
