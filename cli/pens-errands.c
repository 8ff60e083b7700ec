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
#include "prompt.h"
#include "text.h"

/* pens slots: who collects from a pen; and what else takes a person at its button. */

/* Connecting, a minute for the button, twice, and some more. */
#define ERRAND_MS 300000

static void
on_button(StpDbusManager1 *manager, const char *pen, guint seconds, gpointer data)
{
	g_autofree char *clean = text_clean(pen);

	fprintf(stderr, "Press the button of pen %s now, within %u seconds.\n", clean, seconds);
}

struct errand {
	GMainLoop *loop;
	GVariant *reply;
	GError *error;
};

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
	struct errand *errand = data;

	errand->reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &errand->error);
	g_main_loop_quit(errand->loop);
}

GVariant *
pens_call(struct client *client, const char *method, GVariant *arguments, GError **error)
{
	struct errand errand = { .loop = g_main_loop_new(NULL, FALSE) };
	gulong button = g_signal_connect(client->manager, "button-request", G_CALLBACK(on_button), NULL);

	g_dbus_proxy_call(G_DBUS_PROXY(client->manager), method, arguments, G_DBUS_CALL_FLAGS_NONE, ERRAND_MS, NULL,
			  on_answer, &errand);
	g_main_loop_run(errand.loop);
	g_signal_handler_disconnect(client->manager, button);
	g_main_loop_unref(errand.loop);
	if (errand.error)
		g_propagate_error(error, errand.error);
	return errand.reply;
}

JsonArray *
pens_addresses(struct client *client, const char *serial)
{
	JsonArray *rows = json_array_new();
	g_autoptr(GVariant) list = NULL;
	GVariantIter iter;
	GVariant *entry;

	/* Of a daemon that does not know the call: none. */
	if (!stp_dbus_manager1_call_list_addresses_sync(client->manager, serial, &list, NULL, NULL))
		return rows;
	g_variant_iter_init(&iter, list);
	while ((entry = g_variant_iter_next_value(&iter))) {
		JsonObject *row = json_object_new();
		const char *address = "", *adapter = "";
		gint64 first = 0, last = 0;

		g_variant_lookup(entry, "address", "&s", &address);
		g_variant_lookup(entry, "adapter", "&s", &adapter);
		g_variant_lookup(entry, "first_seen", "x", &first);
		g_variant_lookup(entry, "last_seen", "x", &last);
		json_object_set_string_member(row, "address", address);
		if (*adapter)
			json_object_set_string_member(row, "adapter", adapter);
		model_set_time(row, "first_seen", first);
		model_set_time(row, "last_seen", last);
		json_array_add_object_element(rows, row);
		g_variant_unref(entry);
	}
	return rows;
}

/* ---- slots ---- */

struct slots_options {
	char *drop;
	gboolean yes;
};

static const struct option slots_table[] = {
	{ "drop", 0, OPTION_TEXT, offsetof(struct slots_options, drop), "NAME",
	  "Free the slot of that collector, which no longer exists; somebody presses the pen's button" },
	{ "yes", 'y', OPTION_FLAG, offsetof(struct slots_options, yes), NULL, "Do not ask whether --drop is meant" },
};

static char *
cell_name(JsonObject *row)
{
	return g_strdup(row_text(row, "name"));
}

static char *
cell_mark(JsonObject *row)
{
	return g_strdup_printf("%u", (guint)row_int(row, "mark", 0));
}

static char *
cell_whose(JsonObject *row)
{
	return g_strdup(json_object_get_boolean_member(row, "ours") ? "this one" : "another");
}

static const struct column slot_columns[] = {
	{ "COLLECTOR", ALIGN_LEFT, cell_name, NULL },
	{ "WHOSE", ALIGN_LEFT, cell_whose, NULL },
	{ "HAS UP TO", ALIGN_RIGHT, cell_mark, NULL },
};

