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
#include "progress.h"
#include "text.h"
#include "when.h"

/* sync: fetch what the pens have that the store has not, and show how it goes. */

/* Seconds a pen may take to come into sight, unless told otherwise: the daemon's own default. */
struct sync_options {
	gboolean no_wait;
	int timeout;
	char *record, *since;
};

static const struct option table[] = {
	{ "no-wait", 0, OPTION_FLAG, offsetof(struct sync_options, no_wait), NULL,
	  "Ask for it and return at once" },
	{ "timeout", 0, OPTION_COUNT, offsetof(struct sync_options, timeout), "SECONDS",
	  "How long to wait for a pen to come into sight (30)" },
	{ "record", 0, OPTION_TEXT, offsetof(struct sync_options, record), "NUMBER[-NUMBER]",
	  "Fetch no more than these records of the pen's log" },
	{ "since", 0, OPTION_TEXT, offsetof(struct sync_options, since), "TIME",
	  "Fetch no more than what began at or after a time" },
};

struct sync;

/* One pen of this run. */
struct job {
	struct sync *sync;
	StpDbusPen1 *pen;
	gulong changed;
	gboolean done;
	GVariant *result;	/* NULL: it failed */
	GError *error;
};

struct sync {
	struct client *client;
	const struct sync_options *options;
	guint64 from, to;	/* record numbers; 0: any */
	gint64 since;
	GPtrArray *jobs;	/* (element-type struct job) */
	GMainLoop *loop;
	GCancellable *cancellable;
	struct progress progress;
	guint running;
	gboolean interrupted;
};

static void
job_free(gpointer data)
{
	struct job *job = data;

	g_clear_signal_handler(&job->changed, job->pen);
	g_clear_object(&job->pen);
	g_clear_pointer(&job->result, g_variant_unref);
	g_clear_error(&job->error);
	g_free(job);
}

/* ---- while it goes ---- */

static void
append_end(GString *text, StpDbusPen1 *pen)
{
	g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(G_DBUS_PROXY(pen), "SecondsLeft");
	guint32 seconds = value ? g_variant_get_uint32(value) : G_MAXUINT32;

	if (seconds == G_MAXUINT32)
		return;

	g_autofree char *left = text_duration((gint64)seconds * 1000);

	g_string_append_printf(text, ", about %s left", left);
}

static void
show_progress(struct sync *sync)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < sync->jobs->len; i++) {
		struct job *job = sync->jobs->pdata[i];
		GVariant *progress = stp_dbus_pen1_get_progress(job->pen);
		const char *state = stp_dbus_pen1_get_state(job->pen);
		guint64 wanted = 0, done = 0, bytes = 0, rate = 0;

		if (job->done)
			continue;
		g_string_append_printf(text, "%s%s: %s", text->len ? "; " : "", stp_dbus_pen1_get_serial(job->pen),
				       state ? state : "");
		if (g_strcmp0(state, "syncing") || !progress)
			continue;
		g_variant_get(progress, "(tttt)", &wanted, &done, &bytes, &rate);
		/* The pen has not told yet what it has. */
		if (!wanted)
			continue;

		g_autofree char *size = text_bytes(bytes);
		g_autofree char *speed = text_bytes(rate);

		g_string_append_printf(text, ", %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records, %s, %s/s",
				       done, wanted, size, speed);
		append_end(text, job->pen);
	}
	if (text->len)
		progress_update(&sync->progress, "%s", text->str);
}

static void
on_changed(GDBusProxy *proxy, GVariant *changed, const char *const *invalidated, gpointer data)
{
	show_progress(((struct job *)data)->sync);
}

static void
finish_one(struct sync *sync)
{
	if (--sync->running == 0)
		g_main_loop_quit(sync->loop);
	else
		show_progress(sync);
}

static void
on_synced(GObject *source, GAsyncResult *result, gpointer data)
{
	struct job *job = data;

	stp_dbus_pen1_call_sync_finish(STP_DBUS_PEN1(source), &job->result, result, &job->error);
	job->done = TRUE;
	finish_one(job->sync);
}

/* The first one stops the pens and waits for what they still say; the second one just ends. */
static gboolean
on_interrupt(gpointer data)
{
	struct sync *sync = data;

	if (sync->interrupted) {
		g_cancellable_cancel(sync->cancellable);
		return G_SOURCE_CONTINUE;
	}
	sync->interrupted = TRUE;
	for (guint i = 0; i < sync->jobs->len; i++) {
		struct job *job = sync->jobs->pdata[i];

		if (!job->done)
			stp_dbus_pen1_call_cancel(job->pen, NULL, NULL, NULL);
	}
	return G_SOURCE_CONTINUE;
}

