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
#include "session-pages.h"
#include "text.h"

/* sessions list and show; exporting has a file of its own. */

#define LIST_LIMIT 50

struct list_options {
	char *pen, *since, *until, *format;
	int limit;
	gboolean all;
};

static const struct option list_table[] = {
	{ "pen", 'p', OPTION_TEXT, offsetof(struct list_options, pen), "PEN", "Only those of this pen" },
	{ "since", 0, OPTION_TEXT, offsetof(struct list_options, since), "TIME",
	  "Only those that begin at this time or later" },
	{ "until", 0, OPTION_TEXT, offsetof(struct list_options, until), "TIME",
	  "Only those that begin before this time" },
	{ "limit", 'n', OPTION_COUNT, offsetof(struct list_options, limit), "NUMBER",
	  "At most so many, the newest (50)" },
	{ "all", 'a', OPTION_FLAG, offsetof(struct list_options, all), NULL, "All of them" },
	{ "format", 0, OPTION_TEXT, offsetof(struct list_options, format), "table|csv",
	  "A table for people, or CSV" },
};

/* ---- cells ---- */

static char *
cell_id(JsonObject *row)
{
	return g_strdup(row_text(row, "id"));
}

static char *
cell_start(JsonObject *row)
{
	return cell_session_start(row);
}

static char *
cell_duration(JsonObject *row)
{
	return text_duration(row_int(row, "duration_ms", 0));
}

static char *
cell_samples(JsonObject *row)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(row, "samples", 0));
}

static char *
cell_set_depth(JsonObject *row)
{
	gint64 from = row_int(row, "set_depth_min_um", -1), to = row_int(row, "set_depth_max_um", -1);

	if (from < 0 || to < 0)
		return g_strdup("unknown");
	if (from == to)
		return text_depth(to);
	return g_strdup_printf("%.2f-%.2f mm", (double)from / 1000.0, (double)to / 1000.0);
}

static char *
depth_or_unknown(JsonObject *row, const char *name)
{
	gint64 um = row_int(row, name, -1);

	return um < 0 ? g_strdup("unknown") : text_depth(um);
}

static char *
cell_max_depth(JsonObject *row)
{
	return depth_or_unknown(row, "depth_max_um");
}

static char *
cell_passes(JsonObject *row)
{
	return g_strdup_printf("%d", (int)row_int(row, "passes", 0));
}

static char *
cell_zones(JsonObject *row)
{
	return g_strdup_printf("%d", (int)row_int(row, "zones", 0));
}

static char *
cell_complete(JsonObject *row)
{
	return g_strdup(row_bool(row, "complete") ? "yes" : "no");
}

static enum column_tone
tone_complete(JsonObject *row)
{
	return row_bool(row, "complete") ? TONE_PLAIN : TONE_BAD;
}

static const struct column columns[] = {
	{ "SESSION", ALIGN_LEFT, cell_id, NULL },
	{ "START", ALIGN_LEFT, cell_start, NULL },
	{ "DURATION", ALIGN_RIGHT, cell_duration, NULL },
	{ "SAMPLES", ALIGN_RIGHT, cell_samples, NULL },
	{ "SET DEPTH", ALIGN_RIGHT, cell_set_depth, NULL },
	{ "DEEPEST", ALIGN_RIGHT, cell_max_depth, NULL },
	{ "ZONES", ALIGN_RIGHT, cell_zones, NULL },
	{ "PASSES", ALIGN_RIGHT, cell_passes, NULL },
	{ "COMPLETE", ALIGN_LEFT, cell_complete, tone_complete },
};

/* ---- list ---- */

static void
append_csv_value(GString *line, JsonNode *node)
{
	g_autofree char *text = NULL;

	if (!node || !JSON_NODE_HOLDS_VALUE(node))
		return;
	if (json_node_get_value_type(node) == G_TYPE_STRING) {
		text_append_csv(line, json_node_get_string(node));
		return;
	}
	text = json_to_string(node, FALSE);
	g_string_append(line, text);
}

static void
print_csv(JsonArray *rows)
{
	static const char *const names[] = {
		"id", "pen", "epoch", "number", "start", "start_uncertainty_ms", "time_quality", "duration_ms",
		"motor_on_ms", "strokes", "samples", "period_ms", "set_depth_min_um", "set_depth_max_um",
		"set_rate_dhz", "depth_max_um", "depth_p50_um", "zones", "passes", "needles", "cartridge",
		"firmware", "complete", "zone", "offset_min",
	};

	g_autoptr(GString) line = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		g_string_append_printf(line, "%s%s", i ? "," : "", names[i]);
	puts(line->str);
	for (guint at = 0; at < json_array_get_length(rows); at++) {
		JsonObject *row = json_array_get_object_element(rows, at);

		g_string_truncate(line, 0);
		for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
			if (i)
				g_string_append_c(line, ',');
			append_csv_value(line, json_object_get_member(row, names[i]));
		}
		puts(line->str);
	}
}

