/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "prompt.h"
#include "sightings.h"
#include "text.h"

/* pens add: enrol a pen, with the user in the middle of the pairing. */

/* Typing the code may take the user two minutes; connecting before and reading after take some too. */
#define CALL_EXTRA_S 180
/* As long as the pen's pairing window. */
#define LOOK_S 120

struct add_options {
	char *label, *passkey;
	int timeout;
	gboolean yes, allow_unauthenticated;
};

static const struct option add_table[] = {
	{ "label", 0, OPTION_TEXT, offsetof(struct add_options, label), "TEXT",
	  "The clinic's own name for the pen" },
	{ "passkey", 0, OPTION_TEXT, offsetof(struct add_options, passkey), "NUMBER|-",
	  "The six digits the pen shows; -: read them from standard input" },
	{ "timeout", 0, OPTION_COUNT, offsetof(struct add_options, timeout), "SECONDS",
	  "How long to wait for the pen and its pairing window (120)" },
	{ "allow-unauthenticated", 0, OPTION_FLAG, offsetof(struct add_options, allow_unauthenticated), NULL,
	  "Also take a pen that can only pair without a code; its records are marked" },
	{ "yes", 'y', OPTION_FLAG, offsetof(struct add_options, yes), NULL,
	  "Where codes are to be compared, say that they are the same" },
};

struct adding {
	struct client *client;
	const struct add_options *options;
	const char *which;	/* as the user calls the pen */
	gboolean repair;
	GMainLoop *loop;
	GCancellable *cancellable;
	guint request;		/* the one being answered */
	gboolean comparing;
	guint compare_with;
	guint reading;		/* source, 0: not reading */
	const char *refusal;	/* why we said no, for the user; NULL: we did not */
	char *path;
	GError *error;
};

/* ---- the dialogue ---- */

static void
answer(struct adding *adding, gboolean accept, guint passkey)
{
	stp_dbus_manager1_call_answer_pairing(adding->client->manager, adding->request, accept, passkey, NULL,
					      NULL, NULL);
}

static void
refuse(struct adding *adding, const char *why)
{
	adding->refusal = why;
	answer(adding, FALSE, 0);
}

static gboolean
parse_passkey(const char *text, guint *passkey)
{
	g_autoptr(GString) digits = g_string_new(NULL);
	guint64 value;

	/* Pens show "123 456"; people type it so. */
	for (; *text; text++) {
		if (!g_ascii_isspace(*text) && *text != '-')
			g_string_append_c(digits, *text);
	}
	if (!digits->len || digits->len > 6 ||
	    !g_ascii_string_to_unsigned(digits->str, 10, 0, 999999, &value, NULL))
		return FALSE;
	*passkey = (guint)value;
	return TRUE;
}

static void ask(struct adding *adding);

static void
on_line(const char *line, gpointer data)
{
	struct adding *adding = data;
	guint passkey;

	adding->reading = 0;
	if (!line) {
		refuse(adding, "No code was given: standard input ended.");
	} else if (adding->comparing) {
		if (prompt_is_yes(line))
			answer(adding, TRUE, adding->compare_with);
		else
			refuse(adding, "The pairing was refused here, because the codes are not the same.");
	} else if (parse_passkey(line, &passkey)) {
		answer(adding, TRUE, passkey);
	} else if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "That is not six digits. Type the six digits that the pen shows: ");
		ask(adding);
	} else {
		refuse(adding, "The code given is not six digits.");
	}
}

static void
ask(struct adding *adding)
{
	if (!adding->reading)
		adding->reading = prompt_line(on_line, adding);
}

static void
compare(struct adding *adding, const char *pen)
{
	guint given;
	const char *text = adding->options->passkey;

	if (adding->options->yes) {
		answer(adding, TRUE, adding->compare_with);
	} else if (text && strcmp(text, "-")) {
		if (parse_passkey(text, &given) && given == adding->compare_with)
			answer(adding, TRUE, given);
		else
			refuse(adding, "The code given with --passkey is not the one of this pairing.");
	} else {
		fprintf(stderr, "Does pen %s show %06u? [y/n] ", pen, adding->compare_with);
		ask(adding);
	}
}

