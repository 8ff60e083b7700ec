/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "alerts.h"

#include <string.h>

#include "failure.h"
#include "model.h"
#include "output.h"

int
alerts_load(struct client *client, gboolean all, JsonArray **rows)
{
	g_autoptr(GVariant) alerts = NULL;
	g_autoptr(GError) error = NULL;

	if (!stp_dbus_manager1_call_list_alerts_sync(client->manager, all, &alerts, NULL, &error))
		return cli_fail_error(client->cli, error);
	*rows = json_array_new();
	for (gsize i = 0; i < g_variant_n_children(alerts); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(alerts, i);

		json_array_add_object_element(*rows, model_alert(entry));
	}
	return EXIT_OK;
}

guint
alerts_count(JsonArray *rows, gboolean urgent)
{
	guint open = 0;

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		if (urgent && !strcmp(row_text(row, "level"), "notice"))
			continue;
		open += !row_int(row, "ended_us", 0) && !row_int(row, "acknowledged_us", 0);
	}
	return open;
}
