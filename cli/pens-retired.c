/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "pens-retired.h"
#include "text.h"

int
retired_load(struct client *client, JsonArray **rows)
{
	g_autoptr(GVariant) list = NULL;
	g_autoptr(GError) error = NULL;

	if (!stp_dbus_manager1_call_list_retired_pens_sync(client->manager, &list, NULL, &error))
		return cli_fail_error(client->cli, error);
	*rows = json_array_new();
	for (gsize i = 0; i < g_variant_n_children(list); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);

		json_array_add_object_element(*rows, model_retired(entry));
	}
	return EXIT_OK;
}

int
retired_match(struct client *client, const char *which, JsonObject **row)
{
	g_autoptr(JsonArray) rows = NULL;
	JsonObject *by_label = NULL, *by_end = NULL, *found = NULL;
	guint labels = 0, ends = 0;
	int code = *which ? retired_load(client, &rows) : EXIT_OK;

	for (guint i = 0; rows && !found && i < json_array_get_length(rows); i++) {
		JsonObject *candidate = json_array_get_object_element(rows, i);

		if (!strcmp(row_text(candidate, "serial"), which)) {
			found = candidate;
		} else if (!strcmp(row_text(candidate, "label"), which)) {
			by_label = candidate;
			labels++;
		} else if (g_str_has_suffix(row_text(candidate, "serial"), which)) {
			by_end = candidate;
			ends++;
		}
	}
	if (!found && (labels > 1 || (!labels && ends > 1)))
		return cli_fail(client->cli, EXIT_USAGE, "ambiguous",
				"Give the whole serial number; 'stipplectl pens list --retired' shows it.",
				"\"%s\" could be any of %u retired pens.", which, MAX(labels, ends));
	if (!found)
		found = by_label ? by_label : by_end;
	*row = found ? json_object_ref(found) : NULL;
	return code;
}

int
pens_find_serial(struct client *client, const char *which, char **serial)
{
	g_autoptr(StpDbusPen1) pen = NULL;
	g_autoptr(JsonObject) retired = NULL;

	if (*which && client_store_knows(client, which)) {
		*serial = g_strdup(which);
		return EXIT_OK;
	}
	int code = client_match_pen(client, which, &pen);

	if (code == EXIT_OK && !pen)
		code = retired_match(client, which, &retired);
	if (code != EXIT_OK)
		return code;
	if (!pen && !retired)
		return client_find_pen(client, which, &pen);	/* says that there is none */
	*serial = g_strdup(pen ? stp_dbus_pen1_get_serial(pen) : row_text(retired, "serial"));
	return EXIT_OK;
}

/* ---- for people ---- */

static char *
cell_retired(JsonObject *row)
{
	return cell_moment_or_unknown(row, "retired_us");
}

static char *
cell_how(JsonObject *row)
{
	if (!row_int(row, "retired_us", 0))
		return g_strdup("unknown");
	return g_strdup(row_bool(row, "forced") ? "by force" : "in order");
}

static enum column_tone
tone_how(JsonObject *row)
{
	return row_bool(row, "forced") ? TONE_ODD : TONE_PLAIN;
}

static char *
cell_left_behind(JsonObject *row)
{
	gint64 missing = row_int(row, "missing_then", 0);
	g_autofree char *count = text_count((guint64)missing, "record");
	gboolean perhaps = row_bool(row, "never_synced") || row_bool(row, "had_news");

	if (!row_int(row, "retired_us", 0))
		return g_strdup("unknown");
	if (!missing)
		return g_strdup(perhaps ? "not known" : "nothing");
	return perhaps ? g_strdup_printf("%s or more", count) : g_steal_pointer(&count);
}

static enum column_tone
tone_left_behind(JsonObject *row)
{
	return row_int(row, "missing_then", 0) || row_bool(row, "never_synced") || row_bool(row, "had_news") ? TONE_BAD :
													  TONE_PLAIN;
}

static char *
cell_sessions(JsonObject *row)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(row, "sessions", 0));
}

static const struct column columns[] = {
	{ "SERIAL", ALIGN_LEFT, cell_serial, NULL },
	{ "LABEL", ALIGN_LEFT, cell_label, NULL },
	{ "RETIRED", ALIGN_LEFT, cell_retired, NULL },
	{ "HOW", ALIGN_LEFT, cell_how, tone_how },
	{ "LEFT BEHIND", ALIGN_LEFT, cell_left_behind, tone_left_behind },
	{ "SESSIONS", ALIGN_RIGHT, cell_sessions, NULL },
	{ "COVERAGE", ALIGN_RIGHT, cell_coverage, tone_coverage },
};

void
retired_print_table(const struct cli *cli, JsonArray *rows)
{
	if (json_array_get_length(rows))
		output_table(cli, columns, G_N_ELEMENTS(columns), rows);
	else
		fprintf(stderr, "No pen was ever retired; 'stipplectl pens list' shows those that are enrolled.\n");
}

/* Why nobody could be sure that all was here. */
static char *
doubts(JsonObject *row)
{
	if (row_bool(row, "never_synced"))
		return g_strdup("It had never been synced to the end.");
	return row_bool(row, "had_news") ? g_strdup("It told of news since its last sync.") : NULL;
}

static char *
done_at_the_pen(JsonObject *row)
{
	gboolean erased = row_bool(row, "erased"), freed = row_bool(row, "slot_freed");

	if (!erased && !freed)
		return NULL;
	return g_strdup(erased && freed ? "its log was erased, and its slot of this collector freed" :
			erased		? "its log was erased" :
					  "its slot of this collector was freed");
}

static char *
text_or_unknown(JsonObject *row, const char *name)
{
	const char *text = row_text(row, name);

	return g_strdup(*text ? text : "unknown");
}

void
retired_print(const struct cli *cli, JsonObject *row)
{
	struct field fields[] = {
		{ "Serial", cell_serial(row), TONE_PLAIN },
		{ "Label", *row_text(row, "label") ? cell_label(row) : NULL, TONE_PLAIN },
		{ "Maker", text_or_unknown(row, "maker"), TONE_PLAIN },
		{ "Model", text_or_unknown(row, "model"), TONE_PLAIN },
		{ "Firmware", text_or_unknown(row, "firmware"), TONE_PLAIN },
		{ "State", g_strdup("retired"), TONE_ODD },
		{ "Retired", cell_retired(row), TONE_PLAIN },
		{ "How", cell_how(row), tone_how(row) },
		{ "Left behind", cell_left_behind(row), tone_left_behind(row) },
		{ "Because", doubts(row), TONE_ODD },
		{ "At the pen", done_at_the_pen(row), TONE_PLAIN },
		{ "Last seen", cell_moment_or_never(row, "last_seen_us"), TONE_PLAIN },
		{ "Last sync", cell_moment_or_never(row, "last_sync_us"), TONE_PLAIN },
		{ "Sessions", cell_sessions(row), TONE_PLAIN },
		{ "Coverage", cell_coverage(row), tone_coverage(row) },
		{ 0 },
	};

	output_fields(cli, fields);
}