static void
enter(struct adding *adding, const char *pen)
{
	const char *text = adding->options->passkey;
	guint passkey;

	/* Checked before the call, so it parses. */
	if (text && strcmp(text, "-") && parse_passkey(text, &passkey)) {
		answer(adding, TRUE, passkey);
		return;
	}
	if (!text || isatty(STDIN_FILENO))
		fprintf(stderr, "Type the six digits that pen %s shows: ", pen);
	ask(adding);
}

/*
 * What is printed on a pen is its serial number; "Stipple-1001" ends as that does.  Nobody can tell two
 * pens apart by an address, so the end of the label is named wherever it is known.
 */
static char *
name_pen(const char *which, const char *pen)
{
	const char *dash = strchr(pen, '-'), *comma = strchr(pen, ',');
	g_autofree char *lower_pen = g_ascii_strdown(pen, -1), *lower_which = g_ascii_strdown(which, -1);
	g_autofree char *both = strstr(lower_pen, lower_which) ? g_strdup(pen)
								: g_strdup_printf("%s (%s)", which, pen);

	if (!dash || !comma || comma < dash)
		return g_steal_pointer(&both);
	return g_strdup_printf("%s, whose label ends in %.*s,", both, (int)(comma - dash - 1), dash + 1);
}

static void
on_pairing_request(StpDbusManager1 *manager, guint request, const char *pen, const char *kind,
		   guint passkey, gpointer data)
{
	struct adding *adding = data;
	g_autofree char *named = name_pen(adding->which, pen);
	g_autofree char *clean = text_clean(named);

	adding->request = request;
	adding->comparing = !strcmp(kind, "confirm-passkey");
	adding->compare_with = passkey;
	if (adding->comparing)
		compare(adding, clean);
	else if (!strcmp(kind, "enter-passkey"))
		enter(adding, clean);
	else
		refuse(adding, "The pen wants to pair in a way this version does not know.");
}

/* ---- the call ---- */

static void
on_added(GObject *source, GAsyncResult *result, gpointer data)
{
	struct adding *adding = data;

	stp_dbus_manager1_call_add_pen_finish(STP_DBUS_MANAGER1(source), &adding->path, result, &adding->error);
	g_main_loop_quit(adding->loop);
}

/* A pairing that waits for an answer is ended on the daemon's side too. */
static gboolean
on_interrupt(gpointer data)
{
	struct adding *adding = data;

	if (adding->request)
		refuse(adding, "The pairing was cancelled here.");
	g_cancellable_cancel(adding->cancellable);
	return G_SOURCE_CONTINUE;
}

static void
on_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
	g_cancellable_cancel(((struct adding *)data)->cancellable);
}

static void
start_call(struct adding *adding, const char *which)
{
	const struct add_options *options = adding->options;
	int look = options->timeout ? options->timeout : LOOK_S;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	if (options->label)
		g_variant_builder_add(&builder, "{sv}", "label", g_variant_new_string(options->label));
	g_variant_builder_add(&builder, "{sv}", "timeout", g_variant_new_uint32((guint)look));
	if (options->allow_unauthenticated)
		g_variant_builder_add(&builder, "{sv}", "allow_unauthenticated", g_variant_new_boolean(TRUE));
	if (adding->repair)
		g_variant_builder_add(&builder, "{sv}", "repair", g_variant_new_boolean(TRUE));
	g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(adding->client->manager),
					 MIN(look, 86400) * 1000 + CALL_EXTRA_S * 1000);
	stp_dbus_manager1_call_add_pen(adding->client->manager, which, g_variant_builder_end(&builder),
				       adding->cancellable, on_added, adding);
}

