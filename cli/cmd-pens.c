/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "pens-errands.h"
#include "pens-retired.h"
#include "prompt.h"
#include "sightings.h"
#include "text.h"

/* pens list, show and remove; adding has a file of its own. */

/* ---- list ---- */

struct list_options {
	gboolean all, retired;
};

static const struct option list_table[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct list_options, all), NULL,
	  "Also show pens in sight that are not enrolled" },
	{ "retired", 0, OPTION_FLAG, offsetof(struct list_options, retired), NULL,
	  "Show the pens that were retired instead, when, how, and what was missing then" },
};

static char *
cell_model(JsonObject *row)
{
	return g_strdup(row_text(row, "model"));
}

static char *
cell_state(JsonObject *row)
{
	return g_strdup(row_text(row, "state"));
}

static char *
cell_seen(JsonObject *row)
{
	return cell_moment_or_never(row, "last_seen_us");
}

static char *
cell_synced(JsonObject *row)
{
	return cell_moment_or_never(row, "last_sync_us");
}

static char *
cell_sessions(JsonObject *row)
{
	return g_strdup_printf("%d", (int)row_int(row, "sessions", 0));
}

static const struct column pen_columns[] = {
	{ "SERIAL", ALIGN_LEFT, cell_serial, NULL },
	{ "LABEL", ALIGN_LEFT, cell_label, NULL },
	{ "MODEL", ALIGN_LEFT, cell_model, NULL },
	{ "STATE", ALIGN_LEFT, cell_state, tone_state },
	{ "BATTERY", ALIGN_RIGHT, cell_battery, NULL },
	{ "LAST SEEN", ALIGN_LEFT, cell_seen, NULL },
	{ "LAST SYNC", ALIGN_LEFT, cell_synced, NULL },
	{ "SESSIONS", ALIGN_RIGHT, cell_sessions, NULL },
	{ "COVERAGE", ALIGN_RIGHT, cell_coverage, tone_coverage },
	{ "ROOM FOR", ALIGN_RIGHT, cell_room, tone_room },
};

static int
list_pens(struct client *client, const struct list_options *options)
{
	struct cli *cli = client->cli;
	int code = client_load_pens(client);
	g_autoptr(JsonArray) rows = json_array_new();
	g_autoptr(JsonArray) sightings = NULL;

	if (code != EXIT_OK)
		return code;
	g_autoptr(GPtrArray) pens = client_list_pens(client);

	for (guint i = 0; i < pens->len; i++)
		json_array_add_object_element(rows, model_pen(pens->pdata[i]));
	if (options->all) {
		code = sightings_load(client, &sightings);
		if (code != EXIT_OK)
			return code;
	}
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "pens", json_array_ref(rows));
		if (sightings)
			json_object_set_array_member(document, "sightings", json_array_ref(sightings));
		output_json(cli, document);
		return EXIT_OK;
	}
	if (pens->len)
		output_table(cli, pen_columns, G_N_ELEMENTS(pen_columns), rows);
	else
		fprintf(stderr, "No pen is enrolled; 'stipplectl pens add' shows which could be.\n");
	if (sightings && json_array_get_length(sightings)) {
		printf("%sIn sight, not enrolled:\n", pens->len ? "\n" : "");
		sightings_print(cli, sightings);
	}
	return EXIT_OK;
}

static int
list_retired(struct client *client)
{
	g_autoptr(JsonArray) rows = NULL;
	int code = retired_load(client, &rows);

	if (code != EXIT_OK)
		return code;
	if (client->cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "retired", json_array_ref(rows));
		output_json(client->cli, document);
	} else {
		retired_print_table(client->cli, rows);
	}
	return EXIT_OK;
}

static int
run_list(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = ((const struct list_options *)options)->retired ? list_retired(&client) : list_pens(&client, options);
	client_close(&client);
	return code;
}

static const struct command cmd_list = {
	.name = "list",
	.path = "pens list",
	.arguments = "",
	.summary = "List the enrolled pens",
	.options = list_table,
	.option_count = G_N_ELEMENTS(list_table),
	.options_size = sizeof(struct list_options),
	.run = run_list,
};

/* ---- show ---- */

