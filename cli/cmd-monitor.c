/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdio.h>
#include <string.h>

#include <glib-unix.h>

#include "cells.h"
#include "client.h"
#include "cmd.h"
#include "failure.h"
#include "model.h"
#include "output.h"
#include "text.h"
#include "when.h"

/* monitor: one line for everything that happens, until interrupted. */

struct monitor_options {
	int count;
};

static const struct option table[] = {
	{ "count", 'n', OPTION_COUNT, offsetof(struct monitor_options, count), "NUMBER",
	  "End after so many events" },
};

struct monitor {
	struct client *client;
	const struct monitor_options *options;
	GMainLoop *loop;
	gboolean present;	/* the daemon, and what it told of its pens */
	int seen;
	int exit_code;
};

/* ---- lines ---- */

static void
print_line(const char *text)
{
	g_autofree char *now = when_local(g_get_real_time());
	g_autofree char *clean = text_clean(text);

	/* The date is known to whoever watches. */
	printf("%.8s  %s\n", strlen(now) > 11 ? now + 11 : now, clean);
	fflush(stdout);
}

/*
 * Tell of an event: for programs the object with what concerns it, for people the text.  Both
 * are taken; details may be NULL.
 */
static void
emit(struct monitor *monitor, const char *event, JsonObject *details, char *text)
{
	g_autofree char *line = text;

	if (monitor->options->count && monitor->seen >= monitor->options->count) {
		g_clear_pointer(&details, json_object_unref);
		return;
	}
	if (monitor->client->cli->json != JSON_OFF) {
		JsonObject *document = details ? details : json_object_new();

		json_object_set_int_member(document, "schema", JSON_SCHEMA);
		json_object_set_string_member(document, "event", event);
		model_set_time(document, "time", g_get_real_time());
		output_ndjson(document);
	} else {
		g_clear_pointer(&details, json_object_unref);
		print_line(line);
	}
	/* Nobody reads any more. */
	if (ferror(stdout))
		g_main_loop_quit(monitor->loop);
	/* That it listens is no event yet. */
	if (strcmp(event, "ready") && ++monitor->seen == monitor->options->count)
		g_main_loop_quit(monitor->loop);
}

/* ---- the manager ---- */

static void
on_session_stored(StpDbusManager1 *manager, GVariant *dictionary, gpointer data)
{
	JsonObject *session = model_session(dictionary), *details = json_object_new();
	g_autofree char *start = cell_session_start(session);
	g_autofree char *duration = text_duration(row_int(session, "duration_ms", 0));
	char *text = g_strdup_printf("%s: session stored, start %s, %s, %d samples%s", row_text(session, "id"),
				     start, duration, (int)row_int(session, "samples", 0),
				     row_bool(session, "complete") ? "" : ", incomplete so far");

	json_object_set_object_member(details, "session", session);
	emit(data, "session-stored", details, text);
}

static void
on_sessions_timed(StpDbusManager1 *manager, const char *const *ids, gpointer data)
{
	JsonObject *details = json_object_new();
	JsonArray *array = json_array_new();
	g_autofree char *count = text_count((gint64)g_strv_length((char **)ids), "session");

	for (const char *const *id = ids; *id; id++)
		json_array_add_string_element(array, *id);
	json_object_set_array_member(details, "sessions", array);
	emit(data, "sessions-timed", details,
	     g_strdup_printf("the time of %s is better known now, %s%s", count, *ids ? *ids : "", ids[0] && ids[1] ? ", ..." : ""));
}

static void
on_alert(StpDbusManager1 *manager, GVariant *dictionary, gpointer data)
{
	JsonObject *alert = model_alert(dictionary), *details = json_object_new();
	const char *subject = row_text(alert, "subject");
	const char *what = row_int(alert, "ended_us", 0) ? "over" :
			   row_int(alert, "acknowledged_us", 0) ? "acknowledged" : row_text(alert, "level");
	char *text = g_strdup_printf("%s%s%s, %s: %s %s", row_text(alert, "kind"), *subject ? " " : "", subject, what,
				     row_text(alert, "text"), row_text(alert, "hint"));

	json_object_set_object_member(details, "alert", alert);
	emit(data, "alert", details, text);
}

static void
on_finding(StpDbusManager1 *manager, GVariant *dictionary, gpointer data)
{
	JsonObject *finding = model_finding(dictionary), *details = json_object_new();
	char *text = g_strdup_printf("%s, epoch %08x, record %d: %s: %s %s", row_text(finding, "pen"),
				     (unsigned)row_int(finding, "epoch", 0), (int)row_int(finding, "record", 0),
				     row_text(finding, "kind"), row_text(finding, "text"),
				     row_text(finding, "hint"));

	json_object_set_object_member(details, "finding", finding);
	emit(data, "finding", details, text);
}

