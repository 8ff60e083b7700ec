/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* That a link has ended, and why. */

#include "link-bluez.h"

#include "link-bluez-parts.h"

#include "bluez-reach.h"
#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

void
stp_link_bluez_release(StpLinkBluez *self)
{
	g_signal_handlers_disconnect_by_data(self->client, self);
	if (self->notify != NULL)
		stp_bluez_notify_stop(self->notify);
	g_cancellable_cancel(self->calls);
}

void
stp_link_bluez_end(StpLinkBluez *self, StpLinkEnd how, StpError code, const char *text)
{
	g_autoptr(StpLinkBluez) keep = NULL;

	if (self->reason != NULL)
		return;
	keep = g_object_ref(self);
	/* What the pen sent before it left is still ours. */
	if (self->notify != NULL && code != STP_ERROR_CANCELLED)
		stp_bluez_notify_drain(self->notify);
	if (self->reason != NULL)
		return;
	self->reason = g_error_new_literal(STP_ERROR, (int)code, text);
	/* BlueZ may have told a better one already. */
	if (self->figures.end == STP_LINK_END_NONE)
		self->figures.end = how;
	stp_debug("link", self->address, "closed (%s): %s", stp_link_end_name(self->figures.end), text);
	stp_link_bluez_release(self);
	stp_bluez_writes_fail(self->writes, self->reason);
	stp_link_emit_closed(STP_LINK(self), self->reason);
}

void
stp_link_bluez_end_unserved(StpLinkBluez *self)
{
	stp_link_bluez_end(self, STP_LINK_END_BLUETOOTH, STP_ERROR_NO_BLUETOOTH,
	    "The Bluetooth service ended during the transfer. It goes on when the service runs again.");
}

static void
on_state_changed(StpBluezClient *client, StpLinkBluez *self)
{
	stp_link_bluez_end_unserved(self);
}

static gboolean
is_adapter_on(StpLinkBluez *self)
{
	g_autofree char *path = stp_bluez_get_string(self->device, "Adapter");
	g_autoptr(GDBusProxy) adapter =
		path != NULL ? stp_bluez_client_find(self->client, path, STP_BLUEZ_IFACE_ADAPTER) : NULL;

	return adapter != NULL && stp_bluez_get_boolean(adapter, "Powered");
}

void
stp_link_bluez_end_lost(StpLinkBluez *self)
{
	if (is_adapter_on(self))
		stp_link_bluez_end(self, STP_LINK_END_LOST, STP_ERROR_LINK_FAILED,
		    "The connection to the pen was lost. Bring it closer; the transfer goes on when it is back.");
	else
		stp_link_bluez_end(self, STP_LINK_END_ADAPTER, STP_ERROR_NO_ADAPTER,
		    "The Bluetooth adapter went off. Switch it on with 'bluetoothctl power on' or plug it in "
		    "again.");
}

static void
on_interface_removed(StpBluezClient *client, GDBusProxy *proxy, StpLinkBluez *self)
{
	if (proxy == self->device) {
		stp_link_bluez_end_lost(self);
		return;
	}
	if (proxy != self->characteristics[STP_CHANNEL_LOG_CONTROL] &&
	    proxy != self->characteristics[STP_CHANNEL_LOG_DATA])
		return;
	/* The pen restarted its services but holds the link: of no use without them. */
	stp_bluez_disconnect_async(self->device, NULL, NULL);
	stp_link_bluez_end(self, STP_LINK_END_SERVICES, STP_ERROR_LINK_FAILED,
	    "The pen took its services away. It is connected anew; if it stays so, restart the pen.");
}

static void
finish_closing(StpLinkBluez *self)
{
	g_autoptr(GTask) task = g_steal_pointer(&self->closing);

	g_clear_handle_id(&self->closing_timer, g_source_remove);
	if (task != NULL)
		g_task_return_boolean(task, TRUE);
}

/* From 5.83 on BlueZ says why, just after it has told that Connected is false. */
static void
on_device_signal(GDBusProxy *device, const char *sender, const char *signal, GVariant *parameters,
		 StpLinkBluez *self)
{
	static const struct {
		const char *name;
		StpLinkEnd end;
	} reasons[] = {
		{ "org.bluez.Reason.Timeout", STP_LINK_END_TIMEOUT },
		{ "org.bluez.Reason.Local", STP_LINK_END_LOCAL },
		{ "org.bluez.Reason.Remote", STP_LINK_END_REMOTE },
		{ "org.bluez.Reason.Authentication", STP_LINK_END_AUTHENTICATION },
		{ "org.bluez.Reason.Suspend", STP_LINK_END_SUSPEND },
	};
	const char *name, *message;

	if (!g_str_equal(signal, "Disconnected") || !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(ss)")) ||
	    self->end_text != NULL)
		return;
	g_variant_get(parameters, "(&s&s)", &name, &message);
	self->end_text = g_strdup(message);
	for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++) {
		if (g_str_equal(reasons[i].name, name) &&
		    (self->figures.end == STP_LINK_END_NONE || self->figures.end == STP_LINK_END_LOST))
			self->figures.end = reasons[i].end;
	}
	stp_debug("link", self->address, "disconnected: %s (%s)", name, message);
	finish_closing(self);
}

void
stp_link_bluez_watch(StpLinkBluez *self)
{
	g_signal_connect(self->device, "g-signal", G_CALLBACK(on_device_signal), self);
	g_signal_connect(self->client, "state-changed", G_CALLBACK(on_state_changed), self);
	g_signal_connect(self->client, "interface-removed", G_CALLBACK(on_interface_removed), self);
}

static void
on_closed_for_good(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;

	g_task_return_boolean(task, TRUE);
}

static gboolean
on_no_reason(gpointer user_data)
{
	StpLinkBluez *self = user_data;

	self->closing_timer = 0;
	/* Of an adapter that was pulled BlueZ tells the links first. */
	if (self->figures.end == STP_LINK_END_LOST && !is_adapter_on(self))
		self->figures.end = STP_LINK_END_ADAPTER;
	finish_closing(self);
	return G_SOURCE_REMOVE;
}

void
stp_link_bluez_close_async(StpLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(link);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);

	if (self->reason != NULL && self->figures.end == STP_LINK_END_LOST && self->closing == NULL) {
		self->closing = g_steal_pointer(&task);
		self->closing_timer = g_timeout_add(STP_BLUEZ_REASON, on_no_reason, self);
		return;
	}
	if (self->reason != NULL) {
		g_task_return_boolean(task, TRUE);
		return;
	}
	stp_link_bluez_end(self, STP_LINK_END_LOCAL, STP_ERROR_CANCELLED,
	    "This host closed the link. Connect again when it is wanted.");
	stp_bluez_disconnect_async(self->device, on_closed_for_good, g_steal_pointer(&task));
}
