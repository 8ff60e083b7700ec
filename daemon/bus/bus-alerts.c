/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-alerts.h"

static GVariant *
to_dictionary(const StpAlert *alert)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "kind", "s", alert->kind);
	g_variant_dict_insert(&dict, "subject", "s", alert->subject);
	g_variant_dict_insert(&dict, "level", "s", stp_alert_level_name(alert->level));
	/* They may quote a pen's own words; this keeps bad ones off the bus. */
	g_variant_dict_insert_value(&dict, "text", g_variant_new_take_string(g_utf8_make_valid(alert->text, -1)));
	g_variant_dict_insert_value(&dict, "hint", g_variant_new_take_string(g_utf8_make_valid(alert->hint, -1)));
	g_variant_dict_insert(&dict, "since", "x", alert->since);
	g_variant_dict_insert(&dict, "last", "x", alert->last);
	g_variant_dict_insert(&dict, "count", "u", alert->count);
	if (alert->ended != 0)
		g_variant_dict_insert(&dict, "ended", "x", alert->ended);
	if (alert->acknowledged != 0)
		g_variant_dict_insert(&dict, "acknowledged", "x", alert->acknowledged);
	return g_variant_dict_end(&dict);
}

static gboolean
on_list(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, gboolean all, StpStore *store)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) alerts = stp_store_list_alerts(store, all, &error);
	GVariantBuilder builder;

	if (alerts == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < alerts->len; i++)
		g_variant_builder_add_value(&builder, to_dictionary(g_ptr_array_index(alerts, i)));
	stp_dbus_manager1_complete_list_alerts(skeleton, invocation, g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_acknowledge(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *kind,
	       const char *subject, StpStore *store)
{
	g_autoptr(GError) error = NULL;

	if (stp_store_acknowledge_alert(store, kind, subject, &error))
		stp_dbus_manager1_complete_acknowledge_alert(skeleton, invocation);
	else
		g_dbus_method_invocation_return_gerror(invocation, error);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static void
on_alert(StpStore *store, const StpAlert *alert, StpDbusManager1 *skeleton)
{
	stp_dbus_manager1_emit_alert(skeleton, to_dictionary(alert));
}

void
stp_bus_alerts_attach(StpStore *store, StpDbusManager1 *skeleton)
{
	g_signal_connect_object(skeleton, "handle-list-alerts", G_CALLBACK(on_list), store, 0);
	g_signal_connect_object(skeleton, "handle-acknowledge-alert", G_CALLBACK(on_acknowledge), store, 0);
	g_signal_connect_object(store, "alert", G_CALLBACK(on_alert), skeleton, 0);
}