static void
on_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
	g_cancellable_cancel(((struct sync *)data)->cancellable);
}

static int
read_choice(struct sync *sync)
{
	const char *record = sync->options->record, *since = sync->options->since;
	char *end = NULL;

	if (record) {
		sync->from = sync->to = g_ascii_strtoull(record, &end, 10);
		if (*end == '-')
			sync->to = g_ascii_strtoull(end + 1, &end, 10);
		if (!g_ascii_isdigit(*record) || *end || !sync->from || sync->from > sync->to ||
		    sync->to > G_MAXUINT32)
			return cli_fail(sync->client->cli, EXIT_USAGE, "usage",
					"Write a number from 1, or two, as in --record 12-15.",
					"--record does not understand \"%s\".", record);
	}
	if (since && !when_parse(since, g_get_real_time(), WHEN_SINCE, &sync->since))
		return cli_fail(sync->client->cli, EXIT_USAGE, "usage",
				"Write 2026-01-31, \"2026-01-31 10:30\", today, yesterday or \"3 days ago\".",
				"--since does not understand \"%s\".", since);
	return EXIT_OK;
}

static GVariant *
call_options(const struct sync *sync)
{
	const struct sync_options *options = sync->options;
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	if (options->no_wait)
		g_variant_builder_add(&builder, "{sv}", "wait", g_variant_new_boolean(FALSE));
	if (options->timeout)
		g_variant_builder_add(&builder, "{sv}", "timeout", g_variant_new_uint32((guint)options->timeout));
	if (sync->from) {
		g_variant_builder_add(&builder, "{sv}", "from", g_variant_new_uint32((guint32)sync->from));
		g_variant_builder_add(&builder, "{sv}", "to", g_variant_new_uint32((guint32)sync->to));
	}
	if (sync->since)
		g_variant_builder_add(&builder, "{sv}", "since", g_variant_new_int64(sync->since));
	return g_variant_builder_end(&builder);
}

static void
start(struct sync *sync)
{
	for (guint i = 0; i < sync->jobs->len; i++) {
		struct job *job = sync->jobs->pdata[i];

		/* A sync takes as long as it takes; the bus tells when the daemon goes. */
		g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(job->pen), G_MAXINT);
		job->changed = g_signal_connect(job->pen, "g-properties-changed", G_CALLBACK(on_changed), job);
		sync->running++;
		stp_dbus_pen1_call_sync(job->pen, call_options(sync), sync->cancellable, on_synced, job);
	}
}

/* ---- what came of it ---- */

static JsonObject *
job_object(struct job *job)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "serial", stp_dbus_pen1_get_serial(job->pen));
	json_object_set_string_member(object, "label", stp_dbus_pen1_get_label(job->pen));
	if (job->result) {
		json_object_set_object_member(object, "result", model_sync_result(job->result));
		json_object_set_null_member(object, "error");
		return object;
	}
	JsonObject *error = json_object_new();
	struct failure failure;

	failure_init(&failure, job->error);
	json_object_set_string_member(error, "code", failure.code);
	json_object_set_string_member(error, "message", failure.message);
	json_object_set_string_member(error, "hint", failure.hint);
	failure_clear(&failure);
	json_object_set_null_member(object, "result");
	json_object_set_object_member(object, "error", error);
	return object;
}

static guint32
result_count(const struct job *job, const char *name)
{
	guint32 value = 0;

	if (job->result)
		g_variant_lookup(job->result, name, "u", &value);
	return value;
}

static int
job_exit_code(const struct job *job)
{
	struct failure failure;

	if (!job->result) {
		failure_init(&failure, job->error);
		failure_clear(&failure);
		return failure.exit_code;
	}
	if (result_count(job, "damaged") || result_count(job, "given_up") || result_count(job, "conflicts"))
		return EXIT_INTEGRITY;
	return result_count(job, "records") ? EXIT_OK : EXIT_NOTHING;
}

/* What was asked for by number is no record of the pen's. */
static gboolean
is_beyond(const struct job *job)
{
	const struct sync *sync = job->sync;
	guint32 oldest = 1, newest = 0;

	if (!sync->from || !job->result || !g_variant_lookup(job->result, "newest", "u", &newest))
		return FALSE;
	g_variant_lookup(job->result, "oldest", "u", &oldest);
	return sync->from > newest || sync->to < oldest;
}

