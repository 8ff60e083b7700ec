/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

#include "alerts.h"
#include "cells.h"
#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "output.h"
#include "text.h"

/* alerts: what somebody has to know, or do something about. */

/* ---- list ---- */

struct list_options {
	gboolean all;
};

static const struct option list_table[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct list_options, all), NULL, "Also those that are over" },
};

static char *
cell_level(JsonObject *row)
{
	return g_strdup(row_text(row, "level"));
}

static enum column_tone
tone_level(JsonObject *row)
{
	const char *level = row_text(row, "level");

	if (row_int(row, "ended_us", 0))
		return TONE_PLAIN;
	return !strcmp(level, "critical") ? TONE_BAD : !strcmp(level, "warning") ? TONE_ODD : TONE_PLAIN;
}

static char *
cell_kind(JsonObject *row)
{
	return text_clean(row_text(row, "kind"));
}

static char *
cell_subject(JsonObject *row)
{
	return text_clean(row_text(row, "subject"));
}

static char *
cell_since(JsonObject *row)
{
	return cell_moment_or_unknown(row, "since_us");
}

static char *
cell_count(JsonObject *row)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, row_int(row, "count", 1));
}

static char *
cell_state(JsonObject *row)
{
	if (row_int(row, "ended_us", 0))
		return g_strdup("over");
	return g_strdup(row_int(row, "acknowledged_us", 0) ? "acknowledged" : "open");
}

static const struct column columns[] = {
	{ "LEVEL", ALIGN_LEFT, cell_level, tone_level },
	{ "ALERT", ALIGN_LEFT, cell_kind, NULL },
	{ "ABOUT", ALIGN_LEFT, cell_subject, NULL },
	{ "SINCE", ALIGN_LEFT, cell_since, NULL },
	{ "COUNT", ALIGN_RIGHT, cell_count, NULL },
	{ "STATE", ALIGN_LEFT, cell_state, NULL },
};

static void
print_texts(JsonArray *rows)
{
	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);
		g_autofree char *line = NULL, *clean = NULL;

		if (row_int(row, "ended_us", 0))
			continue;
		line = g_strdup_printf("%s%s%s: %s %s", row_text(row, "kind"), *row_text(row, "subject") ? " " : "",
				       row_text(row, "subject"), row_text(row, "text"), row_text(row, "hint"));
		clean = text_clean(line);
		printf("%s%s\n", i == 0 ? "\n" : "", clean);
	}
}

static int
list(struct client *client, const struct list_options *options)
{
	struct cli *cli = client->cli;
	g_autoptr(JsonArray) rows = NULL;
	int code = alerts_load(client, options->all, &rows);

	if (code != EXIT_OK)
		return code;
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_int_member(document, "open", alerts_count(rows, FALSE));
		json_object_set_array_member(document, "alerts", json_array_ref(rows));
		output_json(cli, document);
	} else if (!json_array_get_length(rows)) {
		fprintf(stderr, "No alert is open.\n");
	} else {
		output_table(cli, columns, G_N_ELEMENTS(columns), rows);
		print_texts(rows);
	}
	return alerts_count(rows, TRUE) ? EXIT_FAILED : EXIT_OK;
}

static int
run_list(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = list(&client, options);
	client_close(&client);
	return code;
}

static const struct command cmd_list = {
	.name = "list",
	.path = "alerts list",
	.arguments = "",
	.summary = "List what needs attention, the worst first, with what to do next",
	.details = "Exits with 1 while one is open that is more than a notice and that nobody has acknowledged.",
	.options = list_table,
	.option_count = G_N_ELEMENTS(list_table),
	.options_size = sizeof(struct list_options),
	.run = run_list,
};

/* ---- acknowledge ---- */

static int
acknowledge(struct client *client, const char *kind, const char *subject)
{
	struct cli *cli = client->cli;
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonArray) before = NULL, rows = NULL;
	int code = alerts_load(client, FALSE, &before);

	if (code != EXIT_OK)
		return code;
	if (!*kind && !alerts_count(before, FALSE))
		return cli_fail(cli, EXIT_NOTHING, "no-alert", "", "No alert waits to be acknowledged.");
	if (!stp_dbus_manager1_call_acknowledge_alert_sync(client->manager, kind, subject, NULL, &error))
		return cli_fail_error(cli, error);
	code = alerts_load(client, FALSE, &rows);
	if (code != EXIT_OK)
		return code;
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_int_member(document, "open", alerts_count(rows, FALSE));
		output_json(cli, document);
	} else {
		printf("Acknowledged. Alerts end by themselves when their cause is gone.\n");
	}
	return EXIT_OK;
}

static int
run_acknowledge(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = acknowledge(&client, args[0] ? args[0] : "", args[0] && args[1] ? args[1] : "");
	client_close(&client);
	return code;
}

static const struct command cmd_acknowledge = {
	.name = "acknowledge",
	.path = "alerts acknowledge",
	.arguments = "[ALERT [ABOUT]]",
	.summary = "Say that you know of an alert, or of all",
	.args_max = 2,
	.run = run_acknowledge,
};

/* ---- the noun ---- */

static const struct command *const verbs[] = { &cmd_list, &cmd_acknowledge, NULL };

const struct command cmd_alerts = {
	.name = "alerts",
	.path = "alerts",
	.arguments = "[list|acknowledge]",
	.summary = "What needs somebody's attention",
	.verbs = verbs,
	.bare = &cmd_list,
};
