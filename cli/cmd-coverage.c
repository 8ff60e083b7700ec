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

/* coverage: what is held of what the pens have written, and why not the rest. */

static gboolean
whole(JsonObject *row)
{
	return row_double(row, "percent") >= 100.0 && !row_int(row, "missing", 0) && !row_int(row, "damaged", 0);
}

/* ---- the table ---- */

static char *
cell_pen(JsonObject *row)
{
	return g_strdup(row_text(row, "pen"));
}

static char *
cell_epoch(JsonObject *row)
{
	return g_strdup_printf("%08x%s", (unsigned)row_int(row, "epoch", 0),
			       row_bool(row, "current") ? "" : " (past)");
}

static char *
cell_used(JsonObject *row)
{
	gint64 first = row_int(row, "first", 1), last = row_int(row, "last", 0);

	return first > last ? g_strdup("none") :
			      g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, first, last);
}

static char *
count(JsonObject *row, const char *name)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(row, name, 0));
}

static char *
cell_held(JsonObject *row)
{
	return count(row, "held");
}

static char *
cell_missing(JsonObject *row)
{
	return count(row, "missing");
}

static char *
cell_damaged(JsonObject *row)
{
	return count(row, "damaged");
}

static const struct column columns[] = {
	{ "PEN", ALIGN_LEFT, cell_pen, NULL },
	{ "EPOCH", ALIGN_LEFT, cell_epoch, NULL },
	{ "RECORDS", ALIGN_RIGHT, cell_used, NULL },
	{ "HELD", ALIGN_RIGHT, cell_held, NULL },
	{ "MISSING", ALIGN_RIGHT, cell_missing, NULL },
	{ "DAMAGED", ALIGN_RIGHT, cell_damaged, NULL },
	{ "COVERAGE", ALIGN_RIGHT, cell_percent, tone_percent },
};

/* ---- holes and findings ---- */

static const char *
cause_text(const char *cause)
{
	static const struct {
		const char *cause, *text;
	} texts[] = {
		{ "not-fetched", "not fetched yet; 'stipplectl sync' fetches them" },
		{ "corrupt", "damaged as the pen sent them; fetched again by itself" },
		{ "overwritten", "overwritten in the pen before they were collected; they are lost" },
		{ "never-written", "never written by the pen; nothing is missing" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (!strcmp(texts[i].cause, cause))
			return texts[i].text;
	}
	return cause;
}

static void
print_clean(char *taken)
{
	g_autofree char *line = taken;
	g_autofree char *clean = text_clean(line);

	puts(clean);
}

/* Before it is too late. */
static void
print_warnings(JsonArray *rows)
{
	gboolean headed = FALSE;

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		if (!*row_text(row, "warning"))
			continue;
		fputs(headed ? "  " : "\nSoon to be lost:\n  ", stdout);
		print_clean(g_strdup(row_text(row, "warning")));
		headed = TRUE;
	}
}

static void
print_hole(JsonObject *row, JsonObject *hole)
{
	gint64 from = row_int(hole, "from", 0), to = row_int(hole, "to", 0);
	g_autofree char *range = from == to ?
		g_strdup_printf("record %" G_GINT64_FORMAT, from) :
		g_strdup_printf("records %" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, from, to);

	print_clean(g_strdup_printf("%s, epoch %08x, %s: %s", row_text(row, "pen"),
				    (unsigned)row_int(row, "epoch", 0), range,
				    cause_text(row_text(hole, "cause"))));
}

static void
print_finding(JsonObject *row, JsonObject *finding)
{
	gint64 record = row_int(finding, "record", 0), times = row_int(finding, "count", 1);
	g_autofree char *where = record ? g_strdup_printf(", record %" G_GINT64_FORMAT, record) : g_strdup("");
	g_autofree char *often = times > 1 ? g_strdup_printf(" (%" G_GINT64_FORMAT " times)", times) : g_strdup("");

	print_clean(g_strdup_printf("%s, epoch %08x%s: %s%s: %s%s%s%s", row_text(row, "pen"),
				    (unsigned)row_int(row, "epoch", 0), where, row_text(finding, "kind"), often,
				    row_text(finding, "text"), *row_text(finding, "hint") ? " " : "",
				    row_text(finding, "hint"),
				    row_bool(finding, "kept") ? " The raw bytes are kept." : ""));
}

static void
print_details(JsonArray *rows, const char *heading, const char *member,
	      void (*print)(JsonObject *row, JsonObject *item))
{
	gboolean headed = FALSE;

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);
		JsonArray *items = json_object_get_array_member(row, member);

		for (guint at = 0; at < json_array_get_length(items); at++) {
			if (!headed)
				printf("\n%s:\n", heading);
			headed = TRUE;
			fputs("  ", stdout);
			print(row, json_array_get_object_element(items, at));
		}
	}
}

/* ---- the command ---- */

static int
print(struct cli *cli, JsonArray *rows)
{
	gboolean complete = TRUE;

	for (guint i = 0; i < json_array_get_length(rows); i++)
		complete = complete && whole(json_array_get_object_element(rows, i));
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_boolean_member(document, "complete", complete);
		json_object_set_array_member(document, "coverage", json_array_ref(rows));
		output_json(cli, document);
	} else if (!json_array_get_length(rows)) {
		fprintf(stderr, "No pen has told yet what it has written; 'stipplectl sync' asks them.\n");
	} else {
		output_table(cli, columns, G_N_ELEMENTS(columns), rows);
		print_warnings(rows);
		print_details(rows, "Missing", "holes", print_hole);
		print_details(rows, "Findings", "findings", print_finding);
	}
	return complete ? EXIT_OK : EXIT_INTEGRITY;
}

static int
get(struct client *client, const char *which)
{
	g_autofree char *serial = NULL;
	g_autoptr(GVariant) coverage = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonArray) rows = json_array_new();
	int code = which ? pens_find_serial(client, which, &serial) : EXIT_OK;

	if (code != EXIT_OK)
		return code;
	if (!stp_dbus_manager1_call_get_coverage_sync(client->manager, serial ? serial : "", &coverage, NULL,
						      &error))
		return cli_fail_error(client->cli, error);
	for (gsize i = 0; i < g_variant_n_children(coverage); i++) {
		g_autoptr(GVariant) entry = g_variant_get_child_value(coverage, i);

		json_array_add_object_element(rows, model_coverage(entry));
	}
	return print(client->cli, rows);
}

static int
run(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = get(&client, args[0]);
	client_close(&client);
	return code;
}

const struct command cmd_coverage = {
	.name = "coverage",
	.path = "coverage",
	.arguments = "[PEN]",
	.summary = "Show what is held of all that the pens have recorded, and what is not",
	.details = "Exits with 6 when anything is below 100 %.",
	.args_max = 1,
	.run = run,
};
