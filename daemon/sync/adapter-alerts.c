/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "adapter-alerts.h"

static void
raise_silence(StpStore *store, const StpAdapterReport *adapter)
{
	g_autofree char *text = g_strdup_printf(
		"The Bluetooth adapter %s hears nothing any more, also after it was switched off and on.",
		adapter->address);

	stp_store_raise_alert_async(store, STP_ALERT_SILENT, adapter->address, STP_ALERT_WARNING, text,
				    "Unplug the adapter and plug it in again, or restart the computer. If no pen was "
				    "switched on, there is nothing to do: this ends when one is heard.");
}

static void
on_adapters_changed(StpRadio *radio, StpStore *store)
{
	g_autoptr(GPtrArray) adapters = stp_radio_get_adapters(radio);

	for (guint i = 0; i < adapters->len; i++) {
		const StpAdapterReport *adapter = adapters->pdata[i];
		gboolean told = stp_store_has_alert(store, STP_ALERT_SILENT, adapter->address);

		if (adapter->silent && !told)
			raise_silence(store, adapter);
		else if (!adapter->silent && told)
			stp_store_end_alert_async(store, STP_ALERT_SILENT, adapter->address);
	}
}

/* Of a run of the daemon before this one: who was told to take the adapter out may have done so. */
static void
end_left_over(StpStore *store)
{
	g_autoptr(GPtrArray) open = stp_store_list_alerts(store, FALSE, NULL);

	for (guint i = 0; open != NULL && i < open->len; i++) {
		const StpAlert *alert = open->pdata[i];

		if (g_str_equal(alert->kind, STP_ALERT_SILENT))
			stp_store_end_alert_async(store, STP_ALERT_SILENT, alert->subject);
	}
}

void
stp_adapter_alerts_begin(StpRadio *radio, StpStore *store)
{
	end_left_over(store);
	g_signal_connect_object(radio, "adapters-changed", G_CALLBACK(on_adapters_changed), store, 0);
}