static gboolean
on_session(GVariant *session, gpointer data)
{
	json_array_add_object_element(data, model_session(session));
	return TRUE;
}

static void
print_list(struct cli *cli, JsonArray *rows, gboolean more, gboolean csv)
{
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "sessions", json_array_ref(rows));
		json_object_set_boolean_member(document, "more", more);
		output_json(cli, document);
		return;
	}
	if (csv)
		print_csv(rows);
	else if (json_array_get_length(rows))
		output_table(cli, columns, G_N_ELEMENTS(columns), rows);
	else
		fprintf(stderr, "No session like that is in the store.\n");
	if (more) {
		fflush(stdout);
		fprintf(stderr, "There are older ones: use --limit=NUMBER or --all.\n");
	}
}

static int
run_list(struct cli *cli, const void *data, char **args)
{
	const struct list_options *options = data;
	struct session_choice choice = { options->pen, options->since, options->until };
	g_autoptr(JsonArray) rows = json_array_new();
	gboolean csv = !g_strcmp0(options->format, "csv"), more = FALSE;
	GVariant *filter;
	struct client client;

	if (options->format && !csv && strcmp(options->format, "table"))
		return cli_fail(cli, EXIT_USAGE, "usage", "Use --json for JSON.",
				"--format takes table or csv, not \"%s\".", options->format);
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = session_filter(&client, &choice, &filter);
	if (code == EXIT_OK) {
		guint64 limit = options->limit ? (guint64)options->limit : LIST_LIMIT;

		code = sessions_each(&client, filter, options->all ? 0 : limit, on_session, rows, &more);
	}
	client_close(&client);
	if (code == EXIT_OK)
		print_list(cli, rows, more, csv);
	return code;
}

static const struct command cmd_list = {
	.name = "list",
	.path = "sessions list",
	.arguments = "",
	.summary = "List sessions, the newest first",
	.options = list_table,
	.option_count = G_N_ELEMENTS(list_table),
	.options_size = sizeof(struct list_options),
	.run = run_list,
};

/* ---- show ---- */

static char *
start_text(JsonObject *session)
{
	gint64 us = row_int(session, "start_us", 0), ms = row_int(session, "start_uncertainty_ms", -1);
	g_autofree char *start = cell_start(session);

	if (!us || ms < 0)
		return g_steal_pointer(&start);
	g_autofree char *give = ms < 1000 ? g_strdup_printf("%d ms", (int)ms) : text_duration(ms);

	return g_strdup_printf("%s, give or take %s (%s)", start, give, row_text(session, "time_quality"));
}

/* How the start is known, for people. */
static char *
known_text(JsonObject *session)
{
	static const struct { const char *quality, *words; } table[] = {
		{ "anchored", "by contacts since the pen was switched on, with this computer's clock known to be right" },
		{ "extrapolated", "by what the pen took for the time; nobody met it since it was switched on" },
		{ "bounded", "between what is known of the times before and after the pen was switched on for it" },
		{ "unconfirmed", "by a clock that nobody vouched for; the start is only as right as that clock was" },
		{ "unknown", "not known: nobody met the pen with a clock that was right since it was switched on for it" },
	};
	const char *quality = row_text(session, "time_quality");

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (!strcmp(table[i].quality, quality))
			return g_strdup(table[i].words);
	return g_strdup(quality);
}

static char *
rate_or_unknown(JsonObject *session, const char *name)
{
	gint64 dhz = row_int(session, name, -1);

	return dhz < 0 ? g_strdup("unknown") : text_rate(dhz);
}

static char *
records_text(JsonObject *session)
{
	JsonArray *records = json_object_has_member(session, "records") ?
				     json_object_get_array_member(session, "records") : NULL;
	GString *text = g_string_new(NULL);

	for (guint i = 0; records && i < json_array_get_length(records); i++)
		g_string_append_printf(text, "%s%d", i ? ", " : "", (int)json_array_get_int_element(records, i));
	return g_string_free(text, FALSE);
}

static char *
cartridge_text(JsonObject *session)
{
	const char *uid = row_text(session, "cartridge");
	gint64 needles = row_int(session, "needles", 0);

	if (!*uid && !needles)
		return g_strdup("unknown");
	if (!needles)
		return g_strdup(uid);
	return g_strdup_printf("%s%s%d needles", uid, *uid ? ", " : "", (int)needles);
}

static char *
number(JsonObject *session, const char *name)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(session, name, 0));
}

/* What is told in the same words where it is told. */
static const char *
told(JsonObject *session, const char *member, const char *const (*texts)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(row_text(session, member), texts[i][0]))
			return texts[i][1];
	}
	return NULL;
}

