/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "cells.h"
#include "failure.h"
#include "model.h"
#include "sightings.h"

int
sightings_load(struct client *client, JsonArray **sightings)
{
	g_autoptr(GVariant) list = NULL;
	g_autoptr(GError) error = NULL;

	if (!stp_dbus_manager1_call_list_sightings_sync(client->manager, &list, NULL, &error))
		return cli_fail_error(client->cli, error);
	*sightings = json_array_new();
	for (gsize i = 0; i < g_variant_n_children(list); i++) {
		g_autoptr(GVariant) sighting = g_variant_get_child_value(list, i);
		gboolean enrolled = FALSE;

		g_variant_lookup(sighting, "enrolled", "b", &enrolled);
		if (!enrolled)
			json_array_add_object_element(*sightings, model_sighting(sighting));
	}
	return EXIT_OK;
}

static char *
cell_name(JsonObject *row)
{
	return g_strdup(row_text(row, "name"));
}

static char *
cell_address(JsonObject *row)
{
	return g_strdup(row_text(row, "address"));
}

static char *
cell_signal(JsonObject *row)
{
	gint64 rssi = row_int(row, "rssi", 0);

	return rssi ? g_strdup_printf("%d dBm", (int)rssi) : g_strdup("unknown");
}

static char *
cell_seen(JsonObject *row)
{
	return cell_moment_or_never(row, "last_seen_us");
}

static char *
cell_pairing(JsonObject *row)
{
	if (json_object_get_null_member(row, "pairing_open"))
		return g_strdup("unknown");
	return g_strdup(row_bool(row, "pairing_open") ? "open" : "closed");
}

void
sightings_print(const struct cli *cli, JsonArray *sightings)
{
	static const struct column columns[] = {
		{ "NAME", ALIGN_LEFT, cell_name, NULL },
		{ "ADDRESS", ALIGN_LEFT, cell_address, NULL },
		{ "SIGNAL", ALIGN_RIGHT, cell_signal, NULL },
		{ "PAIRING", ALIGN_LEFT, cell_pairing, NULL },
		{ "LAST SEEN", ALIGN_LEFT, cell_seen, NULL },
	};

	output_table(cli, columns, G_N_ELEMENTS(columns), sightings);
}