/* NULL with error set. */
static JsonArray *
load_slots(struct client *client, const char *serial, GError **error)
{
	g_autoptr(GVariant) reply = pens_call(client, "ListSlots", g_variant_new("(s)", serial), error);
	g_autoptr(GVariant) list = reply ? g_variant_get_child_value(reply, 0) : NULL;
	JsonArray *rows;
	GVariantIter iter;
	GVariant *entry;

	if (!list)
		return NULL;
	rows = json_array_new();
	g_variant_iter_init(&iter, list);
	while ((entry = g_variant_iter_next_value(&iter))) {
		JsonObject *row = json_object_new();
		const char *name = "";
		guint index = 0, mark = 0, epoch = 0;
		gboolean ours = FALSE;

		g_variant_lookup(entry, "name", "&s", &name);
		g_variant_lookup(entry, "index", "u", &index);
		g_variant_lookup(entry, "mark", "u", &mark);
		g_variant_lookup(entry, "epoch", "u", &epoch);
		g_variant_lookup(entry, "ours", "b", &ours);
		json_object_set_int_member(row, "index", index);
		json_object_set_string_member(row, "name", name);
		json_object_set_boolean_member(row, "ours", ours);
		json_object_set_int_member(row, "mark", mark);
		json_object_set_int_member(row, "epoch", epoch);
		json_array_add_object_element(rows, row);
		g_variant_unref(entry);
	}
	return rows;
}

static int
drop_slot(struct client *client, const struct slots_options *options, const char *serial, JsonArray *rows)
{
	struct cli *cli = client->cli;
	g_autoptr(GVariant) reply = NULL;
	g_autoptr(GError) error = NULL;
	JsonObject *found = NULL;

	for (guint i = 0; i < json_array_get_length(rows); i++) {
		JsonObject *row = json_array_get_object_element(rows, i);

		if (!g_ascii_strcasecmp(row_text(row, "name"), options->drop))
			found = row;
	}
	if (found && json_object_get_boolean_member(found, "ours"))
		return cli_fail(cli, EXIT_FAILED, "own-slot",
				"'stipplectl pens remove --free-slot' frees it when the pen is to be retired here.",
				"Collector %s is this one, and takes its slot again with the next sync.", options->drop);
	if (!found)
		return cli_fail(cli, EXIT_NOT_FOUND, "not-found", "'stipplectl pens slots PEN' shows those it has.",
				"Pen %s has no collector %s.", serial, options->drop);
	if (!options->yes && isatty(STDIN_FILENO) &&
	    !prompt_yes("What collector %s has not got yet may be lost for it. Free its slot in pen %s?",
			options->drop, serial))
		return cli_fail(cli, EXIT_NOTHING, "not-confirmed", "The slot stays.", "Nothing was done.");
	reply = pens_call(client, "DropSlot",
			  g_variant_new("(sus)", serial, (guint)row_int(found, "index", 0), row_text(found, "name")), &error);
	if (!reply)
		return cli_fail_error(cli, error);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_string_member(document, "freed", row_text(found, "name"));
		output_json(cli, document);
	} else {
		printf("The slot of collector %s in pen %s is free.\n", row_text(found, "name"), serial);
	}
	return EXIT_OK;
}

static int
slots(struct client *client, const struct slots_options *options, const char *which)
{
	struct cli *cli = client->cli;
	g_autoptr(StpDbusPen1) pen = NULL;
	g_autoptr(JsonArray) rows = NULL;
	g_autoptr(GError) error = NULL;
	int code = client_find_pen(client, which, &pen);

	if (code != EXIT_OK)
		return code;
	rows = load_slots(client, stp_dbus_pen1_get_serial(pen), &error);
	if (!rows)
		return cli_fail_error(cli, error);
	if (options->drop)
		return drop_slot(client, options, stp_dbus_pen1_get_serial(pen), rows);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "slots", json_array_ref(rows));
		output_json(cli, document);
	} else if (json_array_get_length(rows)) {
		output_table(cli, slot_columns, G_N_ELEMENTS(slot_columns), rows);
	} else {
		fprintf(stderr, "No collector has a slot in this pen.\n");
	}
	return EXIT_OK;
}

static int
run_slots(struct cli *cli, const void *options, char **args)
{
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = slots(&client, options, args[0]);
	client_close(&client);
	return code;
}

const struct command cmd_pens_slots = {
	.name = "slots",
	.path = "pens slots",
	.arguments = "PEN",
	.summary = "Show which collectors have a slot in a pen, or free one",
	.details = "The pen is asked, so it has to be in sight. A collector without a slot gets all records, but the\n"
		   "pen does not keep them for it.",
	.options = slots_table,
	.option_count = G_N_ELEMENTS(slots_table),
	.options_size = sizeof(struct slots_options),
	.args_min = 1,
	.args_max = 1,
	.run = run_slots,
};
