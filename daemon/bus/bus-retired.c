/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-retired.h"

static void
insert_text(GVariantDict *dict, const char *key, const char *text)
{
	g_variant_dict_insert_value(dict, key, g_variant_new_take_string(g_utf8_make_valid(text, -1)));
}

static void
insert_flag(GVariantDict *dict, const char *key, const StpPenRow *row, StpRetiredFlags flag)
{
	g_variant_dict_insert(dict, key, "b", (row->retired_how & flag) != 0);
}

static GVariant *
to_dictionary(const StpPenRow *row)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	insert_text(&dict, "serial", row->serial);
	insert_text(&dict, "label", row->label);
	insert_text(&dict, "maker", row->maker);
	insert_text(&dict, "model", row->model);
	insert_text(&dict, "firmware", row->firmware);
	insert_text(&dict, "hardware", row->hardware);
	insert_text(&dict, "address", row->address);
	g_variant_dict_insert(&dict, "last_seen", "x", row->last_seen);
	g_variant_dict_insert(&dict, "last_sync", "x", row->last_sync);
	g_variant_dict_insert(&dict, "sessions", "u", row->sessions);
	g_variant_dict_insert(&dict, "coverage", "d", row->coverage);
	/* Of a pen that a damaged store knows by its records alone, nobody knows. */
	if (row->retired_at == 0)
		return g_variant_dict_end(&dict);
	g_variant_dict_insert(&dict, "retired", "x", row->retired_at);
	g_variant_dict_insert(&dict, "missing_then", "u", row->retired_missing);
	insert_flag(&dict, "forced", row, STP_RETIRED_FORCED);
	insert_flag(&dict, "never_synced", row, STP_RETIRED_UNSYNCED);
	insert_flag(&dict, "had_news", row, STP_RETIRED_NEWS);
	insert_flag(&dict, "erased", row, STP_RETIRED_ERASED);
	insert_flag(&dict, "slot_freed", row, STP_RETIRED_SLOT);
	return g_variant_dict_end(&dict);
}

static gboolean
on_list(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, StpStore *store)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) rows = stp_store_list_pens(store, &error);
	GVariantBuilder builder;

	if (rows == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < rows->len; i++) {
		const StpPenRow *row = g_ptr_array_index(rows, i);

		if (!row->enrolled)
			g_variant_builder_add_value(&builder, to_dictionary(row));
	}
	stp_dbus_manager1_complete_list_retired_pens(skeleton, invocation, g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

void
stp_bus_retired_attach(StpStore *store, StpDbusManager1 *skeleton)
{
	g_signal_connect_object(skeleton, "handle-list-retired-pens", G_CALLBACK(on_list), store, 0);
}
