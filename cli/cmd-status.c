/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

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

/* ---- adapters ---- */

static char *
text_of(GVariant *row, const char *key)
{
	const char *text = "";

	g_variant_lookup(row, key, "&s", &text);
	return g_strdup(text);
}

static void
set_text(JsonObject *object, GVariant *row, const char *key)
{
	g_autofree char *text = text_of(row, key);

	if (*text != '\0')
		json_object_set_string_member(object, key, text);
}

static JsonObject *
adapter_object(GVariant *row)
{
	static const char *const texts[] = { "address", "path", "state", "hint", "lease_holder", "scan_mode",
					     "scan_why" };
	static const char *const numbers[] = { "links", "ceiling", "waiting", "foreign_links" };
	static const char *const flags[] = { "discovering", "silent", "foreign_discovery" };
	JsonObject *object = json_object_new(), *errors = json_object_new();
	g_autoptr(GVariantIter) iter = NULL;
	const char *class;
	guint32 number;
	gboolean flag;

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		set_text(object, row, texts[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (g_variant_lookup(row, numbers[i], "u", &number))
			json_object_set_int_member(object, numbers[i], number);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(flags); i++) {
		if (g_variant_lookup(row, flags[i], "b", &flag))
			json_object_set_boolean_member(object, flags[i], flag);
	}
	if (g_variant_lookup(row, "errors", "a{su}", &iter)) {
		while (g_variant_iter_next(iter, "{&su}", &class, &number))
			json_object_set_int_member(errors, class, number);
	}
	json_object_set_object_member(object, "errors", errors);
	return object;
}

/* A daemon of before does not know the call: then there is nothing to show. */
static JsonArray *
load_adapters(struct client *client)
{
	JsonArray *array = json_array_new();
	g_autoptr(GVariant) adapters = NULL;

	if (!stp_dbus_manager1_call_get_adapters_sync(client->manager, &adapters, NULL, NULL))
		return array;
	for (gsize i = 0; i < g_variant_n_children(adapters); i++) {
		g_autoptr(GVariant) row = g_variant_get_child_value(adapters, i);

		json_array_add_object_element(array, adapter_object(row));
	}
	return array;
}

static void
add_errors(GString *text, JsonObject *errors)
{
	g_autoptr(GList) classes = json_object_get_members(errors);

	for (GList *i = classes; i != NULL; i = i->next)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s", i == classes ? "; failed tries: " : ", ",
				       json_object_get_int_member(errors, i->data), (const char *)i->data);
}

/* "00:11:22:33:44:55 (hci0), scanning, 1 of 3 links" */
static char *
adapter_text(JsonObject *adapter)
{
	GString *text = g_string_new(row_text(adapter, "address"));
	gint64 foreign = row_int(adapter, "foreign_links", 0);

	if (*row_text(adapter, "path") != '\0')
		g_string_append_printf(text, " (%s)", row_text(adapter, "path"));
	g_string_append_printf(text, ", %s, %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " links",
			       row_text(adapter, "state"), row_int(adapter, "links", 0),
			       row_int(adapter, "ceiling", 0));
	if (row_int(adapter, "waiting", 0) > 0)
		g_string_append_printf(text, ", %" G_GINT64_FORMAT " waiting", row_int(adapter, "waiting", 0));
	g_string_append_printf(text, "; looks for pens: %s", row_text(adapter, "scan_mode"));
	if (*row_text(adapter, "scan_why") != '\0')
		g_string_append_printf(text, " (%s)", row_text(adapter, "scan_why"));
	if (row_bool(adapter, "silent"))
		g_string_append(text, "; hears nothing");
	if (*row_text(adapter, "lease_holder") != '\0')
		g_string_append_printf(text, "; used by %s", row_text(adapter, "lease_holder"));
	if (foreign > 0)
		g_string_append_printf(text, "; %" G_GINT64_FORMAT " connection%s of other programs", foreign,
				       foreign == 1 ? "" : "s");
	if (row_bool(adapter, "foreign_discovery"))
		g_string_append(text, "; another program scans");
	add_errors(text, json_object_get_object_member(adapter, "errors"));
	return g_string_free(text, FALSE);
}

static void
add_adapters(GArray *fields, JsonArray *adapters)
{
	for (guint i = 0; i < json_array_get_length(adapters); i++) {
		JsonObject *adapter = json_array_get_object_element(adapters, i);
		gboolean good = strcmp(row_text(adapter, "state"), "scanning") == 0 && !row_bool(adapter, "silent");
		struct field field = { "Adapter", adapter_text(adapter), good ? TONE_PLAIN : TONE_ODD };

		g_array_append_val(fields, field);
	}
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
	json_object_set_array_member(document, "adapters", load_adapters(client));
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
		const struct field before[] = {
			{ "Daemon", g_strdup_printf("stippled %s", row_text(daemon, "version")), TONE_PLAIN },
			{ "Collector", g_strdup(row_text(daemon, "collector_id")), TONE_PLAIN },
			{ "Radio", state_text(radio), radio_ok ? TONE_GOOD : TONE_BAD },
		};
		const struct field after[] = {
			{ "Store", state_text(store), store_ok ? TONE_GOOD : TONE_BAD },
			{ "Pens", g_strdup_printf("%d enrolled", (int)row_int(document, "pens", 0)),
			  TONE_PLAIN },
			{ "Sessions", g_strdup_printf("%d of these pens in the store", (int)row_int(document, "sessions", 0)),
			  TONE_PLAIN },
			{ "Alerts", alerts_text(document), quiet ? TONE_ODD : TONE_BAD },
		};
		g_autoptr(GArray) fields = g_array_new(TRUE, FALSE, sizeof(struct field));

		g_array_append_vals(fields, before, G_N_ELEMENTS(before));
		add_adapters(fields, json_object_get_array_member(document, "adapters"));
		g_array_append_vals(fields, after, G_N_ELEMENTS(after));
		output_fields(cli, (struct field *)(void *)fields->data);
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
	.details = "Exits with 1 when the radio or the store needs attention, or an alert is open that is\n"
		   "more than a notice and that nobody has acknowledged.",
	.run = run,
};
