/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-syncs.h"

#include "error.h"

#define LIMIT_MAX 1000

/* Below a tenth of a second it says more about the clock than about the link. */
#define MEASURABLE_MS 100

static void
insert_link(GVariantDict *dict, const StpAttempt *attempt)
{
	g_variant_dict_insert(dict, "notify", "s", attempt->notify);
	g_variant_dict_insert(dict, "switches", "u", attempt->switches);
	g_variant_dict_insert(dict, "refreshes", "u", attempt->refreshes);
	g_variant_dict_insert(dict, "link_end", "s", attempt->link_end);
	g_variant_dict_insert_value(dict, "link_end_text",
				    g_variant_new_take_string(g_utf8_make_valid(attempt->link_end_text, -1)));
	if (attempt->mtu != 0)
		g_variant_dict_insert(dict, "mtu", "u", attempt->mtu);
	if (attempt->has_rssi)
		g_variant_dict_insert(dict, "rssi", "n", (gint16)CLAMP(attempt->rssi, G_MININT16, G_MAXINT16));
	if (attempt->connect_tries != 0) {
		g_variant_dict_insert(dict, "connect_tries", "u", attempt->connect_tries);
		g_variant_dict_insert(dict, "connect_ms", "u", attempt->connect_ms);
	}
	if (attempt->data_ms != 0)
		g_variant_dict_insert(dict, "data_ms", "t", attempt->data_ms);
	if (attempt->data_ms >= MEASURABLE_MS && attempt->bytes < G_MAXUINT64 / 1000)
		g_variant_dict_insert(dict, "throughput", "t", attempt->bytes * 1000 / attempt->data_ms);
}

static GVariant *
to_dictionary(const StpAttempt *attempt)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "pen", "s", attempt->serial);
	g_variant_dict_insert(&dict, "started", "x", attempt->started);
	g_variant_dict_insert(&dict, "ended", "x", attempt->ended);
	g_variant_dict_insert(&dict, "duration_ms", "t", (guint64)MAX(0, attempt->ended - attempt->started) / 1000);
	g_variant_dict_insert(&dict, "stage", "s", attempt->stage);
	g_variant_dict_insert(&dict, "complete", "b", g_str_equal(attempt->stage, "done"));
	g_variant_dict_insert(&dict, "records", "u", attempt->records);
	g_variant_dict_insert(&dict, "damaged", "u", attempt->damaged);
	g_variant_dict_insert(&dict, "given_up", "u", attempt->given_up);
	g_variant_dict_insert(&dict, "bytes", "t", attempt->bytes);
	g_variant_dict_insert_value(&dict, "error",
				    g_variant_new_take_string(g_utf8_make_valid(attempt->error, -1)));
	g_variant_dict_insert(&dict, "trouble", "s", attempt->trouble);
	insert_link(&dict, attempt);
	return g_variant_dict_end(&dict);
}

static gboolean
on_list(StpDbusManager1 *skeleton, GDBusMethodInvocation *invocation, const char *serial, guint limit,
	StpStore *store)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) attempts = NULL;
	GVariantBuilder builder;

	if (limit < 1 || limit > LIMIT_MAX)
		error = g_error_new(STP_ERROR, STP_ERROR_INVALID_ARGUMENT, "Ask for 1 to %d syncs at a time.",
				    LIMIT_MAX);
	else
		attempts = stp_store_list_attempts(store, *serial != '\0' ? serial : NULL, limit, &error);
	if (attempts == NULL) {
		g_dbus_method_invocation_return_gerror(invocation, error);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}
	g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
	for (guint i = 0; i < attempts->len; i++)
		g_variant_builder_add_value(&builder, to_dictionary(g_ptr_array_index(attempts, i)));
	stp_dbus_manager1_complete_list_syncs(skeleton, invocation, g_variant_builder_end(&builder));
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

void
stp_bus_syncs_attach(StpStore *store, StpDbusManager1 *skeleton)
{
	g_signal_connect_object(skeleton, "handle-list-syncs", G_CALLBACK(on_list), store, 0);
}