static int
print_added(struct adding *adding)
{
	struct cli *cli = adding->client->cli;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpDbusPen1) pen = stp_dbus_pen1_proxy_new_sync(adding->client->bus,
		G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, CLIENT_BUS_NAME, adding->path, NULL, &error);

	if (!pen)
		return cli_fail_error(cli, error);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_object_member(document, "pen", model_pen(pen));
		output_json(cli, document);
		return EXIT_OK;
	}
	const char *label = stp_dbus_pen1_get_label(pen), *serial = stp_dbus_pen1_get_serial(pen);
	gboolean labelled = label && *label;
	g_autofree char *line = g_strdup_printf("Pen %s%s%s%s is enrolled; its records are collected from now on.",
						serial ? serial : "", labelled ? " (" : "",
						labelled ? label : "", labelled ? ")" : "");
	g_autofree char *clean = text_clean(line);

	puts(clean);
	return EXIT_OK;
}

static int
settle(struct adding *adding)
{
	struct cli *cli = adding->client->cli;

	if (adding->reading)
		fputc('\n', stderr);
	if (adding->path)
		return print_added(adding);
	if (adding->refusal)
		return cli_fail(cli, EXIT_FAILED, "pairing-failed",
				"Open the pairing at the pen again, then repeat the command.", "%s",
				adding->refusal);
	return cli_fail_error(cli, adding->error);
}

static int
add(struct client *client, const struct add_options *options, const char *which, gboolean repair)
{
	struct adding adding = { .client = client, .options = options, .which = which, .repair = repair };

	fprintf(stderr, "Hold the button of the pen until it is ready to pair (it stays so for two minutes), "
			"and keep it near.\n");
	if (options->allow_unauthenticated)
		fprintf(stderr, "A pen that pairs without a code will be taken as well: nobody can tell then whether it is "
				"this pen, and its records are marked.\n");
	adding.loop = g_main_loop_new(NULL, FALSE);
	adding.cancellable = g_cancellable_new();

	gulong request = g_signal_connect(client->manager, "pairing-request",
					  G_CALLBACK(on_pairing_request), &adding);
	gulong closed = g_signal_connect(client->bus, "closed", G_CALLBACK(on_closed), &adding);
	guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, &adding);

	start_call(&adding, which);
	g_main_loop_run(adding.loop);

	int code = settle(&adding);

	if (adding.reading)
		g_source_remove(adding.reading);
	g_source_remove(interrupt);
	g_signal_handler_disconnect(client->bus, closed);
	g_signal_handler_disconnect(client->manager, request);
	g_object_unref(adding.cancellable);
	g_main_loop_unref(adding.loop);
	g_free(adding.path);
	g_clear_error(&adding.error);
	return code;
}

/* Without saying which: what could be added. */
static int
list_candidates(struct client *client)
{
	struct cli *cli = client->cli;
	g_autoptr(JsonArray) sightings = NULL;
	int code = sightings_load(client, &sightings);

	if (code != EXIT_OK)
		return code;
	guint count = json_array_get_length(sightings);

	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();

		json_object_set_array_member(document, "sightings", json_array_ref(sightings));
		output_json(cli, document);
	} else if (count) {
		sightings_print(cli, sightings);
		fprintf(stderr, "Enrol one with 'stipplectl pens add ADDRESS'; the last digits on its label will do too.\n");
	} else {
		fprintf(stderr, "No pen that could be added is in sight. Wake the pen and keep it near; "
				"'stipplectl status' tells whether the radio works.\n");
	}
	return count ? EXIT_OK : EXIT_NOTHING;
}

/* ---- guided ---- */

#define GUIDE_EVERY_US (G_USEC_PER_SEC / 2)

static const char *
text_of(JsonObject *row, const char *name)
{
	return json_object_get_string_member_with_default(row, name, "");
}