static char *
text_or_unknown(JsonObject *row, const char *name)
{
	const char *text = row_text(row, name);

	return g_strdup(*text ? text : "unknown");
}

static char *
text_or_none(JsonObject *row, const char *name)
{
	const char *text = row_text(row, name);

	return *text ? g_strdup(text) : NULL;
}

static char *
progress_text(JsonObject *pen)
{
	JsonObject *progress = json_object_has_member(pen, "progress") ?
				       json_object_get_object_member(pen, "progress") : NULL;

	if (!progress || strcmp(row_text(pen, "state"), "syncing"))
		return NULL;
	g_autofree char *bytes = text_bytes((guint64)row_int(progress, "bytes", 0));
	g_autofree char *rate = text_bytes((guint64)row_int(progress, "bytes_per_s", 0));

	gint64 left = row_int(pen, "seconds_left", -1);
	g_autofree char *time = left < 0 ? NULL : text_duration(left * 1000);

	return g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " records, %s, %s/s%s%s%s",
			       row_int(progress, "done", 0), row_int(progress, "wanted", 0), bytes, rate,
			       time ? ", about " : "", time ? time : "", time ? " left" : "");
}

/* The serial number says who it is; the addresses are history. */
static char *
earlier_addresses(JsonObject *pen)
{
	JsonArray *rows = json_object_get_array_member(pen, "addresses");
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		const char *address = row_text(json_array_get_object_element(rows, i), "address");

		if (g_ascii_strcasecmp(address, row_text(pen, "address")))
			g_string_append_printf(list, "%s%s", list->len ? ", " : "", address);
	}
	return list->len ? g_strdup(list->str) : NULL;
}

static void
print_pen(const struct cli *cli, JsonObject *pen)
{
	struct field fields[] = {
		{ "Serial", cell_serial(pen), TONE_PLAIN },
		{ "Label", text_or_none(pen, "label"), TONE_PLAIN },
		{ "Maker", text_or_unknown(pen, "maker"), TONE_PLAIN },
		{ "Model", text_or_unknown(pen, "model"), TONE_PLAIN },
		{ "Firmware", text_or_unknown(pen, "firmware"), TONE_PLAIN },
		{ "Hardware", text_or_unknown(pen, "hardware"), TONE_PLAIN },
		{ "Address", text_or_unknown(pen, "address"), TONE_PLAIN },
		{ "Earlier at", earlier_addresses(pen), TONE_PLAIN },
		{ "State", cell_state(pen), tone_state(pen) },
		{ "Progress", progress_text(pen), TONE_PLAIN },
		{ "Battery", cell_battery(pen), TONE_PLAIN },
		{ "Last seen", cell_seen(pen), TONE_PLAIN },
		{ "Last sync", cell_synced(pen), TONE_PLAIN },
		{ "Sessions", cell_sessions(pen), TONE_PLAIN },
		{ "Coverage", cell_coverage(pen), tone_coverage(pen) },
		{ "Room for", cell_room(pen), tone_room(pen) },
		{ "Warning", text_or_none(pen, "warning"), TONE_BAD },
		{ "Last error", text_or_none(pen, "last_error"), TONE_BAD },
		{ "What to do", text_or_none(pen, "last_error_hint"), TONE_ODD },
		{ 0 },
	};

	output_fields(cli, fields);
}

static int
show(struct client *client, const char *which)
{
	struct cli *cli = client->cli;
	g_autoptr(StpDbusPen1) pen = NULL;
	g_autoptr(JsonObject) object = NULL;
	gboolean retired = FALSE;
	int code = client_match_pen(client, which, &pen);

	if (code == EXIT_OK && !pen)
		code = retired_match(client, which, &object);
	if (code != EXIT_OK)
		return code;
	if (object)
		retired = TRUE;
	else if (pen)
		object = model_pen(pen);
	else
		return client_find_pen(client, which, &pen);	/* says that there is none */
	json_object_set_array_member(object, "addresses", pens_addresses(client, row_text(object, "serial")));
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_object_member(document, retired ? "retired" : "pen", json_object_ref(object));
		output_json(cli, document);
	} else if (retired) {
		retired_print(cli, object);
	} else {
		print_pen(cli, object);
	}
	return EXIT_OK;
}

