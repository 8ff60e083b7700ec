/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "pens-retired.h"
#include "text.h"

/* syncs: how the last links to the pens went, and why each ended. */

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 1000

/* Of so few links nothing can be said; from so many dropped ones in a hundred on, it is. */
#define LINKS_TO_JUDGE 5
#define DROPS_TO_MIND_PERCENT 30

struct syncs_options {
	int limit;
};

static const struct option table[] = {
	{ "limit", 'n', OPTION_COUNT, offsetof(struct syncs_options, limit), "NUMBER", "At most so many, the latest (20)" },
};

/* ---- the table ---- */

static char *
cell_pen(JsonObject *row)
{
	return text_clean(row_text(row, "pen"));
}

static char *
cell_started(JsonObject *row)
{
	return cell_moment_or_unknown(row, "started_us");
}

static char *
cell_stage(JsonObject *row)
{
	return g_strdup(row_text(row, "stage"));
}

static enum column_tone
tone_stage(JsonObject *row)
{
	return row_bool(row, "complete") ? TONE_GOOD : *row_text(row, "error") ? TONE_BAD : TONE_ODD;
}

static char *
cell_records(JsonObject *row)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(row, "records", 0));
}

static char *
cell_bytes(JsonObject *row)
{
	return text_bytes((guint64)row_int(row, "bytes", 0));
}

static char *
cell_duration(JsonObject *row)
{
	return text_duration(row_int(row, "duration_ms", 0));
}

static char *
cell_throughput(JsonObject *row)
{
	g_autofree char *rate = NULL;
	gint64 throughput = row_int(row, "throughput", -1);

	if (throughput < 0)
		return NULL;
	rate = text_bytes((guint64)throughput);
	return g_strconcat(rate, "/s", NULL);
}

static char *
known(JsonObject *row, const char *name)
{
	gint64 value = row_int(row, name, G_MAXINT64);

	return value == G_MAXINT64 ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static char *
cell_mtu(JsonObject *row)
{
	return known(row, "mtu");
}

static char *
cell_rssi(JsonObject *row)
{
	return known(row, "rssi");
}

static char *
cell_tries(JsonObject *row)
{
	return known(row, "connect_tries");
}

static char *
cell_path(JsonObject *row)
{
	gint64 switches = row_int(row, "switches", 0);

	return switches == 0 ? g_strdup(row_text(row, "notify")) :
			       g_strdup_printf("%s (%" G_GINT64_FORMAT " switched)", row_text(row, "notify"), switches);
}

static char *
cell_end(JsonObject *row)
{
	return g_strdup(row_text(row, "link_end"));
}

/* What nobody wanted. */
static gboolean
is_drop(JsonObject *row)
{
	static const char *const drops[] = { "remote", "timeout", "lost", "authentication", NULL };

	return g_strv_contains(drops, row_text(row, "link_end"));
}

static enum column_tone
tone_end(JsonObject *row)
{
	return is_drop(row) ? TONE_BAD : TONE_PLAIN;
}

static const struct column columns[] = {
	{ "PEN", ALIGN_LEFT, cell_pen, NULL },
	{ "STARTED", ALIGN_LEFT, cell_started, NULL },
	{ "STAGE", ALIGN_LEFT, cell_stage, tone_stage },
	{ "RECORDS", ALIGN_RIGHT, cell_records, NULL },
	{ "BYTES", ALIGN_RIGHT, cell_bytes, NULL },
	{ "DURATION", ALIGN_RIGHT, cell_duration, NULL },
	{ "RATE", ALIGN_RIGHT, cell_throughput, NULL },
	{ "TRIES", ALIGN_RIGHT, cell_tries, NULL },
	{ "DBM", ALIGN_RIGHT, cell_rssi, NULL },
	{ "MTU", ALIGN_RIGHT, cell_mtu, NULL },
	{ "DATA BY", ALIGN_LEFT, cell_path, NULL },
	{ "LINK END", ALIGN_LEFT, cell_end, tone_end },
};

static void
print_errors(JsonArray *rows)
{
	gboolean headed = FALSE;

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);
		const char *error = row_text(row, "error"), *said = row_text(row, "link_end_text");
		g_autofree char *when = NULL, *line = NULL, *clean = NULL;

		if (!*error)
			continue;
		when = cell_started(row);
		line = g_strdup_printf("%s, %s: %s%s%s%s", row_text(row, "pen"), when, error,
				       *said ? " (Bluetooth: " : "", said, *said ? ")" : "");
		clean = text_clean(line);
		printf("%s  %s\n", headed ? "" : "\nWhat went wrong:\n", clean);
		headed = TRUE;
	}
}