static void
emit_state(struct monitor *monitor, const char *event, const char *what, const char *state, const char *hint)
{
	JsonObject *details = json_object_new();
	gboolean hinted = hint && *hint;

	json_object_set_string_member(details, "state", state ? state : "");
	json_object_set_string_member(details, "hint", hint ? hint : "");
	emit(monitor, event, details, g_strdup_printf("%s: %s%s%s", what, state ? state : "", hinted ? ": " : "",
						      hinted ? hint : ""));
}

static void
on_radio(StpDbusManager1 *manager, GParamSpec *spec, gpointer data)
{
	if (stp_dbus_manager1_get_radio_state(manager))
		emit_state(data, "radio-changed", "radio", stp_dbus_manager1_get_radio_state(manager),
			   stp_dbus_manager1_get_radio_hint(manager));
}

static void
on_store(StpDbusManager1 *manager, GParamSpec *spec, gpointer data)
{
	if (stp_dbus_manager1_get_store_state(manager))
		emit_state(data, "store-changed", "store", stp_dbus_manager1_get_store_state(manager),
			   stp_dbus_manager1_get_store_hint(manager));
}

/* Before the pens of a daemon that went are forgotten, and after those of a new one are known. */
static void
on_owner(GObject *pens, GParamSpec *spec, gpointer data)
{
	g_autofree char *owner = g_dbus_object_manager_client_get_name_owner(G_DBUS_OBJECT_MANAGER_CLIENT(pens));

	((struct monitor *)data)->present = owner != NULL;
	if (owner)
		emit(data, "daemon-appeared", NULL, g_strdup("stippled runs"));
	else
		emit(data, "daemon-vanished", NULL,
		     g_strdup("stippled ended; 'systemctl status stippled' says why"));
}

/* ---- the pens ---- */

static JsonObject *
pen_details(StpDbusPen1 *pen)
{
	JsonObject *details = json_object_new();
	const char *serial = stp_dbus_pen1_get_serial(pen);

	json_object_set_string_member(details, "pen", serial ? serial : "");
	return details;
}

static void
append_change(JsonObject *changed, const char *name, JsonNode *node, gpointer data)
{
	GString *text = data;
	g_autofree char *value = NULL;

	/* The moment is told in words, and progress in its own. */
	if (g_str_has_suffix(name, "_us"))
		return;
	if (JSON_NODE_HOLDS_OBJECT(node)) {
		JsonObject *progress = json_node_get_object(node);
		g_autofree char *rate = text_bytes((guint64)row_int(progress, "bytes_per_s", 0));

		value = g_strdup_printf("%d of %d records, %s/s", (int)row_int(progress, "done", 0),
					(int)row_int(progress, "wanted", 0), rate);
	} else if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING) {
		value = g_strdup(json_node_get_string(node));
	} else {
		value = json_to_string(node, FALSE);
	}
	g_string_append_printf(text, "%s %s %s", text->len ? "," : "", name, *value ? value : "none");
}

static void
on_pen_changed(GDBusObjectManagerClient *manager, GDBusObjectProxy *object, GDBusProxy *proxy,
	       GVariant *properties, const char *const *invalidated, gpointer data)
{
	if (!STP_DBUS_IS_PEN1(proxy) || !g_variant_n_children(properties))
		return;
	JsonObject *details = pen_details(STP_DBUS_PEN1(proxy)), *changed = model_pen_changes(properties);
	g_autoptr(GString) text = g_string_new(NULL);

	json_object_foreach_member(changed, append_change, text);
	json_object_set_object_member(details, "changed", changed);
	emit(data, "pen-changed", details, g_strdup_printf("%s:%s", row_text(details, "pen"), text->str));
}

static void
on_pen_signal(GDBusObjectManagerClient *manager, GDBusObjectProxy *object, GDBusProxy *proxy,
	      const char *sender, const char *signal, GVariant *parameters, gpointer data)
{
	g_autoptr(GVariant) result = NULL;
	const char *error;

	if (!STP_DBUS_IS_PEN1(proxy) || strcmp(signal, "SyncEnded") ||
	    !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv})")))
		return;
	g_variant_get(parameters, "(&s@a{sv})", &error, &result);

	JsonObject *details = pen_details(STP_DBUS_PEN1(proxy)), *numbers = model_sync_result(result);
	char *text = *error ? g_strdup_printf("%s: sync failed: %s", row_text(details, "pen"), error) :
			      g_strdup_printf("%s: sync ended, %d records, %d damaged", row_text(details, "pen"),
					      (int)row_int(numbers, "records", 0),
					      (int)row_int(numbers, "damaged", 0));

	json_object_set_string_member(details, "error", error);
	json_object_set_object_member(details, "result", numbers);
	emit(data, "sync-ended", details, text);
}