static int
run_show(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = show(&client, args[0]);
	client_close(&client);
	return code;
}

static const struct command cmd_show = {
	.name = "show",
	.path = "pens show",
	.arguments = "PEN",
	.summary = "Show everything about a pen, its last error included",
	.details = "PEN is a serial number, a label, or the end of a serial number; of a retired pen, too.",
	.args_min = 1,
	.args_max = 1,
	.run = run_show,
};

/* ---- remove ---- */

struct remove_options {
	gboolean force, yes, erase, free_slot;
};

static const struct option remove_table[] = {
	{ "force", 0, OPTION_FLAG, offsetof(struct remove_options, force), NULL,
	  "Remove it although it holds records that are not in the store" },
	{ "erase", 0, OPTION_FLAG, offsetof(struct remove_options, erase), NULL,
	  "Have the pen erase what the store has of its log; somebody presses its button" },
	{ "free-slot", 0, OPTION_FLAG, offsetof(struct remove_options, free_slot), NULL,
	  "Free this collector's slot in the pen; somebody presses its button" },
	{ "yes", 'y', OPTION_FLAG, offsetof(struct remove_options, yes), NULL,
	  "Do not ask whether --force is meant" },
};

static gboolean
meant(const struct remove_options *options, const char *serial)
{
	if (!options->force || options->yes || !isatty(STDIN_FILENO))
		return TRUE;
	return prompt_yes("Records that are only in pen %s will not be collected. Remove it?", serial);
}

static gboolean
retire(struct client *client, const struct remove_options *options, const char *serial, GError **error)
{
	g_autoptr(GVariant) reply = NULL;
	GVariantBuilder wanted;

	if (!options->erase && !options->free_slot)
		return stp_dbus_manager1_call_remove_pen_sync(client->manager, serial, options->force, NULL, error);
	g_variant_builder_init(&wanted, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&wanted, "{sv}", "force", g_variant_new_boolean(options->force));
	g_variant_builder_add(&wanted, "{sv}", "erase", g_variant_new_boolean(options->erase));
	g_variant_builder_add(&wanted, "{sv}", "free_slot", g_variant_new_boolean(options->free_slot));
	reply = pens_call(client, "RetirePen", g_variant_new("(sa{sv})", serial, &wanted), error);
	return reply != NULL;
}

static int
remove_pen(struct client *client, const struct remove_options *options, const char *which)
{
	struct cli *cli = client->cli;
	g_autoptr(StpDbusPen1) pen = NULL;
	g_autoptr(GError) error = NULL;
	int code = client_find_pen(client, which, &pen);

	if (code != EXIT_OK)
		return code;
	const char *serial = stp_dbus_pen1_get_serial(pen);

	if (!meant(options, serial))
		return cli_fail(cli, EXIT_NOTHING, "not-confirmed", "The pen stays enrolled.", "Nothing was done.");
	if (!retire(client, options, serial, &error))
		return cli_fail_error(cli, error);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_string_member(document, "removed", serial);
		output_json(cli, document);
	} else {
		printf("Pen %s is no longer enrolled; its records stay in the store.\n", serial);
		fprintf(stderr, "It still knows this host: delete this host at the pen, if the pen is to be used "
				"elsewhere.\n");
	}
	return EXIT_OK;
}

static int
run_remove(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = remove_pen(&client, options, args[0]);
	client_close(&client);
	return code;
}

static const struct command cmd_remove = {
	.name = "remove",
	.path = "pens remove",
	.arguments = "PEN",
	.summary = "End the enrolment of a pen; its collected records stay",
	.options = remove_table,
	.option_count = G_N_ELEMENTS(remove_table),
	.options_size = sizeof(struct remove_options),
	.args_min = 1,
	.args_max = 1,
	.run = run_remove,
};

/* ---- the noun ---- */

static const struct command *const verbs[] = { &cmd_list,	  &cmd_show,   &cmd_pens_add, &cmd_pens_repair,
					       &cmd_pens_slots, &cmd_remove, NULL };

const struct command cmd_pens = {
	.name = "pens",
	.path = "pens",
	.arguments = "list|show|add|repair|slots|remove",
	.summary = "The pens this machine collects from",
	.verbs = verbs,
};