static char *
chain_text(JsonObject *session)
{
	static const char *const texts[][2] = {
		{ "whole", "whole: each record names the one before it" },
		{ "gaps", "with gaps: records are missing here, what is here fits" },
		{ "broken", "broken: a record does not name the one before it; 'stipplectl coverage' says which" },
		{ "unknown", "unknown: the pen does not chain its records" },
	};

	return g_strdup(told(session, "chain", texts, G_N_ELEMENTS(texts)));
}

static enum column_tone
tone_chain(JsonObject *session)
{
	return strcmp(row_text(session, "chain"), "broken") ? TONE_PLAIN : TONE_BAD;
}

static char *
seal_text(JsonObject *session)
{
	static const char *const texts[][2] = {
		{ "none", "none" },
		{ "sealed", "sealed, not verified; see VERIFYING in stipplectl(1)" },
		{ "broken", "broken: it does not fit these records" },
		{ "unknown", "there is one, but it cannot be held against these records" },
	};

	return g_strdup(told(session, "seal", texts, G_N_ELEMENTS(texts)));
}

static enum column_tone
tone_seal(JsonObject *session)
{
	return strcmp(row_text(session, "seal"), "broken") ? TONE_PLAIN : TONE_BAD;
}

static void
print_session(const struct cli *cli, JsonObject *session)
{
	struct field fields[] = {
		{ "Session", cell_id(session), TONE_PLAIN },
		{ "Pen", g_strdup(row_text(session, "pen")), TONE_PLAIN },
		{ "Start", start_text(session), TONE_PLAIN },
		{ "Start known", known_text(session), TONE_PLAIN },
		{ "Time zone", *row_text(session, "zone") ? g_strdup(row_text(session, "zone")) : g_strdup("unknown"),
		  TONE_PLAIN },
		{ "Duration", cell_duration(session), TONE_PLAIN },
		{ "Motor on", text_duration(row_int(session, "motor_on_ms", 0)), TONE_PLAIN },
		{ "Strokes", number(session, "strokes"), TONE_PLAIN },
		{ "Samples", g_strdup_printf("%" G_GINT64_FORMAT ", every %" G_GINT64_FORMAT " ms",
					     row_int(session, "samples", 0), row_int(session, "period_ms", 0)),
		  TONE_PLAIN },
		{ "Set depth", cell_set_depth(session), TONE_PLAIN },
		{ "Set rate", rate_or_unknown(session, "set_rate_dhz"), TONE_PLAIN },
		{ "Delivered depth", depth_or_unknown(session, "depth_p50_um"), TONE_PLAIN },
		{ "Deepest", cell_max_depth(session), TONE_PLAIN },
		{ "Zones", cell_zones(session), TONE_PLAIN },
		{ "Passes", cell_passes(session), TONE_PLAIN },
		{ "Cartridge", cartridge_text(session), TONE_PLAIN },
		{ "Firmware", g_strdup(row_text(session, "firmware")), TONE_PLAIN },
		{ "Received", cell_moment_or_unknown(session, "received_us"), TONE_PLAIN },
		{ "Link", g_strdup(row_text(session, "link")), TONE_PLAIN },
		{ "Records", records_text(session), TONE_PLAIN },
		{ "Chain", chain_text(session), tone_chain(session) },
		{ "Seal", seal_text(session), tone_seal(session) },
		{ "Complete", g_strdup(row_bool(session, "complete") ? "yes" :
				       "no: parts are missing or damaged, 'stipplectl coverage' says which"),
		  row_bool(session, "complete") ? TONE_GOOD : TONE_BAD },
		{ 0 },
	};

	output_fields(cli, fields);
}

static int
run_show(struct cli *cli, const void *options, char **args)
{
	g_autoptr(GVariant) session = NULL;
	g_autoptr(GError) error = NULL;
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	if (!stp_dbus_manager1_call_get_session_sync(client.manager, args[0], &session, NULL, &error)) {
		code = cli_fail_error(cli, error);
	} else {
		JsonObject *object = model_session(session);

		if (cli->json != JSON_OFF) {
			JsonObject *document = output_new_document();

			json_object_set_object_member(document, "session", object);
			output_json(cli, document);
		} else {
			print_session(cli, object);
			json_object_unref(object);
		}
	}
	client_close(&client);
	return code;
}

static const struct command cmd_show = {
	.name = "show",
	.path = "sessions show",
	.arguments = "ID",
	.summary = "Show everything about a session but its samples",
	.details = "ID is SERIAL/EPOCH/NUMBER as in 'sessions list', or SERIAL/NUMBER where that is clear.",
	.args_min = 1,
	.args_max = 1,
	.run = run_show,
};

static const struct command *const verbs[] = { &cmd_list, &cmd_show, &cmd_sessions_export, &cmd_sessions_proof,
					       NULL };

const struct command cmd_sessions = {
	.name = "sessions",
	.path = "sessions",
	.arguments = "list|show|export|proof",
	.summary = "The sessions in the store",
	.verbs = verbs,
};
