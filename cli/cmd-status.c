/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>

#include "alerts.h"
#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "text.h"

/* status: is all well, and if not, what to do. */

static JsonObject *
state_object(const char *state, const char *hint)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "state", state ? state : "unknown");
	json_object_set_string_member(object, "hint", hint ? hint : "");
	return object;
}

static char *
alerts_text(JsonObject *document)
{
	gint64 open = row_int(document, "alerts", 0);

	return open ? g_strdup_printf("%" G_GINT64_FORMAT " open: 'stipplectl alerts' shows what to do", open) :
		      NULL;
}

static JsonObject *
build(struct client *client, JsonArray *alerts)
{
	StpDbusManager1 *manager = client->manager;
	JsonObject *document = output_new_document();
	JsonObject *daemon = json_object_new();
	g_autoptr(GPtrArray) pens = client_list_pens(client);
	guint sessions = 0;

	for (guint i = 0; i < pens->len; i++)
		sessions += stp_dbus_pen1_get_sessions(pens->pdata[i]);
	json_object_set_string_member(daemon, "version", stp_dbus_manager1_get_version(manager));
	json_object_set_string_member(daemon, "collector_id", stp_dbus_manager1_get_collector_id(manager));
	json_object_set_object_member(document, "daemon", daemon);
	json_object_set_object_member(document, "radio",
		state_object(stp_dbus_manager1_get_radio_state(manager),
			     stp_dbus_manager1_get_radio_hint(manager)));
	json_object_set_object_member(document, "store",
		state_object(stp_dbus_manager1_get_store_state(manager),
			     stp_dbus_manager1_get_store_hint(manager)));
	json_object_set_int_member(document, "pens", pens->len);
	json_object_set_int_member(document, "sessions", sessions);
	json_object_set_int_member(document, "alerts", alerts_count(alerts, FALSE));
	return document;
}

static char *
state_text(JsonObject *part)
{
	const char *hint = row_text(part, "hint");

	return *hint ? g_strdup_printf("%s: %s", row_text(part, "state"), hint) :
		       g_strdup(row_text(part, "state"));
}

static int
run(struct cli *cli, const void *options, char **args)
{
	struct client client;
	g_autoptr(JsonArray) alerts = NULL;
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = client_load_pens(&client);
	if (code == EXIT_OK)
		code = alerts_load(&client, FALSE, &alerts);
	if (code != EXIT_OK) {
		client_close(&client);
		return code;
	}
	JsonObject *document = build(&client, alerts);
	JsonObject *daemon = json_object_get_object_member(document, "daemon");
	JsonObject *radio = json_object_get_object_member(document, "radio");
	JsonObject *store = json_object_get_object_member(document, "store");
	gboolean radio_ok = !g_strcmp0(row_text(radio, "state"), "scanning");
	gboolean store_ok = !g_strcmp0(row_text(store, "state"), "ok");
	gboolean quiet = alerts_count(alerts, TRUE) == 0, ok = radio_ok && store_ok && quiet;

	json_object_set_boolean_member(document, "ok", ok);
	if (cli->json != JSON_OFF) {
		output_json(cli, document);
	} else {
		struct field fields[] = {
			{ "Daemon", g_strdup_printf("stippled %s", row_text(daemon, "version")), TONE_PLAIN },
			{ "Collector", g_strdup(row_text(daemon, "collector_id")), TONE_PLAIN },
			{ "Radio", state_text(radio), radio_ok ? TONE_GOOD : TONE_BAD },
			{ "Store", state_text(store), store_ok ? TONE_GOOD : TONE_BAD },
			{ "Pens", g_strdup_printf("%d enrolled", (int)row_int(document, "pens", 0)),
			  TONE_PLAIN },
			{ "Sessions", g_strdup_printf("%d in the store", (int)row_int(document, "sessions", 0)),
			  TONE_PLAIN },
			{ "Alerts", alerts_text(document), quiet ? TONE_ODD : TONE_BAD },
			{ 0 },
		};

		output_fields(cli, fields);
		json_object_unref(document);
	}
	client_close(&client);
	return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command cmd_status = {
	.name = "status",
	.path = "status",
	.arguments = "",
	.summary = "Show how the daemon, the radio and the store are, with what to do next",
	.details = "Exits with 1 when the radio or the store needs attention, or an alert more than a notice is open.",
	.run = run,
};