/* Those whose window is open; the rows stay the sightings'. */
static JsonArray *
find_open(JsonArray *sightings)
{
	JsonArray *open = json_array_new();

	for (guint i = 0; i < json_array_get_length(sightings); i++) {
		JsonObject *row = json_array_get_object_element(sightings, i);

		if (json_object_get_boolean_member_with_default(row, "pairing_open", FALSE) &&
		    json_object_get_boolean_member_with_default(row, "in_sight", FALSE))
			json_array_add_object_element(open, json_object_ref(row));
	}
	return open;
}

/* The one whose name or address ends as the label does; NULL: none, or several. */
static JsonObject *
find_by_end(JsonArray *open, const char *end)
{
	g_autofree char *lower_end = g_ascii_strdown(end, -1);
	JsonObject *found = NULL;

	for (guint i = 0; *end && i < json_array_get_length(open); i++) {
		JsonObject *row = json_array_get_object_element(open, i);
		g_autofree char *name = g_ascii_strdown(text_of(row, "name"), -1);
		g_autofree char *address = g_ascii_strdown(text_of(row, "address"), -1);

		if (!g_str_has_suffix(name, lower_end) && !g_str_has_suffix(address, lower_end))
			continue;
		if (found)
			return NULL;
		found = row;
	}
	return found;
}

/* Which of several it is, the label at hand tells; NULL: nobody said. */
static JsonObject *
choose(struct client *client, JsonArray *open)
{
	fprintf(stderr, "%u pens are ready to pair:\n", json_array_get_length(open));
	sightings_print(client->cli, open);
	fflush(stdout);
	for (;;) {
		g_autofree char *end = prompt_text("Type the last digits on the label of the one you mean:");
		JsonObject *row = end ? find_by_end(open, end) : NULL;

		if (!end || !*end || row)
			return row;
		fprintf(stderr, "Not one of these, or more than one, ends in that. ");
	}
}

/* Whether the only one is the pen at hand. */
static gboolean
is_at_hand(JsonObject *row, const struct add_options *options)
{
	const char *name = text_of(row, "name"), *dash = strrchr(name, '-');

	return !dash || options->yes ||
	       prompt_yes("%s, %s is ready. Does the label of your pen end in %s?", name, text_of(row, "address"), dash + 1);
}

/* Wait for somebody to open the window of a pen, and make sure that it is the one at hand. */
static int
guide(struct client *client, const struct add_options *options)
{
	gint64 until = g_get_monotonic_time() + (options->timeout ? options->timeout : LOOK_S) * G_USEC_PER_SEC;

	fprintf(stderr, "Hold the button of the pen until it is ready to pair, and keep it near. Waiting for it ...\n");
	for (;;) {
		g_autoptr(JsonArray) sightings = NULL;
		g_autoptr(JsonArray) open = NULL;
		int code = sightings_load(client, &sightings);

		if (code != EXIT_OK)
			return code;
		open = find_open(sightings);
		guint count = json_array_get_length(open);
		JsonObject *row = count == 1 ? json_array_get_object_element(open, 0) : NULL;

		if (count > 1)
			row = choose(client, open);
		else if (row && !is_at_hand(row, options))
			row = NULL;
		if (row)
			return add(client, options, text_of(row, "address"), FALSE);
		if (count > 0)
			return cli_fail(client->cli, EXIT_NOTHING, "not-confirmed",
					"Open the pairing window of the pen you mean, then try again.",
					"Nothing was done.");
		if (g_get_monotonic_time() > until)
			return cli_fail(client->cli, EXIT_NOTHING, "no-pen",
					"Hold its button until the light blinks, keep it within two metres, and try again.",
					"No pen opened its pairing window.");
		g_usleep(GUIDE_EVERY_US);
	}
}