static void
tell_object(struct monitor *monitor, GDBusObject *object, const char *event, const char *what)
{
	g_autoptr(StpDbusPen1) pen = STP_DBUS_IS_OBJECT(object) ? stp_dbus_object_get_pen1(STP_DBUS_OBJECT(object)) :
								  NULL;

	/* Pens come and go with the daemon without anyone having enrolled or removed them. */
	if (!pen || !monitor->present)
		return;
	JsonObject *details = pen_details(pen);

	emit(monitor, event, details, g_strdup_printf("%s: %s", row_text(details, "pen"), what));
}

static void
on_pen_added(GDBusObjectManager *manager, GDBusObject *object, gpointer data)
{
	tell_object(data, object, "pen-added", "enrolled");
}

static void
on_pen_removed(GDBusObjectManager *manager, GDBusObject *object, gpointer data)
{
	tell_object(data, object, "pen-removed", "no longer enrolled");
}

/* ---- the command ---- */

static gboolean
on_interrupt(gpointer data)
{
	g_main_loop_quit(((struct monitor *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static void
on_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
	struct monitor *monitor = data;
	g_autoptr(GError) gone = g_error_new(G_IO_ERROR, G_IO_ERROR_CLOSED, "the bus went away");

	monitor->exit_code = cli_fail_error(monitor->client->cli, gone);
	g_main_loop_quit(monitor->loop);
}

static void
connect_signals(struct monitor *monitor)
{
	StpDbusManager1 *manager = monitor->client->manager;
	GDBusObjectManager *pens = monitor->client->pens;

	g_signal_connect(manager, "session-stored", G_CALLBACK(on_session_stored), monitor);
	g_signal_connect(manager, "sessions-timed", G_CALLBACK(on_sessions_timed), monitor);
	g_signal_connect(manager, "finding", G_CALLBACK(on_finding), monitor);
	g_signal_connect(manager, "alert", G_CALLBACK(on_alert), monitor);
	g_signal_connect(manager, "notify::radio-state", G_CALLBACK(on_radio), monitor);
	g_signal_connect(manager, "notify::store-state", G_CALLBACK(on_store), monitor);
	g_signal_connect(pens, "notify::name-owner", G_CALLBACK(on_owner), monitor);
	g_signal_connect(pens, "interface-proxy-properties-changed", G_CALLBACK(on_pen_changed), monitor);
	g_signal_connect(pens, "interface-proxy-signal", G_CALLBACK(on_pen_signal), monitor);
	g_signal_connect(pens, "object-added", G_CALLBACK(on_pen_added), monitor);
	g_signal_connect(pens, "object-removed", G_CALLBACK(on_pen_removed), monitor);
	g_signal_connect(monitor->client->bus, "closed", G_CALLBACK(on_closed), monitor);
}

static void
disconnect_signals(struct monitor *monitor)
{
	g_signal_handlers_disconnect_by_data(monitor->client->manager, monitor);
	g_signal_handlers_disconnect_by_data(monitor->client->pens, monitor);
	g_signal_handlers_disconnect_by_data(monitor->client->bus, monitor);
}

static void
emit_ready(struct monitor *monitor)
{
	const char *version = stp_dbus_manager1_get_version(monitor->client->manager);
	JsonObject *details = json_object_new();

	json_object_set_string_member(details, "version", version ? version : "");
	emit(monitor, "ready", details, g_strdup_printf("watching stippled %s", version ? version : ""));
}

static int
run(struct cli *cli, const void *options, char **args)
{
	struct client client;
	struct monitor monitor = { .client = &client, .options = options, .present = TRUE };
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	code = client_load_pens(&client);
	if (code == EXIT_OK) {
		monitor.loop = g_main_loop_new(NULL, FALSE);

		guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, &monitor);
		guint terminate = g_unix_signal_add(SIGTERM, on_interrupt, &monitor);

		connect_signals(&monitor);
		emit_ready(&monitor);
		g_main_loop_run(monitor.loop);
		disconnect_signals(&monitor);
		g_source_remove(interrupt);
		g_source_remove(terminate);
		g_main_loop_unref(monitor.loop);
		code = monitor.exit_code;
	}
	client_close(&client);
	return code;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.path = "monitor",
	.arguments = "",
	.summary = "Show what happens as it happens, one line for each event",
	.details = "With --json, one object a line. Ends with 0 on Ctrl-C.",
	.options = table,
	.option_count = G_N_ELEMENTS(table),
	.options_size = sizeof(struct monitor_options),
	.run = run,
};