static void
print_log(const struct job *job)
{
	guint32 oldest = result_count(job, "oldest"), newest = result_count(job, "newest");
	const struct sync *sync = job->sync;
	const char *serial = stp_dbus_pen1_get_serial(job->pen);

	printf("%s: the pen has no record %" G_GUINT64_FORMAT, serial, sync->from);
	if (sync->to != sync->from)
		printf(" to %" G_GUINT64_FORMAT, sync->to);
	if (oldest > newest)
		puts("; its log is empty");
	else
		printf("; its log holds %u to %u%s\n", oldest, newest,
		       sync->to < oldest ? ", and 'stipplectl coverage' says what became of the older ones" : "");
}

static void
print_job(struct job *job)
{
	const char *serial = stp_dbus_pen1_get_serial(job->pen);
	guint32 damaged = result_count(job, "damaged"), given_up = result_count(job, "given_up");
	guint32 conflicts = result_count(job, "conflicts");
	guint64 bytes = 0, ms = 0;

	if (!job->result) {
		struct failure failure;

		failure_init(&failure, job->error);

		g_autofree char *text = failure_text(&failure);
		g_autofree char *clean = text_clean(text);

		/* What is about the pen names it; what is about the adapter or the store does not. */
		if (strstr(clean, serial))
			fprintf(stderr, "stipplectl: %s\n", clean);
		else
			fprintf(stderr, "stipplectl: pen %s: %s\n", serial, clean);
		failure_clear(&failure);
		return;
	}
	g_variant_lookup(job->result, "bytes", "t", &bytes);
	g_variant_lookup(job->result, "duration_ms", "t", &ms);
	if (is_beyond(job)) {
		print_log(job);
		return;
	}
	if (!result_count(job, "records") && !damaged && !given_up && !conflicts) {
		printf("%s: nothing new\n", serial);
		return;
	}
	g_autofree char *records = text_count(result_count(job, "records"), "record");
	g_autofree char *size = text_bytes(bytes);
	g_autofree char *time = text_duration((gint64)ms);
	g_autofree char *speed = text_bytes(ms ? bytes * 1000 / ms : 0);

	printf("%s: %s, %s in %s (%s/s)", serial, records, size, time, speed);
	if (conflicts)
		printf(", %u unlike what was stored under their numbers", conflicts);
	if (damaged)
		printf(", %u damaged", damaged);
	if (given_up)
		printf(", %u could not be had", given_up);
	printf("%s\n", damaged || given_up || conflicts ? "; 'stipplectl coverage' says more" : "");
}

/* Failures first, then damage; "nothing new" only when that holds for all. */
static int
summary_code(struct sync *sync)
{
	gboolean any_new = FALSE, damage = FALSE;

	for (guint i = 0; i < sync->jobs->len; i++) {
		int code = job_exit_code(sync->jobs->pdata[i]);

		if (code == EXIT_OK)
			any_new = TRUE;
		else if (code == EXIT_INTEGRITY)
			damage = TRUE;
		else if (code != EXIT_NOTHING)
			return code;
	}
	if (damage)
		return EXIT_INTEGRITY;
	return any_new ? EXIT_OK : EXIT_NOTHING;
}

static int
summarize(struct sync *sync)
{
	struct cli *cli = sync->client->cli;

	progress_clear(&sync->progress);
	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();
		JsonArray *pens = json_array_new();

		for (guint i = 0; i < sync->jobs->len; i++)
			json_array_add_object_element(pens, job_object(sync->jobs->pdata[i]));
		json_object_set_boolean_member(document, "interrupted", sync->interrupted);
		json_object_set_array_member(document, "pens", pens);
		output_json(cli, document);
	} else {
		for (guint i = 0; i < sync->jobs->len; i++)
			print_job(sync->jobs->pdata[i]);
	}
	return summary_code(sync);
}

static int
wait_for_all(struct sync *sync)
{
	sync->loop = g_main_loop_new(NULL, FALSE);
	sync->cancellable = g_cancellable_new();

	gulong closed = g_signal_connect(sync->client->bus, "closed", G_CALLBACK(on_closed), sync);
	guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, sync);

	start(sync);
	show_progress(sync);
	g_main_loop_run(sync->loop);
	g_source_remove(interrupt);
	g_signal_handler_disconnect(sync->client->bus, closed);
	g_clear_object(&sync->cancellable);
	g_main_loop_unref(sync->loop);
	return summarize(sync);
}