/* ---- how many links dropped ---- */

static void
count_pen(JsonArray *pens, JsonObject *row)
{
	JsonObject *found = NULL;

	for (guint i = 0; !found && i < json_array_get_length(pens); i++) {
		JsonObject *pen = json_array_get_object_element(pens, i);

		if (!strcmp(row_text(pen, "pen"), row_text(row, "pen")))
			found = pen;
	}
	if (!found) {
		found = json_object_new();
		json_object_set_string_member(found, "pen", row_text(row, "pen"));
		json_array_add_object_element(pens, found);
	}
	json_object_set_int_member(found, "links", row_int(found, "links", 0) + 1);
	json_object_set_int_member(found, "dropped", row_int(found, "dropped", 0) + is_drop(row));
	json_object_set_int_member(found, "timeouts",
				   row_int(found, "timeouts", 0) + !strcmp(row_text(row, "link_end"), "timeout"));
}

static JsonArray *
count_pens(JsonArray *rows)
{
	JsonArray *pens = json_array_new();

	for (guint i = 0; i < json_array_get_length(rows); i++)
		count_pen(pens, json_array_get_object_element(rows, i));
	return pens;
}

static void
print_drops(JsonArray *pens)
{
	gboolean headed = FALSE;

	for (guint i = 0; i < json_array_get_length(pens); i++) {
		JsonObject *pen = json_array_get_object_element(pens, i);
		gint64 links = row_int(pen, "links", 0), dropped = row_int(pen, "dropped", 0);
		gint64 timeouts = row_int(pen, "timeouts", 0);
		g_autofree char *serial = text_clean(row_text(pen, "pen"));

		if (!dropped)
			continue;
		printf("%s%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " links dropped", headed ? "" : "\n", serial,
		       dropped, links);
		if (timeouts)
			printf(", %" G_GINT64_FORMAT " by supervision timeout", timeouts);
		puts(links >= LINKS_TO_JUDGE && dropped * 100 >= links * DROPS_TO_MIND_PERCENT ?
			     ". Bring pen and adapter closer together, charge the pen, and keep the adapter away from "
			     "2.4 GHz Wi-Fi and USB 3 sockets; an extension cable helps." :
			     ".");
		headed = TRUE;
	}
}

/* ---- the command ---- */

static void
print(struct cli *cli, JsonArray *rows)
{
	JsonArray *pens = count_pens(rows);

	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "pens", pens);
		json_object_set_array_member(document, "syncs", json_array_ref(rows));
		output_json(cli, document);
		return;
	}
	if (!json_array_get_length(rows)) {
		fprintf(stderr, "No pen has been synced yet; 'stipplectl sync' does it.\n");
	} else {
		output_table(cli, columns, G_N_ELEMENTS(columns), rows);
		print_errors(rows);
		print_drops(pens);
	}
	json_array_unref(pens);
}

static int
get(struct client *client, const struct syncs_options *options, const char *which)
{
	g_autofree char *serial = NULL;
	g_autoptr(GVariant) syncs = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonArray) rows = json_array_new();
	guint limit = options->limit ? (guint)MIN(options->limit, LIMIT_MAX) : LIMIT_DEFAULT;
	int code = which ? pens_find_serial(client, which, &serial) : EXIT_OK;

	if (code != EXIT_OK)
		return code;
	if (!stp_dbus_manager1_call_list_syncs_sync(client->manager, serial ? serial : "", limit, &syncs, NULL, &error))
		return cli_fail_error(client->cli, error);
	for (gsize i = 0; i < g_variant_n_children(syncs); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(syncs, i);

		json_array_add_object_element(rows, model_sync(entry));
	}
	print(client->cli, rows);
	return EXIT_OK;
}

static int
run(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = get(&client, options, args[0]);
	client_close(&client);
	return code;
}

const struct command cmd_syncs = {
	.name = "syncs",
	.path = "syncs",
	.arguments = "[PEN]",
	.summary = "Show how the last syncs went, how their links were and why each ended",
	.details = "The latest come first. Says of each pen how many of these links dropped.",
	.options = table,
	.option_count = G_N_ELEMENTS(table),
	.options_size = sizeof(struct syncs_options),
	.args_max = 1,
	.run = run,
};
