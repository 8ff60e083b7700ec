/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "radio.h"

enum { SIGHTING, STATE_CHANGED, ADAPTERS_CHANGED, ROOM_CHANGED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

StpSighting *
stp_sighting_copy(const StpSighting *sighting)
{
	StpSighting *copy = g_new(StpSighting, 1);

	*copy = *sighting;
	copy->address = g_strdup(sighting->address);
	copy->name = g_strdup(sighting->name);
	return copy;
}

void
stp_sighting_free(StpSighting *sighting)
{
	if (sighting == NULL)
		return;
	g_free(sighting->address);
	g_free(sighting->name);
	g_free(sighting);
}

/* G_DEFINE_BOXED_TYPE() converts to a union, which -Wpedantic refuses. */
GType
stp_sighting_get_type(void)
{
	static gsize type;

	if (g_once_init_enter(&type))
		g_once_init_leave(&type, g_boxed_type_register_static("StpSighting",
								      (GBoxedCopyFunc)stp_sighting_copy,
								      (GBoxedFreeFunc)stp_sighting_free));
	return type;
}

G_DEFINE_INTERFACE(StpRadio, stp_radio, G_TYPE_OBJECT)

static void
stp_radio_default_init(StpRadioInterface *interface)
{
	signals[SIGHTING] = g_signal_new("sighting", STP_TYPE_RADIO, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					 G_TYPE_NONE, 1, STP_TYPE_SIGHTING);
	signals[STATE_CHANGED] = g_signal_new("state-changed", STP_TYPE_RADIO, G_SIGNAL_RUN_LAST, 0, NULL,
					      NULL, NULL, G_TYPE_NONE, 0);
	signals[ADAPTERS_CHANGED] = g_signal_new("adapters-changed", STP_TYPE_RADIO, G_SIGNAL_RUN_LAST, 0,
						 NULL, NULL, NULL, G_TYPE_NONE, 0);
	signals[ROOM_CHANGED] = g_signal_new("room-changed", STP_TYPE_RADIO, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
					     NULL, G_TYPE_NONE, 0);
}

void
stp_adapter_report_free(StpAdapterReport *report)
{
	if (report == NULL)
		return;
	g_free(report->address);
	g_free(report->path);
	g_free(report->lease_holder);
	g_free(report->scan_why);
	g_free(report);
}

const char *
stp_scan_mode_name(StpScanMode mode)
{
	switch (mode) {
	case STP_SCAN_PASSIVE:
		return "passive";
	case STP_SCAN_DUTY_CYCLED:
		return "duty-cycled";
	case STP_SCAN_ON_DEMAND:
		return "on-demand";
	case STP_SCAN_NONE:
		break;
	}
	return "none";
}

const char *
stp_radio_state_name(StpRadioState state)
{
	switch (state) {
	case STP_RADIO_STARTING:
		return "starting";
	case STP_RADIO_SCANNING:
		return "scanning";
	case STP_RADIO_NO_BLUETOOTH:
		return "no-bluetooth";
	case STP_RADIO_NO_ADAPTER:
		return "no-adapter";
	case STP_RADIO_POWERED_OFF:
		return "powered-off";
	case STP_RADIO_DENIED:
		return "denied";
	case STP_RADIO_IN_USE:
		return "in-use";
	case STP_RADIO_FAILED:
		break;
	}
	return "failed";
}

const char *
stp_radio_state_hint(StpRadioState state)
{
	switch (state) {
	case STP_RADIO_STARTING:
	case STP_RADIO_SCANNING:
		return "";
	case STP_RADIO_NO_BLUETOOTH:
		return "Start the Bluetooth service with 'systemctl start bluetooth'; install the package "
		       "bluez if it is missing.";
	case STP_RADIO_NO_ADAPTER:
		return "Plug in a Bluetooth adapter; if one is in, 'dmesg' tells why it does not work, or stippled was told to "
		       "use another.";
	case STP_RADIO_POWERED_OFF:
		return "Switch the adapter on with 'bluetoothctl power on'; if that is blocked, "
		       "'rfkill unblock bluetooth'.";
	case STP_RADIO_DENIED:
		return "Let the account of stippled use Bluetooth: add it to the group bluetooth, or install "
		       "the D-Bus policy that comes with Stipple.";
	case STP_RADIO_IN_USE:
		return "Another program that uses Stipple has the adapter; 'stipplectl status' names it. It is "
		       "taken over when that one ends.";
	case STP_RADIO_FAILED:
		break;
	}
	return "Look into 'journalctl -u bluetooth'; restarting the Bluetooth service may help.";
}

void
stp_radio_start(StpRadio *self)
{
	STP_RADIO_GET_IFACE(self)->start(self);
}

void
stp_radio_watch(StpRadio *self, gboolean watching)
{
	if (STP_RADIO_GET_IFACE(self)->watch != NULL)
		STP_RADIO_GET_IFACE(self)->watch(self, watching);
}

void
stp_radio_look(StpRadio *self)
{
	if (STP_RADIO_GET_IFACE(self)->look != NULL)
		STP_RADIO_GET_IFACE(self)->look(self);
}

StpRadioState
stp_radio_get_state(StpRadio *self)
{
	return STP_RADIO_GET_IFACE(self)->get_state(self);
}

GPtrArray *
stp_radio_get_sightings(StpRadio *self)
{
	return STP_RADIO_GET_IFACE(self)->get_sightings(self);
}

GPtrArray *
stp_radio_get_adapters(StpRadio *self)
{
	StpRadioInterface *interface = STP_RADIO_GET_IFACE(self);

	return interface->get_adapters != NULL
		       ? interface->get_adapters(self)
		       : g_ptr_array_new_with_free_func((GDestroyNotify)stp_adapter_report_free);
}

guint
stp_radio_get_links_at_once(StpRadio *self)
{
	StpRadioInterface *interface = STP_RADIO_GET_IFACE(self);

	return interface->get_links_at_once != NULL ? interface->get_links_at_once(self)
						    : STP_RADIO_LINKS_AT_ONCE;
}

gboolean
stp_radio_has_room(StpRadio *self, const char *address)
{
	StpRadioInterface *interface = STP_RADIO_GET_IFACE(self);

	return interface->has_room == NULL || interface->has_room(self, address);
}

gboolean
stp_radio_makes_room(StpRadio *self, const char *linked, const char *address)
{
	StpRadioInterface *interface = STP_RADIO_GET_IFACE(self);

	return interface->makes_room == NULL || interface->makes_room(self, linked, address);
}

void
stp_radio_connect_async(StpRadio *self, const char *address, GCancellable *cancellable,
			GAsyncReadyCallback callback, gpointer user_data)
{
	STP_RADIO_GET_IFACE(self)->connect_async(self, address, cancellable, callback, user_data);
}

StpLink *
stp_radio_connect_finish(StpRadio *self, GAsyncResult *result, GError **error)
{
	return STP_RADIO_GET_IFACE(self)->connect_finish(self, result, error);
}

void
stp_radio_pair_async(StpRadio *self, const char *address, StpPairingAsk ask, gpointer ask_data,
		     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	STP_RADIO_GET_IFACE(self)->pair_async(self, address, ask, ask_data, cancellable, callback, user_data);
}

gboolean
stp_radio_pair_finish(StpRadio *self, GAsyncResult *result, GError **error)
{
	return STP_RADIO_GET_IFACE(self)->pair_finish(self, result, error);
}

void
stp_radio_answer_pairing(StpRadio *self, guint request, gboolean accept, guint32 passkey)
{
	STP_RADIO_GET_IFACE(self)->answer_pairing(self, request, accept, passkey);
}

void
stp_radio_forget_async(StpRadio *self, const char *address, GCancellable *cancellable,
		       GAsyncReadyCallback callback, gpointer user_data)
{
	STP_RADIO_GET_IFACE(self)->forget_async(self, address, cancellable, callback, user_data);
}

gboolean
stp_radio_forget_finish(StpRadio *self, GAsyncResult *result, GError **error)
{
	return STP_RADIO_GET_IFACE(self)->forget_finish(self, result, error);
}

void
stp_radio_emit_sighting(StpRadio *self, const StpSighting *sighting)
{
	g_signal_emit(self, signals[SIGHTING], 0, sighting);
}

void
stp_radio_emit_state_changed(StpRadio *self)
{
	g_signal_emit(self, signals[STATE_CHANGED], 0);
}

void
stp_radio_emit_adapters_changed(StpRadio *self)
{
	g_signal_emit(self, signals[ADAPTERS_CHANGED], 0);
}

void
stp_radio_emit_room_changed(StpRadio *self)
{
	g_signal_emit(self, signals[ROOM_CHANGED], 0);
}
