/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "radio-alert.h"

#include "clock.h"
#include "sync-timing.h"

struct StpRadioAlert {
	StpRadio *radio;
	StpStore *store;
	gulong changed;
	guint timer;		/* it is down, and nobody was told yet */
	guint patience_s;
	gboolean pens;
	StpRadioState told;
};

static const char *
what_happened(StpRadioState state)
{
	switch (state) {
	case STP_RADIO_NO_BLUETOOTH:
		return "The Bluetooth service does not run";
	case STP_RADIO_NO_ADAPTER:
		return "There is no Bluetooth adapter";
	case STP_RADIO_POWERED_OFF:
		return "Bluetooth is switched off";
	case STP_RADIO_DENIED:
		return "The system bus does not let Stipple use Bluetooth";
	case STP_RADIO_IN_USE:
		return "Another program has the Bluetooth adapter";
	case STP_RADIO_FAILED:
	case STP_RADIO_STARTING:
	case STP_RADIO_SCANNING:
		break;
	}
	return "Bluetooth does not work";
}

static char *
holder_of_adapter(StpRadio *radio)
{
	g_autoptr(GPtrArray) adapters = stp_radio_get_adapters(radio);

	for (guint i = 0; i < adapters->len; i++) {
		const StpAdapterReport *adapter = g_ptr_array_index(adapters, i);

		if (adapter->lease_holder != NULL)
			return g_strdup_printf(" (%s)", adapter->lease_holder);
	}
	return g_strdup("");
}

static void
tell(StpRadioAlert *self, StpRadioState state)
{
	g_autofree char *holder = state == STP_RADIO_IN_USE ? holder_of_adapter(self->radio) : g_strdup("");
	g_autofree char *text =
		g_strdup_printf("%s%s, so no pen is collected from.", what_happened(state), holder);

	self->told = state;
	stp_store_raise_alert_async(self->store, STP_ALERT_RADIO, "", STP_ALERT_WARNING, text,
				    stp_radio_state_hint(state));
}

static gboolean
on_lasted(gpointer user_data)
{
	StpRadioAlert *self = user_data;

	self->timer = 0;
	tell(self, stp_radio_get_state(self->radio));
	return G_SOURCE_REMOVE;
}

static void
be_up(StpRadioAlert *self)
{
	g_clear_handle_id(&self->timer, g_source_remove);
	self->told = STP_RADIO_SCANNING;
	/* Also one that a daemon before this one raised. */
	if (stp_store_has_alert(self->store, STP_ALERT_RADIO, ""))
		stp_store_end_alert_async(self->store, STP_ALERT_RADIO, "");
}

static void
look(StpRadioAlert *self)
{
	const StpRadioState state = stp_radio_get_state(self->radio);

	if (state == STP_RADIO_STARTING)
		return;	/* not up yet, nor down */
	if (!self->pens || state == STP_RADIO_SCANNING) {
		be_up(self);
		return;
	}
	/* It is open: only what happened changes. */
	if (stp_store_has_alert(self->store, STP_ALERT_RADIO, "")) {
		if (self->told != state)
			tell(self, state);
		return;
	}
	if (self->timer == 0)
		self->timer = stp_clock_add_seconds(self->patience_s, on_lasted, self);
}

StpRadioAlert *
stp_radio_alert_new(StpRadio *radio, StpStore *store)
{
	StpRadioAlert *self = g_new0(StpRadioAlert, 1);

	self->radio = g_object_ref(radio);
	self->store = g_object_ref(store);
	self->patience_s = STP_SYNC_RADIO_DOWN_S;
	self->told = STP_RADIO_SCANNING;
	self->changed = g_signal_connect_swapped(radio, "state-changed", G_CALLBACK(look), self);
	return self;
}

void
stp_radio_alert_free(StpRadioAlert *self)
{
	if (self == NULL)
		return;
	g_clear_handle_id(&self->timer, g_source_remove);
	g_clear_signal_handler(&self->changed, self->radio);
	g_object_unref(self->radio);
	g_object_unref(self->store);
	g_free(self);
}

void
stp_radio_alert_expect(StpRadioAlert *self, gboolean pens)
{
	self->pens = pens;
	look(self);
}

void
stp_radio_alert_set_patience(StpRadioAlert *self, guint seconds)
{
	self->patience_s = seconds;
}