/* ---- without waiting ---- */

static int
print_asked(struct sync *sync)
{
	struct cli *cli = sync->client->cli;

	if (cli->json != JSON_OFF) {
		JsonObject *document = output_new_document();
		JsonArray *pens = json_array_new();

		for (guint i = 0; i < sync->jobs->len; i++) {
			struct job *job = sync->jobs->pdata[i];

			json_array_add_string_element(pens, stp_dbus_pen1_get_serial(job->pen));
		}
		json_object_set_array_member(document, "asked", pens);
		output_json(cli, document);
	} else {
		g_autofree char *pens = text_count(sync->jobs->len, "pen");

		printf("%s will be synced as soon as in sight; 'stipplectl monitor' shows it.\n", pens);
	}
	return EXIT_OK;
}

static int
ask_only(struct sync *sync, gboolean all)
{
	g_autoptr(GError) error = NULL;

	if (all && !sync->since) {
		if (!stp_dbus_manager1_call_sync_all_sync(sync->client->manager, NULL, &error))
			return cli_fail_error(sync->client->cli, error);
		return print_asked(sync);
	}
	for (guint i = 0; i < sync->jobs->len; i++) {
		struct job *job = sync->jobs->pdata[i];
		g_autoptr(GVariant) result = NULL;

		if (!stp_dbus_pen1_call_sync_sync(job->pen, call_options(sync), &result, NULL, &error))
			return cli_fail_error(sync->client->cli, error);
	}
	return print_asked(sync);
}

/* ---- the command ---- */

static void
add_job(struct sync *sync, StpDbusPen1 *pen)
{
	for (guint i = 0; i < sync->jobs->len; i++) {
		if (((struct job *)sync->jobs->pdata[i])->pen == pen)
			return;
	}
	struct job *job = g_new0(struct job, 1);

	job->sync = sync;
	job->pen = g_object_ref(pen);
	g_ptr_array_add(sync->jobs, job);
}

static int
choose_pens(struct sync *sync, char **args)
{
	int code = client_load_pens(sync->client);

	if (code != EXIT_OK)
		return code;
	for (char **which = args; *which; which++) {
		g_autoptr(StpDbusPen1) pen = NULL;

		code = client_find_pen(sync->client, *which, &pen);
		if (code != EXIT_OK)
			return code;
		add_job(sync, pen);
	}
	if (!args[0]) {
		g_autoptr(GPtrArray) pens = client_list_pens(sync->client);

		for (guint i = 0; i < pens->len; i++)
			add_job(sync, pens->pdata[i]);
	}
	if (sync->from && sync->jobs->len != 1)
		return cli_fail(sync->client->cli, EXIT_USAGE, "usage", "Name the pen.",
				"--record is of one pen's log, as each counts for itself.");
	if (!sync->jobs->len)
		return cli_fail(sync->client->cli, EXIT_NOTHING, "nothing",
				"'stipplectl pens add' shows which could be.", "No pen is enrolled.");
	return EXIT_OK;
}

static int
run(struct cli *cli, const void *options, char **args)
{
	struct client client;
	struct sync sync = { .client = &client, .options = options };
	int code = client_open(&client, cli);

	if (code != EXIT_OK)
		return code;
	progress_init(&sync.progress, cli);
	sync.jobs = g_ptr_array_new_with_free_func(job_free);
	code = read_choice(&sync);
	if (code == EXIT_OK)
		code = choose_pens(&sync, args);
	if (code == EXIT_OK)
		code = sync.options->no_wait ? ask_only(&sync, !args[0]) : wait_for_all(&sync);
	g_ptr_array_unref(sync.jobs);
	client_close(&client);
	return code;
}

const struct command cmd_sync = {
	.name = "sync",
	.path = "sync",
	.arguments = "[PEN...]",
	.summary = "Fetch what the pens have recorded and the store does not hold yet",
	.details = "Pens in sight are synced by themselves; this waits for it and shows it. Without PEN, every\n"
		   "enrolled pen. Ctrl-C stops it; what arrived is kept. Exits with 2 when nothing was new.",
	.options = table,
	.option_count = G_N_ELEMENTS(table),
	.options_size = sizeof(struct sync_options),
	.args_max = -1,
	.run = run,
};