static int
run(struct cli *cli, const void *data, char **args)
{
	const struct add_options *options = data;
	struct client client;
	guint passkey;

	if (options->passkey && strcmp(options->passkey, "-") && !parse_passkey(options->passkey, &passkey))
		return cli_fail(cli, EXIT_USAGE, "usage", "Give the six digits the pen shows.",
				"--passkey takes up to six digits, not \"%s\".", options->passkey);
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	if (args[0])
		code = add(&client, options, args[0], FALSE);
	else if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && cli->json == JSON_OFF)
		code = guide(&client, options);
	else
		code = list_candidates(&client);
	client_close(&client);
	return code;
}

const struct command cmd_pens_add = {
	.name = "add",
	.path = "pens add",
	.arguments = "[WHICH]",
	.summary = "Enrol a pen in sight",
	.details = "WHICH is the pen's Bluetooth address, its advertised name, its serial number, or the end of that,\n"
		   "which is printed on the label. Without it, the next pen that somebody opens for pairing is taken\n"
		   "on a terminal; elsewhere the pens that could be added are listed. Of a pen that is enrolled\n"
		   "already, --label changes the label.",
	.options = add_table,
	.option_count = G_N_ELEMENTS(add_table),
	.options_size = sizeof(struct add_options),
	.args_max = 1,
	.run = run,
};

/* ---- repair ---- */

/* What is wrong, and the one thing that is going to be done about it. */
static gboolean
repair_is_meant(StpDbusPen1 *pen, const struct add_options *options)
{
	if (!pen) {
		fputs("This pen is not enrolled here. This host's key for it, if there is one, is removed, and it is paired "
		      "and enrolled anew.\n", stderr);
		return options->yes || options->passkey || !isatty(STDIN_FILENO) || prompt_yes("Go on?");
	}
	const char *serial = stp_dbus_pen1_get_serial(pen), *error = stp_dbus_pen1_get_last_error(pen);
	const char *hint = stp_dbus_pen1_get_last_error_hint(pen);
	gboolean failed = error && *error;
	/* That this is the command to run needs no saying here; what is to be done at the pen first does. */
	g_autofree char *told = !failed ? g_strdup("Its last sync did not fail.") :
				hint && *hint && !g_str_has_prefix(hint, "Open its pairing") ? g_strdup_printf("%s %s", error, hint) :
										g_strdup(error);
	g_autofree char *clean = text_clean(told);

	if (!strstr(clean, serial))
		fprintf(stderr, "Pen %s: ", serial);
	fprintf(stderr, "%s\nThis host's key for it, if there is one, is removed, and it is paired anew. No record is lost.\n",
		clean);
	return options->yes || options->passkey || !isatty(STDIN_FILENO) || prompt_yes("Go on?");
}

static int
run_repair(struct cli *cli, const void *data, char **args)
{
	const struct add_options *options = data;
	g_autoptr(StpDbusPen1) pen = NULL;
	struct client client;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	/* One whose enrolment was lost with a store may have a bond that nobody here vouches for. */
	code = client_match_pen(&client, args[0], &pen);
	if (code == EXIT_OK && !repair_is_meant(pen, options))
		code = cli_fail(cli, EXIT_NOTHING, "not-confirmed", "The pen stays as it is.", "Nothing was done.");
	else if (code == EXIT_OK)
		code = add(&client, options, pen ? stp_dbus_pen1_get_serial(pen) : args[0], TRUE);
	client_close(&client);
	return code;
}

const struct command cmd_pens_repair = {
	.name = "repair",
	.path = "pens repair",
	.arguments = "PEN",
	.summary = "Pair an enrolled pen anew, when its bond does not work",
	.details = "'stipplectl alerts' and 'stipplectl pens show' tell what is wrong with it, and whether something\n"
		   "has to be done at the pen first. Label and records stay.",
	.options = add_table,
	.option_count = G_N_ELEMENTS(add_table),
	.options_size = sizeof(struct add_options),
	.args_min = 1,
	.args_max = 1,
	.run = run_repair,
};
